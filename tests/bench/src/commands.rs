//! What the isolation of a command costs: the same command with the sandbox on and off, in turn.

use crate::{
    Done,
    numbers::{median, millis},
    table::{Table, Unit},
};
use kerf_protocol::policy::{Isolation, SandboxMode};
use kerf_sandbox::{End, Invocation, Job, Sandbox};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Timed commands of each kind, after a tenth as many that are not.
const COMMANDS: usize = 200;
/// What the isolation may add to a command, in milliseconds.
const LIMIT: f64 = 15.0;

pub(crate) fn run(kerf: &Path, table: &mut Table) -> Done {
    let sandbox = Sandbox::new(kerf.to_owned());
    let isolation = sandbox.isolation(SandboxMode::WorkspaceWrite);
    if isolation != Isolation::Full {
        return Err(format!("the isolation is not full here: {isolation:?}"));
    }
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let (mut on, mut off) = (Vec::new(), Vec::new());
    for number in 0..COMMANDS + COMMANDS / 10 {
        for (mode, times) in [
            (SandboxMode::WorkspaceWrite, &mut on),
            (SandboxMode::Off, &mut off),
        ] {
            let took = runtime.block_on(one(&sandbox, folder.path(), mode))?;
            if number >= COMMANDS / 10 {
                times.push(millis(took));
            }
        }
    }
    let (on, off) = (median(&on), median(&off));
    let what = "a command, what the sandbox adds, medians of 200";
    table.limited(what, Unit::Millis, Some(on - off), LIMIT);
    table.compare("– with the sandbox", Unit::Millis, Some(on));
    table.compare("– without", Unit::Millis, Some(off));
    Ok(())
}

/// How long the shortest command takes from its start until nothing of it is left.
async fn one(sandbox: &Sandbox, folder: &Path, mode: SandboxMode) -> Done<Duration> {
    let job = Job {
        command: Invocation::Shell("true".to_owned()),
        cwd: folder.to_owned(),
        workspace: folder.to_owned(),
        mode,
        timeout: None,
        env: Vec::new(),
        writable: Vec::new(),
        output_cap: 1_024,
        network: None,
        commits: None,
        lent: Vec::new(),
        withheld: Vec::new(),
    };
    let begun = Instant::now();
    let outcome = sandbox.run(job, CancellationToken::new(), |_| ()).await;
    let took = begun.elapsed();
    match outcome.map_err(|error| error.to_string())?.end {
        End::Exited(0) => Ok(took),
        end => Err(format!("`true` ended with {end:?}")),
    }
}
