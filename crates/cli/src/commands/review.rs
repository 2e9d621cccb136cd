//! `kerf accept`, `reject`, `undo` and `comment`: the review without a window.

use crate::{
    args::{Comment as CommentArguments, Target as TargetArguments},
    commands::{diff::hunks, find_session, usage},
    exit::Exit,
    output::{Output, visible},
};
use kerf_engine::Engine;
use kerf_protocol::{
    Failure,
    item::Comment,
    request::{AddComment, Decide, SessionRef, method},
    review::{Decided, Decision, Review, Target},
};

pub(crate) async fn decide(
    engine: &Engine,
    folder: &str,
    decision: Decision,
    arguments: TargetArguments,
    output: &Output,
) -> Result<Exit, Failure> {
    let session_id = find_session(engine, folder, &arguments.session).await?;
    let review = engine
        .call::<method::ReviewShow>(SessionRef { session_id })
        .await?;
    let target = target(
        &review,
        arguments.target.as_deref(),
        arguments.lines.as_deref(),
    )?;
    let decided = engine
        .call::<method::ReviewDecide>(Decide {
            session_id,
            decision,
            target,
        })
        .await?;
    let verb = match decision {
        Decision::Accept => "accepted",
        Decision::Reject => "rejected",
    };
    report(&decided, verb, output);
    Ok(Exit::Done)
}

/// What is decided. A path may itself hold a colon and a number, so the files of the review are asked first.
fn target(review: &Review, name: Option<&str>, lines: Option<&str>) -> Result<Target, Failure> {
    let Some(name) = name else {
        return match lines {
            None => Ok(Target::All),
            Some(_) => Err(usage("--lines needs a hunk", "Give it as PATH:HUNK")),
        };
    };
    let name = name.strip_prefix("./").unwrap_or(name);
    let is_file = review.files.iter().any(|file| file.path == name);
    let hunk = name
        .rsplit_once(':')
        .and_then(|(path, hunk)| Some((path.to_owned(), hunk.parse::<u32>().ok()?)));
    match (hunk, lines) {
        (Some((path, hunk)), Some(lines)) if !is_file => Ok(Target::Lines {
            lines: line_numbers(review, &path, hunk, lines)?,
            id: shown_id(review, &path, hunk),
            path,
            hunk,
        }),
        (Some((path, hunk)), None) if !is_file => Ok(Target::Hunk {
            path,
            hunk,
            id: None,
        }),
        (_, None) => Ok(Target::File {
            path: name.to_owned(),
        }),
        (_, Some(_)) => Err(usage("--lines needs a hunk", "Give it as PATH:HUNK")),
    }
}

/// `1,3-5` as indices from 0.
fn line_numbers(review: &Review, path: &str, hunk: u32, text: &str) -> Result<Vec<u32>, Failure> {
    let wrong = || {
        usage(
            format!("`{text}` are no lines"),
            "Give them as 1,3-5: the first line that `kerf diff` shows of the hunk is 1",
        )
    };
    // Whether there is such a hunk is for the engine to say.
    let shown = hunks(review)
        .find(|(file, found)| file.path == path && found.hunk == hunk)
        .map_or(usize::MAX, |(_, found)| found.lines.len());
    let mut lines = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (
            first.trim().parse::<u32>().map_err(|_| wrong())?,
            last.trim().parse::<u32>().map_err(|_| wrong())?,
        );
        if first == 0 || last < first || last - first > 1_000_000 {
            return Err(wrong());
        }
        if last as usize > shown {
            return Err(usage(
                format!("{path}:{hunk} has no line {last}: it has {shown}"),
                "`kerf diff` shows the lines of the hunk; the first is 1",
            ));
        }
        lines.extend(first - 1..last);
    }
    Ok(lines)
}

pub(crate) async fn undo(
    engine: &Engine,
    folder: &str,
    session: &str,
    output: &Output,
) -> Result<Exit, Failure> {
    let session_id = find_session(engine, folder, session).await?;
    let decided = engine
        .call::<method::ReviewUndo>(SessionRef { session_id })
        .await?;
    report(&decided, "undecided again", output);
    Ok(Exit::Done)
}

/// `1 hunk`, `2 hunks`.
pub(crate) fn counted(number: u32, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn report(decided: &Decided, verb: &str, output: &Output) {
    if output.json() {
        output.object(decided);
    } else {
        output.line(&format!("{} {verb}", counted(decided.hunks, "hunk")));
        for path in &decided.written {
            output.line(&format!("  wrote {}", visible(path)));
        }
        let count = u32::try_from(decided.held.len()).unwrap_or(u32::MAX);
        let wait = match count {
            0 => "",
            1 => {
                "waits, with characters that are hidden or look like others; look at it, and accept it by its number:"
            }
            _ => {
                "wait, with characters that are hidden or look like others; look at each, and accept it by its number:"
            }
        };
        if count > 0 {
            output.line(&format!("{} still {wait}", counted(count, "hunk")));
        }
        for one in &decided.held {
            output.line(&format!("  {}:{}", visible(&one.path), one.hunk));
        }
    }
    output.flush();
}

pub(crate) async fn comment(
    engine: &Engine,
    folder: &str,
    arguments: CommentArguments,
    output: &Output,
) -> Result<Exit, Failure> {
    let session_id = find_session(engine, folder, &arguments.session).await?;
    let wrong = || {
        usage(
            format!("`{}` is no place", arguments.place),
            "Give it as PATH:LINE or PATH:FIRST-LAST",
        )
    };
    let (path, lines) = arguments.place.rsplit_once(':').ok_or_else(wrong)?;
    let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
    let (first_line, last_line): (u32, u32) = (
        first.parse().map_err(|_| wrong())?,
        last.parse().map_err(|_| wrong())?,
    );
    if first_line == 0 || last_line < first_line {
        return Err(wrong());
    }
    let review = engine
        .call::<method::ReviewShow>(SessionRef { session_id })
        .await?;
    let excerpt = hunks(&review)
        .filter(|(file, _)| file.path == path)
        .flat_map(|(_, hunk)| &hunk.lines)
        .filter(|line| {
            line.new
                .is_some_and(|number| (first_line..=last_line).contains(&number))
        })
        .map(|line| line.text.as_str())
        .collect::<Vec<_>>()
        .join("\n");
    let comment = Comment {
        path: path.to_owned(),
        first_line,
        last_line,
        excerpt,
        text: arguments.text,
    };
    engine
        .call::<method::ReviewComment>(AddComment {
            session_id,
            comment,
        })
        .await?;
    if !output.json() {
        output.line("goes to the agent with your next message");
    }
    output.flush();
    Ok(Exit::Done)
}

/// Lines were counted in the hunk as it is in this review.
fn shown_id(review: &Review, path: &str, hunk: u32) -> Option<u64> {
    let file = review.files.iter().find(|file| file.path == path)?;
    let shown = file.hunks.iter().find(|shown| shown.hunk == hunk)?;
    Some(shown.id)
}
