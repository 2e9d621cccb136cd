//! What differs between the last commit, the index and the files.

use crate::{GitError, Repo, path_from_git};
use git2::{Status, StatusOptions};
use std::path::PathBuf;

/// A path that differs from the last commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatusEntry {
    /// Where it is, relative to the working tree.
    pub path: PathBuf,
    /// Where it was, for [`Change::Renamed`].
    pub from: Option<PathBuf>,
    /// How it differs.
    pub change: Change,
    /// Whether all of it is in the index.
    pub staged: bool,
}

/// How a path differs from the last commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// In the index but not in the commit.
    Added,
    /// Another content, mode or kind.
    Modified,
    /// Not there any more.
    Deleted,
    /// In the index under another name. A file moved without `git mv` is deleted and untracked.
    Renamed,
    /// Neither in the commit nor in the index, and not ignored.
    Untracked,
    /// A merge left more than one version.
    Conflicted,
}

impl Repo {
    /// Everything that differs from the last commit, ordered by path; ignored files and the insides of submodules are
    /// left out. The index file is not refreshed: nothing is written.
    pub fn status(&self) -> Result<Vec<StatusEntry>, GitError> {
        let repo = self.lock();
        let mut options = StatusOptions::new();
        options
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .include_ignored(false)
            .exclude_submodules(true)
            .renames_head_to_index(true)
            .update_index(false);
        let statuses = repo
            .statuses(Some(&mut options))
            .map_err(|error| GitError::library("compare the files with", &self.workdir, error))?;
        let mut entries = Vec::new();
        for status in &statuses {
            let Some(change) = change_of(status.status()) else {
                continue;
            };
            let Some(path) = path_from_git(status.path_bytes()) else {
                continue;
            };
            // The entry itself is named by the old path; a rename's new path is in its delta.
            let delta = (change == Change::Renamed)
                .then(|| status.head_to_index())
                .flatten();
            let renamed = delta.as_ref().and_then(|delta| {
                let new = path_from_git(delta.new_file().path_bytes()?)?;
                Some((new, path_from_git(delta.old_file().path_bytes()?)?))
            });
            let (path, from) = match renamed {
                Some((new, old)) => (new, Some(old)),
                None => (path, None),
            };
            entries.push(StatusEntry {
                path,
                from,
                change,
                staged: !status.status().intersects(in_worktree()),
            });
        }
        entries.sort();
        Ok(entries)
    }
}

fn in_worktree() -> Status {
    Status::WT_NEW
        | Status::WT_MODIFIED
        | Status::WT_DELETED
        | Status::WT_TYPECHANGE
        | Status::WT_RENAMED
        | Status::CONFLICTED
}

/// The one word for a pair of differences: commit to index, and index to file.
fn change_of(status: Status) -> Option<Change> {
    if status.is_conflicted() {
        Some(Change::Conflicted)
    } else if status.is_index_new() {
        // Added and then deleted again: the commit never had it, and neither has the disk.
        (!status.is_wt_deleted()).then_some(Change::Added)
    } else if status.is_wt_deleted() || (status.is_index_deleted() && !status.is_wt_new()) {
        Some(Change::Deleted)
    } else if status.is_index_renamed() || status.is_wt_renamed() {
        Some(Change::Renamed)
    } else if status.is_index_deleted()
        || status.is_index_modified()
        || status.is_index_typechange()
        || status.is_wt_modified()
        || status.is_wt_typechange()
    {
        Some(Change::Modified)
    } else if status.is_wt_new() {
        Some(Change::Untracked)
    } else {
        None
    }
}
