//! From before the process is made until its first request has arrived whole.

use crate::{
    Done,
    child::Run,
    numbers::{median, millis, percentile},
    room,
    table::{Figure, Table, Unit},
};
use kerf_test_support::{ModelServer, Script, Turn};
use std::path::Path;

const RUNS: usize = 20;

pub(crate) fn run(kerf: &Path, table: &mut Table) -> Done {
    let fixture = room::repository();
    let once = |home: &Path| -> Done<f64> {
        let server = ModelServer::start(Script::new().otherwise(Turn::text("Done.")));
        let run = Run {
            kerf,
            server: &server,
            home,
            folder: fixture.path(),
            sandbox: "workspace-write",
            sample_memory: false,
        };
        let ran = run.run()?;
        let requests = server.requests();
        let first = requests.first().ok_or("no request arrived")?;
        Ok(millis(first.body_at.saturating_duration_since(ran.begun)))
    };
    // From here on the program and the repository are in the page cache.
    let used_home = room::home()?;
    once(used_home.path())?;
    let fresh = (0..RUNS)
        .map(|_| once(room::home()?.path()))
        .collect::<Done<Vec<f64>>>()?;
    let used = (0..RUNS)
        .map(|_| once(used_home.path()))
        .collect::<Done<Vec<f64>>>()?;
    for (values, home, best_other) in [(fresh, "a new home", 500.0), (used, "a used home", 320.0)] {
        table.add(Figure {
            what: format!("start to first request, {home}, median of {RUNS}"),
            unit: Unit::Millis,
            value: Some(median(&values)),
            limit: Some(60.0),
            best_other: Some(best_other),
        });
        table.compare(
            &format!("— the same, p95, {home}"),
            Unit::Millis,
            Some(percentile(&values, 0.95)),
        );
    }
    Ok(())
}
