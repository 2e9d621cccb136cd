//! What was going on when the last process of a session stopped.

use crate::desk::Desk;
use kerf_protocol::{
    Failure, SessionId,
    item::{ItemBody, ItemStatus},
    review::Author,
    session::{SessionState, Turn, TurnState},
};
use kerf_store::{TurnHead, Write};

/// Turns and calls that nobody saw end.
#[derive(Default)]
pub(crate) struct Interrupted {
    /// What marks them so.
    writes: Vec<Write>,
    /// An edit among them.
    edit: Option<Author>,
    /// Commands among them, also those that went on in the background.
    commands: Vec<Author>,
}

impl Interrupted {
    /// Marks what was running. The store is for the caller to write.
    pub(crate) fn mark(session_id: SessionId, turns: &mut [Turn]) -> Self {
        let mut found = Self::default();
        for turn in turns
            .iter_mut()
            .filter(|turn| turn.state == TurnState::Running)
        {
            turn.state = TurnState::Interrupted;
            let head = TurnHead {
                id: turn.id,
                state: turn.state,
                created_at: turn.created_at,
                usage: turn.usage,
            };
            found.writes.push(Write::Turn {
                session_id,
                turn: head,
            });
            for item in &mut turn.items {
                let ended = !matches!(item.status, ItemStatus::Running | ItemStatus::Waiting);
                let (turn_id, item_id) = (turn.id, item.id);
                if let ItemBody::ToolCall(call) = &item.body {
                    match call.tool.as_str() {
                        "edit_file" | "write_file" | "apply_patch" if !ended => {
                            found.edit = Some(Author::Tool { turn_id, item_id });
                        }
                        "run_command" if !ended || call.arguments["background"] == true => {
                            found.commands.push(Author::Command { turn_id, item_id });
                        }
                        _ => {}
                    }
                }
                if ended {
                    continue;
                }
                item.status = ItemStatus::Interrupted;
                found.writes.push(Write::Item {
                    session_id,
                    seq: 0,
                    item: item.clone(),
                });
            }
        }
        if !found.writes.is_empty() {
            // Until its next turn; who drives it from here on is this process, which is there.
            found.writes.push(Write::SessionState {
                id: session_id,
                state: SessionState::Interrupted,
                updated_at: crate::engine::now(),
            });
        }
        found
    }

    /// Puts what is on disk down to whom it is due, and returns all there is to be written.
    pub(crate) fn found_by(self, desk: &mut Desk) -> Result<Vec<Write>, Failure> {
        let mut writes = self.writes;
        if let Some(author) = self.edit {
            // What an interrupted edit left on disk is the agent's, not the user's.
            writes.extend(desk.sync(author)?);
        }
        if !self.commands.is_empty() {
            writes.extend(desk.after_interrupted(&self.commands));
        }
        Ok(writes)
    }
}
