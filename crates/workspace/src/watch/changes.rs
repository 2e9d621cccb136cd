//! What was told of a folder, kept until it is asked for.
//!
//! A listener of a [`super::Watcher`] hears of changes some time after they happened. [`Changes`] answers at a moment of
//! the asker's choice, with all that had happened by then. The system tells of all watched folders through one queue, in
//! order; so a file is made in a folder of the asker's own that the same queue tells of, and once that was told, so was
//! everything before it.
//!
//! What the system never tells of, no answer holds: writes through a mapping for as long as it stands, writes through a
//! second name outside of the folder, rule files above it, and what is mounted into it. Start with [`super::Watcher::changes`].

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::slept::Sleeps;
use crate::path::RelPath;

/// So many paths are kept. With more, whoever has a mark is to look at the folder.
const MAX_PATHS: usize = 20_000;

/// What was told of a folder, for as long as its watcher lives. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Changes {
    log: Arc<Log>,
    cookies: Arc<Cookies>,
    sleeps: Arc<Sleeps>,
}

/// A moment, as [`Changes`] counts. It is of use only with the one that gave it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    told: u64,
    sleeps: u64,
}

/// What was told since a mark.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// The paths that were made, changed, moved or removed, in order and without duplicates, and none of them ignored. A
    /// folder stands for all that is in it, a path where nothing is for all that was.
    pub paths: Vec<RelPath>,
    /// What is told later is told since this mark.
    pub mark: Mark,
}

impl Changes {
    /// This moment. What changes from now on is told since it; some of what changed before may be too.
    pub fn mark(&self) -> Mark {
        Mark {
            // Before the rest, so that a sleep between the two is not overlooked.
            sleeps: self.sleeps.count(),
            told: self.log.state().told,
        }
    }

    /// All that was changed since the mark, when the caller has not changed anything meanwhile on another thread.
    ///
    /// None: only a look at the whole folder tells. The system has lost events or was not heard within `patience`, the
    /// computer slept, ignore rules have changed, a folder was moved, too much has changed, or the watcher is gone.
    pub fn since(&self, mark: Mark, patience: Duration) -> Option<Told> {
        self.catch_up(patience)?;
        let state = self.log.state();
        if state.is_over || mark.told < state.doubted {
            return None;
        }
        let later = state.last.iter().filter(|(_, told)| **told > mark.told);
        let mut paths: Vec<RelPath> = later.map(|(path, _)| path.clone()).collect();
        paths.sort_unstable();
        let told = state.told;
        drop(state);
        let sleeps = self.sleeps.count();
        (sleeps == mark.sleeps).then_some(Told {
            paths,
            mark: Mark { told, sleeps },
        })
    }

    /// Waits until everything that happened before this call was told.
    fn catch_up(&self, patience: Duration) -> Option<()> {
        let number = self.cookies.next.fetch_add(1, Ordering::Relaxed);
        let cookie = self
            .cookies
            .folder
            .join(format!("{}{number}", self.cookies.prefix));
        if let Err(error) = File::create_new(&cookie) {
            tracing::debug!(%error, "a file to wait for cannot be made");
            return None;
        }
        let (state, waited) = self
            .log
            .seen
            .wait_timeout_while(self.log.state(), patience, |state| {
                // A later one was made later, so everything before this one was told too.
                state.cookie < number && !state.is_over
            })
            .unwrap_or_else(PoisonError::into_inner);
        drop(state);
        if let Err(error) = fs::remove_file(&cookie) {
            tracing::debug!(%error, "a file of ours stays");
        }
        (!waited.timed_out()).then_some(())
    }
}

/// The files that are waited for.
#[derive(Debug)]
pub(super) struct Cookies {
    folder: PathBuf,
    /// The beginning of their names, by which a watcher knows its own.
    prefix: String,
    next: AtomicU64,
}

impl Cookies {
    /// In this folder, which other watchers and processes may use as well. It is for nothing else: what is in it by now
    /// was left by a process that was killed, or has been told already.
    pub(super) fn new(folder: PathBuf) -> Self {
        static WATCHERS: AtomicU64 = AtomicU64::new(0);
        for left in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if let Err(error) = fs::remove_file(left.path()) {
                tracing::debug!(%error, "a file of ours stays");
            }
        }
        let watcher = WATCHERS.fetch_add(1, Ordering::Relaxed);
        Self {
            folder,
            prefix: format!("{}-{watcher}-", std::process::id()),
            next: AtomicU64::new(1),
        }
    }

    /// The number of the file, if it is one of these; none in a folder that they are not in.
    pub(super) fn number(&self, path: &Path) -> Option<Option<u64>> {
        let name = path.strip_prefix(&self.folder).ok()?.to_str();
        Some(name.and_then(|name| name.strip_prefix(&self.prefix)?.parse().ok()))
    }
}

/// What was told, by the order in which it was.
#[derive(Debug, Default)]
pub(super) struct Log {
    state: Mutex<State>,
    /// A cookie was seen, or it is over.
    seen: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Whether anybody may ask.
    is_kept: bool,
    /// Whether nothing more is told, or not all of it.
    is_over: bool,
    told: u64,
    /// Marks before this one are of no use.
    doubted: u64,
    last: HashMap<RelPath, u64>,
    /// The last cookie that was told.
    cookie: u64,
}

impl Log {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and what is in it is whole after each step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keep(self: &Arc<Self>, cookies: Arc<Cookies>, sleeps: Arc<Sleeps>) -> Changes {
        self.state().is_kept = true;
        Changes {
            log: Arc::clone(self),
            cookies,
            sleeps,
        }
    }

    /// A path was told. Called when everything that it leads to has been done: then whoever takes a mark before misses
    /// nothing.
    pub(super) fn add(&self, path: &RelPath) {
        let mut state = self.state();
        if !state.is_kept {
            return;
        }
        state.told += 1;
        let told = state.told;
        state.last.insert(path.clone(), told);
        if state.last.len() > MAX_PATHS {
            drop(state);
            self.doubt();
        }
    }

    /// Something may have been missed by now, and nothing from here on.
    pub(super) fn doubt(&self) {
        let mut state = self.state();
        state.told += 1;
        state.doubted = state.told;
        state.last.clear();
    }

    /// From here on something may always be missed.
    pub(super) fn end(&self) {
        self.state().is_over = true;
        self.seen.notify_all();
    }

    pub(super) fn cookie(&self, number: u64) {
        let mut state = self.state();
        state.cookie = state.cookie.max(number);
        drop(state);
        self.seen.notify_all();
    }
}
