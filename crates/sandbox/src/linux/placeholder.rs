//! Empty folders in the place of what must not be made.
//!
//! A mount needs something to lie on, so a protected path that does not exist gets an empty folder on the user's disk
//! as long as commands run. All commands that use one hold a shared lock on it, and the last one removes it. The kernel
//! takes the locks of a process that was killed; the empty folder that it leaves is known by its time, and the next
//! command in the same workspace takes it over. A folder that somebody put something into is not removed.

use super::syscall;
use std::{
    fs::{self, File, FileTimes, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The time of change that marks a placeholder: the start of 2000, which no other empty folder has by chance.
fn mark() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(946_684_800)
}

/// A placeholder in use.
#[derive(Debug)]
pub(super) struct Placeholder {
    pub(super) path: PathBuf,
    /// Locked.
    folder: File,
}

impl Placeholder {
    /// Makes `path` an empty folder, or shares the one that is there. `None` when something else is there, or when
    /// nobody can make anything there.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn hold(path: &Path) -> io::Result<Option<Self>> {
        const ROUNDS: u32 = 100;
        for _ in 0..ROUNDS {
            let made = match fs::DirBuilder::new().mode(0o700).create(path) {
                Ok(()) => true,
                Err(error) => match error.kind() {
                    io::ErrorKind::AlreadyExists => false,
                    io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::NotFound => return Ok(None),
                    _ => return Err(error),
                },
            };
            let folder = match open(path) {
                Ok(folder) => folder,
                // Removed by the last one before us.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                // No folder, or not ours: whatever it is, it is the user's.
                Err(_) => return Ok(None),
            };
            // Waits only for one who removes it right now.
            folder.lock_shared()?;
            if made {
                let mark = mark();
                folder.set_times(FileTimes::new().set_modified(mark).set_accessed(mark))?;
            }
            if is_at(&folder, path) {
                let path = path.to_owned();
                return Ok(Some(Self { path, folder }));
            }
        }
        Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!("`{}` comes and goes", path.display()),
        ))
    }

    /// Removes the folder when this was its last user and nobody else put it there.
    pub(super) fn release(self) {
        match self.folder.try_lock() {
            Ok(()) => {}
            // Another command needs it, and removes it.
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return,
        }
        let is_marked = self
            .folder
            .metadata()
            .and_then(|meta| meta.modified())
            .is_ok_and(|time| time == mark());
        if is_marked && is_at(&self.folder, &self.path) {
            // Refused by the system when something is in it.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Removes what a killed helper left of `paths`.
pub(super) fn sweep(paths: &[PathBuf]) {
    for path in paths {
        if let Ok(folder) = open(path) {
            let path = path.clone();
            Placeholder { path, folder }.release();
        }
    }
}

/// Opens the folder at `path`, which is no link.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW)
        .open(path)
}

/// Whether `folder` is still what `path` names, a path without links.
pub(super) fn is_at(folder: &File, path: &Path) -> bool {
    folder
        .metadata()
        .is_ok_and(|meta| syscall::identify(path).is_ok_and(|id| id == (meta.dev(), meta.ino())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_user_removes_it() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().canonicalize().unwrap().join(".git");
        let first = Placeholder::hold(&path).unwrap().unwrap();
        let second = Placeholder::hold(&path).unwrap().unwrap();
        first.release();
        assert!(path.is_dir(), "the second one needs it");
        second.release();
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_one_left_is_taken_over() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().canonicalize().unwrap().join(".git");
        // The lock goes with the file, as it does with a process.
        drop(Placeholder::hold(&path).unwrap().unwrap());
        assert!(path.is_dir());
        Placeholder::hold(&path).unwrap().unwrap().release();
        assert!(!path.exists());
        drop(Placeholder::hold(&path).unwrap().unwrap());
        sweep(std::slice::from_ref(&path));
        assert!(!path.exists());
    }

    #[test]
    fn what_the_user_made_stays() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        let empty = base.join(".vscode");
        fs::create_dir(&empty).unwrap();
        Placeholder::hold(&empty).unwrap().unwrap().release();
        assert!(empty.is_dir(), "an empty folder of the user's");

        let filled = base.join(".idea");
        let held = Placeholder::hold(&filled).unwrap().unwrap();
        fs::write(filled.join("file"), "x").unwrap();
        held.release();
        assert!(filled.join("file").exists(), "filled meanwhile");

        fs::write(base.join(".envrc"), "x").unwrap();
        std::os::unix::fs::symlink("/", base.join(".husky")).unwrap();
        for name in [".envrc", ".husky", "none/.git"] {
            assert!(
                Placeholder::hold(&base.join(name)).unwrap().is_none(),
                "{name}"
            );
        }
    }
}
