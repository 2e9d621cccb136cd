//! Attempts: several sessions on one request, each in a worktree of its own; how they compare, and what is taken of them.
//!
//! A task is what its sessions say it is: those with the same task id, in the order in which they were made. Attempts that
//! the machine cannot bear at once wait in this process, and can be stopped while they do; one that Kerf did not come to
//! stays without a turn and can be begun by a message.

mod budget;
mod check;
mod compare;
mod take;
mod trial;
mod waiting;

pub(crate) use waiting::Waiting;

use crate::{engine::Engine, failure::failure, git::whole_folder, run::title_of};
use budget::Limits;
use kerf_agent::Host;
use kerf_protocol::{
    Code, Failure, TaskId, TurnId,
    attempt::{AttemptBy, MAX_ATTEMPTS, StartAttempts, StartedAttempts},
    endpoint::Usage,
    event::EventBody,
    item::{ItemBody, ItemStatus},
    request::{NewSession, Prompt, SessionRef, WhenRunning},
    session::Session,
    worktree::{RemoveWorktree, WorkspaceKind},
};
use std::{num::NonZero, sync::Arc, thread};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Cores that an attempt needs for itself: the model works elsewhere, builds and tests do not.
const CORES_FOR_ONE: usize = 2;

impl Engine {
    pub(crate) async fn attempts_start(
        &self,
        start: StartAttempts,
    ) -> Result<StartedAttempts, Failure> {
        self.heed_reach()?;
        let StartAttempts {
            folder,
            text,
            images,
            policy,
            attempts,
            budget,
        } = start;
        whole_folder(&folder)?;
        if text.trim().is_empty() && images.is_empty() {
            return Err(failure(Code::Usage, "the message is empty", ""));
        }
        if !(1..=MAX_ATTEMPTS).contains(&attempts.len()) {
            return Err(failure(
                Code::Usage,
                format!("{} attempts are not 1 to {MAX_ATTEMPTS}", attempts.len()),
                "",
            ));
        }
        let task_id = TaskId::new();
        let limits = self.limits_of(budget, &attempts).await?;
        let mut sessions: Vec<Session> = Vec::new();
        for (index, AttemptBy { endpoint, model }) in attempts.into_iter().enumerate() {
            let new = NewSession {
                folder: folder.clone(),
                endpoint,
                model,
                policy,
                workspace: WorkspaceKind::Worktree { branch: None },
            };
            let title = title_of(&text);
            match self.begin_session(new, task_id, index + 1, title).await {
                Ok(session) => sessions.push(session),
                Err(failure) => {
                    self.forget_attempts(&sessions).await;
                    return Err(failure);
                }
            }
        }
        let room = self.room_for_attempts()?;
        for (session, limits) in sessions.iter().zip(limits) {
            let prompt = Prompt {
                session_id: session.id,
                text: text.clone(),
                images: images.clone(),
                when_running: WhenRunning::Queue,
            };
            let (engine, room) = (self.clone(), Arc::clone(&room));
            let stop = self.waiting().begin(session.id);
            tokio::spawn(async move {
                let id = prompt.session_id;
                let room = tokio::select! {
                    biased;
                    () = stop.cancelled() => None,
                    // It is closed by nobody.
                    room = room.acquire_owned() => room.ok(),
                };
                match room {
                    None => engine.never_began(prompt, None).await,
                    Some(_room) => {
                        if let Err(failure) = engine.attempt(prompt.clone(), limits, &stop).await {
                            tracing::warn!(%id, message = failure.message, "an attempt did not begin");
                            engine.never_began(prompt, Some(failure)).await;
                        }
                    }
                }
                engine.waiting().end(id);
            });
        }
        Ok(StartedAttempts { task_id, sessions })
    }

    /// Makes one attempt, and waits for its end.
    async fn attempt(
        &self,
        prompt: Prompt,
        limits: Limits,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let session_id = prompt.session_id;
        let events = self.subscribe(session_id).await?;
        self.session_prompt(prompt).await?;
        self.waiting().end(session_id);
        // Who stopped it before there was a turn meant the turn.
        if stop.is_cancelled() {
            self.session_cancel(SessionRef { session_id }).await?;
        }
        tokio::select! {
            idle = self.idle(session_id) => idle,
            over = limits.passed(events) => {
                self.stop_at(session_id, over).await?;
                self.idle(session_id).await
            }
        }
    }

    /// Writes an attempt that did not begin down as a turn that came to nothing: its conversation holds the request and
    /// why, and whoever waits for its end hears of it. Without a failure it was stopped.
    async fn never_began(&self, prompt: Prompt, error: Option<Failure>) {
        // Its session may be deleted by now, or the user has begun it with words of their own.
        let live = match self.live(prompt.session_id).await {
            Ok(live) if !live.is_running() => live,
            _ => return,
        };
        let (host, turn_id, usage) = (&live.host, TurnId::new(), Usage::default());
        host.emit(EventBody::TurnStarted {
            turn_id,
            instructions: Vec::new(),
        });
        let request = ItemBody::UserMessage {
            text: prompt.text,
            images: prompt.images,
            comments: Vec::new(),
        };
        host.tell(turn_id, ItemStatus::Completed, request);
        host.emit(match error {
            None => EventBody::TurnCompleted {
                turn_id,
                usage,
                cancelled: true,
            },
            Some(error) => {
                let failure = error.clone();
                host.tell(turn_id, ItemStatus::Failed, ItemBody::Error { failure });
                EventBody::TurnFailed {
                    turn_id,
                    usage,
                    error,
                }
            }
        });
        // A failure of the disk is shown in place of this one.
        let _ = host.log.durable().await;
    }

    /// Takes back attempts of which not all could be made. Nobody has worked in them.
    async fn forget_attempts(&self, sessions: &[Session]) {
        for session in sessions {
            let known = self.store().worktree_of(session.id).await;
            if let Ok(Some(worktree)) = known {
                let remove = RemoveWorktree {
                    worktree_id: worktree.id,
                    force: true,
                };
                if let Err(failure) = self.worktree_remove(remove).await {
                    tracing::warn!(message = failure.message, "a worktree stays");
                }
            }
            let session_id = session.id;
            if let Err(failure) = self.session_delete(SessionRef { session_id }).await {
                tracing::warn!(message = failure.message, "a session stays");
            }
        }
    }

    /// How many attempts go on at once: what the settings say, else what the cores bear.
    fn room_for_attempts(&self) -> Result<Arc<Semaphore>, Failure> {
        let set = self.settings()?.app.attempts_at_once as usize;
        Ok(self.attempt_room(|| {
            if set > 0 {
                return set.min(MAX_ATTEMPTS);
            }
            let cores = thread::available_parallelism().map_or(1, NonZero::get);
            (cores / CORES_FOR_ONE).clamp(1, MAX_ATTEMPTS)
        }))
    }
}
