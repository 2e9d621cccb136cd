//! Branches: what there is, making one, deleting one that is merged.

use crate::{GitError, Repo};
use git2::{BranchType, ErrorCode, Repository};
use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

/// Of how many branches is told.
const MAX_BRANCHES: usize = 2_000;

/// So many commits are named that would be on no branch; the others are counted, up to so many.
const MAX_NAMED: usize = 5;
const MAX_COUNTED: usize = 1_000;

/// Of a commit's first line, in characters.
const MAX_SUMMARY: usize = 72;

/// A branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its short name; of a remote's branch with the remote's name before it.
    pub name: String,
    /// Whether it is what was last seen of a remote's branch.
    pub remote: bool,
    /// Whether it is checked out here.
    pub current: bool,
    /// Whether another working tree of the repository has it checked out.
    pub elsewhere: bool,
    /// Its last commit, in hex.
    pub commit: String,
    /// When that was made, in seconds since 1970.
    pub time: i64,
    /// The first line of that commit's message.
    pub summary: String,
    /// The short name of its upstream.
    pub upstream: Option<String>,
}

impl Repo {
    /// The branches, local ones first, each group from the newest commit to the oldest. One without a commit is not among
    /// them, nor one whose name is not UTF-8.
    pub fn branches(&self) -> Result<Vec<Branch>, GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("list the branches of", &self.workdir, error);
        let elsewhere = checked_out_elsewhere(&repo);
        let mut branches = Vec::new();
        for found in repo.branches(None).map_err(failed)?.take(MAX_BRANCHES) {
            let (branch, kind) = found.map_err(failed)?;
            let Ok(Some(name)) = branch.name().map(|name| name.map(str::to_owned)) else {
                continue;
            };
            // What points to another branch, as `origin/HEAD`, and what points to nothing.
            let Some(id) = branch.get().target() else {
                continue;
            };
            let Ok(commit) = repo.find_commit(id) else {
                continue;
            };
            let reference = String::from_utf8_lossy(branch.get().name_bytes()).into_owned();
            let upstream = match branch.upstream() {
                Ok(upstream) => upstream.name().ok().flatten().map(str::to_owned),
                Err(_) => None,
            };
            branches.push(Branch {
                name,
                remote: kind == BranchType::Remote,
                current: branch.is_head(),
                elsewhere: elsewhere.contains(&reference),
                commit: id.to_string(),
                time: commit.time().seconds(),
                summary: commit
                    .summary_bytes()
                    .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
                    .unwrap_or_default(),
                upstream,
            });
        }
        branches.sort_by(|a, b| (a.remote, -a.time, &a.name).cmp(&(b.remote, -b.time, &b.name)));
        Ok(branches)
    }

    /// Makes a branch at the last commit, or at that of the branch `from`, and does not switch to it.
    ///
    /// Errors: [`GitError::Refused`] when the name is none or taken; [`GitError::Unknown`] for `from`.
    pub fn create_branch(&self, name: &str, from: Option<&str>) -> Result<(), GitError> {
        let repo = self.lock();
        self.refuse_name(&repo, name)?;
        let failed = |error| GitError::library("make a branch in", &self.workdir, error);
        let at = match from {
            None => crate::record::last_commit(&repo)
                .map_err(failed)?
                .ok_or_else(|| self.refused_branch("make", name, "there is no commit yet"))?,
            Some(from) => find(&repo, from)
                .map_err(failed)?
                .and_then(|branch| branch.get().peel_to_commit().ok())
                .ok_or_else(|| GitError::Unknown {
                    what: "branch",
                    name: from.to_owned(),
                })?,
        };
        repo.branch(name, &at, false).map_err(failed)?;
        Ok(())
    }

    /// Deletes a local branch whose commits are all in the branch that is checked out or in its own upstream. Returns
    /// the id of its last commit, at which it can be made again.
    ///
    /// Errors: [`GitError::Refused`] for one that is checked out, here or elsewhere, or not merged;
    /// [`GitError::Unknown`].
    pub fn delete_branch(&self, name: &str) -> Result<String, GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("delete a branch of", &self.workdir, error);
        let mut branch = match repo.find_branch(name, BranchType::Local) {
            Ok(branch) => branch,
            Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => {
                return Err(GitError::Unknown {
                    what: "branch",
                    name: name.to_owned(),
                });
            }
            Err(error) => return Err(failed(error)),
        };
        let reference = String::from_utf8_lossy(branch.get().name_bytes()).into_owned();
        if branch.is_head() || checked_out_elsewhere(&repo).contains(&reference) {
            return Err(self.refused_branch("delete", name, "it is checked out"));
        }
        let Some(tip) = branch.get().target() else {
            return Err(self.refused_branch("delete", name, "it points to another branch"));
        };
        let within = |holder: Option<git2::Oid>| {
            holder.is_some_and(|holder| {
                holder == tip || repo.graph_descendant_of(holder, tip).unwrap_or(false)
            })
        };
        let head = repo.head().ok();
        let upstream = branch.upstream().ok();
        let target = |reference: Option<&git2::Reference<'_>>| reference.and_then(|it| it.target());
        if !within(target(head.as_ref())) && !within(target(upstream.as_ref().map(|up| up.get()))) {
            let here = match head.as_ref().filter(|head| head.is_branch()) {
                Some(head) => format!("`{}`", String::from_utf8_lossy(head.shorthand_bytes())),
                None => "what is checked out".to_owned(),
            };
            let holders = match upstream {
                Some(_) => format!("neither {here} nor its upstream has"),
                None => format!("{here} has not"),
            };
            let lost = only_in(&repo, tip, &reference).map_err(failed)?;
            let rest = match lost {
                Some(commits) => format!("without it {commits} would be on no branch; merge it"),
                None => "other branches or tags have the rest; switch to one of them".to_owned(),
            };
            let why = format!(
                "{holders} all of its commits, and {rest}, or delete it with `git branch -D`"
            );
            return Err(self.refused_branch("delete", name, &why));
        }
        branch.delete().map_err(failed)?;
        Ok(tip.to_string())
    }

    /// Errors: [`GitError::Refused`] when no new branch may have this name.
    pub(crate) fn refuse_name(&self, repo: &Repository, name: &str) -> Result<(), GitError> {
        // What starts with a dash would be taken for an option of git by whoever types it.
        let valid = git2::Branch::name_is_valid(name).unwrap_or(false) && !name.starts_with('-');
        if !valid || name == "HEAD" {
            return Err(self.refused_branch("make", name, "git allows no such name"));
        }
        if repo.find_branch(name, BranchType::Local).is_ok() {
            return Err(self.refused_branch("make", name, "there is one already"));
        }
        Ok(())
    }

    pub(crate) fn refused_branch(&self, action: &'static str, name: &str, why: &str) -> GitError {
        GitError::Refused {
            action,
            path: PathBuf::from(name),
            why: why.to_owned(),
        }
    }
}

