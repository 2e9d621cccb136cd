//! Questions to the user: how they are put and kept, and what their answers do.

use crate::{
    calls::Stop,
    host::{Host, Nobody},
    policy::{self, Verdict},
    reply::now,
    rules::Asking,
    tools::ToolOutput,
    turn::Agent,
};
use kerf_protocol::{
    Failure, ItemId, QuestionId, TurnId,
    event::EventBody,
    item::{Item, ItemBody, ItemStatus},
    policy::{Answer, Question, QuestionAbout},
    rule::RuleVerdict,
};
use kerf_rules::{Entry, Rule};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

impl<H: Host> Agent<H> {
    /// Puts a question and keeps it with its answer. Returns the item that holds them, and the answer; none: the
    /// user stopped instead.
    pub(crate) async fn ask(
        &self,
        turn_id: TurnId,
        item_id: ItemId,
        asking: Asking,
        action: &CancellationToken,
    ) -> (ItemId, Option<Result<Answer, Nobody>>) {
        let Asking {
            about,
            session,
            project,
            because,
        } = asking;
        // Words are an answer to a question of the model's; to all others they are a no with a reason.
        let words_refuse = matches!(
            about,
            QuestionAbout::Command { .. }
                | QuestionAbout::Network { .. }
                | QuestionAbout::Edit { .. }
        );
        let question = Question {
            id: QuestionId::new(),
            item_id,
            sources: self.conversation.sources(&about),
            about,
            session,
            project,
            because,
        };
        let mut item = Item {
            id: ItemId::new(),
            turn_id,
            created_at: now(),
            status: ItemStatus::Waiting,
            step: 0,
            part: 0,
            body: ItemBody::Approval {
                question: question.clone(),
                answer: None,
            },
        };
        self.host
            .emit(EventBody::ItemStarted { item: item.clone() });
        self.host.emit(EventBody::ApprovalRequested {
            question: question.clone(),
        });
        let answer = tokio::select! {
            biased;
            () = action.cancelled() => None,
            answer = self.host.ask(question.clone()) => Some(answer),
        };
        item.status = match &answer {
            None => ItemStatus::Cancelled,
            Some(Err(Nobody) | Ok(Answer::Deny { .. })) => ItemStatus::Denied,
            Some(Ok(Answer::Text { .. })) if words_refuse => ItemStatus::Denied,
            Some(Ok(_)) => ItemStatus::Completed,
        };
        item.body = ItemBody::Approval {
            question,
            answer: answer.clone().and_then(Result::ok),
        };
        let asked = item.id;
        self.host.emit(EventBody::ItemCompleted { item });
        (asked, answer)
    }

    /// The policy's verdict, with the user's answer where it asks. `Some` ends the call.
    pub(crate) async fn settle(
        &mut self,
        turn_id: TurnId,
        item_id: ItemId,
        verdict: Verdict,
        asking: impl FnOnce() -> Asking,
        action: &CancellationToken,
        remember: impl FnOnce(&mut policy::Allowances),
    ) -> Result<Option<ToolOutput>, Stop> {
        match verdict {
            Verdict::Go => Ok(None),
            Verdict::Refuse(reason) => {
                Ok(Some(ToolOutput::with_status(ItemStatus::Denied, reason)))
            }
            Verdict::Ask => {
                let asking = asking();
                let offered = asking.project.as_ref().map(|offer| offer.text.clone());
                match self.ask(turn_id, item_id, asking, action).await.1 {
                    None => Ok(Some(ToolOutput::with_status(ItemStatus::Cancelled, "Stopped by the user."))),
                    Some(Ok(Answer::Allow)) => Ok(None),
                    Some(Ok(Answer::AllowForProject)) => {
                        if let Some(text) = offered {
                            self.keep_rule(&text).await?;
                        }
                        Ok(None)
                    }
                    Some(Ok(Answer::AllowForSession)) => {
                        remember(&mut self.allowed);
                        Ok(None)
                    }
                    // Only a clear yes is one: words instead of it say what to do instead.
                    Some(Ok(Answer::Deny { reason } | Answer::Text { text: reason })) => Ok(Some(ToolOutput::with_status(
                        ItemStatus::Denied,
                        if reason.is_empty() { "The user refused this.".to_owned() } else { format!("The user refused this: {reason}") },
                    ))),
                    Some(Err(Nobody)) => Err(Stop::Fatal(Failure {
                        code: kerf_protocol::Code::Denied,
                        message: "this needs an approval, and nobody is there to give it".to_owned(),
                        hint: "Run it in a terminal, or choose `--approve auto` to let everything go ahead that stays inside the sandbox".to_owned(),
                    })),
                }
            }
        }
    }

    /// Keeps the rule that a question offered. It is on disk before the call goes ahead.
    async fn keep_rule(&mut self, text: &str) -> Result<(), Stop> {
        let origin = self.host.keep_rule(text).await;
        let origin = origin.map_err(|error| Stop::Fatal(error.0))?;
        // What was offered is a rule.
        if let Ok(rule) = Rule::parse(text) {
            Arc::make_mut(&mut self.setup.rules).add(Entry {
                verdict: RuleVerdict::Allow,
                origin,
                rule,
            });
        }
        Ok(())
    }
}
