//! A command that runs on while the conversation goes on.

use crate::{End, Finding, output::Capture};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A running command. Clones are the same command; dropping them all does not end it, but dropping the last
/// clone of its [`Sandbox`](crate::Sandbox) does.
#[derive(Debug, Clone)]
pub struct Background {
    shared: Arc<Shared>,
}

/// What the handle and the task behind it share.
#[derive(Debug)]
pub(crate) struct Shared {
    id: u32,
    capture: Mutex<Capture>,
    findings: OnceLock<Vec<Finding>>,
    withheld: Vec<PathBuf>,
    end: watch::Sender<Option<End>>,
    stop: CancellationToken,
}

impl Shared {
    pub(crate) fn new(
        id: u32,
        cap: usize,
        withheld: Vec<PathBuf>,
        stop: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            capture: Mutex::new(Capture::new(cap)),
            findings: OnceLock::new(),
            withheld,
            end: watch::Sender::new(None),
            stop,
        })
    }

    pub(crate) fn push(&self, bytes: &[u8]) {
        self.capture().push(bytes);
    }

    pub(crate) fn finish(&self, end: End, findings: Vec<Finding>) {
        // A command ends once.
        let _ = self.findings.set(findings);
        self.end.send_replace(Some(end));
    }

    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    fn capture(&self) -> MutexGuard<'_, Capture> {
        // A push cannot leave it half done, so what a panicking thread left is still good.
        self.capture.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Background {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The process id of the command's supervisor; distinct among the running ones.
    pub fn id(&self) -> u32 {
        self.shared.id
    }

    /// The output from `offset` on (in bytes since the start) and the offset to ask for next. At most the job's
    /// `output_cap` is kept at each end; a line stands for what is gone.
    pub fn output_since(&self, offset: u64) -> (Vec<u8>, u64) {
        self.shared.capture().since(offset)
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&self) -> Option<End> {
        *self.shared.end.borrow()
    }

    /// What it left in the workspace that programs outside of the sandbox should not follow unseen, and what else is to be
    /// known about it, as of its end; nothing while it runs, nor when the last clone of its sandbox was gone by then.
    pub fn findings(&self) -> &[Finding] {
        self.shared.findings.get().map_or(&[], Vec::as_slice)
    }

    /// Files and folders that it cannot read because they are withheld from it.
    pub fn withheld(&self) -> &[PathBuf] {
        &self.shared.withheld
    }

    /// Waits until it has ended and nothing of it is left.
    pub async fn wait(&self) -> End {
        let mut end = self.shared.end.subscribe();
        match end.wait_for(Option::is_some).await {
            Ok(end) => end.unwrap_or(End::Cancelled),
            // The sender lives in `shared`, which `self` holds.
            Err(_) => End::Cancelled,
        }
    }

    /// Ends it with all that it started, and waits for that.
    pub async fn kill(&self) {
        self.shared.stop.cancel();
        self.wait().await;
    }
}
