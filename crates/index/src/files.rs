//! The files to search, in a way that can be cancelled.

use crate::SearchError;
use kerf_workspace::{Kind, RelPath, Walk, Workspace};
use std::{
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

/// How often a walk looks whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(20);

/// What there is.
pub(crate) struct Files {
    /// Regular files, in any order.
    pub(crate) files: Vec<RelPath>,
    /// What could not be looked at, and why.
    pub(crate) skipped: Vec<(RelPath, String)>,
}

/// Lists the regular files under `under`; links are left out.
pub(crate) fn list(
    ws: &Workspace,
    under: &RelPath,
    cancel: &AtomicBool,
) -> Result<Files, SearchError> {
    let stop = Arc::new(AtomicBool::new(false));
    let walk = Walk {
        under: under.clone(),
        cancel: Some(Arc::clone(&stop)),
        ..Walk::default()
    };
    let walked = thread::scope(|scope| {
        let (done, is_done) = channel::<()>();
        let walking = scope.spawn(|| {
            let walked = ws.walk(&walk);
            drop(done);
            walked
        });
        while is_done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            stop.store(cancel.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        walking.join().unwrap_or_else(|panic| resume_unwind(panic))
    });
    if cancel.load(Ordering::Relaxed) {
        return Err(SearchError::Cancelled);
    }
    let nothing = walked.files.is_empty();
    if let Some(missing) = walked
        .skipped
        .iter()
        .find(|skipped| nothing && skipped.path == *under)
    {
        return Err(SearchError::Under {
            under: under.to_string(),
            message: missing.reason.clone(),
        });
    }
    let files = walked
        .files
        .into_iter()
        .filter(|(_, stat)| stat.kind == Kind::File)
        .map(|(path, _)| path);
    let skipped = walked
        .skipped
        .into_iter()
        .map(|skipped| (skipped.path, skipped.reason));
    Ok(Files {
        files: files.collect(),
        skipped: skipped.collect(),
    })
}
