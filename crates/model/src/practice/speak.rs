//! A move as the event stream of a Chat Completions reply.

use super::{plan::Move, request::Asked};
use bytes::Bytes;
use serde_json::{Value, json};

/// What every last word ends with, so that nobody takes the rules for a model.
const WHO: &str = "\n\n*This is Kerf's practice endpoint: rules, not a language model. \
                   To work with a real one: `kerf endpoints add`.*";

/// About how many bytes of text a delta has.
const DELTA: usize = 24;

pub(super) fn stream(asked: &Asked, request_bytes: usize, next: Move) -> Vec<Bytes> {
    let mut events = vec![chunk(json!({ "role": "assistant", "content": "" }), None)];
    let mut written = 0;
    let mut say = |text: &str, events: &mut Vec<Bytes>| {
        written += text.len();
        for piece in pieces(text) {
            events.push(chunk(json!({ "content": piece }), None));
        }
    };
    let reason = match next {
        Move::Say(text) => {
            say(&text, &mut events);
            say(WHO, &mut events);
            "stop"
        }
        Move::Call { word, calls } => {
            let who = if asked.steps.is_empty() {
                "Practice endpoint, not a language model (for one: `kerf endpoints add`): "
            } else {
                "Practice endpoint: "
            };
            say(who, &mut events);
            say(&word, &mut events);
            for (index, call) in calls.iter().enumerate() {
                let id = format!("practice_{}", asked.calls + index + 1);
                let head = json!({ "index": index, "id": id, "type": "function",
                    "function": { "name": call.tool, "arguments": "" } });
                events.push(chunk(json!({ "tool_calls": [head] }), None));
                let arguments = call.arguments.to_string();
                for piece in pieces(&arguments) {
                    let part = json!({ "index": index, "function": { "arguments": piece } });
                    events.push(chunk(json!({ "tool_calls": [part] }), None));
                }
            }
            "tool_calls"
        }
    };
    events.push(chunk(json!({}), Some(reason)));
    // There is no tokenizer here; four bytes are about one token.
    let (input, output) = (request_bytes.div_ceil(4), written.div_ceil(4));
    events.push(event(&json!({ "choices": [], "usage": {
        "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output } })));
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

pub(super) fn error(reason: &str) -> Vec<Bytes> {
    vec![event(
        &json!({ "error": { "message": reason, "type": "invalid_request_error" } }),
    )]
}

fn chunk(delta: Value, reason: Option<&str>) -> Bytes {
    event(
        &json!({ "object": "chat.completion.chunk", "model": "practice",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] }),
    )
}

fn event(json: &Value) -> Bytes {
    format!("data: {json}\n\n").into()
}

/// `text` in pieces that end after a space where there is one.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if (c == ' ' && end - start >= DELTA) || end - start >= 4 * DELTA {
            pieces.push(&text[start..end]);
            start = end;
        }
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}
