//! A long answer: 2 MB of text in 20,000 deltas, and whether memory stays flat while it comes.

use crate::{
    Done,
    child::{Ran, Run},
    floor,
    numbers::{median, mib},
    room,
    table::{Figure, Table, Unit},
};
use kerf_test_support::{ModelServer, Script, Turn};
use std::{path::Path, time::Instant};

const BYTES: usize = 2_000_000;
const DELTAS: usize = 20_000;
const RUNS: usize = 3;
const LINE: &str = "Every line of this answer is as long as the others, and says as much as the one before it did.\n";

fn server() -> ModelServer {
    let text: String = LINE.chars().cycle().take(BYTES).collect();
    ModelServer::start(Script::new().otherwise(Turn::steps([]).and_text_in(text, DELTAS)))
}

/// A run, when its request had arrived, and that request.
fn session(kerf: &Path, sample_memory: bool) -> Done<(Ran, Instant, Vec<u8>)> {
    let fixture = room::repository();
    let home = room::home()?;
    let server = server();
    let run = Run {
        kerf,
        server: &server,
        home: home.path(),
        folder: fixture.path(),
        sandbox: "workspace-write",
        sample_memory,
    };
    let ran = run.run()?;
    if ran.longest_message != BYTES {
        return Err(format!(
            "the answer came out with {} bytes instead of {BYTES}",
            ran.longest_message
        ));
    }
    let request = server
        .requests()
        .into_iter()
        .next()
        .ok_or("no request arrived")?;
    Ok((ran, request.body_at, request.body.to_vec()))
}

pub(crate) fn run(kerf: &Path, table: &mut Table) -> Done {
    let timed = (0..RUNS)
        .map(|_| session(kerf, false))
        .collect::<Done<Vec<_>>>()?;
    let walls: Vec<f64> = timed
        .iter()
        .map(|(ran, ..)| ran.wall.as_secs_f64())
        .collect();
    let cpus: Option<Vec<f64>> = timed.iter().map(|(ran, ..)| ran.cpu_seconds).collect();
    let (watched, begun, body) = session(kerf, true)?;
    let floor = floor::replay(server().address(), &[body])?;
    table.add(Figure {
        what: format!(
            "{} MB in {DELTAS} deltas, from start to end",
            BYTES / 1_000_000
        ),
        unit: Unit::Seconds,
        value: Some(median(&walls)),
        limit: Some(1.3),
        best_other: Some(1.7),
    });
    table.compare(
        "— of these, the server's share: read by a client that does nothing",
        Unit::Seconds,
        Some(floor.as_secs_f64()),
    );
    table.compare(
        "— CPU of kerf",
        Unit::CpuSeconds,
        cpus.map(|cpus| median(&cpus)),
    );
    table.compare("— peak memory", Unit::Mib, watched.peak().map(mib));
    table.compare(
        "— its growth from the first to the last quarter of the deltas",
        Unit::Mib,
        growth(&watched, begun),
    );
    Ok(())
}

/// The difference between the mean memory of the last and of the first quarter of the time in which deltas come, in
/// MiB. The answer as a whole is kept, so that no less than its size is to be expected. What it takes to write the whole
/// answer down at its end is in the peak.
fn growth(ran: &Ran, begun: Instant) -> Option<f64> {
    let end = ran.last_delta?;
    let samples = ran
        .memory
        .iter()
        .filter(|(at, _)| (begun..=end).contains(at));
    let samples: Vec<f64> = samples.map(|(_, bytes)| mib(*bytes)).collect();
    let quarter = samples.len() / 4;
    let mean = |values: &[f64]| {
        values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap_or(u32::MAX))
    };
    (quarter > 0).then(|| mean(&samples[samples.len() - quarter..]) - mean(&samples[..quarter]))
}
