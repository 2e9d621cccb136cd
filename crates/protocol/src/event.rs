//! Events: what a running session tells its fronts, in order.
//!
//! `kerf exec --json` prints them, one a line; a window gets the same through its channel.
//! `item.started` and `item.completed` carry the whole item; between them `item.updated` carries what was added.
//! An item is in the database before its `item.completed` is sent.

use crate::{
    Failure, ItemId, SessionId, TurnId,
    endpoint::{Endpoint, Usage},
    item::Item,
    policy::{Isolation, Policy, Question},
};
use serde::{Deserialize, Serialize};

/// An event with its place in the order of its session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Event {
    /// The session.
    pub session_id: SessionId,
    /// Its number in the session: it rises from event to event and is never used twice. Joined deltas leave gaps.
    #[ts(type = "number")]
    pub seq: u64,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type")]
#[ts(export)]
pub enum EventBody {
    /// A session began or goes on.
    #[serde(rename = "session.started")]
    SessionStarted {
        /// The workspace's folder.
        folder: String,
        /// The endpoint and model.
        endpoint: Endpoint,
        /// The policy.
        policy: Policy,
        /// The isolation that commands run under on this machine.
        isolation: Isolation,
        /// Whether it goes on with an earlier conversation.
        resumed: bool,
    },
    /// Files, the conversation or both were brought back to a checkpoint: what is shown of them is to be read anew.
    #[serde(rename = "session.restored")]
    SessionRestored {
        /// The checkpoint.
        #[ts(type = "number")]
        checkpoint_id: i64,
        /// Restoring this one undoes it.
        #[ts(type = "number")]
        undo: i64,
        /// Whether the conversation is another.
        conversation: bool,
    },
    /// A turn began.
    #[serde(rename = "turn.started")]
    TurnStarted {
        /// The turn.
        turn_id: TurnId,
        /// The instruction files that were loaded, in order.
        instructions: Vec<LoadedInstructions>,
    },
    /// An item began.
    #[serde(rename = "item.started")]
    ItemStarted {
        /// The item as it is so far.
        item: Item,
    },
    /// Something was added to an item.
    #[serde(rename = "item.updated")]
    ItemUpdated {
        /// The item.
        item_id: ItemId,
        /// What was added to its text or output.
        delta: String,
    },
    /// An item is done, and in the database.
    #[serde(rename = "item.completed")]
    ItemCompleted {
        /// The whole item.
        item: Item,
    },
    /// The policy has a question; the turn waits.
    #[serde(rename = "approval.requested")]
    ApprovalRequested {
        /// The question.
        question: Question,
    },
    /// The work came to a folder that has instructions of its own; they were given to the model.
    #[serde(rename = "instructions.loaded")]
    InstructionsLoaded {
        /// The files, in order.
        instructions: Vec<LoadedInstructions>,
    },
    /// The endpoint did not answer a request, or asked to wait; it is tried again.
    #[serde(rename = "request.retried")]
    RequestRetried {
        /// Which attempt comes next, from 2.
        attempt: u32,
        /// How long Kerf waits before it, in milliseconds.
        #[ts(type = "number")]
        wait_ms: u64,
        /// Why.
        reason: String,
    },
    /// How full the context is, after each request.
    #[serde(rename = "context.updated")]
    ContextUpdated {
        /// The context.
        context: ContextUse,
        /// The tokens of the turn so far.
        #[serde(default)]
        #[ts(as = "Option<Usage>", optional)]
        usage: Usage,
    },
    /// A turn ended well or was stopped.
    #[serde(rename = "turn.completed")]
    TurnCompleted {
        /// The turn.
        turn_id: TurnId,
        /// The tokens of the whole turn.
        usage: Usage,
        /// Whether the user stopped it.
        cancelled: bool,
    },
    /// A turn ended with an error. The session can go on.
    #[serde(rename = "turn.failed")]
    TurnFailed {
        /// The turn.
        turn_id: TurnId,
        /// The tokens of the whole turn.
        usage: Usage,
        /// What went wrong.
        error: Failure,
    },
}

/// An instruction file that was given to the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct LoadedInstructions {
    /// The path in the workspace, or the absolute path of the user's own.
    pub path: String,
    /// How many bytes of it were given.
    #[ts(type = "number")]
    pub bytes: u64,
    /// How many bytes it has.
    #[ts(type = "number")]
    pub total_bytes: u64,
}

/// How full the context is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ContextUse {
    /// Tokens in use.
    #[ts(type = "number")]
    pub tokens: u64,
    /// The context window in tokens.
    #[ts(type = "number")]
    pub window: u64,
    /// Whether `tokens` is an estimate.
    pub estimated: bool,
}
