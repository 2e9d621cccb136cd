//! A reply while it grows: the part that is the same for all wires.
//!
//! A draft keeps what comes in the order it came and holds tool calls back. [`Draft::finish`] is the only place
//! where a call gets out, and it is called only for a complete message.

use crate::{
    call::{Delta, Part, Reply, Stop},
    error::ErrorKind,
    vendor_error::Fault,
};
use kerf_protocol::endpoint::Usage;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// The most bytes of a whole reply.
const MAX_REPLY: usize = 64 * 1024 * 1024;
/// The most parts of a reply: far beyond any use, far below what fills the memory.
const MAX_BLOCKS: usize = 4096;

/// One part in the making.
#[derive(Debug)]
pub(super) enum Block {
    Text(String),
    Reasoning { text: String, opaque: Option<Value> },
    Call(Call),
}

/// A tool call in the making.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
    /// What the endpoint wants back with this call.
    pub(super) extra: Option<Value>,
}

#[derive(Debug)]
pub(super) struct Draft {
    pub(super) blocks: Vec<Block>,
    pub(super) usage: Option<Usage>,
    bytes: usize,
    /// Ids of calls in the conversation so far.
    taken: HashSet<String>,
}

impl Draft {
    pub(super) fn new(taken: HashSet<String>) -> Self {
        Self {
            blocks: Vec::new(),
            usage: None,
            bytes: 0,
            taken,
        }
    }

    fn grow(&mut self, bytes: usize) -> Result<(), Fault> {
        self.bytes += bytes;
        if self.bytes > MAX_REPLY || self.blocks.len() > MAX_BLOCKS {
            return Err(ErrorKind::TooLarge {
                reason: format!(
                    "a reply of more than {} MiB or {MAX_BLOCKS} parts",
                    MAX_REPLY >> 20
                ),
            }
            .into());
        }
        Ok(())
    }

    /// Appends a part and says where it is.
    pub(super) fn add(&mut self, block: Block) -> Result<usize, Fault> {
        self.blocks.push(block);
        self.grow(0)?;
        Ok(self.blocks.len() - 1)
    }

    /// The last part if it is text, else a new one.
    pub(super) fn last_text(&mut self) -> Result<usize, Fault> {
        match self.blocks.last() {
            Some(Block::Text(_)) => Ok(self.blocks.len() - 1),
            _ => self.add(Block::Text(String::new())),
        }
    }

    /// The last part if it is reasoning, else a new one.
    pub(super) fn last_reasoning(&mut self) -> Result<usize, Fault> {
        match self.blocks.last() {
            Some(Block::Reasoning { .. }) => Ok(self.blocks.len() - 1),
            _ => self.add(Block::Reasoning {
                text: String::new(),
                opaque: None,
            }),
        }
    }

    /// Appends to the text, the reasoning or the arguments at `at`, and tells.
    pub(super) fn append(
        &mut self,
        at: usize,
        delta: &str,
        on: &mut dyn FnMut(Delta),
    ) -> Result<(), Fault> {
        if delta.is_empty() {
            return Ok(());
        }
        self.grow(delta.len())?;
        let index = self.calls_before(at);
        match self.blocks.get_mut(at) {
            Some(Block::Text(text)) => {
                text.push_str(delta);
                on(Delta::Text(delta.to_owned()));
            }
            Some(Block::Reasoning { text, .. }) => {
                text.push_str(delta);
                on(Delta::Reasoning(delta.to_owned()));
            }
            Some(Block::Call(call)) => {
                call.arguments.push_str(delta);
                on(Delta::ToolArguments {
                    index,
                    name: call.name.clone(),
                    delta: delta.to_owned(),
                });
            }
            None => {}
        }
        Ok(())
    }

    fn calls_before(&self, at: usize) -> usize {
        self.blocks
            .iter()
            .take(at)
            .filter(|block| matches!(block, Block::Call(_)))
            .count()
    }

