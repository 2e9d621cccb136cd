//! The stream of a Chat Completions reply.

use crate::{
    call::{Delta, Part, Reply, Stop},
    error::ErrorKind,
    sse::Frame,
    vendor_error::{self, Fault},
    wire::{
        Decode, Progress, count,
        draft::{Block, Call, Draft},
        mark_opaque, parse,
    },
};
use kerf_protocol::endpoint::{Endpoint, Usage};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

pub(in crate::wire) struct Decoder {
    draft: Draft,
    endpoint: Endpoint,
    /// Where the calls are, by their `index`.
    calls: HashMap<u64, usize>,
    /// The call that came last: servers without `index` go on with it.
    last_call: Option<usize>,
    /// The field that brought reasoning.
    field: Option<&'static str>,
    details: Vec<Value>,
    stop: Option<Stop>,
    refused: bool,
}

impl Decoder {
    pub(in crate::wire) fn new(draft: Draft, endpoint: &Endpoint) -> Self {
        Self {
            draft,
            endpoint: endpoint.clone(),
            calls: HashMap::new(),
            last_call: None,
            field: None,
            details: Vec::new(),
            stop: None,
            refused: false,
        }
    }

    fn delta(&mut self, delta: &Value, on: &mut dyn FnMut(Delta)) -> Result<(), Fault> {
        // Some servers send the same reasoning under both names; one of them is enough.
        for field in ["reasoning_content", "reasoning"] {
            if let Some(text) = delta[field].as_str().filter(|text| !text.is_empty())
                && *self.field.get_or_insert(field) == field
            {
                let at = self.draft.last_reasoning()?;
                self.draft.append(at, text, on)?;
            }
        }
        for detail in delta["reasoning_details"].as_array().into_iter().flatten() {
            merge_detail(&mut self.details, detail);
        }
        match &delta["content"] {
            Value::String(text) => self.text(text, on)?,
            Value::Array(parts) => {
                for part in parts {
                    if let Some(text) = part["text"].as_str() {
                        self.text(text, on)?;
                    }
                    for thought in part["thinking"].as_array().into_iter().flatten() {
                        let at = self.draft.last_reasoning()?;
                        let text = thought["text"].as_str().unwrap_or_default();
                        self.draft.append(at, text, on)?;
                    }
                }
            }
            _ => {}
        }
        if let Some(text) = delta["refusal"].as_str().filter(|text| !text.is_empty()) {
            self.refused = true;
            self.text(text, on)?;
        }
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            self.call(call, on)?;
        }
        if delta["function_call"].is_object() {
            self.call(&json!({"index": 0, "function": delta["function_call"]}), on)?;
        }
        Ok(())
    }

    fn text(&mut self, text: &str, on: &mut dyn FnMut(Delta)) -> Result<(), Fault> {
        if text.is_empty() {
            return Ok(());
        }
        let at = self.draft.last_text()?;
        self.draft.append(at, text, on)
    }

    fn call(&mut self, call: &Value, on: &mut dyn FnMut(Delta)) -> Result<(), Fault> {
        let id = call["id"].as_str().unwrap_or_default();
        let name = call["function"]["name"].as_str().unwrap_or_default();
        let index = call["index"].as_u64();
        let at = match self.place(index, id, name) {
            Some(at) => at,
            None => {
                let at = self.draft.add(Block::Call(Call::default()))?;
                if let Some(index) = index {
                    self.calls.insert(index, at);
                }
                at
            }
        };
        self.last_call = Some(at);
        if let Some(draft) = self.draft.call(at) {
            if draft.id.is_empty() {
                id.clone_into(&mut draft.id);
            }
            if draft.name.is_empty() {
                name.clone_into(&mut draft.name);
            }
            if !call["extra_content"].is_null() {
                draft.extra = Some(call["extra_content"].clone());
            }
        }
        match &call["function"]["arguments"] {
            Value::String(arguments) => self.draft.append(at, arguments, on),
            // A server that forgot to write the arguments as text.
            arguments @ Value::Object(_) => self.draft.append(at, &arguments.to_string(), on),
            _ => Ok(()),
        }
    }

    /// The call that a piece belongs to; none: it begins a new one.
    fn place(&mut self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        let at = match index {
            Some(index) => *self.calls.get(&index)?,
            // Without an index an id decides, then a name, and a bare piece goes on with the last call.
            None if !id.is_empty() => (0..self.draft.blocks.len())
                .find(|at| self.draft.call(*at).is_some_and(|call| call.id == id))?,
            None => self.last_call?,
        };
        let call = self.draft.call(at)?;
        // Some servers number every call 0 and send each whole: another id, or a name after whole arguments, is another call.
        let other_id = !id.is_empty() && !call.id.is_empty() && call.id != id;
        let whole_before = id.is_empty()
            && !name.is_empty()
            && serde_json::from_str::<Map<String, Value>>(&call.arguments).is_ok();
        (!other_id && !whole_before).then_some(at)
    }

    fn finish_reason(&mut self, reason: &str) -> Result<(), Fault> {
        let stop = match reason {
            "" => return Ok(()),
            "length" | "max_tokens" | "model_length" => Stop::Length,
            "content_filter" | "safety" | "refusal" => Stop::Refused,
            "tool_calls" | "function_call" | "tool_use" => Stop::ToolCalls,
            "error" | "abort" | "network_error" | "insufficient_system_resource" => {
                return Err(Fault::again(ErrorKind::InBand {
                    message: format!("the reply ended with `{reason}`"),
                }));
            }
            _ if reason.to_ascii_lowercase().contains("malformed") => {
                return Err(ErrorKind::InBand {
                    message: format!("the model's tool call was not readable (`{reason}`)"),
                }
                .into());
            }
            _ => Stop::End,
        };
        self.stop = Some(stop);
        Ok(())
    }

    /// What goes back with the next request, on the first reasoning part; an empty one is made to carry it.
    fn attach(&mut self, extras: Map<String, Value>, parts: &mut Vec<Part>) {
        let field = self.field.map(|field| json!({"field": field}));
        let mut rest = Map::new();
        if !self.details.is_empty() {
            rest.insert("details".to_owned(), json!(self.details));
            // The details hold the reasoning already.
            for part in parts.iter_mut() {
                if let Part::Reasoning { opaque, .. } = part {
                    *opaque = None;
                }
            }
        }
        if !extras.is_empty() {
            rest.insert("calls".to_owned(), extras.into());
        }
        let mut first = true;
        for part in parts.iter_mut() {
            let Part::Reasoning { opaque, .. } = part else {
                continue;
            };
            let mut fields = Map::new();
            if let Some(Value::Object(field)) = field.clone().filter(|_| self.details.is_empty()) {
                fields.extend(field);
            }
            if std::mem::take(&mut first) {
                fields.append(&mut rest);
            }
            if !fields.is_empty() {
                *opaque = Some(mark_opaque(&self.endpoint, fields.into()));
            }
        }
        if !rest.is_empty() {
            let carrier = Part::Reasoning {
                text: String::new(),
                opaque: Some(mark_opaque(&self.endpoint, rest.into())),
            };
            parts.insert(0, carrier);
        }
    }
}

