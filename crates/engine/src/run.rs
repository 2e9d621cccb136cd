//! The turns that sessions take, from outside: messages, stops, answers, events.

use crate::{
    desk::Before,
    engine::{Engine, now},
    failure::{broken, failure},
    feed::Events,
    host::shortened,
    network::read_hosts,
    wake::{Live, SharedAgent},
};
use futures_util::FutureExt;
use kerf_agent::{Control, Host, TurnEnd, UserInput};
use kerf_protocol::{
    Code, Failure, SessionId, TurnId,
    endpoint::Usage,
    event::{Event, EventBody},
    item::{ItemBody, ItemStatus},
    request::{AnswerParams, Nothing, Prompt, Prompted, SessionRef, Since, WhenRunning},
};
use kerf_store::Write;
use std::{
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

impl Engine {
    /// The events of a session: those still held, the first of which is `session.started`, and then all that come.
    ///
    /// # Errors
    /// When the session cannot be opened.
    pub async fn subscribe(&self, session_id: SessionId) -> Result<Events, Failure> {
        Ok(self.live(session_id).await?.host.log.subscribe())
    }

    /// Waits until no turn of the session is running.
    ///
    /// # Errors
    /// When the session cannot be opened.
    pub async fn idle(&self, session_id: SessionId) -> Result<(), Failure> {
        let live = self.live(session_id).await?;
        let mut idle = live.idle.subscribe();
        // The sender lives as long as `live`.
        let _ = idle.wait_for(|idle| *idle).await;
        Ok(())
    }

    /// Sets the shape that the last answer of a session must have.
    ///
    /// # Errors
    /// When the session cannot be opened.
    pub async fn set_output_schema(
        &self,
        session_id: SessionId,
        schema: serde_json::Value,
    ) -> Result<(), Failure> {
        let live = self.live(session_id).await?;
        let agent = self.agent(&live).await?;
        *live.output_schema() = Some(schema.clone());
        agent.lock().await.setup_mut().output_schema = Some(schema);
        Ok(())
    }

    pub(crate) async fn session_prompt(&self, prompt: Prompt) -> Result<Prompted, Failure> {
        self.heed_reach()?;
        let live = self.live(prompt.session_id).await?;
        self.end_restore_before_turn(&live).await?;
        let folder = PathBuf::from(&live.session().folder);
        let agent = self.agent(&live).await?;
        let comments = self.take_comments(&live, prompt.session_id).await?;
        // Comments alone say enough. Without any, none were taken that would have to be given back.
        if prompt.text.trim().is_empty() && prompt.images.is_empty() && comments.is_empty() {
            return Err(failure(Code::Usage, "the message is empty", ""));
        }
        let mut input = UserInput {
            text: prompt.text,
            images: prompt.images,
            comments,
        };
        loop {
            let refused = {
                let mut slot = live.control();
                match slot.as_ref() {
                    Some(control) => {
                        match control.send(input, prompt.when_running == WhenRunning::Interrupt) {
                            Ok(()) => return Ok(Prompted::Queued),
                            // The turn has read its last message and is about to end.
                            Err(back) => {
                                input = back;
                                Ok(())
                            }
                        }
                    }
                    None => {
                        let control = Control::new();
                        *slot = Some(control.clone());
                        // Only now, when the turn can be seen: see `git/moving.rs`.
                        match self.refuse_while_moving(&folder) {
                            Ok(()) => {
                                live.idle.send_replace(false);
                                drop(slot);
                                name_session(&live, &input.text);
                                tokio::spawn(self.clone().turn(live, agent, input, control));
                                return Ok(Prompted::Started);
                            }
                            refused => {
                                *slot = None;
                                refused
                            }
                        }
                    }
                }
            };
            let refused = match refused {
                Ok(()) => self.idle(prompt.session_id).await,
                refused => refused,
            };
            if let Err(failure) = refused {
                live.host.comments.arrived(&input.comments);
                return Err(failure);
            }
        }
    }

    /// What a restore of this process left is done first: to go on with it after a turn would hide that turn.
    async fn end_restore_before_turn(&self, live: &Arc<Live>) -> Result<(), Failure> {
        if !live.half_restored.load(Ordering::Relaxed) {
            return Ok(());
        }
        let _naming = self.naming().read_owned().await;
        let _one = live.host.deciding.lock().await;
        let paused = live.pause()?;
        let done = self.end_restore(live).await;
        drop(paused);
        done
    }

    pub(crate) async fn session_cancel(
        &self,
        SessionRef { session_id }: SessionRef,
    ) -> Result<Nothing, Failure> {
        // An attempt that waits has no turn yet.
        self.waiting().stop(session_id);
        let live = self.awake().get(session_id).await;
        if let Some(control) = live.as_ref().and_then(|live| live.control().clone()) {
            control.cancel();
        }
        Ok(Nothing {})
    }

    pub(crate) async fn session_answer(&self, params: AnswerParams) -> Result<Nothing, Failure> {
        let live = self.awake().get(params.session_id).await;
        if live.is_some_and(|live| live.host.answer(params.question_id, params.answer)) {
            return Ok(Nothing {});
        }
        Err(failure(
            Code::NotFound,
            "no such question waits for an answer",
            "It may have been answered elsewhere, or the turn was stopped",
        ))
    }

    pub(crate) async fn session_events(&self, since: Since) -> Result<Vec<Event>, Failure> {
        let events = self.live(since.session_id).await?.host.log.since(since.seq);
        events.ok_or_else(|| {
            failure(
                Code::NotFound,
                format!("the events after {} are no longer held", since.seq),
                "Ask for the session as it is now: session/attach",
            )
        })
    }

    /// Takes a turn. A message that comes too late for it waits in [`Engine::session_prompt`] and starts the next one.
    async fn turn(self, live: Arc<Live>, agent: SharedAgent, input: UserInput, control: Control) {
        // However the turn ends, the session takes the next one.
        let free = Free(Arc::clone(&live));
        // A restore may have been at work between the message and this, and made the agent forget.
        let agent = self.agent(&live).await.unwrap_or(agent);
        let turn_id = TurnId::new();
        let before = Before {
            turn_id: Some(turn_id),
            item_id: None,
            label: match shortened(&input.text) {
                text if text.is_empty() => "Before a message".to_owned(),
                text => format!("Before “{text}”"),
            },
        };
        live.host.begin_turn(before).await;
        let work = async {
            let mut agent = agent.lock().await;
            live.bring_up_to_date(agent.setup_mut());
            // Settings that cannot be read just now leave what the user allowed before.
            if let Ok(settings) = self.settings() {
                agent.setup_mut().show = settings.secrets.show.into();
                live.host.hosts.list(read_hosts(&settings.network.allow));
            }
            let session = live.session().clone();
            agent.setup_mut().set_up = self.set_up_of(&live, &session).await;
            match self.rules_for(&session).await {
                Ok(rules) => agent.setup_mut().rules = Arc::new(rules),
                Err(failure) => {
                    tracing::warn!(message = failure.message, "the rules stay as they were")
                }
            }
            agent.run_turn(turn_id, input, &control).await
        };
        let end = AssertUnwindSafe(work).catch_unwind().await;
        // The jobs that it started end with an agent that is not to be trusted.
        drop(agent);
        match end {
            Ok(TurnEnd::Failed(failure)) => {
                tracing::warn!(code = ?failure.code, message = failure.message, at = now(), "the turn failed");
            }
            Ok(TurnEnd::Completed | TurnEnd::Cancelled) => {}
            Err(panic) => {
                live.forget_agent().await;
                self.turn_failed(&live, turn_id, &control, broken(&*panic))
                    .await;
            }
        }
        live.host.end_turn().await;
        self.worked().store(true, Ordering::Relaxed);
        drop(free);
    }

    /// Ends a turn that failed inside Kerf, as one that was interrupted: what it had begun is told to be so.
    async fn turn_failed(&self, live: &Live, turn_id: TurnId, control: &Control, error: Failure) {
        tracing::error!(message = error.message, "a turn failed inside Kerf");
        let log = &live.host.log;
        // Calls that were running are on disk from here on; what is not, the log itself tells.
        let _ = log.durable().await;
        let session_id = live.session().id;
        let turns = match self.store().transcript(session_id).await {
            Ok(transcript) => transcript.turns,
            Err(error) => {
                tracing::warn!(%error, "what the turn had begun is not known");
                Vec::new()
            }
        };
        match turns.into_iter().find(|turn| turn.id == turn_id) {
            Some(turn) => {
                for mut item in turn.items {
                    if matches!(item.status, ItemStatus::Running | ItemStatus::Waiting) {
                        item.status = ItemStatus::Interrupted;
                        live.host.emit(EventBody::ItemCompleted { item });
                    }
                }
            }
            None => live.host.emit(EventBody::TurnStarted {
                turn_id,
                instructions: Vec::new(),
            }),
        }
        // What was said meanwhile waits for the next turn.
        for UserInput {
            text,
            images,
            comments,
        } in control.close()
        {
            let body = ItemBody::UserMessage {
                text,
                images,
                comments,
            };
            live.host.tell(turn_id, ItemStatus::Completed, body);
        }
        let failure = error.clone();
        let body = ItemBody::Error { failure };
        live.host.tell(turn_id, ItemStatus::Failed, body);
        live.host.emit(EventBody::TurnFailed {
            turn_id,
            // The agent counted, and took it along. The ledger has the requests.
            usage: Usage::default(),
            error,
        });
        // A failure of the disk is shown in place of this one.
        let _ = log.durable().await;
    }
}

impl Live {
    /// Keeps turns from beginning until what it returns is dropped. Messages wait.
    ///
    /// # Errors
    /// When a turn is running.
    pub(crate) fn pause(self: &Arc<Self>) -> Result<Free, Failure> {
        let mut slot = self.control();
        if slot.is_some() {
            return Err(failure(
                Code::Conflict,
                "the session is running",
                "Stop it first",
            ));
        }
        let control = Control::new();
        // Who sends a message is told that this one takes none any more, and waits.
        control.close();
        *slot = Some(control);
        self.paused.store(true, Ordering::Relaxed);
        self.idle.send_replace(false);
        drop(slot);
        Ok(Free(Arc::clone(self)))
    }
}

/// Lets the next turn begin when it is dropped.
pub(crate) struct Free(Arc<Live>);

impl Drop for Free {
    fn drop(&mut self) {
        let mut slot = self.0.control();
        self.0.paused.store(false, Ordering::Relaxed);
        *slot = None;
        drop(slot);
        self.0.idle.send_replace(true);
    }
}

/// Names a session that has no name by its first message.
fn name_session(live: &Live, text: &str) {
    let mut session = live.session();
    if !session.title.is_empty() {
        return;
    }
    session.title = title_of(text);
    live.host.log.keep(vec![Write::Title {
        id: session.id,
        title: session.title.clone(),
    }]);
}

/// The title of a session that begins with this message.
pub(crate) fn title_of(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    let mut lines = text.lines().map(str::trim);
    let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let shown = line.chars().filter(|char| !char.is_control());
    shown.take(MAX_CHARS).collect()
}
