//! What a branch has that a branch of a remote has not, and what was last seen of a remote's branches.

use crate::{Change, GitError, Repo, content::tame};
use git2::{Delta, ErrorCode, Repository, Sort};
use std::path::PathBuf;

/// So many commits and files are told of.
const MAX_COMMITS: usize = 50;
const MAX_FILES: usize = 300;

/// The commits of a branch that another has not, and what they change together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Since {
    /// Their messages, newest first; the first 50.
    pub messages: Vec<String>,
    /// What differs from where the two lines of commits parted, by path; the first 300.
    pub files: Vec<(PathBuf, Change)>,
    /// Whether there are more commits or files than are told.
    pub more: bool,
}

impl Repo {
    /// What the branch that is checked out has and `branch` of `remote`, as last seen, has not.
    ///
    /// Errors: [`GitError::Unknown`] when nothing was ever seen of that branch.
    pub fn since(&self, remote: &str, branch: &str) -> Result<Since, GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("compare branches of", &self.workdir, error);
        let base = seen(&repo, remote, branch)
            .map_err(failed)?
            .ok_or_else(|| GitError::Unknown {
                what: "branch of a remote",
                name: format!("{remote}/{branch}"),
            })?;
        let Some(head) = crate::record::last_commit(&repo).map_err(failed)? else {
            return Ok(Since::default());
        };
        let read = || -> Result<Since, git2::Error> {
            let mut since = Since::default();
            let mut walk = repo.revwalk()?;
            walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
            walk.push(head.id())?;
            walk.hide(base)?;
            for id in walk {
                if since.messages.len() == MAX_COMMITS {
                    since.more = true;
                    break;
                }
                let commit = repo.find_commit(id?)?;
                let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
                since.messages.push(message);
            }
            let parted = match repo.merge_base(head.id(), base) {
                Ok(id) => Some(repo.find_commit(id)?.tree()?),
                Err(error) if error.code() == ErrorCode::NotFound => None,
                Err(error) => return Err(error),
            };
            let diff = repo.diff_tree_to_tree(parted.as_ref(), Some(&head.tree()?), None)?;
            for delta in diff.deltas() {
                let bytes = delta.new_file().path_bytes();
                let Some(path) = bytes.and_then(tame) else {
                    continue;
                };
                if since.files.len() == MAX_FILES {
                    since.more = true;
                    break;
                }
                let change = match delta.status() {
                    Delta::Added => Change::Added,
                    Delta::Deleted => Change::Deleted,
                    _ => Change::Modified,
                };
                since.files.push((path, change));
            }
            Ok(since)
        };
        read().map_err(failed)
    }

    /// Whether `branch` of `remote`, as last seen, is the commit that is checked out.
    pub fn is_pushed(&self, remote: &str, branch: &str) -> Result<bool, GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("compare branches of", &self.workdir, error);
        let there = seen(&repo, remote, branch).map_err(failed)?;
        let here = crate::record::last_commit(&repo).map_err(failed)?;
        Ok(there.is_some() && there == here.map(|commit| commit.id()))
    }

    /// The branch of a remote that others work from: what the remote called its own when it was cloned, else `main` or
    /// `master` where one was seen.
    pub fn default_branch(&self, remote: &str) -> Option<String> {
        let repo = self.lock();
        let named = format!("refs/remotes/{remote}/HEAD");
        let prefix = format!("refs/remotes/{remote}/");
        let told = repo.find_reference(&named).ok().and_then(|head| {
            let target = head.symbolic_target_bytes()?;
            let target = std::str::from_utf8(target).ok()?;
            target.strip_prefix(&prefix).map(str::to_owned)
        });
        told.or_else(|| {
            ["main", "master"]
                .into_iter()
                .find(|name| seen(&repo, remote, name).is_ok_and(|seen| seen.is_some()))
                .map(str::to_owned)
        })
    }
}

fn seen(repo: &Repository, remote: &str, branch: &str) -> Result<Option<git2::Oid>, git2::Error> {
    match repo.refname_to_id(&format!("refs/remotes/{remote}/{branch}")) {
        Ok(id) => Ok(Some(id)),
        Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
