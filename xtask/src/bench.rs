//! Measures Kerf. The measuring itself is the package `tests/bench`, since it needs the scripted model server.

use crate::{Done, run, window};

pub(crate) fn run(arguments: &[String]) -> Done {
    run::run(run::cargo().args(["build", "--release", "--locked", "--package", "kerf-cli"]))?;
    if wants_window(arguments)
        && let Err(why) = window::ready_for_bench()
    {
        // Its rows say in the table what is missing.
        println!("the window is not built anew: {why}");
    }
    run::run(
        run::cargo()
            .args(["run", "--release", "--quiet", "--package", "bench", "--"])
            .arg(run::built("release", "kerf"))
            .args(arguments),
    )
}

/// Whether a row of the window is asked for, by its name or as one of all.
fn wants_window(arguments: &[String]) -> bool {
    !arguments.iter().any(|argument| argument == "--rows")
        || arguments
            .iter()
            .any(|argument| argument.starts_with("window"))
}
