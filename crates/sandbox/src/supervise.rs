//! Watches one running command: hands on its output, and ends it when it is told to.

use crate::{End, Network, SandboxError, platform::Running};
use std::time::Duration;
use tokio::{
    select,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

/// Read at once; the size of a pipe's buffer.
const CHUNK: usize = 64 * 1024;

/// A command that was killed and is still there after this long is held by the kernel; nobody waits for it.
const STUCK: Duration = Duration::from_secs(2);

/// How long output may still come after the end. Only a process that escaped can hold the pipe open.
const DRAIN: Duration = Duration::from_millis(80);

/// So far away that it never comes.
const NEVER: Duration = Duration::from_secs(86_400 * 365);

/// Runs until the command and everything it started is gone.
pub(crate) async fn supervise(
    mut running: Running,
    timeout: Option<Duration>,
    network: Option<&dyn Network>,
    cancel: &CancellationToken,
    mut output: impl FnMut(&[u8]),
) -> Result<End, SandboxError> {
    let started = Instant::now();
    let time = timeout.unwrap_or(NEVER).min(NEVER);
    let mut deadline = started + time;
    let mut give_up = deadline + NEVER;
    let mut stopped_by = None;
    let mut open = true;
    let mut buffer = vec![0; CHUNK];
    let end = loop {
        // The order matters: a flood of output must not delay an end.
        let stop = select! {
            biased;
            () = cancel.cancelled(), if stopped_by.is_none() => End::Cancelled,
            () = sleep_until(deadline), if stopped_by.is_none() => {
                // Time in which the user was asked is not the command's.
                let waited = network.map_or(Duration::ZERO, Network::waited).min(NEVER);
                deadline = started + time + waited;
                if deadline > Instant::now() {
                    continue;
                }
                End::TimedOut
            }
            () = sleep_until(give_up) => {
                tracing::warn!(id = running.id, "a killed command does not end; leaving it to the system");
                break None;
            }
            end = running.process.ended() => break Some(end?),
            read = running.output.read(&mut buffer), if open => {
                match read.map_err(|source| SandboxError::Io { action: "reading a command's output", source })? {
                    0 => open = false,
                    count => output(&buffer[..count]),
                }
                continue;
            }
        };
        stopped_by = Some(stop);
        give_up = Instant::now() + STUCK;
        running.process.stop();
    };

    // What it wrote last is still in the pipe.
    let until = Instant::now() + DRAIN;
    while open {
        match timeout_at(until, running.output.read(&mut buffer)).await {
            Ok(Ok(count)) if count > 0 => output(&buffer[..count]),
            _ => open = false,
        }
    }
    // The supervisor clears up after itself; most often it is done by now.
    if timeout_at(until, running.process.gone()).await.is_err() {
        tracing::debug!(
            id = running.id,
            "a finished command's temporary folder is still being removed"
        );
    }

    Ok(match (end, stopped_by) {
        // It ended by itself, perhaps at the moment when it was to be stopped.
        (Some(Some(end)), _) => end,
        (_, Some(stopped_by)) => stopped_by,
        // Stopped, and not from here: the supervisor was told to shut down.
        (_, None) => End::Cancelled,
    })
}
