//! Checkpoints: what a folder and a conversation were at one moment, and bringing them back.

use crate::{ItemId, SessionId, TurnId, UnixMillis, review::ReviewFile};
use serde::{Deserialize, Serialize};

/// What the folder of a session held before a turn, a tool call or a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Checkpoint {
    /// Its number. Later ones are higher, and none is given again.
    #[ts(type = "number")]
    pub id: i64,
    /// The turn that it was taken before or in; none: it was taken before a restore.
    pub turn: Option<TurnId>,
    /// The call that it was taken before; none: before the whole turn, or before a restore.
    pub call: Option<ItemId>,
    /// What it was taken before, in plain words.
    pub label: String,
    /// When.
    #[ts(type = "number")]
    pub created_at: UnixMillis,
    /// How many files it holds.
    #[ts(type = "number")]
    pub files: u64,
    /// What is not in it, in plain words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// When what it held was given up, so that checkpoints stay within their room; none: it can be brought back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null", optional)]
    pub gone_at: Option<UnixMillis>,
}

/// The checkpoints of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Checkpoints {
    /// Oldest first.
    pub checkpoints: Vec<Checkpoint>,
    /// Why none are taken in this folder; none: they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none_because: Option<String>,
}

/// What a restore brings back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum RestoreWhat {
    /// The files.
    Files,
    /// The conversation.
    Conversation,
    /// Both.
    #[default]
    Both,
}

/// See `checkpoint/restore`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Restore {
    /// The session.
    pub session_id: SessionId,
    /// The checkpoint's number.
    #[ts(type = "number")]
    pub checkpoint_id: i64,
    /// What to bring back.
    #[serde(default)]
    pub what: RestoreWhat,
    /// The files, or folders with all that is in them, also those that the user changed; none: every file that only the
    /// agent changed.
    #[serde(default)]
    pub paths: Option<Vec<String>>,
}

/// See `checkpoint/preview`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CheckpointRef {
    /// The session.
    pub session_id: SessionId,
    /// The checkpoint's number.
    #[ts(type = "number")]
    pub checkpoint_id: i64,
}

/// What a restore would do to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum RestoreAct {
    /// It is gone and is made again.
    Make,
    /// It gets its earlier content.
    Write,
    /// It was made since, and goes.
    Delete,
}

/// Whether a restore touches a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum RestoreChoice {
    /// It does.
    Goes,
    /// Only when the file is named: the user changed it since.
    IfNamed,
    /// It never does; `why` says why.
    Stays,
}

/// A file that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct RestoreFile {
    /// What a restore would do to it.
    pub act: RestoreAct,
    /// Whether it does.
    pub choice: RestoreChoice,
    /// Why it does not do so by itself, in plain words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The change from what is on disk to what was there. The lines of many large files are left out.
    pub change: ReviewFile,
}

/// What a restore would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct RestorePreview {
    /// What would be brought back.
    pub checkpoint: Checkpoint,
    /// The files that are not as they were, in the order of their paths.
    pub files: Vec<RestoreFile>,
    /// The messages of the user that would be hidden, oldest first, each by its first line.
    pub messages: Vec<String>,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Restored {
    /// What was brought back.
    #[ts(type = "number")]
    pub checkpoint_id: i64,
    /// What was there before: restoring this one undoes it.
    #[ts(type = "number")]
    pub undo: i64,
    /// The files that were written or removed, in the order of their paths.
    pub written: Vec<String>,
    /// The files that are not as they were and stayed, each with why, in the order of their paths.
    pub stayed: Vec<StayedFile>,
    /// How many messages of the user were hidden.
    pub hidden_messages: u32,
}

/// A file that a restore did not touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct StayedFile {
    /// The file.
    pub path: String,
    /// Why.
    pub why: String,
}
