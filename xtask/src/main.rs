//! The project's own commands: `cargo xtask NAME`.
//!
//! This crate uses the standard library alone, so that it starts on a machine that has nothing but Rust and git; so does
//! the table of attacks, which it reads.
//! It installs what the other commands need, says so before each privileged step, and runs them.
//! It knows nothing of Kerf's insides; what needs them is a package under `tests/`.
//!
//! Start with [`COMMANDS`].

mod attacks;
mod bench;
mod demo;
mod fuzz;
mod real_model;
mod run;
mod setup;
mod sqlx;
mod test;
mod types;
mod ui;
mod window;

use std::{env, process::ExitCode};

/// How a command ends: what went wrong in one line, if anything.
type Done = Result<(), String>;

struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Done,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "app",
        about: "[FOLDER] [--yes]  build the window and open it; without a display, the demo",
        run: window::run,
    },
    Command {
        name: "demo",
        about: "[--yes]  build Kerf and run the main job once on a sample repository",
        run: demo::run,
    },
    Command {
        name: "test",
        about: "[--ci] [--yes] [--interface] [--real-model]  every check and every test; or the interface's alone",
        run: test::run,
    },
    Command {
        name: "attacks",
        about: "[ID…] [--long] [--yes]  try the attacks and faults of tests/attacks/table.txt, and say what holds",
        run: attacks::run,
    },
    Command {
        name: "fuzz",
        about: "[TARGET…] [--seconds N] [--keep]  fuzz what reads what others wrote",
        run: fuzz::run,
    },
    Command {
        name: "types",
        about: "[--check]  generate the TypeScript of the protocol",
        run: types::run,
    },
    Command {
        name: "sqlx",
        about: "[--check]  generate the offline data of the checked queries",
        run: sqlx::run,
    },
    Command {
        name: "bench",
        about: "measure Kerf; the table is docs/performance.md",
        run: bench::run,
    },
    Command {
        name: "setup",
        about: "[--yes]  install what the other commands need",
        run: setup::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        help();
        return ExitCode::from(2);
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        help();
        return ExitCode::from(if name == "help" || name == "--help" {
            0
        } else {
            2
        });
    };
    match (command.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn help() {
    println!("cargo xtask NAME\n");
    for command in COMMANDS {
        println!("  {:<7} {}", command.name, command.about);
    }
}
