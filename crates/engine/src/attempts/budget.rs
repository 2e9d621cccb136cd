//! What an attempt may use, and how it is stopped when that is gone.
//!
//! Tokens and cost are counted after each request, so that the last one may go beyond; time is exact. Why an attempt was
//! stopped stands in its conversation, as an item, and is there for good.

use crate::{attempts::compare::cost, engine::Engine, failure::failure, feed::Events};
use kerf_protocol::{
    Code, Failure, SessionId, TurnId,
    attempt::{AttemptBy, Budget},
    endpoint::Usage,
    event::EventBody,
    item::{ItemBody, ItemStatus},
    request::SessionRef,
    settings::Prices,
};
use std::time::Duration;

/// The budget of one attempt, with the prices that count for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    budget: Budget,
    prices: Option<Prices>,
}

/// What is gone, and the turn that used it.
pub(super) struct Over {
    turn_id: Option<TurnId>,
    words: String,
}

impl Limits {
    /// Waits until some of the budget is gone. It never is when nothing is limited.
    pub(super) async fn passed(self, events: Events) -> Over {
        let mut turn_id = None;
        let counted = self.counted(events, &mut turn_id);
        let Some(seconds) = self.budget.seconds else {
            return counted.await;
        };
        match tokio::time::timeout(Duration::from_secs(seconds), counted).await {
            Ok(over) => over,
            Err(_) => Over {
                turn_id,
                words: format!("it has worked for its {}", in_words(seconds)),
            },
        }
    }

    async fn counted(self, mut events: Events, turn: &mut Option<TurnId>) -> Over {
        while let Some(event) = events.recv().await {
            match &event.body {
                EventBody::TurnStarted { turn_id, .. } => *turn = Some(*turn_id),
                EventBody::ContextUpdated { usage, .. } => {
                    if let Some(words) = self.over(*usage) {
                        let turn_id = *turn;
                        return Over { turn_id, words };
                    }
                }
                _ => {}
            }
        }
        // Who waits for the end of the turn hears of it there.
        std::future::pending().await
    }

    /// What of the budget a turn has used up, in words.
    fn over(&self, usage: Usage) -> Option<String> {
        let used = usage.input_tokens.saturating_add(usage.output_tokens);
        if let Some(tokens) = self.budget.tokens.filter(|tokens| used > *tokens) {
            return Some(format!("it has used {used} of its {tokens} tokens"));
        }
        let spent = cost(usage, self.prices?);
        let may = self.budget.cost.filter(|may| spent > *may)?;
        let [spent, may] =
            [spent, may].map(|cost| format!("{}.{:04}", cost / 10_000, cost % 10_000));
        Some(format!("it has cost {spent}, and its budget is {may}"))
    }
}

impl Engine {
    /// The limits of each attempt.
    ///
    /// # Errors
    /// When the cost is limited and an endpoint has no price.
    pub(super) async fn limits_of(
        &self,
        budget: Budget,
        attempts: &[AttemptBy],
    ) -> Result<Vec<Limits>, Failure> {
        let known = self.settings()?.app.prices;
        let mut limits = Vec::new();
        for AttemptBy { endpoint, .. } in attempts {
            let mut prices = None;
            if budget.cost.is_some() {
                let name = self.choose_endpoint(endpoint.as_deref()).await?.name;
                prices = known.get(&name).copied();
                if prices.is_none() {
                    return Err(failure(
                        Code::Usage,
                        format!(
                            "the endpoint `{name}` has no price, so what it costs cannot be limited"
                        ),
                        "Give it one in the settings, or limit tokens or time",
                    ));
                }
            }
            limits.push(Limits { budget, prices });
        }
        Ok(limits)
    }

    /// Stops an attempt that has used its budget up, and says so in its conversation.
    pub(super) async fn stop_at(&self, session_id: SessionId, over: Over) -> Result<(), Failure> {
        let live = self.live(session_id).await?;
        tracing::info!(%session_id, words = over.words, "an attempt is stopped at its budget");
        if let Some(turn_id) = over.turn_id.filter(|_| live.is_taking_turn()) {
            let failure = failure(
                Code::Cancelled,
                format!("stopped at its budget: {}", over.words),
                "A message goes on without a budget",
            );
            let body = ItemBody::Error { failure };
            live.host.tell(turn_id, ItemStatus::Cancelled, body);
        }
        self.session_cancel(SessionRef { session_id })
            .await
            .map(drop)
    }
}

/// `90 seconds`, `10 minutes`.
fn in_words(seconds: u64) -> String {
    match seconds {
        1 => "second".to_owned(),
        60 => "minute".to_owned(),
        _ if seconds.is_multiple_of(60) => format!("{} minutes", seconds / 60),
        _ => format!("{seconds} seconds"),
    }
}
