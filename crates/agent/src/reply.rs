//! Turns the deltas of a reply into items as they come, and completes them when it is whole.

use crate::host::Host;
use kerf_model::{Delta, Part};
use kerf_protocol::{
    ItemId, TurnId, UnixMillis,
    event::EventBody,
    item::{Item, ItemBody, ItemStatus},
};
use std::{collections::VecDeque, time::SystemTime};

/// Now, in milliseconds since the Unix epoch.
pub(crate) fn now() -> UnixMillis {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| {
            UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX)
        })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
}

/// The items of a reply that is coming in.
pub(crate) struct ReplyItems<'a, H> {
    host: &'a H,
    turn_id: TurnId,
    step: u32,
    open: VecDeque<(Kind, Item)>,
}

impl<'a, H: Host> ReplyItems<'a, H> {
    pub(crate) fn new(host: &'a H, turn_id: TurnId, step: u32) -> Self {
        Self {
            host,
            turn_id,
            step,
            open: VecDeque::new(),
        }
    }

    /// Shows a delta.
    pub(crate) fn delta(&mut self, delta: Delta) {
        let (kind, text) = match delta {
            Delta::Text(text) => (Kind::Text, text),
            Delta::Reasoning(text) => (Kind::Reasoning, text),
            Delta::Retry {
                attempt,
                wait,
                reason,
            } => {
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                return self.host.emit(EventBody::RequestRetried {
                    attempt,
                    wait_ms,
                    reason,
                });
            }
            // Calls are shown when they are complete.
            Delta::ToolArguments { .. } => return,
        };
        let item_id = match self.open.back() {
            Some((open, item)) if *open == kind => item.id,
            _ => self.begin(kind),
        };
        self.host.emit(EventBody::ItemUpdated {
            item_id,
            delta: text,
        });
    }

    fn begin(&mut self, kind: Kind) -> ItemId {
        let item = self.item(
            ItemStatus::Running,
            match kind {
                Kind::Text => ItemBody::AgentMessage {
                    text: String::new(),
                },
                Kind::Reasoning => ItemBody::Reasoning {
                    text: String::new(),
                    opaque: None,
                },
            },
        );
        let id = item.id;
        self.host
            .emit(EventBody::ItemStarted { item: item.clone() });
        self.open.push_back((kind, item));
        id
    }

    fn item(&self, status: ItemStatus, body: ItemBody) -> Item {
        Item {
            id: ItemId::new(),
            turn_id: self.turn_id,
            created_at: now(),
            status,
            step: self.step,
            part: 0,
            body,
        }
    }

    /// Completes the items with the parts that arrived, calls left aside. Returns the last item's id.
    pub(crate) fn complete(mut self, parts: &[Part], status: ItemStatus) -> Option<ItemId> {
        let mut last = None;
        for (part, number) in parts.iter().zip(1..) {
            let (kind, body) = match part {
                Part::Text(text) => (Kind::Text, ItemBody::AgentMessage { text: text.clone() }),
                Part::Reasoning { text, opaque } => (
                    Kind::Reasoning,
                    ItemBody::Reasoning {
                        text: text.clone(),
                        opaque: opaque.clone(),
                    },
                ),
                _ => continue,
            };
            let open = self.open.iter().position(|(open, _)| *open == kind);
            let mut item = match open.and_then(|index| self.open.remove(index)) {
                Some((_, item)) => item,
                None => {
                    let item = self.item(status, body.clone());
                    self.host.emit(EventBody::ItemStarted {
                        item: Item {
                            status: ItemStatus::Running,
                            ..item.clone()
                        },
                    });
                    item
                }
            };
            item.status = status;
            item.part = number;
            item.body = body;
            last = Some(item.id);
            self.host.emit(EventBody::ItemCompleted { item });
        }
        // A server that streams a text in pieces and calls it one part leaves pieces without content.
        for (_, mut item) in self.open {
            item.status = status;
            last.get_or_insert(item.id);
            self.host.emit(EventBody::ItemCompleted { item });
        }
        last
    }
}
