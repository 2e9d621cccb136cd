//! A snapshot, and what differs between two.

use crate::{Blobs, CheckpointError, Files, Hash, Marks, files::differing};
use kerf_workspace::{RelPath, Stamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    iter,
    path::PathBuf,
};

/// Reads a git object by its id.
pub type ReadGit<'a> = dyn Fn(&str) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> + 'a;

/// A stamp proves nothing when the file was modified so shortly before it was read that a second change could have
/// got the same time. Two seconds is the coarsest clock of a file system in use (FAT).
const CLOCK_GRAIN_NS: i64 = 2_000_000_000;

/// What a workspace held at one moment.
///
/// The private part says how far the snapshot may be trusted; made by hand it is empty, and then the next
/// [`crate::take`] reads every file again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Every file and link by its path.
    pub files: Files,
    /// When it was begun, in nanoseconds since 1970.
    #[serde(default)]
    pub(crate) as_of_ns: i64,
    /// The rules on what is ignored that are in none of its files; none: nobody looked.
    #[serde(default)]
    pub(crate) rules_elsewhere: Option<Hash>,
    /// What is there (a file, or everything beneath a folder) but could not be looked at, and why.
    #[serde(default)]
    pub(crate) excluded: BTreeMap<RelPath, String>,
    /// Files that this snapshot names and earlier ones did not, although they were there: they were ignored.
    #[serde(default)]
    pub(crate) no_longer_ignored: BTreeSet<RelPath>,
    /// The git id of blobs in `files`, so that the same content is known to be the same by either name.
    #[serde(default)]
    pub(crate) git_ids: BTreeMap<Hash, String>,
}

/// What a path held at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Held {
    /// A regular file.
    File {
        /// Where its content is.
        content: Content,
        /// Its length in bytes.
        len: u64,
        /// Its permission bits.
        mode: u32,
        /// Its stamp when it was read.
        stamp: Stamp,
    },
    /// A symbolic link.
    Link {
        /// What is written in it, exactly.
        #[serde(with = "crate::wire::target")]
        target: PathBuf,
    },
    /// A file of more than [`crate::MAX_FILE_BYTES`]; its content is not kept.
    TooLarge {
        /// Its length in bytes.
        len: u64,
        /// Its permission bits.
        mode: u32,
        /// Its stamp.
        stamp: Stamp,
    },
}

/// Where a content is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// In the store.
    Blob(Hash),
    /// In the repository's objects, by this id. Git may collect it one day: see [`pin`].
    Git(String),
}

/// A path that two snapshots disagree about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The path.
    pub path: RelPath,
    /// What it held before; none: it was not there.
    pub before: Option<Held>,
    /// What it holds after; none: it is not there.
    pub after: Option<Held>,
}

impl Snapshot {
    /// What is there but could not be looked at, and why. An entry for a folder stands for all that is in it.
    pub fn excluded(&self) -> &BTreeMap<RelPath, String> {
        &self.excluded
    }

    /// Marks the blobs that it names.
    pub fn mark(&self, marks: &mut Marks) {
        for blob in self.files.values().filter_map(Held::blob) {
            marks.insert(blob);
        }
    }

    /// Whether a file with this stamp is certainly as it was when the snapshot read it.
    pub(crate) fn proves(&self, stamp: &Stamp) -> bool {
        stamp.mtime_ns.saturating_add(CLOCK_GRAIN_NS) <= self.as_of_ns
    }

    /// Whether any content is known by a git id.
    pub(crate) fn knows_git(&self) -> bool {
        !self.git_ids.is_empty()
            || self
                .files
                .values()
                .any(|held| matches!(held.content(), Some(Content::Git(_))))
    }

    fn could_not_see(&self, path: &RelPath) -> bool {
        !self.excluded.is_empty()
            && iter::successors(Some(path.clone()), RelPath::parent)
                .any(|above| self.excluded.contains_key(&above))
    }

    fn git_id<'a>(&'a self, content: &'a Content) -> Option<&'a str> {
        match content {
            Content::Git(id) => Some(id),
            Content::Blob(hash) => self.git_ids.get(hash).map(String::as_str),
        }
    }
}

impl Held {
    /// Where the content is; none for a link and for what is not kept.
    pub fn content(&self) -> Option<&Content> {
        match self {
            Self::File { content, .. } => Some(content),
            Self::Link { .. } | Self::TooLarge { .. } => None,
        }
    }

    /// The blob of the content, if that is where it is.
    pub(crate) fn blob(&self) -> Option<Hash> {
        match self.content() {
            Some(Content::Blob(hash)) => Some(*hash),
            _ => None,
        }
    }

