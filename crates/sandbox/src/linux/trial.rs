//! Attempts to get out of a view that was just made, with files put there for the purpose.
//!
//! They run in the place of a command, under everything that a command is under. What succeeds here is not promised.
//!
//! The files lie in a folder of the system's temporary one. Who tries holds a lock on it, which the kernel takes from a
//! process that was killed; what such a one left is removed by the next one that tries.

use super::{confine, placeholder, syscall};
use serde::{Deserialize, Serialize};
use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
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

/// What the names of the folders for trials begin with.
const PREFIX: &str = "kerf-probe-";

/// A workspace for the trial, and what a guard says about it.
#[derive(Debug)]
pub(super) struct Room {
    _base: TempDir,
    /// Locked as long as the folder is in use.
    _lock: File,
    pub(super) workspace: PathBuf,
    pub(super) hidden: Vec<PathBuf>,
}

impl Room {
    pub(super) fn new() -> io::Result<(Self, Trial)> {
        Self::within(&env::temp_dir().canonicalize()?)
    }

    /// As [`new`](Self::new), in a folder whose path has no links.
    fn within(folder: &Path) -> io::Result<(Self, Trial)> {
        sweep(folder);
        let (base, lock) = claim(folder)?;
        let workspace = base.path().join("ws");
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
            _lock: lock,
            workspace,
            hidden,
        };
        Ok((room, trial))
    }
}

/// Makes a folder that [`sweep`] leaves alone until the file is closed.
fn claim(within: &Path) -> io::Result<(TempDir, File)> {
    const ROUNDS: u32 = 100;
    for _ in 0..ROUNDS {
        let base = tempfile::Builder::new().prefix(PREFIX).tempdir_in(within)?;
        let folder = match placeholder::open(base.path()) {
            // Swept before it could be locked.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            folder => folder?,
        };
        // Waits only for one who sweeps it right now. Where nothing can be locked, nothing is swept.
        if folder.lock().is_err() || placeholder::is_at(&folder, base.path()) {
            return Ok((base, folder));
        }
    }
    Err(io::Error::new(
        io::ErrorKind::ResourceBusy,
        format!("folders in `{}` come and go", within.display()),
    ))
}

/// Removes what processes left that were killed while they tried.
fn sweep(within: &Path) {
    for entry in fs::read_dir(within).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        // A link, a file, or another user's folder is not from here.
        let Ok(folder) = placeholder::open(&entry.path()) else {
            continue;
        };
        let is_own = folder
            .metadata()
            .is_ok_and(|meta| meta.uid() == syscall::user());
        if is_own && folder.try_lock().is_ok() {
            // The next one tries again.
            let _ = fs::remove_dir_all(entry.path());
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_a_killed_one_left_is_swept_and_what_is_in_use_stays() {
        let temp = tempfile::tempdir().unwrap();
        let within = temp.path().canonicalize().unwrap();
        let (used, _) = Room::within(&within).unwrap();
        let (killed, _) = Room::within(&within).unwrap();
        let Room { _base, _lock, .. } = killed;
        let left = _base.keep();
        // The lock goes with the file, as it does with a process.
        drop(_lock);
        let others = ["kerf-probe-file", "kerf-probe-link", "else"].map(|name| within.join(name));
        fs::write(&others[0], "x").unwrap();
        fs::create_dir_all(others[2].join("ws")).unwrap();
        symlink(&others[2], &others[1]).unwrap();

        let (next, trial) = Room::within(&within).unwrap();
        assert!(!left.exists(), "what nobody uses");
        assert!(used.workspace.join("keys/key").exists(), "what is in use");
        for other in &others {
            assert!(other.symlink_metadata().is_ok(), "{}", other.display());
        }
        assert!(others[2].join("ws").exists(), "what a link leads to");
        assert!(Path::new(&trial.moved).is_dir());
        drop((used, next));
        assert_eq!(fs::read_dir(&within).unwrap().count(), others.len());
    }
}
