//! The attempts of a task beside each other.

use crate::{
    checks::counting,
    engine::Engine,
    failure::{failure, from_store},
};
use kerf_protocol::{
    Code, Failure, TaskId,
    attempt::{Attempt, AttemptState, ComparedFile, Comparison, TaskRef},
    endpoint::Usage,
    item::ItemBody,
    request::SessionRef,
    review::{Hunk, Review, ReviewFile},
    session::{Session, Transcript, TurnState},
    settings::Prices,
};
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    pub(crate) async fn attempts_compare(
        &self,
        TaskRef { task_id }: TaskRef,
    ) -> Result<Comparison, Failure> {
        let sessions = self.attempts_of(task_id).await?;
        let prices = self.settings()?.app.prices;
        let gone = self.store().interrupted().await.map_err(from_store)?;
        let (mut attempts, mut reviews, mut request) = (Vec::new(), Vec::new(), String::new());
        for (index, session) in sessions.into_iter().enumerate() {
            let transcript = self
                .store()
                .transcript(session.id)
                .await
                .map_err(from_store)?;
            if index == 0 {
                request = first_message(&transcript).unwrap_or_else(|| session.title.clone());
            }
            let state = match transcript.turns.last().map(|turn| turn.state) {
                None => AttemptState::Queued,
                Some(TurnState::Running) if gone.iter().any(|gone| gone.id == session.id) => {
                    AttemptState::Interrupted
                }
                Some(TurnState::Running) => AttemptState::Running,
                Some(TurnState::Completed) => AttemptState::Completed,
                Some(TurnState::Failed) => AttemptState::Failed,
                Some(TurnState::Cancelled) => AttemptState::Cancelled,
                Some(TurnState::Interrupted) => AttemptState::Interrupted,
            };
            // One that cannot be looked at, because its worktree is gone, does not hide the others.
            let session_id = session.id;
            let (review, problem) = match self.review_show(SessionRef { session_id }).await {
                Ok(review) => (review, String::new()),
                Err(failure) => (Review::default(), failure.message),
            };
            let hunks = || review.files.iter().flat_map(|file| &file.hunks);
            attempts.push(Attempt {
                number: count(index + 1),
                state,
                files: count(review.files.len()),
                hunks: count(hunks().count()),
                added: hunks().map(|hunk| hunk.added).sum(),
                removed: hunks().map(|hunk| hunk.removed).sum(),
                checks: counting(&transcript),
                duration_ms: duration(&transcript),
                stopped: why_stopped(&transcript),
                cost: prices
                    .get(&session.endpoint.name)
                    .map(|prices| cost(session.usage, *prices)),
                session,
                problem,
            });
            reviews.push(review);
        }
        Ok(Comparison {
            task_id,
            request,
            attempts,
            files: aligned(reviews),
        })
    }

    /// The sessions of a task, the first first.
    pub(super) async fn attempts_of(&self, task_id: TaskId) -> Result<Vec<Session>, Failure> {
        let sessions = self.store().attempts(task_id).await.map_err(from_store)?;
        if sessions.is_empty() {
            return Err(failure(
                Code::NotFound,
                format!("there is no task {task_id}"),
                "`kerf sessions` lists the attempts of tasks",
            ));
        }
        Ok(sessions)
    }
}

fn first_message(transcript: &Transcript) -> Option<String> {
    let mut items = transcript.turns.iter().flat_map(|turn| &turn.items);
    items.find_map(|item| match &item.body {
        ItemBody::UserMessage { text, .. } => Some(text.clone()),
        _ => None,
    })
}

/// What the last turn says of why it did not come to its end.
fn why_stopped(transcript: &Transcript) -> String {
    let last = transcript.turns.last();
    let ended = last.filter(|turn| matches!(turn.state, TurnState::Cancelled | TurnState::Failed));
    let items = ended.into_iter().flat_map(|turn| turn.items.iter().rev());
    let mut failures = items.filter_map(|item| match &item.body {
        ItemBody::Error { failure } => Some(failure.message.clone()),
        _ => None,
    });
    failures.next().unwrap_or_default()
}

/// From the first turn's begin to the end of the last item.
fn duration(transcript: &Transcript) -> u64 {
    let began = transcript.turns.first().map_or(0, |turn| turn.created_at);
    let items = transcript.turns.iter().flat_map(|turn| &turn.items);
    let ends = items.map(|item| {
        let took = match &item.body {
            ItemBody::ToolCall(call) => call.duration_ms.unwrap_or(0),
            _ => 0,
        };
        item.created_at.saturating_add_unsigned(took)
    });
    let ended = ends.max().unwrap_or(began);
    u64::try_from(ended.saturating_sub(began)).unwrap_or(0)
}

/// In hundredths of a cent. Tokens from the cache without a price of their own cost as much as the others.
pub(super) fn cost(usage: Usage, prices: Prices) -> u64 {
    let cached = usage.cached_input_tokens.min(usage.input_tokens);
    let cached_price = if prices.cached_input == 0 {
        prices.input
    } else {
        prices.cached_input
    };
    let parts = [
        (usage.input_tokens - cached, prices.input),
        (cached, cached_price),
        (usage.output_tokens, prices.output),
    ];
    let sum: u128 = parts
        .iter()
        .map(|(tokens, price)| u128::from(*tokens) * u128::from(*price))
        .sum();
    u64::try_from(sum / 1_000_000).unwrap_or(u64::MAX)
}

/// Each file that any attempt changed, with what each made of it.
fn aligned(reviews: Vec<Review>) -> Vec<ComparedFile> {
    let paths: BTreeSet<String> = reviews
        .iter()
        .flat_map(|review| review.files.iter().map(|file| file.path.clone()))
        .collect();
    let mut by_path: Vec<BTreeMap<String, ReviewFile>> = reviews
        .into_iter()
        .map(|review| {
            review
                .files
                .into_iter()
                .map(|file| (file.path.clone(), file))
                .collect()
        })
        .collect();
    paths
        .into_iter()
        .map(|path| {
            let attempts: Vec<Option<ReviewFile>> = by_path
                .iter_mut()
                .map(|files| files.remove(&path))
                .collect();
            let same = groups(&attempts);
            ComparedFile {
                path,
                attempts,
                same,
            }
        })
        .collect()
}

/// Attempts that made the same of a file.
fn groups(attempts: &[Option<ReviewFile>]) -> Vec<Vec<u32>> {
    let mut groups: Vec<Vec<u32>> = Vec::new();
    for (index, attempt) in attempts.iter().enumerate() {
        let Some(file) = attempt else { continue };
        let known = groups.iter_mut().find(|group| {
            let first = group
                .first()
                .and_then(|first| attempts.get(*first as usize));
            first
                .and_then(Option::as_ref)
                .is_some_and(|first| is_same(first, file))
        });
        match known {
            Some(group) => group.push(count(index)),
            None => groups.push(vec![count(index)]),
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// Whether two files show the same change, whoever made it and whatever was decided.
fn is_same(a: &ReviewFile, b: &ReviewFile) -> bool {
    let lines = |hunk: &Hunk| hunk.lines.clone();
    a.status == b.status
        && a.summary == b.summary
        && a.hunks.iter().map(lines).eq(b.hunks.iter().map(lines))
        && (a.opaque.is_none() && b.opaque.is_none())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
