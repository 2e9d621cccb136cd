//! What a commit holds, and what the folder holds beyond it.

use crate::{
    FileKind, GitError, Repo,
    content::{EXECUTABLE, Kept, LINK, PLAIN, SUBMODULE, is_tame, tame},
};
use git2::{BranchType, Commit, DiffOptions, ErrorCode, Oid, Repository, Tree};
use std::path::{Path, PathBuf};

/// What a commit holds of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedFile {
    /// The blob's id in hex.
    pub oid: String,
    /// What it is.
    pub kind: FileKind,
}

/// The commit that a branch began at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The branch that it is compared with, by its short name.
    pub name: String,
    /// The last commit that both have, in hex.
    pub commit: String,
}

impl Repo {
    /// What a commit holds of these paths, in their order; none where there is no file.
    ///
    /// Errors: [`GitError::Unknown`] when there is no such commit on this machine.
    pub fn committed<P: AsRef<Path>>(
        &self,
        commit: &str,
        paths: &[P],
    ) -> Result<Vec<Option<CommittedFile>>, GitError> {
        let repo = self.lock();
        let tree = self.tree(&repo, commit)?;
        let failed = |error| GitError::library("read a commit of", &self.workdir, error);
        paths
            .iter()
            .map(|path| {
                let path = path.as_ref();
                if !is_tame(path) {
                    return Ok(None);
                }
                let kept = Kept::of_tree(Some(&tree), path).map_err(failed)?;
                Ok(kept.and_then(|kept| {
                    let kind = match kept.mode {
                        PLAIN => FileKind::Plain,
                        EXECUTABLE => FileKind::Executable,
                        LINK => FileKind::Link,
                        _ => return None,
                    };
                    let oid = kept.id.to_string();
                    Some(CommittedFile { oid, kind })
                }))
            })
            .collect()
    }

    /// The paths that are not in the folder as a commit has them, ordered; with untracked files, without ignored ones and
    /// the insides of submodules. Nothing is written.
    ///
    /// Errors: [`GitError::Unknown`] when there is no such commit on this machine.
    pub fn differing(&self, commit: &str) -> Result<Vec<PathBuf>, GitError> {
        let repo = self.lock();
        let tree = self.tree(&repo, commit)?;
        let failed = |error| GitError::library("compare the files with", &self.workdir, error);
        let mut index = repo.index().map_err(failed)?;
        index.read(true).map_err(failed)?;
        let mut options = DiffOptions::new();
        options
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .include_typechange(true)
            .ignore_submodules(true)
            .update_index(false);
        let diff = repo
            .diff_tree_to_workdir_with_index(Some(&tree), Some(&mut options))
            .map_err(failed)?;
        let mut paths: Vec<PathBuf> = diff
            .deltas()
            .filter(|delta| {
                let is_module = |mode| u32::from(mode) == SUBMODULE;
                !is_module(delta.old_file().mode()) && !is_module(delta.new_file().mode())
            })
            .filter_map(|delta| {
                let file = delta
                    .new_file()
                    .path_bytes()
                    .or(delta.old_file().path_bytes());
                file.and_then(tame)
            })
            .collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    /// The commit at which what is checked out parted from `wanted`; none wanted: from the remote's default branch, else from
    /// `main` or `master`, and where one of these is checked out, from its upstream. None found: there is nothing to
    /// compare with.
    ///
    /// Errors: [`GitError::Unknown`] when there is no such branch, or it has no commit in common with what is checked out.
    pub fn base(&self, wanted: Option<&str>) -> Result<Option<Base>, GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("find a branch of", &self.workdir, error);
        let head = match repo.head() {
            Ok(head) => head,
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        };
        let Some(at) = head.target() else {
            return Ok(None);
        };
        let named = match wanted {
            Some(name) => vec![name.to_owned()],
            None => {
                let current = head.shorthand().unwrap_or_default().to_owned();
                defaults(&repo, &current)
            }
        };
        for name in named {
            let Some(id) = commit_of(&repo, &name) else {
                continue;
            };
            match repo.merge_base(at, id) {
                Ok(base) => {
                    let commit = base.to_string();
                    return Ok(Some(Base { name, commit }));
                }
                Err(error) if error.code() == ErrorCode::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        match wanted {
            Some(name) => Err(GitError::Unknown {
                what: "branch with a commit in common with what is checked out",
                name: name.to_owned(),
            }),
            None => Ok(None),
        }
    }

    fn tree<'r>(&self, repo: &'r Repository, commit: &str) -> Result<Tree<'r>, GitError> {
        let unknown = || GitError::Unknown {
            what: "commit",
            name: commit.to_owned(),
        };
        let id = (commit.len() == 40)
            .then(|| Oid::from_str(commit).ok())
            .flatten();
        let id = id.ok_or_else(unknown)?;
        let tree = repo.find_commit(id).and_then(|commit| commit.tree());
        tree.map_err(|_| unknown())
    }
}

/// What a branch is compared with unless the user says otherwise, the likeliest first.
fn defaults(repo: &Repository, current: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let remote = repo.find_reference("refs/remotes/origin/HEAD");
    let target = remote.ok().and_then(|head| {
        let target = head.symbolic_target_bytes()?;
        let name = target.strip_prefix(b"refs/remotes/")?;
        Some(String::from_utf8_lossy(name).into_owned())
    });
    names.extend(target);
    names.extend(
        ["main", "master", "origin/main", "origin/master"]
            .into_iter()
            .map(str::to_owned),
    );
    let is_default = names
        .iter()
        .any(|name| name == current || name.strip_prefix("origin/") == Some(current));
    let upstream = repo
        .find_branch(current, BranchType::Local)
        .and_then(|branch| branch.upstream());
    let upstream = upstream.ok().and_then(|upstream| {
        let name = upstream.name().ok().flatten();
        name.map(str::to_owned)
    });
    if is_default {
        return upstream.into_iter().collect();
    }
    names.extend(upstream);
    names
}

/// The commit of a branch of here or of a remote, by its short name.
fn commit_of(repo: &Repository, name: &str) -> Option<Oid> {
    [BranchType::Local, BranchType::Remote]
        .into_iter()
        .find_map(|kind| {
            let branch = repo.find_branch(name, kind).ok()?;
            let commit: Commit<'_> = branch.get().peel_to_commit().ok()?;
            Some(commit.id())
        })
}
