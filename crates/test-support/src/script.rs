//! What the scripted model server says: a list of turns, each a list of steps, with the faults to play.
//!
//! A script knows no wire: the same turn comes out as Chat Completions, Responses or Messages, whichever
//! the client asks for. Requests take turns in order; a turn with a condition waits for its request.

use crate::turn::Turn;
use serde_json::Value;

/// A list of turns, and what the server knows besides.
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub(crate) turns: Vec<Turn>,
    pub(crate) otherwise: Option<Turn>,
    pub(crate) models: Vec<Value>,
    pub(crate) key: Option<String>,
}

impl Script {
    /// An empty script: every model request is answered with status 400 and "the script has no turn".
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a turn at the end.
    #[must_use]
    pub fn turn(mut self, turn: Turn) -> Self {
        self.turns.push(turn);
        self
    }

    /// What to answer, as often as asked, when no turn of the list fits.
    #[must_use]
    pub fn otherwise(mut self, turn: Turn) -> Self {
        self.otherwise = Some(turn);
        self
    }

    /// The models to list. Without this the list is `scripted`.
    #[must_use]
    pub fn models<'a>(mut self, ids: impl IntoIterator<Item = &'a str>) -> Self {
        self.models = ids
            .into_iter()
            .map(|id| serde_json::json!({ "id": id }))
            .collect();
        self
    }

    /// Adds one model to list, with fields of one's own (`context_length`, `max_model_len` …).
    #[must_use]
    pub fn model_entry(mut self, entry: Value) -> Self {
        self.models.push(entry);
        self
    }

    /// The key without which every request gets status 401: `authorization: Bearer` on the two OpenAI wires,
    /// `x-api-key` on the Anthropic wire; the list of models takes either.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Reads a script from its JSON form, which is described in `crates/test-support/SCRIPT.md`.
    ///
    /// # Errors
    /// The text is no JSON, or has a field that a script does not have.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        crate::script_json::read(text)
    }
}

/// A part of a streamed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Text, in so many deltas of about the same length.
    Text {
        /// The whole text.
        text: String,
        /// How many deltas, at least 1.
        deltas: usize,
    },
    /// Text with which the model refuses: a field of its own on the OpenAI wires, plain text on the other.
    Refusal(String),
    /// The model's reasoning.
    Reasoning {
        /// What it shows of it. May be empty.
        text: String,
        /// What the client must hand back unchanged: the signature (Anthropic), the encrypted content
        /// (Responses), an entry of `reasoning_details` (Chat).
        opaque: Option<String>,
        /// How many deltas, at least 1.
        deltas: usize,
    },
    /// A tool call.
    Call {
        /// The call's id; `None` makes one that is unique in this server.
        id: Option<String>,
        /// The tool's name.
        name: String,
        /// The arguments as text, so that they can be broken JSON too.
        arguments: String,
        /// Byte offsets at which the arguments are split into deltas (moved down to the next character).
        splits: Vec<usize>,
    },
    /// A ping event (Anthropic), a comment line on the other wires.
    Ping,
    /// A comment line: `: text`.
    Comment(String),
    /// Bytes put into the stream as they are.
    Raw(String),
    /// An error inside the stream; what follows is not sent.
    Error {
        /// The wire's error type or code, as `overloaded_error`.
        kind: String,
        /// The message.
        message: String,
    },
    /// Nothing more until [`crate::ModelServer::release`].
    Hold,
}

/// Why the model stopped. Without one it is `ToolCalls` when there is a call, else `End`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It was done.
    End,
    /// It waits for the results of its calls.
    ToolCalls,
    /// The limit of output tokens was reached.
    Length,
    /// A filter or the model itself refused.
    Refused,
    /// The wire's own word, unchecked.
    Other(String),
}

/// The tokens that a turn reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// All input tokens, cached ones included.
    pub input: u64,
    /// Of these, read from the cache.
    pub cached: u64,
    /// Of these, written to the cache (told on the Anthropic wire only).
    pub cache_write: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// Of these, reasoning.
    pub reasoning: u64,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            input: 100,
            cached: 0,
            cache_write: 0,
            output: 20,
            reasoning: 0,
        }
    }
}

/// How a turn reports its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reported {
    /// As the wire says. On Chat only when the request has `stream_options.include_usage`.
    #[default]
    Normal,
    /// Again and again with growing figures, as some servers do; asked for or not.
    Cumulative,
    /// Not at all.
    Absent,
}

/// The line ends of an event stream. All three are legal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineEnds {
    /// `\n`
    #[default]
    Lf,
    /// `\r\n`
    CrLf,
    /// `\r`
    Cr,
}
