//! What a commit that was made elsewhere means for a review: a change that the committed text holds is agreed to.
//!
//! The committed text is compared with the text on disk. A change is held by it where they agree on all of its lines,
//! and on what stands at the place of those that it took away. Where lines repeat, an edit could stand at several places:
//! a change at any of them is not taken for committed. What is in doubt stays as it was.

use crate::{
    Content, FileReview,
    changes::{LineChanges, on_disk},
    file::{Kind, Lined},
    lines::{Edit, Lines, compare},
};
use kerf_protocol::review::{HunkState, Opaque};
use std::ops::Range;

impl FileReview {
    /// The user's repository now has `committed` at this path, and had something else before. What it holds of the pending
    /// and the accepted changes becomes part of the origin; rejected ones stay. What must be on disk does not change.
    ///
    /// Returns whether anything was settled. Decisions about that can no longer be taken back.
    pub fn settle_committed(&mut self, committed: &Content) -> bool {
        match &mut self.kind {
            Kind::Same => false,
            Kind::Whole { proposed, flag } => {
                let held = flag.state != HunkState::Rejected && is_same_in_git(proposed, committed);
                if held {
                    self.origin = proposed.clone();
                    self.kind = Kind::Same;
                }
                held
            }
            Kind::Lined(_) => self.settle_lines(committed),
        }
    }

    fn settle_lines(&mut self, committed: &Content) -> bool {
        let Content::Text { bytes, mode } = committed else {
            return false;
        };
        let Content::Text { bytes: current, .. } = self.current() else {
            return false;
        };
        let Kind::Lined(lined) = &self.kind else {
            return false;
        };
        let held = held(
            &lined.lines,
            &Lines::new(current),
            &Lines::new(bytes.clone()),
        );
        let mode_held = lined.mode_change.as_ref().is_some_and(|flag| {
            flag.state != HunkState::Rejected && is_executable(*mode) == is_executable(lined.mode)
        });
        if !mode_held && !held.contains(&true) {
            return false;
        }
        let Kind::Lined(Lined {
            lines,
            mode,
            mode_change,
        }) = std::mem::replace(&mut self.kind, Kind::Same)
        else {
            return false;
        };
        let origin_mode = match self.origin.mode() {
            // A part of the created file is agreed to, so it is there.
            None => held.contains(&true).then_some(mode),
            Some(_) if mode_held => Some(mode),
            before => before,
        };
        let lines = lines.settled(&mut self.last_id, |at, _| held[at]);
        self.put(
            origin_mode,
            Lined {
                lines,
                mode,
                mode_change: mode_change.filter(|_| !mode_held),
            },
        );
        self.forget_authors();
        true
    }
}

/// Which changes are on disk and in the committed text too.
fn held(lines: &LineChanges, current: &Lines, committed: &Lines) -> Vec<bool> {
    let edits = compare(committed, current);
    let doubtful: Vec<(Range<usize>, bool)> = (0..edits.len())
        .map(|at| doubtful(&edits, at, committed, current))
        .collect();
    let spans = lines.spans();
    lines
        .changes
        .iter()
        .zip(&spans)
        .map(|(change, span)| {
            if !on_disk(change.state) || (change.old.is_empty() && change.new.is_empty()) {
                return false;
            }
            let first = doubtful.partition_point(|(range, _)| range.end < span.start);
            let near = doubtful[first..]
                .iter()
                .take_while(|(range, _)| range.start <= span.end);
            !near
                .into_iter()
                .any(|(range, adjoins)| touches(range, *adjoins || span.is_empty(), span))
        })
        .collect()
}

fn touches(range: &Range<usize>, adjoins: bool, span: &Range<usize>) -> bool {
    if adjoins {
        range.start <= span.end && span.start <= range.end
    } else {
        range.start < span.end && span.start < range.end
    }
}

/// The lines on disk that an edit may be about, wherever it could stand as well, and whether what adjoins them is meant
/// too: lines that are only in the committed text have no place of their own on disk.
fn doubtful(edits: &[Edit], at: usize, committed: &Lines, current: &Lines) -> (Range<usize>, bool) {
    let edit = &edits[at];
    let (text, lines) = match (edit.before.is_empty(), edit.after.is_empty()) {
        (true, false) => (current, edit.after.clone()),
        (false, true) => (committed, edit.before.clone()),
        _ => return (edit.after.clone(), false),
    };
    let room_above = edit.after.start - at.checked_sub(1).map_or(0, |last| edits[last].after.end);
    let room_below = edits
        .get(at + 1)
        .map_or(current.len(), |next| next.after.start)
        - edit.after.end;
    let up = (0..room_above)
        .take_while(|by| text.get(lines.start - 1 - by) == text.get(lines.end - 1 - by))
        .count();
    let down = (0..room_below)
        .take_while(|by| text.get(lines.start + by) == text.get(lines.end + by))
        .count();
    (
        edit.after.start - up..edit.after.end + down,
        edit.after.is_empty(),
    )
}

/// Git keeps of a mode whether a file can be executed.
fn is_same_in_git(a: &Content, b: &Content) -> bool {
    let executable = |content: &Content| content.mode().map(is_executable);
    let same = match (a, b) {
        (Content::Absent, Content::Absent) => true,
        (Content::Text { bytes: a, .. }, Content::Text { bytes: b, .. }) => a == b,
        (
            Content::Opaque {
                kind, hash, len, ..
            },
            Content::Opaque {
                kind: other,
                hash: other_hash,
                len: other_len,
                ..
            },
        ) => {
            let links = |kind: &Opaque| *kind == Opaque::Link;
            links(kind) == links(other) && (hash, len) == (other_hash, other_len)
        }
        _ => false,
    };
    same && executable(a) == executable(b)
}

fn is_executable(mode: u32) -> bool {
    mode & 0o100 != 0
}
