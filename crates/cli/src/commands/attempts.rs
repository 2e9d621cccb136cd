//! `kerf exec --attempts` and `kerf attempts`: several attempts of one request, beside each other.

mod take;

use crate::{
    args::{Attempts, OfAttempts},
    commands::{diff, exec::Stops, find_session, review, usage},
    exit::Exit,
    output::{Output, Style, visible},
};
use kerf_engine::Engine;
use kerf_protocol::{
    Failure, SessionId, TaskId,
    attempt::{
        Attempt, AttemptBy, AttemptState, Comparison, MAX_ATTEMPTS, Pick, StartAttempts,
        TakeAttempts, TaskRef,
    },
    event::EventBody,
    request::{SessionRef, method},
    review::Review,
};
use take::{Take, check, commands, pick};
use tokio::sync::mpsc;

/// So many events wait to be written out; the engine holds the others.
const EVENTS: usize = 256;

/// Who makes how many attempts.
pub(super) struct By {
    pub(super) attempts: u8,
    pub(super) endpoints: Vec<String>,
    pub(super) models: Vec<String>,
}

impl By {
    /// An entry an attempt: models and endpoints take turns.
    pub(super) fn each(self) -> Result<Vec<AttemptBy>, Failure> {
        let count = usize::from(self.attempts);
        if !(1..=MAX_ATTEMPTS).contains(&count) {
            return Err(usage(
                format!("--attempts {count} is not 1 to {MAX_ATTEMPTS}"),
                "",
            ));
        }
        let turn = |names: &[String], index: usize| names.get(index % names.len().max(1)).cloned();
        Ok((0..count)
            .map(|index| AttemptBy {
                endpoint: turn(&self.endpoints, index),
                model: turn(&self.models, index),
            })
            .collect())
    }
}

/// Begins the attempts, and waits for all of them.
pub(super) async fn start(
    engine: &Engine,
    start: StartAttempts,
    mut stops: Stops,
    output: &Output,
) -> Result<Exit, Failure> {
    let started = engine.call::<method::AttemptsStart>(start).await?;
    let (ended, mut ends) = mpsc::channel(EVENTS);
    for (index, session) in started.sessions.iter().enumerate() {
        if !output.json() {
            eprintln!(
                "kerf: attempt {} works in {}",
                index + 1,
                visible(&session.folder)
            );
        }
        let mut events = engine.subscribe(session.id).await?;
        let ended = ended.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                let is_end = matches!(
                    event.body,
                    EventBody::TurnCompleted { .. } | EventBody::TurnFailed { .. }
                );
                if ended.send((index, event)).await.is_err() || is_end {
                    return;
                }
            }
        });
    }
    drop(ended);
    loop {
        tokio::select! {
            event = ends.recv() => match event {
                None => break,
                Some((index, event)) => {
                    if output.json() {
                        output.object(&*event);
                        output.flush();
                    } else if let EventBody::TurnCompleted { .. } | EventBody::TurnFailed { .. } = event.body {
                        eprintln!("kerf: attempt {} has ended", index + 1);
                    }
                }
            },
            () = stops.next() => {
                if stops.count > 1 {
                    return Ok(Exit::Cancelled);
                }
                for session in &started.sessions {
                    let session_id = session.id;
                    engine.call::<method::SessionCancel>(SessionRef { session_id }).await?;
                }
            }
        }
    }
    // The last events are told before the turns have let go of their sessions.
    for session in &started.sessions {
        engine.idle(session.id).await?;
    }
    let compared = compare(engine, started.task_id, false, output).await?;
    let states = || compared.attempts.iter().map(|attempt| attempt.state);
    Ok(if states().any(|state| state == AttemptState::Completed) {
        Exit::Done
    } else if states().all(|state| state == AttemptState::Cancelled) {
        Exit::Cancelled
    } else {
        Exit::Failed
    })
}

pub(crate) async fn run(
    engine: &Engine,
    folder: &str,
    arguments: Attempts,
    output: &Output,
) -> Result<Exit, Failure> {
    match arguments.command {
        None => {
            let name = arguments.task.unwrap_or_else(|| "last".to_owned());
            let task_id = find_task(engine, folder, &name).await?;
            compare(engine, task_id, arguments.lines, output).await?;
            Ok(Exit::Done)
        }
        Some(OfAttempts::Take {
            task,
            parts,
            preview,
            check,
        }) => {
            let task_id = find_task(engine, folder, &task).await?;
            let compared = engine
                .call::<method::AttemptsCompare>(TaskRef { task_id })
                .await?;
            let picks: Result<Vec<Pick>, Failure> =
                parts.iter().map(|part| pick(&compared, part)).collect();
            let picks = picks?;
            let checks = if check {
                commands(&compared, None)?
            } else {
                Vec::new()
            };
            let take = Take {
                parts: TakeAttempts {
                    task_id,
                    picks,
                    planned: None,
                },
                preview,
                checks,
            };
            take.run(engine, output).await
        }
        Some(OfAttempts::Check { task, command }) => {
            let task_id = find_task(engine, folder, &task).await?;
            check(engine, task_id, command, output).await
        }
    }
}

