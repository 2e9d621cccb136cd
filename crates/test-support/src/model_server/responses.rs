//! Responses: named events with sequence numbers around output items, each with its own index.

use super::Asked;
use crate::script::{Reported, Step, Stop};
use crate::sse::{Beat, Frame, beats};
use crate::turn::Turn;
use serde_json::{Value, json};

/// The events so far, numbered as they are added.
struct Events {
    frames: Vec<Frame>,
    sequence: u64,
}

impl Events {
    fn add(&mut self, name: &'static str, fields: Value) {
        let mut data = json!({"type": name, "sequence_number": self.sequence});
        if let (Some(data), Value::Object(fields)) = (data.as_object_mut(), fields) {
            data.extend(fields);
        }
        self.sequence += 1;
        self.frames.push(Frame::named(name, &data));
    }

    fn end(mut self, name: &'static str, response: Value) -> Vec<Frame> {
        self.add(name, json!({ "response": response }));
        if let Some(last) = self.frames.pop() {
            self.frames.push(last.terminal());
        }
        self.frames
    }
}

pub(super) fn frames(turn: &Turn, steps: &[Step], asked: &Asked) -> Vec<Frame> {
    let mut response = json!({
        "id": format!("resp_{}", asked.number), "object": "response", "created_at": 1_700_000_000,
        "status": "in_progress", "error": null, "incomplete_details": null, "model": asked.model,
        "output": [], "parallel_tool_calls": true, "store": asked.json["store"], "usage": null,
    });
    let mut events = Events {
        frames: Vec::new(),
        sequence: 0,
    };
    events.add("response.created", json!({ "response": response }));
    events.add("response.in_progress", json!({ "response": response }));
    let mut output = Vec::new();
    for beat in beats(turn, steps) {
        match beat {
            Beat::Start { block, step } => start(&mut events, asked, block, step),
            Beat::Delta { block, step, text } => delta(&mut events, asked, block, step, text),
            Beat::End { block, step } => {
                let item = end(&mut events, asked, block, step);
                output.push(item);
            }
            Beat::Aside(Step::Error { kind, message }) => {
                events.add(
                    "error",
                    json!({"code": kind, "message": message, "param": null}),
                );
                response["status"] = json!("failed");
                response["error"] = json!({"code": kind, "message": message});
                return events.end("response.failed", response);
            }
            Beat::Aside(step) => events.frames.extend(super::aside(step)),
        }
    }
    response["output"] = Value::Array(output);
    if turn.reported != Reported::Absent {
        let tokens = &turn.tokens;
        response["usage"] = json!({
            "input_tokens": tokens.input,
            "input_tokens_details": {"cached_tokens": tokens.cached},
            "output_tokens": tokens.output,
            "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
            "total_tokens": tokens.input + tokens.output,
        });
    }
    let incomplete = match super::stop(turn, steps) {
        Stop::End | Stop::ToolCalls => None,
        Stop::Length => Some("max_output_tokens".to_owned()),
        Stop::Refused => Some("content_filter".to_owned()),
        Stop::Other(word) => Some(word),
    };
    if let Some(reason) = incomplete {
        response["status"] = json!("incomplete");
        response["incomplete_details"] = json!({ "reason": reason });
        return events.end("response.incomplete", response);
    }
    response["status"] = json!("completed");
    events.end("response.completed", response)
}

fn item_id(asked: &Asked, block: usize, step: &Step) -> String {
    let prefix = match step {
        Step::Call { .. } => "fc",
        Step::Reasoning { .. } => "rs",
        _ => "msg",
    };
    format!("{prefix}_{}_{block}", asked.number)
}

