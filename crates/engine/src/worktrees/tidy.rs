//! What becomes of worktrees that a process left in the middle, and of those that git says something else of.

use super::{blocking, open, place};
use crate::{engine::Engine, failure::from_store, projects::from_git};
use kerf_git::Standing;
use kerf_protocol::{
    Failure, WorktreeId,
    worktree::{Worktree, WorktreeState},
};
use kerf_store::StoreError;
use std::path::Path;

impl Engine {
    /// At a start: finishes what a process that is gone had begun. It keeps nobody waiting.
    pub(crate) async fn finish_worktrees(&self) {
        let unfinished = |worktree: &Worktree| {
            matches!(
                worktree.state,
                WorktreeState::Creating | WorktreeState::Removing
            )
        };
        if let Err(failure) = self.tidy_those(unfinished).await {
            tracing::warn!(message = failure.message, "the worktrees are not tidied");
        }
    }

    /// The same, and takes over what git says of the others.
    pub(crate) async fn tidy_worktrees(&self) -> Result<(), Failure> {
        self.tidy_those(|_| true).await
    }

    async fn tidy_those(&self, which: impl Fn(&Worktree) -> bool + Send) -> Result<(), Failure> {
        let _one = self.tidying().await;
        let all = self.store().worktrees().await.map_err(from_store)?;
        for worktree in all.into_iter().filter(|worktree| which(worktree)) {
            // Whoever holds the lock is at it.
            let Ok(lock) = self.lock_worktree(worktree.id) else {
                continue;
            };
            let id = worktree.id;
            if let Err(failure) = self.tidy(id).await {
                tracing::warn!(%id, message = failure.message, "a worktree is not tidied");
            }
            drop(lock);
        }
        Ok(())
    }

    async fn tidy(&self, id: WorktreeId) -> Result<(), Failure> {
        // As it is under the lock.
        let mut worktree = match self.store().worktree(id).await {
            // Another Kerf was done with it first, and its lock is the one that was just made.
            Err(StoreError::NotFound { .. }) => {
                self.remove_lock(id);
                return Ok(());
            }
            found => found.map_err(from_store)?,
        };
        self.heed_place(&worktree)?;
        let at = worktree.clone();
        match worktree.state {
            WorktreeState::Creating => self.unmake(&worktree).await,
            WorktreeState::Removing => self.finish_removal(worktree).await.map(drop),
            // Bringing it back did not come to its end.
            WorktreeState::Archived => {
                let left = |path: &Path| path.symlink_metadata().is_ok();
                blocking(move || {
                    let place = place(&at);
                    if left(&place.path) || left(&place.objects) {
                        open(&at)?.clear_worktree(&place).map_err(from_git)?;
                    }
                    Ok(())
                })
                .await
            }
            WorktreeState::Ready => {
                let standing = {
                    let at = at.clone();
                    blocking(move || Ok(open(&at)?.standing(&place(&at)))).await?
                };
                match standing {
                    Standing::Whole | Standing::Unknown => Ok(()),
                    Standing::Gone | Standing::Moved(_) => self.forget_worktree(id).await,
                    // What git still has of it is archived.
                    Standing::FolderGone => {
                        let archive =
                            move || open(&at)?.archive_worktree(&place(&at)).map_err(from_git);
                        blocking(archive).await?;
                        worktree.state = WorktreeState::Removing;
                        let note = "its folder was removed outside of Kerf: the archive holds its last commit";
                        worktree.notes.push(note.to_owned());
                        self.keep_worktree(&worktree).await?;
                        self.finish_removal(worktree).await.map(drop)
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Options;

    #[tokio::test]
    async fn of_a_worktree_that_another_one_tidied_nothing_stays() {
        let home = tempfile::tempdir().unwrap();
        let engine = Engine::open(Options::offline(home.path())).await.unwrap();
        let id = WorktreeId::new();
        let lock = engine.lock_worktree(id).unwrap();
        assert!(engine.lock_of(id).exists());
        engine.tidy(id).await.unwrap();
        assert!(!engine.lock_of(id).exists());
        drop(lock);
    }
}
