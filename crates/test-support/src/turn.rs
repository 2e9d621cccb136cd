//! One answer of the scripted model server: what it says, when it is taken, and the faults on the way.

use crate::script::{LineEnds, Reported, Step, Stop, Tokens};
use bytes::Bytes;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

type Condition = Arc<dyn Fn(&Value) -> bool + Send + Sync>;

/// One answer of the server.
#[derive(Clone)]
pub struct Turn {
    pub(crate) condition: Option<Condition>,
    pub(crate) always: bool,
    pub(crate) answer: Answer,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) tokens: Tokens,
    pub(crate) reported: Reported,
    pub(crate) stop: Option<Stop>,
    pub(crate) interleaved: bool,
    pub(crate) reasoning_field: String,
    pub(crate) faults: Faults,
}

#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Stream(Vec<Step>),
    Plain { status: u16, body: Option<Bytes> },
    HangUp { reset: bool },
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    pub(crate) stall_first: bool,
    pub(crate) stall_after: Option<usize>,
    pub(crate) cut_after: Option<usize>,
    pub(crate) reset: bool,
    pub(crate) end_after: Option<usize>,
    pub(crate) no_terminal: bool,
    pub(crate) line_ends: LineEnds,
    pub(crate) bom: bool,
    pub(crate) pieces: Option<usize>,
    pub(crate) pace: Option<Duration>,
}

impl Turn {
    fn of(answer: Answer) -> Self {
        Self {
            condition: None,
            always: false,
            answer,
            headers: Vec::new(),
            tokens: Tokens::default(),
            reported: Reported::Normal,
            stop: None,
            interleaved: false,
            reasoning_field: "reasoning_content".to_owned(),
            faults: Faults::default(),
        }
    }

    /// A streamed answer of these steps.
    #[must_use]
    pub fn steps(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::of(Answer::Stream(steps.into_iter().collect()))
    }

