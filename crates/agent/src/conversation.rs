//! The conversation as the model gets to see it, made from items and grown by them.

mod heard;

use crate::{
    map::GivenMap,
    prompt,
    secrets::{self, Seen},
    set_up::SET_UP,
    sources::SUMMARY,
};
use kerf_model::{Message, Part, Role};
use kerf_protocol::{
    ItemId,
    item::{Item, ItemBody, ItemStatus, ToolCall},
    ledger::FileRange,
    policy::QuestionAbout,
    session::Turn,
};
use kerf_secrets::Vault;
use std::sync::Arc;

/// Stands for the output of a call that nobody saw end.
const INTERRUPTED: &str = "Kerf stopped while this call was running. Whether it finished is unknown, and it was not run again. \
Look at the present state before you repeat it.";

/// The name of the tool of an item that tells of a check that the user ran again. The model never hears of it; a call of a
/// model's by this name ran nothing, and has no exit.
pub const CHECK: &str = "check";

/// Messages with what is known about each. Every message is concealed as it comes in, once: equal texts give equal
/// bytes, and what was sent before is not searched again.
#[derive(Debug)]
pub(crate) struct Conversation {
    vault: Vault,
    messages: Vec<Arc<Message>>,
    about: Vec<About>,
    /// All that the user wrote, also what a summary has replaced since.
    said: Vec<String>,
    /// Calls that may have changed something and that nobody saw end: item, tool, what it was doing.
    interrupted: Vec<(ItemId, String, String)>,
}

/// What is known about a message.
#[derive(Debug, Clone)]
struct About {
    /// Its length in bytes, near enough.
    bytes: usize,
    /// The parts of files inside it, each with the number of the message's part that quotes it.
    quotes: Vec<(usize, FileRange)>,
    /// Where its text comes from, as far as it is not the user's: paths of files, all else in words.
    read_from: Vec<String>,
    /// The last item that it stands for.
    last_item: ItemId,
}

impl Conversation {
    /// The conversation that the items of earlier turns tell. The last summary stands for what it replaced.
    ///
    /// What a summary replaced is read too: later items and the summary itself have placeholders of its secrets.
    pub(crate) fn replay(turns: &[Turn], vault: Vault) -> Self {
        let mut this = Self {
            vault,
            messages: Vec::new(),
            about: Vec::new(),
            said: Vec::new(),
            interrupted: Vec::new(),
        };
        let items = || turns.iter().flat_map(|turn| &turn.items);
        let mut summary = items().rev().find_map(|item| match &item.body {
            ItemBody::Summary { text, up_to } if item.status == ItemStatus::Completed => {
                Some((text, *up_to))
            }
            _ => None,
        });
        let mut reply: Vec<&Item> = Vec::new();
        for item in items() {
            match &item.body {
                ItemBody::UserMessage { .. } => {
                    this.push_reply_items(&std::mem::take(&mut reply));
                    this.push_user(item);
                }
                ItemBody::ToolCall(call) if call.tool == SET_UP => {
                    this.push_reply_items(&std::mem::take(&mut reply));
                    this.push_set_up(call, item.status, item.id);
                }
                // It is the user's.
                ItemBody::ToolCall(call) if call.tool == CHECK && call.exit.is_some() => {}
                ItemBody::AgentMessage { .. }
                | ItemBody::Reasoning { .. }
                | ItemBody::ToolCall(_) => {
                    // Each request of a turn makes one reply.
                    if reply
                        .last()
                        .is_some_and(|last| (last.turn_id, last.step) != (item.turn_id, item.step))
                    {
                        this.push_reply_items(&std::mem::take(&mut reply));
                    }
                    reply.push(item);
                }
                ItemBody::Approval {
                    question,
                    answer: Some(answer),
                } if matches!(question.about, QuestionAbout::Interrupted { .. }) => {
                    this.push_reply_items(&std::mem::take(&mut reply));
                    this.interrupted.retain(|(id, ..)| *id != question.item_id);
                    this.push_answer(answer, item.id);
                }
                _ => {}
            }
            if let Some((text, up_to)) = summary
                && item.id == up_to
            {
                this.push_reply_items(&std::mem::take(&mut reply));
                this.begin_with(text, up_to);
                summary = None;
            }
        }
        this.push_reply_items(&reply);
        if let Some((text, up_to)) = summary {
            this.begin_with(text, up_to);
        }
        this.conceal_again(0);
        this
    }

    /// Leaves a summary in the place of all that there is.
    fn begin_with(&mut self, summary: &str, up_to: ItemId) {
        self.messages.clear();
        self.about.clear();
        self.interrupted.clear();
        self.push_text(prompt::summary_message(summary), up_to);
        self.read_in_last(vec![SUMMARY.to_owned()]);
    }

    /// The secrets of the session, with what stands for each.
    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Looks through an output, before it comes into the conversation.
    pub(crate) fn look_through(&mut self, output: &str) -> Seen {
        secrets::seen(&mut self.vault, output)
    }