impl Decode for Decoder {
    fn frame(&mut self, frame: &Frame, on: &mut dyn FnMut(Delta)) -> Result<Progress, Fault> {
        let data = frame.data.trim();
        if data == "[DONE]" {
            // Some servers give no reason. For text the end mark is enough; a call needs the model's word for it.
            if self.stop.is_none() && !self.draft.blocks.is_empty() && !self.draft.has_calls() {
                self.stop = Some(Stop::End);
            }
            return Ok(Progress::End);
        }
        if data.is_empty() {
            return Ok(Progress::Idle);
        }
        let chunk = parse(frame)?;
        if vendor_error::is_error(&chunk) {
            return Err(vendor_error::from_body(&chunk));
        }
        if !chunk.is_object() {
            return Err(ErrorKind::NotThisApi {
                reason: "an event that is not a JSON object".to_owned(),
            }
            .into());
        }
        for told in [&chunk["usage"], &chunk["x_groq"]["usage"]] {
            if told.is_object() {
                usage(told, self.draft.usage.get_or_insert_default());
            }
        }
        let mut progress = Progress::Idle;
        for choice in chunk["choices"].as_array().into_iter().flatten() {
            if choice["index"].as_u64().unwrap_or(0) != 0 {
                continue;
            }
            progress = Progress::Some;
            if vendor_error::is_error(choice) {
                return Err(vendor_error::from_body(choice));
            }
            if choice["delta"].is_object() {
                self.delta(&choice["delta"], on)?;
            } else if choice["message"].is_object() && self.draft.blocks.is_empty() {
                self.delta(&choice["message"], on)?;
            }
            self.finish_reason(choice["finish_reason"].as_str().unwrap_or_default())?;
        }
        Ok(progress)
    }

