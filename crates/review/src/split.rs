//! Splitting a change so that some of its lines can be decided apart from the rest.
//!
//! The removed and the added lines of a change are put in one order, in which each removed line
//! comes just before the added line that replaces it. The pairs are the similar lines, in order,
//! with the highest similarity in total; between two pairs, as many removed as added lines are
//! paired one by one, and unlike numbers go all the removed before all the added. Neighbours in
//! this order with the same state are one piece.
//!
//! It follows for every choice, whatever is done with the rest: a removed line that is not taken
//! away stands where it stood among the origin's lines, an added line that is put in stands where
//! it stands among the proposed lines, and a replacement that was chosen as a pair stands where the
//! original stood.

use crate::{
    FileReview, Undo,
    changes::{Change, LineChanges, Runs},
    file::Kind,
    undo::{Split, digest_lines},
};
use kerf_protocol::review::HunkState;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The size of the table, removed times added lines, up to which similar lines are looked for.
const MAX_COMPARISONS: usize = 10_000;
/// How many bytes of a line are compared.
const MAX_COMPARED_BYTES: usize = 200;
/// The least similarity of a pair, in percent.
const SIMILAR: u32 = 50;

/// A piece of a group of adjacent changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) id: u64,
    /// How many lines are removed.
    pub(crate) old: usize,
    /// How many lines are added.
    pub(crate) new: usize,
    pub(crate) state: HunkState,
}

impl Part {
    pub(crate) fn of(change: &Change) -> Self {
        Self {
            id: change.id,
            old: change.old.len(),
            new: change.new.len(),
            state: change.state,
        }
    }
}

/// Splits a change: the chosen ones of its lines, removed before added, get the state `to`, the
/// others keep theirs.
pub(crate) fn parts(
    lines: &LineChanges,
    index: usize,
    chosen: &[bool],
    to: HunkState,
) -> Vec<Part> {
    let change = &lines.changes[index];
    let old: Vec<&[u8]> = lines.old.slice(change.old.clone()).collect();
    let new: Vec<&[u8]> = lines.new.slice(change.new.clone()).collect();
    let (mut at_old, mut at_new) = (0, old.len());
    let mut parts = Vec::new();
    for side in interleave(&old, &new) {
        let at = match side {
            Side::Old => &mut at_old,
            Side::New => &mut at_new,
        };
        let state = if chosen[*at] { to } else { change.state };
        *at += 1;
        let (old, new) = match side {
            Side::Old => (1, 0),
            Side::New => (0, 1),
        };
        parts.push(Part {
            id: 0,
            old,
            new,
            state,
        });
    }
    join(parts)
}

/// Makes neighbours of the same state one.
fn join(parts: Vec<Part>) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::new();
    for part in parts {
        match joined.last_mut() {
            Some(last) if last.state == part.state => {
                (last.old, last.new) = (last.old + part.old, last.new + part.new)
            }
            _ => joined.push(part),
        }
    }
    joined
}

/// Puts new pieces in the place of some adjacent changes, and says how to take that back.
pub(crate) fn replace(review: &mut FileReview, range: Range<usize>, after: Vec<Part>) -> Undo {
    let Kind::Lined(lined) = &mut review.kind else {
        return Undo::default();
    };
    let before = lined.lines.changes[range.clone()]
        .iter()
        .map(Part::of)
        .collect();
    let digest = digest_lines(&lined.lines, range.clone());
    let mut after = join(after);
    for part in &mut after {
        review.last_id += 1;
        part.id = review.last_id;
    }
    regroup(&mut lined.lines, range, &after);
    Undo::of_split(Split {
        before: after,
        after: before,
        digest,
    })
}

