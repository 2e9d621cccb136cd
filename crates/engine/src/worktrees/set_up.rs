//! Whether the user's set-up command is to run in a worktree.

use crate::{engine::Engine, wake::Live};
use kerf_agent::{SET_UP, SetUp};
use kerf_protocol::{
    item::{ItemBody, ItemStatus},
    session::{Session, Transcript},
};
use std::sync::atomic::Ordering;

impl Engine {
    /// The command that is to run before the next turn of a session; none where it has run, or where there is none.
    pub(crate) async fn set_up_of(&self, live: &Live, session: &Session) -> Option<SetUp> {
        let folder = session.worktree_of.as_ref()?;
        if live.set_up.load(Ordering::Relaxed) {
            return None;
        }
        // Settings that cannot be read are told of where they are needed.
        let command = self.settings().ok()?.app.set_up.remove(folder)?;
        if command.command.trim().is_empty() {
            return None;
        }
        let transcript = match self.store().transcript(session.id).await {
            Ok(transcript) => transcript,
            Err(error) => {
                tracing::warn!(%error, "whether the worktree is set up is not known");
                return None;
            }
        };
        if !is_due(&transcript, command.go_on) {
            live.set_up.store(true, Ordering::Relaxed);
            return None;
        }
        Some(SetUp {
            command: command.command,
            go_on: command.go_on,
        })
    }
}

/// Whether it has not passed yet. One that failed is tried again only where tasks do not go on without it.
fn is_due(transcript: &Transcript, go_on: bool) -> bool {
    let items = || transcript.turns.iter().flat_map(|turn| &turn.items);
    let last = items().rev().find_map(|item| match &item.body {
        ItemBody::ToolCall(call) if call.tool == SET_UP => Some(item.status),
        _ => None,
    });
    match last {
        // A task that began without it has no need of it any more.
        None => !items().any(|item| {
            matches!(
                item.body,
                ItemBody::AgentMessage { .. } | ItemBody::Reasoning { .. } | ItemBody::ToolCall(_)
            )
        }),
        Some(ItemStatus::Completed) => false,
        Some(ItemStatus::Interrupted) => true,
        Some(_) => !go_on,
    }
}
