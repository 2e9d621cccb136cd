//! Anthropic Messages: named events around content blocks.

use super::Asked;
use crate::script::{Reported, Step, Stop, Tokens};
use crate::sse::{Beat, Frame, beats};
use crate::turn::Turn;
use serde_json::{Value, json};

pub(super) fn frames(turn: &Turn, steps: &[Step], asked: &Asked) -> Vec<Frame> {
    let mut message = json!({
        "id": format!("msg_{}", asked.number), "type": "message", "role": "assistant", "model": asked.model,
        "content": [], "stop_reason": null, "stop_sequence": null,
    });
    if turn.reported != Reported::Absent {
        message["usage"] = usage(&Tokens {
            output: 1,
            ..turn.tokens
        });
    }
    let mut frames = vec![event("message_start", json!({ "message": message }))];
    for beat in beats(turn, steps) {
        match beat {
            Beat::Start { block, step } => {
                let content = content_block(step, asked, block);
                frames.push(event(
                    "content_block_start",
                    json!({"index": block, "content_block": content}),
                ));
            }
            Beat::Delta { block, step, text } => {
                let delta = match step {
                    Step::Call { .. } => json!({"type": "input_json_delta", "partial_json": text}),
                    Step::Reasoning { .. } => json!({"type": "thinking_delta", "thinking": text}),
                    _ => json!({"type": "text_delta", "text": text}),
                };
                frames.push(event(
                    "content_block_delta",
                    json!({"index": block, "delta": delta}),
                ));
            }
            Beat::End { block, step } => {
                if let Step::Reasoning {
                    text,
                    opaque: Some(signature),
                    ..
                } = step
                    && !text.is_empty()
                {
                    let delta = json!({"type": "signature_delta", "signature": signature});
                    frames.push(event(
                        "content_block_delta",
                        json!({"index": block, "delta": delta}),
                    ));
                }
                frames.push(event("content_block_stop", json!({ "index": block })));
                if turn.reported == Reported::Cumulative {
                    let so_far = Tokens {
                        output: turn.tokens.output.min(block as u64 + 1),
                        ..turn.tokens
                    };
                    frames.push(event(
                        "message_delta",
                        json!({"delta": {}, "usage": usage(&so_far)}),
                    ));
                }
            }
            Beat::Aside(Step::Ping) => frames.push(event("ping", json!({}))),
            Beat::Aside(Step::Error { kind, message }) => {
                frames.push(Frame::named("error", &error_body(kind, message)));
                return frames;
            }
            Beat::Aside(step) => frames.extend(super::aside(step)),
        }
    }
    let reason = match super::stop(turn, steps) {
        Stop::End => "end_turn".to_owned(),
        Stop::ToolCalls => "tool_use".to_owned(),
        Stop::Length => "max_tokens".to_owned(),
        Stop::Refused => "refusal".to_owned(),
        Stop::Other(word) => word,
    };
    let mut last = json!({"delta": {"stop_reason": reason, "stop_sequence": null}});
    match turn.reported {
        Reported::Normal => last["usage"] = json!({ "output_tokens": turn.tokens.output }),
        Reported::Cumulative => last["usage"] = usage(&turn.tokens),
        Reported::Absent => {}
    }
    frames.push(event("message_delta", last).terminal());
    frames.push(event("message_stop", json!({})).terminal());
    frames
}

/// An event whose data repeats its name as `type`, first.
fn event(name: &'static str, fields: Value) -> Frame {
    let mut data = json!({ "type": name });
    if let (Some(data), Value::Object(fields)) = (data.as_object_mut(), fields) {
        data.extend(fields);
    }
    Frame::named(name, &data)
}

fn content_block(step: &Step, asked: &Asked, block: usize) -> Value {
    match step {
        Step::Call { id, name, .. } => {
            let id = id.clone().unwrap_or_else(|| asked.call_id(block));
            json!({"type": "tool_use", "id": id, "name": name, "input": {}})
        }
        // Reasoning that the server does not show arrives whole, at the start of its block.
        Step::Reasoning {
            text,
            opaque: Some(data),
            ..
        } if text.is_empty() => {
            json!({"type": "redacted_thinking", "data": data})
        }
        Step::Reasoning { .. } => json!({"type": "thinking", "thinking": "", "signature": ""}),
        _ => json!({"type": "text", "text": ""}),
    }
}

/// On this wire `input_tokens` leaves out what was read from or written to the cache.
fn usage(tokens: &Tokens) -> Value {
    json!({
        "input_tokens": tokens.input.saturating_sub(tokens.cached + tokens.cache_write),
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.output,
    })
}

pub(super) fn error_body(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}
