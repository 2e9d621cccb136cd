//! What the index tells of itself.

use super::Core;
use crate::{Reason, listing::State};
use kerf_workspace::RelPath;
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Progress is told no more often.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// What the index of one folder is and does.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// What it does.
    pub state: Phase,
    /// Files of the folder that are not ignored.
    pub files: usize,
    /// Their length, in bytes.
    pub bytes: u64,
    /// Contents in the index, also those of other folders that share it.
    pub contents: usize,
    /// How many files have no words and definitions in the index, by reason.
    pub left_out: BTreeMap<Reason, usize>,
    /// The time since a change was last taken in; `None` before the first.
    pub last_change: Option<Duration>,
    /// The length of the index on disk, in bytes.
    pub index_bytes: u64,
    /// Whether this process adds to the index. Another one may do so, or the disk may be full.
    pub writable: bool,
    /// How many files were read since the index was opened.
    pub contents_read: u64,
}

/// What the index does.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// It takes in files. A search finds everything meanwhile, but takes longer.
    Building {
        /// Files read in this round.
        files_done: usize,
        /// Files to read in this round.
        files_total: usize,
        /// Their bytes.
        bytes_done: u64,
        /// Bytes to read in this round.
        bytes_total: u64,
        /// The time it will take, once that can be said.
        left: Option<Duration>,
    },
    /// It has taken in everything that it was told of.
    Ready,
    /// It does not grow. A search finds everything, but takes longer.
    Off {
        /// Why, for people.
        why: String,
    },
}

/// A file that the index leaves out, wholly or but for exact search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The file, or a folder that could not be looked into.
    pub path: RelPath,
    /// Why.
    pub reason: Reason,
    /// More about it, for people.
    pub message: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The status changed: progress, at most ten times a second, or another state.
    Status(Status),
}

/// How far the present round is.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) files_done: AtomicUsize,
    files_total: AtomicUsize,
    pub(super) bytes_done: AtomicU64,
    bytes_total: AtomicU64,
    pub(super) contents_read: AtomicU64,
    times: Mutex<Times>,
}

#[derive(Default)]
struct Times {
    round: Option<Instant>,
    told: Option<Instant>,
    changed: Option<Instant>,
}

impl Progress {
    pub(super) fn start(&self, files: usize, bytes: u64) {
        self.files_done.store(0, Ordering::Relaxed);
        self.bytes_done.store(0, Ordering::Relaxed);
        self.files_total.store(files, Ordering::Relaxed);
        self.bytes_total.store(bytes, Ordering::Relaxed);
        super::locked(&self.times).round = Some(Instant::now());
    }

    pub(super) fn changed(&self) {
        super::locked(&self.times).changed = Some(Instant::now());
    }

    /// Whether it is time to tell again, which it then is not for a while.
    pub(super) fn is_due(&self) -> bool {
        let told = &mut super::locked(&self.times).told;
        let is_due = told.is_none_or(|told| told.elapsed() >= TELL_EVERY);
        if is_due {
            *told = Some(Instant::now());
        }
        is_due
    }

    fn phase(&self) -> Phase {
        let bytes_done = self.bytes_done.load(Ordering::Relaxed);
        let bytes_total = self.bytes_total.load(Ordering::Relaxed).max(bytes_done);
        let spent = super::locked(&self.times)
            .round
            .map(|start| start.elapsed());
        let left = spent.filter(|spent| bytes_done > 0 && *spent > Duration::from_secs(1));
        Phase::Building {
            files_done: self.files_done.load(Ordering::Relaxed),
            files_total: self.files_total.load(Ordering::Relaxed),
            bytes_done,
            bytes_total,
            left: left
                .map(|spent| spent.mul_f64((bytes_total - bytes_done) as f64 / bytes_done as f64)),
        }
    }
}

impl Core {
    pub(super) fn status(&self) -> Status {
        let mut left_out: BTreeMap<Reason, usize> = BTreeMap::new();
        let (mut files, mut bytes) = (0, 0);
        {
            let listing = super::read(&self.listing);
            for (_, entry) in listing.files() {
                files += 1;
                bytes += entry.stamp.len;
                if let Some(reason) = entry.state.reason() {
                    *left_out.entry(reason).or_default() += 1;
                }
            }
            for (_, message) in listing.skipped() {
                *left_out.entry(reason_of(message)).or_default() += 1;
            }
        }
        let trouble = super::locked(&self.trouble).clone();
        let state = match trouble {
            Some(why) => Phase::Off { why },
            None if self.queue.is_done() => Phase::Ready,
            None => self.progress.phase(),
        };
        Status {
            state,
            files,
            bytes,
            contents: self.store.snapshot().held().len(),
            left_out,
            last_change: super::locked(&self.progress.times)
                .changed
                .map(|changed| changed.elapsed()),
            index_bytes: self.store.bytes_on_disk(),
            writable: self.store.is_writable(),
            contents_read: self.progress.contents_read.load(Ordering::Relaxed),
        }
    }

    pub(super) fn left_out(&self, limit: usize) -> Vec<LeftOut> {
        let listing = super::read(&self.listing);
        let files = listing.files().filter_map(|(path, entry)| {
            Some(LeftOut {
                path: path.clone(),
                reason: entry.state.reason()?,
                message: match &entry.state {
                    State::LeftOut { message, .. } => message.as_deref().map(str::to_owned),
                    _ => None,
                },
            })
        });
        let skipped = listing.skipped().map(|(path, message)| LeftOut {
            path: path.clone(),
            reason: reason_of(message),
            message: Some(message.to_owned()),
        });
        files.chain(skipped).take(limit).collect()
    }
}

/// What the words of the walk mean.
fn reason_of(message: &str) -> Reason {
    if crate::exact::is_too_deep(message) {
        Reason::TooDeep
    } else if message.starts_with("it is ") {
        Reason::Special
    } else {
        Reason::Unreadable
    }
}
