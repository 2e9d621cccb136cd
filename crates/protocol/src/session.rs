//! Sessions: one conversation with one model in one workspace.

use crate::{
    ProjectId, SessionId, TaskId, TurnId, UnixMillis,
    endpoint::{Endpoint, Usage},
    event::ContextUse,
    item::Item,
    policy::Policy,
};
use serde::{Deserialize, Serialize};

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum SessionState {
    /// A turn is going on.
    Running,
    /// A question waits for the user.
    Waiting,
    /// The last turn ended; a new message goes on.
    Idle,
    /// Kerf stopped in the middle of a turn; a new message goes on.
    Interrupted,
}

/// A session as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Session {
    /// The session's id.
    pub id: SessionId,
    /// The task that it is an attempt of.
    pub task_id: TaskId,
    /// The project.
    pub project_id: ProjectId,
    /// The folder's path, where its files are.
    pub folder: String,
    /// The user's folder, when it works in a worktree: what is accepted goes there. None: it works in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub worktree_of: Option<String>,
    /// The name that the user gave it, else the beginning of the first message.
    pub title: String,
    /// The endpoint and model.
    pub endpoint: Endpoint,
    /// The policy.
    pub policy: Policy,
    /// How far it is.
    pub state: SessionState,
    /// Whether the user put it aside.
    pub archived: bool,
    /// When it began.
    #[ts(type = "number")]
    pub created_at: UnixMillis,
    /// When it was last added to.
    #[ts(type = "number")]
    pub updated_at: UnixMillis,
    /// Tokens of all its turns.
    pub usage: Usage,
}

impl Session {
    /// The user's own folder, wherever the session works: rules, trust and lists go by it.
    #[must_use]
    pub fn users_folder(&self) -> &str {
        self.worktree_of.as_deref().unwrap_or(&self.folder)
    }
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum TurnState {
    /// It goes on.
    Running,
    /// The agent was done.
    Completed,
    /// It failed; see its last item.
    Failed,
    /// The user stopped it.
    Cancelled,
    /// Kerf stopped while it went on.
    Interrupted,
}

/// A turn with its items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Turn {
    /// The turn's id.
    pub id: TurnId,
    /// How it ended.
    pub state: TurnState,
    /// When it began.
    #[ts(type = "number")]
    pub created_at: UnixMillis,
    /// Its tokens.
    pub usage: Usage,
    /// Its items in order.
    pub items: Vec<Item>,
}

/// A session with all that was said and done in it; the format of exports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Transcript {
    /// The session.
    pub session: Session,
    /// Its turns in order.
    pub turns: Vec<Turn>,
}

/// A place where a search found the words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct SessionHit {
    /// The session.
    pub session_id: SessionId,
    /// The session's title.
    pub title: String,
    /// The turn.
    pub turn_id: TurnId,
    /// The words in their surroundings; matches stand between U+E000 and U+E001.
    pub snippet: String,
    /// When it was said.
    #[ts(type = "number")]
    pub at: UnixMillis,
}

/// A session as it is now: what is stored, and what is going on. The events after `seq` continue it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Attached {
    /// The session and its turns; items that are going on are among them.
    pub transcript: Transcript,
    /// The number of the last event that `transcript` contains; 0 when the session is not open in this process.
    #[ts(type = "number")]
    pub seq: u64,
    /// How full the context was after the last request.
    pub context: Option<ContextUse>,
    /// Whether a turn goes on in this process.
    pub running: bool,
}
