//! From the making of the process to the first paint, and until keys arrive in the field.

use super::opened::{EMPTY, FIELD, KERF, Opened};
use crate::{
    Done,
    numbers::{median, percentile},
    room,
    table::{Table, Unit},
};
use kerf_test_support::{ModelServer, Script};
use std::path::Path;
use window_tests::Desk;

const RUNS: usize = 9;
/// What Kerf may add to the empty window.
const LIMIT: f64 = 300.0;

/// What is reached.
const REACHED: [&str; 3] = [
    "first paint",
    "the field is there",
    "a typed key arrived in it",
];

/// Milliseconds to each of [`REACHED`].
fn once(desk: &Desk, program: &'static str, folder: &Path) -> Done<[f64; 3]> {
    let opened = Opened::start(desk, program, folder)?;
    let window = &opened.window;
    // As early as the driver lets it in, which is before the field: the page tells by itself when that came. What is
    // there before the program's own page knows nothing of it.
    window.wait("location.protocol === 'tauri:'");
    window.eval(&format!(
        "addEventListener('input', () => (window.benchTyped ??= Date.now()), true);
         const look = () => {{
           const field = document.querySelector('{FIELD}');
           if (field && !field.disabled) window.benchThere = Date.now();
           else setTimeout(look, 2);
         }};
         look();"
    ));
    window.wait("window.benchThere");
    window.type_in(FIELD, "x");
    window.wait("window.benchTyped");
    window.wait("performance.getEntriesByName('first-contentful-paint').length");
    let times = window.eval(
        "const [paint] = performance.getEntriesByName('first-contentful-paint');
         return [performance.timeOrigin + paint.startTime, benchThere, benchTyped]",
    );
    Ok([
        opened.since_begun(&times[0])?,
        opened.since_begun(&times[1])?,
        opened.since_begun(&times[2])?,
    ])
}

pub(crate) fn run(table: &mut Table) -> Done {
    let project = room::repository();
    let model = ModelServer::start(Script::new());
    let desk = Desk::new(&model);
    // From here on the home is used, and the programs are in the page cache.
    once(&desk, EMPTY, project.path())?;
    once(&desk, KERF, project.path())?;
    let (mut empty, mut kerf) = (Vec::new(), Vec::new());
    // In turns, so that what else the machine does falls on both.
    for _ in 0..RUNS {
        empty.push(once(&desk, EMPTY, project.path())?);
        kerf.push(once(&desk, KERF, project.path())?);
    }
    for (part, what) in REACHED.iter().enumerate() {
        let [empty, kerf]: [Vec<f64>; 2] =
            [&empty, &kerf].map(|all| all.iter().map(|times| times[part]).collect());
        table.compare(
            &format!("window, start to {what}, median of {RUNS}"),
            Unit::Millis,
            Some(median(&kerf)),
        );
        table.compare("— p95", Unit::Millis, Some(percentile(&kerf, 0.95)));
        table.compare("— the empty window", Unit::Millis, Some(median(&empty)));
        table.limited(
            "— above the empty window",
            Unit::Millis,
            Some(median(&kerf) - median(&empty)),
            LIMIT,
        );
    }
    table.note("Start of the window: a used home, a repository of 200 files, times of the page's own clock since the kernel made the process. A key comes through the driver, which takes its time for both windows.");
    Ok(())
}
