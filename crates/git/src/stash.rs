//! Stashes, as git keeps them: what is not committed is put into commits on `refs/stash`, and taken out again.
//!
//! Each direction is all or nothing. A stash that does not fit is refused and kept: conflict marks are never written
//! into files.

use crate::{
    GitError, Repo,
    commit::merge,
    content::{Files, Kept, LINK, SUBMODULE, set_entry, tame},
    exchange::{Exchange, Plan, Step},
    held::Held,
    path_from_git, path_to_git,
    record::last_commit,
    settle::{on_the_way, settle},
    stage::head_tree,
    switch::between,
};
use git2::{Commit, Index, IndexEntryExtendedFlag, Oid, Repository, Tree};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

const STASH: &str = "refs/stash";

/// What the index gets, by the path as git writes it.
type Entries = BTreeMap<Vec<u8>, Option<Kept>>;

/// A stash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stash {
    /// Its commit, in hex: its name for good, while positions move.
    pub oid: String,
    /// What was said of it, with the branch it was made on.
    pub message: String,
    /// When it was made, in seconds since 1970.
    pub time: i64,
}

/// What came of stashing, or of taking a stash out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stashed {
    /// The stash's commit, in hex.
    pub oid: String,
    /// How many files changed on disk or in the index.
    pub files: usize,
    /// Whether it is in the list now.
    pub kept: bool,
}

impl Repo {
    /// The stashes, newest first.
    pub fn stashes(&self) -> Result<Vec<Stash>, GitError> {
        let repo = self.lock();
        listed(&repo)
            .map_err(|error| GitError::library("list the stashes of", &self.workdir, error))
    }

    /// Puts away what is staged and unstaged, and with `untracked` also what git does not know; ignored files and
    /// repositories inside stay. Files and index are then as the last commit.
    ///
    /// Errors: [`GitError::Refused`] when there is nothing, no commit yet, or something that only git itself puts away
    /// well (submodules, filters, sparse checkouts, `.gitattributes`); [`GitError::InTheWay`] when a file changes
    /// meanwhile; [`GitError::UnderWay`]; [`GitError::Locked`].
    pub fn stash(&self, message: Option<&str>, untracked: bool) -> Result<Stashed, GitError> {
        const ACTION: &str = "stash";
        let changes = self.changes()?;
        let repo = self.lock();
        let failed = |error| GitError::library("stash in", &self.workdir, error);
        let refused = |why: &str| GitError::Refused {
            action: ACTION,
            path: self.workdir.clone(),
            why: why.to_owned(),
        };
        self.refuse_under_way(&repo)?;
        let mut held = Held::take(&repo, &self.workdir)?;
        if held.index.has_conflicts() {
            return Err(self.conflicted());
        }
        self.refuse_sparse(&repo, &held.index, ACTION)?;
        let author = self.author(&repo)?;
        let base = last_commit(&repo)
            .map_err(failed)?
            .ok_or_else(|| refused("there is no commit yet to go back to"))?;
        let base_tree = base.tree().map_err(failed)?;

        let intended: Vec<PathBuf> = held
            .index
            .iter()
            .filter(|entry| {
                entry.flags_extended & IndexEntryExtendedFlag::INTENT_TO_ADD.bits() != 0
            })
            .filter_map(|entry| path_from_git(&entry.path))
            .collect();
        for path in &intended {
            held.index.remove_path(path).map_err(failed)?;
        }
        let staged_tree = held.index.write_tree_to(&repo).map_err(failed)?;
        let staged_tree = repo.find_tree(staged_tree).map_err(failed)?;
        let staged = between(&repo, Some(&base_tree), Some(&staged_tree)).map_err(failed)?;
        if staged.values().any(|step| {
            [step.from, step.to]
                .iter()
                .flatten()
                .any(|kept| kept.mode == SUBMODULE)
        }) {
            return Err(refused("a submodule is staged; do it with git itself"));
        }

        // The three trees: the index, the files that git knows, and the files that it does not.
        let files = Files::of(&repo, &self.workdir);
        let mut known = Index::new().map_err(failed)?;
        known.read_tree(&staged_tree).map_err(failed)?;
        let mut unknown = Index::new().map_err(failed)?;
        let mut plan = Plan::new();
        let paths: BTreeSet<PathBuf> = changes
            .staged
            .into_iter()
            .chain(changes.unstaged)
            .map(|changed| changed.path)
            .chain(staged.keys().filter_map(|name| tame(name)))
            .chain(intended)
            .collect();
        for path in paths {
            let Some(name) = path_to_git(&path) else {
                continue;
            };
            let indexed = Kept::of_index(&held.index, &path);
            let committed = Kept::of_tree(Some(&base_tree), &path).map_err(failed)?;
            let is_known = indexed.is_some() || committed.is_some();
            if !is_known && !untracked {
                continue;
            }
            let on_disk = files.keep(&path, indexed.or(committed))?;
            let tree = if is_known { &mut known } else { &mut unknown };
            set_entry(tree, &path, &name, on_disk).map_err(failed)?;
            plan.insert(
                name,
                Step {
                    from: on_disk,
                    to: committed,
                },
            );
        }
        if plan.is_empty() {
            return Err(refused("there is nothing to stash"));
        }

        let (on, head_line) = self.whereabouts(&repo, &base);
        let commit = |text: &str, tree: Oid, parents: &[&Commit<'_>]| {
            let tree = repo.find_tree(tree)?;
            let id = repo.commit(None, &author, &author, text, &tree, parents)?;
            repo.find_commit(id)
        };
        let write =
            |known: &mut Index, unknown: &mut Index| -> Result<(Oid, String), git2::Error> {
                let index = commit(
                    &format!("index on {head_line}\n"),
                    staged_tree.id(),
                    &[&base],
                )?;
                let text = match message.map(str::trim).filter(|text| !text.is_empty()) {
                    Some(message) => format!("On {on}: {message}"),
                    None => format!("WIP on {head_line}"),
                };
                let tree = known.write_tree_to(&repo)?;
                let made = if unknown.is_empty() {
                    commit(&text, tree, &[&base, &index])?
                } else {
                    let tree_unknown = unknown.write_tree_to(&repo)?;
                    let rest = commit(
                        &format!("untracked files on {head_line}\n"),
                        tree_unknown,
                        &[],
                    )?;
                    commit(&text, tree, &[&base, &index, &rest])?
                };
                Ok((made.id(), text))
            };
        let (oid, text) = write(&mut known, &mut unknown).map_err(failed)?;

        let mut ids = BTreeSet::from([oid]);
        let made = repo.find_commit(oid).map_err(failed)?;
        ids.extend(made.parent_ids());
        for parent in made.parents().chain([made.clone()]) {
            let tree = parent.tree().map_err(failed)?;
            for path in plan.keys().filter_map(|name| path_from_git(name)) {
                on_the_way(&tree, &path, &mut ids);
            }
        }
        settle(&repo, &ids, &[])?;

        let exchange = Exchange::run(&files, &held.index, ACTION, &plan)?;
        let line = text.lines().next().unwrap_or_default();
        // From here on the stash is in the list, so that whatever fails below loses nothing.
        repo.reference_ensure_log(STASH)
            .and_then(|()| repo.reference(STASH, oid, true, line))
            .map_err(failed)?;
        let names = [STASH.to_owned(), format!("logs/{STASH}")];
        let names = names.map(|name| repo.commondir().join(name));
        settle(&repo, &BTreeSet::new(), &names)?;
        for (name, step) in &plan {
            if let Some(path) = path_from_git(name) {
                set_entry(&mut held.index, &path, name, step.to).map_err(failed)?;
            }
        }
        held.write()?;
        exchange.finish();
        Ok(Stashed {
            oid: oid.to_string(),
            files: plan.len(),
            kept: true,
        })
    }

