//! Worktrees: folders of Kerf's own in which sessions work on a copy of the user's folder.

use crate::{ProjectId, SessionId, UnixMillis, WorktreeId};
use serde::{Deserialize, Serialize};

/// Where a session's files are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum WorkspaceKind {
    /// In the user's folder.
    #[default]
    InPlace,
    /// In a worktree that begins as the user's folder is. What is accepted goes into the user's folder.
    Worktree {
        /// A branch that follows the commits made in it, as `kerf/NAME`; none: they are on no branch.
        #[serde(default)]
        branch: Option<String>,
    },
}

/// How far a worktree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum WorktreeState {
    /// It is being made.
    Creating,
    /// A session works in it.
    Ready,
    /// It is being removed; all of it is in the archive.
    Removing,
    /// It is in the archive alone, and can be brought back.
    Archived,
}

/// A worktree that Kerf made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Worktree {
    /// The worktree.
    pub id: WorktreeId,
    /// The project of the user's folder.
    pub project_id: ProjectId,
    /// The session that works in it.
    pub session_id: SessionId,
    /// The working tree that it was made of, canonical.
    pub folder: String,
    /// Its own folder.
    pub path: String,
    /// The branch that follows its commits, whole: `kerf/NAME`.
    pub branch: Option<String>,
    /// How far it is.
    pub state: WorktreeState,
    /// The commit that it began at, in hex; none before the repository's first.
    pub head: Option<String>,
    /// The commit that holds what it began with, in hex.
    pub base: Option<String>,
    /// What of the user's folder was not brought, and why.
    pub notes: Vec<String>,
    /// When it was made.
    #[ts(type = "number")]
    pub made_at: UnixMillis,
    /// When it was removed.
    #[ts(type = "number | null")]
    pub removed_at: Option<UnixMillis>,
}

/// A worktree with what is in it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ListedWorktree {
    /// The worktree.
    #[serde(flatten)]
    pub worktree: Worktree,
    /// The session's title; empty when it is deleted.
    pub title: String,
    /// Bytes that its files take, clones counted as if they were copies.
    #[ts(type = "number")]
    pub bytes: u64,
    /// What is in it and nowhere else, in words; empty when there is nothing.
    pub work: Vec<String>,
}

/// See `worktree/list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ListWorktrees {
    /// Only those of this folder.
    #[serde(default)]
    pub folder: Option<String>,
    /// Whether nobody looks into them: bytes and work are not told then, and it takes no time.
    #[serde(default)]
    pub rows_only: bool,
}

/// See `worktree/remove`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct RemoveWorktree {
    /// The worktree.
    pub worktree_id: WorktreeId,
    /// Whether it goes although there is work in it that is nowhere else. It is in the archive then.
    #[serde(default)]
    pub force: bool,
}

/// A worktree by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct WorktreeRef {
    /// The worktree.
    pub worktree_id: WorktreeId,
}
