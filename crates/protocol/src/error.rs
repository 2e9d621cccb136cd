//! Errors as a front sees them: a code to branch on, a message, and a hint that says what the user can do.

use serde::{Deserialize, Serialize};

/// What kind of failure it was. A variant exists only where a front behaves differently for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Code {
    /// The request itself is wrong: a bad argument, an unknown name, a path outside the workspace.
    Usage,
    /// Settings are missing or wrong: no such endpoint, an unreadable configuration file.
    Configuration,
    /// The named thing does not exist: session, checkpoint, hunk, file.
    NotFound,
    /// The endpoint refused the key.
    Unauthorized,
    /// The endpoint cannot be reached, or its answer broke off.
    Unreachable,
    /// The endpoint answered with an error, or with something that is not its wire API.
    Endpoint,
    /// The endpoint asks to wait.
    RateLimited,
    /// The conversation does not fit into the model's context window.
    ContextFull,
    /// The policy forbids it, or nobody is there to approve it.
    Denied,
    /// The file, session or database changed or is in use by somebody else.
    Conflict,
    /// The user or a signal stopped it.
    Cancelled,
    /// The disk, the database or the operating system failed.
    Storage,
    /// A defect of Kerf.
    Internal,
}

/// A failure, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Failure {
    /// What kind of failure.
    pub code: Code,
    /// What happened, and to what. One sentence without a final period.
    pub message: String,
    /// What the user can do about it. Empty when there is nothing to add.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