    /// Takes the stash `oid` out: its files, what was staged as staged, and its untracked files. With `drop` it leaves
    /// the list once all of it is out.
    ///
    /// Errors: [`GitError::Conflicts`] when commits since changed the same lines; [`GitError::InTheWay`] when files that
    /// it changes are changed, or there; in each case nothing is changed and the stash is kept. [`GitError::Unknown`];
    /// otherwise as [`Repo::stash`].
    pub fn unstash(&self, oid: &str, drop: bool) -> Result<Stashed, GitError> {
        const ACTION: &str = "apply the stash";
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
        let files_changed = {
            let repo = &*repo;
            let mut held = Held::take(repo, &self.workdir)?;
            if held.index.has_conflicts() {
                return Err(self.conflicted());
            }
            self.refuse_sparse(repo, &held.index, ACTION)?;
            let stash = Oid::from_str(oid)
                .and_then(|id| repo.find_commit(id))
                .map_err(failed)?;
            let (plan, to_index) = self.fit(repo, &held.index, &stash, ACTION)?;
            let files = Files::of(repo, &self.workdir);
            let exchange = Exchange::run(&files, &held.index, ACTION, &plan)?;
            for (name, kept) in &to_index {
                if let Some(path) = path_from_git(name) {
                    set_entry(&mut held.index, &path, name, *kept).map_err(failed)?;
                }
            }
            held.write()?;
            exchange.finish();
            plan.len()
        };
        // The list may have changed meanwhile: by its name, not by the position it had.
        let mut kept = true;
        if drop && let Some(position) = is_listed(&repo)? {
            repo.stash_drop(position).map_err(failed)?;
            kept = false;
        }
        Ok(Stashed {
            oid: oid.to_owned(),
            files: files_changed,
            kept,
        })
    }

