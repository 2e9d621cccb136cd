//! An exported session comes in under new ids, so that it never meets the one it was.

use crate::{StoreError, TurnHead, Write, store::Store};
use kerf_protocol::{
    ItemId, SessionId, TaskId, TurnId, UnixMillis,
    item::{ItemBody, ItemStatus},
    session::{Session, SessionState, Transcript, TurnState},
};
use std::collections::HashMap;

impl Store {
    /// Adds an exported session as a new one, in the project of its folder. What was going on in it is interrupted.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when an id in it is there twice; as [`Store::commit`].
    pub async fn import(
        &self,
        transcript: Transcript,
        now: UnixMillis,
    ) -> Result<Session, StoreError> {
        let mut session = transcript.session;
        // The worktree is not part of what was exported.
        if let Some(folder) = session.worktree_of.take() {
            session.folder = folder;
        }
        let project = self.open_project(&session.folder, now).await?;
        session.id = SessionId::new();
        session.task_id = TaskId::new();
        session.project_id = project.id;
        if session.state != SessionState::Idle {
            session.state = SessionState::Interrupted;
        }
        let mut ids = HashMap::new();
        for item in transcript.turns.iter().flat_map(|turn| &turn.items) {
            if ids.insert(item.id, ItemId::new()).is_some() {
                return Err(StoreError::Invalid {
                    reason: format!("item {} is in the transcript twice", item.id),
                });
            }
        }
        let fresh = |id: ItemId| ids.get(&id).copied().unwrap_or(id);
        let mut writes = vec![Write::Session(session.clone())];
        let mut seq = 0;
        for turn in transcript.turns {
            let state = if turn.state == TurnState::Running {
                TurnState::Interrupted
            } else {
                turn.state
            };
            let head = TurnHead {
                id: TurnId::new(),
                state,
                created_at: turn.created_at,
                usage: turn.usage,
            };
            let turn_id = head.id;
            writes.push(Write::Turn {
                session_id: session.id,
                turn: head,
            });
            for mut item in turn.items {
                item.id = fresh(item.id);
                item.turn_id = turn_id;
                if matches!(item.status, ItemStatus::Running | ItemStatus::Waiting) {
                    item.status = ItemStatus::Interrupted;
                }
                match &mut item.body {
                    ItemBody::Summary { up_to, .. } => *up_to = fresh(*up_to),
                    ItemBody::Approval { question, .. } => {
                        question.item_id = fresh(question.item_id)
                    }
                    _ => {}
                }
                seq += 1;
                writes.push(Write::Item {
                    session_id: session.id,
                    seq,
                    item,
                });
            }
        }
        self.commit(writes).await?;
        Ok(session)
    }
}
