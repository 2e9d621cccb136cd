//! Worktrees of a repository that Kerf makes for its sessions, and the archive of those that it removed.
//!
//! A worktree begins as the folder it was made from is: the last commit and what is not committed, untracked files too.
//! Its `HEAD` is detached, so that a commit in it writes only into the worktree's own git folder and into a folder of
//! objects beside it ([`Repo::take_commits`] brings them over): the repository itself stays closed to commands.
//!
//! Nothing is checked out by git, so no filter comes into play: files are brought byte for byte.
//! What the worktree began with is kept as a commit under `refs/kerf/base/ID`, what was removed under
//! `refs/kerf/archive/ID`. Making and removing are steps; after any of them [`Repo::standing`] tells what is there, and
//! the same call finishes the work.
//!
//! It is not a registry: whoever calls knows which worktrees are Kerf's and names them by id.

mod bring;
mod commits;
mod copy;
mod listing;
mod make;
mod remove;
mod stamps;
mod tree;

pub use bring::is_lent_name;
pub use commits::CommitRoom;
pub use copy::{Clone, clone_file};
pub use make::Made;
pub use remove::Work;

use crate::{GitError, Repo};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A worktree by what its caller knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Names it in the repository: letters, digits and hyphens.
    pub id: String,
    /// Its folder.
    pub path: PathBuf,
    /// The folder that new objects of its commits go to.
    pub objects: PathBuf,
}

/// How a worktree stands with git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Folder and git's record of it are there.
    Whole,
    /// Somebody removed the folder; git still knows of it.
    FolderGone,
    /// Git does not know of it; the folder is there.
    Unknown,
    /// Neither is there.
    Gone,
    /// Somebody moved it.
    Moved(PathBuf),
}

impl Repo {
    /// How a worktree stands. What it says of a worktree that is being made or removed is of no use.
    pub fn standing(&self, place: &Place) -> Standing {
        let admin = self.admin(place);
        let known = fs::read(admin.join("gitdir")).ok();
        let known = known.and_then(|text| crate::path_from_git(text.trim_ascii()));
        let named = known.as_deref().and_then(Path::parent);
        let is_there = place.path.join(".git").is_file();
        match named {
            Some(named) if named != place.path && named.join(".git").is_file() && !is_there => {
                Standing::Moved(named.to_owned())
            }
            Some(_) if is_there => Standing::Whole,
            Some(_) if place.path.symlink_metadata().is_ok() => Standing::Whole,
            Some(_) => Standing::FolderGone,
            None if place.path.symlink_metadata().is_ok() => Standing::Unknown,
            None => Standing::Gone,
        }
    }

    /// The worktree's own git folder.
    fn admin(&self, place: &Place) -> PathBuf {
        self.common_dir().join("worktrees").join(place.name())
    }
}

impl Place {
    fn name(&self) -> String {
        format!("kerf-{}", self.id)
    }

    fn base(&self) -> String {
        format!("refs/kerf/base/{}", self.id)
    }

    fn archive(&self) -> String {
        format!("refs/kerf/archive/{}", self.id)
    }

    /// The folder under the name that it has while it is removed.
    fn removed(&self) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".removed");
        self.path.with_file_name(name)
    }

    fn check(&self) -> Result<(), GitError> {
        let fits = !self.id.is_empty()
            && self.id.len() <= 64
            && self
                .id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if fits {
            return Ok(());
        }
        Err(self.not_made("its id has other characters than letters, digits and hyphens"))
    }

    fn not_made(&self, why: impl Into<String>) -> GitError {
        GitError::NotMade {
            path: self.path.clone(),
            why: why.into(),
        }
    }

    fn not_removed(&self, why: impl Into<String>) -> GitError {
        GitError::NotRemoved {
            path: self.path.clone(),
            why: why.into(),
        }
    }
}

/// An error of the system about a path.
fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> GitError {
    let path = path.to_owned();
    move |source| GitError::Io {
        action,
        path,
        source,
    }
}

/// Removes a folder and all in it; one that is not there is fine. Folders that cannot be written are made writable.
fn remove_all(path: &Path) -> Result<(), GitError> {
    match fs::remove_dir_all(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            tracing::debug!(path = %path.display(), %error, "once more with other permissions")
        }
    }
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(stat) = folder.symlink_metadata() else {
            continue;
        };
        if !stat.is_dir() {
            continue;
        }
        open_up(&folder, stat.permissions());
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            } else if cfg!(windows)
                && let Ok(stat) = entry.metadata()
            {
                open_up(&entry.path(), stat.permissions());
            }
        }
    }
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error("remove", path)(error)),
    }
}

#[cfg(unix)]
fn open_up(path: &Path, mut permissions: fs::Permissions) {
    use std::os::unix::fs::PermissionsExt as _;
    permissions.set_mode(permissions.mode() | 0o700);
    // If it does not help, removing says so.
    let _ = fs::set_permissions(path, permissions);
}

#[cfg(not(unix))]
#[expect(clippy::permissions_set_readonly_false, reason = "it is removed next")]
fn open_up(path: &Path, mut permissions: fs::Permissions) {
    permissions.set_readonly(false);
    // If it does not help, removing says so.
    let _ = fs::set_permissions(path, permissions);
}
