//! `kerf app`: starts the window, which is a program of its own, and leaves it running.

use crate::{exit::Exit, output::Output};
use kerf_protocol::{Code, Failure};
use std::{
    env,
    path::{Path, PathBuf},
};

const PROGRAM: &str = "kerf-desktop";

pub(crate) fn run(folder: Option<PathBuf>, output: &Output) -> Result<Exit, Failure> {
    let folder = folder.map(|folder| existing(&folder)).transpose()?;
    let program = find().ok_or_else(|| Failure {
        code: Code::NotFound,
        message: format!("the window's program, {PROGRAM}, is neither beside kerf nor on PATH"),
        hint: "Install Kerf's desktop package; in the source tree `cargo xtask app` builds and opens it".to_owned(),
    })?;
    let arguments: Vec<_> = folder.into_iter().map(PathBuf::into_os_string).collect();
    kerf_engine::launch_own(&program, &arguments).map_err(|error| Failure {
        code: Code::Internal,
        message: format!("{} cannot be started: {error}", program.display()),
        hint: String::new(),
    })?;
    if output.json() {
        output.object(&serde_json::json!({ "type": "started", "program": program }));
    }
    Ok(Exit::Done)
}

/// The folder as an absolute path: the window may already run, with another current folder.
fn existing(folder: &Path) -> Result<PathBuf, Failure> {
    let found = std::path::absolute(folder).and_then(|path| {
        if path.is_dir() {
            Ok(path)
        } else {
            Err(std::io::ErrorKind::NotADirectory.into())
        }
    });
    found.map_err(|error| {
        super::usage(
            format!("{} cannot be opened: {error}", folder.display()),
            "Give a folder that exists",
        )
    })
}

/// Beside this program, or on `PATH`.
fn find() -> Option<PathBuf> {
    let name = format!("{PROGRAM}{}", env::consts::EXE_SUFFIX);
    let own = env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let path = env::var_os("PATH").unwrap_or_default();
    beside
        .into_iter()
        .chain(env::split_paths(&path))
        .map(|folder| folder.join(&name))
        .find(|program| program.is_file())
}
