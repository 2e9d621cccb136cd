//! A worktree that is there for one piece of work, and that nobody keeps.
//!
//! Its row says from first to last that it is being made, so whoever is killed meanwhile leaves one that the next start
//! takes away: nothing of the user's is ever only in it.

use super::{begun, blocking, lend, make, place, repository, tail, text};
use crate::{
    engine::Engine,
    failure::{failure, from_store},
};
use kerf_protocol::{Code, Failure, SessionId, session::Session, worktree::Worktree};
use kerf_sandbox::Lent;
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// A worktree of nobody's. [`Engine::end_passing`] takes it away; one that is dropped stays until Kerf next starts.
pub(crate) struct Passing {
    /// The folder of it that stands for the one that the user opened.
    pub(crate) folder: PathBuf,
    /// What commands see of the user's folder in it.
    pub(crate) lent: Vec<Lent>,
    /// What was not brought, and why.
    pub(crate) notes: Vec<String>,
    worktree: Worktree,
    _lock: File,
}

impl Engine {
    /// Makes a worktree of the user's folder of a session, beside those of its task.
    ///
    /// # Errors
    /// As for a session's own worktree.
    pub(crate) async fn begin_passing(&self, session: &Session) -> Result<Passing, Failure> {
        let users = PathBuf::from(session.users_folder());
        let (repo, inner) = {
            let users = users.clone();
            blocking(move || repository(&users)).await?
        };
        let own = self.store().worktree_of(session.id).await;
        let own = own
            .map_err(from_store)?
            .ok_or_else(|| failure(Code::NotFound, "this session works in no worktree", ""))?;
        let mut worktree = begun(session, SessionId::new(), &repo, Path::new(&own.path))?;
        // Beside that of the session; no other one ever has this path.
        let name = format!("check-{}", tail(worktree.id, 12));
        worktree.path = text(&Path::new(&own.path).with_file_name(name))?;
        self.heed_place(&worktree)?;
        let lock = self.lock_worktree(worktree.id)?;
        self.keep_worktree(&worktree).await?;
        let lends = self.sandbox().can_lend(session.policy.sandbox);
        let place = place(&worktree);
        let made = blocking(move || {
            let (folder, made) = make(&repo, &place, &inner, lends)?;
            let lent = lend::find(&folder, &users);
            Ok((folder, lent, made.notes))
        });
        match made.await {
            Ok((folder, lent, notes)) => Ok(Passing {
                folder,
                lent,
                notes,
                worktree,
                _lock: lock,
            }),
            Err(failure) => {
                self.give_up(&worktree).await;
                Err(failure)
            }
        }
    }

    /// Takes it away.
    pub(crate) async fn end_passing(&self, passing: Passing) -> Result<(), Failure> {
        self.unmake(&passing.worktree).await
    }
}