/// The item as it stands at its start (`done` false) or at its end.
fn item(asked: &Asked, block: usize, step: &Step, done: bool) -> Value {
    let id = item_id(asked, block, step);
    let status = if done { "completed" } else { "in_progress" };
    match step {
        Step::Call {
            id: call_id,
            name,
            arguments,
            ..
        } => {
            let call_id = call_id.clone().unwrap_or_else(|| asked.call_id(block));
            let arguments = if done { arguments } else { "" };
            json!({"id": id, "type": "function_call", "status": status, "call_id": call_id, "name": name, "arguments": arguments})
        }
        Step::Reasoning { text, opaque, .. } => {
            let summary = if done && !text.is_empty() {
                json!([{"type": "summary_text", "text": text}])
            } else {
                json!([])
            };
            let encrypted = if done { json!(opaque) } else { Value::Null };
            json!({"id": id, "type": "reasoning", "summary": summary, "encrypted_content": encrypted})
        }
        step => {
            let content = if done {
                json!([part(step, true)])
            } else {
                json!([])
            };
            json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content})
        }
    }
}

fn part(step: &Step, done: bool) -> Value {
    match step {
        Step::Refusal(text) => json!({"type": "refusal", "refusal": if done { text } else { "" }}),
        Step::Text { text, .. } => {
            json!({"type": "output_text", "annotations": [], "text": if done { text } else { "" }})
        }
        _ => Value::Null,
    }
}

fn start(events: &mut Events, asked: &Asked, block: usize, step: &Step) {
    let id = item_id(asked, block, step);
    let item = item(asked, block, step, false);
    events.add(
        "response.output_item.added",
        json!({"output_index": block, "item": item}),
    );
    match step {
        Step::Reasoning { text, .. } if !text.is_empty() => {
            let part = json!({"type": "summary_text", "text": ""});
            let fields =
                json!({"item_id": id, "output_index": block, "summary_index": 0, "part": part});
            events.add("response.reasoning_summary_part.added", fields);
        }
        Step::Text { .. } | Step::Refusal(_) => {
            let fields = json!({"item_id": id, "output_index": block, "content_index": 0, "part": part(step, false)});
            events.add("response.content_part.added", fields);
        }
        _ => {}
    }
}

fn delta(events: &mut Events, asked: &Asked, block: usize, step: &Step, text: &str) {
    let id = item_id(asked, block, step);
    let mut fields = json!({"item_id": id, "output_index": block, "delta": text});
    let name = match step {
        Step::Call { .. } => "response.function_call_arguments.delta",
        Step::Reasoning { .. } => {
            fields["summary_index"] = json!(0);
            "response.reasoning_summary_text.delta"
        }
        Step::Refusal(_) => {
            fields["content_index"] = json!(0);
            "response.refusal.delta"
        }
        _ => {
            fields["content_index"] = json!(0);
            fields["logprobs"] = json!([]);
            "response.output_text.delta"
        }
    };
    events.add(name, fields);
}

fn end(events: &mut Events, asked: &Asked, block: usize, step: &Step) -> Value {
    let id = item_id(asked, block, step);
    let fields = |more: Value| {
        let mut fields = json!({"item_id": id, "output_index": block});
        if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
            fields.extend(more);
        }
        fields
    };
    match step {
        Step::Call {
            name, arguments, ..
        } => {
            let done = fields(json!({"name": name, "arguments": arguments}));
            events.add("response.function_call_arguments.done", done);
        }
        Step::Reasoning { text, .. } if !text.is_empty() => {
            events.add(
                "response.reasoning_summary_text.done",
                fields(json!({"summary_index": 0, "text": text})),
            );
            let part = json!({"type": "summary_text", "text": text});
            events.add(
                "response.reasoning_summary_part.done",
                fields(json!({"summary_index": 0, "part": part})),
            );
        }
        Step::Text { text, .. } => {
            events.add(
                "response.output_text.done",
                fields(json!({"content_index": 0, "text": text, "logprobs": []})),
            );
            events.add(
                "response.content_part.done",
                fields(json!({"content_index": 0, "part": part(step, true)})),
            );
        }
        Step::Refusal(text) => {
            events.add(
                "response.refusal.done",
                fields(json!({"content_index": 0, "refusal": text})),
            );
            events.add(
                "response.content_part.done",
                fields(json!({"content_index": 0, "part": part(step, true)})),
            );
        }
        _ => {}
    }
    let item = item(asked, block, step, true);
    events.add(
        "response.output_item.done",
        json!({"output_index": block, "item": item}),
    );
    item
}
