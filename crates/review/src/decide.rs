//! Accepting and rejecting.

use crate::{
    Content, FileReview, Undo,
    changes::on_disk,
    describe::context,
    file::{Kind, count},
    split::{Part, parts, replace},
    undo::Flip,
};
use kerf_protocol::{
    TurnId,
    review::{Decision, HunkState},
};

/// What a decision is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Every pending hunk; accepting leaves those out that hold characters which hide or mislead.
    Pending,
    /// The same of those hunks in which a turn had a hand.
    OfTurn(TurnId),
    /// A hunk, by its number from 1. It may have been decided before, even otherwise.
    Hunk(u32),
    /// Some lines of a hunk; the rest of it stays as it was. The numbers of later hunks change.
    Lines {
        /// The hunk's number, from 1.
        hunk: u32,
        /// Indices into the `lines` of the hunk's description, from 0. Context lines among them are ignored.
        lines: Vec<u32>,
    },
}

/// What a decision did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How many hunks it decided. Zero when all of them were in that state before.
    pub hunks: u32,
    /// The numbers of those that were to be accepted with others and stay pending, because they hold characters that hide
    /// or mislead: each is accepted by itself.
    pub held: Vec<u32>,
    /// What must be written to disk; none when the disk is right as it is.
    pub write: Option<Content>,
    /// Takes exactly this decision back.
    pub undo: Undo,
}

/// Why a review refuses. It is unchanged then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// There is no hunk of that number.
    #[error("there is no hunk {hunk}, the file has {hunks}; look at the review again")]
    NoHunk {
        /// The number asked for.
        hunk: u32,
        /// How many hunks there are.
        hunks: u32,
    },
    /// A hunk has fewer lines.
    #[error(
        "hunk {hunk} has no line {line}, it has {lines} counted from 0; look at the review again"
    )]
    NoLine {
        /// The hunk.
        hunk: u32,
        /// The index asked for.
        line: u32,
        /// How many lines the hunk has.
        lines: u32,
    },
    /// A hunk cannot be decided line by line.
    #[error("hunk {hunk} is {what} and cannot be decided line by line; decide the whole hunk")]
    NotByLine {
        /// The hunk.
        hunk: u32,
        /// What it is, with an article.
        what: &'static str,
    },
    /// A hunk cannot be edited.
    #[error("hunk {hunk} cannot be edited: {why}")]
    NotEdited {
        /// The hunk.
        hunk: u32,
        /// Why.
        why: &'static str,
    },
    /// A decision can no longer be taken back.
    #[error("this decision can no longer be taken back: {why}")]
    Superseded {
        /// What came after it.
        why: Superseded,
    },
    /// A stored review or undo contradicts itself.
    #[error("the stored review is damaged ({what}); start the review of this file anew")]
    Damaged {
        /// What is wrong.
        what: &'static str,
    },
}

/// Why a decision can no longer be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Superseded {
    /// The lines were edited, or the review was settled.
    #[error("its lines were edited or became part of the origin since")]
    Gone,
    /// Another decision was made about the same lines.
    #[error("its lines were decided again since; take that back first")]
    DecidedAgain,
}

impl FileReview {
    /// Accepts or rejects hunks. Deciding hunks renumbers none; deciding lines splits a hunk, in
    /// the order that the `split` module explains.
    ///
    /// # Errors When a hunk or a line does not exist, or the hunk has no lines that can be told
    /// apart. Nothing changes then.
    pub fn decide(&mut self, decision: Decision, which: &Which) -> Result<Outcome, ReviewError> {
        let to = match decision {
            Decision::Accept => HunkState::Accepted,
            Decision::Reject => HunkState::Rejected,
        };
        let numbers: Vec<usize> = match which {
            Which::Pending => self.waiting(|_| true),
            Which::OfTurn(turn) => self.waiting(|index| self.is_of_turn(index, *turn)),
            Which::Hunk(hunk) => vec![self.find(*hunk)?.0],
            Which::Lines { hunk, lines } => return self.decide_lines(to, *hunk, lines),
        };
        let by_itself = matches!(which, Which::Hunk(_)) || to == HunkState::Rejected;
        let twins = self.twins();
        let (held, numbers): (Vec<usize>, Vec<usize>) = numbers
            .into_iter()
            .partition(|index| !by_itself && self.is_disguised(*index, &twins));
        let mut outcome = self.decide_hunks(to, &numbers);
        outcome.held = held.into_iter().map(|index| count(index + 1)).collect();
        Ok(outcome)
    }

    /// The pending hunks of which something holds, by their indices.
    fn waiting(&self, holds: impl Fn(usize) -> bool) -> Vec<usize> {
        let keys = self.keys().enumerate();
        keys.filter(|(index, key)| key.state == HunkState::Pending && holds(*index))
            .map(|(index, _)| index)
            .collect()
    }

