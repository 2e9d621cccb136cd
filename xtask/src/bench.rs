//! Measures Kerf. The measuring itself is the package `tests/bench`, since it needs the scripted model server.

use crate::{Done, run};

pub(crate) fn run(arguments: &[String]) -> Done {
    run::run(run::cargo().args(["build", "--release", "--package", "kerf-cli"]))?;
    run::run(
        run::cargo()
            .args(["run", "--release", "--quiet", "--package", "bench", "--"])
            .arg(run::built("release", "kerf"))
            .args(arguments),
    )
}
