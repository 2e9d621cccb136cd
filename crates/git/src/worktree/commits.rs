//! Commits that commands make in a worktree, brought into the repository.

use super::{Place, io_error, make::UNBORN};
use crate::{GitError, Repo};
use git2::{Odb, Oid};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What a commit in a worktree reads and writes: nothing of it is the repository's own settings, hooks or branches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRoom {
    /// The worktree's own git folder: its index, its `HEAD` and their logs are written.
    pub git_dir: PathBuf,
    /// Where new objects are written.
    pub objects: PathBuf,
    /// The repository, which is read.
    pub common_dir: PathBuf,
}

/// More new objects are not looked at at once: a command that makes more is told by its commits that are missing.
const MAX_OBJECTS: usize = 200_000;

impl Repo {
    /// Where commits in the worktree go.
    pub fn commit_room(&self, place: &Place) -> CommitRoom {
        CommitRoom {
            git_dir: self.admin(place),
            objects: place.objects.clone(),
            common_dir: self.common_dir(),
        }
    }

    /// Brings the objects that commits in the worktree wrote into the repository, each checked against its id, and moves
    /// `branch` (its short name) to the worktree's `HEAD` when that is ahead of it. Returns `HEAD` in hex.
    ///
    /// # Errors
    /// When an object is damaged or the disk refuses. What came over before stays; calling again goes on.
    pub fn take_commits(
        &self,
        place: &Place,
        branch: Option<&str>,
    ) -> Result<Option<String>, GitError> {
        let failed = |error| GitError::library("bring commits into", &self.workdir, error);
        remove_links(&self.admin(place));
        self.take_objects(place)?;
        let head = self.worktree_head(place)?;
        let repo = self.lock();
        if let (Some(branch), Some(head)) = (branch, head) {
            let name = format!("refs/heads/{branch}");
            let moves = match repo.refname_to_id(&name) {
                Ok(at) => at != head && repo.graph_descendant_of(head, at).map_err(failed)?,
                Err(error) if error.code() == git2::ErrorCode::NotFound => true,
                Err(error) => return Err(failed(error)),
            };
            if moves {
                repo.reference(&name, head, true, "kerf: commits of a session")
                    .map_err(failed)?;
            }
        }
        Ok(head.map(|id| id.to_string()))
    }

    /// Where the worktree's `HEAD` is. A commit that the repository does not hold is none.
    pub(super) fn worktree_head(&self, place: &Place) -> Result<Option<Oid>, GitError> {
        let admin = self.admin(place);
        let read = |name: &str| match fs::read_to_string(admin.join(name)) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("read", &admin.join(name))(error)),
        };
        let said = match read("HEAD")? {
            Some(text) if text == format!("ref: {UNBORN}") => read(UNBORN)?,
            other => other,
        };
        let repo = self.lock();
        let found = match said {
            // Somebody checked a branch out in it.
            Some(text) if text.starts_with("ref: ") => repo.refname_to_id(text[5..].trim()).ok(),
            Some(text) => Oid::from_str(&text).ok(),
            None => None,
        };
        Ok(found.filter(|id| repo.find_commit(*id).is_ok()))
    }

    fn take_objects(&self, place: &Place) -> Result<(), GitError> {
        let failed = |error| GitError::library("bring objects into", &self.workdir, error);
        let is_empty =
            fs::read_dir(&place.objects).map_or(true, |mut entries| entries.next().is_none());
        let Some(folder) = place.objects.to_str().filter(|_| !is_empty) else {
            return Ok(());
        };
        let new = Odb::new().map_err(failed)?;
        new.add_disk_alternate(folder).map_err(failed)?;
        let mut ids = Vec::new();
        new.foreach(|id| {
            ids.push(*id);
            ids.len() < MAX_OBJECTS
        })
        .or_else(|error| {
            if ids.len() < MAX_OBJECTS {
                Err(error)
            } else {
                Ok(())
            }
        })
        .map_err(failed)?;
        let repo = self.lock();
        let odb = repo.odb().map_err(failed)?;
        for id in ids {
            if odb.exists(id) {
                continue;
            }
            let object = new.read(id).map_err(failed)?;
            odb.write(object.kind(), object.data()).map_err(failed)?;
        }
        Ok(())
    }
}

/// Takes links away that a command left in the worktree's git folder: git itself makes none there, and writes through
/// them.
fn remove_links(admin: &Path) {
    const MAX_LOOKED_AT: usize = 10_000;
    let (mut folders, mut looked_at) = (vec![admin.to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            looked_at += 1;
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() => {
                    if let Err(error) = fs::remove_file(entry.path()) {
                        tracing::warn!(path = %entry.path().display(), %error, "a link stays");
                    }
                }
                Ok(kind) if kind.is_dir() && looked_at < MAX_LOOKED_AT => {
                    folders.push(entry.path())
                }
                _ => {}
            }
        }
    }
}