    /// A streamed answer that is this text in one delta.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::steps([]).and_text(text)
    }

    /// A streamed answer that is this tool call.
    #[must_use]
    pub fn call(name: &str, arguments: Value) -> Self {
        Self::steps([]).and_call(name, arguments)
    }

    /// A plain answer with this status. From 400 on, the body is the wire's error object unless one is set.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::of(Answer::Plain { status, body: None })
    }

    /// Status 200 with a page of HTML, as a captive portal answers.
    #[must_use]
    pub fn html(page: &str) -> Self {
        Self::status(200)
            .body(page.to_owned())
            .header("content-type", "text/html; charset=utf-8")
    }

    /// Status 307 to another address.
    #[must_use]
    pub fn redirect(to: &str) -> Self {
        Self::status(307).body(Bytes::new()).header("location", to)
    }

    /// Closes the connection without a byte.
    #[must_use]
    pub fn hang_up() -> Self {
        Self::of(Answer::HangUp { reset: false })
    }

    /// Resets the connection without a byte.
    #[must_use]
    pub fn reset() -> Self {
        Self::of(Answer::HangUp { reset: true })
    }

    /// A streamed answer that starts well and then is an error inside the stream.
    #[must_use]
    pub fn error(kind: &str, message: &str) -> Self {
        Self::steps([]).and(Step::Error {
            kind: kind.to_owned(),
            message: message.to_owned(),
        })
    }

    /// Adds a step.
    ///
    /// # Panics
    /// When the turn is not a stream.
    #[must_use]
    pub fn and(mut self, step: Step) -> Self {
        let Answer::Stream(steps) = &mut self.answer else {
            panic!(
                "only a streamed turn has steps; this one is {:?}",
                self.answer
            );
        };
        steps.push(step);
        self
    }

    /// Adds text in one delta.
    #[must_use]
    pub fn and_text(self, text: impl Into<String>) -> Self {
        self.and_text_in(text, 1)
    }

    /// Adds text in so many deltas.
    #[must_use]
    pub fn and_text_in(self, text: impl Into<String>, deltas: usize) -> Self {
        self.and(Step::Text {
            text: text.into(),
            deltas,
        })
    }

    /// Adds reasoning in one delta.
    #[must_use]
    pub fn and_reasoning(self, text: &str, opaque: Option<&str>) -> Self {
        self.and(Step::Reasoning {
            text: text.to_owned(),
            opaque: opaque.map(str::to_owned),
            deltas: 1,
        })
    }

    /// Adds a tool call; its id is made and its arguments come in two deltas.
    #[must_use]
    pub fn and_call(self, name: &str, arguments: Value) -> Self {
        let arguments = arguments.to_string();
        let splits = vec![arguments.len() / 2];
        self.and(Step::Call {
            id: None,
            name: name.to_owned(),
            arguments,
            splits,
        })
    }

    /// Adds a tool call with this id (to send one twice) and arguments as text (to send broken ones).
    #[must_use]
    pub fn and_call_as(self, id: &str, name: &str, arguments: &str) -> Self {
        let call = Step::Call {
            id: Some(id.to_owned()),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            splits: Vec::new(),
        };
        self.and(call)
    }

    /// Takes this turn only for a request of which this is true; the turns behind it do not wait for it.
    #[must_use]
    pub fn when(mut self, condition: impl Fn(&Value) -> bool + Send + Sync + 'static) -> Self {
        self.condition = Some(Arc::new(condition));
        self
    }

    /// Takes this turn only for a request whose body has this text somewhere in a string.
    #[must_use]
    pub fn when_contains(self, text: &str) -> Self {
        let text = text.to_owned();
        self.when(move |request| has_text(request, &text))
    }

    /// Answers so again and again; the turns behind it are reached only past its condition.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.always = true;
        self
    }

    /// Adds a header; `retry-after`, say.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The body of a plain answer.
    ///
    /// # Panics
    /// When the turn is a stream.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        let Answer::Plain { body, .. } = &mut self.answer else {
            panic!("only a plain answer has a body; start with `Turn::status`");
        };
        *body = Some(bytes.into());
        self
    }

    /// Why the model stopped.
    #[must_use]
    pub fn stop(mut self, stop: Stop) -> Self {
        self.stop = Some(stop);
        self
    }

    /// The tokens to report.
    #[must_use]
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = tokens;
        self
    }

    /// How to report them.
    #[must_use]
    pub fn reported(mut self, reported: Reported) -> Self {
        self.reported = reported;
        self
    }

    /// The deltas of neighbouring tool calls take turns instead of one call after the other.
    #[must_use]
    pub fn interleaved(mut self) -> Self {
        self.interleaved = true;
        self
    }

    /// The field that carries reasoning on Chat: `reasoning_content` (the default) or `reasoning`.
    #[must_use]
    pub fn reasoning_field(mut self, field: &str) -> Self {
        field.clone_into(&mut self.reasoning_field);
        self
    }

    /// Sends nothing at all, not even the head, until [`crate::ModelServer::release`].
    #[must_use]
    pub fn stall_first(mut self) -> Self {
        self.faults.stall_first = true;
        self
    }

    /// Sends the head and `bytes` bytes of the body, then nothing until [`crate::ModelServer::release`].
    #[must_use]
    pub fn stall_after(mut self, bytes: usize) -> Self {
        self.faults.stall_after = Some(bytes);
        self
    }

    /// Closes the connection after the head and `bytes` bytes of the body; the client can tell that the
    /// body is not whole.
    #[must_use]
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.faults.cut_after = Some(bytes);
        self
    }

    /// As [`Turn::cut_after`], but resets the connection.
    #[must_use]
    pub fn reset_after(mut self, bytes: usize) -> Self {
        self.faults.reset = true;
        self.cut_after(bytes)
    }

    /// Ends the body after `bytes` bytes as if that were all; HTTP sees nothing wrong.
    #[must_use]
    pub fn end_after(mut self, bytes: usize) -> Self {
        self.faults.end_after = Some(bytes);
        self
    }

    /// Leaves out the events that end a message (`[DONE]` and the finish reason, `response.completed`,
    /// `message_delta` and `message_stop`).
    #[must_use]
    pub fn no_terminal(mut self) -> Self {
        self.faults.no_terminal = true;
        self
    }

    /// The line ends of the event stream.
    #[must_use]
    pub fn line_ends(mut self, ends: LineEnds) -> Self {
        self.faults.line_ends = ends;
        self
    }

    /// Starts the stream with a byte order mark.
    #[must_use]
    pub fn bom(mut self) -> Self {
        self.faults.bom = true;
        self
    }

    /// Sends the body in pieces of `bytes` bytes, each written out before the next: 1 cuts every character
    /// and every event in two.
    #[must_use]
    pub fn pieces(mut self, bytes: usize) -> Self {
        self.faults.pieces = Some(bytes.max(1));
        self
    }

    /// Waits so long before each piece (or each event, without [`Turn::pieces`]). For benches and for
    /// looking at; a test waits for [`Step::Hold`] instead.
    #[must_use]
    pub fn pace(mut self, wait: Duration) -> Self {
        self.faults.pace = Some(wait);
        self
    }

    pub(crate) fn fits(&self, request: &Value) -> bool {
        self.condition
            .as_ref()
            .is_none_or(|condition| condition(request))
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("conditioned", &self.condition.is_some())
            .field("always", &self.always)
            .field("answer", &self.answer)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

fn has_text(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string.contains(text),
        Value::Array(values) => values.iter().any(|value| has_text(value, text)),
        Value::Object(fields) => fields.values().any(|value| has_text(value, text)),
        _ => false,
    }
}
