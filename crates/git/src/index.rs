//! Files whose content git already has, so that a checkpoint need not read them.
//!
//! Everything is left out that could be wrong: a wrong entry would one day put a wrong text back. An entry is named
//! only when git's own rules call the file unchanged since the index was written *and* the object's bytes are the
//! file's bytes. Line-end and keyword conversions only ever add or only ever remove bytes, so they show in the sizes;
//! filters and encodings need not, so paths that have one are left out by their attributes.

use crate::{
    GitError, Repo, attributes::Attributes, discover::canonical, path_from_git, path_to_git,
};
use git2::{IndexEntryExtendedFlag, IndexEntryFlag, ObjectType};
use std::{
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// A file as the index knows it. When [`IndexEntry::describes`] says so, its content is the blob `oid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Where it is, relative to the folder that was asked for.
    pub path: PathBuf,
    /// The blob's id, 40 hex digits.
    pub oid: String,
    /// The file's size in bytes.
    pub len: u32,
    /// When it was last modified, in nanoseconds since 1970.
    pub mtime_ns: i128,
    /// The low 32 bits of its inode number; 0 when the index does not know it.
    pub ino: u64,
    /// `0o100644` or `0o100755`.
    pub mode: u32,
}

impl IndexEntry {
    /// Whether a file with this size, modification time and inode number is the one that the index knows, unchanged.
    pub fn describes(&self, len: u64, mtime_ns: i128, ino: u64) -> bool {
        u64::from(self.len) == len
            && self.mtime_ns == mtime_ns
            && (self.ino == 0 || self.ino == ino & u64::from(u32::MAX))
    }
}

impl Repo {
    /// The files beneath `under` (a folder of the working tree) whose bytes git has as a blob, as of the last time the
    /// index was written. Ordered by path.
    ///
    /// Left out: links, submodules, conflicts; entries flagged assume-unchanged, skip-worktree or intent-to-add; files
    /// modified at or after the index was written; files that a filter, an encoding, a keyword or a line-end conversion
    /// changes between file and blob; objects that are not on this machine.
    ///
    /// The caller must still compare each with the file: see [`IndexEntry::describes`].
    pub fn index_entries(&self, under: &Path) -> Result<Vec<IndexEntry>, GitError> {
        let under = canonical(under)?;
        let outside = || GitError::Outside {
            path: under.clone(),
            workdir: self.workdir.clone(),
        };
        let inner = under.strip_prefix(&self.workdir).map_err(|_| outside())?;
        let mut prefix = path_to_git(inner).ok_or_else(outside)?;
        if !prefix.is_empty() {
            prefix.push(b'/');
        }

        // Read before the index is: should it be replaced in between, its true time is later and no entry gains by it.
        let Some(written_ns) = self.index_mtime_ns()? else {
            return Ok(Vec::new());
        };
        let repo = self.lock();
        let failed = |error| GitError::library("read the index of", &self.workdir, error);
        let mut index = repo.index().map_err(failed)?;
        index.read(true).map_err(failed)?;
        let odb = repo.odb().map_err(failed)?;
        let attributes = Attributes::of(&repo, &self.workdir, &index);

        let mut entries = Vec::new();
        for entry in index.iter() {
            let Some(path) = entry.path.strip_prefix(prefix.as_slice()) else {
                continue;
            };
            let mtime_ns = i128::from(entry.mtime.seconds() as u32) * 1_000_000_000
                + i128::from(entry.mtime.nanoseconds());
            if !is_plain_file(&entry) || mtime_ns >= written_ns {
                continue;
            }
            let same_size = odb.read_header(entry.id).is_ok_and(|(len, kind)| {
                kind == ObjectType::Blob && len as u64 == u64::from(entry.file_size)
            });
            if !same_size || attributes.change_content(&entry.path) {
                continue;
            }
            let Some(path) = path_from_git(path) else {
                continue;
            };
            entries.push(IndexEntry {
                path,
                oid: entry.id.to_string(),
                len: entry.file_size,
                mtime_ns,
                ino: u64::from(entry.ino),
                mode: entry.mode,
            });
        }
        Ok(entries)
    }

    /// Whether a filter, an encoding or a keyword expansion may stand between the file `path` (relative to the working
    /// tree, or absolute inside it) and its blob.
    pub fn has_filters(&self, path: &Path) -> Result<bool, GitError> {
        let inner = path.strip_prefix(&self.workdir).unwrap_or(path);
        let bytes = path_to_git(inner).ok_or_else(|| GitError::Outside {
            path: path.to_owned(),
            workdir: self.workdir.clone(),
        })?;
        let repo = self.lock();
        let failed = |error| GitError::library("read the index of", &self.workdir, error);
        let mut index = repo.index().map_err(failed)?;
        index.read(false).map_err(failed)?;
        Ok(Attributes::of(&repo, &self.workdir, &index).change_content(&bytes))
    }

    fn index_mtime_ns(&self) -> Result<Option<i128>, GitError> {
        let path = self.git_dir.join("index");
        let modified = match fs::metadata(&path).and_then(|metadata| metadata.modified()) {
            Ok(modified) => modified,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(GitError::Io {
                    action: "look at",
                    path,
                    source,
                });
            }
        };
        // An index from before 1970 makes every entry look newer, so that none is used.
        let since_1970 = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Some(since_1970.as_nanos().cast_signed().max(0)))
    }
}

fn is_plain_file(entry: &git2::IndexEntry) -> bool {
    const STAGE_SHIFT: u16 = 12;
    const STAGE_MASK: u16 = 0x3 << STAGE_SHIFT;
    let extended = IndexEntryExtendedFlag::INTENT_TO_ADD | IndexEntryExtendedFlag::SKIP_WORKTREE;
    matches!(entry.mode, 0o100_644 | 0o100_755)
        && entry.flags & STAGE_MASK == 0
        && entry.flags & IndexEntryFlag::VALID.bits() == 0
        && entry.flags_extended & extended.bits() == 0
}
