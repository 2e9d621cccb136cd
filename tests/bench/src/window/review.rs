//! A review of 500 files with 100,000 changed lines: opened, and scrolled through.

use super::{
    frames::Frames,
    opened::{KERF, Opened},
    shown::{Shown, open_task, work},
};
use crate::{
    Done,
    numbers::{median, percentile},
    table::{Table, Unit},
};
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use serde_json::json;
use std::{fmt::Write, path::Path};
use window_tests::Desk;

const FILES: usize = 500;
/// Ten of twenty are changed, and a changed line is one taken away and one added.
const LINES: usize = 200;
const RUNS: usize = 3;
const LIMIT: f64 = 300.0;
const CHANGES: &str = "[aria-label=Changes]";
/// Turns of the wheel, a notch each.
const NOTCHES: i64 = 300;

fn path(file: usize) -> String {
    format!("src/part_{}/file_{file:03}.rs", file / 50)
}

fn repository() -> Fixture {
    let mut text = String::new();
    for file in 0..FILES {
        let _ = writeln!(text, "//- /{}", path(file));
        for line in 0..LINES {
            let mark = if line / 10 % 2 == 1 { "old" } else { "same" };
            let _ = writeln!(
                text,
                "pub fn f{file}_line_{line}(x: u32) -> u32 {{ x + {line} }} // {mark}"
            );
        }
    }
    Fixture::new(&text).git()
}

/// One command changes them all, as a rename across a project does.
fn script() -> Script {
    let command = "sed -i '/old$/s/x: u32) -> u32 { x/wide: u64) -> u64 { wide/' src/*/*.rs";
    Script::new()
        .turn(Turn::call("run_command", json!({ "command": command })))
        .turn(Turn::text("All are wide now."))
}

pub(crate) fn run(kerf: &Path, table: &mut Table) -> Done {
    let project = repository();
    let model = ModelServer::start(script());
    let desk = Desk::new(&model);
    work(kerf, &desk, &model, project.path())?;
    let changed = project.read(&path(FILES - 1)).matches("wide: u64").count();
    if changed != LINES / 2 {
        return Err(format!(
            "the work was not done: {changed} lines of the last file are changed"
        ));
    }
    // A line takes its place before its text is there.
    let shown =
        format!("document.querySelector('{CHANGES} [data-row]')?.textContent.includes('pub fn')");
    let mut all: Vec<Shown> = Vec::new();
    let mut scrolled = None;
    for _ in 0..RUNS {
        let (opened, shown) = open_task(&desk, project.path(), &shown)?;
        all.push(shown);
        scrolled = Some(scroll(&opened)?);
    }
    let times: Vec<f64> = all.iter().map(|shown| shown.millis).collect();
    let longest: Vec<f64> = all.iter().map(|shown| shown.frames.longest()).collect();
    table.limited(
        &format!(
            "window, a review of {FILES} files and {} changed lines: from the click to its first lines drawn, median of {RUNS}",
            FILES * LINES
        ),
        Unit::Millis,
        Some(median(&times)),
        LIMIT,
    );
    table.compare("— the longest", Unit::Millis, Some(percentile(&times, 1.0)));
    table.compare(
        "— longest frame until 2 s later, median",
        Unit::Millis,
        Some(median(&longest)),
    );
    if let Some((frames, pixels)) = scrolled {
        let what = format!(
            "window, the same review, {NOTCHES} turns of the wheel over {pixels:.0} pixels"
        );
        frames.show(&what, table);
    }
    Ok(())
}

/// The frames while the wheel turns, and how far it went.
fn scroll(opened: &Opened<'_>) -> Done<(Frames, f64)> {
    let window = &opened.window;
    Frames::record(window);
    window.wheel(CHANGES, 120, NOTCHES);
    let frames = Frames::recorded(window)?;
    let top = window.eval(&format!(
        "return document.querySelector('{CHANGES}').scrollTop"
    ));
    let pixels = top.as_f64().unwrap_or_default();
    if pixels < 1_000.0 {
        return Err(format!("{KERF} scrolled {pixels} pixels"));
    }
    Ok((frames, pixels))
}
