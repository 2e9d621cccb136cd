//! Taking a decision back.
//!
//! An [`Undo`] names the changes that a decision was about by their ids, with a digest of their
//! lines. As long as the lines are the same and in the state that the decision gave them, it can be
//! taken back, whatever else happened in the file.

use crate::{
    Content, FileReview, Outcome, ReviewError, Superseded,
    changes::{LineChanges, on_disk},
    edit::Rewrite,
    file::{Key, Kind, count},
    split::{Part, regroup},
};
use kerf_protocol::review::HunkState;
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, collections::HashSet, ops::Range};

/// Takes one decision back. It may be stored, and is valid for the review that made it only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flips: Vec<Flip>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    split: Option<Split>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rewrite: Option<Rewrite>,
}

/// A hunk to be brought from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flip {
    pub(crate) id: u64,
    pub(crate) digest: u64,
    pub(crate) from: HunkState,
    pub(crate) to: HunkState,
}

/// Adjacent changes that are to be cut differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Split {
    /// As they are now.
    pub(crate) before: Vec<Part>,
    /// As they are to be.
    pub(crate) after: Vec<Part>,
    pub(crate) digest: u64,
}

impl Flip {
    pub(crate) fn changes_disk(&self) -> bool {
        on_disk(self.from) != on_disk(self.to)
    }
}

impl Undo {
    /// Takes flips back.
    pub(crate) fn of_flips(flips: &[Flip]) -> Self {
        let flips = flips
            .iter()
            .map(|flip| Flip {
                from: flip.to,
                to: flip.from,
                ..*flip
            })
            .collect();
        Self {
            flips,
            ..Self::default()
        }
    }

    pub(crate) fn of_split(split: Split) -> Self {
        Self {
            split: Some(split),
            ..Self::default()
        }
    }

    pub(crate) fn of_rewrite(rewrite: Rewrite) -> Self {
        Self {
            rewrite: Some(rewrite),
            ..Self::default()
        }
    }
}

impl FileReview {
    /// Takes a decision back: its hunks are again what they were before. The undo in the outcome
    /// makes the decision again.
    ///
    /// # Errors
    /// [`ReviewError::Superseded`] when the lines were edited, settled or decided again since;
    /// [`ReviewError::Damaged`] when the undo contradicts itself. Nothing changes then.
    pub fn undo(&mut self, undo: &Undo) -> Result<Outcome, ReviewError> {
        match &undo.rewrite {
            Some(rewrite) if undo.flips.is_empty() && undo.split.is_none() => {
                return self.undo_edit(rewrite);
            }
            Some(_) => {
                return Err(ReviewError::Damaged {
                    what: "an undo of several kinds",
                });
            }
            None => {}
        }
        let keys: Vec<Key> = self.keys().collect();
        let places: HashMap<u64, usize> = keys
            .iter()
            .enumerate()
            .map(|(index, key)| (key.id, index))
            .collect();
        let mut flips = Vec::with_capacity(undo.flips.len());
        for flip in &undo.flips {
            let index = *places.get(&flip.id).ok_or(GONE)?;
            if self.digest(index) != flip.digest {
                return Err(GONE);
            }
            if keys[index].state != flip.from {
                return Err(ReviewError::Superseded {
                    why: Superseded::DecidedAgain,
                });
            }
            flips.push((index, flip.to));
        }
        let range = undo
            .split
            .as_ref()
            .map(|split| self.place_of(split))
            .transpose()?;
        let split = undo.split.as_ref().zip(range);

        let parts = split
            .iter()
            .flat_map(|(split, _)| [&split.before, &split.after])
            .flatten();
        let mut states: Vec<HunkState> = parts.map(|part| part.state).collect();
        states.dedup_by_key(|state| on_disk(*state));
        let changes_disk = states.len() > 1 || undo.flips.iter().any(Flip::changes_disk);
        let write = self.writing(changes_disk, |review| {
            flips
                .iter()
                .for_each(|(index, state)| review.set_state(*index, *state));
            if let (Kind::Lined(lined), Some((split, range))) = (&mut review.kind, split) {
                regroup(&mut lined.lines, range, &split.after);
            }
        });
        let redo = Undo {
            split: undo.split.clone().map(
                |Split {
                     before,
                     after,
                     digest,
                 }| Split {
                    before: after,
                    after: before,
                    digest,
                },
            ),
            ..Undo::of_flips(&undo.flips)
        };
        Ok(Outcome {
            hunks: count(undo.flips.len() + usize::from(undo.split.is_some())),
            held: Vec::new(),
            write,
            undo: redo,
        })
    }

