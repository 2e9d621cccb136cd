//! Measures the `kerf` program, search and the window: `bench PATH_TO_KERF [--rows NAME…] [--tree FOLDER…]
//! [--history REPOSITORY…]`, run by `cargo xtask bench`.
//!
//! Kerf runs as a child process, as a user would start it, with default settings and against the scripted model
//! server; so the times hold its whole way, disk included. What the server itself costs is measured too, by a
//! client that does nothing, and stands beside.
//!
//! This is no profiler and no test: it prints a Markdown table with the limits and the best figure of comparable
//! agents on the same kind of machine, and fails only when something could not be measured. Quiet machines give
//! steady figures; CPU seconds and bytes are the ones to trust on others.
//!
//! Start with [`ROWS`]; each row is a file. Those of search are in `search/` and run in this process; those of the
//! window are in `window/`. `--rows search` and `--rows window` run all of a group.

mod calls;
mod checkpoint;
mod child;
mod commands;
mod floor;
mod gap;
mod machine;
mod numbers;
mod processes;
mod room;
mod search;
mod secrets;
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
mod worktree;

use std::{env, path::PathBuf, process::ExitCode};
use table::Table;

/// How a measurement ends: what went wrong, if anything.
type Done<T = ()> = Result<T, String>;

struct Row {
    name: &'static str,
    run: fn(&Asked, &mut Table) -> Done,
}

/// What the command line says.
#[derive(Debug, Default)]
struct Asked {
    /// The built program.
    kerf: PathBuf,
    /// The rows to run; none: all.
    rows: Vec<String>,
    /// Folders to search, besides Kerf's own sources.
    trees: Vec<PathBuf>,
    /// Repositories whose history asks, instead of Kerf's own.
    histories: Vec<PathBuf>,
    kept: search::Kept,
}

const ROWS: &[Row] = &[
    Row {
        name: "start",
        run: |asked, table| start::run(&asked.kerf, table),
    },
    Row {
        name: "gap",
        run: |asked, table| gap::run(&asked.kerf, table),
    },
    Row {
        name: "calls",
        run: |asked, table| calls::run(&asked.kerf, table),
    },
    Row {
        name: "commands",
        run: |asked, table| commands::run(&asked.kerf, table),
    },
    Row {
        name: "secrets",
        run: secrets::run,
    },
    Row {
        name: "stream",
        run: |asked, table| stream::run(&asked.kerf, table),
    },
    Row {
        name: "checkpoint",
        run: |_, table| checkpoint::run(table),
    },
    Row {
        name: "worktree",
        run: |_, table| worktree::run(table),
    },
];

/// All rows.
fn all_rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().chain(search::ROWS).chain(window::ROWS)
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
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [once, what @ ..] = arguments.as_slice()
        && once == search::ONCE
    {
        return search::once(what);
    }
    let asked = match read(arguments) {
        Ok(asked) => asked,
        Err(error) => {
            let names: Vec<&str> = all_rows().map(|row| row.name).collect();
            eprintln!(
                "error: {error}\nusage: bench PATH_TO_KERF [--rows NAME…] [--tree FOLDER…] [--history REPOSITORY…]; \
                 the rows are {}",
                names.join(", ")
            );
            return ExitCode::from(2);
        }
    };
    let mut table = Table::default();
    let mut failed = false;
    let is_wanted =
        |row: &&Row| asked.rows.is_empty() || asked.rows.iter().any(|name| row.is_meant(name));
    for row in all_rows().filter(is_wanted) {
        eprintln!("measuring {} …", row.name);
        if let Err(error) = (row.run)(&asked, &mut table) {
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

fn read(arguments: Vec<String>) -> Done<Asked> {
    let mut kerf = None;
    let mut asked = Asked::default();
    let mut of = String::new();
    for argument in arguments {
        match (of.as_str(), argument.as_str()) {
            (_, "--rows" | "--tree" | "--history") => of = argument,
            ("--rows", name) => {
                if !all_rows().any(|row| row.is_meant(name)) {
                    return Err(format!("there is no row `{name}`"));
                }
                asked.rows.push(argument);
            }
            ("--tree", path) => asked.trees.push(real(path)?),
            ("--history", path) => asked.histories.push(real(path)?),
            (_, path) if kerf.is_none() => kerf = Some(real(path)?),
            (_, other) => return Err(format!("`{other}` is not understood")),
        }
    }
    asked.kerf = kerf.ok_or("the path of the kerf program is missing")?;
    Ok(asked)
}

fn real(path: &str) -> Done<PathBuf> {
    PathBuf::from(path)
        .canonicalize()
        .map_err(|error| format!("{path} cannot be used: {error}"))
}
