//! Makes room when the context is nearly full: old outputs go first, then a summary takes the history's place.

use crate::{
    context,
    control::Control,
    host::Host,
    prompt,
    reply::now,
    tools,
    turn::{Agent, Progress},
};
use kerf_model::{Part, Request};
use kerf_protocol::{
    Code, Failure, ItemId,
    event::EventBody,
    item::{Item, ItemBody, ItemStatus},
    ledger::Purpose,
};

impl<H: Host> Agent<H> {
    /// Trims old outputs; where that is not enough, puts a summary in the place of the history.
    pub(crate) async fn make_room(
        &mut self,
        progress: &mut Progress,
        control: &Control,
    ) -> Result<(), Failure> {
        // What the endpoint refused once cannot be sent whole for a summary either, so less is kept then.
        let keep = if progress.squeezed == 0 { 6 } else { 2 };
        self.conversation
            .trim_outputs(self.meter.trim_target(), keep);
        if !self.meter.is_full(self.context_bytes(&progress.system)) {
            return Ok(());
        }
        let full = || Failure {
            code: Code::ContextFull,
            message: "the conversation does not fit into the model's context window".to_owned(),
            hint: "Start a new session, or choose a model with a larger window".to_owned(),
        };
        let cut = self
            .conversation
            .cut_before(self.meter.tail())
            .ok_or_else(full)?;
        let up_to = self.conversation.item_before(cut).ok_or_else(full)?;
        let summary = self.summarise(progress, control, up_to).await?;
        self.conversation.replace_before(cut, &summary);
        let item = Item {
            id: ItemId::new(),
            turn_id: progress.turn_id,
            created_at: now(),
            status: ItemStatus::Completed,
            step: 0,
            part: 0,
            body: ItemBody::Summary {
                text: summary,
                up_to,
            },
        };
        self.host
            .emit(EventBody::ItemStarted { item: item.clone() });
        self.host.emit(EventBody::ItemCompleted { item });
        if self.meter.is_full(self.context_bytes(&progress.system)) {
            Err(full())
        } else {
            Ok(())
        }
    }

    async fn summarise(
        &mut self,
        progress: &mut Progress,
        control: &Control,
        up_to: ItemId,
    ) -> Result<String, Failure> {
        let action = control.begin_action();
        let cache_key = self.setup.session_id.to_string();
        self.conversation
            .push_text(prompt::SUMMARISE.to_owned(), up_to);
        let request = Request {
            system: &progress.system,
            messages: self.conversation.messages(),
            tools: tools::specs(),
            about: self.about(Purpose::Summary, progress.turn_id),
            max_output_tokens: None,
            output_schema: None,
            cache_key: &cache_key,
        };
        let result = kerf_model::stream(
            &self.setup.door,
            &self.setup.target,
            &request,
            &action,
            &mut |_| {},
        )
        .await;
        self.conversation.pop();
        let reply = result.map_err(|error| error.to_failure())?;
        if let Some(usage) = &reply.usage {
            context::add(&mut progress.usage, usage);
        }
        let text: String = reply
            .parts
            .iter()
            .filter_map(|part| {
                if let Part::Text(text) = part {
                    Some(text.as_str())
                } else {
                    None
                }
            })
            .collect();
        if text.trim().is_empty() {
            return Err(Failure {
                code: Code::Endpoint,
                message: "the model gave no summary of the conversation, which no longer fits its context window".to_owned(),
                hint: "Start a new session, or choose a model with a larger window".to_owned(),
            });
        }
        Ok(text)
    }
}
