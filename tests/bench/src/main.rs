//! Measures the `kerf` program: `bench PATH_TO_KERF [--rows NAME…]`, run by `cargo xtask bench`.
//!
//! Kerf runs as a child process, as a user would start it, with default settings and against the scripted model
//! server; so the times hold its whole way, disk included. What the server itself costs is measured too, by a
//! client that does nothing, and stands beside.
//!
//! This is no profiler and no test: it prints a Markdown table with the limits and the best figure of comparable
//! agents on the same kind of machine, and fails only when something could not be measured. Quiet machines give
//! steady figures; CPU seconds and bytes are the ones to trust on others.
//!
//! Start with [`ROWS`]; each row is a file.

mod calls;
mod child;
mod floor;
mod gap;
mod machine;
mod numbers;
mod room;
mod start;
mod stream;
mod table;

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

fn main() -> ExitCode {
    let (kerf, wanted) = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            let names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
            eprintln!(
                "error: {error}\nusage: bench PATH_TO_KERF [--rows NAME…]; the rows are {}",
                names.join(", ")
            );
            return ExitCode::from(2);
        }
    };
    let mut table = Table::default();
    let mut failed = false;
    for row in ROWS
        .iter()
        .filter(|row| wanted.is_empty() || wanted.iter().any(|name| name == row.name))
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
                if !ROWS.iter().any(|row| row.name == name) {
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
