//! Projects: the folders that the user opened, what is in them, and the commit that closes a review.

use crate::{ProjectId, SessionId, UnixMillis};
use serde::{Deserialize, Serialize};

/// A folder that the user opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Project {
    /// The project's id.
    pub id: ProjectId,
    /// The folder's canonical path.
    pub path: String,
    /// The last part of the path.
    pub name: String,
    /// When it was last opened.
    #[ts(type = "number")]
    pub opened_at: UnixMillis,
}

/// See `project/open`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct OpenProject {
    /// A folder, or a file in it.
    pub path: String,
    /// Whether the user said yes to a folder as wide as `/` or the home folder.
    #[serde(default)]
    pub confirmed: bool,
}

/// What became of opening a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum OpenedProject {
    /// It is open.
    Opened {
        /// The project.
        project: Project,
    },
    /// The folder holds far more than a project; the user is asked first.
    TooWide {
        /// The folder's canonical path.
        path: String,
        /// Why, in plain words.
        why: String,
    },
}

/// A project by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ProjectRef {
    /// The project.
    pub project_id: ProjectId,
}

/// What a project's repository says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct RepoStatus {
    /// The branch, or the commit where none is checked out; none without a repository.
    pub branch: Option<String>,
    /// Commits that the branch has and its upstream has not.
    pub ahead: u32,
    /// Commits that its upstream has and the branch has not.
    pub behind: u32,
    /// What git has begun and must end first (a merge, a rebase …), in words with an article; none: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<String>,
}

/// See `review/commit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct CommitReview {
    /// The session whose accepted changes are committed.
    pub session_id: SessionId,
    /// The message.
    pub message: String,
}

/// A commit that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Committed {
    /// The commit's id.
    pub oid: String,
    /// The files in it, in the order of their paths.
    pub files: Vec<String>,
    /// The programs that git would have run and Kerf did not: hooks, signing.
    pub not_run: Vec<String>,
}
