//! Comments on their way into a message. They wait in the store until the message that carries them is written down, so
//! that no crash loses them, and go with one message only.

use crate::{engine::Engine, failure::from_store, wake::Live};
use kerf_protocol::{Failure, SessionId, item::Comment};
use kerf_store::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Mutex as AsyncMutex;

#[derive(Default)]
pub(crate) struct Comments {
    /// One message at a time takes what waits.
    taking: AsyncMutex<()>,
    /// In a message that is not written down yet.
    on_the_way: Mutex<Vec<Comment>>,
}

impl Comments {
    /// The message that carries these is in the log.
    pub(crate) fn arrived(&self, comments: &[Comment]) {
        let mut on_the_way = self.on_the_way();
        for comment in comments {
            if let Some(at) = on_the_way.iter().position(|other| other == comment) {
                on_the_way.remove(at);
            }
        }
    }

    fn on_the_way(&self) -> MutexGuard<'_, Vec<Comment>> {
        self.on_the_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// The comments that wait for the next message; it must be handed to a turn, or they must be given back.
    pub(crate) async fn take_comments(
        &self,
        live: &Live,
        session_id: SessionId,
    ) -> Result<Vec<Comment>, Failure> {
        let comments = &live.host.comments;
        let _taking = comments.taking.lock().await;
        // In this order: what arrives from here on is still subtracted, and what arrived before is no longer stored.
        let mut on_the_way = comments.on_the_way().clone();
        // A log that failed is in order again with the next turn, if the disk is.
        let _ = live.host.log.durable().await;
        let mut waiting = self
            .store()
            .comments(session_id)
            .await
            .map_err(from_store)?;
        waiting.retain(
            |comment| match on_the_way.iter().position(|other| other == comment) {
                Some(at) => {
                    on_the_way.remove(at);
                    false
                }
                None => true,
            },
        );
        comments.on_the_way().extend(waiting.iter().cloned());
        Ok(waiting)
    }
}

/// What is written behind the message that carries these comments.
pub(crate) fn sent(session_id: SessionId, comments: &[Comment]) -> Vec<Write> {
    if comments.is_empty() {
        return Vec::new();
    }
    vec![Write::CommentsSent {
        session_id,
        comments: comments.to_vec(),
    }]
}
