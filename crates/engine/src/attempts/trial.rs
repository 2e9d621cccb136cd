//! Trying what would be taken of attempts: the user's folder as it would become, in a worktree that is there for the
//! checks alone. Nothing is taken, and the user's folder is only read.

use crate::{
    checks::RunningCheck,
    desk::put_all,
    engine::Engine,
    failure::{failure, from_panic},
    worktrees::Passing,
};
use kerf_protocol::{
    Code, Failure,
    attempt::{Checked, TriedAttempts, TryAttempts},
};
use kerf_review::Content;
use kerf_workspace::RelPath;
use std::path::Path;

use super::{check::Allowed, take::name_of};

impl Engine {
    pub(crate) async fn attempts_try(
        &self,
        TryAttempts {
            task_id,
            picks,
            checks,
        }: TryAttempts,
    ) -> Result<TriedAttempts, Failure> {
        let by_attempt = self.picked(task_id, picks).await?;
        let mut allowed = Vec::new();
        for check in checks {
            allowed.push(self.allowed(task_id, check).await?);
        }
        let Some((first, line)) = allowed
            .first()
            .map(|one| (one.session.clone(), one.line.clone()))
        else {
            return Err(failure(Code::Usage, "no check is named", ""));
        };
        self.refuse_while_working(first.users_folder()).await?;
        let running = self.begin_check(task_id, line)?;
        // Contents that are in no row yet are not collected meanwhile.
        let naming = self.naming().read_owned().await;
        let plan = self.plan(&by_attempt).await?;
        let planned = name_of(&plan);
        let mut files = Vec::new();
        for planned in plan {
            files.push((planned.path, planned.after?));
        }
        if running.is_stopped() {
            return Ok(TriedAttempts {
                notes: Vec::new(),
                checks: Vec::new(),
                planned,
            });
        }
        let passing = self.begin_passing(&first).await?;
        let filled = if running.is_stopped() {
            Ok(())
        } else {
            self.fill(&passing, files).await
        };
        drop(naming);
        let ran = match filled {
            Ok(()) => self.run_all(allowed, &passing, &running).await,
            Err(failure) => Err(failure),
        };
        let notes = passing.notes.clone();
        if let Err(failure) = self.end_passing(passing).await {
            let message = failure.message;
            tracing::warn!(
                message,
                "the worktree of a check stays until the next start"
            );
        }
        Ok(TriedAttempts {
            notes,
            checks: ran?,
            planned,
        })
    }

    /// Makes of the copy of the user's folder what that would become.
    async fn fill(&self, passing: &Passing, files: Vec<(RelPath, Content)>) -> Result<(), Failure> {
        let (folder, blobs) = (passing.folder.clone(), self.home().blobs());
        tokio::task::spawn_blocking(move || put_all(&folder, Path::new(&blobs), files))
            .await
            .map_err(from_panic)?
    }

    /// Runs checks one after the other. Who stops one wants none of the others.
    async fn run_all(
        &self,
        allowed: Vec<Allowed>,
        passing: &Passing,
        running: &RunningCheck<'_>,
    ) -> Result<Vec<Checked>, Failure> {
        let mut ended = Vec::new();
        for one in allowed {
            if running.is_stopped() {
                break;
            }
            let (folder, lent) = (passing.folder.clone(), passing.lent.clone());
            ended.push(self.run_allowed(one, folder, lent, running).await?);
        }
        Ok(ended)
    }
}
