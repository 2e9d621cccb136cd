//! Running a check: a command that a session ran, again by the user's click, in the sandbox, one at a time in a task.
//!
//! The words are a model's, and the click is the approval: a rule that would ask is answered by it, one that denies
//! counts all the same. Who asks for it makes sure that nothing else is run here than what the session's record says was
//! run. Of a session that was imported that record is the file's, which anybody may have written.

use crate::{
    engine::Engine,
    failure::{failure, from_fs, from_panic},
};
use kerf_protocol::{
    Code, Failure, TaskId,
    attempt::{Checked, TaskRef},
    policy::{Isolation, SandboxMode},
    request::Nothing,
    rule::RuleVerdict,
    scope::CheckCommand,
};
use kerf_rules::Rules;
use kerf_sandbox::{Commits, End, Invocation, Job, Lent, Network, Outcome, Withheld};
use kerf_workspace::Workspace;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// A check that takes longer is stopped.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// What is kept of its output at each end, in bytes.
const OUTPUT_CAP: usize = 32 * 1024;

/// Where a check runs, and what it may reach there.
pub(crate) struct CheckPlace {
    /// The workspace, canonical.
    pub(crate) folder: PathBuf,
    pub(crate) mode: SandboxMode,
    pub(crate) network: Option<Arc<dyn Network>>,
    pub(crate) commits: Option<Commits>,
    pub(crate) lent: Vec<Lent>,
    pub(crate) withheld: Vec<Withheld>,
}

/// The checks that run, one a task.
#[derive(Debug, Default)]
pub(crate) struct Checks(Mutex<BTreeMap<TaskId, (CheckCommand, CancellationToken)>>);

impl Checks {
    fn by_task(&self) -> MutexGuard<'_, BTreeMap<TaskId, (CheckCommand, CancellationToken)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What runs for a task.
    pub(crate) fn of(&self, task_id: TaskId) -> Option<CheckCommand> {
        self.by_task().get(&task_id).map(|(line, _)| line.clone())
    }

    /// Takes the place of a task's check. None: one runs.
    fn begin(&self, task_id: TaskId, line: CheckCommand) -> Option<RunningCheck<'_>> {
        let mut by_task = self.by_task();
        if by_task.contains_key(&task_id) {
            return None;
        }
        let stop = CancellationToken::new();
        by_task.insert(task_id, (line, stop.clone()));
        Some(RunningCheck {
            checks: self,
            task_id,
            stop,
        })
    }
}

/// A task's place for checks, one after the other, until this is dropped.
pub(crate) struct RunningCheck<'a> {
    checks: &'a Checks,
    task_id: TaskId,
    stop: CancellationToken,
}

impl RunningCheck<'_> {
    /// Whether the user wants no more of it.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Says what runs now.
    fn run(&self, line: &CheckCommand) {
        if let Some((running, _)) = self.checks.by_task().get_mut(&self.task_id) {
            running.clone_from(line);
        }
    }
}

impl Drop for RunningCheck<'_> {
    fn drop(&mut self) {
        self.checks.by_task().remove(&self.task_id);
    }
}

impl Engine {
    /// Whether a command may run as a check.
    ///
    /// # Errors
    /// A rule denies it; it cannot be isolated as `mode` wants.
    pub(crate) fn allow_check(
        &self,
        line: &CheckCommand,
        mode: SandboxMode,
        rules: &Rules,
    ) -> Result<(), Failure> {
        if rules.command(&line.command, &line.cwd).verdict == Some(RuleVerdict::Deny) {
            return Err(failure(
                Code::Denied,
                "a rule denies this command",
                "`kerf rules` lists the rules",
            ));
        }
        if let Isolation::Unavailable { reason } = self.sandbox().isolation(mode) {
            return Err(failure(
                Code::Denied,
                format!("commands cannot be isolated here, so it was not run: {reason}"),
                "Run it yourself, in a terminal",
            ));
        }
        Ok(())
    }

    /// Takes the place of a task's checks, for this one first.
    ///
    /// # Errors
    /// Another check of the task runs.
    pub(crate) fn begin_check(
        &self,
        task_id: TaskId,
        line: CheckCommand,
    ) -> Result<RunningCheck<'_>, Failure> {
        self.checks().begin(task_id, line).ok_or_else(|| {
            failure(
                Code::Conflict,
                "a check of this task runs already",
                "Wait for it, or stop it",
            )
        })
    }

    /// Runs a check to its end, or until it is stopped.
    pub(crate) async fn run_check(
        &self,
        running: &RunningCheck<'_>,
        line: &CheckCommand,
        place: CheckPlace,
    ) -> Result<Outcome, Failure> {
        running.run(line);
        let CheckCommand { command, cwd } = line;
        let (root, wanted) = (place.folder.clone(), cwd.clone());
        let cwd = tokio::task::spawn_blocking(move || inside(&root, &wanted))
            .await
            .map_err(from_panic)??;
        let job = Job {
            command: Invocation::Shell(command.clone()),
            cwd,
            workspace: place.folder,
            mode: place.mode,
            timeout: Some(TIMEOUT),
            env: Vec::new(),
            writable: Vec::new(),
            output_cap: OUTPUT_CAP,
            network: place.network,
            commits: place.commits,
            lent: place.lent,
            withheld: place.withheld,
        };
        let ran = self.sandbox().run(job, running.stop.clone(), |_| ()).await;
        ran.map_err(|error| failure(Code::Storage, format!("the check did not run: {error}"), ""))
    }

    pub(crate) fn attempts_stop_check(
        &self,
        TaskRef { task_id }: TaskRef,
    ) -> Result<Nothing, Failure> {
        if let Some((_, stop)) = self.checks().by_task().get(&task_id) {
            stop.cancel();
        }
        Ok(Nothing {})
    }
}

/// How a check ended, for whoever asked for it. `changed`: so many files of the workspace.
pub(crate) fn checked(outcome: &Outcome, changed: usize) -> Checked {
    let code = code_of(outcome);
    Checked {
        passed: code == Some(0),
        code,
        output: outcome.output.to_text(),
        duration_ms: u64::try_from(outcome.duration.as_millis()).unwrap_or(u64::MAX),
        changed: u32::try_from(changed).unwrap_or(u32::MAX),
    }
}

/// The exit code; none when it did not end by itself.
pub(super) fn code_of(outcome: &Outcome) -> Option<i32> {
    match outcome.end {
        End::Exited(code) => Some(code),
        End::Signalled(_) | End::TimedOut | End::Cancelled => None,
    }
}

/// A folder of the workspace, by its own handle: a link that leads outside is refused.
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
