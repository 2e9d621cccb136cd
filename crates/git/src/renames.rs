//! Files that were moved: found by what they hold, and staged as one change.

use crate::{
    Change, Changed, Chosen, GitError, Repo, Side,
    attributes::Attributes,
    content::{Files, Kept, SUBMODULE, is_tame, set_entry, tame},
    held::Held,
    hunks::{MAX_SHOWN_BYTES, token_of},
    path_to_git,
    stage::{differing, head_tree, part, refuse_special},
};
use git2::{Delta, DiffFindOptions, DiffOptions, Index, Odb, Repository, Tree};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Among more files that came or went nobody looks for pairs: each is compared with each.
const MAX_CANDIDATES: usize = 300;

impl Repo {
    /// The files of `changes` on one side that were moved: where each was, and where it is. Both are in `changes`, as gone
    /// and as new. A file that is too large to be shown counts as gone and as new. Nothing is written.
    pub fn renames(
        &self,
        changes: &[Changed],
        side: Side,
    ) -> Result<Vec<(PathBuf, PathBuf)>, GitError> {
        let of = |wanted: fn(Change) -> bool| {
            let those = changes.iter().filter(move |changed| wanted(changed.change));
            those.map(|changed| &changed.path).collect::<Vec<_>>()
        };
        let gone = of(|change| change == Change::Deleted);
        let new = of(|change| matches!(change, Change::Added | Change::Untracked));
        let few = 1..=MAX_CANDIDATES;
        if !few.contains(&gone.len()) || !few.contains(&new.len()) {
            return Ok(Vec::new());
        }
        let repo = self.lock();
        let failed = |error| GitError::library("compare the files with", &self.workdir, error);
        let bearable = Bearable::of(&repo, &self.workdir, side).map_err(failed)?;
        let gone: Vec<_> = gone.iter().filter(|path| bearable.was(path)).collect();
        let new: Vec<_> = new.iter().filter(|path| bearable.is(path)).collect();
        if gone.is_empty() || new.is_empty() {
            // Without a single path everything would be compared.
            return Ok(Vec::new());
        }
        let mut options = DiffOptions::new();
        options
            .disable_pathspec_match(true)
            .include_untracked(true)
            .recurse_untracked_dirs(true)
            .ignore_submodules(true)
            .update_index(false);
        for path in gone.into_iter().chain(new) {
            options.pathspec(path);
        }
        let mut diff = differing(&repo, side, &mut options).map_err(failed)?;
        diff.find_similar(Some(&mut similar())).map_err(failed)?;
        let moved = diff
            .deltas()
            .filter(|delta| delta.status() == Delta::Renamed);
        let pair = |delta: git2::DiffDelta<'_>| {
            let path = |file: git2::DiffFile<'_>| tame(file.path_bytes()?);
            Some((path(delta.old_file())?, path(delta.new_file())?))
        };
        Ok(moved.filter_map(pair).collect())
    }

    /// Stages a file that was moved from `from` to `path`, or takes it out again: [`Repo::stage`] of both names at once.
    /// With some of its hunks the move itself is staged too, and it is taken out with the last of them.
    ///
    /// Errors: as [`Repo::stage`]; [`GitError::Stale`] also when the move is no longer there.
    pub fn stage_renamed(
        &self,
        path: &Path,
        from: &Path,
        side: Side,
        chosen: Chosen<'_>,
    ) -> Result<(), GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("stage in", &self.workdir, error);
        let refused = |why: &str| GitError::Refused {
            action: match side {
                Side::Unstaged => "stage",
                Side::Staged => "unstage",
            },
            path: path.to_owned(),
            why: why.to_owned(),
        };
        let name_of = |path: &Path| {
            path_to_git(path)
                .filter(|_| is_tame(path))
                .ok_or_else(|| refused("git has no such file here"))
        };
        let (name, from_name) = (name_of(path)?, name_of(from)?);
        let mut held = Held::take(&repo, &self.workdir)?;
        let attributes = Attributes::of(&repo, &self.workdir, &held.index);
        for (path, name) in [(path, &name), (from, &from_name)] {
            refuse_special(&held.index, path, &refused)?;
            if attributes.change_content(name) {
                return Err(refused(
                    "git keeps it through a filter, as large files; do it with git itself",
                ));
            }
        }
        let tree = head_tree(&repo).map_err(failed)?;
        let files = Files::of(&repo, &self.workdir);
        let staged = |path| Kept::of_index(&held.index, path);
        let committed = |path| Kept::of_tree(tree.as_ref(), path).map_err(failed);
        // The two texts, whether the old name must be gone and the new one not yet there.
        let (base, new, moved) = match side {
            Side::Unstaged => {
                let base = staged(from);
                let new = files.keep(path, base)?;
                (
                    base,
                    new,
                    staged(path).is_none() && files.keep(from, base)?.is_none(),
                )
            }
            Side::Staged => {
                let moved = staged(from).is_none() && committed(path)?.is_none();
                (committed(from)?, staged(path), moved)
            }
        };
        let stale = || GitError::Stale {
            path: path.to_owned(),
        };
        if !moved || base.is_none() || new.is_none() {
            return Err(stale());
        }
        if [base, new]
            .iter()
            .flatten()
            .any(|kept| kept.mode == SUBMODULE)
        {
            return Err(refused("it is a submodule; do it with git itself"));
        }
        let to = match chosen {
            Chosen::All if side == Side::Unstaged => new,
            Chosen::All => base,
            Chosen::Hunks { token, hunks } => {
                if token != token_of(base, new) {
                    return Err(stale());
                }
                part(&files, side, base, new, hunks, &refused)?
            }
        };
        // All of it is taken out: then the old name is there again, and not the new one.
        let back = side == Side::Staged && to == base;
        let (at_path, at_from) = if back { (None, base) } else { (to, None) };
        set_entry(&mut held.index, path, &name, at_path).map_err(failed)?;
        set_entry(&mut held.index, from, &from_name, at_from).map_err(failed)?;
        held.write()
    }
}

