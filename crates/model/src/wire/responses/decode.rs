//! The stream of a Responses reply.

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
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

pub(in crate::wire) struct Decoder {
    draft: Draft,
    endpoint: Endpoint,
    /// Where the items are, by their `output_index`.
    items: HashMap<u64, usize>,
    /// The items that came whole.
    done: HashSet<u64>,
    stop: Option<Stop>,
    refused: bool,
}

/// What an item becomes.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Reasoning,
    Call,
}

impl Kind {
    fn of(item: &Value) -> Option<Self> {
        match item["type"].as_str()? {
            "message" => Some(Self::Text),
            "reasoning" => Some(Self::Reasoning),
            "function_call" => Some(Self::Call),
            _ => None,
        }
    }

    fn block(self) -> Block {
        match self {
            Self::Text => Block::Text(String::new()),
            Self::Reasoning => Block::Reasoning {
                text: String::new(),
                opaque: None,
            },
            Self::Call => Block::Call(Call::default()),
        }
    }

    fn fits(self, block: &Block) -> bool {
        matches!(
            (self, block),
            (Self::Text, Block::Text(_))
                | (Self::Reasoning, Block::Reasoning { .. })
                | (Self::Call, Block::Call(_))
        )
    }
}

impl Decoder {
    pub(in crate::wire) fn new(draft: Draft, endpoint: &Endpoint) -> Self {
        Self {
            draft,
            endpoint: endpoint.clone(),
            items: HashMap::new(),
            done: HashSet::new(),
            stop: None,
            refused: false,
        }
    }

    /// Where the item of `index` is; made when it is new. Without an index: the last item of that kind.
    fn at(&mut self, index: Option<u64>, kind: Kind) -> Result<usize, Fault> {
        let known = match index {
            Some(index) => self.items.get(&index).copied(),
            None => self.draft.blocks.len().checked_sub(1),
        };
        if let Some(at) = known
            && kind.fits(&self.draft.blocks[at])
        {
            return Ok(at);
        }
        let at = self.draft.add(kind.block())?;
        if let Some(index) = index {
            self.items.insert(index, at);
        }
        Ok(at)
    }

    fn append(
        &mut self,
        event: &Value,
        kind: Kind,
        on: &mut dyn FnMut(Delta),
    ) -> Result<Progress, Fault> {
        let at = self.at(event["output_index"].as_u64(), kind)?;
        let delta = event["delta"].as_str().unwrap_or_default();
        self.draft.append(at, delta, on)?;
        Ok(Progress::Some)
    }

    /// An item as the endpoint states it, whole when `done`. Its word counts more than the deltas before.
    fn item(
        &mut self,
        index: Option<u64>,
        item: &Value,
        done: bool,
        on: &mut dyn FnMut(Delta),
    ) -> Result<(), Fault> {
        let Some(kind) = Kind::of(item) else {
            return Ok(());
        };
        let at = self.at(index, kind)?;
        if let (Some(index), true) = (index, done) {
            self.done.insert(index);
        }
        if let Some(call) = self.draft.call(at) {
            for (field, key) in [(&mut call.id, "call_id"), (&mut call.name, "name")] {
                if let Some(text) = item[key].as_str().filter(|text| !text.is_empty()) {
                    text.clone_into(field);
                }
            }
        }
        if !done {
            return Ok(());
        }
        let whole = match kind {
            Kind::Text => {
                self.refused |= texts(&item["content"], "refusal").next().is_some();
                let text: String = texts(&item["content"], "text").collect();
                let refusal: String = texts(&item["content"], "refusal").collect();
                text + &refusal
            }
            Kind::Reasoning => {
                let parts: Vec<&str> = texts(&item["summary"], "text").collect();
                if parts.is_empty() {
                    texts(&item["content"], "text").collect()
                } else {
                    parts.join("\n\n")
                }
            }
            Kind::Call => item["arguments"].as_str().unwrap_or_default().to_owned(),
        };
        self.settle(at, &whole, on)?;
        if let Block::Reasoning { opaque, .. } = &mut self.draft.blocks[at]
            && item["encrypted_content"].is_string()
        {
            let mut item = item.clone();
            if let Some(fields) = item.as_object_mut() {
                // It says how far the item was, not what it is, and is refused as input by some.
                fields.shift_remove("status");
            }
            *opaque = Some(mark_opaque(&self.endpoint, json!({ "item": item })));
        }
        Ok(())
    }

