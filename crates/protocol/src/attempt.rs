//! Attempts: several sessions that work on one request, each in a worktree of its own.

use crate::{
    SessionId, TaskId,
    item::Image,
    policy::Policy,
    review::{Decided, ReviewFile, Target},
    scope::CheckCommand,
    session::Session,
};
use serde::{Deserialize, Serialize};

/// The most attempts of one request.
pub const MAX_ATTEMPTS: usize = 8;

/// See `attempts/start`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct StartAttempts {
    /// The user's folder.
    pub folder: String,
    /// The request.
    pub text: String,
    /// Pictures that go with it.
    #[serde(default)]
    pub images: Vec<Image>,
    /// The policy of each.
    #[serde(default)]
    pub policy: Policy,
    /// Who makes them: an entry an attempt, one to [`MAX_ATTEMPTS`].
    pub attempts: Vec<AttemptBy>,
    /// What each may use.
    #[serde(default)]
    #[ts(as = "Option<Budget>", optional)]
    pub budget: Budget,
}

/// What one attempt may use. Whatever of it is gone first stops the attempt, with a word in its conversation; what is
/// none has no limit. A message of the user's goes on without a budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(default)]
#[ts(export)]
pub struct Budget {
    /// Tokens, sent and received; the attempt is stopped after the request that goes beyond.
    #[ts(type = "number | null")]
    pub tokens: Option<u64>,
    /// What they cost by the prices in the settings, in hundredths of a cent. The endpoint needs a price.
    #[ts(type = "number | null")]
    pub cost: Option<u64>,
    /// Seconds from when it began to work, waiting for answers included.
    #[ts(type = "number | null")]
    pub seconds: Option<u64>,
}

/// Who makes an attempt. What is none is chosen as for `session/new`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct AttemptBy {
    /// The endpoint's name.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The model.
    #[serde(default)]
    pub model: Option<String>,
}

/// What became of `attempts/start`. They wait for each other when the machine cannot bear all at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct StartedAttempts {
    /// The task.
    pub task_id: TaskId,
    /// The attempts, the first first.
    pub sessions: Vec<Session>,
}

/// A task by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct TaskRef {
    /// The task.
    pub task_id: TaskId,
}

/// How far an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum AttemptState {
    /// It waits for its turn, or was never begun.
    Queued,
    /// It works, or asks the user something.
    Running,
    /// The agent was done.
    Completed,
    /// It failed.
    Failed,
    /// The user or its limit stopped it.
    Cancelled,
    /// Kerf stopped while it went on.
    Interrupted,
}

/// A command that an attempt ran after its last change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct CheckRun {
    /// The command line.
    pub command: String,
    /// The folder that it ran in, from the workspace's; empty for that itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[ts(as = "Option<String>", optional)]
    pub cwd: String,
    /// Whether it ended with 0.
    pub passed: bool,
    /// Its exit code; none when it did not end by itself.
    pub code: Option<i32>,
}

/// An attempt beside the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Attempt {
    /// Its number in the task, from 1.
    pub number: u32,
    /// The session.
    pub session: Session,
    /// How far it is.
    pub state: AttemptState,
    /// How many files it changed.
    pub files: u32,
    /// How many hunks there are.
    pub hunks: u32,
    /// How many lines are added.
    pub added: u32,
    /// How many lines are removed.
    pub removed: u32,
    /// The commands that ran after the last change, in order.
    pub checks: Vec<CheckRun>,
    /// From the first message to the last item, in milliseconds.
    #[ts(type = "number")]
    pub duration_ms: u64,
    /// What it cost by the prices in the settings, in hundredths of a cent; none where there is no price.
    #[ts(type = "number | null")]
    pub cost: Option<u64>,
    /// Why there is no review of it, when there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[ts(as = "Option<String>", optional)]
    pub problem: String,
    /// Why it stopped or failed, in words; empty when it did neither.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[ts(as = "Option<String>", optional)]
    pub stopped: String,
}

/// A file as each attempt has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ComparedFile {
    /// The path.
    pub path: String,
    /// What each attempt made of it, in their order; none where it is as it was.
    pub attempts: Vec<Option<ReviewFile>>,
    /// Groups of attempts that made the same of it, as places in their order; alone ones are left out.
    pub same: Vec<Vec<u32>>,
}

/// The attempts of a task beside each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Comparison {
    /// The task.
    pub task_id: TaskId,
    /// The request, as the first attempt got it.
    pub request: String,
    /// The attempts, the first first.
    pub attempts: Vec<Attempt>,
    /// The files that any of them changed, by path.
    pub files: Vec<ComparedFile>,
}

/// See `attempts/take`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct TakeAttempts {
    /// The task.
    pub task_id: TaskId,
    /// What is taken. All of it, or nothing.
    pub picks: Vec<Pick>,
    /// What the picks made of the files when that was looked at or checked. They are taken only when it is the same still;
    /// none takes them as they are.
    #[serde(default)]
    #[ts(optional)]
    pub planned: Option<String>,
}

/// A part of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Pick {
    /// The attempt.
    pub session_id: SessionId,
    /// Everything pending in it, a file, a hunk or lines.
    pub target: Target,
}

/// What was taken: a decision in each attempt that something was taken of. `review/undo` takes each back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct TakenAttempts {
    /// The decisions.
    pub decided: Vec<Decided>,
    /// The files of the user's folder that were written, by path.
    pub written: Vec<String>,
}

/// What `attempts/take` would do with the same picks. Nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct TakePreview {
    /// The files that would be written, or that cannot be, by path. Those that would stay as they are, are left out.
    pub files: Vec<PreviewedFile>,
    /// Names what the picks make of the files: another one when the attempts or the user change them.
    pub planned: String,
}

/// A file of the user's folder as it would become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct PreviewedFile {
    /// The path.
    pub path: String,
    /// The numbers of the attempts that something is taken of.
    pub attempts: Vec<u32>,
    /// Why it cannot be: which attempts disagree, or what the user changed. One that has a word here keeps all from
    /// being taken.
    pub conflict: Option<String>,
    /// From what the user has to what it would be; none where there is a conflict.
    pub change: Option<ReviewFile>,
}

/// See `attempts/check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct RunCheck {
    /// The task.
    pub task_id: TaskId,
    /// What runs.
    #[serde(flatten)]
    pub check: CheckCommand,
}

/// See `attempts/try`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct TryAttempts {
    /// The task.
    pub task_id: TaskId,
    /// What would be taken.
    pub picks: Vec<Pick>,
    /// The checks, in the order in which they run.
    pub checks: Vec<CheckCommand>,
}

/// How checks ended on what would be taken. Nothing was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct TriedAttempts {
    /// What of the user's folder the checks did not have, and why.
    pub notes: Vec<String>,
    /// The checks in their order; those behind one that was stopped did not run.
    pub checks: Vec<Checked>,
    /// Names what they ran on, as the preview does.
    pub planned: String,
}

/// How a check ended that the user ran again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Checked {
    /// Whether it ended with 0.
    pub passed: bool,
    /// Its exit code; none when it did not end by itself.
    pub code: Option<i32>,
    /// What it printed, cut in the middle when long. Not to be trusted.
    pub output: String,
    /// How long it took, in milliseconds.
    #[ts(type = "number")]
    pub duration_ms: u64,
    /// How many files of a session's workspace it changed: then it says nothing about them. On what is or would be
    /// taken of attempts nobody counts.
    #[serde(default)]
    pub changed: u32,
}
