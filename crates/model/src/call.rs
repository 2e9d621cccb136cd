//! What goes into a request and what comes out of a reply, the same for every wire.

use kerf_egress::{About, Egress};
use kerf_protocol::{
    endpoint::{Endpoint, Usage},
    item::Image,
};
pub use secrecy::SecretString;
use std::{sync::Arc, time::Duration};

/// An endpoint and the key for it. `Debug` does not show the key.
#[derive(Debug, Clone)]
pub struct Target {
    /// The endpoint; `model` must be set for [`crate::stream`].
    pub endpoint: Endpoint,
    /// The key. Local servers often need none.
    pub key: Option<SecretString>,
}

/// The way a request leaves.
#[derive(Clone)]
pub enum Door {
    /// Over the network, through the allow-list and the ledger.
    Egress(Egress),
    /// To the practice endpoint inside this process: the same adapter and the same bytes, no network.
    Practice,
}

/// One request. Everything is borrowed: the conversation is serialised from where it lies.
#[derive(Debug)]
pub struct Request<'a> {
    /// The system prompt. Empty: none.
    pub system: &'a str,
    /// The conversation, oldest first. Every tool call in it has its result in a later message.
    pub messages: &'a [Arc<Message>],
    /// The tools the model may call, in an order that stays the same from request to request.
    pub tools: &'a [ToolSpec],
    /// What the ledger is told.
    pub about: About,
    /// The most tokens to receive. None: the endpoint's own limit, or 32,000 where the wire demands a number.
    pub max_output_tokens: Option<u64>,
    /// A JSON Schema for the reply's text.
    pub output_schema: Option<&'a serde_json::Value>,
    /// The same for all requests of a session, so that the endpoint finds its cache again. At most 64 characters.
    pub cache_key: &'a str,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The user, and the results of tools.
    User,
    /// The model.
    Assistant,
}

/// One message of the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text.
    Text(String),
    /// A picture; from the user only.
    Image(Image),
    /// What the model thought; from the model only.
    Reasoning {
        /// The text or a summary of it. May be empty.
        text: String,
        /// What the endpoint wants back unchanged. It belongs to one wire and base URL and is left out elsewhere.
        opaque: Option<serde_json::Value>,
    },
    /// A tool call; from the model only.
    ToolCall {
        /// The name of the call, unique in the conversation.
        call_id: String,
        /// The tool's name.
        name: String,
        /// The arguments: a JSON object as text, as the model wrote it.
        arguments: String,
    },
    /// The result of a tool call; in a message of the user.
    ToolResult {
        /// The name of the call.
        call_id: String,
        /// What the model gets to read.
        output: String,
        /// Whether the tool failed or was refused.
        failed: bool,
    },
}

/// A tool that is offered to the model.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// The name: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The JSON Schema of its arguments: an object, without `$ref`.
    pub schema: serde_json::Value,
}

/// A piece of a reply as it comes.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    /// More text.
    Text(String),
    /// More reasoning.
    Reasoning(String),
    /// More of a tool call's arguments. Only to be shown: the call is real when [`Reply`] holds it.
    ToolArguments {
        /// Which call of this reply, from 0.
        index: usize,
        /// The tool's name as far as it is known.
        name: String,
        /// More of the arguments.
        delta: String,
    },
    /// Nothing was received yet; the request will be sent again.
    Retry {
        /// The number of the coming try; the first retry is 2.
        attempt: u32,
        /// The wait before it.
        wait: Duration,
        /// Why the last try failed.
        reason: String,
    },
}

/// A complete reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What the model said, in order.
    pub parts: Vec<Part>,
    /// Tokens, when the endpoint told.
    pub usage: Option<Usage>,
    /// Why it ended.
    pub stop: Stop,
}

/// Why a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The model said all it had to say.
    End,
    /// The model waits for the results of its tool calls. Only with this are there [`Part::ToolCall`]s.
    ToolCalls,
    /// The limit of tokens was reached. Tool calls that the reply had begun are dropped.
    Length,
    /// The model or the endpoint's filter refused to go on.
    Refused,
}