    /// Makes the text at `at` the whole text: the rest that no delta brought is told as one.
    fn settle(&mut self, at: usize, whole: &str, on: &mut dyn FnMut(Delta)) -> Result<(), Fault> {
        let have = match &mut self.draft.blocks[at] {
            Block::Text(text) | Block::Reasoning { text, .. } => text,
            Block::Call(call) => &mut call.arguments,
        };
        match whole.strip_prefix(have.as_str()) {
            Some(rest) => self.draft.append(at, rest, on),
            None if whole.is_empty() => Ok(()),
            None => {
                whole.clone_into(have);
                Ok(())
            }
        }
    }

    fn end(&mut self, response: &Value, on: &mut dyn FnMut(Delta)) -> Result<(), Fault> {
        for (index, item) in response["output"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            let index = index as u64;
            if !self.done.contains(&index) {
                self.item(Some(index), item, true, on)?;
            }
        }
        self.usage(&response["usage"]);
        Ok(())
    }

    fn usage(&mut self, told: &Value) {
        if !told.is_object() {
            return;
        }
        let take = |path: &[&str]| count(told, path).unwrap_or(0);
        self.draft.usage = Some(Usage {
            input_tokens: take(&["input_tokens"]),
            cached_input_tokens: take(&["input_tokens_details", "cached_tokens"]),
            cache_write_tokens: take(&["input_tokens_details", "cache_write_tokens"]),
            output_tokens: take(&["output_tokens"]),
            reasoning_tokens: take(&["output_tokens_details", "reasoning_tokens"]),
            estimated: false,
        });
    }
}

fn texts<'a>(list: &'a Value, key: &'a str) -> impl Iterator<Item = &'a str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(move |part| part[key].as_str())
}

impl Decode for Decoder {
    fn frame(&mut self, frame: &Frame, on: &mut dyn FnMut(Delta)) -> Result<Progress, Fault> {
        match frame.data.trim() {
            "[DONE]" => return Ok(Progress::End),
            "" => return Ok(Progress::Idle),
            _ => {}
        }
        let event = parse(frame)?;
        let index = event["output_index"].as_u64();
        match event["type"].as_str().unwrap_or(&frame.event) {
            "response.output_item.added" => self.item(index, &event["item"], false, on)?,
            "response.output_item.done" => self.item(index, &event["item"], true, on)?,
            "response.output_text.delta" => return self.append(&event, Kind::Text, on),
            "response.refusal.delta" => {
                self.refused = true;
                return self.append(&event, Kind::Text, on);
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                return self.append(&event, Kind::Reasoning, on);
            }
            "response.reasoning_summary_part.added"
                if event["summary_index"].as_u64().unwrap_or(0) > 0 =>
            {
                let at = self.at(index, Kind::Reasoning)?;
                self.draft.append(at, "\n\n", on)?;
            }
            "response.function_call_arguments.delta" => {
                return self.append(&event, Kind::Call, on);
            }
            "response.completed" | "response.done" => {
                self.end(&event["response"], on)?;
                self.stop = Some(Stop::End);
                return Ok(Progress::End);
            }
            "response.incomplete" => {
                self.end(&event["response"], on)?;
                let reason = &event["response"]["incomplete_details"]["reason"];
                self.stop = Some(match reason.as_str() {
                    Some("content_filter") => Stop::Refused,
                    _ => Stop::Length,
                });
                return Ok(Progress::End);
            }
            "response.failed" | "response.cancelled" => {
                self.usage(&event["response"]["usage"]);
                let mut told = event["response"]["error"].clone();
                if told.is_null() {
                    told = json!({"message": "the endpoint gave no reason"});
                }
                return Err(vendor_error::from_body(&json!({ "error": told })));
            }
            "error" => return Err(vendor_error::from_body(&event)),
            _ if vendor_error::is_error(&event) => return Err(vendor_error::from_body(&event)),
            "response.created" => {}
            name if name.starts_with("response.") => return Ok(Progress::Idle),
            _ => {
                return Err(ErrorKind::NotThisApi {
                    reason: "an event that is not of the Responses API".to_owned(),
                }
                .into());
            }
        }
        Ok(Progress::Some)
    }

    fn complete(&self) -> bool {
        self.stop.is_some()
    }

    fn finish(&mut self) -> Result<Reply, ErrorKind> {
        let stop = match self.stop {
            _ if self.refused => Stop::Refused,
            stop => stop.unwrap_or(Stop::End),
        };
        self.draft.finish(stop).map(|(reply, _)| reply)
    }

    fn partial(&self) -> (Vec<Part>, Option<Usage>) {
        (self.draft.partial(), self.draft.usage)
    }
}
