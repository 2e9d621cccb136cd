//! Taking a stash out: what merges is merged, and what does not is left in conflict, as git does it.
//!
//! A file in conflict has its versions in the index ([`crate::Conflict`]), and on disk both sides between marks, or where
//! it is no text the side that is there. The stash is kept then. A file that holds what is nowhere else keeps all of the
//! stash in.

use super::{Stashed, listed};
use crate::{
    GitError, Repo,
    conflicts::set_stages,
    content::{Files, Kept, LINK, OnDisk, SUBMODULE, set_entry, tame},
    exchange::{Exchange, Plan, Step},
    held::Held,
    path_from_git,
    settle::settle,
    stage::head_tree,
    switch::between,
};
use git2::{Commit, Index, MergeFileInput, MergeFileOptions, Oid, Repository, Tree};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

const ACTION: &str = "apply the stash";

/// What becomes of the index, by the path as git writes it.
type Entries = BTreeMap<Vec<u8>, Entry>;

/// What the index gets of a path.
enum Entry {
    Is(Option<Kept>),
    /// Base, ours, theirs.
    Conflict([Option<Kept>; 3]),
}

/// How a stash goes on top of the last commit.
#[derive(Default)]
struct Fit {
    plan: Plan,
    entries: Entries,
    conflicts: BTreeSet<PathBuf>,
    /// Whether something that was staged comes out unstaged, because as staged it does not merge.
    unstages: bool,
}

impl Repo {
    /// Takes the stash `oid` out: its files, what was staged as staged, and its untracked files. With `drop` it leaves
    /// the list once all of it is out.
    ///
    /// Where commits since changed the same lines, the file is left in conflict, and the stash is kept whatever `drop`
    /// says; so it is when a staged version alone does not merge, which then comes out unstaged.
    ///
    /// Errors: [`GitError::InTheWay`] when files that it changes are changed, or there; then nothing is changed and the
    /// stash is kept. [`GitError::Unknown`]; otherwise as [`Repo::stash`].
    pub fn unstash(&self, oid: &str, drop: bool) -> Result<Stashed, GitError> {
        let mut repo = self.lock();
        let failed = |error| GitError::library("apply a stash in", &self.workdir, error);
        self.refuse_under_way(&repo)?;
        let unknown = || GitError::Unknown {
            what: "stash",
            name: oid.to_owned(),
        };
        let is_listed = |repo: &Repository| {
            let stashes = listed(repo).map_err(failed)?;
            Ok::<_, GitError>(stashes.iter().position(|stash| stash.oid == oid))
        };
        is_listed(&repo)?.ok_or_else(unknown)?;
        let done = {
            let repo = &*repo;
            let mut held = Held::take(repo, &self.workdir)?;
            if held.index.has_conflicts() {
                return Err(self.conflicted());
            }
            self.refuse_sparse(repo, &held.index, ACTION)?;
            let stash = Oid::from_str(oid)
                .and_then(|id| repo.find_commit(id))
                .map_err(failed)?;
            let fit = self.fit(repo, &held.index, &stash)?;
            let files = Files::of(repo, &self.workdir);
            self.refuse_changed(&files, &fit)?;
            // The versions of a conflict are all that is left of what its file was.
            let sides = fit.entries.values().flat_map(|entry| match entry {
                Entry::Is(kept) => vec![*kept],
                Entry::Conflict(sides) => sides.to_vec(),
            });
            let ids: BTreeSet<Oid> = sides.flatten().map(|kept| kept.id).collect();
            settle(repo, &ids, &[])?;
            let exchange = Exchange::run(&files, &held.index, ACTION, &fit.plan)?;
            for (name, entry) in &fit.entries {
                let Some(path) = path_from_git(name) else {
                    continue;
                };
                match entry {
                    Entry::Is(kept) => set_entry(&mut held.index, &path, name, *kept),
                    Entry::Conflict(sides) => set_stages(&mut held.index, &path, name, *sides),
                }
                .map_err(failed)?;
            }
            held.write()?;
            exchange.finish();
            fit
        };
        // The list may have changed meanwhile: by its name, not by the position it had.
        let mut kept = true;
        let all_is_out = done.conflicts.is_empty() && !done.unstages;
        if drop
            && all_is_out
            && let Some(position) = is_listed(&repo)?
        {
            repo.stash_drop(position).map_err(failed)?;
            kept = false;
        }
        Ok(Stashed {
            oid: oid.to_owned(),
            files: done.plan.len(),
            kept,
            conflicts: done.conflicts.into_iter().collect(),
        })
    }

