//! Files of one folder, through one directory handle.
//!
//! [`Fs`] is everything Kerf does to the user's files; [`RealFs`] does it on disk. Every call opens beneath the
//! handle, so no path and no link can lead out, also when someone swaps a folder for a link at the same moment.
//! What it is not: a policy. It knows which places are never written (`.git`), not who may write the others.
//!
//! Start with [`Fs::save`], the one way in which a file gets new content.

mod place;
mod real;
mod save;
pub(crate) mod stat;
#[cfg(unix)]
mod unix;

use std::ffi::OsString;
use std::fmt::Debug;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::path::{Escaped, RelPath};

pub use real::RealFs;
pub(crate) use save::is_temp_name;

/// The files beneath one folder. No path can leave it and no link is followed out of it.
///
/// Reading follows links as long as they stay inside. A link with an absolute target counts as leading out, also
/// when that target is inside. Writing never goes through a link in the last name, and never into a `.git`.
pub trait Fs: Send + Sync + Debug {
    /// What is at `path` itself, a link not followed.
    fn stat(&self, path: &RelPath) -> Result<Stat, FsError>;

    /// The content of a regular file of at most `max_bytes` bytes.
    ///
    /// Never blocks on what is no regular file: that is [`FsError::NotAFile`]. A longer file is
    /// [`FsError::TooLarge`], without being read.
    fn read(&self, path: &RelPath, max_bytes: u64) -> Result<Vec<u8>, FsError>;

    /// Where a link points, exactly as written in it.
    fn read_link(&self, path: &RelPath) -> Result<PathBuf, FsError>;

    /// The entries of a folder, sorted by name.
    fn list(&self, dir: &RelPath) -> Result<Vec<Entry>, FsError>;

    /// Gives a file new content, whole or not at all, and makes missing parent folders.
    ///
    /// The bytes go to a temporary file in the same folder, are flushed to disk, and take the place of the old file
    /// by a rename. Mode, owner and extended attributes of the old file are kept as far as the system allows.
    /// `how.expect` is checked right before the rename. A file with a second hard link is refused
    /// ([`FsError::HardLinked`]), a link is refused ([`FsError::IsLink`]). On an error the old file is as it was
    /// and nothing else is left behind; only when the folder cannot be flushed, the very last step, is the new
    /// content in place already. Set-user-id and similar bits are not kept, as they are not by any other write.
    fn save(&self, path: &RelPath, bytes: &[u8], how: &Save) -> Result<Stat, FsError>;

    /// Removes a file or a link (not what it points to). Parent folders stay, also when they become empty.
    fn remove(&self, path: &RelPath) -> Result<(), FsError>;

    /// Removes `dir` and then its parents for as long as they are empty; the root stays. A missing `dir` is no error.
    fn remove_empty_dirs(&self, dir: &RelPath) -> Result<(), FsError>;

    /// Makes a symbolic link with exactly this target, and missing parent folders.
    ///
    /// The target may lead anywhere, as it does when a user's own link is put back; it is never followed out.
    /// Something already at `path` is [`FsError::Conflict`].
    fn link(&self, path: &RelPath, target: &std::path::Path) -> Result<(), FsError>;

    /// Moves a file, a link or a folder, and makes missing parent folders of `to`.
    ///
    /// Something already at `to` is [`FsError::Conflict`] (a change of case alone is allowed).
    fn rename(&self, from: &RelPath, to: &RelPath) -> Result<(), FsError>;
}

/// What kind of thing a path names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link.
    Link,
    /// A named pipe, socket or device.
    Other,
}

/// What the file system says about one path, a link not followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stat {
    /// File, folder, link or other.
    pub kind: Kind,
    /// Length in bytes (for a link: of its target).
    pub len: u64,
    /// Last change of the content, nanoseconds since 1970.
    pub mtime_ns: i128,
    /// The file's number in its file system; 0 on Windows.
    pub ino: u64,
    /// Permission bits, at most 0o777; on Windows 0o644, 0o444 when read-only, 0o755 for folders.
    pub mode: u32,
    /// Hard links to the file; 1 where a listing does not tell.
    pub links: u64,
}

