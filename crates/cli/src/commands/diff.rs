//! `kerf diff`: what changed, in one scope or another, who made it, and the commands that say whether it is right.

use crate::{
    commands::{find_session, review::counted, usage},
    exit::Exit,
    output::{Output, Style, visible},
};
use clap::{Args, ValueEnum};
use kerf_engine::Engine;
use kerf_protocol::{
    Failure, SessionId, TurnId,
    item::ItemBody,
    request::{SessionRef, method},
    review::{
        Author, FileStatus, Hunk, HunkLine, HunkState, LineKind, MadeLines, Review, ReviewFile,
    },
    scope::{CheckOutcome, Scope, ScopeBase, ShowScope, TaskCheck},
    session::Transcript,
};
use serde::Serialize;

/// What is shown.
#[derive(Debug, Clone, Args)]
pub(crate) struct DiffArguments {
    /// The session's id, its beginning, or `last`
    session: Option<String>,
    /// Which changes
    #[arg(long, value_enum)]
    scope: Option<ScopeName>,
    /// The branch to compare with, in the scope `branch`
    #[arg(long, value_name = "BRANCH")]
    base: Option<String>,
    /// Only the commands that say whether the changes are right
    #[arg(long, conflicts_with_all = ["scope", "base"])]
    checks: bool,
    /// Only who made this line, and when
    #[arg(long, value_name = "PATH:LINE", conflicts_with_all = ["scope", "base", "checks"])]
    why: Option<String>,
}

/// The scopes by name.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ScopeName {
    /// The hunks in which the last turn had a hand
    Turn,
    /// All that the session changed
    Task,
    /// All that is not committed, whoever made it
    Uncommitted,
    /// All since the branch began, committed or not
    Branch,
}

/// A hunk as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    hunk: u32,
    state: HunkState,
    turn: Option<TurnId>,
    header: &'a str,
    added: u32,
    removed: u32,
    status: FileStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    renamed_from: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    summary: &'a str,
    authors: &'a [Author],
    made_by: Vec<Made<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disguised: bool,
    lines: &'a [HunkLine],
}

/// Who made some lines of a hunk.
#[derive(Serialize)]
struct Made<'a> {
    /// The first of them among the hunk's lines, from 0, and how many.
    first: u32,
    count: u32,
    #[serde(flatten)]
    by: Maker<'a>,
}

/// Who made something.
#[derive(Serialize)]
struct Maker<'a> {
    /// `tool`, `command` or `user`.
    by: &'static str,
    /// The turn's number in the session, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    turn: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a Author>,
    /// The tool's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<&'a str>,
    /// What the call was about, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
}

impl<'a> Maker<'a> {
    fn of(author: &'a Author, transcript: &'a Transcript) -> Self {
        let (by, turn_id, item_id) = match author {
            Author::User => {
                return Self {
                    by: "user",
                    turn: None,
                    author: None,
                    tool: None,
                    title: None,
                };
            }
            Author::Tool { turn_id, item_id } => ("tool", turn_id, item_id),
            Author::Command { turn_id, item_id } => ("command", turn_id, item_id),
        };
        // A turn that a restore took back is not told of.
        let at = transcript.turns.iter().position(|turn| turn.id == *turn_id);
        let call = at
            .and_then(|at| transcript.turns.get(at))
            .and_then(|turn| turn.items.iter().find(|item| item.id == *item_id))
            .and_then(|item| match &item.body {
                ItemBody::ToolCall(call) => Some(call),
                _ => None,
            });
        Self {
            by,
            turn: at.map(|at| at + 1),
            author: Some(author),
            tool: call.map(|call| call.tool.as_str()),
            title: call.map(|call| call.title.as_str()),
        }
    }

    /// `edit_file, turn 3: Edit src/lib.rs`.
    fn words(&self) -> String {
        let who = match (self.tool, self.by) {
            (Some(tool), _) => visible(tool).into_owned(),
            (None, "user") => "you".to_owned(),
            (None, "command") => "a command".to_owned(),
            (None, _) => "a tool".to_owned(),
        };
        let turn = match (self.turn, self.by) {
            (Some(turn), _) => format!(", turn {turn}"),
            (None, "user") => String::new(),
            (None, _) => ", in a turn that was taken back".to_owned(),
        };
        let title = self
            .title
            .map_or_else(String::new, |title| format!(": {}", visible(title)));
        format!("{who}{turn}{title}")
    }
}

