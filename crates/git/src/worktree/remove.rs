//! Removing a worktree: what is in it and nowhere else, the archive of it, and taking it away.

use super::{
    Place, Standing, bring, io_error,
    listing::{self, Tracked, is_executable},
    make::capture,
    remove_all,
    tree::{self, Leaf, Tree},
};
use crate::{FileKind, GitError, Repo};
use git2::{Index, Oid, Repository};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// More is not counted or named: it is told to people.
const MAX_NAMED: usize = 1000;

/// What a worktree holds that is nowhere else: neither in what it began with, nor in the folder that it was made from,
/// nor on a branch or a tag. Paths are relative to the working tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// Tracked files that differ.
    pub uncommitted: Vec<PathBuf>,
    /// New files that git does not track.
    pub untracked: Vec<PathBuf>,
    /// Commits that no branch and no tag has.
    pub commits: usize,
    /// Repositories of their own, which no archive can hold.
    pub nested: Vec<PathBuf>,
    /// Files and folders that are ignored: they go with the worktree. An archive holds none of them but what
    /// `.worktreeinclude` names and is another than the user's.
    pub ignored: Vec<PathBuf>,
    /// Ignored files that `.worktreeinclude` names, others than the user's, that an archive cannot hold, and why.
    pub unkept: Vec<(PathBuf, &'static str)>,
    /// Ignored folders with so much in them that not all of it was looked at for such files.
    pub unseen: Vec<PathBuf>,
}

impl Work {
    /// Whether removing the worktree would leave some of it only in the archive, or nowhere.
    pub fn is_any(&self) -> bool {
        !self.uncommitted.is_empty()
            || !self.untracked.is_empty()
            || self.commits > 0
            || !self.unkept.is_empty()
    }
}

