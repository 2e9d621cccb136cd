//! One request to the model: its items as they come, and what is kept of a reply that broke off.

use crate::{
    context,
    control::Control,
    host::Host,
    reply::ReplyItems,
    tools,
    turn::{Agent, Progress},
};
use kerf_egress::About;
use kerf_model::{ErrorKind, ModelError, Part, Reply, Request};
use kerf_protocol::{TurnId, event::EventBody, item::ItemStatus, ledger::Purpose};

impl<H: Host> Agent<H> {
    /// Sends the conversation and adds the reply to it.
    pub(crate) async fn request(
        &mut self,
        progress: &mut Progress,
        control: &Control,
    ) -> Result<Reply, ModelError> {
        let action = control.begin_action();
        let bytes = self.context_bytes(&progress.system);
        let cache_key = self.setup.session_id.to_string();
        let request = Request {
            system: &progress.system,
            messages: self.conversation.messages(),
            tools: tools::specs(),
            about: self.about(Purpose::Turn, progress.turn_id),
            max_output_tokens: None,
            output_schema: progress.output_schema.as_ref(),
            cache_key: &cache_key,
        };
        let mut items = ReplyItems::new(&*self.host, progress.turn_id, progress.step);
        let result = kerf_model::stream(
            &self.setup.door,
            &self.setup.target,
            &request,
            &action,
            &mut |delta| items.delta(delta),
        )
        .await;
        match result {
            Ok(reply) => {
                let last = items
                    .complete(&reply.parts, ItemStatus::Completed)
                    .unwrap_or_default();
                self.conversation.push_reply(reply.parts.clone(), last);
                if let Some(usage) = &reply.usage {
                    context::add(&mut progress.usage, usage);
                    self.meter.learn(bytes, usage);
                } else {
                    progress.usage.input_tokens += self.meter.tokens(bytes);
                    progress.usage.estimated = true;
                }
                let bytes = self.context_bytes(&progress.system);
                let context = self.meter.context(bytes, reply.usage.as_ref());
                self.host.emit(EventBody::ContextUpdated {
                    context,
                    usage: progress.usage,
                });
                Ok(reply)
            }
            Err(error) => {
                let cancelled = matches!(error.kind, ErrorKind::Cancelled);
                let status = if cancelled {
                    ItemStatus::Cancelled
                } else {
                    ItemStatus::Failed
                };
                let last = items.complete(&error.partial, status);
                if let Some(usage) = &error.usage {
                    context::add(&mut progress.usage, usage);
                }
                // What was said is kept for the next request; half a thought cannot go back.
                let said: Vec<Part> = error
                    .partial
                    .iter()
                    .filter(|part| matches!(part, Part::Text(text) if !text.is_empty()))
                    .cloned()
                    .collect();
                if let Some(last) = last {
                    self.conversation.push_reply(said, last);
                }
                Err(error)
            }
        }
    }

    pub(crate) fn about(&self, purpose: Purpose, turn_id: TurnId) -> About {
        About {
            purpose,
            session_id: Some(self.setup.session_id),
            turn_id: Some(turn_id),
            files: self.conversation.quotes(self.map.as_ref()),
        }
    }
}
