//! Folders of dependencies that a worktree has not got because the file system cannot clone them: commands in the sandbox
//! see the user's own in their place, read-only.
//!
//! What is lent follows from the disk: an empty folder of such a name in the worktree, where the user's folder has one
//! that is full. A command that fills the place has its own from then on.

use crate::{engine::Engine, failure::from_panic};
use kerf_git::{Made, is_lent_name};
use kerf_protocol::{Failure, session::Session};
use kerf_sandbox::Lent;
use std::{fs, path::Path};

/// More folders are not looked at.
const MAX_LOOKED_AT: usize = 5_000;
/// Deeper ones neither.
const MAX_DEPTH: usize = 4;

impl Engine {
    /// Whether commands of a session see what could not be cloned. With a set-up command the worktree gets its own.
    pub(super) fn lends(&self, session: &Session) -> bool {
        let sets_up = self
            .settings()
            .is_ok_and(|settings| settings.app.set_up.contains_key(session.users_folder()));
        !sets_up && self.sandbox().can_lend(session.policy.sandbox)
    }
}

/// Makes the empty folders where something is lent, and says so.
pub(super) fn make_room(worktree: &Path, made: &mut Made) {
    for path in &made.uncloned {
        if let Err(error) = fs::create_dir_all(worktree.join(path)) {
            tracing::warn!(%error, path = %path.display(), "there is no room for a folder that would be lent");
            continue;
        }
        made.notes.push(format!(
            "commands in the sandbox see your {} there, and cannot write it",
            path.display()
        ));
    }
}

/// What commands of a session see of the user's folder in its worktree.
pub(crate) async fn lent_to(session: &Session) -> Result<Vec<Lent>, Failure> {
    let Some(users) = session.worktree_of.clone() else {
        return Ok(Vec::new());
    };
    let folder = session.folder.clone();
    tokio::task::spawn_blocking(move || find(Path::new(&folder), Path::new(&users)))
        .await
        .map_err(from_panic)
}

/// What of the user's folder is lent to a worktree.
pub(super) fn find(worktree: &Path, users: &Path) -> Vec<Lent> {
    let (mut lent, mut looked_at) = (Vec::new(), 0);
    let mut folders = vec![(worktree.to_owned(), users.to_owned(), 0)];
    while let Some((here, there, depth)) = folders.pop() {
        for entry in fs::read_dir(&here).into_iter().flatten().flatten() {
            looked_at += 1;
            if looked_at > MAX_LOOKED_AT {
                return lent;
            }
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let name = entry.file_name();
            if !is_folder || name == ".git" {
                continue;
            }
            let (at, from) = (entry.path(), there.join(&name));
            // A link of the user's may lead anywhere.
            if !from.symlink_metadata().is_ok_and(|stat| stat.is_dir()) {
                continue;
            }
            if !is_lent_name(&name) {
                if depth < MAX_DEPTH {
                    folders.push((at, from, depth + 1));
                }
                continue;
            }
            let is_empty = |path: &Path| path.read_dir().is_ok_and(|mut all| all.next().is_none());
            if is_empty(&at) && !is_empty(&from) {
                lent.push(Lent { from, at });
            }
        }
    }
    lent
}
