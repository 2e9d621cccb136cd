//! Comments on their way into a message. They wait in the store until the message that carries them is written down, so
//! that no crash loses them, and go with one message only.

use crate::{
    engine::Engine,
    failure::{failure, from_store},
    wake::Live,
};
use kerf_protocol::{
    Code, Failure, SessionId,
    item::Comment,
    request::{AddComment, Nothing, SessionRef},
    scope::PlacedComment,
};
use kerf_store::{WaitingComment, Write};
use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};
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
        let mut waiting = self.waiting_comments(session_id).await?;
        waiting.retain(
            |one| match on_the_way.iter().position(|other| *other == one.comment) {
                Some(at) => {
                    on_the_way.remove(at);
                    false
                }
                None => true,
            },
        );
        let waiting = self.moved(session_id, waiting).await?;
        comments.on_the_way().extend(waiting.iter().cloned());
        Ok(waiting)
    }
}

impl Engine {
    async fn waiting_comments(
        &self,
        session_id: SessionId,
    ) -> Result<Vec<WaitingComment>, Failure> {
        self.store().comments(session_id).await.map_err(from_store)
    }

    /// The comments with the numbers that their lines have now, written down so that they are known by them when they are
    /// sent.
    async fn moved(
        &self,
        session_id: SessionId,
        waiting: Vec<WaitingComment>,
    ) -> Result<Vec<Comment>, Failure> {
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        let paths = paths_of(&waiting);
        let asked = waiting.clone();
        let of = move |path: &str| paths.contains(path);
        let placed = match self
            .look(session_id, of, move |desk| desk.place(&asked))
            .await
        {
            Ok(placed) => placed,
            Err(failure) => {
                tracing::warn!(
                    message = failure.message,
                    "comments keep their line numbers"
                );
                return Ok(waiting.into_iter().map(|one| one.comment).collect());
            }
        };
        let moved: Vec<Write> = waiting
            .iter()
            .zip(&placed)
            .filter(|(one, placed)| one.comment != placed.comment)
            .map(|(one, placed)| Write::CommentMoved {
                session_id,
                id: one.id,
                comment: placed.comment.clone(),
            })
            .collect();
        if !moved.is_empty() {
            self.store().commit(moved).await.map_err(from_store)?;
        }
        Ok(placed.into_iter().map(|placed| placed.comment).collect())
    }

    pub(crate) async fn review_comments(
        &self,
        SessionRef { session_id }: SessionRef,
    ) -> Result<Vec<PlacedComment>, Failure> {
        self.store().session(session_id).await.map_err(from_store)?;
        let mut waiting = self.waiting_comments(session_id).await?;
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        // Those in a message that is not written down yet wait no longer.
        if let Ok(live) = self.live(session_id).await {
            let mut on_the_way = live.host.comments.on_the_way().clone();
            waiting.retain(|one| {
                let at = on_the_way.iter().position(|other| *other == one.comment);
                at.map(|at| on_the_way.remove(at)).is_none()
            });
        }
        let paths = paths_of(&waiting);
        let of = move |path: &str| paths.contains(path);
        self.look(session_id, of, move |desk| desk.place(&waiting))
            .await
    }

    pub(crate) async fn review_comment(
        &self,
        AddComment {
            session_id,
            comment,
        }: AddComment,
    ) -> Result<Nothing, Failure> {
        if comment.text.trim().is_empty() {
            return Err(failure(Code::Usage, "the comment is empty", ""));
        }
        self.store().session(session_id).await.map_err(from_store)?;
        let (about, path) = (comment.clone(), comment.path.clone());
        let of = move |other: &str| other == path;
        let around = match self
            .look(session_id, of, move |desk| desk.surroundings(&about))
            .await
        {
            Ok(around) => around,
            Err(failure) => {
                // The comment itself can be kept all the same.
                tracing::warn!(
                    message = failure.message,
                    "a comment is kept without its place"
                );
                String::new()
            }
        };
        self.store()
            .commit(vec![Write::Comment {
                session_id,
                comment,
                around,
            }])
            .await
            .map_err(from_store)?;
        Ok(Nothing {})
    }
}

fn paths_of(waiting: &[WaitingComment]) -> BTreeSet<String> {
    let paths = waiting.iter().map(|one| one.comment.path.clone());
    paths.collect()
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