    /// The stamp of a file; links have none.
    pub fn stamp(&self) -> Option<&Stamp> {
        match self {
            Self::File { stamp, .. } | Self::TooLarge { stamp, .. } => Some(stamp),
            Self::Link { .. } => None,
        }
    }
}

/// What differs between two snapshots of one workspace, ordered by path.
///
/// Another content, mode, link target or kind counts; another stamp alone does not. Of files too large to be kept only
/// the stamp is known, so there it does. Left out is what one of the two could not look at, and what the later one sees
/// only because it is no longer ignored: nobody knows whether that has changed.
pub fn changes(before: &Snapshot, after: &Snapshot) -> Vec<Changed> {
    let mut changed = Vec::new();
    let mut report = |path: &RelPath, old: Option<&Held>, new: Option<&Held>| {
        if !before.could_not_see(path) && !after.could_not_see(path) {
            changed.push(Changed {
                path: path.clone(),
                before: old.cloned(),
                after: new.cloned(),
            });
        }
    };
    for pair in differing(&before.files, &after.files) {
        match pair {
            (path, Some(old), Some(new)) => {
                if !same((before, old), (after, new)) {
                    report(path, Some(old), Some(new));
                }
            }
            (path, Some(old), None) => {
                let was_ignored =
                    after.as_of_ns < before.as_of_ns && before.no_longer_ignored.contains(path);
                if !was_ignored {
                    report(path, Some(old), None);
                }
            }
            (path, None, Some(new)) => {
                if !after.no_longer_ignored.contains(path) {
                    report(path, None, Some(new));
                }
            }
            (_, None, None) => {}
        }
    }
    changed
}

/// Whether a path held the same in two snapshots, as far as a user would say.
pub(crate) fn same((before, old): (&Snapshot, &Held), (after, new): (&Snapshot, &Held)) -> bool {
    match (old, new) {
        (
            Held::File {
                content: old,
                len: old_len,
                mode: old_mode,
                ..
            },
            Held::File {
                content: new,
                len: new_len,
                mode: new_mode,
                ..
            },
        ) => {
            let same_content = || {
                old == new
                    || before
                        .git_id(old)
                        .or_else(|| after.git_id(old))
                        .is_some_and(|id| {
                            after.git_id(new).or_else(|| before.git_id(new)) == Some(id)
                        })
            };
            old_mode == new_mode && old_len == new_len && same_content()
        }
        (Held::Link { target: old }, Held::Link { target: new }) => old == new,
        (Held::TooLarge { .. }, Held::TooLarge { .. }) => old == new,
        _ => false,
    }
}

/// The bytes that a file held; none for a link (its target is in [`Held`]) and for what was too large to be kept.
///
/// Errors: [`CheckpointError::Missing`] or [`CheckpointError::Damaged`] from the store, [`CheckpointError::Git`] from the
/// repository, also when its object is not as long as the file was.
pub fn content(
    held: &Held,
    blobs: &Blobs,
    git: &ReadGit<'_>,
) -> Result<Option<Vec<u8>>, CheckpointError> {
    let Held::File { content, len, .. } = held else {
        return Ok(None);
    };
    match content {
        Content::Blob(hash) => blobs.get(hash).map(Some),
        Content::Git(oid) => {
            let failed = |source| CheckpointError::Git {
                oid: oid.clone(),
                source,
            };
            let bytes = git(oid).map_err(failed)?;
            if bytes.len() as u64 != *len {
                let reason = format!("it has {} bytes where the file had {len}", bytes.len());
                return Err(failed(reason.into()));
            }
            Ok(Some(bytes))
        }
    }
}

/// Copies into the store what `snapshot` only knows as git objects at `paths`, and returns how many that were.
///
/// Git collects objects that nothing refers to any more. A file that is about to change, or has changed, is worth this
/// copy; all others can still be read from the workspace itself.
pub fn pin<'a>(
    snapshot: &mut Snapshot,
    paths: impl IntoIterator<Item = &'a RelPath>,
    blobs: &Blobs,
    git: &ReadGit<'_>,
) -> Result<usize, CheckpointError> {
    let batch = crate::Batch::new(blobs)?;
    let mut pinned = Vec::new();
    for path in paths {
        let Some(held) = snapshot.files.get(path) else {
            continue;
        };
        if let (Some(Content::Git(oid)), Some(bytes)) = (held.content(), content(held, blobs, git)?)
        {
            pinned.push((path, batch.add(&bytes)?, oid.clone()));
        }
    }
    batch.commit()?;
    let count = pinned.len();
    for (path, hash, oid) in pinned {
        if let Some(Held::File { content, .. }) = snapshot.files.get_mut(path) {
            *content = Content::Blob(hash);
            snapshot.git_ids.insert(hash, oid);
        }
    }
    Ok(count)
}
