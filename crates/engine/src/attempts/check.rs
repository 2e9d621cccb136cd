//! Checks on what is taken of attempts: a command that an attempt ran after its last change, run again in the user's
//! folder, or before on what that would become ([`super::trial`]).
//!
//! The words are a model's, and the user's click is the approval, so nothing else is run here than what an attempt ran.
//! It runs in the sandbox under that attempt's policy and without a network; a rule that denies it counts.

use crate::{
    checks::counting,
    engine::{Engine, canonical_folder},
    failure::{failure, from_fs, from_store},
};
use kerf_protocol::{
    Code, Failure, TaskId,
    attempt::{Checked, RunCheck, TaskRef},
    policy::Isolation,
    request::Nothing,
    rule::RuleVerdict,
    session::Session,
};
use kerf_sandbox::{End, Invocation, Job, Lent};
use kerf_workspace::Workspace;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// A check that takes longer is stopped.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// What is kept of its output at each end, in bytes.
const OUTPUT_CAP: usize = 32 * 1024;

/// The checks that run, one a task.
#[derive(Debug, Default)]
pub(crate) struct Checks(Mutex<BTreeMap<TaskId, CancellationToken>>);

impl Checks {
    fn running(&self) -> MutexGuard<'_, BTreeMap<TaskId, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the place of a task's check. None: one runs.
    fn begin(&self, task_id: TaskId) -> Option<Running<'_>> {
        let mut running = self.running();
        if running.contains_key(&task_id) {
            return None;
        }
        let stop = CancellationToken::new();
        running.insert(task_id, stop.clone());
        Some(Running {
            checks: self,
            task_id,
            stop,
        })
    }
}

/// Checks of a task that run, until it is dropped.
pub(super) struct Running<'a> {
    checks: &'a Checks,
    task_id: TaskId,
    stop: CancellationToken,
}

impl Running<'_> {
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.checks.running().remove(&self.task_id);
    }
}

/// A check that may run: who ran it, and what its words are.
pub(super) struct Allowed {
    pub(super) session: Session,
    command: String,
    cwd: String,
}

impl Engine {
    pub(crate) async fn attempts_check(
        &self,
        RunCheck {
            task_id,
            command,
            cwd,
        }: RunCheck,
    ) -> Result<Checked, Failure> {
        let allowed = self.allowed(task_id, command, cwd).await?;
        let users = allowed.session.users_folder();
        self.refuse_while_working(users)?;
        let folder = canonical_folder(users)?;
        let running = self.begin_checks(task_id)?;
        self.run_check(allowed, folder, Vec::new(), &running).await
    }

    /// Takes the place of a task's checks.
    pub(super) fn begin_checks(&self, task_id: TaskId) -> Result<Running<'_>, Failure> {
        self.checks().begin(task_id).ok_or_else(|| {
            failure(
                Code::Conflict,
                "a check of this task runs already",
                "Wait for it, or stop it",
            )
        })
    }

    /// Whether a command may run as a check of a task: an attempt ran it as one, no rule denies it, and it can be isolated
    /// as that attempt's commands are.
    pub(super) async fn allowed(
        &self,
        task_id: TaskId,
        command: String,
        cwd: String,
    ) -> Result<Allowed, Failure> {
        let session = self.who_ran(task_id, &command, &cwd).await?;
        let rules = self.rules_for(&session).await?;
        if rules.command(&command, &cwd).verdict == Some(RuleVerdict::Deny) {
            return Err(failure(
                Code::Denied,
                "a rule denies this command",
                "`kerf rules` lists the rules",
            ));
        }
        let mode = session.policy.sandbox;
        if let Isolation::Unavailable { reason } = self.sandbox().isolation(mode) {
            return Err(failure(
                Code::Denied,
                format!("commands cannot be isolated here, so it was not run: {reason}"),
                "Run it yourself, in a terminal",
            ));
        }
        Ok(Allowed {
            session,
            command,
            cwd,
        })
    }

    /// Runs a check in a folder that stands for the user's.
    pub(super) async fn run_check(
        &self,
        allowed: Allowed,
        folder: PathBuf,
        lent: Vec<Lent>,
        running: &Running<'_>,
    ) -> Result<Checked, Failure> {
        let job = Job {
            command: Invocation::Shell(allowed.command),
            cwd: inside(&folder, &allowed.cwd)?,
            workspace: folder,
            mode: allowed.session.policy.sandbox,
            timeout: Some(TIMEOUT),
            env: Vec::new(),
            writable: Vec::new(),
            output_cap: OUTPUT_CAP,
            network: None,
            commits: None,
            lent,
        };
        let ran = self.sandbox().run(job, running.stop.clone(), |_| ()).await;
        let outcome = ran.map_err(|error| {
            failure(Code::Storage, format!("the check did not run: {error}"), "")
        })?;
        let code = match outcome.end {
            End::Exited(code) => Some(code),
            End::Signalled(_) | End::TimedOut | End::Cancelled => None,
        };
        Ok(Checked {
            passed: code == Some(0),
            code,
            output: outcome.output.to_text(),
            duration_ms: u64::try_from(outcome.duration.as_millis()).unwrap_or(u64::MAX),
        })
    }

    pub(crate) fn attempts_stop_check(
        &self,
        TaskRef { task_id }: TaskRef,
    ) -> Result<Nothing, Failure> {
        if let Some(stop) = self.checks().running().get(&task_id) {
            stop.cancel();
        }
        Ok(Nothing {})
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

/// A folder of the user's folder, by the workspace's own handle: a link that leads outside is refused.
fn inside(folder: &Path, cwd: &str) -> Result<PathBuf, Failure> {
    if cwd.is_empty() {
        return Ok(folder.to_owned());
    }
    let workspace = Workspace::open(folder).map_err(from_fs)?;
    let wrong = |error: &dyn std::fmt::Display| {
        failure(
            Code::Usage,
            format!("the check cannot run in {cwd}: {error}"),
            "",
        )
    };
    let path = workspace.resolve(cwd).map_err(|error| wrong(&error))?;
    workspace.fs().list(&path).map_err(|error| wrong(&error))?;
    Ok(workspace.root().join(path.as_path()))
}