    pub(super) fn call(&mut self, at: usize) -> Option<&mut Call> {
        match self.blocks.get_mut(at) {
            Some(Block::Call(call)) => Some(call),
            _ => None,
        }
    }

    pub(super) fn has_calls(&self) -> bool {
        self.blocks
            .iter()
            .any(|block| matches!(block, Block::Call(_)))
    }

    /// Text and reasoning as they are. Calls stay behind.
    pub(super) fn partial(&self) -> Vec<Part> {
        self.blocks
            .iter()
            .filter_map(|block| match block {
                Block::Text(text) if !text.is_empty() => Some(Part::Text(text.clone())),
                Block::Reasoning { text, opaque } if !text.is_empty() || opaque.is_some() => {
                    Some(Part::Reasoning {
                        text: text.clone(),
                        opaque: opaque.clone(),
                    })
                }
                _ => None,
            })
            .collect()
    }

    /// The reply of a complete message that ended for `stop`. Calls come out only when the model finished them:
    /// not of a reply that was cut at the limit or refused. The map holds the calls' extras by id.
    pub(super) fn finish(&mut self, stop: Stop) -> Result<(Reply, Map<String, Value>), ErrorKind> {
        let stop = match stop {
            Stop::End | Stop::ToolCalls if self.has_calls() => Stop::ToolCalls,
            Stop::ToolCalls => Stop::End,
            other => other,
        };
        let usage = self.usage;
        if stop != Stop::ToolCalls {
            let reply = Reply {
                parts: self.partial(),
                usage,
                stop,
            };
            return Ok((reply, Map::new()));
        }
        let mut parts = Vec::new();
        let mut extras = Map::new();
        let mut seen: HashMap<String, (String, String)> = HashMap::new();
        for block in &self.blocks {
            match block {
                Block::Text(text) if !text.is_empty() => parts.push(Part::Text(text.clone())),
                Block::Reasoning { text, opaque } if !text.is_empty() || opaque.is_some() => {
                    parts.push(Part::Reasoning {
                        text: text.clone(),
                        opaque: opaque.clone(),
                    });
                }
                Block::Call(call) => {
                    let arguments = checked_arguments(call)?;
                    let same = (call.name.clone(), arguments);
                    if !call.id.is_empty() {
                        match seen.get(&call.id) {
                            Some(before) if *before == same => continue,
                            Some(_) => {
                                return Err(bad(call, "another call has the same id"));
                            }
                            None => {
                                seen.insert(call.id.clone(), same.clone());
                            }
                        }
                    }
                    let call_id = fresh_id(&call.id, &mut self.taken);
                    if let Some(extra) = &call.extra {
                        extras.insert(call_id.clone(), extra.clone());
                    }
                    let (name, arguments) = same;
                    parts.push(Part::ToolCall {
                        call_id,
                        name,
                        arguments,
                    });
                }
                _ => {}
            }
        }
        let reply = Reply { parts, usage, stop };
        Ok((reply, extras))
    }
}

fn bad(call: &Call, reason: &str) -> ErrorKind {
    ErrorKind::BadToolCall {
        name: call.name.clone(),
        reason: reason.to_owned(),
    }
}

fn checked_arguments(call: &Call) -> Result<String, ErrorKind> {
    if call.name.trim().is_empty() {
        return Err(bad(call, "it names no tool"));
    }
    let text = call.arguments.trim();
    if text.is_empty() || text == "null" {
        return Ok("{}".to_owned());
    }
    match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(bad(
            call,
            &format!("its arguments are not a JSON object ({error})"),
        )),
    }
}

/// An id that no call of the conversation has: the endpoint's own if it can be.
fn fresh_id(id: &str, taken: &mut HashSet<String>) -> String {
    let stem = if id.is_empty() { "call" } else { id };
    let mut fresh = id.to_owned();
    let mut n = taken.len() + 1;
    while fresh.is_empty() || taken.contains(&fresh) {
        fresh = format!("{stem}_{n}");
        n += 1;
    }
    taken.insert(fresh.clone());
    fresh
}
