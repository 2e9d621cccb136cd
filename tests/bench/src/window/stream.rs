//! A long answer that streams into an open task: how the frames come meanwhile, and what it costs.

use super::{
    frames::Frames,
    opened::{FIELD, KERF, Opened, pass},
};
use crate::{
    Done, room,
    table::{Table, Unit},
};
use kerf_test_support::{ModelServer, Outcome, Script, Turn};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use window_tests::{Desk, ENTER};

const DELTAS: usize = 20_000;
const BYTES: usize = 100_000;
/// What a model writes: text, lists and code.
const SAMPLE: &str = "## What the next part does\n\nIt reads `src/main.rs` **once**, keeps what it found, and asks \
    again only when the file is another. So the second look costs nothing.\n\n- the first look reads the file\n- the \
    second one compares its time and size\n- a third one does the same\n\n```rust\nfn look(path: &Path) -> Option<u64> \
    {\n    let known = fs::metadata(path).ok()?;\n    Some(known.len())\n}\n```\n\n";
const END: &str = "These are the last words.";
/// No answer takes longer.
const LIMIT: Duration = Duration::from_secs(120);

fn answer() -> Turn {
    let mut text: String = SAMPLE.chars().cycle().take(BYTES - END.len() - 2).collect();
    text.push_str("\n\n");
    text.push_str(END);
    Turn::steps([]).and_text_in(text, DELTAS)
}

struct Streamed {
    wall: Duration,
    cpu: f64,
    /// None when nobody looked, since looking costs CPU too.
    frames: Option<Frames>,
}

fn stream(folder: &Path, turn: Turn, watched: bool) -> Done<Streamed> {
    let model = ModelServer::start(Script::new().turn(Turn::text("Here I am.")).turn(turn));
    let desk = Desk::new(&model);
    let opened = Opened::settled(&desk, KERF, folder)?;
    let window = &opened.window;
    window.type_in(FIELD, &format!("Are you there?{ENTER}"));
    window.see("Here I am.");
    opened.come_to_rest();
    if watched {
        Frames::record(window);
    }
    let cpu = opened.cpu();
    let begun = Instant::now();
    window.type_in(FIELD, &format!("Tell me all of it{ENTER}"));
    // Asked of the server, so that the page is left alone.
    while !sent(&model) {
        if begun.elapsed() > LIMIT {
            return Err(format!("the answer had not come after {LIMIT:?}"));
        }
        pass(Duration::from_millis(50));
    }
    window.wait(&format!(
        "document.querySelector('[role=log]').textContent.includes('{END}')"
    ));
    let wall = begun.elapsed();
    let frames = watched.then(|| Frames::recorded(window)).transpose()?;
    opened.come_to_rest();
    Ok(Streamed {
        wall,
        cpu: opened.cpu() - cpu,
        frames,
    })
}

fn sent(model: &ModelServer) -> bool {
    let requests = model.requests();
    requests.len() == 2
        && requests
            .last()
            .is_some_and(|last| last.outcome == Outcome::Sent)
}

pub(crate) fn run(table: &mut Table) -> Done {
    let project = room::repository();
    for (pace, wait) in [
        ("one a millisecond", Some(Duration::from_millis(1))),
        ("all at once", None),
    ] {
        let answer = || {
            let answer = answer();
            match wait {
                Some(wait) => answer.pace(wait),
                None => answer,
            }
        };
        let watched = stream(project.path(), answer(), true)?;
        let alone = stream(project.path(), answer(), false)?;
        table.compare(
            &format!("window, {DELTAS} deltas, {pace}: from start to end"),
            Unit::Seconds,
            Some(alone.wall.as_secs_f64()),
        );
        table.compare("— CPU of all processes", Unit::CpuSeconds, Some(alone.cpu));
        if let Some(frames) = watched.frames {
            frames.show("— meanwhile", table);
        }
    }
    table.note(format!("The answer in the window: {} KB of Markdown in {DELTAS} deltas. Its CPU is of a run that nobody looks into, its frames of another one.", BYTES / 1000));
    Ok(())
}