/// How a check ended, in a word.
fn outcome(passed: bool, code: Option<i32>) -> (Style, String) {
    match code {
        _ if passed => (Style::Good, "passed".to_owned()),
        Some(code) => (Style::Bad, format!("failed with exit code {code}")),
        None => (Style::Bad, "stopped".to_owned()),
    }
}

/// The task that the user means: its id, or any of its sessions.
async fn find_task(engine: &Engine, folder: &str, name: &str) -> Result<TaskId, Failure> {
    if let Ok(task_id) = name.parse::<TaskId>() {
        let found = engine
            .call::<method::AttemptsCompare>(TaskRef { task_id })
            .await;
        if found.is_ok() {
            return Ok(task_id);
        }
    }
    let session_id: SessionId = find_session(engine, folder, name).await?;
    let transcript = engine
        .call::<method::SessionShow>(SessionRef { session_id })
        .await?;
    Ok(transcript.session.task_id)
}

async fn compare(
    engine: &Engine,
    task_id: TaskId,
    lines: bool,
    output: &Output,
) -> Result<Comparison, Failure> {
    let compared = engine
        .call::<method::AttemptsCompare>(TaskRef { task_id })
        .await?;
    if output.json() {
        output.object(&compared);
    } else {
        print(&compared, lines, output);
    }
    output.flush();
    Ok(compared)
}

fn print(compared: &Comparison, lines: bool, output: &Output) {
    output.line(&format!(
        "task {}  {}",
        compared.task_id,
        visible(compared.request.lines().next().unwrap_or_default())
    ));
    for attempt in &compared.attempts {
        output.line(&output.styled(Style::Strong, &heading(attempt)));
        for check in &attempt.checks {
            let (style, word) = outcome(check.passed, check.code);
            output.line(&format!(
                "    {}  {}",
                output.styled(style, &word),
                visible(&check.command)
            ));
        }
        for words in [&attempt.stopped, &attempt.problem] {
            if !words.is_empty() {
                output.line(&format!("    {}", visible(words)));
            }
        }
    }
    for file in &compared.files {
        output.line(&visible(&file.path));
        for (index, of) in file.attempts.iter().enumerate() {
            let what = match of {
                None => "as it was".to_owned(),
                Some(of) => {
                    let added: u32 = of.hunks.iter().map(|hunk| hunk.added).sum();
                    let removed: u32 = of.hunks.iter().map(|hunk| hunk.removed).sum();
                    let hunks = u32::try_from(of.hunks.len()).unwrap_or(u32::MAX);
                    format!("+{added} -{removed} in {}", review::counted(hunks, "hunk"))
                }
            };
            let like = file.same.iter().find_map(|group| {
                let here = u32::try_from(index).ok()?;
                let first = group
                    .first()
                    .filter(|first| **first < here && group.contains(&here));
                first.map(|first| format!(", the same as attempt {}", first + 1))
            });
            output.line(&format!(
                "  {}  {what}{}",
                index + 1,
                like.unwrap_or_default()
            ));
            if let (true, Some(of)) = (lines, of) {
                let review = Review {
                    files: vec![of.clone()],
                };
                diff::print(&review, true, output);
            }
        }
    }
}

fn heading(attempt: &Attempt) -> String {
    let state = match attempt.state {
        AttemptState::Queued => "waits",
        AttemptState::Running => "works",
        AttemptState::Completed => "done",
        AttemptState::Failed => "failed",
        AttemptState::Cancelled => "stopped",
        AttemptState::Interrupted => "interrupted",
    };
    let usage = attempt.session.usage;
    let cost = attempt
        .cost
        .map(|cost| format!("  cost {}.{:04}", cost / 10_000, cost % 10_000))
        .unwrap_or_default();
    format!(
        "  {}  {state}  {}  {}  +{} -{}  {}.{} s  {} tokens{cost}",
        attempt.number,
        visible(&attempt.session.endpoint.model),
        review::counted(attempt.files, "file"),
        attempt.added,
        attempt.removed,
        attempt.duration_ms / 1000,
        attempt.duration_ms % 1000 / 100,
        usage.input_tokens + usage.output_tokens,
    )
}