    fn complete(&self) -> bool {
        self.stop.is_some()
    }

    fn finish(&mut self) -> Result<Reply, ErrorKind> {
        let stop = match self.stop {
            _ if self.refused => Stop::Refused,
            stop => stop.unwrap_or(Stop::End),
        };
        let (mut reply, extras) = self.draft.finish(stop)?;
        self.attach(extras, &mut reply.parts);
        Ok(reply)
    }

    fn partial(&self) -> (Vec<Part>, Option<Usage>) {
        (self.draft.partial(), self.draft.usage)
    }
}

/// Counts are totals, sent once or again and again: the largest is the last.
fn usage(told: &Value, usage: &mut Usage) {
    let take = |field: &mut u64, paths: &[&[&str]]| {
        for path in paths {
            if let Some(count) = count(told, path) {
                *field = count.max(*field);
                return;
            }
        }
    };
    take(&mut usage.input_tokens, &[&["prompt_tokens"]]);
    take(
        &mut usage.cached_input_tokens,
        &[
            &["prompt_tokens_details", "cached_tokens"],
            &["prompt_cache_hit_tokens"],
        ],
    );
    take(
        &mut usage.cache_write_tokens,
        &[&["prompt_tokens_details", "cache_write_tokens"]],
    );
    take(
        &mut usage.reasoning_tokens,
        &[&["completion_tokens_details", "reasoning_tokens"]],
    );
    take(&mut usage.output_tokens, &[&["completion_tokens"]]);
    // Some leave reasoning out of the output, but not out of the total.
    if let Some(total) = count(told, &["total_tokens"]) {
        let rest = total.saturating_sub(usage.input_tokens);
        usage.output_tokens = usage.output_tokens.max(rest);
    }
}

/// Pieces of one detail come with its `index`; texts grow, other fields are set.
fn merge_detail(details: &mut Vec<Value>, piece: &Value) {
    let same = |detail: &&mut Value| {
        piece["index"].is_number()
            && detail["index"] == piece["index"]
            && detail["type"] == piece["type"]
    };
    let Some(detail) = details.iter_mut().find(same) else {
        details.push(piece.clone());
        return;
    };
    let (Some(detail), Some(piece)) = (detail.as_object_mut(), piece.as_object()) else {
        return;
    };
    for (key, value) in piece {
        match (detail.get_mut(key), value) {
            (Some(Value::String(text)), Value::String(more))
                if matches!(key.as_str(), "text" | "summary" | "data") =>
            {
                text.push_str(more);
            }
            (_, Value::Null) => {}
            (_, value) => {
                detail.insert(key.clone(), value.clone());
            }
        }
    }
}
