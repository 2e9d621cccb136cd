//! Which lines of which files the model has been shown, so that it writes over nothing that it does not know.

use kerf_workspace::{FileWrite, RelPath, Stamp, TextFile};
use std::{collections::HashMap, ops::RangeInclusive};

/// More gaps than this are not named one by one.
const MAX_GAPS: usize = 8;

/// Why a file may not be written over.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unread {
    #[error("{path} exists and was not read; read it first, or change it with edit_file")]
    Never { path: RelPath },
    #[error("{path} changed since it was read; read it again")]
    Changed { path: RelPath },
    #[error(
        "{path} has {total} lines; not read since it last changed: {lines} (a line that was cut counts as not read). \
         Read the rest first, or change the file with edit_file"
    )]
    Lines {
        path: RelPath,
        total: usize,
        lines: String,
    },
}

/// Lines of one version of a file that the model was shown.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) path: RelPath,
    pub(crate) stamp: Stamp,
    /// From 1, in order and without overlap.
    pub(crate) lines: Vec<RangeInclusive<usize>>,
}

impl Shown {
    /// Adds the line after those that are there, or one further down.
    pub(crate) fn add_line(&mut self, line: usize) {
        match self.lines.last_mut() {
            Some(last) if *last.end() + 1 == line => *last = *last.start()..=line,
            _ => self.lines.push(line..=line),
        }
    }
}

/// What the model will know of a file after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knows {
    /// All of it.
    All,
    /// The version that it saw, but not what became of its lines.
    NoLine,
    /// No more than before.
    AsBefore,
}

/// What the model was shown, by file: of the last version that it saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reads(HashMap<RelPath, (Stamp, Vec<RangeInclusive<usize>>)>);

impl Reads {
    /// Adds lines. Those of another version count no more.
    pub(crate) fn add(&mut self, shown: Shown) {
        let (stamp, known) = self
            .0
            .entry(shown.path)
            .or_insert((shown.stamp, Vec::new()));
        if *stamp != shown.stamp {
            (*stamp, *known) = (shown.stamp, Vec::new());
        }
        known.extend(shown.lines);
        known.sort_by_key(|range| *range.start());
        known.dedup_by(|next, kept| {
            let touches = *next.start() <= kept.end().saturating_add(1);
            if touches {
                *kept = *kept.start()..=*kept.end().max(next.end());
            }
            touches
        });
    }

    /// Adds a version that came of a change of the model's own.
    pub(crate) fn add_written(&mut self, path: RelPath, stamp: Stamp, knows: Knows) {
        let lines = match knows {
            Knows::All => vec![1..=usize::MAX],
            Knows::NoLine => Vec::new(),
            Knows::AsBefore => return,
        };
        self.0.insert(path, (stamp, lines));
    }

    /// Whether the model was shown every line of this version.
    ///
    /// # Errors
    /// When it was not, with what is missing.
    pub(crate) fn whole(&self, path: &RelPath, stamp: Stamp, bytes: &[u8]) -> Result<(), Unread> {
        let path = || path.clone();
        match self.0.get(&path()) {
            None => Err(Unread::Never { path: path() }),
            Some((seen, _)) if *seen != stamp => Err(Unread::Changed { path: path() }),
            Some((_, known)) => {
                // What is no text has no line to be shown; only a file that the model made is known then.
                let total = TextFile::decode(bytes).map_or(1, |file| file.text.lines().count());
                let lines = gaps(known, total);
                if lines.is_empty() {
                    return Ok(());
                }
                Err(Unread::Lines {
                    path: path(),
                    total,
                    lines: name(&lines),
                })
            }
        }
    }

    /// What the model will know of each file when all of these are written.
    pub(crate) fn after(&self, writes: &[FileWrite]) -> Vec<Knows> {
        let before = |write: &FileWrite| match &write.before {
            None => Knows::All,
            Some((stamp, bytes)) => match self.whole(&write.path, *stamp, bytes) {
                Ok(()) => Knows::All,
                Err(Unread::Lines { .. }) => Knows::NoLine,
                Err(Unread::Never { .. } | Unread::Changed { .. }) => Knows::AsBefore,
            },
        };
        let all_gone_known = writes
            .iter()
            .filter(|write| write.after.is_none())
            .all(|write| before(write) == Knows::All);
        writes
            .iter()
            .map(|write| {
                // Only a file that moves comes with a mode, and it holds what is gone from its old place.
                let moved = write.before.is_none() && write.mode.is_some();
                if moved && !all_gone_known {
                    Knows::AsBefore
                } else {
                    before(write)
                }
            })
            .collect()
    }
}

/// The lines of a file of `total` that are in none of the ranges.
fn gaps(known: &[RangeInclusive<usize>], total: usize) -> Vec<RangeInclusive<usize>> {
    let mut gaps = Vec::new();
    let mut next = 1;
    for range in known {
        if *range.start() > total {
            break;
        }
        if next < *range.start() {
            gaps.push(next..=range.start() - 1);
        }
        next = range.end().saturating_add(1);
    }
    if next <= total {
        gaps.push(next..=total);
    }
    gaps
}

fn name(gaps: &[RangeInclusive<usize>]) -> String {
    let mut names: Vec<String> = gaps
        .iter()
        .take(MAX_GAPS)
        .map(|gap| {
            if gap.start() == gap.end() {
                gap.start().to_string()
            } else {
                format!("{} to {}", gap.start(), gap.end())
            }
        })
        .collect();
    if gaps.len() > MAX_GAPS {
        names.push(format!("{} more places", gaps.len() - MAX_GAPS));
    }
    names.join(", ")
}
