//! What the isolation of a command costs: the same command with the sandbox on and off, and with a file withheld from it,
//! in turn.

use crate::{
    Done,
    numbers::{median, millis},
    table::{Table, Unit},
};
use kerf_protocol::policy::{Isolation, SandboxMode};
use kerf_sandbox::{End, Invocation, Job, Sandbox, Withheld, Withhold};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Timed commands of each kind, after a tenth as many that are not.
const COMMANDS: usize = 200;
/// What the isolation may add to a command, in milliseconds.
const LIMIT: f64 = 15.0;

/// The file that is withheld from some of the commands.
const WITHHELD: &str = "withheld.key";

/// Withholds that one file.
#[derive(Debug)]
struct OneFile;

impl Withhold for OneFile {
    fn version(&self) -> Option<u64> {
        Some(1)
    }

    fn withholds(&self, path: &Path, _is_dir: bool) -> bool {
        path.ends_with(WITHHELD)
    }

    fn names(&self, _folder: &Path, name: &str) -> bool {
        name == WITHHELD
    }

    fn places(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

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
    fs::write(folder.path().join(WITHHELD), "x").map_err(|error| error.to_string())?;
    let withheld = vec![Withheld {
        root: folder.path().to_owned(),
        by: Arc::new(OneFile),
    }];
    let (mut on, mut off, mut masked) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..COMMANDS + COMMANDS / 10 {
        for (mode, withheld, times) in [
            (SandboxMode::WorkspaceWrite, &[][..], &mut on),
            (SandboxMode::Off, &[][..], &mut off),
            (
                SandboxMode::WorkspaceWrite,
                withheld.as_slice(),
                &mut masked,
            ),
        ] {
            let took = runtime.block_on(one(&sandbox, folder.path(), mode, withheld))?;
            if number >= COMMANDS / 10 {
                times.push(millis(took));
            }
        }
    }
    let (on, off, masked) = (median(&on), median(&off), median(&masked));
    let what = "a command, what the sandbox adds, medians of 200";
    table.limited(what, Unit::Millis, Some(on - off), LIMIT);
    table.compare("– with the sandbox", Unit::Millis, Some(on));
    table.compare("– without", Unit::Millis, Some(off));
    let what = "– what one withheld file adds to that with the sandbox";
    table.compare(what, Unit::Millis, Some(masked - on));
    Ok(())
}

/// How long the shortest command takes from its start until nothing of it is left.
async fn one(
    sandbox: &Sandbox,
    folder: &Path,
    mode: SandboxMode,
    withheld: &[Withheld],
) -> Done<Duration> {
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
        withheld: withheld.to_vec(),
    };
    let begun = Instant::now();
    let outcome = sandbox.run(job, CancellationToken::new(), |_| ()).await;
    let took = begun.elapsed();
    let outcome = outcome.map_err(|error| error.to_string())?;
    if outcome.withheld.len() != withheld.len() {
        return Err(format!("withheld was {:?}", outcome.withheld));
    }
    match outcome.end {
        End::Exited(0) => Ok(took),
        end => Err(format!("`true` ended with {end:?}")),
    }
}
