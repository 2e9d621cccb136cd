//! What can go wrong with a request, in words for the user and in kinds for the agent.

use crate::call::Part;
use kerf_protocol::{Code, Failure, endpoint::Usage};
use std::time::Duration;

/// A request that did not become a reply.
#[derive(Debug)]
pub struct ModelError {
    /// What happened.
    pub kind: ErrorKind,
    /// The endpoint's name, for the message.
    pub endpoint: String,
    /// Text and reasoning received before it happened. Never a tool call.
    pub partial: Vec<Part>,
    /// Tokens, as far as the endpoint told.
    pub usage: Option<Usage>,
}

/// The kinds of failure. Messages from the endpoint are cut at 500 characters and hold no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// No connection, or it was lost before anything arrived.
    #[error("cannot be reached: {reason}")]
    Unreachable {
        /// The cause.
        reason: String,
    },
    /// Nothing came for too long.
    #[error("did not answer in time: {reason}")]
    TimedOut {
        /// What was waited for.
        reason: String,
    },
    /// The answer ended before the message was complete.
    #[error("broke off its answer: {reason}")]
    BrokeOff {
        /// How.
        reason: String,
    },
    /// The endpoint reported an error inside its answer.
    #[error("reported an error: {message}")]
    InBand {
        /// Its words.
        message: String,
    },
    /// The endpoint answered with an HTTP error that has no kind of its own.
    #[error("answered with status {code}: {message}")]
    Status {
        /// The HTTP status.
        code: u16,
        /// Its words.
        message: String,
    },
    /// The endpoint refused the key, or wants one.
    #[error("refused the key: {message}")]
    Unauthorized {
        /// Its words.
        message: String,
    },
    /// The endpoint asks to wait longer than Kerf waits by itself.
    #[error("asks to wait{}: {message}", wait_text(*retry_after))]
    RateLimited {
        /// How long, counted from the answer.
        retry_after: Option<Duration>,
        /// Its words.
        message: String,
    },
    /// The conversation does not fit into the model's context window.
    #[error("cannot take a conversation this long: {message}")]
    ContextFull {
        /// The endpoint's words.
        message: String,
    },
    /// What answers there does not speak the endpoint's wire API.
    #[error("does not speak the expected API: {reason}")]
    NotThisApi {
        /// What it sent instead.
        reason: String,
    },
    /// The answer is larger than Kerf accepts.
    #[error("sent more than Kerf accepts: {reason}")]
    TooLarge {
        /// What was too large.
        reason: String,
    },
    /// A complete message holds a tool call that cannot be run.
    #[error("sent a tool call that cannot be run, `{name}`: {reason}")]
    BadToolCall {
        /// The tool's name, perhaps empty.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The endpoint's filter refused the request.
    #[error("refused the request: {message}")]
    Refused {
        /// Its words.
        message: String,
    },
    /// The user stopped it.
    #[error("was stopped by the user")]
    Cancelled,
    /// The allow-list does not permit the host.
    #[error("may not be reached: {message}")]
    NotAllowed {
        /// Which host and why.
        message: String,
    },
    /// The ledger could not record the request, so it was not sent.
    #[error("was not asked, because the ledger could not record the request: {message}")]
    Ledger {
        /// The ledger's words.
        message: String,
    },
    /// The endpoint's settings do not make a request.
    #[error("is not set up: {what}")]
    NotConfigured {
        /// What is missing or wrong.
        what: String,
    },
}

fn wait_text(wait: Option<Duration>) -> String {
    wait.map(|wait| format!(" {}", span(wait)))
        .unwrap_or_default()
}

/// A duration in the largest unit that says enough.
fn span(wait: Duration) -> String {
    match wait.as_secs() {
        0 => format!("{} ms", wait.as_millis()),
        seconds @ 1..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds.div_ceil(60)),
        seconds @ 7200..=172_799 => format!("{} h", seconds.div_ceil(3600)),
        seconds => format!("{} days", seconds.div_ceil(86_400)),
    }
}

impl std::fmt::Display for ModelError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the endpoint `{}` {}", self.endpoint, self.kind)
    }
}

impl std::error::Error for ModelError {}

impl ModelError {
    pub(crate) fn new(endpoint: &str, kind: ErrorKind) -> Self {
        Self {
            kind,
            endpoint: endpoint.to_owned(),
            partial: Vec::new(),
            usage: None,
        }
    }

    /// The failure to show: a code to branch on, what happened, and what the user can do.
    #[must_use]
    pub fn to_failure(&self) -> Failure {
        let (code, hint) = match &self.kind {
            ErrorKind::Unreachable { .. } => (
                Code::Unreachable,
                "Check that the server runs and that the base URL is right: `kerf endpoints test`",
            ),
            ErrorKind::TimedOut { .. } => (
                Code::Unreachable,
                "The server may still be loading the model; send the message again",
            ),
            ErrorKind::BrokeOff { .. } => (
                Code::Unreachable,
                "What arrived is kept; send the message again to go on",
            ),
            ErrorKind::InBand { .. } => (Code::Endpoint, "Send the message again"),
            ErrorKind::Status { code: 404, .. } => (
                Code::Endpoint,
                "Check the base URL (it usually ends in `/v1`) and the model's name: `kerf endpoints test`",
            ),
            // The server works and its list of models too, so asking it for that list would show nothing.
            ErrorKind::Status {
                code: 400 | 422, ..
            } => (
                Code::Endpoint,
                "Check that the model and its chat template take tools, or choose another model",
            ),
            ErrorKind::Status { .. } => (
                Code::Endpoint,
                "Check the endpoint's settings: `kerf endpoints test`",
            ),
            ErrorKind::Unauthorized { .. } => (
                Code::Unauthorized,
                "Set the key again: `kerf endpoints add`",
            ),
            ErrorKind::RateLimited { .. } => {
                (Code::RateLimited, "Wait, or choose another endpoint")
            }
            ErrorKind::ContextFull { .. } => (
                Code::ContextFull,
                "Start a new session, or choose a model with a larger context window",
            ),
            ErrorKind::NotThisApi { .. } => (
                Code::Endpoint,
                "Check the base URL and the wire API, and whether this network wants a log-in first",
            ),
            ErrorKind::TooLarge { .. } => (Code::Endpoint, "Ask for less at once"),
            ErrorKind::BadToolCall { .. } => (
                Code::Endpoint,
                "Send the message again; a model that does this often is not fit for tools",
            ),
            ErrorKind::Refused { .. } => (Code::Endpoint, "Say it in other words"),
            ErrorKind::Cancelled => (Code::Cancelled, ""),
            ErrorKind::NotAllowed { .. } => (
                Code::Denied,
                "Only hosts of endpoints that you added are reached: `kerf endpoints add`",
            ),
            ErrorKind::Ledger { .. } => (
                Code::Storage,
                "Check the free space and the permissions of Kerf's data folder",
            ),
            ErrorKind::NotConfigured { .. } => (
                Code::Configuration,
                "See `kerf endpoints list` and `kerf endpoints add`",
            ),
        };
        Failure {
            code,
            message: self.to_string(),
            hint: hint.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::template_without_tools(400, "take tools")]
    #[case::strict_server(422, "take tools")]
    #[case::wrong_path(404, "base URL")]
    #[case::broken_server(500, "settings")]
    fn a_status_has_a_hint_that_helps(#[case] code: u16, #[case] expected: &str) {
        let kind = ErrorKind::Status {
            code,
            message: "no".to_owned(),
        };
        let hint = ModelError::new("local", kind).to_failure().hint;
        assert!(hint.contains(expected), "{hint}");
    }
}