/// Cuts the lines of some adjacent changes anew. `parts` must have as many lines of each side as
/// the changes have together.
pub(crate) fn regroup(lines: &mut LineChanges, range: Range<usize>, parts: &[Part]) {
    let changes = &lines.changes[range.clone()];
    let (Some(first), mut removed, mut added) = (changes.first(), Runs::default(), Runs::default())
    else {
        return;
    };
    for change in changes {
        removed.extend(&change.removed);
        added.extend(&change.added);
    }
    let (mut old, mut new) = (first.old.start, first.new.start);
    let (first_old, first_new) = (old, new);
    let cut: Vec<Change> = parts
        .iter()
        .map(|part| {
            let (old_range, new_range) = (old..old + part.old, new..new + part.new);
            (old, new) = (old_range.end, new_range.end);
            Change {
                id: part.id,
                state: part.state,
                removed: removed.slice(old_range.start - first_old..old_range.end - first_old),
                added: added.slice(new_range.start - first_new..new_range.end - first_new),
                old: old_range,
                new: new_range,
            }
        })
        .collect();
    lines.changes.splice(range, cut);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Old,
    New,
}

fn interleave(old: &[&[u8]], new: &[&[u8]]) -> Vec<Side> {
    let mut order = Vec::with_capacity(old.len() + new.len());
    let (mut at_old, mut at_new) = (0, 0);
    for (pair_old, pair_new) in pairs(old, new).into_iter().chain([(old.len(), new.len())]) {
        let (removed, added) = (pair_old - at_old, pair_new - at_new);
        if removed == added {
            order.extend([Side::Old, Side::New].repeat(removed));
        } else {
            order.extend(std::iter::repeat_n(Side::Old, removed));
            order.extend(std::iter::repeat_n(Side::New, added));
        }
        if pair_old < old.len() && pair_new < new.len() {
            order.extend([Side::Old, Side::New]);
        }
        (at_old, at_new) = (pair_old + 1, pair_new + 1);
    }
    order
}

/// Similar lines, in order on both sides.
fn pairs(old: &[&[u8]], new: &[&[u8]]) -> Vec<(usize, usize)> {
    if old.len().saturating_mul(new.len()) > MAX_COMPARISONS {
        return Vec::new();
    }
    let width = new.len() + 1;
    // best[i * width + j] is the highest total for the first i removed and the first j added lines.
    let mut best = vec![0; (old.len() + 1) * width];
    let mut like = vec![0; old.len() * new.len()];
    for (i, old_line) in old.iter().enumerate() {
        for (j, new_line) in new.iter().enumerate() {
            let similarity = similarity(old_line, new_line);
            like[i * new.len() + j] = similarity;
            let pair = if similarity >= SIMILAR {
                best[i * width + j] + similarity
            } else {
                0
            };
            best[(i + 1) * width + j + 1] = pair
                .max(best[i * width + j + 1])
                .max(best[(i + 1) * width + j]);
        }
    }
    let mut found = Vec::new();
    let (mut i, mut j) = (old.len(), new.len());
    while i > 0 && j > 0 {
        let here = best[i * width + j];
        let similarity = like[(i - 1) * new.len() + j - 1];
        if similarity >= SIMILAR && here == best[(i - 1) * width + j - 1] + similarity {
            (i, j) = (i - 1, j - 1);
            found.push((i, j));
        } else if here == best[(i - 1) * width + j] {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    found.reverse();
    found
}

/// How much two lines have in common at their start and end, in percent; blank lines have nothing.
fn similarity(old: &[u8], new: &[u8]) -> u32 {
    let cut = |line: &[u8]| -> Vec<u8> {
        line.trim_ascii()
            .iter()
            .copied()
            .take(MAX_COMPARED_BYTES)
            .collect()
    };
    let (old, new) = (cut(old), cut(new));
    let shorter = old.len().min(new.len());
    let start = old
        .iter()
        .zip(&new)
        .take_while(|(old, new)| old == new)
        .count();
    let end = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(shorter - start)
        .take_while(|(old, new)| old == new)
        .count();
    u32::try_from((start + end) * 200 / (old.len() + new.len()).max(1)).unwrap_or(0)
}
