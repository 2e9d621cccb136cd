//! The index of a new worktree: the user's own, with the stamps of the files that were brought.

use super::listing::{Found, SUBMODULE, Tracked};
use crate::{FileKind, attributes::Attributes};
use git2::{Index, IndexEntry, IndexTime, ObjectType, Oid, Repository};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::Metadata,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// The object that is the file, when the index vouches for it.
pub(super) fn vouched(
    repo: &Repository,
    tracked: &Tracked,
    attributes: &Attributes<'_>,
    found: &Found,
) -> Option<Oid> {
    let git = crate::path_to_git(&found.path)?;
    let entry = tracked.entry(&git)?;
    let (len, mtime, ino) = stamp(&found.stat);
    let is_same = entry.flags & 0x3000 == 0
        && u64::from(entry.file_size) == len
        && time(entry.mtime) == mtime
        && (entry.ino == 0 || u64::from(entry.ino) == ino & u64::from(u32::MAX));
    let holds = || {
        let (size, kind) = repo.odb().ok()?.read_header(entry.id).ok()?;
        (kind == ObjectType::Blob && size as u64 == len).then_some(entry.id)
    };
    (is_same && found.kind != FileKind::Link && !attributes.change_content(&git))
        .then(holds)
        .flatten()
}

fn time(time: IndexTime) -> i128 {
    i128::from(time.seconds().cast_unsigned()) * 1_000_000_000 + i128::from(time.nanoseconds())
}

/// Whether two looks at a file saw the same.
pub(super) fn same(a: &Metadata, b: &Metadata) -> bool {
    stamp(a) == stamp(b)
}

/// Size, modification time in nanoseconds, and inode number where there is one.
fn stamp(stat: &Metadata) -> (u64, i128, u64) {
    let modified = stat.modified().ok();
    let since = modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let since = since.unwrap_or_default().as_nanos().cast_signed();
    #[cfg(unix)]
    let ino = std::os::unix::fs::MetadataExt::ino(stat);
    #[cfg(not(unix))]
    let ino = 0;
    (stat.len(), since, ino)
}

/// The user's index for the worktree's files. Of a merge that is not finished, what the last commit says.
pub(super) fn fresh_index(
    index: &Index,
    head: Option<&git2::Tree<'_>>,
    folder: &Path,
    known: &BTreeMap<PathBuf, Oid>,
) -> Result<Index, git2::Error> {
    let mut fresh = Index::new()?;
    let mut conflicts = BTreeSet::new();
    for mut entry in index.iter() {
        if entry.flags & 0x3000 != 0 {
            conflicts.insert(entry.path);
            continue;
        }
        let path = crate::path_from_git(&entry.path);
        let stat = path
            .filter(|path| known.contains_key(path) && entry.mode != SUBMODULE)
            .and_then(|path| folder.join(path).symlink_metadata().ok());
        stamp_entry(&mut entry, stat.as_ref());
        fresh.add(&entry)?;
    }
    for path in conflicts {
        let committed = head
            .zip(crate::path_from_git(&path))
            .and_then(|(head, path)| head.get_path(&path).ok());
        if let Some(committed) = committed {
            let kept = crate::content::Kept {
                id: committed.id(),
                mode: committed.filemode().cast_unsigned(),
            };
            let mut entry = kept.entry(path);
            stamp_entry(&mut entry, None);
            fresh.add(&entry)?;
        }
    }
    Ok(fresh)
}

/// Gives an entry the stamp of a file that it describes; without one git looks at the file itself.
fn stamp_entry(entry: &mut IndexEntry, stat: Option<&Metadata>) {
    let none = IndexTime::new(0, 0);
    (entry.ctime, entry.mtime, entry.dev, entry.ino) = (none, none, 0, 0);
    (entry.uid, entry.gid, entry.file_size) = (0, 0, 0);
    #[cfg(unix)]
    if let Some(stat) = stat {
        use std::os::unix::fs::MetadataExt as _;
        let time = |seconds: i64, nanos: i64| {
            // The index has 32 bits for each, as git cuts them.
            IndexTime::new(seconds as i32, nanos as u32)
        };
        entry.ctime = time(stat.ctime(), stat.ctime_nsec());
        entry.mtime = time(stat.mtime(), stat.mtime_nsec());
        (entry.dev, entry.ino) = (stat.dev() as u32, stat.ino() as u32);
        (entry.uid, entry.gid) = (stat.uid(), stat.gid());
        entry.file_size = stat.len() as u32;
    }
    #[cfg(not(unix))]
    let _ = stat;
}
