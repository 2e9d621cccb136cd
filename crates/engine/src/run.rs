//! The turns that sessions take, from outside: messages, stops, answers, events.

use crate::{
    engine::{Engine, now},
    failure::{failure, from_store},
    wake::Live,
};
use kerf_agent::{Control, TurnEnd, UserInput};
use kerf_protocol::{
    Code, Failure, SessionId, TurnId,
    event::Event,
    request::{AnswerParams, Nothing, Prompt, Prompted, SessionRef, Since, WhenRunning},
};
use kerf_store::Write;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

impl Engine {
    /// The events of a session: those still held, the first of which is `session.started`, and then all that come.
    ///
    /// # Errors
    /// When the session cannot be opened.
    pub async fn subscribe(
        &self,
        session_id: SessionId,
    ) -> Result<UnboundedReceiver<Arc<Event>>, Failure> {
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
        agent.lock().await.setup_mut().output_schema = Some(schema);
        Ok(())
    }

    pub(crate) async fn session_prompt(&self, prompt: Prompt) -> Result<Prompted, Failure> {
        if prompt.text.trim().is_empty() && prompt.images.is_empty() {
            return Err(failure(Code::Usage, "the message is empty", ""));
        }
        let live = self.live(prompt.session_id).await?;
        self.agent(&live).await?;
        let comments = self
            .store()
            .comments(prompt.session_id)
            .await
            .map_err(from_store)?;
        if !comments.is_empty() {
            live.host.log.keep(vec![Write::CommentsSent {
                session_id: prompt.session_id,
            }]);
        }
        let mut input = UserInput {
            text: prompt.text,
            images: prompt.images,
            comments,
        };
        loop {
            {
                let mut slot = live.control();
                match slot.as_ref() {
                    Some(control) => {
                        match control.send(input, prompt.when_running == WhenRunning::Interrupt) {
                            Ok(()) => return Ok(Prompted::Queued),
                            // The turn has read its last message and is about to end.
                            Err(back) => input = back,
                        }
                    }
                    None => {
                        let control = Control::new();
                        *slot = Some(control.clone());
                        live.idle.send_replace(false);
                        drop(slot);
                        self.name_session(&live, &input.text);
                        tokio::spawn(turn(Arc::clone(&live), input, control));
                        return Ok(Prompted::Started);
                    }
                }
            }
            self.idle(prompt.session_id).await?;
        }
    }

    pub(crate) async fn session_cancel(
        &self,
        SessionRef { session_id }: SessionRef,
    ) -> Result<Nothing, Failure> {
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
        Ok(self.live(since.session_id).await?.host.log.since(since.seq))
    }

    fn name_session(&self, live: &Live, text: &str) {
        const MAX_CHARS: usize = 80;
        let mut session = live.session();
        if !session.title.is_empty() {
            return;
        }
        let line = text
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default()
            .trim();
        session.title = line
            .chars()
            .filter(|char| !char.is_control())
            .take(MAX_CHARS)
            .collect();
        live.host.log.keep(vec![Write::Title {
            id: session.id,
            title: session.title.clone(),
        }]);
    }
}

/// Takes a turn. A message that comes too late for it waits in [`Engine::session_prompt`] and starts the next one.
async fn turn(live: Arc<Live>, input: UserInput, control: Control) {
    if let Some(agent) = live.agent.get() {
        let mut agent = agent.lock().await;
        let end = agent.run_turn(TurnId::new(), input, &control).await;
        if let TurnEnd::Failed(failure) = &end {
            tracing::warn!(code = ?failure.code, message = failure.message, at = now(), "the turn failed");
        }
    }
    live.host.end_turn().await;
    *live.control() = None;
    live.idle.send_replace(true);
}
