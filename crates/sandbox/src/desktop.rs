//! macOS and Windows: the command is a direct child, in a session (macOS) or a job object (Windows) of its own.
//!
//! macOS confines by Seatbelt, through the system's `sandbox-exec`; Windows does not confine yet and says so. There
//! is no helper process: a process that leaves its session on macOS can outlive its command.

#[cfg(target_os = "macos")]
mod seatbelt;

use crate::{End, Network, SandboxError, plan::Plan};
use kerf_protocol::policy::{Isolation, SandboxMode};
use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use std::{
    future::pending,
    io::{self, PipeReader, Read},
    path::Path,
    process::{ExitStatus, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    process::Command,
    select,
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// From the request to end to the kill.
const GRACE: Duration = Duration::from_millis(80);

/// Chunks of output that wait for their reader; then the command waits.
const CHUNKS: usize = 4;

/// There is no helper here.
pub(crate) fn run_if_helper() {}

/// What this machine can do, or why nothing.
#[derive(Debug)]
pub(crate) struct Probe(Result<(), String>);

#[cfg(target_os = "macos")]
pub(crate) fn probe(_helper: &Path) -> Probe {
    Probe(seatbelt::probe())
}

#[cfg(not(target_os = "macos"))]
pub(crate) fn probe(_helper: &Path) -> Probe {
    Probe(Ok(()))
}

#[cfg(target_os = "macos")]
const MISSING: &[&str] = &[
    "a process that starts a session of its own can outlive its command",
    "a command can outlive a Kerf that is killed",
];
#[cfg(not(target_os = "macos"))]
const MISSING: &[&str] = &[
    "files outside the workspace can be read and written",
    "commands can read what `.kerfignore` files and rules on reading withhold",
    "the network can be reached",
    "the user's other programs can be reached",
];

impl Probe {
    /// A command cannot be given a network of its own here.
    pub(crate) fn can_connect(&self) -> bool {
        false
    }

    /// Whether files can be hidden.
    pub(crate) fn can_withhold(&self) -> bool {
        cfg!(target_os = "macos")
    }

    pub(crate) fn isolation(&self, _mode: SandboxMode) -> Isolation {
        match &self.0 {
            Ok(()) => Isolation::Reduced {
                missing: MISSING.iter().map(|&one| one.to_owned()).collect(),
            },
            Err(reason) => Isolation::Unavailable {
                reason: reason.clone(),
            },
        }
    }
}

/// A running command.
#[derive(Debug)]
pub(crate) struct Running {
    /// Its process id.
    pub(crate) id: u32,
    pub(crate) output: Output,
    pub(crate) process: Process,
}

/// Starts `plan`.
pub(crate) fn spawn(
    _helper: &Path,
    _probe: Option<&Probe>,
    plan: Plan,
    temp: TempDir,
    _network: Option<Arc<dyn Network>>,
) -> Result<Running, SandboxError> {
    let failed = |source| SandboxError::Io {
        action: "starting the command",
        source,
    };
    let (reader, writer) = io::pipe().map_err(failed)?;
    let both = writer.try_clone().map_err(failed)?;
    let mut command = command(&plan);
    command
        .env_clear()
        .envs(plan.env.iter().map(|(name, value)| (name, value)));
    command
        .current_dir(&plan.cwd)
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(both);
    let mut wrap = CommandWrap::from(command);
    wrap.wrap(KillOnDrop);
    #[cfg(unix)]
    wrap.wrap(process_wrap::tokio::ProcessSession);
    #[cfg(windows)]
    wrap.wrap(process_wrap::tokio::JobObject);
    let child = wrap.spawn().map_err(|error| SandboxError::Program {
        program: plan.argv[0].to_string_lossy().into_owned(),
        reason: error.to_string(),
    })?;
    // It holds the pipe's writing end, and with that the output would never end.
    drop(wrap);
    let output = Output::new(reader).map_err(failed)?;
    let id = child.id().unwrap_or(0);
    Ok(Running {
        id,
        output,
        process: Process {
            child,
            kill_at: None,
            _temp: temp,
        },
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "this crate is where processes are started"
)]
fn command(plan: &Plan) -> Command {
    #[cfg(target_os = "macos")]
    if plan.mode != SandboxMode::Off {
        let mut command = Command::new(seatbelt::PROGRAM);
        command.args(seatbelt::arguments(plan)).args(&plan.argv);
        return command;
    }
    let mut command = Command::new(&plan.argv[0]);
    #[cfg(windows)]
    if plan.shell {
        // With `/S`, `cmd` takes off the outer quotes and leaves the rest as it is.
        let (line, switches) = plan.argv[1..]
            .split_last()
            .map_or((None, &[][..]), |(line, rest)| (Some(line), rest));
        command.args(switches);
        if let Some(line) = line {
            let mut quoted = std::ffi::OsString::from("\"");
            quoted.push(line);
            quoted.push("\"");
            command.raw_arg(quoted);
        }
        return command;
    }
    command.args(&plan.argv[1..]);
    command
}

/// What the command writes. A thread reads, because not every system can wait for pipes; it ends with the pipe.
#[derive(Debug)]
pub(crate) struct Output {
    chunks: mpsc::Receiver<io::Result<Vec<u8>>>,
    rest: Vec<u8>,
}

impl Output {
    fn new(mut reader: PipeReader) -> io::Result<Self> {
        let (sender, chunks) = mpsc::channel(CHUNKS);
        let read = move || {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let chunk = match reader.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(count) => Ok(buffer[..count].to_vec()),
                    Err(error) => Err(error),
                };
                let failed = chunk.is_err();
                if sender.blocking_send(chunk).is_err() || failed {
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("sandbox-output".to_owned())
            .spawn(read)?;
        Ok(Self {
            chunks,
            rest: Vec::new(),
        })
    }

    /// Reads some bytes; 0 at the end. Losing the future loses nothing.
    pub(crate) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            match self.chunks.recv().await {
                Some(chunk) => self.rest = chunk?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.rest.len());
        buffer[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Ok(count)
    }
}

/// The command itself. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Box<dyn ChildWrapper>,
    /// Set once it was asked to end.
    kill_at: Option<Instant>,
    _temp: TempDir,
}

impl Process {
    /// Asks for the end of everything. Returns at once.
    pub(crate) fn stop(&mut self) {
        let grace = if ask_to_end(&*self.child) {
            GRACE
        } else {
            Duration::ZERO
        };
        self.kill_at = Some(Instant::now() + grace);
    }

    /// Waits for its end, then kills what it left. `None` when it was stopped before. Losing the future loses nothing.
    pub(crate) async fn ended(&mut self) -> Result<Option<End>, SandboxError> {
        let failed = |source| SandboxError::Io {
            action: "waiting for the command",
            source,
        };
        let kill_at = self.kill_at;
        let grace = async {
            match kill_at {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        // The inner child is the command alone; the outer one would wait for all that it left as well.
        let status = select! {
            status = self.child.inner_mut().wait() => Some(status.map_err(failed)?),
            () = grace => None,
        };
        if let Err(error) = self.child.start_kill() {
            tracing::debug!(%error, "nothing of the command was left to kill");
        }
        let status = match status {
            Some(status) => status,
            None => self.child.inner_mut().wait().await.map_err(failed)?,
        };
        Ok(if kill_at.is_some() {
            None
        } else {
            Some(end(status))
        })
    }

    /// There is nobody else to wait for.
    pub(crate) async fn gone(&mut self) {}
}

/// Whether the command could be asked to end by itself.
#[cfg(unix)]
fn ask_to_end(child: &dyn ChildWrapper) -> bool {
    const SIGTERM: i32 = 15;
    child.signal(SIGTERM).is_ok()
}

/// There is only the kill.
#[cfg(not(unix))]
fn ask_to_end(_child: &dyn ChildWrapper) -> bool {
    false
}

#[cfg(unix)]
fn end(status: ExitStatus) -> End {
    use std::os::unix::process::ExitStatusExt;
    status
        .signal()
        .map_or_else(|| End::Exited(status.code().unwrap_or(0)), End::Signalled)
}

#[cfg(not(unix))]
fn end(status: ExitStatus) -> End {
    End::Exited(status.code().unwrap_or(1))
}