pub(crate) async fn diff(
    engine: &Engine,
    folder: &str,
    arguments: DiffArguments,
    output: &Output,
) -> Result<Exit, Failure> {
    let named = arguments.session.as_deref().unwrap_or("last");
    let session_id = find_session(engine, folder, named).await?;
    if arguments.checks {
        let checks = checks(engine, session_id).await?;
        for check in &checks {
            if output.json() {
                output.object(check);
            } else {
                print_check(check, output);
            }
        }
        if checks.is_empty() && !output.json() {
            output.line("no command ran that says whether the changes are right");
        }
        output.flush();
        return Ok(Exit::Done);
    }
    let transcript = engine
        .call::<method::SessionShow>(SessionRef { session_id })
        .await?;
    let scope = match (arguments.scope, arguments.base) {
        (None | Some(ScopeName::Branch), Some(base)) => Scope::Branch { base: Some(base) },
        (Some(ScopeName::Branch), None) => Scope::Branch { base: None },
        (Some(_), Some(_)) => {
            return Err(usage(
                "--base is the branch that the scope `branch` is compared with",
                "Give --scope branch, or leave --base out",
            ));
        }
        (None | Some(ScopeName::Task), None) => Scope::Task,
        (Some(ScopeName::Uncommitted), None) => Scope::Uncommitted,
        (Some(ScopeName::Turn), None) => match transcript.turns.last() {
            Some(turn) => Scope::Turn { turn_id: turn.id },
            None => Scope::Task,
        },
    };
    let is_task = scope == Scope::Task;
    let shown = engine
        .call::<method::ReviewScope>(ShowScope { session_id, scope })
        .await?;
    if let Some(place) = arguments.why {
        return why(&shown.review, &transcript, &place, output);
    }
    if output.json() {
        for (file, hunk) in hunks(&shown.review) {
            output.object(&Line {
                path: &file.path,
                hunk: hunk.hunk,
                state: hunk.state,
                turn: hunk.authors.iter().find_map(turn_of),
                header: &hunk.header,
                added: hunk.added,
                removed: hunk.removed,
                status: file.status,
                renamed_from: file.renamed_from.as_deref(),
                summary: &file.summary,
                authors: &hunk.authors,
                made_by: made(hunk, &transcript),
                disguised: hunk.disguised,
                lines: &hunk.lines,
            });
        }
    } else {
        if let Some(base) = &shown.base {
            print_base(base, output);
        }
        print(&shown.review, shown.base.is_none(), output);
        if is_task {
            let checks = checks(engine, session_id).await?;
            for check in &checks {
                print_check(check, output);
            }
        }
    }
    output.flush();
    Ok(Exit::Done)
}

async fn checks(engine: &Engine, session_id: SessionId) -> Result<Vec<TaskCheck>, Failure> {
    engine
        .call::<method::ReviewChecks>(SessionRef { session_id })
        .await
}

fn print_check(check: &TaskCheck, output: &Output) {
    let (style, word) = match (check.outcome, check.code) {
        (CheckOutcome::Passed, _) => (Style::Good, "passed".to_owned()),
        (CheckOutcome::Failed, Some(code)) => (Style::Bad, format!("failed with exit code {code}")),
        (CheckOutcome::Failed, None) => (Style::Bad, "failed".to_owned()),
        (CheckOutcome::Stopped, _) => (Style::Bad, "stopped".to_owned()),
    };
    let word = output.styled(style, &word);
    let stale = if check.stale {
        ", before the last change"
    } else {
        ""
    };
    output.line(&format!("check {word}{stale}: {}", visible(&check.command)));
}

fn print_base(base: &ScopeBase, output: &Output) {
    if base.commit.is_empty() {
        output.line("there is no commit to compare with");
        return;
    }
    let short = base.commit.get(..10).unwrap_or(&base.commit);
    output.line(&format!("against {} at {short}", visible(&base.name)));
    if base.left_out > 0 {
        output.line(&format!(
            "{} left out: there are too many",
            counted(base.left_out, "file")
        ));
    }
}

/// Who made each of the lines; of a hunk without lines, who made it.
fn made<'a>(hunk: &'a Hunk, transcript: &'a Transcript) -> Vec<Made<'a>> {
    if hunk.made_by.is_empty() {
        let makers = hunk.authors.iter();
        return makers
            .map(|author| Made {
                first: 0,
                count: 0,
                by: Maker::of(author, transcript),
            })
            .collect();
    }
    let made = hunk.made_by.iter();
    made.map(
        |MadeLines {
             first,
             count,
             author,
         }| Made {
            first: *first,
            count: *count,
            by: Maker::of(author, transcript),
        },
    )
    .collect()
}

