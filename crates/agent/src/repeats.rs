//! Finds a model that makes the same call over and over and gets the same result: it would never stop by itself.
//!
//! Different calls are never limited; a long task is a good one. What counts is a row of replies in each of which
//! the very same call gave the very same result.

use crate::tools::ToolOutput;
use kerf_protocol::{Code, Failure, item::ToolCall};
use std::{
    collections::HashMap,
    fmt::Write,
    hash::{DefaultHasher, Hash, Hasher},
};

/// From so many replies in a row on, the model is told.
const TELL: u32 = 5;
/// After so many replies in a row with nothing else in them the turn ends.
const END: u32 = 10;
/// The same where the model waits for a job: time passes between its looks, so they are not the same.
const END_OF_WAITING: u32 = 200;

/// The calls of the last reply and of this one, each with the number of replies in a row that had it.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    last: HashMap<u64, u32>,
    now: HashMap<u64, u32>,
    /// How far the call of this reply is that was repeated least, and what it is.
    least: Option<(u32, String)>,
}

impl Repeats {
    /// Begins with the calls of another reply.
    pub(crate) fn next_reply(&mut self) {
        self.last = std::mem::take(&mut self.now);
        self.least = None;
    }

    /// Takes a call that ended, and adds to its result that it is a repetition.
    pub(crate) fn see(&mut self, call: &ToolCall, output: &mut ToolOutput) {
        let key = key(call, output);
        let count = self.last.get(&key).copied().unwrap_or(0) + 1;
        self.now.insert(key, count);
        if count >= TELL {
            let advice = if output.goes_on {
                "Do something else meanwhile, or wait with a command that sleeps."
            } else {
                "It will not change: do something else, or say what keeps you from going on."
            };
            let _ = write!(
                output.text,
                "\n(You made this same call {count} times in a row, and its result was the same each time. {advice})"
            );
        }
        // The limits differ, so they are compared by what is left.
        let end = if output.goes_on { END_OF_WAITING } else { END };
        let left = end.saturating_sub(count);
        if self.least.as_ref().is_none_or(|(most, _)| left > *most) {
            self.least = Some((left, format!("`{}` {count} times in a row", call.title)));
        }
    }

    /// Why the turn ends after this reply, if it does: all its calls were repeated too often.
    pub(crate) fn hopeless(&self) -> Option<Failure> {
        let (_, what) = self.least.as_ref().filter(|(left, _)| *left == 0)?;
        Some(Failure {
            code: Code::Endpoint,
            message: format!(
                "the model repeats itself: it made the call {what} with the same result each time"
            ),
            hint: "Go on with a message that says what to do instead, or choose another model"
                .to_owned(),
        })
    }
}

/// Tells calls with their results apart.
fn key(call: &ToolCall, output: &ToolOutput) -> u64 {
    let mut hasher = DefaultHasher::new();
    call.tool.hash(&mut hasher);
    output.status.hash(&mut hasher);
    call.arguments.to_string().hash(&mut hasher);
    // How it ended is hashed beside the text; the first line of a command's text has the time it took.
    let text = match &output.exit {
        Some(exit) => {
            (exit.code, exit.timed_out).hash(&mut hasher);
            output.text.split_once('\n').map_or("", |(_, rest)| rest)
        }
        None => &output.text,
    };
    text.hash(&mut hasher);
    for change in &output.changes {
        change.path.hash(&mut hasher);
    }
    hasher.finish()
}
