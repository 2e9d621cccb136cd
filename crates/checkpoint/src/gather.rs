//! Which paths are to be looked at.

use crate::{CheckpointError, Snapshot, files::beneath};
use kerf_workspace::{FsError, Kind, RelPath, Skipped, Stat, Walk, Walked, Workspace};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    iter, panic,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

/// How long after a cancellation a walk may go on.
const CANCEL_LATENCY: Duration = Duration::from_millis(25);

/// What a walk meant by leaving something out.
enum Skip {
    /// Something is there that nobody could look at.
    Unseen,
    /// It is there, and certainly no file or link.
    NoFile,
    /// Everything there was looked at.
    Nothing,
}

/// What is to be looked at, while it is being gathered.
pub(crate) struct Gather<'a> {
    pub(crate) ws: &'a Workspace,
    pub(crate) previous: &'a Snapshot,
    pub(crate) candidates: BTreeMap<RelPath, Stat>,
    pub(crate) unseen: BTreeMap<RelPath, String>,
    pub(crate) no_files: BTreeMap<RelPath, String>,
    /// Candidates that the rules leave out: the snapshot before names them.
    pub(crate) ignored: BTreeSet<RelPath>,
    real_folders: HashMap<RelPath, bool>,
}

impl<'a> Gather<'a> {
    pub(crate) fn new(ws: &'a Workspace, previous: &'a Snapshot) -> Self {
        Self {
            ws,
            previous,
            candidates: BTreeMap::new(),
            unseen: BTreeMap::new(),
            no_files: BTreeMap::new(),
            ignored: BTreeSet::new(),
            real_folders: HashMap::from([(RelPath::root(), true)]),
        }
    }

    pub(crate) fn walk(
        &mut self,
        under: RelPath,
        cancel: &AtomicBool,
    ) -> Result<(), CheckpointError> {
        let walked = walk(self.ws, under, cancel)?;
        if self.candidates.is_empty() {
            // All at once is several times as fast as one by one.
            self.candidates = walked.files.into_iter().collect();
        } else {
            self.candidates.extend(walked.files);
        }
        for Skipped { path, reason } in walked.skipped {
            match self.what_was_skipped(&path) {
                Skip::Unseen => {
                    self.unseen.insert(path, reason);
                }
                Skip::NoFile => {
                    self.no_files.insert(path, reason);
                }
                Skip::Nothing => {
                    tracing::debug!(%path, reason, "the walk had a remark");
                }
            }
        }
        Ok(())
    }

    /// A walk reports pipes, folders that it could not list, and ignore rules that it could not read, all alike.
    fn what_was_skipped(&mut self, path: &RelPath) -> Skip {
        if self.candidates.contains_key(path) {
            return Skip::Nothing;
        }
        let kind = if path.is_root() {
            Some(Kind::Dir)
        } else {
            self.stat(path).map(|stat| stat.kind)
        };
        match kind {
            None => Skip::Nothing,
            Some(Kind::Other) => Skip::NoFile,
            Some(Kind::File | Kind::Link) => Skip::Unseen,
            Some(Kind::Dir) => {
                let too_deep = path.names().count() >= Walk::default().max_depth;
                // The walk goes by name, and the handle still opens a folder that was deleted or unmounted.
                let is_gone = path.is_root() && !self.ws.root().exists();
                if too_deep || is_gone || self.ws.fs().list(path).is_err() {
                    Skip::Unseen
                } else {
                    Skip::Nothing
                }
            }
        }
    }

    /// Adds what `previous` names at or beneath `scope` and is still there, ignored by now or not.
    pub(crate) fn tracked_beneath(&mut self, scope: &RelPath) {
        let previous = self.previous;
        let tracked = beneath(&previous.files, scope).map(|(path, _)| path);
        // Side by side, because nearly all of them have been found.
        let mut found = self.candidates.range(scope.clone()..).peekable();
        let mut missing = Vec::new();
        for path in tracked {
            if found.next_if(|(found, _)| *found == path).is_some() {
                continue;
            }
            while found.next_if(|(found, _)| *found < path).is_some() {}
            if found.next_if(|(found, _)| *found == path).is_none() && !covers(&self.unseen, path) {
                missing.push(path);
            }
        }
        for path in missing {
            if let Some(stat) = self.stat(path) {
                self.candidates.insert(path.clone(), stat);
                self.ignored.insert(path.clone());
            }
        }
    }

    /// What is at the path, if there is something and no link leads to it. What cannot be asked about is unseen.
    pub(crate) fn stat(&mut self, path: &RelPath) -> Option<Stat> {
        let parent = path.parent()?;
        if !self.is_real_folder(&parent) {
            return None;
        }
        match self.ws.fs().stat(path) {
            Ok(stat) => Some(stat),
            Err(FsError::NotFound { .. } | FsError::NotADir { .. }) => None,
            Err(error) => {
                self.unseen.insert(path.clone(), error.to_string());
                None
            }
        }
    }

    pub(crate) fn is_real_folder(&mut self, path: &RelPath) -> bool {
        if let Some(real) = self.real_folders.get(path) {
            return *real;
        }
        let real = self.stat(path).is_some_and(|stat| stat.kind == Kind::Dir);
        self.real_folders.insert(path.clone(), real);
        real
    }
}

/// Whether `path` is, or lies beneath, one of the paths.
fn covers<T>(paths: &BTreeMap<RelPath, T>, path: &RelPath) -> bool {
    !paths.is_empty()
        && iter::successors(Some(path.clone()), RelPath::parent)
            .any(|above| paths.contains_key(&above))
}

/// Walks on another thread, so that the caller's flag can stop it.
fn walk(ws: &Workspace, under: RelPath, cancel: &AtomicBool) -> Result<Walked, CheckpointError> {
    let stop = Arc::new(AtomicBool::new(false));
    let options = Walk {
        under,
        cancel: Some(Arc::clone(&stop)),
        ..Walk::default()
    };
    let walked = thread::scope(|scope| {
        let (done, wait) = mpsc::channel::<()>();
        let options = &options;
        let walker = scope.spawn(move || {
            // Dropped at the end, also by a panic, which wakes the other thread.
            let _done = done;
            ws.walk(options)
        });
        while wait.recv_timeout(CANCEL_LATENCY) == Err(mpsc::RecvTimeoutError::Timeout) {
            stop.fetch_or(cancel.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        walker
            .join()
            .unwrap_or_else(|payload| panic::resume_unwind(payload))
    });
    if cancel.load(Ordering::Relaxed) {
        return Err(CheckpointError::Cancelled);
    }
    Ok(walked)
}