impl Repo {
    /// What is in a worktree and nowhere else.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn worktree_work(&self, place: &Place) -> Result<Work, GitError> {
        self.work(place, bring::has_bytes_of)
    }

    /// The same for a list: of the ignored files that `.worktreeinclude` names none is read, their length and time tell
    /// whether they are the user's.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn worktree_at_a_glance(&self, place: &Place) -> Result<Work, GitError> {
        self.work(place, bring::has_stamp_of)
    }

    fn work(&self, place: &Place, is_same: bring::IsSame) -> Result<Work, GitError> {
        place.check()?;
        let failed = |error| GitError::library("look at the worktree of", &self.workdir, error);
        self.take_commits(place, None)?;
        let head = self.worktree_head(place)?;
        let mut work = Work::default();
        let repo = self.lock();
        if let Some(head) = head {
            let mut walk = repo.revwalk().map_err(failed)?;
            walk.push(head).map_err(failed)?;
            for glob in ["refs/heads/*", "refs/remotes/*", "refs/tags/*"] {
                walk.hide_glob(glob).map_err(failed)?;
            }
            // What the user had checked out, detached or not, is not the worktree's.
            if let Ok(own) = repo.refname_to_id("HEAD") {
                walk.hide(own).map_err(failed)?;
            }
            if let Ok(base) = repo.refname_to_id(&place.base()) {
                walk.hide(base).map_err(failed)?;
            }
            work.commits = walk.take(MAX_NAMED).filter(Result::is_ok).count();
        }
        if !place.path.is_dir() {
            return Ok(work);
        }
        drop(repo);
        let now = self.look_at(place)?;
        let repo = self.lock();
        let base = self.base_of(&repo, place)?;
        let committed = match head {
            Some(head) => repo
                .find_commit(head)
                .and_then(|commit| tree::read(&repo, commit.tree_id()))
                .map_err(failed)?,
            None => BTreeMap::new(),
        };
        let paths: std::collections::BTreeSet<_> = now.leaves.keys().chain(base.keys()).collect();
        for path in paths {
            let here = now.leaves.get(path);
            if here == base.get(path)
                || here == committed.get(path)
                || is_elsewhere(&repo, &self.workdir.join(path), here)
            {
                continue;
            }
            if work.uncommitted.len() + work.untracked.len() >= MAX_NAMED {
                break;
            }
            if now.is_tracked(path) || committed.contains_key(path) || base.contains_key(path) {
                work.uncommitted.push(path.clone());
            } else {
                work.untracked.push(path.clone());
            }
        }
        work.nested = now.nested;
        let changed = bring::changed(&self.workdir, &place.path, &now.ignored, is_same);
        (work.unkept, work.unseen) = (changed.unkept, changed.unseen);
        work.unkept.truncate(MAX_NAMED);
        work.unseen.truncate(MAX_NAMED);
        work.ignored = now.ignored;
        Ok(work)
    }

    /// Keeps all that is in a worktree and not ignored as a commit, with the ignored files that `.worktreeinclude` names
    /// where they are others than the user's, on top of its `HEAD`. Returns the commit in hex. Of a
    /// worktree whose folder is gone, what git still has.
    ///
    /// # Errors
    /// [`GitError::NotRemoved`] when something in it cannot be kept. Nothing is removed.
    pub fn archive_worktree(&self, place: &Place) -> Result<String, GitError> {
        place.check()?;
        self.take_commits(place, None)?;
        let head = self.worktree_head(place)?;
        let failed = |error| GitError::library("write an archive to", &self.workdir, error);
        let mut tree = Tree::default();
        if place.path.is_dir() {
            let now = self.look_at(place)?;
            if let Some(nested) = now.nested.first() {
                return Err(place.not_removed(format!(
                    "{} in it is a repository of its own, which no archive can hold; move it away first",
                    nested.display()
                )));
            }
            if let Some(unread) = now.unread.first() {
                return Err(place.not_removed(format!("not all of it can be kept: {unread}")));
            }
            for (path, leaf) in &now.leaves {
                tree.put(path, *leaf);
            }
            self.put_included(place, &now.ignored, &mut tree)?;
        } else {
            let repo = self.lock();
            let from = match head {
                Some(head) => repo.find_commit(head).map(|commit| commit.tree_id()).ok(),
                None => None,
            };
            for (path, leaf) in from
                .map(|from| tree::read(&repo, from))
                .transpose()
                .map_err(failed)?
                .unwrap_or_default()
            {
                tree.put(&path, leaf);
            }
        }
        let repo = self.lock();
        let id = self.keep(
            &repo,
            &place.archive(),
            &tree,
            head.as_slice(),
            "What a worktree of Kerf held when it was removed",
        )?;
        Ok(id.to_string())
    }

    /// Adds to an archive what was changed of the ignored files that the user named to be brought along.
    fn put_included(
        &self,
        place: &Place,
        ignored: &[PathBuf],
        tree: &mut Tree,
    ) -> Result<(), GitError> {
        let repo = self.lock();
        let changed = bring::changed(&self.workdir, &place.path, ignored, bring::has_bytes_of);
        for path in changed.kept {
            let at = place.path.join(&path);
            let bytes = fs::read(&at).map_err(io_error("read", &at))?;
            let id = repo
                .blob(&bytes)
                .map_err(|error| GitError::library("write an archive to", &self.workdir, error))?;
            let kind = match at.symlink_metadata() {
                Ok(stat) if is_executable(&stat) => FileKind::Executable,
                _ => FileKind::Plain,
            };
            tree.put(&path, Leaf::File(id, kind));
        }
        Ok(())
    }

    /// Why a worktree must stay as it is, if it must.
    ///
    /// # Errors
    /// [`GitError::NotRemoved`] with the reason.
    pub fn may_remove(&self, place: &Place) -> Result<(), GitError> {
        place.check()?;
        if let Standing::Moved(to) = self.standing(place) {
            return Err(place.not_removed(format!(
                "somebody moved it to {}, so it is not Kerf's any more",
                to.display()
            )));
        }
        match fs::read_to_string(self.admin(place).join("locked")) {
            Ok(why) => Err(place.not_removed(format!(
                "it is locked{}; unlock it with git worktree unlock",
                match why.trim() {
                    "" => String::new(),
                    why => format!(" ({why})"),
                }
            ))),
            Err(_) => Ok(()),
        }
    }

    /// Takes a worktree away that was archived: its folder, git's record of it, its objects. Finishes what a kill left.
    ///
    /// # Errors
    /// When the disk refuses; calling again goes on.
    pub fn remove_worktree(
        &self,
        place: &Place,
        step: &mut dyn FnMut(&'static str),
    ) -> Result<(), GitError> {
        place.check()?;
        let aside = place.removed();
        step("put the folder aside");
        if place.path.symlink_metadata().is_ok() {
            remove_all(&aside)?;
            fs::rename(&place.path, &aside).map_err(io_error("move", &place.path))?;
        }
        step("remove the folder");
        remove_all(&aside)?;
        step("tell git that it is gone");
        remove_all(&self.admin(place))?;
        step("remove the objects");
        remove_all(&place.objects)?;
        // Folders above it that only it was in. One with another worktree in it stays.
        for folder in place.path.ancestors().skip(1).take(2) {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn base_of(
        &self,
        repo: &Repository,
        place: &Place,
    ) -> Result<BTreeMap<PathBuf, Leaf>, GitError> {
        let base = repo
            .refname_to_id(&place.base())
            .and_then(|id| repo.find_commit(id))
            .and_then(|commit| tree::read(repo, commit.tree_id()));
        match base {
            Ok(leaves) => Ok(leaves),
            // Without it everything counts as work.
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(GitError::library("read the base in", &self.workdir, error)),
        }
    }

    /// What is in a worktree's folder now; its contents are in the repository from here on.
    fn look_at(&self, place: &Place) -> Result<Now, GitError> {
        let here = self.linked(place)?;
        let index = Index::open(&self.admin(place).join("index")).ok();
        let tracked = Tracked::of(index.as_ref());
        let listing = listing::list(&here, &place.path, &tracked)?;
        let mut tree = Tree::default();
        let repo = self.lock();
        let known = BTreeMap::new();
        let mut unread = capture(&repo, &place.path, &listing, &known, &mut tree)?;
        unread.extend(
            listing
                .passed_over
                .iter()
                .map(|(path, why)| format!("{}: {why}", path.display())),
        );
        for (path, id) in &listing.submodules {
            tree.put(path, Leaf::Submodule(*id));
        }
        let failed = |error| GitError::library("look at the worktree of", &self.workdir, error);
        let id = repo
            .odb()
            .and_then(|odb| tree.write(&odb))
            .map_err(failed)?;
        Ok(Now {
            leaves: tree::read(&repo, id).map_err(failed)?,
            tracked,
            nested: listing.nested,
            ignored: listing.ignored,
            unread,
        })
    }
}

struct Now {
    leaves: BTreeMap<PathBuf, Leaf>,
    tracked: Tracked,
    nested: Vec<PathBuf>,
    ignored: Vec<PathBuf>,
    unread: Vec<String>,
}

impl Now {
    fn is_tracked(&self, path: &Path) -> bool {
        crate::path_to_git(path).is_some_and(|git| self.tracked.entry(&git).is_some())
    }
}

/// Whether the user's folder holds the very same.
fn is_elsewhere(repo: &Repository, path: &Path, leaf: Option<&Leaf>) -> bool {
    let stat = path.symlink_metadata().ok();
    match (leaf, stat) {
        (None, None) => true,
        (Some(Leaf::Submodule(_)), Some(stat)) => stat.is_dir(),
        (Some(Leaf::File(id, kind)), Some(stat)) => {
            let bytes = if stat.is_symlink() && *kind == FileKind::Link {
                fs::read_link(path).map(|target| target.as_os_str().as_encoded_bytes().to_vec())
            } else if stat.is_file() && *kind != FileKind::Link {
                let is_of_size = repo
                    .odb()
                    .and_then(|odb| odb.read_header(*id))
                    .is_ok_and(|(len, _)| len as u64 == stat.len());
                if !is_of_size {
                    return false;
                }
                fs::read(path)
            } else {
                return false;
            };
            let same = |bytes: Vec<u8>| Oid::hash_object(git2::ObjectType::Blob, &bytes).ok();
            bytes.ok().and_then(same) == Some(*id)
        }
        _ => false,
    }
}