    /// The changes that a split is about, by their indices.
    fn place_of(&self, split: &Split) -> Result<Range<usize>, ReviewError> {
        let (Kind::Lined(lined), Some(head)) = (&self.kind, split.before.first()) else {
            return Err(GONE);
        };
        let changes = &lined.lines.changes;
        let start = changes
            .iter()
            .position(|change| change.id == head.id)
            .ok_or(GONE)?;
        let range = start..start + split.before.len();
        let found = changes.get(range.clone()).ok_or(GONE)?;
        for (change, part) in found.iter().zip(&split.before) {
            if (change.id, change.old.len(), change.new.len()) != (part.id, part.old, part.new) {
                return Err(GONE);
            }
        }
        if !found
            .iter()
            .zip(&found[1..])
            .all(|(change, next)| change.adjoins(next))
            || digest_lines(&lined.lines, range.clone()) != split.digest
        {
            return Err(GONE);
        }
        if !found
            .iter()
            .zip(&split.before)
            .all(|(change, part)| change.state == part.state)
        {
            return Err(ReviewError::Superseded {
                why: Superseded::DecidedAgain,
            });
        }

        let damaged = |what| Err(ReviewError::Damaged { what });
        let sum = |parts: &[Part], of: fn(&Part) -> usize| {
            parts.iter().map(of).try_fold(0_usize, usize::checked_add)
        };
        let (before, after) = (split.before.as_slice(), split.after.as_slice());
        if sum(before, |part| part.old) != sum(after, |part| part.old)
            || sum(before, |part| part.new) != sum(after, |part| part.new)
            || after.iter().any(|part| part.old == 0 && part.new == 0)
        {
            return damaged("the pieces of an undo do not fit");
        }
        let mut ids: HashSet<u64> = changes[..range.start]
            .iter()
            .chain(&changes[range.end..])
            .map(|change| change.id)
            .collect();
        ids.extend(lined.mode_change.iter().map(|flag| flag.id));
        if !after
            .iter()
            .all(|part| part.id <= self.last_id && ids.insert(part.id))
        {
            return damaged("the ids of an undo are taken");
        }
        Ok(range)
    }

    /// A digest of what the hunk at an index is about.
    pub(crate) fn digest(&self, index: usize) -> u64 {
        match &self.kind {
            Kind::Same => 0,
            Kind::Whole { proposed, .. } => {
                let mut digest = Digest::new();
                digest.content(&self.origin);
                digest.content(proposed);
                digest.0
            }
            Kind::Lined(lined) => match index.checked_sub(lined.mode_hunks()) {
                Some(index) => digest_lines(&lined.lines, index..index + 1),
                None => {
                    let mut digest = Digest::new();
                    digest.part(&self.origin.mode().unwrap_or(0).to_le_bytes());
                    digest.part(&lined.mode.to_le_bytes());
                    digest.0
                }
            },
        }
    }
}

const GONE: ReviewError = ReviewError::Superseded {
    why: Superseded::Gone,
};

/// A digest of the lines of adjacent changes.
pub(crate) fn digest_lines(lines: &LineChanges, range: Range<usize>) -> u64 {
    let mut digest = Digest::new();
    if let [first, .., last] | [first @ last] = &lines.changes[range] {
        digest.part(lines.old.span(first.old.start..last.old.end));
        digest.part(lines.new.span(first.new.start..last.new.end));
    }
    digest.0
}

/// 64-bit FNV-1a. It guards against mistakes, not against an adversary: ids do the identifying. It is stored,
/// so that it must be the same in every build.
struct Digest(u64);

impl Digest {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn part(&mut self, bytes: &[u8]) {
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn content(&mut self, content: &Content) {
        match content {
            Content::Absent => self.part(b"absent"),
            Content::Text { bytes, mode } => {
                self.part(bytes);
                self.part(&mode.to_le_bytes());
            }
            Content::Opaque { hash, mode, .. } => {
                self.part(hash);
                self.part(&mode.to_le_bytes());
            }
        }
    }
}