/// Which files are small enough to look for a move: the library reads all of each, every time.
pub(crate) struct Bearable<'r> {
    odb: Odb<'r>,
    workdir: &'r Path,
    index: Index,
    /// What was committed; none where that is not what is compared.
    tree: Option<Tree<'r>>,
    side: Side,
}

impl<'r> Bearable<'r> {
    pub(crate) fn of(
        repo: &'r Repository,
        workdir: &'r Path,
        side: Side,
    ) -> Result<Self, git2::Error> {
        let mut index = repo.index()?;
        // Another program may have written it since.
        index.read(true)?;
        let tree = match side {
            Side::Staged => head_tree(repo)?,
            Side::Unstaged => None,
        };
        Ok(Self {
            odb: repo.odb()?,
            workdir,
            index,
            tree,
            side,
        })
    }

    /// Of the older text.
    pub(crate) fn was(&self, path: &Path) -> bool {
        self.is_object_bearable(match self.side {
            Side::Unstaged => Kept::of_index(&self.index, path),
            // What cannot be read is not compared.
            Side::Staged => Kept::of_tree(self.tree.as_ref(), path).unwrap_or_default(),
        })
    }

    /// Of the newer text.
    pub(crate) fn is(&self, path: &Path) -> bool {
        match self.side {
            Side::Unstaged => {
                let stat = fs::symlink_metadata(self.workdir.join(path));
                stat.is_ok_and(|stat| stat.len() <= MAX_SHOWN_BYTES.cast_unsigned())
            }
            Side::Staged => self.is_object_bearable(Kept::of_index(&self.index, path)),
        }
    }

    /// Its header tells its length, so it is not read.
    fn is_object_bearable(&self, kept: Option<Kept>) -> bool {
        kept.is_some_and(|kept| {
            let header = self.odb.read_header(kept.id);
            header.is_ok_and(|(len, _)| len as u64 <= MAX_SHOWN_BYTES.cast_unsigned())
        })
    }
}

/// What is taken for the same file: half of its lines, wherever it is.
pub(crate) fn similar() -> DiffFindOptions {
    let mut find = DiffFindOptions::new();
    find.renames(true)
        .for_untracked(true)
        .rename_limit(MAX_CANDIDATES);
    find
}
