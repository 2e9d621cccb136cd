//! Storing a review and taking it up again.

use crate::{
    Content, FileReview, ReviewError,
    changes::{Change, LineChanges, Runs},
    file::{Flag, Kind, Lined},
    lines::Lines,
};
use kerf_protocol::review::{Author, HunkState};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Texts longer than this are not taken up. A proposed text holds rejected parts, and may be longer
/// than a file that is reviewed.
const MAX_STORED_BYTES: usize = 1 << 30;

/// Ids count up from one; no file gets near this, and adding to it is safe.
const MAX_ID: u64 = 1 << 53;

/// A review to be stored: two contents and, small beside them, all the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// What was there before the agent.
    pub origin: Content,
    /// Everything that was proposed, rejected parts too.
    pub proposed: Content,
    /// Where they differ, and what was decided.
    pub marks: Marks,
}

/// Where two contents differ, what was decided and who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    last_id: u64,
    authors: Vec<Author>,
    /// A change of the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    whole: Option<FlagMark>,
    /// A change of the mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<FlagMark>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<ChangeMark>,
    /// Whether missing line ends are `\r\n`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    crlf: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FlagMark {
    id: u64,
    state: HunkState,
    authors: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ChangeMark {
    id: u64,
    state: HunkState,
    /// How many equal lines lie between the change above and this one.
    after: usize,
    /// How many lines are removed, each run with the index of its author.
    removed: Vec<(usize, u32)>,
    /// Likewise for those that are added.
    added: Vec<(usize, u32)>,
}

impl Marks {
    /// Whether something is still to be decided.
    pub fn is_open(&self) -> bool {
        let flags = self.whole.iter().chain(&self.mode).map(|flag| flag.state);
        let changes = self.changes.iter().map(|change| change.state);
        flags
            .chain(changes)
            .any(|state| state == HunkState::Pending)
    }
}

impl FileReview {
    /// The review as data.
    pub fn save(&self) -> Saved {
        let mut marks = Marks {
            last_id: self.last_id,
            authors: self.authors.clone(),
            whole: None,
            mode: None,
            changes: Vec::new(),
            crlf: false,
        };
        let mark = |flag: &Flag| FlagMark {
            id: flag.id,
            state: flag.state,
            authors: flag.authors.clone(),
        };
        let proposed = match &self.kind {
            Kind::Same => self.origin.clone(),
            Kind::Whole { proposed, flag } => {
                marks.whole = Some(mark(flag));
                proposed.clone()
            }
            Kind::Lined(lined) => {
                marks.crlf = lined.lines.crlf;
                marks.mode = lined.mode_change.as_ref().map(mark);
                let mut at = 0;
                marks
                    .changes
                    .extend(lined.lines.changes.iter().map(|change| {
                        let after = change.old.start - at;
                        at = change.old.end;
                        ChangeMark {
                            id: change.id,
                            state: change.state,
                            after,
                            removed: change.removed.pairs().to_vec(),
                            added: change.added.pairs().to_vec(),
                        }
                    }));
                Content::Text {
                    bytes: lined.lines.new.bytes().clone(),
                    mode: lined.mode,
                }
            }
        };
        Saved {
            origin: self.origin.clone(),
            proposed,
            marks,
        }
    }

