//! Staging and unstaging: whole files, or the hunks that were chosen.

use crate::{
    GitError, Repo,
    attributes::Attributes,
    content::{Files, Kept, LINK, SUBMODULE, is_tame, set_entry},
    held::Held,
    hunks::{choose, hunks_between, token_of},
    path_to_git,
};
use git2::{Diff, DiffOptions, Index, IndexEntryExtendedFlag, IndexEntryFlag, Repository, Tree};
use std::path::Path;

/// Which of the two differences of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Between the last commit and the index.
    Staged,
    /// Between the index and the file.
    Unstaged,
}

/// What of a file.
#[derive(Debug, Clone, Copy)]
pub enum Chosen<'a> {
    /// All of it: text, mode, that it is there or gone.
    All,
    /// Some hunks of [`Repo::diff`].
    Hunks {
        /// The `token` of the diff that was shown.
        token: &'a str,
        /// Which of its hunks, counted from 0.
        hunks: &'a [usize],
    },
}

impl Repo {
    /// Moves changes of one file from `from` to the other side: unstaged changes into the index, staged ones out of it.
    ///
    /// The file on disk is not touched. What the index held before stays an object of the repository; its id is
    /// returned when something was there.
    ///
    /// Errors: [`GitError::Stale`] when the file or the index is not as shown; [`GitError::Refused`] for what only git
    /// itself does well: files kept through a filter (LFS), submodules, conflicts, entries that git is told to leave
    /// alone; [`GitError::Locked`].
    pub fn stage(
        &self,
        path: &Path,
        from: Side,
        chosen: Chosen<'_>,
    ) -> Result<Option<String>, GitError> {
        let mut replaced = self.stage_each(&[path], from, chosen)?;
        Ok(replaced.pop())
    }

    /// The same for all of several files at once: all of them or, when one is refused, none. Returns the ids of what the
    /// index held before.
    pub fn stage_all<P: AsRef<Path>>(
        &self,
        paths: &[P],
        from: Side,
    ) -> Result<Vec<String>, GitError> {
        self.stage_each(paths, from, Chosen::All)
    }

    fn stage_each<P: AsRef<Path>>(
        &self,
        paths: &[P],
        from: Side,
        chosen: Chosen<'_>,
    ) -> Result<Vec<String>, GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("stage in", &self.workdir, error);
        let mut held = Held::take(&repo, &self.workdir)?;
        let attributes = Attributes::of(&repo, &self.workdir, &held.index);
        let tree = head_tree(&repo).map_err(failed)?;
        let files = Files::of(&repo, &self.workdir);
        let mut replaced = Vec::new();
        let mut changed = false;
        for path in paths {
            let path = path.as_ref();
            let refused = |why: &str| GitError::Refused {
                action: match from {
                    Side::Unstaged => "stage",
                    Side::Staged => "unstage",
                },
                path: path.to_owned(),
                why: why.to_owned(),
            };
            let name = path_to_git(path)
                .filter(|_| is_tame(path))
                .ok_or_else(|| refused("git has no such file here"))?;
            refuse_special(&held.index, path, &refused)?;
            if attributes.change_content(&name) {
                return Err(refused(
                    "git keeps it through a filter, as large files; do it with git itself",
                ));
            }
            let staged = Kept::of_index(&held.index, path);
            let to = wanted(&files, tree.as_ref(), path, staged, from, chosen, &refused)?;
            if to != staged {
                set_entry(&mut held.index, path, &name, to).map_err(failed)?;
                replaced.extend(staged.map(|kept| kept.id.to_string()));
                changed = true;
            }
        }
        if changed {
            held.write()?;
        }
        Ok(replaced)
    }
}