/// The commits of `tip` that no branch but `reference` and no tag has, in words: the newest by their names.
fn only_in(
    repo: &Repository,
    tip: git2::Oid,
    reference: &str,
) -> Result<Option<String>, git2::Error> {
    let mut walk = repo.revwalk()?;
    walk.set_sorting(git2::Sort::TOPOLOGICAL)?;
    walk.push(tip)?;
    for glob in ["refs/heads/*", "refs/remotes/*", "refs/tags/*"] {
        for other in repo.references_glob(glob)? {
            let other = other?;
            if other.name_bytes() != reference.as_bytes()
                && let Ok(commit) = other.peel_to_commit()
            {
                walk.hide(commit.id())?;
            }
        }
    }
    // What is checked out may be on no branch.
    if let Ok(head) = repo.refname_to_id("HEAD") {
        walk.hide(head)?;
    }
    let (mut named, mut more) = (Vec::new(), 0);
    for id in walk.take(MAX_COUNTED) {
        let id = id?;
        if named.len() == MAX_NAMED {
            more += 1;
            continue;
        }
        let commit = repo.find_commit(id)?;
        let summary = String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default());
        let summary: String = summary.chars().take(MAX_SUMMARY).collect();
        let short = commit.as_object().short_id()?;
        let short = String::from_utf8_lossy(&short).into_owned();
        named.push(format!("{short} “{summary}”"));
    }
    if more > 0 {
        let at_least = if named.len() + more == MAX_COUNTED {
            "at least "
        } else {
            ""
        };
        named.push(format!("{at_least}{more} more"));
    }
    Ok(named.pop().map(|last| match named.as_slice() {
        [] => last,
        _ => format!("{} and {last}", named.join(", ")),
    }))
}

/// A branch by its short name, local ones first.
pub(crate) fn find<'r>(
    repo: &'r Repository,
    name: &str,
) -> Result<Option<git2::Branch<'r>>, git2::Error> {
    for kind in [BranchType::Local, BranchType::Remote] {
        match repo.find_branch(name, kind) {
            Ok(branch) => return Ok(Some(branch)),
            Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The full names of the branches that other working trees of the repository have checked out.
pub(crate) fn checked_out_elsewhere(repo: &Repository) -> Vec<String> {
    let common = repo.commondir();
    let here = fs::canonicalize(repo.path()).ok();
    let mut places = vec![common.to_owned()];
    if let Ok(entries) = fs::read_dir(common.join("worktrees")) {
        places.extend(entries.flatten().map(|entry| entry.path()));
    }
    places
        .into_iter()
        .filter(|place| fs::canonicalize(place).ok() != here)
        .filter_map(|place| head_of(&place))
        .collect()
}

fn head_of(place: &Path) -> Option<String> {
    const MAX_HEAD_BYTES: u64 = 4 * 1024;
    let path = place.join("HEAD");
    // A pipe would be waited for.
    if !fs::metadata(&path).ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    let file = fs::File::open(path).ok()?;
    file.take(MAX_HEAD_BYTES).read_to_string(&mut text).ok()?;
    Some(text.strip_prefix("ref:")?.trim().to_owned())
}
