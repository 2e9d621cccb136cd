//! The gap between two turns of the model: from the last byte of a reply to the last byte of the next request.

use crate::{
    Done,
    child::Run,
    numbers::{millis, percentile},
    room,
    table::{Figure, Table, Unit},
};
use kerf_test_support::{ModelServer, Outcome, Script, Turn};
use serde_json::json;
use std::{
    iter,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

const CALLS: usize = 100;

pub(crate) fn run(kerf: &Path, table: &mut Table) -> Done {
    let fixture = room::repository();
    let home = room::home()?;
    let read = |file| Turn::call("read_file", json!({"path": room::path(file)}));
    let script = (0..CALLS).map(read).fold(Script::new(), Script::turn);
    let server = ModelServer::start(script.turn(Turn::text("Done.")));
    let run = Run {
        kerf,
        server: &server,
        home: home.path(),
        folder: fixture.path(),
        sandbox: "workspace-write",
        sample_memory: false,
    };
    let replies = Replies::default();
    thread::scope(|scope| {
        scope.spawn(|| replies.watch(&server));
        let ran = run.run();
        replies.over.store(true, Ordering::SeqCst);
        // The watcher looks again at each change of the server, so this turn that nobody takes ends it.
        server.push(Turn::text("").when(|_| false));
        ran
    })?;
    let requests = server.requests();
    if requests.len() != CALLS + 1 {
        return Err(format!(
            "{} requests arrived instead of {}",
            requests.len(),
            CALLS + 1
        ));
    }
    let gaps: Vec<f64> = replies
        .sent_at()
        .iter()
        .zip(requests.iter().skip(1))
        // A reply whose end was noticed too late says nothing.
        .filter(|(sent, next)| **sent < next.head_at)
        .map(|(sent, next)| millis(next.body_at.duration_since(*sent)))
        .collect();
    if gaps.len() < CALLS * 9 / 10 {
        return Err(format!(
            "only {} of {CALLS} gaps could be told: the machine is too busy",
            gaps.len()
        ));
    }
    for (what, share, limit, best_other) in [("median", 0.5, 5.0, 12.0), ("p95", 0.95, 15.0, 32.0)]
    {
        table.add(Figure {
            what: format!("gap between two turns, {CALLS} × read_file, {what}"),
            unit: Unit::Millis,
            value: Some(percentile(&gaps, share)),
            limit: Some(limit),
            best_other: Some(best_other),
        });
    }
    Ok(())
}

/// When each reply had been sent to its end.
#[derive(Debug, Default)]
struct Replies {
    sent_at: Mutex<Vec<Instant>>,
    over: AtomicBool,
}

impl Replies {
    fn sent_at(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.sent_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, server: &ModelServer) {
        server.wait_until(|requests| {
            let now = Instant::now();
            let mut sent_at = self.sent_at();
            let known = sent_at.len();
            let new = requests
                .iter()
                .skip(known)
                .take_while(|request| request.outcome == Outcome::Sent);
            sent_at.extend(iter::repeat_n(now, new.count()));
            self.over.load(Ordering::SeqCst)
        });
    }
}
