//! `kerf exec --attempts` and `kerf attempts`: several attempts of one request, beside each other.

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
        Attempt, AttemptBy, AttemptState, Comparison, MAX_ATTEMPTS, Pick, RunCheck, StartAttempts,
        TakeAttempts, TakePreview, TaskRef,
    },
    event::EventBody,
    request::{SessionRef, method},
    review::{Review, Target},
};
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
        }) => {
            let task_id = find_task(engine, folder, &task).await?;
            let compared = engine
                .call::<method::AttemptsCompare>(TaskRef { task_id })
                .await?;
            let picks: Result<Vec<Pick>, Failure> =
                parts.iter().map(|part| pick(&compared, part)).collect();
            let picks = picks?;
            take(engine, TakeAttempts { task_id, picks }, preview, output).await
        }
        Some(OfAttempts::Check { task, command }) => {
            let task_id = find_task(engine, folder, &task).await?;
            check(engine, task_id, command, output).await
        }
    }
}

async fn take(
    engine: &Engine,
    take: TakeAttempts,
    preview: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    if preview {
        let shown = engine.call::<method::AttemptsPreview>(take).await?;
        let fits = shown.files.iter().all(|file| file.conflict.is_none());
        if output.json() {
            output.object(&shown);
        } else {
            print_preview(&shown, output);
        }
        output.flush();
        return Ok(if fits { Exit::Done } else { Exit::Failed });
    }
    let taken = engine.call::<method::AttemptsTake>(take).await?;
    if output.json() {
        output.object(&taken);
    } else {
        let hunks: u32 = taken.decided.iter().map(|decided| decided.hunks).sum();
        output.line(&format!("{} taken", review::counted(hunks, "hunk")));
        for path in &taken.written {
            output.line(&format!("  wrote {}", visible(path)));
        }
    }
    output.flush();
    Ok(Exit::Done)
}

fn print_preview(shown: &TakePreview, output: &Output) {
    if shown.files.is_empty() {
        output.line("nothing would change");
    }
    for file in &shown.files {
        let numbers: Vec<String> = file.attempts.iter().map(ToString::to_string).collect();
        let of = numbers.join(", ");
        match (&file.conflict, &file.change) {
            (Some(conflict), _) => {
                let line = format!("{}  of {of}: {}", visible(&file.path), visible(conflict));
                output.line(&output.styled(Style::Bad, &line));
            }
            (None, Some(change)) => {
                output.line(&format!("{}  of {of}", visible(&file.path)));
                let files = vec![change.clone()];
                diff::print(&Review { files }, false, output);
            }
            (None, None) => {}
        }
    }
}

/// Runs one command, or each that passed in an attempt.
async fn check(
    engine: &Engine,
    task_id: TaskId,
    command: Option<String>,
    output: &Output,
) -> Result<Exit, Failure> {
    let compared = engine
        .call::<method::AttemptsCompare>(TaskRef { task_id })
        .await?;
    let all = compared.attempts.iter().flat_map(|attempt| &attempt.checks);
    let mut wanted: Vec<(String, String)> = Vec::new();
    for check in all {
        let is_meant = match &command {
            Some(command) => check.command == *command,
            None => check.passed,
        };
        let one = (check.command.clone(), check.cwd.clone());
        if is_meant && !wanted.contains(&one) {
            wanted.push(one);
        }
    }
    if wanted.is_empty() {
        return Err(usage(
            "no attempt ran such a check after its last change",
            "`kerf attempts` lists what they ran",
        ));
    }
    let mut all_passed = true;
    for (command, cwd) in wanted {
        let run = RunCheck {
            task_id,
            command: command.clone(),
            cwd,
        };
        let checked = engine.call::<method::AttemptsCheck>(run).await?;
        all_passed &= checked.passed;
        if output.json() {
            output.object(&checked);
        } else {
            let (style, word) = outcome(checked.passed, checked.code);
            let word = output.styled(style, &word);
            output.line(&format!("{word}  {}", visible(&command)));
            if !checked.passed {
                output.line(&visible(&checked.output));
            }
        }
        output.flush();
    }
    Ok(if all_passed { Exit::Done } else { Exit::Failed })
}

/// How a check ended, in a word.
fn outcome(passed: bool, code: Option<i32>) -> (Style, String) {
    match code {
        _ if passed => (Style::Good, "passed".to_owned()),
        Some(code) => (Style::Bad, format!("failed with {code}")),
        None => (Style::Bad, "stopped".to_owned()),
    }
}

/// `2`, `2:src/lib.rs` or `2:src/lib.rs:3`. A path may itself end in a colon and a number: files are asked first.
fn pick(compared: &Comparison, part: &str) -> Result<Pick, Failure> {
    let wrong = |why: String| usage(why, "Give it as ATTEMPT, ATTEMPT:PATH or ATTEMPT:PATH:HUNK");
    let (number, rest) = match part.split_once(':') {
        Some((number, rest)) => (number, Some(rest)),
        None => (part, None),
    };
    let attempt = number
        .parse::<u32>()
        .ok()
        .and_then(|number| {
            compared
                .attempts
                .iter()
                .find(|attempt| attempt.number == number)
        })
        .ok_or_else(|| wrong(format!("there is no attempt `{number}`")))?;
    let has = |path: &str| compared.files.iter().any(|file| file.path == path);
    let target = match rest {
        None => Target::All,
        Some(path) if has(path) => Target::File {
            path: path.to_owned(),
        },
        Some(rest) => {
            let hunk = rest
                .rsplit_once(':')
                .and_then(|(path, hunk)| Some((path, hunk.parse::<u32>().ok()?)))
                .filter(|(path, _)| has(path));
            let Some((path, hunk)) = hunk else {
                return Err(wrong(format!("no attempt changed `{rest}`")));
            };
            Target::Hunk {
                path: path.to_owned(),
                hunk,
                id: None,
            }
        }
    };
    Ok(Pick {
        session_id: attempt.session.id,
        target,
    })
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