    /// The review that [`FileReview::save`] stored.
    ///
    /// # Errors
    /// [`ReviewError::Damaged`] when contents and marks do not fit each other. Nothing is taken on trust.
    pub fn load(saved: Saved) -> Result<Self, ReviewError> {
        let Saved {
            origin,
            proposed,
            marks,
        } = saved;
        let Marks {
            last_id,
            authors,
            whole,
            mode,
            changes,
            crlf,
        } = marks;
        if last_id > MAX_ID {
            return damaged("ids that were never given");
        }
        let mut ids = HashSet::new();
        let id = |id: u64, ids: &mut HashSet<u64>| {
            if id <= last_id && ids.insert(id) {
                Ok(id)
            } else {
                damaged("ids that repeat or were never given")
            }
        };
        let mut flag = |mark: FlagMark| {
            if mark.authors.is_empty()
                || mark
                    .authors
                    .iter()
                    .any(|author| *author as usize >= authors.len())
            {
                return damaged("a change without a known author");
            }
            Ok(Flag {
                id: id(mark.id, &mut ids)?,
                state: mark.state,
                authors: mark.authors,
            })
        };
        let (whole, mode_change) = (
            whole.map(&mut flag).transpose()?,
            mode.map(&mut flag).transpose()?,
        );
        let kind = match (whole, &origin, &proposed) {
            (Some(_), ..) if mode_change.is_some() || !changes.is_empty() => {
                return damaged("a change of the whole file beside others");
            }
            (Some(_), Content::Text { .. } | Content::Absent, Content::Text { .. }) => {
                return damaged("a text as a whole in place of its lines");
            }
            (Some(_), ..) if origin == proposed => return damaged("a change that changes nothing"),
            (Some(flag), ..) => Kind::Whole { proposed, flag },
            (None, ..) if mode_change.is_none() && changes.is_empty() => {
                if origin != proposed {
                    return damaged("contents that differ without a change");
                }
                Kind::Same
            }
            (None, Content::Text { .. } | Content::Absent, Content::Text { bytes, mode }) => {
                let before = origin.mode();
                if mode_change.is_some() != before.is_some_and(|before| before != *mode) {
                    return damaged("modes that do not fit");
                }
                let old = origin
                    .text()
                    .map_or_else(Default::default, |bytes| bytes.clone());
                if bytes.len().max(old.len()) > MAX_STORED_BYTES {
                    return damaged("a text that is too long");
                }
                let (old, new) = (Lines::new(old), Lines::new(bytes.clone()));
                for change in &changes {
                    id(change.id, &mut ids)?;
                }
                let changes = place(changes, &old, &new, before.is_none(), authors.len())?;
                Kind::Lined(Lined {
                    lines: LineChanges {
                        old,
                        new,
                        changes,
                        crlf,
                    },
                    mode: *mode,
                    mode_change,
                })
            }
            (None, ..) => return damaged("lines of something that is not text"),
        };
        Ok(Self {
            origin,
            kind,
            authors,
            last_id,
        })
    }
}

/// Finds the lines of the changes, and checks that all others are equal.
fn place(
    marks: Vec<ChangeMark>,
    old: &Lines,
    new: &Lines,
    created: bool,
    authors: usize,
) -> Result<Vec<Change>, ReviewError> {
    let empty_file = created && new.len() == 0 && marks.len() == 1;
    let (mut at_old, mut at_new) = (0, 0);
    let mut changes = Vec::with_capacity(marks.len());
    for ChangeMark {
        id,
        state,
        after,
        removed,
        added,
    } in marks
    {
        let (old_start, new_start) = (step(at_old, after, old)?, step(at_new, after, new)?);
        if old.span(at_old..old_start) != new.span(at_new..new_start) {
            return damaged("lines that differ outside of the changes");
        }
        let lines = |runs: &[(usize, u32)]| {
            let known = runs
                .iter()
                .all(|(len, author)| (*author as usize) < authors && (*len > 0 || empty_file));
            let sum = runs
                .iter()
                .try_fold(0_usize, |sum, (len, _)| sum.checked_add(*len));
            sum.filter(|_| known).ok_or(ReviewError::Damaged {
                what: "lines without a known author",
            })
        };
        let (removed_lines, added_lines) = (lines(&removed)?, lines(&added)?);
        if removed_lines == 0 && added_lines == 0 && !empty_file {
            return damaged("a change without lines");
        }
        (at_old, at_new) = (
            step(old_start, removed_lines, old)?,
            step(new_start, added_lines, new)?,
        );
        changes.push(Change {
            id,
            state,
            old: old_start..at_old,
            new: new_start..at_new,
            removed: Runs::from_pairs(removed),
            added: Runs::from_pairs(added),
        });
    }
    if old.span(at_old..old.len()) != new.span(at_new..new.len()) {
        return damaged("lines that differ outside of the changes");
    }
    Ok(changes)
}

fn step(at: usize, by: usize, text: &Lines) -> Result<usize, ReviewError> {
    at.checked_add(by)
        .filter(|at| *at <= text.len())
        .ok_or(ReviewError::Damaged {
            what: "changes beyond the end",
        })
}

fn damaged<T>(what: &'static str) -> Result<T, ReviewError> {
    Err(ReviewError::Damaged { what })
}