    /// What becomes of the files and of the index when the stash is taken out on top of the last commit.
    fn fit(
        &self,
        repo: &Repository,
        index: &Index,
        stash: &Commit<'_>,
        action: &'static str,
    ) -> Result<(Plan, Entries), GitError> {
        let failed = |error| GitError::library("read a stash of", &self.workdir, error);
        let tree_of = |position: usize| stash.parent(position).and_then(|parent| parent.tree());
        let (base, staged) = (tree_of(0).map_err(failed)?, tree_of(1).map_err(failed)?);
        let files_tree = stash.tree().map_err(failed)?;
        let head = head_tree(repo).map_err(failed)?;
        let to_files = between(repo, Some(&base), Some(&files_tree)).map_err(failed)?;
        let to_staged = between(repo, Some(&base), Some(&staged)).map_err(failed)?;
        let names: BTreeSet<&Vec<u8>> = to_files.keys().chain(to_staged.keys()).collect();
        let (mut conflicts, mut changed) = (BTreeSet::new(), BTreeSet::new());
        let (mut plan, mut entries) = (Plan::new(), Entries::new());
        for name in names {
            let path = tame(name).ok_or_else(|| GitError::Refused {
                action,
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
            let file = joined(repo, was, now, of(&files_tree)?).map_err(failed)?;
            let entry = joined(repo, was, now, of(&staged)?).map_err(failed)?;
            match (file, entry) {
                (Some(file), Some(entry)) => {
                    plan.insert(
                        name.clone(),
                        Step {
                            from: now,
                            to: file,
                        },
                    );
                    entries.insert(name.clone(), entry);
                }
                _ => {
                    conflicts.insert(path);
                }
            }
        }
        if stash.parent_count() > 2 {
            let rest = tree_of(2).map_err(failed)?;
            for (name, step) in between(repo, None, Some(&rest)).map_err(failed)? {
                // A file that was committed meanwhile is no longer unknown.
                let step = match tame(&name) {
                    Some(path) => Step {
                        from: Kept::of_tree(head.as_ref(), &path).map_err(failed)?,
                        to: step.to,
                    },
                    None => step,
                };
                if step.from.is_some() && step.from != step.to {
                    conflicts.extend(tame(&name));
                    continue;
                }
                plan.insert(name, step);
            }
        }
        let paths = |set: BTreeSet<PathBuf>| set.into_iter().collect::<Vec<_>>();
        if !changed.is_empty() {
            return Err(GitError::InTheWay {
                action,
                paths: paths(changed),
            });
        }
        if !conflicts.is_empty() {
            return Err(GitError::Conflicts {
                action,
                paths: paths(conflicts),
            });
        }
        Ok((plan, entries))
    }

    /// The branch, and the branch with its last commit, as git words it.
    fn whereabouts(&self, repo: &Repository, base: &Commit<'_>) -> (String, String) {
        let branch = match repo.head() {
            Ok(head) if head.is_branch() => {
                String::from_utf8_lossy(head.shorthand_bytes()).into_owned()
            }
            _ => "(no branch)".to_owned(),
        };
        let id = base.id().to_string();
        let summary =
            String::from_utf8_lossy(base.summary_bytes().unwrap_or_default()).into_owned();
        let line = format!("{branch}: {} {summary}", &id[..7]);
        (branch, line)
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
    let is_text = |kept: Kept| kept.mode != LINK && kept.mode != SUBMODULE;
    if ![was, now, stashed].into_iter().all(is_text)
        || (now.mode != was.mode && stashed.mode != was.mode)
    {
        return Ok(None);
    }
    let mode = if now.mode == was.mode {
        stashed.mode
    } else {
        now.mode
    };
    let blob = |kept: Kept| repo.find_blob(kept.id);
    let (was, now, stashed) = (blob(was)?, blob(now)?, blob(stashed)?);
    if [&was, &now, &stashed].iter().any(|blob| blob.is_binary()) {
        return Ok(None);
    }
    let Some(bytes) = merge(was.content(), now.content(), stashed.content())? else {
        return Ok(None);
    };
    let id = repo.blob(&bytes)?;
    Ok(Some(Some(Kept { id, mode })))
}

fn listed(repo: &Repository) -> Result<Vec<Stash>, git2::Error> {
    if repo.find_reference(STASH).is_err() {
        return Ok(Vec::new());
    }
    let log = repo.reflog(STASH)?;
    Ok(log
        .iter()
        .map(|entry| Stash {
            oid: entry.id_new().to_string(),
            message: String::from_utf8_lossy(entry.message_bytes().unwrap_or_default())
                .into_owned(),
            time: entry.committer().when().seconds(),
        })
        .collect())
}
