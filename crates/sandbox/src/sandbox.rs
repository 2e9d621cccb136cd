//! The front: runs a job to its end, or in the background.

use crate::{
    Background, Finding, Job, Network, Outcome, SandboxError,
    background::Shared,
    environment,
    guard::{Before, Watchman},
    output::Capture,
    plan::Plan,
    platform,
    supervise::supervise,
};
use kerf_protocol::policy::{Isolation, SandboxMode};
use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};

const STARTING: &str = "starting the command";

/// Runs commands. Clones are cheap and share the background commands, which end with the last clone.
#[derive(Debug, Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    helper: PathBuf,
    probe: OnceLock<platform::Probe>,
    watchman: Watchman,
    /// Where programs are looked for, when that is not this process's own `PATH`.
    path: OnceLock<OsString>,
    /// Cancelled when the last clone goes: ends the background commands.
    background: CancellationToken,
    _end_background: DropGuard,
}

/// A command that runs, and what was found before.
struct Spawned {
    running: platform::Running,
    isolation: Isolation,
    before: Before,
    withheld: Vec<PathBuf>,
}

impl Sandbox {
    /// `helper` is the absolute path of a program whose `main` calls [`run_if_helper`](crate::run_if_helper),
    /// as a rule the running program itself. Nothing is started yet.
    pub fn new(helper: PathBuf) -> Self {
        Self::hiding(helper, Vec::new())
    }

    /// As [`Sandbox::new`], with folders and files that no command has to see, such as the program's own data. The
    /// places of the user's keys are known here. A workspace inside of them is seen all the same.
    pub fn hiding(helper: PathBuf, hidden: Vec<PathBuf>) -> Self {
        let background = CancellationToken::new();
        let end = background.clone().drop_guard();
        Self {
            inner: Arc::new(Inner {
                helper,
                probe: OnceLock::new(),
                watchman: Watchman::new(hidden),
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

    /// Whether a program of this name is in the folders that commands are looked up in.
    pub fn has_program(&self, name: &str) -> bool {
        let own = std::env::var_os("PATH").unwrap_or_default();
        let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        std::env::split_paths(self.path().unwrap_or(&own))
            .any(|folder| folder.is_absolute() && folder.join(&name).is_file())
    }

    /// How far `mode` can be kept on this machine. The first call tries it with a real helper process and waits
    /// some milliseconds for it; the answer is kept.
    pub fn isolation(&self, mode: SandboxMode) -> Isolation {
        if mode == SandboxMode::Off {
            return Isolation::Off;
        }
        self.probe().isolation(mode)
    }

    /// Whether a command under `mode` can have a network that is decided about here. Where it cannot, it has none, or
    /// under [`SandboxMode::Off`] the machine's. Tries the sandbox out as [`Sandbox::isolation`] does.
    pub fn can_connect(&self, mode: SandboxMode) -> bool {
        mode != SandboxMode::Off && self.probe().can_connect()
    }

    /// Whether a command under `mode` can see a folder at a second place. It needs mounts of the command's own, which
    /// only bubblewrap makes.
    pub fn can_lend(&self, mode: SandboxMode) -> bool {
        cfg!(target_os = "linux") && self.isolation(mode) == Isolation::Full
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
        let network = job.network.clone();
        let sandbox = self.clone();
        let spawned = blocking(STARTING, move || sandbox.spawn(&job));
        let Spawned {
            running,
            isolation,
            before,
            withheld,
        } = spawned.await??;
        let mut capture = Capture::new(cap);
        let end = supervise(running, timeout, network.as_deref(), &cancel, |bytes| {
            capture.push(bytes);
            output(bytes);
        })
        .await?;
        let inner = Arc::clone(&self.inner);
        let findings = inner.findings(before, network.as_deref()).await?;
        Ok(Outcome {
            end,
            output: capture.finish(),
            isolation,
            duration: started.elapsed(),
            findings,
            withheld,
        })
    }

    /// Starts `job` and lets it run until it ends by itself, is killed, or the last clone of this sandbox is
    /// dropped. Waits some milliseconds for the command to be up. Needs a Tokio runtime.
    ///
    /// # Errors
    /// As for [`Sandbox::run`].
    pub async fn start(&self, job: Job) -> Result<Background, SandboxError> {
        let sandbox = self.clone();
        let spawned = blocking(STARTING, move || {
            let spawned = sandbox.spawn(&job);
            spawned.map(|spawned| (spawned, job))
        });
        let (spawned, job) = spawned.await??;
        let Spawned {
            running,
            before,
            withheld,
            ..
        } = spawned;
        let shared = Shared::new(
            running.id,
            job.output_cap,
            withheld,
            self.inner.background.child_token(),
        );
        let background = Background::new(Arc::clone(&shared));
        // The command is not to keep the sandbox that it ends with.
        let inner = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            let network = job.network.as_deref();
            let end = supervise(running, job.timeout, network, shared.stop(), |bytes| {
                shared.push(bytes)
            })
            .await;
            let end = end.unwrap_or_else(|error| {
                shared.push(format!("\n{error}\n").as_bytes());
                crate::End::Signalled(9)
            });
            let found = match inner.upgrade() {
                Some(inner) => inner.findings(before, network).await,
                None => Ok(Vec::new()),
            };
            let findings = found.unwrap_or_else(|error| {
                shared.push(format!("\n{error}\n").as_bytes());
                Vec::new()
            });
            shared.finish(end, findings);
        });
        Ok(background)
    }

    fn spawn(&self, job: &Job) -> Result<Spawned, SandboxError> {
        let isolation = self.isolation(job.mode);
        if let Isolation::Unavailable { reason } = isolation {
            return Err(SandboxError::Unavailable { reason });
        }
        let mut own = environment::of_this_process();
        if let Some(path) = self.path() {
            own.retain(|(name, _)| !name.eq_ignore_ascii_case("PATH"));
            own.push(("PATH".into(), path.to_owned()));
        }
        let probe = (job.mode != SandboxMode::Off).then(|| self.probe());
        let job = if probe.is_some_and(|probe| !probe.can_withhold()) {
            // The isolation says so. Looking for what cannot be hidden helps nobody.
            let withheld = Vec::new();
            &Job {
                withheld,
                ..job.clone()
            }
        } else {
            job
        };
        let (mut plan, temp, before) = Plan::new(job, own, &self.inner.watchman)?;
        let network = job.network.clone().filter(|_| self.can_connect(job.mode));
        if network.is_some() {
            plan.connect();
        }
        let withheld = plan.guard.withheld.iter().map(PathBuf::from).collect();
        let running = platform::spawn(&self.inner.helper, probe, plan, temp, network)?;
        Ok(Spawned {
            running,
            isolation,
            before,
            withheld,
        })
    }

    fn probe(&self) -> &platform::Probe {
        let probe = || platform::probe(&self.inner.helper);
        self.inner.probe.get_or_init(probe)
    }
}

impl Inner {
    /// What a command left that began with `before`, and where it was not let to connect to.
    async fn findings(
        self: Arc<Self>,
        before: Before,
        network: Option<&dyn Network>,
    ) -> Result<Vec<Finding>, SandboxError> {
        let look = move || self.watchman.findings(&before);
        let mut findings = blocking("looking at what the command left", look).await?;
        let refused = network.map(Network::refused).unwrap_or_default();
        findings.extend(refused.into_iter().map(Finding::Refused));
        Ok(findings)
    }
}

/// Does `work` where it may block.
async fn blocking<T: Send + 'static>(
    action: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, SandboxError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| SandboxError::Io {
        action,
        source: std::io::Error::other(error),
    })
}
