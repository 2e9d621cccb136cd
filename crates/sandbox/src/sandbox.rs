//! The front: runs a job to its end, or in the background.

use crate::{
    Background, Job, Outcome, SandboxError, background::Shared, environment, output::Capture,
    plan::Plan, platform, supervise::supervise,
};
use kerf_protocol::policy::{Isolation, SandboxMode};
use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Runs commands. Clones are cheap and share the background commands, which end with the last clone.
#[derive(Debug, Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    helper: PathBuf,
    probe: OnceLock<platform::Probe>,
    /// Where programs are looked for, when that is not this process's own `PATH`.
    path: OnceLock<OsString>,
    /// Cancelled when the last clone goes: ends the background commands.
    background: CancellationToken,
    _end_background: DropGuard,
}

impl Sandbox {
    /// `helper` is the absolute path of a program whose `main` calls [`run_if_helper`](crate::run_if_helper),
    /// as a rule the running program itself. Nothing is started yet.
    pub fn new(helper: PathBuf) -> Self {
        let background = CancellationToken::new();
        let end = background.clone().drop_guard();
        Self {
            inner: Arc::new(Inner {
                helper,
                probe: OnceLock::new(),
                path: OnceLock::new(),
                background,
                _end_background: end,
            }),
        }
    }

    /// Looks for programs in `path` from now on, instead of in this process's `PATH`. Only the first call counts.
    pub fn use_path(&self, path: OsString) {
        // A second answer to the same question is not needed.
        let _ = self.inner.path.set(path);
    }

    pub(crate) fn path(&self) -> Option<&OsStr> {
        self.inner.path.get().map(OsString::as_os_str)
    }

    /// How far `mode` can be kept on this machine. The first call tries it with a real helper process and waits
    /// some milliseconds for it; the answer is kept.
    pub fn isolation(&self, mode: SandboxMode) -> Isolation {
        if mode == SandboxMode::Off {
            return Isolation::Off;
        }
        self.inner
            .probe
            .get_or_init(|| platform::probe(&self.inner.helper))
            .isolation(mode)
    }

    /// Runs `job` until it and everything it started is gone, handing its output to `output` as it comes.
    ///
    /// When the command itself ends, what it left running is killed. `cancel` and the timeout send SIGTERM to all
    /// of it and SIGKILL a moment later; the call then returns within 200 ms unless the kernel holds a process.
    /// Dropping the future kills as well. Needs a Tokio runtime.
    ///
    /// # Errors
    /// Nothing was run when the error is not [`SandboxError::Io`].
    pub async fn run(
        &self,
        job: Job,
        cancel: CancellationToken,
        mut output: impl FnMut(&[u8]) + Send,
    ) -> Result<Outcome, SandboxError> {
        let started = Instant::now();
        let (timeout, cap) = (job.timeout, job.output_cap);
        let sandbox = self.clone();
        let (running, isolation) =
            match tokio::task::spawn_blocking(move || sandbox.spawn(&job)).await {
                Ok(spawned) => spawned?,
                Err(error) => {
                    return Err(SandboxError::Io {
                        action: "starting the command",
                        source: std::io::Error::other(error),
                    });
                }
            };
        let mut capture = Capture::new(cap);
        let end = supervise(running, timeout, &cancel, |bytes| {
            capture.push(bytes);
            output(bytes);
        })
        .await?;
        Ok(Outcome {
            end,
            output: capture.finish(),
            isolation,
            duration: started.elapsed(),
        })
    }

    /// Starts `job` and lets it run until it ends by itself, is killed, or the last clone of this sandbox is
    /// dropped. Waits some milliseconds for the command to be up. Needs a Tokio runtime.
    ///
    /// # Errors
    /// As for [`Sandbox::run`].
    pub fn start(&self, job: Job) -> Result<Background, SandboxError> {
        let (running, _) = self.spawn(&job)?;
        let shared = Shared::new(
            running.id,
            job.output_cap,
            self.inner.background.child_token(),
        );
        let background = Background::new(Arc::clone(&shared));
        tokio::spawn(async move {
            let end = supervise(running, job.timeout, shared.stop(), |bytes| {
                shared.push(bytes)
            })
            .await;
            shared.finish(end.unwrap_or_else(|error| {
                shared.push(format!("\n{error}\n").as_bytes());
                crate::End::Signalled(9)
            }));
        });
        Ok(background)
    }

    fn spawn(&self, job: &Job) -> Result<(platform::Running, Isolation), SandboxError> {
        let isolation = self.isolation(job.mode);
        if let Isolation::Unavailable { reason } = isolation {
            return Err(SandboxError::Unavailable { reason });
        }
        let mut own = environment::of_this_process();
        if let Some(path) = self.path() {
            own.retain(|(name, _)| !name.eq_ignore_ascii_case("PATH"));
            own.push(("PATH".into(), path.to_owned()));
        }
        let (plan, temp) = Plan::new(job, own)?;
        Ok((platform::spawn(&self.inner.helper, plan, temp)?, isolation))
    }
}
