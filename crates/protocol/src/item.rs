//! Items: what a turn is made of.

use crate::{
    Failure, ItemId, TurnId, UnixMillis,
    ledger::FileRange,
    policy::{Answer, Isolation, NetworkLevel, Question},
};
use serde::{Deserialize, Serialize};

/// One entry of a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Item {
    /// The item's id.
    pub id: ItemId,
    /// The turn it belongs to.
    pub turn_id: TurnId,
    /// When it began.
    #[ts(type = "number")]
    pub created_at: UnixMillis,
    /// How far it is.
    pub status: ItemStatus,
    /// Which request of the turn it came from, counted from 1; 0 for what did not come from the model.
    #[serde(default)]
    pub step: u32,
    /// Which part of that request's reply it is, counted from 1; 0 for what is none. Calls end after all that was
    /// said beside them, so the order of the items is not the order of the reply.
    #[serde(default)]
    pub part: u32,
    /// What it is.
    #[serde(flatten)]
    pub body: ItemBody,
}

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ItemStatus {
    /// It is going on.
    Running,
    /// It waits for the user.
    Waiting,
    /// It is done.
    Completed,
    /// It ended with an error.
    Failed,
    /// The policy or the user refused it.
    Denied,
    /// The user stopped it; what there is of it is kept.
    Cancelled,
    /// Kerf stopped while it went on; nobody knows how far it came.
    Interrupted,
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum ItemBody {
    /// What the user said.
    UserMessage {
        /// The text.
        text: String,
        /// Pictures that go with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<Image>,
        /// Comments on lines of the review that went with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        comments: Vec<Comment>,
    },
    /// What the model said.
    AgentMessage {
        /// The text, Markdown. Not to be trusted.
        text: String,
    },
    /// What the model thought aloud.
    Reasoning {
        /// The text or a summary of it; empty when the endpoint keeps it to itself.
        text: String,
        /// What the endpoint wants back unchanged: signatures, encrypted reasoning.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(type = "unknown")]
        opaque: Option<serde_json::Value>,
    },
    /// A tool call and its result.
    ToolCall(ToolCall),
    /// The plan as it stands after a change.
    Plan {
        /// The steps in order.
        steps: Vec<PlanStep>,
    },
    /// A question and its answer.
    Approval {
        /// The question.
        question: Question,
        /// The answer, when there is one.
        answer: Option<Answer>,
    },
    /// The history up to here was replaced by a summary for the model. The items themselves stay.
    Summary {
        /// The summary.
        text: String,
        /// The last item that the summary stands for.
        up_to: ItemId,
    },
    /// Something went wrong.
    Error {
        /// What.
        failure: Failure,
    },
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Image {
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`.
    pub media_type: String,
    /// The bytes in base64.
    pub data: String,
}

/// A comment on lines of the review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Comment {
    /// The file.
    pub path: String,
    /// The first line, from 1, in the text as proposed.
    pub first_line: u32,
    /// The last line, inclusive.
    pub last_line: u32,
    /// The commented lines as they were.
    pub excerpt: String,
    /// The comment.
    pub text: String,
}

/// A step of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, schemars::JsonSchema)]
#[ts(export)]
pub struct PlanStep {
    /// What is to be done.
    pub step: String,
    /// How far it is.
    pub status: StepStatus,
}

/// How far a step of the plan is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Going on.
    InProgress,
    /// Done.
    Completed,
}

/// A tool call and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ToolCall {
    /// The endpoint's name for the call; results refer to it.
    pub call_id: String,
    /// The tool's name.
    pub tool: String,
    /// The arguments as the model gave them: valid JSON, an object.
    #[ts(type = "unknown")]
    pub arguments: serde_json::Value,
    /// One line that says what it does, for people.
    pub title: String,
    /// What the model gets to read. Empty while it runs.
    #[serde(default)]
    pub output: String,
    /// The files that the output quotes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotes: Vec<FileRange>,
    /// What files it changed, in the order of their paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FileChange>,
    /// For commands: how it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null")]
    pub duration_ms: Option<u64>,
    /// What in the output is, or looks like, a secret.
    #[serde(default, skip_serializing_if = "Secrets::is_empty")]
    #[ts(as = "Option<Secrets>", optional)]
    pub secrets: Secrets,
}

/// What a text holds of secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Secrets {
    /// How many were replaced by placeholders before the text went to the model.
    pub concealed: u32,
    /// What may be a secret and went to the model as it stands: the first of them, at most [`MAX_DOUBTS`].
    pub doubtful: Vec<Doubt>,
}

/// So many doubts are told about one text.
pub const MAX_DOUBTS: usize = 20;

impl Secrets {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.concealed == 0 && self.doubtful.is_empty()
    }
}

/// Something that may be a secret: it has no known form, but looks random, or has a suspicious name beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Doubt {
    /// The rule that found it, as `generic-api-key`.
    pub rule: String,
    /// Its line in the text, from 1.
    pub line: u32,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Exit {
    /// The exit code; none when a signal, a timeout or the user ended it.
    pub code: Option<i32>,
    /// Whether it ran out of time.
    pub timed_out: bool,
    /// The isolation it ran under.
    pub isolation: Isolation,
    /// What it could connect to, if it was isolated.
    #[serde(default)]
    #[ts(as = "Option<NetworkLevel>", optional)]
    pub network: NetworkLevel,
}

/// A file that a tool call changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct FileChange {
    /// The path in the workspace.
    pub path: String,
    /// How.
    pub kind: ChangeKind,
}

/// How a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ChangeKind {
    /// It is new.
    Created,
    /// Its content or its mode is another.
    Modified,
    /// It is gone.
    Deleted,
}