    /// Conceals what goes out beside the messages: the system prompt and the shape of the answer.
    pub(crate) fn conceal(&mut self, system: &mut String, schema: Option<&mut serde_json::Value>) {
        let known = self.vault.len();
        secrets::conceal_text(&mut self.vault, system);
        if let Some(schema) = schema {
            secrets::conceal_json(&mut self.vault, schema);
        }
        self.conceal_again(known);
    }

    /// A secret that was known by its name alone may stand without it in an earlier message.
    fn conceal_again(&mut self, known: usize) {
        if self.vault.len() == known {
            return;
        }
        for said in &mut self.said {
            secrets::conceal_text(&mut self.vault, said);
        }
        for (message, about) in self.messages.iter_mut().zip(&mut self.about) {
            let message = Arc::make_mut(message);
            secrets::conceal(&mut self.vault, message);
            about.bytes = bytes(message);
        }
    }

    /// The calls that nobody saw end and nobody was asked about yet.
    pub(crate) fn take_interrupted(&mut self) -> Vec<(ItemId, String, String)> {
        std::mem::take(&mut self.interrupted)
    }

    /// The last item that is part of the conversation.
    pub(crate) fn last_item(&self) -> ItemId {
        self.about
            .last()
            .map(|about| about.last_item)
            .unwrap_or_default()
    }

    fn push_reply_items(&mut self, items: &[&Item]) {
        let (Some(last), mut parts, mut calls) = (items.last(), Vec::new(), Vec::new()) else {
            return;
        };
        let mut in_order = items.to_vec();
        in_order.sort_by_key(|item| item.part);
        for item in in_order {
            match &item.body {
                ItemBody::AgentMessage { text } if !text.is_empty() => {
                    parts.push(Part::Text(text.clone()))
                }
                // Half a thought has no signature and cannot go back.
                ItemBody::Reasoning { text, opaque } if item.status == ItemStatus::Completed => {
                    parts.push(Part::Reasoning {
                        text: text.clone(),
                        opaque: opaque.clone(),
                    });
                }
                ItemBody::ToolCall(call) => {
                    let changes = matches!(
                        call.tool.as_str(),
                        "edit_file" | "write_file" | "apply_patch" | "run_command"
                    );
                    if changes && item.status == ItemStatus::Interrupted {
                        // A question shows the whole command, not its title.
                        let command = call
                            .arguments
                            .get("command")
                            .and_then(serde_json::Value::as_str);
                        let detail = command.map_or_else(|| call.title.clone(), str::to_owned);
                        self.interrupted.push((item.id, call.tool.clone(), detail));
                    }
                    parts.push(Part::ToolCall {
                        call_id: call.call_id.clone(),
                        name: call.tool.clone(),
                        arguments: call.arguments.to_string(),
                    });
                    calls.push((call, item.status));
                }
                _ => {}
            }
        }
        if parts.is_empty() {
            return;
        }
        self.push(Role::Assistant, parts, Vec::new(), last.id);
        if !calls.is_empty() {
            let calls = calls.into_iter().map(|(call, status)| (call, status, None));
            self.push_results(calls, last.id);
        }
    }

    /// A complete reply of the model.
    pub(crate) fn push_reply(&mut self, parts: Vec<Part>, last_item: ItemId) {
        if !parts.is_empty() {
            self.push(Role::Assistant, parts, Vec::new(), last_item);
        }
    }

