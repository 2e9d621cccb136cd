//! Programs of the user's own: an editor, Kerf's window. They are started as the user starts them, under no policy,
//! and go on when Kerf ends. Nothing that a model, a tool or a repository names is ever started here.

use crate::Sandbox;
use std::{
    ffi::{OsStr, OsString},
    io,
    path::Path,
    process::{Command, Stdio},
    thread,
};

/// The variable that may hold a key; other people's programs do not get it.
const KEY: &str = "KERF_API_KEY";

/// Starts a program of Kerf itself, with all of Kerf's environment.
///
/// # Errors
/// When it cannot be started.
pub fn launch_own(program: &Path, arguments: &[OsString]) -> io::Result<()> {
    detach(command(program.as_os_str(), arguments))
}

impl Sandbox {
    /// Starts a program that the user chose, looked up in the folders that commands are looked up in.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn launch(&self, program: &OsStr, arguments: &[OsString], folder: &Path) -> io::Result<()> {
        let mut command = command(program, arguments);
        command.current_dir(folder).env_remove(KEY);
        if let Some(path) = self.path() {
            command.env("PATH", path);
        }
        detach(command)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this crate is where processes are started"
)]
fn command(program: &OsStr, arguments: &[OsString]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

fn detach(mut command: Command) -> io::Result<()> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    leave_group(&mut command);
    let mut child = command.spawn()?;
    // A child that ended stays in the process table until somebody has asked how.
    thread::spawn(move || child.wait());
    Ok(())
}

/// Keys pressed in Kerf's terminal are not for it.
#[cfg(unix)]
fn leave_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

/// Keys pressed in Kerf's console are not for it.
#[cfg(windows)]
fn leave_group(command: &mut Command) {
    const DETACHED_PROCESS: u32 = 0x0000_0008;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    std::os::windows::process::CommandExt::creation_flags(
        command,
        DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP,
    );
}
