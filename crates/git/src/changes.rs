//! What is not committed: staged and unstaged apart.

use crate::{Change, GitError, Head, Repo, content::tame};
use git2::{IndexEntryExtendedFlag, Repository, RepositoryState, Status, StatusOptions};
use std::path::PathBuf;

/// Everything that is not committed, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Where the next commit goes.
    pub head: Head,
    /// What git must end first (a merge, a rebase …), in words with an article.
    pub under_way: Option<&'static str>,
    /// What the next commit would hold, ordered by path. A file moved is deleted and added; see [`Repo::renames`].
    pub staged: Vec<Changed>,
    /// What it would not: between the index and the files, with the untracked; ordered by path.
    pub unstaged: Vec<Changed>,
    /// Whether the last commit is in the upstream of the branch: to amend it is to rewrite what others may have.
    pub pushed: bool,
    /// What `git commit` would run here and Kerf does not; see [`Repo::commit_programs`].
    pub programs: Vec<String>,
}

/// A path that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Changed {
    /// Where it is, relative to the working tree.
    pub path: PathBuf,
    /// How it differs: never [`Change::Renamed`].
    pub change: Change,
}

impl Repo {
    /// What is staged, and what is not. Ignored files and the insides of submodules are left out, and files that a sparse
    /// checkout leaves away. Nothing is written.
    pub fn changes(&self) -> Result<Changes, GitError> {
        let head = self.head()?;
        let programs = self.commit_programs();
        let pushed = self.ahead_behind()?.is_some_and(|(ahead, _)| ahead == 0);
        let repo = self.lock();
        let failed = |error| GitError::library("compare the files with", &self.workdir, error);
        let mut index = repo.index().map_err(failed)?;
        index.read(true).map_err(failed)?;
        let mut options = StatusOptions::new();
        options
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .include_ignored(false)
            .exclude_submodules(true)
            .update_index(false);
        let statuses = repo.statuses(Some(&mut options)).map_err(failed)?;
        let (mut staged, mut unstaged) = (Vec::new(), Vec::new());
        for status in &statuses {
            // The name of a repository inside ends with a slash: it is not this one's.
            let Some(path) = tame(status.path_bytes()) else {
                continue;
            };
            let bits = status.status();
            if bits.is_conflicted() {
                unstaged.push(Changed {
                    path,
                    change: Change::Conflicted,
                });
                continue;
            }
            if let Some(change) = in_index(bits) {
                staged.push(Changed {
                    path: path.clone(),
                    change,
                });
            }
            if let Some(change) = in_files(bits)
                && !(change == Change::Deleted && is_left_away(&index, &path))
            {
                unstaged.push(Changed { path, change });
            }
        }
        staged.sort();
        unstaged.sort();
        Ok(Changes {
            head,
            under_way: under_way(&repo),
            staged,
            unstaged,
            pushed,
            programs,
        })
    }

    /// What git must end first (a merge, a rebase …), in words with an article.
    pub fn under_way(&self) -> Option<&'static str> {
        under_way(&self.lock())
    }

    /// Errors: [`GitError::UnderWay`] when git has begun something that moves branches or files.
    pub(crate) fn refuse_under_way(&self, repo: &Repository) -> Result<(), GitError> {
        match under_way(repo) {
            Some(what) => Err(GitError::UnderWay {
                what,
                repo: self.workdir.clone(),
            }),
            None => Ok(()),
        }
    }
}

/// A bisection is no reason: it only looks.
fn under_way(repo: &Repository) -> Option<&'static str> {
    Some(match repo.state() {
        RepositoryState::Clean | RepositoryState::Bisect => return None,
        RepositoryState::Merge => "a merge",
        RepositoryState::Revert | RepositoryState::RevertSequence => "a revert",
        RepositoryState::CherryPick | RepositoryState::CherryPickSequence => "a cherry-pick",
        RepositoryState::Rebase
        | RepositoryState::RebaseInteractive
        | RepositoryState::RebaseMerge => "a rebase",
        RepositoryState::ApplyMailbox | RepositoryState::ApplyMailboxOrRebase => {
            "applying of patches"
        }
    })
}

fn is_left_away(index: &git2::Index, path: &std::path::Path) -> bool {
    index.get_path(path, 0).is_some_and(|entry| {
        entry.flags_extended & IndexEntryExtendedFlag::SKIP_WORKTREE.bits() != 0
    })
}

fn in_index(bits: Status) -> Option<Change> {
    if bits.is_index_new() {
        Some(Change::Added)
    } else if bits.is_index_deleted() {
        Some(Change::Deleted)
    } else if bits.is_index_modified() || bits.is_index_typechange() {
        Some(Change::Modified)
    } else {
        None
    }
}

fn in_files(bits: Status) -> Option<Change> {
    if bits.is_wt_new() {
        Some(Change::Untracked)
    } else if bits.is_wt_deleted() {
        Some(Change::Deleted)
    } else if bits.is_wt_modified() || bits.is_wt_typechange() {
        Some(Change::Modified)
    } else {
        None
    }
}
