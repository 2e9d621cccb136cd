//! Switching to another branch, or refusing with the files that would lose something.

use crate::{
    GitError, Repo,
    branch::{checked_out_elsewhere, find},
    content::{Files, Kept, is_tame, set_entry, stamped, tame},
    exchange::{Exchange, Plan, Step},
    held::Held,
    path_from_git, path_to_git,
    record::last_commit,
    stage::head_tree,
};
use git2::{
    BranchType, Commit, DiffOptions, FileMode, Index, IndexEntryExtendedFlag, Repository, Tree,
};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A switch that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switched {
    /// The short name of the branch.
    pub branch: String,
    /// How many files differ between the two.
    pub files: usize,
}

impl Repo {
    /// Checks the branch `name` out; with `create`, makes it at the last commit first. A name that only one remote has
    /// makes a local branch that follows it. What is not committed stays as it is, in the index and on disk.
    ///
    /// Errors: [`GitError::InTheWay`] with the files, tracked or not, that differ between the branches and hold what is
    /// not committed; [`GitError::Refused`] where commits would be left without a name, for a branch that is checked out
    /// elsewhere, and for what only git itself does well (sparse checkouts, submodules, filters);
    /// [`GitError::UnderWay`]; [`GitError::Locked`]; [`GitError::Unknown`].
    pub fn switch(&self, name: &str, create: bool) -> Result<Switched, GitError> {
        const ACTION: &str = "switch branches";
        let repo = self.lock();
        let failed = |error| GitError::library("switch branches in", &self.workdir, error);
        self.refuse_under_way(&repo)?;
        let mut held = Held::take(&repo, &self.workdir)?;
        if held.index.has_conflicts() {
            return Err(self.conflicted());
        }
        let last = last_commit(&repo).map_err(failed)?;
        let target = if create {
            self.refuse_name(&repo, name)?;
            last.clone()
        } else {
            Some(self.target(&repo, name)?)
        };
        let reference = format!("refs/heads/{name}");
        if checked_out_elsewhere(&repo).contains(&reference) {
            return Err(self.refused_branch(
                "switch to",
                name,
                "another working tree has it checked out",
            ));
        }
        if !create {
            self.refuse_to_lose_commits(&repo, last.as_ref())?;
        }
        let old = head_tree(&repo).map_err(failed)?;
        let new = target
            .as_ref()
            .map(Commit::tree)
            .transpose()
            .map_err(failed)?;
        let plan = between(&repo, old.as_ref(), new.as_ref()).map_err(failed)?;
        if let Some(name) = plan.keys().find(|name| tame(name).is_none()) {
            return Err(GitError::Refused {
                action: ACTION,
                path: PathBuf::from(String::from_utf8_lossy(name).into_owned()),
                why: "no file here may have this name".to_owned(),
            });
        }
        if !plan.is_empty() {
            self.refuse_sparse(&repo, &held.index, ACTION)?;
        }
        let wrong = staged_in_the_way(&held.index, &plan);
        if !wrong.is_empty() {
            return Err(GitError::InTheWay {
                action: ACTION,
                paths: wrong,
            });
        }
        let files = Files::of(&repo, &self.workdir);
        let exchange = Exchange::run(&files, &held.index, ACTION, &plan)?;
        let to = plan.iter().map(|(name, step)| (name.as_slice(), step.to));
        put(&mut held.index, &self.workdir, &exchange, to).map_err(failed)?;
        let mut made = None;
        if let Some(target) = &target
            && repo.find_branch(name, BranchType::Local).is_err()
        {
            let branch = made.insert(repo.branch(name, target, false).map_err(failed)?);
            if !create {
                let upstream = only_remote(&repo, name).map_err(failed)?;
                branch.set_upstream(upstream.as_deref()).map_err(failed)?;
            }
        }
        let before = repo.find_reference("HEAD").map_err(failed)?;
        let before = before.symbolic_target_bytes().map(<[u8]>::to_vec);
        if let Err(error) = repo.set_head(&reference) {
            if let Some(mut made) = made {
                made.delete().map_err(failed)?;
            }
            return Err(failed(error));
        }
        if let Err(error) = held.write() {
            // `HEAD` goes back with the files.
            let back = match (&before, &last) {
                (Some(branch), _) => repo.set_head_bytes(branch),
                (None, Some(last)) => repo.set_head_detached(last.id()),
                (None, None) => Ok(()),
            };
            back.map_err(failed)?;
            return Err(error);
        }
        exchange.finish();
        Ok(Switched {
            branch: name.to_owned(),
            files: plan.len(),
        })
    }

