//! A session of a hundred tool calls, one a turn: 60 read_file, 20 grep, 10 edit_file and 10 run_command.
//!
//! The sizes are such that the requests add up to 9.5 to 10 MiB, as with the agents beside: the whole
//! conversation goes up each time, so each call has to add about 1.9 KB to it.

use crate::{
    Done,
    child::{Ran, Run},
    floor,
    numbers::{median, mib},
    room,
    table::{Figure, Table, Unit},
};
use kerf_test_support::{ModelServer, Script, Turn};
use serde_json::json;
use std::path::Path;

const CALLS: usize = 100;
/// Timed runs of each sandbox mode; the median counts.
const RUNS: usize = 3;

/// One of a round of ten: six reads, two searches, an edit, a command.
fn call(number: usize) -> Turn {
    let round = number / 10;
    match number % 10 {
        step @ 0..6 => Turn::call("read_file", json!({"path": room::path(round * 6 + step)})),
        // Twenty lines of one file, found among all.
        step @ (6 | 7) => Turn::call(
            "grep",
            json!({"pattern": format!("fn f{}_line_[12]\\d\\(", round * 2 + step)}),
        ),
        8 => {
            let old = room::unique_line(round);
            let new = format!("{old} // seen");
            Turn::call(
                "edit_file",
                json!({"path": room::path(round), "edits": [{"old": old, "new": new}]}),
            )
        }
        _ => Turn::call("run_command", json!({"command": "true"})),
    }
}

fn script() -> Script {
    (0..CALLS)
        .map(call)
        .fold(Script::new(), Script::turn)
        .turn(Turn::text("Done."))
}

/// A session that did its work, and what was sent up, body by body.
struct Session {
    ran: Ran,
    bodies: Vec<Vec<u8>>,
}

fn session(kerf: &Path, sandbox: &'static str, sample_memory: bool) -> Done<Session> {
    let fixture = room::repository();
    let home = room::home()?;
    let server = ModelServer::start(script());
    let run = Run {
        kerf,
        server: &server,
        home: home.path(),
        folder: fixture.path(),
        sandbox,
        sample_memory,
    };
    let ran = run.run()?;
    let requests = server.requests();
    let results = requests.last().map_or(0, |last| last.seen().results.len());
    let last_edit = fixture.read(&room::path(9)).contains("// seen");
    if requests.len() != CALLS + 1 || results != CALLS || !last_edit {
        return Err(format!(
            "the work was not done: {} requests, {results} results, last edit made: {last_edit}",
            requests.len()
        ));
    }
    Ok(Session {
        ran,
        bodies: requests
            .into_iter()
            .map(|request| request.body.to_vec())
            .collect(),
    })
}

pub(crate) fn run(kerf: &Path, table: &mut Table) -> Done {
    let mut bodies = Vec::new();
    for sandbox in ["off", "workspace-write"] {
        let timed = (0..RUNS)
            .map(|_| session(kerf, sandbox, false))
            .collect::<Done<Vec<Session>>>()?;
        let watched = session(kerf, sandbox, true)?;
        let walls: Vec<f64> = timed
            .iter()
            .map(|session| session.ran.wall.as_secs_f64())
            .collect();
        let cpus: Option<Vec<f64>> = timed
            .iter()
            .map(|session| session.ran.cpu_seconds)
            .collect();
        let up: usize = watched.bodies.iter().map(Vec::len).sum();
        let mut add = |what: &str, unit, value: Option<f64>, limit, best_other| {
            let what = format!("{CALLS} tool calls, sandbox {sandbox}: {what}");
            table.add(Figure {
                what,
                unit,
                value,
                limit: Some(limit),
                best_other: Some(best_other),
            });
        };
        add("wall", Unit::Seconds, Some(median(&walls)), 1.2, 3.6);
        add(
            "CPU, children included",
            Unit::CpuSeconds,
            cpus.map(|cpus| median(&cpus)),
            1.2,
            4.0,
        );
        add(
            "peak memory of all its processes",
            Unit::Mib,
            watched.ran.peak().map(mib),
            60.0,
            155.0,
        );
        add("sent up", Unit::Mib, Some(mib(up as u64)), 10.5, 10.0);
        bodies = watched.bodies;
    }
    let server = ModelServer::start(script());
    let floor = floor::replay(server.address(), &bodies)?;
    table.compare(
        "— of the wall, the server's share: the same requests from a client that does nothing",
        Unit::Seconds,
        Some(floor.as_secs_f64()),
    );
    table.note(format!("Wall and CPU of the tool calls are medians of {RUNS} runs that nobody looks into; memory is from one more run, sampled every 5 ms: the sum of the proportional set sizes (PSS) of kerf and all its descendants."));
    Ok(())
}
