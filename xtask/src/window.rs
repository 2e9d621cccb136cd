//! The window: the interface built by npm, then the program around it, then opened.

use crate::{
    Done, demo, run,
    setup::{self, NPM, Purpose},
};
use std::{env, fs, path::PathBuf, process::Command};

/// The window's package.
pub(crate) const PACKAGE: &str = "kerf-desktop";
/// The package of its tests.
pub(crate) const TESTS: &str = "window-tests";
/// What the bench measures it beside; built for that alone.
pub(crate) const EMPTY: &str = "empty-window";

pub(crate) fn run(arguments: &[String]) -> Done {
    if !has_display() {
        println!(
            "there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so the window cannot open"
        );
        println!("this is the same work on the command line:");
        return demo::run(arguments);
    }
    let folder = arguments.iter().find(|argument| !argument.starts_with('-'));
    let folder = folder.map(|folder| existing(folder)).transpose()?;
    setup::ensure(&[Purpose::Build, Purpose::Window], setup::agreed(arguments))?;
    build_interface()?;
    run::run(run::cargo().args(["build", "--locked", "--package", PACKAGE]))?;
    run::run(run::command(run::built("debug", PACKAGE)).args(folder))
}

/// Whether a window can be shown.
pub(crate) fn has_display() -> bool {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Makes the window's package fit to be compiled: the interface is a part of it, and what draws it is installed where
/// the user agreed. Says why not, where it cannot be.
pub(crate) fn can_be_built(agreed: bool) -> Done {
    if agreed {
        setup::ensure(&[Purpose::Window], agreed)?;
    } else if !setup::is_ready(Purpose::Window) {
        return Err("what it needs is not installed (`cargo xtask app` does that)".to_owned());
    }
    if root().join("dist/index.html").is_file() {
        return Ok(());
    }
    build_interface()
}

/// Makes the window fit to be built for its tests: with the interface as it is now. Says why not, where they cannot run.
pub(crate) fn ready_for_tests(agreed: bool) -> Done {
    if !cfg!(target_os = "linux") {
        return Err("only Linux has a driver for it".to_owned());
    }
    can_be_built(agreed)?;
    setup::ensure(&[Purpose::WindowTests], agreed)?;
    build_interface()
}

/// Builds the window as it is shipped, and the empty one beside it. Says why not, where they cannot be measured.
pub(crate) fn ready_for_bench() -> Done {
    if !cfg!(target_os = "linux") {
        return Err("only Linux has a driver for it".to_owned());
    }
    can_be_built(false)?;
    setup::ensure(&[Purpose::WindowTests], false)?;
    build_interface()?;
    for package in [PACKAGE, EMPTY] {
        let build = ["build", "--release", "--locked", "--package"];
        run::run(run::cargo().args(build).arg(package))?;
    }
    Ok(())
}

/// The folder of the interface.
pub(crate) fn root() -> PathBuf {
    run::root().join("ui")
}

/// Builds the interface.
pub(crate) fn build_interface() -> Done {
    install_libraries()?;
    run::run(npm().args(["run", "build"]))
}

/// npm in the interface's folder.
pub(crate) fn npm() -> Command {
    let mut npm = run::command(NPM);
    npm.current_dir(root());
    npm
}

/// Installs the interface's libraries when the lock file is another than the last time.
pub(crate) fn install_libraries() -> Done {
    let root = root();
    let lock = root.join("package-lock.json");
    let wanted =
        fs::read(&lock).map_err(|error| format!("{} cannot be read: {error}", lock.display()))?;
    // Written last, and gone with the libraries.
    let mark = root.join("node_modules/.kerf-lock.json");
    if fs::read(&mark).ok().as_ref() != Some(&wanted) {
        run::run(npm().args(["ci", "--no-audit", "--no-fund"]))?;
        fs::write(&mark, &wanted)
            .map_err(|error| format!("{} cannot be written: {error}", mark.display()))?;
    }
    Ok(())
}

/// The folder as a whole path: programs are started in the project's root.
fn existing(folder: &str) -> Result<PathBuf, String> {
    let path = env::current_dir()
        .map_err(|error| format!("the current folder is not known: {error}"))?
        .join(folder);
    if path.is_dir() {
        Ok(path)
    } else {
        Err(format!("{} is no folder", path.display()))
    }
}