/// Tells who made a line.
fn why(
    review: &Review,
    transcript: &Transcript,
    place: &str,
    output: &Output,
) -> Result<Exit, Failure> {
    let wrong = || usage(format!("`{place}` is no place"), "Give it as PATH:LINE");
    let (path, line) = place.rsplit_once(':').ok_or_else(wrong)?;
    let line: u32 = line.parse().map_err(|_| wrong())?;
    let path = path.strip_prefix("./").unwrap_or(path);
    let find = |is: &dyn Fn(&HunkLine) -> bool| {
        hunks(review)
            .filter(|(file, _)| file.path == path)
            .find_map(|(_, hunk)| {
                let at = hunk.lines.iter().position(is)?;
                Some((hunk, u32::try_from(at).ok()?))
            })
    };
    // A line that was taken away has a number too, where no other has it.
    let found = find(&|one| one.new == Some(line) && one.kind != LineKind::Removed)
        .or_else(|| find(&|one| one.old == Some(line) && one.kind == LineKind::Removed));
    let maker = found.and_then(|(hunk, at)| {
        let made = hunk.made_by.iter();
        let run = made
            .into_iter()
            .find(|run| (run.first..run.first + run.count).contains(&at))?;
        Some((Maker::of(&run.author, transcript), hunk.hunk))
    });
    let Some((maker, hunk)) = maker else {
        return Err(Failure {
            code: kerf_protocol::Code::NotFound,
            message: format!("nobody changed line {line} of {path} in this session"),
            hint: "`kerf diff` shows the lines that changed; what was committed is no longer among them"
                .to_owned(),
        });
    };
    if output.json() {
        output.object(&serde_json::json!({
            "path": path, "line": line, "hunk": hunk, "made_by": maker,
        }));
    } else {
        output.line(&format!("{}:{line}: {}", visible(path), maker.words()));
    }
    output.flush();
    Ok(Exit::Done)
}

pub(crate) fn hunks(review: &Review) -> impl Iterator<Item = (&ReviewFile, &Hunk)> {
    review
        .files
        .iter()
        .flat_map(|file| file.hunks.iter().map(move |hunk| (file, hunk)))
}

fn turn_of(author: &Author) -> Option<TurnId> {
    match author {
        Author::Tool { turn_id, .. } | Author::Command { turn_id, .. } => Some(*turn_id),
        Author::User => None,
    }
}

/// Prints a review for people.
pub(crate) fn print(review: &Review, decided: bool, output: &Output) {
    if review.files.is_empty() {
        output.line(if decided {
            "nothing to review"
        } else {
            "nothing differs"
        });
        return;
    }
    for file in &review.files {
        let (letter, from) = match file.status {
            FileStatus::Created => ('A', String::new()),
            FileStatus::Deleted => ('D', String::new()),
            FileStatus::Renamed => (
                'R',
                format!(
                    " (was {})",
                    visible(file.renamed_from.as_deref().unwrap_or("?"))
                ),
            ),
            FileStatus::Modified | FileStatus::Mode | FileStatus::Replaced => ('M', String::new()),
        };
        output.line(&output.styled(
            Style::Strong,
            &format!("{letter} {}{from}", visible(&file.path)),
        ));
        if !file.summary.is_empty() {
            output.line(&format!("  {}", visible(&file.summary)));
        }
        for hunk in &file.hunks {
            print_hunk(hunk, decided, output);
        }
    }
    if !decided {
        return;
    }
    let count = |state| {
        hunks(review)
            .filter(|(_, hunk)| hunk.state == state)
            .count()
    };
    output.line(&format!(
        "{}: {} to go, {} accepted, {} rejected",
        counted(
            u32::try_from(hunks(review).count()).unwrap_or(u32::MAX),
            "hunk"
        ),
        count(HunkState::Pending),
        count(HunkState::Accepted),
        count(HunkState::Rejected)
    ));
}

fn print_hunk(hunk: &Hunk, decided: bool, output: &Output) {
    let state = match hunk.state {
        _ if !decided => std::borrow::Cow::Borrowed(""),
        HunkState::Pending => output.styled(Style::Notice, "to review"),
        HunkState::Accepted => output.styled(Style::Good, "accepted"),
        HunkState::Rejected => output.styled(Style::Bad, "rejected"),
    };
    if hunk.disguised {
        let word = "holds characters that are hidden or look like others";
        output.line(&format!("  {}", output.styled(Style::Notice, word)));
    }
    output.line(&format!(
        "  hunk {}  {state}  +{} -{}  {}",
        hunk.hunk,
        hunk.added,
        hunk.removed,
        visible(&hunk.header)
    ));
    for line in &hunk.lines {
        let (mark, style) = match line.kind {
            LineKind::Context => (' ', None),
            LineKind::Removed => ('-', Some(Style::Bad)),
            LineKind::Added => ('+', Some(Style::Good)),
        };
        let number = line
            .new
            .or(line.old)
            .map_or_else(String::new, |number| number.to_string());
        let text = format!("{number:>7} {mark} {}", visible(&line.text));
        output
            .line(&style.map_or_else(|| text.as_str().into(), |style| output.styled(style, &text)));
        if line.no_newline {
            output.line("          (no newline at the end of the file)");
        }
    }
}
