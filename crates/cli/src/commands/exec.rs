//! `kerf exec` and `kerf resume`: a turn, with its events on standard output.

use crate::{
    args::{BudgetPart, Exec, Message, Resume},
    commands::{attempts, find_session, trust, usage, worktrees},
    exit::Exit,
    output::{Output, visible},
    show,
};
use kerf_engine::{Engine, Events};
use kerf_protocol::{
    Code, Failure, SessionId,
    attempt::{Budget, StartAttempts},
    event::EventBody,
    item::Image,
    policy::{Answer, Policy, Question, QuestionAbout},
    request::{AnswerParams, ListSessions, NewSession, Prompt, SessionRef, WhenRunning, method},
    worktree::WorkspaceKind,
};
use std::{
    fs,
    io::{IsTerminal, Read, Write, stderr, stdin},
    path::Path,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub(crate) async fn exec(
    engine: &Engine,
    folder: &str,
    exec: Exec,
    output: &Output,
) -> Result<Exit, Failure> {
    let (text, images) = message(exec.prompt, &exec.message)?;
    let folder = &whole(folder)?;
    if let Some(attempts) = exec.attempts {
        let by = attempts::By {
            attempts,
            endpoints: exec.endpoint,
            models: exec.model,
        };
        let start = StartAttempts {
            folder: folder.to_owned(),
            text,
            images,
            policy: Policy {
                sandbox: exec.sandbox.into(),
                approve: exec.approve.into(),
            },
            attempts: by.each()?,
            budget: budget(exec.budget, exec.token_limit),
        };
        return attempts::start(engine, start, stop_signals()?, output).await;
    }
    let schema = exec.output_schema.as_deref().map(read_schema).transpose()?;
    let policy = Policy {
        sandbox: exec.sandbox.into(),
        approve: exec.approve.into(),
    };
    let new = NewSession {
        folder: folder.to_owned(),
        endpoint: only(exec.endpoint, "--endpoint")?,
        model: only(exec.model, "--model")?,
        policy,
        workspace: if exec.worktree {
            WorkspaceKind::Worktree {
                branch: exec.branch,
            }
        } else {
            WorkspaceKind::InPlace
        },
    };
    let session = engine.call::<method::SessionNew>(new).await?;
    trust::say_what_waits(engine, session.users_folder()).await;
    worktrees::say_where(engine, &session, output).await;
    let events = engine.subscribe(session.id).await?;
    if let Some(schema) = schema {
        engine.set_output_schema(session.id, schema).await?;
    }
    turn(
        engine,
        session.id,
        events,
        Prompt {
            session_id: session.id,
            text,
            images,
            when_running: WhenRunning::Queue,
        },
        &exec.message,
        output,
    )
    .await
}

pub(crate) async fn resume(
    engine: &Engine,
    folder: &str,
    resume: Resume,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut words = resume.words.into_iter();
    let (name, prompt) = match (resume.last, words.next(), words.next()) {
        (true, Some(prompt), None) => ("last".to_owned(), prompt),
        (false, Some(id), Some(prompt)) => (id, prompt),
        _ => {
            return Err(usage(
                "a session and a message are needed",
                "kerf resume ID PROMPT, or kerf resume --last PROMPT",
            ));
        }
    };
    let (text, images) = message(prompt, &resume.message)?;
    let session_id = find_session(engine, folder, &name).await?;
    let all = ListSessions {
        folder: None,
        archived: true,
        limit: None,
    };
    let sessions = engine.call::<method::SessionList>(all).await?;
    // It may have been named by its id, from another folder.
    if let Some(session) = sessions.iter().find(|session| session.id == session_id) {
        trust::say_what_waits(engine, &session.folder).await;
    }
    let events = engine.subscribe(session_id).await?;
    turn(
        engine,
        session_id,
        events,
        Prompt {
            session_id,
            text,
            images,
            when_running: WhenRunning::Queue,
        },
        &resume.message,
        output,
    )
    .await
}

/// Sends the message and shows what happens until the session is idle.
async fn turn(
    engine: &Engine,
    session_id: SessionId,
    mut events: Events,
    prompt: Prompt,
    message: &Message,
    output: &Output,
) -> Result<Exit, Failure> {
    let attended = !output.json() && stdin().is_terminal() && stderr().is_terminal();
    let mut lines = if attended || message.follow {
        Some(stdin_lines())
    } else {
        None
    };
    let mut stops = stop_signals()?;
    engine.call::<method::SessionPrompt>(prompt).await?;
    let mut live = show::Live::new(output);
    let mut waiting: Option<Question> = None;
    let mut exit = Exit::Failed;
    let mut ended = false;
    loop {
        tokio::select! {
            event = events.recv() => {
                let Some(event) = event else { break };
                if output.json() { output.object(&*event) } else { live.event(&event.body) }
                match &event.body {
                    EventBody::ApprovalRequested { question } if attended => {
                        show::question(&question.about, output);
                        output.flush();
                        ask_for(question);
                        waiting = Some(question.clone());
                    }
                    EventBody::TurnCompleted { cancelled, .. } => {
                        exit = if *cancelled { Exit::Cancelled } else { Exit::Done };
                    }
                    EventBody::TurnFailed { error, .. } => {
                        exit = Exit::from(error.code);
                        output.flush();
                        if !output.json() {
                            output.failure(error);
                        }
                    }
                    _ => {}
                }
                // A program that reads along sees each event as soon as nothing else waits.
                if events.is_empty() {
                    output.flush();
                }
                match event.body {
                    EventBody::TurnStarted { .. } => ended = false,
                    EventBody::TurnCompleted { .. } | EventBody::TurnFailed { .. } => ended = true,
                    _ => {}
                }
            }
            // A message that came too late for a turn starts another one, so the end of a turn is not the end yet.
            idle = engine.idle(session_id), if ended && events.is_empty() => {
                idle?;
                if events.is_empty() {
                    break;
                }
            }
            line = next_line(&mut lines) => match line {
                None => lines = None,
                Some(line) => match waiting.take() {
                    Some(question) => answer(engine, session_id, question, &line).await?,
                    None if line.trim().is_empty() => {}
                    None => {
                        let (text, when_running) = match line.strip_prefix('!') {
                            Some(rest) => (rest.to_owned(), WhenRunning::Interrupt),
                            None => (line, WhenRunning::Queue),
                        };
                        engine.call::<method::SessionPrompt>(Prompt { session_id, text, images: Vec::new(), when_running }).await?;
                    }
                }
            },
            () = stops.next() => {
                if stops.count > 1 {
                    output.flush();
                    return Ok(Exit::Cancelled);
                }
                // A line that comes after the stop must not start the work again.
                lines = None;
                engine.call::<method::SessionCancel>(SessionRef { session_id }).await?;
            }
        }
    }
    output.flush();
    Ok(exit)
}

async fn next_line(lines: &mut Option<UnboundedReceiver<String>>) -> Option<String> {
    match lines {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}

/// Lines of standard input, read on a thread of their own: a blocking read cannot be stopped.
fn stdin_lines() -> UnboundedReceiver<String> {
    let (sender, receiver) = unbounded_channel();
    std::thread::spawn(move || {
        for line in stdin().lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn ask_for(question: &Question) {
    let mut choices = String::new();
    for source in &question.sources {
        choices.push_str(&format!(
            "words of it stand in {}, which the model has read; you wrote none of them\n",
            visible(source).replace('\n', " ")
        ));
    }
    if let Some(because) = &question.because {
        choices.push_str(&format!("{}\n", visible(because)));
    }
    let mut ways = "[y]es".to_owned();
    if let Some(covers) = &question.session {
        choices.push_str(&format!(
            "always in this session covers {}\n",
            visible(covers)
        ));
        ways.push_str(", [a]lways in this session");
    }
    if let Some(offer) = &question.project {
        choices.push_str(&format!(
            "always for this project covers {}\n",
            visible(&offer.words)
        ));
        ways.push_str(", always for this [p]roject");
    }
    match question.about {
        QuestionAbout::Ask { .. } => choices.push_str("answer: "),
        QuestionAbout::Interrupted { .. } => {
            choices.push_str("[y]es, [n]o, or tell the agent what happened: ");
        }
        QuestionAbout::Command { .. }
        | QuestionAbout::Network { .. }
        | QuestionAbout::Edit { .. } => {
            choices.push_str(&format!("{ways}, [n]o, or say what to do instead: "));
        }
    }
    let mut err = stderr();
    // Where standard error is closed the question is still on standard output.
    let _ = err.write_all(choices.as_bytes()).and_then(|()| err.flush());
}

async fn answer(
    engine: &Engine,
    session_id: SessionId,
    question: Question,
    line: &str,
) -> Result<(), Failure> {
    let line = line.trim();
    let answer = match (line.to_ascii_lowercase().as_str(), &question.about) {
        (number, QuestionAbout::Ask { options, .. }) => {
            let chosen = number
                .parse::<usize>()
                .ok()
                .and_then(|number| options.get(number.checked_sub(1)?));
            Answer::Text {
                text: chosen.map_or_else(|| line.to_owned(), Clone::clone),
            }
        }
        ("y" | "yes", _) => Answer::Allow,
        ("a" | "always", _) => Answer::AllowForSession,
        ("p" | "project", _) if question.project.is_some() => Answer::AllowForProject,
        ("" | "n" | "no", _) => Answer::Deny {
            reason: String::new(),
        },
        _ => Answer::Deny {
            reason: line.to_owned(),
        },
    };
    engine
        .call::<method::SessionAnswer>(AnswerParams {
            session_id,
            question_id: question.id,
            answer,
        })
        .await
        .map(drop)
}

pub(super) struct Stops {
    receiver: UnboundedReceiver<()>,
    pub(super) count: usize,
}

impl Stops {
    pub(super) async fn next(&mut self) {
        if self.receiver.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        self.count += 1;
    }
}

/// Ctrl-C, and what the system sends to end a program.
fn stop_signals() -> Result<Stops, Failure> {
    let (sender, receiver) = unbounded_channel();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for kind in [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ] {
            let mut signals = signal(kind).map_err(|error| Failure {
                code: Code::Internal,
                message: format!("signals cannot be caught: {error}"),
                hint: String::new(),
            })?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() && sender.send(()).is_ok() {}
            });
        }
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() && sender.send(()).is_ok() {}
    });
    Ok(Stops { receiver, count: 0 })
}

/// The folder from the root on: what counts from here is this program's to know.
fn whole(folder: &str) -> Result<String, Failure> {
    let path = std::path::absolute(folder)
        .map_err(|error| usage(format!("{folder} is no folder: {error}"), ""))?;
    path.into_os_string()
        .into_string()
        .map_err(|_| usage(format!("{folder} has a name that is not UTF-8"), ""))
}

/// The parts of a budget. Of the same part the last one counts, as of other options.
fn budget(parts: Vec<BudgetPart>, token_limit: Option<u64>) -> Budget {
    let mut budget = Budget {
        tokens: token_limit,
        ..Budget::default()
    };
    for part in parts {
        match part {
            BudgetPart::Tokens(tokens) => budget.tokens = Some(tokens),
            BudgetPart::Cost(cost) => budget.cost = Some(cost),
            BudgetPart::Seconds(seconds) => budget.seconds = Some(seconds),
        }
    }
    budget
}

/// What only attempts may have several of.
fn only(mut names: Vec<String>, option: &str) -> Result<Option<String>, Failure> {
    if names.len() > 1 {
        return Err(usage(
            format!("{option} is given more than once"),
            "Several are for --attempts",
        ));
    }
    Ok(names.pop())
}

/// The message, checked before anything begins: an empty one must not leave an empty session.
fn message(prompt: String, message: &Message) -> Result<(String, Vec<Image>), Failure> {
    let text = prompt_text(prompt, message.follow)?;
    let images: Result<Vec<Image>, Failure> = message
        .images
        .iter()
        .map(|path| kerf_engine::read_picture(path))
        .collect();
    let images = images?;
    if text.trim().is_empty() && images.is_empty() {
        return Err(usage("the message is empty", ""));
    }
    Ok((text, images))
}

fn prompt_text(prompt: String, follow: bool) -> Result<String, Failure> {
    if prompt != "-" {
        return Ok(prompt);
    }
    if follow {
        return Err(usage(
            "`-` and --follow cannot both read standard input",
            "Give the message as an argument",
        ));
    }
    let mut text = String::new();
    stdin().read_to_string(&mut text).map_err(|error| {
        usage(
            format!("the message cannot be read from standard input: {error}"),
            "",
        )
    })?;
    Ok(text)
}

fn read_schema(path: &Path) -> Result<serde_json::Value, Failure> {
    let wrong = |why: String| usage(format!("{} is no JSON Schema: {why}", path.display()), "");
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let schema: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    kerf_engine::check_output_schema(&schema)?;
    Ok(schema)
}
