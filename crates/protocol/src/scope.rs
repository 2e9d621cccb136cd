//! What of the changes is looked at, and what is known about them beside the lines: checks, and comments that wait.

use crate::{
    ItemId, SessionId, TurnId, UnixMillis,
    item::Comment,
    review::{Review, WantedLines},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum Scope {
    /// What the session changed and the user has not settled.
    #[default]
    Task,
    /// Those hunks of it in which a turn had a hand.
    Turn {
        /// The turn.
        turn_id: TurnId,
    },
    /// What the folder holds beyond the last commit, whoever made it. For looking at: nothing of it is decided here.
    Uncommitted,
    /// What the folder holds beyond the commit that the branch began at, committed or not. For looking at.
    Branch {
        /// The branch to compare with; none: the default branch, or on that one its upstream.
        #[serde(default)]
        base: Option<String>,
    },
}

/// The commit that files are compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ScopeBase {
    /// The branch that was meant; `HEAD` for the last commit. Empty when there is none to compare with.
    pub name: String,
    /// The last commit that both have, in hex; empty when there is none.
    pub commit: String,
    /// The branches that can be compared with.
    pub choices: Vec<String>,
    /// How many files are left out, because there are too many.
    #[serde(default)]
    pub left_out: u32,
}

/// See `review/scope`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ShowScope {
    /// The session.
    pub session_id: SessionId,
    /// What is looked at.
    #[serde(default)]
    #[ts(as = "Option<Scope>", optional)]
    pub scope: Scope,
}

/// See `review/outline`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct OutlineReview {
    /// The session.
    pub session_id: SessionId,
    /// What the asker knows: the revisions of files, by their paths.
    #[serde(default)]
    #[ts(type = "Record<string, number>")]
    pub known: BTreeMap<String, u64>,
    /// What is looked at.
    #[serde(default)]
    #[ts(as = "Option<Scope>", optional)]
    pub scope: Scope,
}

/// See `review/lines`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ReadHunks {
    /// The session.
    pub session_id: SessionId,
    /// The lines, what is needed first at the front.
    pub wanted: Vec<WantedLines>,
    /// What is looked at.
    #[serde(default)]
    #[ts(as = "Option<Scope>", optional)]
    pub scope: Scope,
}

/// What a scope holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ScopedReview {
    /// The files and their hunks.
    pub review: Review,
    /// What they are compared with, where that is a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<ScopeBase>,
}

/// What a command looks after.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum CheckKind {
    /// It runs tests.
    Test,
    /// It looks for mistakes of style and habit.
    Lint,
    /// It checks types.
    Types,
    /// It builds.
    Build,
    /// Something else.
    Other,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum CheckOutcome {
    /// With 0.
    Passed,
    /// With another exit code.
    Failed,
    /// By a signal, a time limit or the user.
    Stopped,
}

/// A command of the task that changed no file itself. Of the same command, the last run counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct TaskCheck {
    /// The command line. Not to be trusted.
    pub command: String,
    /// The folder that it ran in, from the workspace's; empty for that itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[ts(as = "Option<String>", optional)]
    pub cwd: String,
    /// What it looks after, as far as its words tell.
    pub kind: CheckKind,
    /// How it ended.
    pub outcome: CheckOutcome,
    /// Its exit code; none when it did not end by itself.
    pub code: Option<i32>,
    /// Whether the task changed files after it ran: then it tells nothing about what is there now.
    pub stale: bool,
    /// The turn.
    pub turn_id: TurnId,
    /// The call.
    pub item_id: ItemId,
    /// When it began.
    #[ts(type = "number")]
    pub at: UnixMillis,
    /// How long it took, in milliseconds.
    #[ts(type = "number | null")]
    pub duration_ms: Option<u64>,
    /// Whether it runs again just now. All else is told of its last run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(as = "Option<bool>", optional)]
    pub running: bool,
}

/// A command that ran as a check, as one is named that is to run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct CheckCommand {
    /// The command line.
    pub command: String,
    /// The folder that it ran in, as the check tells.
    #[serde(default)]
    #[ts(as = "Option<String>", optional)]
    pub cwd: String,
}

/// See `review/check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct RunAgain {
    /// The session.
    pub session_id: SessionId,
    /// What runs.
    #[serde(flatten)]
    pub check: CheckCommand,
}

/// A comment that waits for the next message, where its lines are now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct PlacedComment {
    /// The comment; its line numbers are those of now.
    pub comment: Comment,
    /// Whether the lines that it is about are no longer there. The numbers are then the last that were known.
    pub gone: bool,
}
