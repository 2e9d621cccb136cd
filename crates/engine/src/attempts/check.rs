//! Checks on what was taken: a command that an attempt ran after its last change, run again in the user's folder.
//!
//! It runs under that attempt's policy and without a network.

use crate::{
    checks::{CheckLine, CheckPlace, checked, counting},
    engine::{Engine, canonical_folder},
    failure::{failure, from_store},
};
use kerf_protocol::{
    Code, Failure, TaskId,
    attempt::{Checked, RunCheck},
    session::Session,
};

impl Engine {
    pub(crate) async fn attempts_check(
        &self,
        RunCheck {
            task_id,
            command,
            cwd,
        }: RunCheck,
    ) -> Result<Checked, Failure> {
        let session = self.who_ran(task_id, &command, &cwd).await?;
        let users = session.users_folder();
        self.refuse_while_working(users)?;
        let folder = canonical_folder(users)?;
        let rules = self.rules_for(&session).await?;
        let mode = session.policy.sandbox;
        let running = self.begin_check(task_id, CheckLine { command, cwd }, mode, &rules)?;
        let place = CheckPlace {
            folder,
            mode,
            network: None,
            commits: None,
            lent: Vec::new(),
        };
        let outcome = self.run_check(&running, place).await?;
        Ok(checked(&outcome, 0))
    }

    /// The attempt that ran a command as a check.
    async fn who_ran(&self, task_id: TaskId, command: &str, cwd: &str) -> Result<Session, Failure> {
        for session in self.attempts_of(task_id).await? {
            let transcript = self.store().transcript(session.id).await;
            let ran = counting(&transcript.map_err(from_store)?);
            if ran
                .iter()
                .any(|check| check.command == command && check.cwd == cwd)
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