impl Stat {
    /// The part that answers "has it changed since".
    pub fn stamp(&self) -> Stamp {
        let mtime_ns = i64::try_from(self.mtime_ns).unwrap_or(if self.mtime_ns < 0 {
            i64::MIN
        } else {
            i64::MAX
        });
        Stamp {
            len: self.len,
            mtime_ns,
            ino: self.ino,
        }
    }
}

/// Length, time and number of a file at one moment. Equal stamps mean: not changed, as far as the clock can tell.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Stamp {
    /// Length in bytes.
    pub len: u64,
    /// Last change of the content, nanoseconds since 1970 (limited to the years 1678 to 2262).
    pub mtime_ns: i64,
    /// The file's number in its file system; 0 on Windows.
    pub ino: u64,
}

/// One entry of a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its name, exactly.
    pub name: OsString,
    /// What it is, a link not followed.
    pub stat: Stat,
}

/// How to save.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Save {
    /// Permission bits for the file (at most 0o777); `None` keeps those of the old file, or 0o644 for a new one.
    pub mode: Option<u32>,
    /// What must be on disk for the save to go ahead.
    pub expect: Expect,
}

/// What a save expects to find.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Expect {
    /// Whatever is there is replaced.
    #[default]
    Anything,
    /// Nothing may be there.
    Absent,
    /// The file that had this stamp must be there, unchanged.
    Stamp(Stamp),
}

/// Why the file system refused.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// The workspace folder cannot be opened.
    #[error("cannot open the folder `{}`: {source}", Escaped(folder.as_os_str()))]
    Open {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing is there.
    #[error("`{path}` does not exist")]
    NotFound {
        /// The path.
        path: RelPath,
    },
    /// The path names no regular file.
    #[error("`{path}` is {what}, not a file")]
    NotAFile {
        /// The path.
        path: RelPath,
        /// What it is, with its article: "a folder", "a named pipe, socket or device".
        what: &'static str,
    },
    /// The path, or a parent of it, is no folder.
    #[error("`{path}`: it or a folder above it is not a folder")]
    NotADir {
        /// The path.
        path: RelPath,
    },
    /// The path is no symbolic link.
    #[error("`{path}` is not a symbolic link")]
    NotALink {
        /// The path.
        path: RelPath,
    },
    /// The file is longer than the caller can take.
    #[error("`{path}` has {len} bytes, more than the limit of {max}")]
    TooLarge {
        /// The path.
        path: RelPath,
        /// Length in bytes, or the least it is known to have.
        len: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// A link on the way leads out of the workspace.
    #[error("`{path}` leads out of the workspace through a link; only files inside it can be used")]
    Escapes {
        /// The path.
        path: RelPath,
    },
    /// A write would go through a link.
    #[error(
        "`{path}` is a symbolic link and is not written through; write the file that it points to"
    )]
    IsLink {
        /// The path.
        path: RelPath,
    },
    /// The file has other names, which a write would change or cut off.
    #[error(
        "`{path}` has {links} hard links; writing it could change a file outside the workspace, so make a copy of it first"
    )]
    HardLinked {
        /// The path.
        path: RelPath,
        /// How many names the file has.
        links: u64,
    },
    /// The path is in a place that is never written.
    #[error("`{path}` belongs to git and is not changed here; use git for that")]
    Protected {
        /// The path.
        path: RelPath,
    },
    /// What is on disk is not what the caller expected.
    #[error("`{path}` has changed on disk since it was read; read it again")]
    Conflict {
        /// The path.
        path: RelPath,
    },
    /// The system refused.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// The path.
        path: RelPath,
        /// What was being done, as a verb: "read", "save".
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl FsError {
    /// The path that the error is about; `None` when the workspace folder could not be opened.
    pub fn path(&self) -> Option<&RelPath> {
        match self {
            Self::Open { .. } => None,
            Self::NotFound { path }
            | Self::NotAFile { path, .. }
            | Self::NotADir { path }
            | Self::NotALink { path }
            | Self::TooLarge { path, .. }
            | Self::Escapes { path }
            | Self::IsLink { path }
            | Self::HardLinked { path, .. }
            | Self::Protected { path }
            | Self::Conflict { path }
            | Self::Io { path, .. } => Some(path),
        }
    }
}

impl Kind {
    /// The kind with its article, for messages.
    pub fn describe(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Dir => "a folder",
            Self::Link => "a symbolic link",
            Self::Other => "a named pipe, socket or device",
        }
    }
}
