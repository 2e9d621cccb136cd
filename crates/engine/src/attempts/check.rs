//! Checks on what is taken of attempts: a command that an attempt ran after its last change, run again in the user's
//! folder, or before on what that would become ([`super::trial`]).
//!
//! It runs under that attempt's policy and without a network; where that attempt's sandbox is off, as its commands did.
//! In the user's folder no turn begins meanwhile.

use crate::{
    checks::{CheckPlace, RunningCheck, checked, counting},
    engine::{Engine, canonical_folder},
    failure::{failure, from_store},
    git::Holder,
};
use kerf_protocol::{
    Code, Failure, TaskId,
    attempt::{Checked, RunCheck},
    scope::CheckCommand,
    session::Session,
};
use kerf_sandbox::Lent;
use std::path::PathBuf;

/// A check that may run: who ran it, and what its words are.
pub(super) struct Allowed {
    pub(super) session: Session,
    pub(super) line: CheckCommand,
}

impl Engine {
    pub(crate) async fn attempts_check(
        &self,
        RunCheck { task_id, check }: RunCheck,
    ) -> Result<Checked, Failure> {
        let allowed = self.allowed(task_id, check).await?;
        let users = allowed.session.users_folder();
        let _hold = self.hold_files(users, Holder::Check).await?;
        let folder = canonical_folder(users)?;
        let running = self.begin_check(task_id, allowed.line.clone())?;
        self.run_allowed(allowed, folder, Vec::new(), &running)
            .await
    }

    /// Whether a command may run as a check of a task: an attempt ran it as one, no rule denies it, and it can be isolated
    /// as that attempt's commands are.
    pub(super) async fn allowed(
        &self,
        task_id: TaskId,
        line: CheckCommand,
    ) -> Result<Allowed, Failure> {
        let session = self.who_ran(task_id, &line).await?;
        let rules = self.rules_for(&session).await?;
        self.allow_check(&line, session.policy.sandbox, &rules)?;
        Ok(Allowed { session, line })
    }

    /// Runs a check in a folder that stands for the user's.
    pub(super) async fn run_allowed(
        &self,
        Allowed { session, line }: Allowed,
        folder: PathBuf,
        lent: Vec<Lent>,
        running: &RunningCheck<'_>,
    ) -> Result<Checked, Failure> {
        let withheld = self.withheld_from(&session, &folder).await?;
        let place = CheckPlace {
            folder,
            mode: session.policy.sandbox,
            network: None,
            commits: None,
            lent,
            withheld,
        };
        let outcome = self.run_check(running, &line, place).await?;
        Ok(checked(&outcome, 0))
    }

    /// The attempt that ran a command as a check.
    async fn who_ran(&self, task_id: TaskId, line: &CheckCommand) -> Result<Session, Failure> {
        let CheckCommand { command, cwd } = line;
        for session in self.attempts_of(task_id).await? {
            let transcript = self.store().transcript(session.id).await;
            let ran = counting(&transcript.map_err(from_store)?);
            if ran
                .iter()
                .any(|check| check.command == *command && check.cwd == *cwd)
            {
                return Ok(session);
            }
        }
        Err(failure(
            Code::NotFound,
            format!("no attempt of this task ran `{command}` after its last change"),
            "`kerf attempts` lists what they ran",
        ))
    }
}
