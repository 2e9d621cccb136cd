//! Measures the `kerf` program and the window: `bench PATH_TO_KERF [--rows NAME…]`, run by `cargo xtask bench`.
//!
//! Kerf runs as a child process, as a user would start it, with default settings and against the scripted model
//! server; so the times hold its whole way, disk included. What the server itself costs is measured too, by a
//! client that does nothing, and stands beside.
//!
//! This is no profiler and no test: it prints a Markdown table with the limits and the best figure of comparable
//! agents on the same kind of machine, and fails only when something could not be measured. Quiet machines give
//! steady figures; CPU seconds and bytes are the ones to trust on others.
//!
//! Start with [`ROWS`]; each row is a file. Those of the window are in `window/`; `--rows window` runs them all.

mod calls;
mod child;
mod floor;
mod gap;
mod machine;
mod numbers;
mod processes;
mod room;
mod start;
mod stream;
mod table;
#[cfg(target_os = "linux")]
mod window;
/// Only on Linux has the web view a driver.
#[cfg(not(target_os = "linux"))]
mod window {
    pub(crate) const ROWS: &[crate::Row] = &[];
}

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};
use table::Table;

/// How a measurement ends: what went wrong, if anything.
type Done<T = ()> = Result<T, String>;

struct Row {
    name: &'static str,
    run: fn(&Path, &mut Table) -> Done,
}

const ROWS: &[Row] = &[
    Row {
        name: "start",
        run: start::run,
    },
    Row {
        name: "gap",
        run: gap::run,
    },
    Row {
        name: "calls",
        run: calls::run,
    },
    Row {
        name: "stream",
        run: stream::run,
    },
];

/// All rows.
fn all_rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().chain(window::ROWS)
}

impl Row {
    /// Whether a name on the command line means this row: its own, or the one of its group.
    fn is_meant(&self, name: &str) -> bool {
        self.name == name
            || self
                .name
                .split_once('-')
                .is_some_and(|(group, _)| group == name)
    }
}

fn main() -> ExitCode {
    let (kerf, wanted) = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            let names: Vec<&str> = all_rows().map(|row| row.name).collect();
            eprintln!(
                "error: {error}\nusage: bench PATH_TO_KERF [--rows NAME…]; the rows are {}",
                names.join(", ")
            );
            return ExitCode::from(2);
        }
    };
    let mut table = Table::default();
    let mut failed = false;
    for row in
        all_rows().filter(|row| wanted.is_empty() || wanted.iter().any(|name| row.is_meant(name)))
    {
        eprintln!("measuring {} …", row.name);
        if let Err(error) = (row.run)(&kerf, &mut table) {
            eprintln!("error: {}: {error}", row.name);
            table.failed(row.name, &error);
            failed = true;
        }
    }
    println!("{}\n\n{table}", machine::facts());
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn arguments() -> Done<(PathBuf, Vec<String>)> {
    let mut kerf = None;
    let mut rows = Vec::new();
    let mut in_rows = false;
    for argument in env::args().skip(1) {
        match argument.as_str() {
            "--rows" => in_rows = true,
            name if in_rows => {
                if !all_rows().any(|row| row.is_meant(name)) {
                    return Err(format!("there is no row `{name}`"));
                }
                rows.push(name.to_owned());
            }
            path if kerf.is_none() => kerf = Some(PathBuf::from(path)),
            other => return Err(format!("`{other}` is not understood")),
        }
    }
    let kerf = kerf.ok_or("the path of the kerf program is missing")?;
    let kerf = kerf
        .canonicalize()
        .map_err(|error| format!("{} cannot be used: {error}", kerf.display()))?;
    Ok((kerf, rows))
}