    fn target<'r>(&self, repo: &'r Repository, name: &str) -> Result<Commit<'r>, GitError> {
        let failed = |error| GitError::library("find a branch of", &self.workdir, error);
        let unknown = || GitError::Unknown {
            what: "branch",
            name: name.to_owned(),
        };
        let branch = match repo.find_branch(name, BranchType::Local) {
            Ok(branch) => branch,
            Err(_) => {
                let remote = only_remote(repo, name)
                    .map_err(failed)?
                    .ok_or_else(unknown)?;
                find(repo, &remote).map_err(failed)?.ok_or_else(unknown)?
            }
        };
        branch.get().peel_to_commit().map_err(failed)
    }

    /// Commits on no branch are found by nobody once `HEAD` has left them.
    fn refuse_to_lose_commits(
        &self,
        repo: &Repository,
        last: Option<&Commit<'_>>,
    ) -> Result<(), GitError> {
        let failed = |error| GitError::library("look at the commits of", &self.workdir, error);
        let Some(last) = last else { return Ok(()) };
        if !repo.head_detached().map_err(failed)? {
            return Ok(());
        }
        let mut tips = repo.references().map_err(failed)?.flatten();
        if tips.any(|tip| tip.target() == Some(last.id())) {
            return Ok(());
        }
        let mut walk = repo.revwalk().map_err(failed)?;
        walk.push(last.id()).map_err(failed)?;
        for glob in ["heads/*", "tags/*", "remotes/*"] {
            walk.hide_glob(glob).map_err(failed)?;
        }
        if walk.next().is_none() {
            return Ok(());
        }
        Err(GitError::Refused {
            action: "leave",
            path: PathBuf::from(last.id().to_string()),
            why: "it is on no branch and would be lost; make a branch here first".to_owned(),
        })
    }

    /// Errors: [`GitError::Refused`] where git is told to leave files away or alone.
    pub(crate) fn refuse_sparse(
        &self,
        repo: &Repository,
        index: &Index,
        action: &'static str,
    ) -> Result<(), GitError> {
        let said = repo
            .config()
            .and_then(|config| config.get_bool("core.sparseCheckout"))
            .unwrap_or(false);
        let left_away = IndexEntryExtendedFlag::SKIP_WORKTREE.bits();
        if said
            || index
                .iter()
                .any(|entry| entry.flags_extended & left_away != 0)
        {
            return Err(GitError::Refused {
                action,
                path: self.workdir.clone(),
                why: "it is a sparse checkout; do it with git itself".to_owned(),
            });
        }
        Ok(())
    }

    pub(crate) fn conflicted(&self) -> GitError {
        GitError::UnderWay {
            what: "a merge",
            repo: self.workdir.clone(),
        }
    }
}

/// The remote's branch of this name, if only one remote has it.
fn only_remote(repo: &Repository, name: &str) -> Result<Option<String>, git2::Error> {
    let remotes = repo.remotes()?;
    let mut found = remotes
        .iter()
        .flatten()
        .flatten()
        .map(|remote| format!("{remote}/{name}"))
        .filter(|full| repo.find_branch(full, BranchType::Remote).is_ok());
    let first = found.next();
    Ok(if found.next().is_none() { first } else { None })
}

/// What differs between two trees, as steps from the first to the second.
pub(crate) fn between(
    repo: &Repository,
    old: Option<&Tree<'_>>,
    new: Option<&Tree<'_>>,
) -> Result<Plan, git2::Error> {
    let mut options = DiffOptions::new();
    options.include_typechange(true);
    let diff = repo.diff_tree_to_tree(old, new, Some(&mut options))?;
    let mut plan = Plan::new();
    for delta in diff.deltas() {
        for (file, is_new) in [(delta.old_file(), false), (delta.new_file(), true)] {
            let Some(name) = file.path_bytes() else {
                continue;
            };
            let step = plan.entry(name.to_vec()).or_insert(Step {
                from: None,
                to: None,
            });
            if file.mode() == FileMode::Unreadable || file.id().is_zero() {
                continue;
            }
            let kept = Kept {
                id: file.id(),
                mode: i32::from(file.mode()).cast_unsigned(),
            };
            if is_new {
                step.to = Some(kept);
            } else {
                step.from = Some(kept);
            }
        }
    }
    Ok(plan)
}

/// The paths of which the index holds something that is in neither of the two: staged by the user.
fn staged_in_the_way(index: &Index, plan: &Plan) -> Vec<PathBuf> {
    let mut wrong = BTreeSet::new();
    for (name, step) in plan {
        let Some(path) = path_from_git(name) else {
            continue;
        };
        let staged = Kept::of_index(index, &path);
        if staged != step.from && staged != step.to {
            wrong.insert(path.clone());
        }
        if step.to.is_some() {
            wrong.extend(entries_displaced(index, name, &path, plan));
        }
    }
    wrong.into_iter().collect()
}

/// Entries that a file at `path` leaves no room for, and that the plan does not know of: an index has no file inside of
/// a file.
fn entries_displaced(index: &Index, name: &[u8], path: &Path, plan: &Plan) -> Vec<PathBuf> {
    let mut displaced: Vec<PathBuf> = path
        .ancestors()
        .skip(1)
        .filter(|parent| !parent.as_os_str().is_empty() && index.get_path(parent, 0).is_some())
        .filter(|parent| path_to_git(parent).is_none_or(|name| !plan.contains_key(&name)))
        .map(Path::to_owned)
        .collect();
    let mut inside = name.to_vec();
    inside.push(b'/');
    if let Ok(first) = index.find_prefix(inside.as_slice()) {
        displaced.extend(
            (first..index.len())
                .map_while(|position| index.get(position))
                .take_while(|entry| entry.path.starts_with(&inside))
                .filter(|entry| !plan.contains_key(&entry.path))
                .filter_map(|entry| path_from_git(&entry.path)),
        );
    }
    displaced
}

/// Sets entries of the index; those whose file was just put there get its stamp, so that git need not read it again.
fn put<'p>(
    index: &mut Index,
    workdir: &Path,
    exchange: &Exchange,
    entries: impl Iterator<Item = (&'p [u8], Option<Kept>)>,
) -> Result<(), git2::Error> {
    let (gone, there): (Vec<_>, Vec<_>) = entries.partition(|(_, kept)| kept.is_none());
    // First what goes: a folder may become a file.
    for (name, kept) in gone.into_iter().chain(there) {
        let Some(path) = path_from_git(name).filter(|path| is_tame(path)) else {
            continue;
        };
        match (kept, fs::symlink_metadata(workdir.join(&path))) {
            (Some(kept), Ok(metadata)) if exchange.placed(&path, &metadata) => {
                index.add(&stamped(kept.entry(name.to_vec()), &metadata))?
            }
            (kept, _) => set_entry(index, &path, name, kept)?,
        }
    }
    Ok(())
}
