//! The git repository of an opened folder, by library: reading, staging, commits, branches, stashes, and worktrees of Kerf's own.
//!
//! Nothing here starts a program or contacts a server: hooks, filters, fsmonitor,
//! textconv, aliases and credential helpers of a hostile `.git/config` stay text. That is why a repository may
//! belong to another user: the owner check of git guards against running that user's programs, and none run here.
//! No `git2` type appears in the interface.
//!
//! Whatever needs hooks, signing, filters or a network is a `git` command that the user sees: it is refused here by name.
//! What writes files of the user (switching, stashing) goes through `exchange`, which never destroys bytes that are
//! nowhere else; what writes the index goes through `held`, under git's own lock.
//!
//! Which repository a folder belongs to is decided by [`Repo::discover`], whose rules are stricter than git's.
//! Start there; [`Repo::index_entries`] is what makes checkpoints of a git folder cheap.

mod attributes;
mod between;
mod blame;
mod branch;
mod changes;
mod commit;
mod conflicts;
mod content;
mod discover;
mod error;
mod exchange;
mod held;
mod history;
mod hunks;
mod index;
mod programs;
mod record;
mod remote;
mod renames;
mod settle;
mod since;
mod stage;
mod stash;
mod status;
mod switch;
mod worktree;

pub use between::{Base, CommittedFile};
pub use blame::BlamedLine;
pub use branch::Branch;
pub use changes::{Changed, Changes};
pub use commit::{CommitFile, FileContent, FileKind};
pub use conflicts::{Conflict, Part, Resolution, Version};
pub use error::GitError;
pub use history::{LogCursor, LogEntry, LogPage};
pub use hunks::{DiffHunk, DiffLine, FileDiff, LineKind};
pub use index::IndexEntry;
pub use programs::Act;
pub use record::{RecordOptions, Recorded};
pub use remote::{Outgoing, Remote, Upstream};
pub use since::Since;
pub use stage::{Chosen, Side};
pub use stash::{Stash, Stashed};
pub use status::{Change, StatusEntry};
pub use switch::Switched;
pub use worktree::{
    Clone as CloneFile, CommitRoom, Made, Place, Standing, Work, clone_file, is_lent_name,
};

use git2::{ObjectType, Oid, Repository};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The largest blob that [`Repo::blob`] hands out, in bytes.
pub const MAX_BLOB_BYTES: u64 = 256 * 1024 * 1024;

/// A repository with a working tree. Calls take turns: it may be shared between threads.
///
/// A call reads files that the repository's configuration names and may take as long as the disk does; keep it off
/// threads that must not wait.
pub struct Repo {
    inner: Mutex<Repository>,
    workdir: PathBuf,
    git_dir: PathBuf,
}

/// Where `HEAD` points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The branch's short name; none when `HEAD` is detached. A branch without a commit has a name too.
    pub branch: Option<String>,
    /// The commit's id in hex; none before the first commit.
    pub commit: Option<String>,
}

impl Repo {
    /// The working tree's folder, canonical.
    pub fn workdir(&self) -> &Path {
        &self.workdir
    }

    /// The repository's own folder (`.git`, or where a `.git` file points), canonical.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The folder that all worktrees of the repository share, canonical: objects and branches are in it.
    pub fn common_dir(&self) -> PathBuf {
        let named = self.lock().commondir().to_owned();
        // It was there when the repository was opened; should it be gone by now, its name still tells it from others.
        named.canonicalize().unwrap_or(named)
    }

    /// Reads where `HEAD` points now.
    pub fn head(&self) -> Result<Head, GitError> {
        let repo = self.lock();
        let failed = |source| GitError::library("read `HEAD` of", &self.workdir, source);
        let head = repo.find_reference("HEAD").map_err(failed)?;
        let branch = head.symbolic_target_bytes().map(|target| {
            let name = target.strip_prefix(b"refs/heads/").unwrap_or(target);
            String::from_utf8_lossy(name).into_owned()
        });
        let commit = match head.resolve() {
            Ok(direct) => direct.target().map(|oid| oid.to_string()),
            Err(error) if error.code() == git2::ErrorCode::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        Ok(Head { branch, commit })
    }

    /// The content of a blob, checked against its id.
    ///
    /// Errors: [`GitError::NoSuchObject`] when the id is malformed, is no blob, or the object is not on this machine
    /// (nothing is ever fetched); [`GitError::TooLarge`] above [`MAX_BLOB_BYTES`].
    pub fn blob(&self, oid: &str) -> Result<Vec<u8>, GitError> {
        let missing = || GitError::NoSuchObject {
            oid: oid.to_owned(),
            repo: self.workdir.clone(),
        };
        // A shorter text would be padded with zeros and name another object.
        if oid.len() != 40 {
            return Err(missing());
        }
        let id = Oid::from_str(oid).map_err(|_| missing())?;
        let repo = self.lock();
        let failed = |error: git2::Error| match error.code() {
            git2::ErrorCode::NotFound => missing(),
            _ => GitError::library("read an object of", &self.workdir, error),
        };
        let (len, kind) = repo
            .odb()
            .and_then(|odb| odb.read_header(id))
            .map_err(failed)?;
        if kind != ObjectType::Blob {
            return Err(missing());
        }
        if len as u64 > MAX_BLOB_BYTES {
            return Err(GitError::TooLarge {
                oid: oid.to_owned(),
                len: len as u64,
                max: MAX_BLOB_BYTES,
            });
        }
        let blob = repo.find_blob(id).map_err(failed)?;
        Ok(blob.content().to_vec())
    }

    /// A panic while the lock was held leaves no half state here: what a call writes, it writes at once.
    fn lock(&self) -> MutexGuard<'_, Repository> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repo")
            .field("workdir", &self.workdir)
            .field("git_dir", &self.git_dir)
            .finish_non_exhaustive()
    }
}

/// A path as git stores it: bytes with `/` between the parts. None when this system has no such name.
fn path_from_git(bytes: &[u8]) -> Option<PathBuf> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        Some(PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
    }
    #[cfg(not(unix))]
    {
        std::str::from_utf8(bytes).ok().map(PathBuf::from)
    }
}

/// The reverse of [`path_from_git`].
fn path_to_git(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for (position, part) in path.iter().enumerate() {
        if position > 0 {
            bytes.push(b'/');
        }
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt as _;
            bytes.extend_from_slice(part.as_bytes());
        }
        #[cfg(not(unix))]
        bytes.extend_from_slice(part.to_str()?.as_bytes());
    }
    Some(bytes)
}