/// What the index gets of one file.
fn wanted(
    files: &Files<'_>,
    tree: Option<&Tree<'_>>,
    path: &Path,
    staged: Option<Kept>,
    from: Side,
    chosen: Chosen<'_>,
    refused: &impl Fn(&str) -> GitError,
) -> Result<Option<Kept>, GitError> {
    let failed = |error| GitError::library("stage in", files.workdir, error);
    let (base, new) = match from {
        Side::Staged => (Kept::of_tree(tree, path).map_err(failed)?, staged),
        Side::Unstaged => (staged, files.keep(path, staged)?),
    };
    if [base, new]
        .iter()
        .flatten()
        .any(|kept| kept.mode == SUBMODULE)
    {
        return Err(refused("it is a submodule; do it with git itself"));
    }
    if base.is_none() && new.is_none() {
        return Err(refused("there is no such file"));
    }
    if from == Side::Unstaged
        && base.is_none()
        && files.repo.is_path_ignored(path).map_err(failed)?
    {
        return Err(refused("git ignores it; add it with `git add --force`"));
    }
    match (chosen, from) {
        (Chosen::All, Side::Unstaged) => Ok(new),
        (Chosen::All, Side::Staged) => Ok(base),
        (Chosen::Hunks { token, hunks }, _) => {
            if token != token_of(base, new) {
                return Err(GitError::Stale {
                    path: path.to_owned(),
                });
            }
            part(files, from, base, new, hunks, refused)
        }
    }
}

/// What the index gets when some hunks between `base` and `new` are chosen.
pub(crate) fn part(
    files: &Files<'_>,
    from: Side,
    base: Option<Kept>,
    new: Option<Kept>,
    wanted: &[usize],
    refused: &impl Fn(&str) -> GitError,
) -> Result<Option<Kept>, GitError> {
    if [base, new].iter().flatten().any(|kept| kept.mode == LINK) {
        return Err(refused("a link has no hunks; take all of it"));
    }
    let text = |kept: Option<Kept>| kept.map_or(Ok(Vec::new()), |kept| files.blob(kept.id));
    let (old, young) = (text(base)?, text(new)?);
    let hunks = hunks_between(&old, &young)
        .map_err(|error| GitError::library("compare a file of", files.workdir, error))?
        .ok_or_else(|| refused("its content is no text; take all of it"))?;
    if wanted.iter().any(|hunk| *hunk >= hunks.len()) {
        return Err(refused("it has no such hunk"));
    }
    // With the last hunk, what no hunk shows goes too: mode, an empty file, that it is gone.
    let every = (0..hunks.len()).all(|hunk| wanted.contains(&hunk));
    let (bytes, all, kept) = match from {
        Side::Unstaged => (
            choose(&old, &young, &hunks, |hunk| wanted.contains(&hunk)),
            new,
            base.or(new),
        ),
        Side::Staged => (
            choose(&old, &young, &hunks, |hunk| !wanted.contains(&hunk)),
            base,
            new.or(base),
        ),
    };
    if every {
        return Ok(all);
    }
    let id = files
        .repo
        .blob(&bytes)
        .map_err(|error| GitError::library("keep a file in", files.workdir, error))?;
    Ok(kept.map(|kept| Kept { id, ..kept }))
}

pub(crate) fn refuse_special(
    index: &Index,
    path: &Path,
    refused: &impl Fn(&str) -> GitError,
) -> Result<(), GitError> {
    if (1..=3).any(|stage| index.get_path(path, stage).is_some()) {
        return Err(refused(
            "a merge left more than one version; resolve it with git first",
        ));
    }
    let Some(entry) = index.get_path(path, 0) else {
        return Ok(());
    };
    if entry.flags_extended & IndexEntryExtendedFlag::SKIP_WORKTREE.bits() != 0
        || entry.flags & IndexEntryFlag::VALID.bits() != 0
    {
        return Err(refused(
            "git is told to leave this file alone (sparse checkout, assume-unchanged)",
        ));
    }
    Ok(())
}

/// What differs on one side: between the last commit and the index, or the index and the folder.
pub(crate) fn differing<'repo>(
    repo: &'repo Repository,
    side: Side,
    options: &mut DiffOptions,
) -> Result<Diff<'repo>, git2::Error> {
    let mut index = repo.index()?;
    // Another program may have written it since.
    index.read(true)?;
    match side {
        Side::Staged => {
            let tree = head_tree(repo)?;
            repo.diff_tree_to_index(tree.as_ref(), Some(&index), Some(options))
        }
        Side::Unstaged => repo.diff_index_to_workdir(Some(&index), Some(options)),
    }
}

/// The tree of the last commit; none before the first.
pub(crate) fn head_tree(repo: &Repository) -> Result<Option<Tree<'_>>, git2::Error> {
    match repo.head() {
        Ok(head) => head.peel_to_tree().map(Some),
        Err(error)
            if matches!(
                error.code(),
                git2::ErrorCode::UnbornBranch | git2::ErrorCode::NotFound
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
