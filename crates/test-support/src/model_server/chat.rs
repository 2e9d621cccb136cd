//! Chat Completions: nameless events, one `chat.completion.chunk` each, then `[DONE]`.

use super::Asked;
use crate::script::{Reported, Step, Stop, Tokens};
use crate::sse::{Beat, Frame, beats};
use crate::turn::Turn;
use serde_json::{Value, json};

pub(super) fn frames(turn: &Turn, steps: &[Step], asked: &Asked) -> Vec<Frame> {
    let include_usage = asked.json["stream_options"]["include_usage"] == json!(true);
    let chunk = |delta: Value, finish: Value| {
        let mut chunk = json!({
            "id": format!("chatcmpl-{}", asked.number),
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": asked.model,
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
        });
        if include_usage && turn.reported == Reported::Normal {
            chunk["usage"] = Value::Null;
        }
        chunk
    };
    let mut frames = vec![Frame::data(&chunk(
        json!({"role": "assistant", "content": ""}),
        Value::Null,
    ))];
    let mut call_indices = Vec::new();
    let mut deltas = 0;
    for beat in beats(turn, steps) {
        let delta = match beat {
            Beat::Start {
                block,
                step: Step::Call { id, name, .. },
            } => {
                call_indices.push(block);
                let id = id.clone().unwrap_or_else(|| asked.call_id(block));
                json!({"tool_calls": [{
                    "index": call_indices.len() - 1, "id": id, "type": "function",
                    "function": {"name": name, "arguments": ""},
                }]})
            }
            Beat::Delta {
                block,
                step: Step::Call { .. },
                text,
            } => {
                let index = call_indices.iter().position(|known| *known == block);
                json!({"tool_calls": [{"index": index, "function": {"arguments": text}}]})
            }
            Beat::Delta {
                step: Step::Reasoning { .. },
                text,
                ..
            } => json!({ turn.reasoning_field.as_str(): text }),
            Beat::End {
                step:
                    Step::Reasoning {
                        opaque: Some(opaque),
                        ..
                    },
                ..
            } => {
                json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": opaque, "index": 0}]})
            }
            Beat::Delta {
                step: Step::Refusal(_),
                text,
                ..
            } => json!({ "refusal": text }),
            Beat::Delta { text, .. } => json!({ "content": text }),
            Beat::Start { .. } | Beat::End { .. } => continue,
            Beat::Aside(Step::Error { kind, message }) => {
                frames.push(Frame::data(&error_body(kind, message)));
                return frames;
            }
            Beat::Aside(step) => {
                frames.extend(super::aside(step));
                continue;
            }
        };
        deltas += 1;
        let mut chunk = chunk(delta, Value::Null);
        if turn.reported == Reported::Cumulative {
            chunk["usage"] = usage(&Tokens {
                output: turn.tokens.output.min(deltas),
                ..turn.tokens
            });
        }
        frames.push(Frame::data(&chunk));
    }
    let finish = match super::stop(turn, steps) {
        Stop::End => "stop".to_owned(),
        Stop::ToolCalls => "tool_calls".to_owned(),
        Stop::Length => "length".to_owned(),
        Stop::Refused => "content_filter".to_owned(),
        Stop::Other(word) => word,
    };
    let mut last = chunk(json!({}), json!(finish));
    if turn.reported == Reported::Cumulative {
        last["usage"] = usage(&turn.tokens);
    }
    frames.push(Frame::data(&last).terminal());
    if turn.reported == Reported::Normal && include_usage {
        let mut with_usage = chunk(Value::Null, Value::Null);
        with_usage["choices"] = json!([]);
        with_usage["usage"] = usage(&turn.tokens);
        frames.push(Frame::data(&with_usage).terminal());
    }
    frames.push(Frame::Event {
        name: None,
        data: "[DONE]".to_owned(),
        terminal: true,
    });
    frames
}

fn usage(tokens: &Tokens) -> Value {
    json!({
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    })
}

pub(super) fn error_body(kind: &str, message: &str) -> Value {
    json!({"error": {"message": message, "type": kind, "param": null, "code": kind}})
}
