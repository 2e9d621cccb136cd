//! Puts objects on the disk for good before the files that they hold are deleted: the library leaves that to the system,
//! and a power cut could take both.

use crate::GitError;
use git2::{Oid, Repository, Tree};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// The ids of a tree, of a path in it, and of the folders on the way.
pub(crate) fn on_the_way(tree: &Tree<'_>, path: &Path, ids: &mut BTreeSet<Oid>) {
    ids.insert(tree.id());
    for part in path.ancestors().filter(|part| !part.as_os_str().is_empty()) {
        // What is not in this tree is in none of its objects.
        ids.extend(tree.get_path(part).map(|entry| entry.id()));
    }
}

/// Returns once the objects are on the disk. Those in packs have been for long.
pub(crate) fn settle(
    repo: &Repository,
    ids: &BTreeSet<Oid>,
    more: &[PathBuf],
) -> Result<(), GitError> {
    let objects = repo.commondir().join("objects");
    let loose = ids.iter().map(|id| {
        let name = id.to_string();
        objects.join(&name[..2]).join(&name[2..])
    });
    let mut folders = BTreeSet::new();
    for path in loose.chain(more.iter().cloned()) {
        let failed = |source| GitError::Io {
            action: "write out",
            path: path.clone(),
            source,
        };
        match sync(&path) {
            Ok(()) => folders.extend(path.parent().map(Path::to_owned)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
    // A system that has no such thing as the flush of a folder says so; the files are written.
    for folder in folders {
        if let Err(error) = sync(&folder) {
            tracing::debug!(folder = %folder.display(), %error, "a folder could not be flushed");
        }
    }
    Ok(())
}

fn sync(path: &Path) -> io::Result<()> {
    // Windows flushes only what is open for writing, and nobody may write to objects.
    if cfg!(windows) {
        return Ok(());
    }
    fs::File::open(path)?.sync_all()
}
