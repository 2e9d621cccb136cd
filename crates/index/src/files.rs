//! The files to search, in a way that can be cancelled.

use crate::SearchError;
use kerf_workspace::{Kind, RelPath, Walk, Walked, Workspace};
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

/// Lists the regular files under `under`; links are left out, and what lies at or beneath `except`.
pub(crate) fn list(
    ws: &Workspace,
    under: &RelPath,
    except: Option<&RelPath>,
    cancel: &AtomicBool,
) -> Result<Files, SearchError> {
    let options = Walk {
        under: under.clone(),
        ..Walk::default()
    };
    let walked = walk(ws, options, except, cancel)?;
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

/// Walks, and looks meanwhile whether that is still wanted.
pub(crate) fn walk(
    ws: &Workspace,
    options: Walk,
    except: Option<&RelPath>,
    cancel: &AtomicBool,
) -> Result<Walked, SearchError> {
    let stop = Arc::new(AtomicBool::new(false));
    let options = Walk {
        cancel: Some(Arc::clone(&stop)),
        ..options
    };
    let mut walked = thread::scope(|scope| {
        let (done, is_done) = channel::<()>();
        let walking = scope.spawn(|| {
            let walked = ws.walk(&options);
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
    if let Some(except) = except {
        walked.files.retain(|(path, _)| !path.starts_with(except));
        walked
            .skipped
            .retain(|skipped| !skipped.path.starts_with(except));
    }
    Ok(walked)
}

/// Whether a name below `under` starts with a dot. What the user named himself is not hidden.
pub(crate) fn is_hidden(path: &RelPath, under: &RelPath) -> bool {
    path.names()
        .skip(under.names().count())
        .any(|name| name.as_encoded_bytes().starts_with(b"."))
}
