//! `kerf app`: finds the window's program and leaves it running.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// A folder with nothing but a copy of `kerf` in it: beside the real one there may be a real window.
fn alone() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let kerf = place.path().join("kerf");
    fs::copy(env!("CARGO_BIN_EXE_kerf"), &kerf).unwrap();
    (place, kerf)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test starts the program under test"
)]
fn command(program: &Path, place: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(place)
        .env_clear()
        .env("PATH", "")
        .env("KERF_HOME", place.join("home"));
    command
}

fn app(kerf: &Path, place: &Path, arguments: &[&str]) -> Output {
    let mut command = command(kerf, place);
    command.arg("app").args(arguments).output().unwrap()
}

#[test]
fn without_the_window_s_program_it_says_so() {
    let (place, kerf) = alone();
    let output = app(&kerf, place.path(), &[]);
    assert_eq!(output.status.code(), Some(2), "there is nothing to start");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("kerf-desktop, is neither beside kerf nor on PATH") && said.contains("hint:"),
        "it does not say what is missing: {said}"
    );
    assert!(!place.path().join("home").exists(), "nothing was opened");
}

#[test]
fn the_window_s_program_gets_the_folder_as_a_whole_path() {
    let (place, kerf) = alone();
    let place = place.path();
    fs::create_dir(place.join("project")).unwrap();
    let pipe = place.join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let window = place.join("kerf-desktop");
    let script = format!("#!/bin/sh\nprintf '%s' \"$@\" > '{}'\n", pipe.display());
    fs::write(&window, script).unwrap();
    fs::set_permissions(&window, fs::Permissions::from_mode(0o755)).unwrap();

    let output = app(&kerf, place, &["project"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // Reading waits for the program that was left running.
    let told = fs::read_to_string(&pipe).unwrap();
    assert_eq!(Path::new(&told), place.join("project"));

    let output = app(&kerf, place, &["gone"]);
    assert_eq!(output.status.code(), Some(2), "there is no such folder");
}