    /// A file that is left as it is on disk, in conflict, must hold what the index is about to say of it: the exchange
    /// looks at the others.
    fn refuse_changed(&self, files: &Files<'_>, fit: &Fit) -> Result<(), GitError> {
        let mut changed = Vec::new();
        for path in &fit.conflicts {
            let step = crate::path_to_git(path).and_then(|name| fit.plan.get(&name));
            if let Some(Step {
                from: Some(from),
                to: Some(to),
            }) = step
                && from == to
                && !matches!(files.compare(path, *from)?, OnDisk::Same(_))
            {
                changed.push(path.clone());
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        Err(GitError::InTheWay {
            action: ACTION,
            paths: changed,
        })
    }

    /// What becomes of the files and of the index when the stash is taken out on top of the last commit.
    fn fit(&self, repo: &Repository, index: &Index, stash: &Commit<'_>) -> Result<Fit, GitError> {
        let failed = |error| GitError::library("read a stash of", &self.workdir, error);
        let tree_of = |position: usize| stash.parent(position).and_then(|parent| parent.tree());
        let (base, staged) = (tree_of(0).map_err(failed)?, tree_of(1).map_err(failed)?);
        let files_tree = stash.tree().map_err(failed)?;
        let head = head_tree(repo).map_err(failed)?;
        let to_files = between(repo, Some(&base), Some(&files_tree)).map_err(failed)?;
        let to_staged = between(repo, Some(&base), Some(&staged)).map_err(failed)?;
        let names: BTreeSet<&Vec<u8>> = to_files.keys().chain(to_staged.keys()).collect();
        let (mut fit, mut changed) = (Fit::default(), BTreeSet::new());
        for name in names {
            let path = tame(name).ok_or_else(|| GitError::Refused {
                action: ACTION,
                path: PathBuf::from(String::from_utf8_lossy(name).into_owned()),
                why: "no file here may have this name".to_owned(),
            })?;
            let of = |tree: &Tree<'_>| Kept::of_tree(Some(tree), &path).map_err(failed);
            let was = of(&base)?;
            let now = Kept::of_tree(head.as_ref(), &path).map_err(failed)?;
            if Kept::of_index(index, &path) != now {
                changed.insert(path);
                continue;
            }
            let stashed = of(&files_tree)?;
            let Some(file) = joined(repo, was, now, stashed).map_err(failed)? else {
                fit.conflict(repo, name, &path, [was, now, stashed])
                    .map_err(failed)?;
                continue;
            };
            let entry = joined(repo, was, now, of(&staged)?).map_err(failed)?;
            fit.unstages |= entry.is_none();
            fit.entries
                .insert(name.clone(), Entry::Is(entry.unwrap_or(now)));
            let step = Step {
                from: now,
                to: file,
            };
            fit.plan.insert(name.clone(), step);
        }
        if stash.parent_count() > 2 {
            let rest = tree_of(2).map_err(failed)?;
            for (name, step) in between(repo, None, Some(&rest)).map_err(failed)? {
                let Some(path) = tame(&name) else {
                    // The exchange refuses it.
                    fit.plan.insert(name, step);
                    continue;
                };
                // A file that was committed meanwhile is no longer unknown.
                let now = Kept::of_tree(head.as_ref(), &path).map_err(failed)?;
                if now.is_none() || now == step.to {
                    let to = step.to;
                    fit.plan.insert(name, Step { from: now, to });
                } else if Kept::of_index(index, &path) != now {
                    changed.insert(path);
                } else {
                    fit.conflict(repo, &name, &path, [None, now, step.to])
                        .map_err(failed)?;
                }
            }
        }
        if changed.is_empty() {
            return Ok(fit);
        }
        Err(GitError::InTheWay {
            action: ACTION,
            paths: changed.into_iter().collect(),
        })
    }
}

impl Fit {
    /// Leaves a file in conflict.
    fn conflict(
        &mut self,
        repo: &Repository,
        name: &[u8],
        path: &Path,
        sides: [Option<Kept>; 3],
    ) -> Result<(), git2::Error> {
        let [was, now, stashed] = sides;
        let marked = match (now, stashed) {
            (Some(now), Some(stashed)) => marked(repo, was, now, stashed)?.or(Some(now)),
            // Deleted on one side: what the other has is there to be looked at.
            _ => now.or(stashed),
        };
        let step = Step {
            from: now,
            to: marked,
        };
        self.plan.insert(name.to_vec(), step);
        self.entries.insert(name.to_vec(), Entry::Conflict(sides));
        self.conflicts.insert(path.to_owned());
        Ok(())
    }
}

/// What `was` became on both sides, joined; none when they conflict.
fn joined(
    repo: &Repository,
    was: Option<Kept>,
    now: Option<Kept>,
    stashed: Option<Kept>,
) -> Result<Option<Option<Kept>>, git2::Error> {
    if now == was || now == stashed {
        return Ok(Some(stashed));
    }
    if stashed == was {
        return Ok(Some(now));
    }
    let (Some(was), Some(now), Some(stashed)) = (was, now, stashed) else {
        return Ok(None);
    };
    if now.mode != was.mode && stashed.mode != was.mode && now.mode != stashed.mode {
        return Ok(None);
    }
    let Some((bytes, true)) = merged(repo, Some(was), now, stashed)? else {
        return Ok(None);
    };
    let mode = mode_of(Some(was), now, stashed);
    let id = repo.blob(&bytes)?;
    Ok(Some(Some(Kept { id, mode })))
}

/// Both sides in one text, with marks where they differ; none where one is no text.
fn marked(
    repo: &Repository,
    was: Option<Kept>,
    now: Kept,
    stashed: Kept,
) -> Result<Option<Kept>, git2::Error> {
    let Some((bytes, _)) = merged(repo, was, now, stashed)? else {
        return Ok(None);
    };
    let mode = mode_of(was, now, stashed);
    let id = repo.blob(&bytes)?;
    Ok(Some(Kept { id, mode }))
}

/// That of the side that changed it; ours where both did.
fn mode_of(was: Option<Kept>, now: Kept, stashed: Kept) -> u32 {
    match was {
        Some(was) if was.mode == now.mode => stashed.mode,
        _ => now.mode,
    }
}

/// Three texts merged, and whether that went without a conflict; none where one is no text.
fn merged(
    repo: &Repository,
    was: Option<Kept>,
    now: Kept,
    stashed: Kept,
) -> Result<Option<(Vec<u8>, bool)>, git2::Error> {
    let is_text = |kept: &Kept| kept.mode != LINK && kept.mode != SUBMODULE;
    if !was.iter().chain([&now, &stashed]).all(is_text) {
        return Ok(None);
    }
    let blob = |kept: Kept| repo.find_blob(kept.id);
    let (was, now, stashed) = (was.map(blob).transpose()?, blob(now)?, blob(stashed)?);
    let mut all = was.iter().chain([&now, &stashed]);
    if all.any(git2::Blob::is_binary) {
        return Ok(None);
    }
    let input = |content| {
        let mut input = MergeFileInput::new();
        input.content(content);
        input
    };
    let mut options = MergeFileOptions::new();
    // As git names them.
    options
        .our_label("Updated upstream")
        .their_label("Stashed changes");
    let merged = git2::merge_file(
        &input(was.as_ref().map_or(&[][..], |was| was.content())),
        &input(now.content()),
        &input(stashed.content()),
        Some(&mut options),
    )?;
    Ok(Some((merged.content().to_vec(), merged.is_automergeable())))
}
