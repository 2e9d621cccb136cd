//! The stream of a Messages reply.

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
use std::collections::HashMap;

pub(in crate::wire) struct Decoder {
    draft: Draft,
    endpoint: Endpoint,
    /// Where the blocks are, by their `index`.
    blocks: HashMap<u64, usize>,
    counts: Counts,
    stop: Stop,
    ended: bool,
}

/// The wire's counts: input without what the cache read or wrote, all of them totals.
#[derive(Default)]
struct Counts {
    input: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
}

impl Decoder {
    pub(in crate::wire) fn new(draft: Draft, endpoint: &Endpoint) -> Self {
        Self {
            draft,
            endpoint: endpoint.clone(),
            blocks: HashMap::new(),
            counts: Counts::default(),
            stop: Stop::End,
            ended: false,
        }
    }

    fn start(&mut self, index: u64, block: &Value, on: &mut dyn FnMut(Delta)) -> Result<(), Fault> {
        let text = |key: &str| block[key].as_str().unwrap_or_default();
        let (new, first) = match text("type") {
            "text" => (Block::Text(String::new()), text("text").to_owned()),
            "thinking" => (
                Block::Reasoning {
                    text: String::new(),
                    opaque: Some(text("signature"))
                        .filter(|signature| !signature.is_empty())
                        .map(|signature| self.opaque("signature", signature)),
                },
                text("thinking").to_owned(),
            ),
            "redacted_thinking" => (
                Block::Reasoning {
                    text: String::new(),
                    opaque: Some(self.opaque("redacted", text("data"))),
                },
                String::new(),
            ),
            "tool_use" => {
                let call = Call {
                    id: text("id").to_owned(),
                    name: text("name").to_owned(),
                    ..Call::default()
                };
                // An empty input is a placeholder; some servers send the whole input here instead of in pieces.
                let whole = block["input"]
                    .as_object()
                    .filter(|input| !input.is_empty())
                    .map(|_| block["input"].to_string());
                (Block::Call(call), whole.unwrap_or_default())
            }
            _ => return Ok(()),
        };
        let at = self.draft.add(new)?;
        self.blocks.insert(index, at);
        self.draft.append(at, &first, on)
    }

    fn delta(&mut self, index: u64, delta: &Value, on: &mut dyn FnMut(Delta)) -> Result<(), Fault> {
        let Some(&at) = self.blocks.get(&index) else {
            return Ok(());
        };
        let key = match delta["type"].as_str().unwrap_or_default() {
            "text_delta" => "text",
            "thinking_delta" => "thinking",
            "input_json_delta" => "partial_json",
            "signature_delta" => {
                let more = delta["signature"].as_str().unwrap_or_default();
                if let Block::Reasoning { opaque, .. } = &self.draft.blocks[at] {
                    let so_far = opaque
                        .as_ref()
                        .and_then(|opaque| opaque["signature"].as_str());
                    let signature = format!("{}{more}", so_far.unwrap_or_default());
                    let new = self.opaque("signature", &signature);
                    if let Block::Reasoning { opaque, .. } = &mut self.draft.blocks[at] {
                        *opaque = Some(new);
                    }
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        let text = delta[key].as_str().unwrap_or_default();
        self.draft.append(at, text, on)
    }

    fn opaque(&self, key: &str, value: &str) -> Value {
        mark_opaque(&self.endpoint, json!({ key: value }))
    }

    /// Totals so far; a count that is left out stays as it was.
    fn usage(&mut self, told: &Value) {
        if !told.is_object() {
            return;
        }
        let counts = &mut self.counts;
        for (field, path) in [
            (&mut counts.input, &["input_tokens"][..]),
            (&mut counts.cache_read, &["cache_read_input_tokens"]),
            (&mut counts.cache_write, &["cache_creation_input_tokens"]),
            (&mut counts.output, &["output_tokens"]),
            (
                &mut counts.reasoning,
                &["output_tokens_details", "thinking_tokens"],
            ),
        ] {
            // Some servers repeat the input as 0 at the end.
            if let Some(count) = count(told, path).filter(|count| *count > 0) {
                *field = count;
            }
        }
        self.draft.usage = Some(Usage {
            input_tokens: counts
                .input
                .saturating_add(counts.cache_read)
                .saturating_add(counts.cache_write),
            cached_input_tokens: counts.cache_read,
            cache_write_tokens: counts.cache_write,
            output_tokens: counts.output,
            reasoning_tokens: counts.reasoning,
            estimated: false,
        });
    }
}

impl Decode for Decoder {
    fn frame(&mut self, frame: &Frame, on: &mut dyn FnMut(Delta)) -> Result<Progress, Fault> {
        match frame.data.trim() {
            "[DONE]" => return Ok(Progress::End),
            "" => return Ok(Progress::Idle),
            _ => {}
        }
        let event = parse(frame)?;
        let index = event["index"].as_u64().unwrap_or(0);
        match event["type"].as_str().unwrap_or(&frame.event) {
            "message_start" => self.usage(&event["message"]["usage"]),
            "content_block_start" => self.start(index, &event["content_block"], on)?,
            "content_block_delta" => self.delta(index, &event["delta"], on)?,
            "content_block_stop" => {}
            "message_delta" => {
                self.usage(&event["usage"]);
                self.stop = match event["delta"]["stop_reason"].as_str() {
                    Some("max_tokens" | "model_context_window_exceeded") => Stop::Length,
                    Some("refusal") => Stop::Refused,
                    Some(_) => Stop::End,
                    None => self.stop,
                };
            }
            "message_stop" => {
                self.ended = true;
                return Ok(Progress::End);
            }
            "error" => return Err(vendor_error::from_body(&event)),
            _ if vendor_error::is_error(&event) => return Err(vendor_error::from_body(&event)),
            "" => {
                return Err(ErrorKind::NotThisApi {
                    reason: "an event that is not of the Messages API".to_owned(),
                }
                .into());
            }
            // `ping`, and kinds that are still to come: the wire asks to ignore them.
            _ => return Ok(Progress::Idle),
        }
        Ok(Progress::Some)
    }

    fn complete(&self) -> bool {
        self.ended
    }

    fn finish(&mut self) -> Result<Reply, ErrorKind> {
        self.draft.finish(self.stop).map(|(reply, _)| reply)
    }

    fn partial(&self) -> (Vec<Part>, Option<Usage>) {
        (self.draft.partial(), self.draft.usage)
    }
}
