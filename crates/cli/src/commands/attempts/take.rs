//! `kerf attempts take` and `kerf attempts check`: parts of attempts into the folder, and the checks before and after.

use super::outcome;
use crate::{
    commands::{diff, review, usage},
    exit::Exit,
    output::{Output, Style, visible},
};
use kerf_engine::Engine;
use kerf_protocol::{
    Failure, TaskId,
    attempt::{
        Checked, Comparison, Pick, RunCheck, TakeAttempts, TakePreview, TaskRef, TryAttempts,
    },
    request::method,
    review::{Review, Target},
    scope::CheckCommand,
};

/// What is to be taken, and what is wanted before that.
pub(super) struct Take {
    pub(super) parts: TakeAttempts,
    pub(super) preview: bool,
    pub(super) checks: Vec<CheckCommand>,
}

impl Take {
    pub(super) async fn run(mut self, engine: &Engine, output: &Output) -> Result<Exit, Failure> {
        let mut fits = true;
        if self.preview {
            let parts = self.parts.clone();
            let shown = engine.call::<method::AttemptsPreview>(parts).await?;
            fits = shown.files.iter().all(|file| file.conflict.is_none());
            if output.json() {
                output.object(&shown);
            } else {
                print_preview(&shown, output);
            }
            output.flush();
        }
        if fits && !self.checks.is_empty() {
            let tried = self.try_it(engine, output).await?;
            fits = tried.is_some();
            // What was checked is what is taken.
            self.parts.planned = tried;
        }
        if !fits {
            return Ok(Exit::Failed);
        }
        if self.preview {
            return Ok(Exit::Done);
        }
        let taken = engine.call::<method::AttemptsTake>(self.parts).await?;
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

    /// What the folder would become, when all checks pass on that.
    async fn try_it(&self, engine: &Engine, output: &Output) -> Result<Option<String>, Failure> {
        let TakeAttempts { task_id, picks, .. } = self.parts.clone();
        let trial = TryAttempts {
            task_id,
            picks,
            checks: self.checks.clone(),
        };
        let tried = engine.call::<method::AttemptsTry>(trial).await?;
        let passed = tried.checks.len() == self.checks.len()
            && tried.checks.iter().all(|checked| checked.passed);
        if output.json() {
            output.object(&tried);
        } else {
            for (check, checked) in self.checks.iter().zip(&tried.checks) {
                print_checked(&check.command, checked, output);
            }
            for note in tried.notes.iter().filter(|_| !passed) {
                output.line(&format!("the checks ran without: {}", visible(note)));
            }
            if !passed && !self.preview {
                output.line("nothing was taken");
            }
        }
        output.flush();
        Ok(passed.then_some(tried.planned))
    }
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
pub(super) async fn check(
    engine: &Engine,
    task_id: TaskId,
    command: Option<String>,
    output: &Output,
) -> Result<Exit, Failure> {
    let compared = engine
        .call::<method::AttemptsCompare>(TaskRef { task_id })
        .await?;
    let mut all_passed = true;
    for check in commands(&compared, command.as_deref())? {
        let command = check.command.clone();
        let run = RunCheck { task_id, check };
        let checked = engine.call::<method::AttemptsCheck>(run).await?;
        all_passed &= checked.passed;
        if output.json() {
            output.object(&checked);
        } else {
            print_checked(&command, &checked, output);
        }
        output.flush();
    }
    Ok(if all_passed { Exit::Done } else { Exit::Failed })
}

/// The command that is meant, or each that passed in an attempt.
pub(super) fn commands(
    compared: &Comparison,
    command: Option<&str>,
) -> Result<Vec<CheckCommand>, Failure> {
    let all = compared.attempts.iter().flat_map(|attempt| &attempt.checks);
    let mut wanted: Vec<CheckCommand> = Vec::new();
    for check in all {
        let is_meant = match command {
            Some(command) => check.command == command,
            None => check.passed,
        };
        let one = CheckCommand {
            command: check.command.clone(),
            cwd: check.cwd.clone(),
        };
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
    Ok(wanted)
}

fn print_checked(command: &str, checked: &Checked, output: &Output) {
    let (style, word) = outcome(checked.passed, checked.code);
    let word = output.styled(style, &word);
    output.line(&format!("{word}  {}", visible(command)));
    if !checked.passed {
        output.line(&visible(&checked.output));
    }
}

/// `2`, `2:src/lib.rs` or `2:src/lib.rs:3`. A path may itself end in a colon and a number: files are asked first.
pub(super) fn pick(compared: &Comparison, part: &str) -> Result<Pick, Failure> {
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
