//! The interface's own checks and tests, and then the built interface around the engine, in a browser without a display.

use crate::{
    Done, run,
    setup::{self, Purpose},
    test::Counts,
    window,
};
use std::process::Command;

/// Checks and tests the interface, and counts it all. What it needs and this machine does not have leaves it out.
/// The stories in a browser need what [`build`] builds.
pub(crate) fn test(counts: &mut Counts, agreed: bool) {
    if let Err(why) = setup::ensure(&[Purpose::Interface], agreed) {
        println!("the interface's tests are left out: {why}");
        counts.skip();
        return;
    }
    let installed = window::install_libraries();
    if installed.is_err() {
        counts.check("the interface's libraries", installed);
        return;
    }
    counts.check("the interface's types", script("check"));
    counts.check("the interface's style", script("lint"));
    vitest(counts, "test");
    let built = window::build_interface();
    if built.is_err() {
        counts.check("the interface as it is built", built);
        return;
    }
    vitest(counts, "e2e");
}

fn script(name: &str) -> Done {
    run::run(window::npm().args(["run", name]))
}

/// Builds the server that the interface's stories run against.
pub(crate) fn build() -> Done {
    run::run(run::cargo().args(["build", "--locked", "--package", "ui-server"]))
}

fn vitest(counts: &mut Counts, name: &str) {
    counts.run(&mut vitest_of(name), Counts::vitest);
}

/// One of the interface's two groups of tests, with what it needs told to it.
pub(crate) fn vitest_of(name: &str) -> Command {
    let mut npm = window::npm();
    npm.args(["run", name])
        .env("NO_COLOR", "1")
        .env_remove("FORCE_COLOR")
        .env("CARGO_TARGET_DIR", run::target())
        .env("KERF_UI_SERVER", run::built("debug", "ui-server"));
    if let Some(browser) = setup::browser() {
        npm.env("KERF_CHROMIUM", browser);
    }
    npm
}
