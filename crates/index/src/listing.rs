//! Which files a folder holds, and which content each of them had when it was last read.
//!
//! A listing joins a folder with the store: a content that the store holds belongs to this folder when a file of the
//! listing has it, and to nobody else's answers otherwise. It knows no store and reads no file.
//!
//! A file whose content is not known is [`State::Unread`]. Every way in which a file may have changed leads there:
//! another stamp, a word from the watcher, or a stamp that is too young to be trusted (see [`RACY_NS`]).
//! Kept in memory by path; about 180 bytes a file.

mod saved;

pub(crate) use saved::save;

use crate::{
    content::{ContentId, Reason},
    symbols::Language,
};
use kerf_workspace::{Kind, RelPath, Stamp, Stat, Walked};
use std::{
    collections::{BTreeMap, HashSet},
    ops::Bound,
    time::{SystemTime, UNIX_EPOCH},
};

/// A file changed less than this before it was read may change again without another stamp, in nanoseconds: no file
/// system in use has a coarser clock.
pub(crate) const RACY_NS: i64 = 2_000_000_000;

/// The files of one folder.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Listing {
    files: BTreeMap<RelPath, Entry>,
    /// What the walk could not look at, and why, for people.
    skipped: BTreeMap<RelPath, String>,
    changes: Changes,
    /// Counts the marks as unread, so that an older reading does not undo a newer mark.
    marks: u64,
}

/// The files whose entries have changed since somebody asked.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum Changes {
    /// Any of them.
    #[default]
    All,
    Paths(HashSet<RelPath>),
}

/// More changed files are looked at as fast by looking at all.
const MAX_CHANGES: usize = 5_000;

/// One file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) stamp: Stamp,
    pub(crate) state: State,
}

/// What is known of a file's content.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum State {
    /// Nothing. The mark tells one request to read it from the next.
    Unread(u64),
    /// It had this content.
    Content {
        id: ContentId,
        /// Why it has no words and definitions in the index.
        reason: Option<Reason>,
        /// Told by its name and its beginning.
        language: Option<Language>,
        /// Its stamp was too young to be trusted when it was read.
        racy: bool,
    },
    /// It is not in the index.
    LeftOut {
        reason: Reason,
        /// For people.
        message: Option<Box<str>>,
    },
}

/// A file that is to be read.
#[derive(Debug, Clone)]
pub(crate) struct Unread {
    pub(crate) path: RelPath,
    pub(crate) stamp: Stamp,
    mark: u64,
}