    /// The index and the state of a hunk.
    pub(crate) fn find(&self, hunk: u32) -> Result<(usize, HunkState), ReviewError> {
        let index = hunk.wrapping_sub(1) as usize;
        let key = self.key(index).ok_or_else(|| ReviewError::NoHunk {
            hunk,
            hunks: count(self.hunks()),
        })?;
        Ok((index, key.state))
    }

    fn decide_hunks(&mut self, to: HunkState, hunks: &[usize]) -> Outcome {
        let found = hunks
            .iter()
            .filter_map(|index| Some((*index, self.key(*index)?)));
        let (indices, flips): (Vec<usize>, Vec<Flip>) = found
            .filter(|(_, key)| key.state != to)
            .map(|(index, key)| {
                (
                    index,
                    Flip {
                        id: key.id,
                        digest: self.digest(index),
                        from: key.state,
                        to,
                    },
                )
            })
            .unzip();
        let undo = Undo::of_flips(&flips);
        let write = self.writing(flips.iter().any(Flip::changes_disk), |review| {
            indices
                .iter()
                .for_each(|index| review.set_state(*index, to));
        });
        Outcome {
            hunks: count(flips.len()),
            held: Vec::new(),
            write,
            undo,
        }
    }

    fn decide_lines(
        &mut self,
        to: HunkState,
        hunk: u32,
        chosen: &[u32],
    ) -> Result<Outcome, ReviewError> {
        let (index, state) = self.find(hunk)?;
        let not_by_line = |what| Err(ReviewError::NotByLine { hunk, what });
        let lined = match &self.kind {
            Kind::Lined(lined) => lined,
            Kind::Whole {
                proposed: Content::Absent,
                ..
            } => return not_by_line("a deletion"),
            Kind::Whole { .. } | Kind::Same => {
                return not_by_line("a change of the file as a whole");
            }
        };
        let Some(index) = index.checked_sub(lined.mode_hunks()) else {
            return not_by_line("a change of the mode");
        };
        let change = &lined.lines.changes[index];
        if change.old.is_empty() && change.new.is_empty() {
            return not_by_line("an empty file");
        }

        let context = context(&lined.lines, index);
        let (above, changed) = (context.above.len(), change.old.len() + change.new.len());
        let lines = above + changed + context.below.len();
        let mut is_chosen = vec![false; changed];
        for line in chosen {
            let at = *line as usize;
            if at >= lines {
                return Err(ReviewError::NoLine {
                    hunk,
                    line: *line,
                    lines: count(lines),
                });
            }
            if let Some(slot) = at.checked_sub(above).and_then(|at| is_chosen.get_mut(at)) {
                *slot = true;
            }
        }
        if state == to || !is_chosen.contains(&true) {
            return Ok(Outcome {
                hunks: 0,
                held: Vec::new(),
                write: None,
                undo: Undo::default(),
            });
        }
        if !is_chosen.contains(&false) {
            return Ok(self.decide_hunks(to, &[index + lined.mode_hunks()]));
        }

        let pieces = parts(&lined.lines, index, &is_chosen, to);
        // Neighbours in the same state become one with the piece next to them.
        let changes = &lined.lines.changes;
        let edge = |piece: Option<&Part>| piece.map_or(state, |piece| piece.state);
        let (first, last) = (edge(pieces.first()), edge(pieces.last()));
        let joins = |at: usize, state: HunkState, near: usize| {
            changes[at].adjoins(&changes[at + 1]) && changes[near].state == state
        };
        let above = (0..index)
            .rev()
            .take_while(|at| joins(*at, first, *at))
            .count();
        let below = (index + 1..changes.len())
            .take_while(|at| joins(*at - 1, last, *at))
            .count();
        let range = index - above..index + 1 + below;
        let whole = |index: usize| Part::of(&changes[index]);
        let after = (range.start..index)
            .map(whole)
            .chain(pieces)
            .chain((index + 1..range.end).map(whole))
            .collect();
        let disk = on_disk(state) != on_disk(to);
        let mut undo = Undo::default();
        let write = self.writing(disk, |review| undo = replace(review, range, after));
        Ok(Outcome {
            hunks: 1,
            held: Vec::new(),
            write,
            undo,
        })
    }

    /// Makes a change of states, and says what is to be written if it changes what must be on disk.
    pub(crate) fn writing(
        &mut self,
        changes_disk: bool,
        change: impl FnOnce(&mut Self),
    ) -> Option<Content> {
        if !changes_disk {
            change(self);
            return None;
        }
        let before = self.current();
        change(self);
        let after = self.current();
        (before != after).then_some(after)
    }
}
