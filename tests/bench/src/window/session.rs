//! A session of a thousand items, opened from the sidebar.

use super::shown::{Shown, open_task, work};
use crate::{
    Done,
    numbers::{median, percentile},
    room,
    table::{Table, Unit},
};
use kerf_test_support::{ModelServer, Script, Turn};
use serde_json::json;
use std::path::Path;
use window_tests::Desk;

/// Each is a thought, a text and a call; so with the prompt and the answer there are a thousand items.
const STEPS: usize = 332;
const RUNS: usize = 5;
const END: &str = "This is the last answer.";
const LIMIT: f64 = 300.0;

fn step(number: usize) -> Turn {
    let text = format!(
        "Part **{number}**:\n\n```rust\nfn part() -> u32 {{ {number} }}\n```\n\n- one\n- two"
    );
    Turn::steps([])
        .and_reasoning(&format!("Thought {number}."), None)
        .and_text(text)
        .and_call("read_file", json!({ "path": room::path(number % 200) }))
}

pub(crate) fn run(kerf: &Path, table: &mut Table) -> Done {
    let project = room::repository();
    let last = Turn::steps([])
        .and_reasoning("Now I am done.", None)
        .and_text(format!("{END}\n"));
    let script = (0..STEPS).map(step).fold(Script::new(), Script::turn);
    let model = ModelServer::start(script.turn(last));
    let desk = Desk::new(&model);
    work(kerf, &desk, &model, project.path())?;
    let asked = model.requests().len();
    if asked != STEPS + 1 {
        return Err(format!("{asked} requests arrived instead of {}", STEPS + 1));
    }
    let shown = format!("document.querySelector('[role=log]')?.textContent.includes('{END}')");
    let all = (0..RUNS)
        .map(|_| Ok(open_task(&desk, project.path(), &shown)?.1))
        .collect::<Done<Vec<Shown>>>()?;
    let times: Vec<f64> = all.iter().map(|shown| shown.millis).collect();
    table.limited(
        &format!(
            "window, a session of 1,000 items: from the click to its end shown, median of {RUNS}"
        ),
        Unit::Millis,
        Some(median(&times)),
        LIMIT,
    );
    table.compare("— the longest", Unit::Millis, Some(percentile(&times, 1.0)));
    let longest: Vec<f64> = all.iter().map(|shown| shown.frames.longest()).collect();
    table.compare(
        "— longest frame until 2 s later, median",
        Unit::Millis,
        Some(median(&longest)),
    );
    Ok(())
}