impl Listing {
    /// All files, by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&RelPath, &Entry)> {
        self.files.iter()
    }

    /// The files at and beneath `folder`, by path.
    pub(crate) fn beneath(&self, folder: &RelPath) -> impl Iterator<Item = (&RelPath, &Entry)> {
        range(&self.files, folder)
    }

    /// What the walk could not look at.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = (&RelPath, &str)> {
        self.skipped
            .iter()
            .map(|(path, reason)| (path, reason.as_str()))
    }

    /// This very file.
    pub(crate) fn entry(&self, path: &RelPath) -> Option<&Entry> {
        self.files.get(path)
    }

    /// Whether an entry has changed since [`Self::take_changes`].
    pub(crate) fn has_changed(&self) -> bool {
        !matches!(&self.changes, Changes::Paths(paths) if paths.is_empty())
    }

    /// The entries that have changed since this was last asked.
    pub(crate) fn take_changes(&mut self) -> Changes {
        std::mem::replace(&mut self.changes, Changes::Paths(HashSet::new()))
    }

    /// Whether this very path is a file of the listing.
    pub(crate) fn has(&self, path: &RelPath) -> bool {
        self.files.contains_key(path)
    }

    /// Whether a file is known at or beneath `path`. Then it is not ignored.
    pub(crate) fn knows(&self, path: &RelPath) -> bool {
        path.is_root() || self.beneath(path).next().is_some()
    }

    /// Takes in what a walk found at and beneath `under`, no deeper than `max_depth` levels below it; what it did not
    /// find there is gone.
    pub(crate) fn compare(&mut self, under: &RelPath, max_depth: usize, walked: Walked) {
        let depth = under.names().count().saturating_add(max_depth);
        let is_meant = |path: &RelPath| path.names().count() <= depth;
        let mut seen = HashSet::with_capacity(walked.files.len());
        for (path, stat) in walked.files {
            if stat.kind != Kind::File || !path.starts_with(under) {
                continue;
            }
            let stamp = stat.stamp();
            let is_known = self
                .files
                .get(&path)
                .is_some_and(|entry| entry.stamp == stamp && !entry.state.is_worth_another_look());
            if !is_known {
                self.mark(path.clone(), stamp);
            }
            seen.insert(path);
        }
        let gone: Vec<RelPath> = self
            .beneath(under)
            .filter(|(path, _)| is_meant(path) && !seen.contains(path))
            .map(|(path, _)| path.clone())
            .collect();
        for path in gone {
            self.remove(&path);
        }
        let old: Vec<RelPath> = range(&self.skipped, under)
            .filter(|(path, _)| is_meant(path))
            .map(|(path, _)| path.clone())
            .collect();
        for path in old {
            self.skipped.remove(&path);
        }
        for skipped in walked.skipped {
            self.skipped.insert(skipped.path, skipped.reason);
        }
    }

    /// Takes in that something happened to a file. `None`, or what is no file: nothing is at or beneath it any more.
    pub(crate) fn touch(&mut self, path: &RelPath, stat: Option<&Stat>) {
        let beneath: Vec<RelPath> = self.beneath(path).map(|(path, _)| path.clone()).collect();
        let skipped: Vec<RelPath> = range(&self.skipped, path)
            .map(|(path, _)| path.clone())
            .collect();
        for path in &skipped {
            self.skipped.remove(path);
        }
        match stat {
            Some(stat) if stat.kind == Kind::File => {
                for other in beneath.iter().filter(|other| *other != path) {
                    self.remove(other);
                }
                self.mark(path.clone(), stat.stamp());
            }
            _ => {
                for path in &beneath {
                    self.remove(path);
                }
            }
        }
    }

    fn mark(&mut self, path: RelPath, stamp: Stamp) {
        self.marks += 1;
        let state = State::Unread(self.marks);
        self.changes.add(&path);
        self.files.insert(path, Entry { stamp, state });
    }

    fn remove(&mut self, path: &RelPath) {
        self.changes.add(path);
        self.files.remove(path);
    }

    /// Marks the files as unread for which `is_lost` says that their content is.
    pub(crate) fn forget(&mut self, is_lost: impl Fn(&State) -> bool) {
        for (path, entry) in &mut self.files {
            if !matches!(entry.state, State::Unread(_)) && is_lost(&entry.state) {
                self.marks += 1;
                entry.state = State::Unread(self.marks);
                self.changes.add(path);
            }
        }
    }

    /// The files that are to be read.
    pub(crate) fn unread(&self) -> Vec<Unread> {
        self.files
            .iter()
            .filter_map(|(path, entry)| match entry.state {
                State::Unread(mark) => Some(Unread {
                    path: path.clone(),
                    stamp: entry.stamp,
                    mark,
                }),
                _ => None,
            })
            .collect()
    }

    /// Marks the files as unread whose stamps were too young to be trusted.
    pub(crate) fn forget_doubtful(&mut self) {
        self.forget(State::is_doubtful);
    }

    /// Whether a file's stamp was too young to be trusted when it was read.
    pub(crate) fn has_doubtful(&self) -> bool {
        self.files.values().any(|entry| entry.state.is_doubtful())
    }

    /// Notes what was read, unless the file has been marked again since. `None`: it is gone.
    pub(crate) fn settle(&mut self, read: &Unread, state: Option<State>) {
        if !self.awaits(read) {
            return;
        }
        match (state, self.files.get_mut(&read.path)) {
            (Some(state), Some(entry)) => {
                entry.state = state;
                self.changes.add(&read.path);
            }
            _ => self.remove(&read.path),
        }
    }

    /// Puts another stamp to a file that was being written while it was read.
    pub(crate) fn restamp(&mut self, read: &Unread, stat: Option<&Stat>) {
        if self.awaits(read) {
            self.touch(&read.path, stat);
        }
    }

    fn awaits(&self, read: &Unread) -> bool {
        self.files
            .get(&read.path)
            .is_some_and(|entry| entry.state == State::Unread(read.mark))
    }

    /// Adds the contents that the files have.
    pub(crate) fn add_ids(&self, ids: &mut HashSet<ContentId>) {
        ids.extend(self.files.values().filter_map(|entry| entry.state.id()));
    }
}

impl Entry {
    /// The language of the file, as far as it is known.
    pub(crate) fn language(&self, path: &RelPath) -> Option<Language> {
        match &self.state {
            State::Content { language, .. } => *language,
            _ => Language::of(path.as_path(), ""),
        }
    }
}

impl Changes {
    fn add(&mut self, path: &RelPath) {
        if let Self::Paths(paths) = self {
            paths.insert(path.clone());
            if paths.len() > MAX_CHANGES {
                *self = Self::All;
            }
        }
    }
}

impl State {
    pub(crate) fn id(&self) -> Option<ContentId> {
        match self {
            Self::Content { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// Why the file is left out, wholly or in part.
    pub(crate) fn reason(&self) -> Option<Reason> {
        match self {
            Self::Unread(_) => None,
            Self::Content { reason, .. } => *reason,
            Self::LeftOut { reason, .. } => Some(*reason),
        }
    }

    fn is_doubtful(&self) -> bool {
        matches!(self, Self::Content { racy: true, .. })
    }

    /// Whether an equal stamp is not enough: a file may have become readable without another one.
    fn is_worth_another_look(&self) -> bool {
        let reason = Reason::Unreadable;
        self.is_doubtful() || matches!(self, Self::LeftOut { reason: why, .. } if *why == reason)
    }
}

/// Whether a stamp says nothing about later changes when the file was read at `now`.
pub(crate) fn is_racy(stamp: Stamp, now: SystemTime) -> bool {
    let now = now
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_nanos()).ok())
        .unwrap_or(i64::MAX);
    // The clock of a file server may be a little ahead. A stamp from far in the future is that of no write now.
    now.saturating_sub(stamp.mtime_ns).saturating_abs() < RACY_NS
}

fn range<'a, T>(
    map: &'a BTreeMap<RelPath, T>,
    folder: &RelPath,
) -> impl Iterator<Item = (&'a RelPath, &'a T)> {
    // Paths are ordered name by name, so what is beneath a folder follows it at once.
    let folder = folder.clone();
    map.range((Bound::Included(folder.clone()), Bound::Unbounded))
        .take_while(move |(path, _)| path.starts_with(&folder))
}
