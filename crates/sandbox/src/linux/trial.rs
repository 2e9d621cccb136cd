//! Attempts to get out of a view that was just made, with files put there for the purpose.
//!
//! They run in the place of a command, under everything that a command is under. What succeeds here is not promised.

use super::{confine, syscall};
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// What is tried. All paths are absolute.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Trial {
    /// Can be made: a sandbox where nothing works is none.
    works: OsString,
    /// Cannot be made.
    made: Vec<OsString>,
    /// Cannot be moved.
    moved: OsString,
    /// Hold [`SECRET`], and must not.
    secrets: Vec<OsString>,
}

const SECRET: &str = "the probe's secret";

/// More processes than a view that was just made can have.
const PROCESSES: usize = 4;

/// A workspace for the trial, and what a guard says about it.
#[derive(Debug)]
pub(super) struct Room {
    _base: TempDir,
    pub(super) workspace: PathBuf,
    pub(super) hidden: Vec<PathBuf>,
}

impl Room {
    pub(super) fn new() -> io::Result<(Self, Trial)> {
        let base = tempfile::Builder::new().prefix("kerf-probe-").tempdir()?;
        let workspace = base.path().canonicalize()?.join("ws");
        for folder in [".git/hooks", "sub/.git/hooks", "keys"] {
            fs::create_dir_all(workspace.join(folder))?;
        }
        let keys = ["keys/key", "key"].map(|name| workspace.join(name));
        for key in &keys {
            fs::write(key, SECRET)?;
        }
        let own = |path: PathBuf| path.into_os_string();
        let outside = Path::new("/").join(base.path().file_name().unwrap_or_default());
        let trial = Trial {
            works: own(workspace.join("works")),
            made: [".git/x", ".git/hooks/x", "sub/.git/x", ".vscode/x"]
                .map(|name| workspace.join(name))
                .into_iter()
                .chain([outside])
                .map(own)
                .collect(),
            moved: own(workspace.join("sub")),
            secrets: keys.map(own).into(),
        };
        let hidden = vec![workspace.join("keys"), workspace.join("key")];
        let room = Self {
            _base: base,
            workspace,
            hidden,
        };
        Ok((room, trial))
    }
}

impl Trial {
    /// Tries to get further than the one port that a command with a network may connect to: by a socket for something else
    /// than TCP over IPv4. That this leads nowhere else is shown by [`run`](Self::run), which finds only `lo`.
    ///
    /// # Errors
    /// What succeeded.
    pub(super) fn run_with_network() -> Result<(), String> {
        for (domain, kind) in [
            (libc::AF_INET, libc::SOCK_DGRAM),
            (libc::AF_INET, libc::SOCK_RAW),
            (libc::AF_INET6, libc::SOCK_STREAM),
            (libc::AF_UNIX, libc::SOCK_STREAM),
            (libc::AF_NETLINK, libc::SOCK_RAW),
            (libc::AF_VSOCK, libc::SOCK_STREAM),
        ] {
            if syscall::can_make_socket(domain, kind) {
                return Err(format!("a socket of kind {domain}/{kind} could be made"));
            }
        }
        Ok(())
    }

    /// Tries to get out.
    ///
    /// # Errors
    /// What succeeded, or what should have and did not.
    pub(super) fn run(&self) -> Result<(), String> {
        fs::write(&self.works, "")
            .map_err(|error| format!("nothing can be written in the workspace: {error}"))?;
        for path in &self.made {
            if fs::write(path, "").is_ok() {
                let _ = fs::remove_file(path);
                return Err(format!("`{}` could be written", path.display()));
            }
        }
        if fs::rename(&self.moved, &self.works).is_ok() {
            return Err("a folder above a repository could be moved".to_owned());
        }
        for path in &self.secrets {
            if fs::read_to_string(path).is_ok_and(|text| !text.is_empty()) {
                return Err(format!("`{}` could be read", path.display()));
            }
        }
        let processes = fs::read_dir("/proc").map_err(|error| format!("`/proc`: {error}"))?;
        let processes = processes
            .flatten()
            .filter(|entry| entry.file_name().as_encoded_bytes()[0].is_ascii_digit())
            .count();
        if processes > PROCESSES {
            return Err("the machine's processes can be seen".to_owned());
        }
        let interfaces = fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
        let mut names = interfaces
            .lines()
            .filter_map(|line| Some(line.split_once(':')?.0.trim()));
        if names.any(|name| name != "lo") {
            return Err("the machine's network can be seen".to_owned());
        }
        if syscall::can_make_socket(libc::AF_INET, libc::SOCK_STREAM) {
            return Err("a socket could be made".to_owned());
        }
        if syscall::can_make_user_namespace() {
            return Err("a user namespace could be made".to_owned());
        }
        if confine::has_capabilities() {
            return Err("capabilities are left".to_owned());
        }
        Ok(())
    }
}