    /// The results of the calls of the last reply, with what is known of those outputs that were looked through.
    pub(crate) fn push_results<'a>(
        &mut self,
        calls: impl Iterator<Item = (&'a ToolCall, ItemStatus, Option<&'a Seen>)>,
        last_item: ItemId,
    ) {
        let mut quotes = Vec::new();
        let vault = &mut self.vault;
        let parts = calls
            .enumerate()
            .map(|(part, (call, status, seen))| {
                quotes.extend(call.quotes.iter().map(|range| (part, range.clone())));
                let unknown = matches!(
                    status,
                    ItemStatus::Interrupted | ItemStatus::Running | ItemStatus::Waiting
                );
                Part::ToolResult {
                    call_id: call.call_id.clone(),
                    output: match seen {
                        _ if unknown && call.output.is_empty() => INTERRUPTED.to_owned(),
                        Some(seen) => seen.outgoing(vault, &call.output),
                        None => vault.conceal(&call.output).text.into_owned(),
                    },
                    failed: status != ItemStatus::Completed,
                }
            })
            .collect();
        let role = Role::User;
        self.push_concealed(Message { role, parts }, quotes, last_item);
    }

    /// A message of Kerf's own in the user's place.
    pub(crate) fn push_text(&mut self, text: String, last_item: ItemId) {
        self.push(Role::User, vec![Part::Text(text)], Vec::new(), last_item);
    }

    /// Takes the last message back: a request that was only for a summary.
    pub(crate) fn pop(&mut self) {
        self.messages.pop();
        self.about.pop();
    }

    fn push(
        &mut self,
        role: Role,
        parts: Vec<Part>,
        quotes: Vec<(usize, FileRange)>,
        last_item: ItemId,
    ) {
        let mut message = Message { role, parts };
        secrets::conceal(&mut self.vault, &mut message);
        self.push_concealed(message, quotes, last_item);
    }

    fn push_concealed(
        &mut self,
        message: Message,
        quotes: Vec<(usize, FileRange)>,
        last_item: ItemId,
    ) {
        self.about.push(About {
            bytes: bytes(&message),
            quotes,
            read_from: Vec::new(),
            last_item,
        });
        self.messages.push(Arc::new(message));
    }

    pub(crate) fn messages(&self) -> &[Arc<Message>] {
        &self.messages
    }

    /// The length of all messages in bytes, near enough.
    pub(crate) fn bytes(&self) -> usize {
        self.about.iter().map(|about| about.bytes).sum()
    }

    /// The parts of files that are inside it and inside the map beside it, merged.
    pub(crate) fn quotes(&self, map: Option<&GivenMap>) -> Vec<FileRange> {
        let inside = self.about.iter().flat_map(|about| &about.quotes);
        let mut all: Vec<FileRange> = inside
            .map(|(_, range)| range)
            .chain(map.into_iter().flat_map(|map| &map.quotes))
            .cloned()
            .collect();
        all.sort_by(|a, b| (&a.path, a.first_line).cmp(&(&b.path, b.first_line)));
        all.dedup_by(|next, kept| {
            let touches =
                next.path == kept.path && next.first_line <= kept.last_line.saturating_add(1);
            if touches {
                kept.last_line = kept.last_line.max(next.last_line);
            }
            touches
        });
        all
    }

    /// Leaves the longest old tool outputs out, oldest first, until `target` bytes are left or only the last
    /// `keep` messages are untouched. Returns whether anything was left out.
    pub(crate) fn trim_outputs(&mut self, target: usize, keep: usize) -> bool {
        const WORTH_TRIMMING: usize = 400;
        let mut total = self.bytes();
        let mut trimmed = false;
        let end = self.messages.len().saturating_sub(keep);
        for index in 0..end {
            if total <= target {
                break;
            }
            let has_long = self.messages[index]
                .parts
                .iter()
                .any(|part| matches!(part, Part::ToolResult { output, .. } if output.len() > WORTH_TRIMMING));
            if !has_long {
                continue;
            }
            let mut message = Message::clone(&self.messages[index]);
            for (number, part) in message.parts.iter_mut().enumerate() {
                if let Part::ToolResult { output, .. } = part
                    && output.len() > WORTH_TRIMMING
                {
                    *output = format!(
                        "(an output of {} bytes was left out to save space; run the tool again if you need it)",
                        output.len()
                    );
                    self.about[index].quotes.retain(|(of, _)| *of != number);
                }
            }
            let now = bytes(&message);
            total = total - self.about[index].bytes + now;
            self.about[index].bytes = now;
            self.messages[index] = Arc::new(message);
            trimmed = true;
        }
        trimmed
    }

    /// Where the history can be cut so that at most `tail` bytes stay: the index of a reply, or the end.
    /// None when there is nothing before the cut to summarise.
    pub(crate) fn cut_before(&self, tail: usize) -> Option<usize> {
        let mut kept = 0;
        let mut cut = self.messages.len();
        for index in (0..self.messages.len()).rev() {
            kept += self.about[index].bytes;
            if kept > tail {
                break;
            }
            if self.messages[index].role == Role::Assistant {
                cut = index;
            }
        }
        (cut > 1).then_some(cut)
    }

    /// The item before a cut.
    pub(crate) fn item_before(&self, cut: usize) -> Option<ItemId> {
        cut.checked_sub(1)
            .and_then(|index| self.about.get(index))
            .map(|about| about.last_item)
    }

    /// Puts a summary in the place of everything before a cut.
    pub(crate) fn replace_before(&mut self, cut: usize, summary: &str) {
        let Some(up_to) = self.item_before(cut) else {
            return;
        };
        let mut message = Message {
            role: Role::User,
            parts: vec![Part::Text(prompt::summary_message(summary))],
        };
        secrets::conceal(&mut self.vault, &mut message);
        let about = About {
            bytes: bytes(&message),
            quotes: Vec::new(),
            read_from: vec![SUMMARY.to_owned()],
            last_item: up_to,
        };
        self.messages.splice(..cut, [Arc::new(message)]);
        self.about.splice(..cut, [about]);
    }
}

fn bytes(message: &Message) -> usize {
    let part = |part: &Part| match part {
        Part::Text(text) => text.len(),
        // Endpoints count a picture by its area; about 1,500 tokens is a large one.
        Part::Image(_) => 6000,
        Part::Reasoning { text, opaque } => {
            text.len() + opaque.as_ref().map_or(0, |value| value.to_string().len())
        }
        Part::ToolCall {
            name, arguments, ..
        } => name.len() + arguments.len() + 40,
        Part::ToolResult { output, .. } => output.len() + 40,
    };
    message.parts.iter().map(part).sum::<usize>() + 16
}
