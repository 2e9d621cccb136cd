//! Stashes, as git keeps them: what is not committed is put into commits on `refs/stash`, and taken out again
//! (`stash/take.rs`).

mod take;

use crate::{
    GitError, Repo,
    content::{Files, Kept, SUBMODULE, set_entry, tame},
    exchange::{Exchange, Plan, Step},
    held::Held,
    path_from_git, path_to_git,
    record::last_commit,
    settle::{on_the_way, settle},
    switch::between,
};
use git2::{Commit, Index, IndexEntryExtendedFlag, Oid, Repository};
use std::{collections::BTreeSet, path::PathBuf};

const STASH: &str = "refs/stash";

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
    /// The files that it left in conflict, ordered.
    pub conflicts: Vec<PathBuf>,
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
            conflicts: Vec::new(),
        })
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
