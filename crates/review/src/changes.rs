//! The list of changes between what was there and what was proposed.

use crate::lines::{Joiner, Lines};
use kerf_protocol::review::HunkState;
use std::{
    hash::{Hash, Hasher},
    ops::Range,
};

/// Who made a number of consecutive lines, as indices into the table of authors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Runs(Vec<(usize, u32)>);

impl Runs {
    pub(crate) fn one(len: usize, author: u32) -> Self {
        Self(if len == 0 {
            Vec::new()
        } else {
            vec![(len, author)]
        })
    }

    /// No lines, but somebody who made them so: an empty file has an author.
    pub(crate) fn nothing_by(author: u32) -> Self {
        Self(vec![(0, author)])
    }

    pub(crate) fn from_pairs(pairs: Vec<(usize, u32)>) -> Self {
        Self(pairs)
    }

    pub(crate) fn push(&mut self, len: usize, author: u32) {
        match self.0.last_mut() {
            Some(last) if last.1 == author => last.0 += len,
            _ if len == 0 => {}
            _ => self.0.push((len, author)),
        }
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        for (len, author) in &other.0 {
            self.push(*len, *author);
        }
    }

    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        let mut start = 0;
        let mut cut = Self::default();
        for (len, author) in &self.0 {
            let end = start + len;
            cut.push(
                range.end.min(end).saturating_sub(range.start.max(start)),
                *author,
            );
            start = end;
        }
        cut
    }

    pub(crate) fn pairs(&self) -> &[(usize, u32)] {
        &self.0
    }

    pub(crate) fn authors(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|run| run.1)
    }

    pub(crate) fn authors_mut(&mut self) -> impl Iterator<Item = &mut u32> {
        self.0.iter_mut().map(|run| &mut run.1)
    }

    /// The author of each line.
    pub(crate) fn each(&self) -> impl Iterator<Item = u32> {
        self.0
            .iter()
            .flat_map(|(len, author)| std::iter::repeat_n(*author, *len))
    }
}

/// Lines of the proposed text in place of lines of the origin. Its lines never change as long as it
/// keeps its `id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Unique in its file, and never used again.
    pub(crate) id: u64,
    pub(crate) state: HunkState,
    /// The lines of the origin that are taken away.
    pub(crate) old: Range<usize>,
    /// The lines of the proposed text that are put in.
    pub(crate) new: Range<usize>,
    /// Who took each line away.
    pub(crate) removed: Runs,
    /// Who put each line in.
    pub(crate) added: Runs,
}

impl Change {
    /// Hashes which lines these are and who made them, and not what was decided.
    pub(crate) fn hash_lines(&self, hasher: &mut impl Hasher) {
        (&self.old, &self.new, &self.removed, &self.added).hash(hasher);
    }

    /// Whether nothing lies between this change and the next.
    pub(crate) fn adjoins(&self, next: &Self) -> bool {
        self.old.end == next.old.start && self.new.end == next.new.start
    }
}

/// Whether a change of this state is on disk.
pub(crate) fn on_disk(state: HunkState) -> bool {
    state != HunkState::Rejected
}

/// Two texts and the ordered changes between them; all other lines are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineChanges {
    /// The origin. No lines for a created file.
    pub(crate) old: Lines,
    /// Everything that was proposed, rejected parts too.
    pub(crate) new: Lines,
    pub(crate) changes: Vec<Change>,
    /// Whether a line end that is missing between two lines is `\r\n`. It must be the same as long
    /// as there are changes: what is on disk depends on it.
    pub(crate) crlf: bool,
}

impl LineChanges {
    /// No changes yet between a text and itself.
    pub(crate) fn none(text: Lines) -> Self {
        Self {
            crlf: text.is_crlf(),
            new: text.clone(),
            old: text,
            changes: Vec::new(),
        }
    }

    /// The origin with those changes applied whose state `applies`.
    pub(crate) fn compose(&self, applies: impl Fn(HunkState) -> bool) -> Lines {
        let mut text = Joiner::new(self.crlf);
        let mut at = 0;
        for change in &self.changes {
            self.old
                .slice(at..change.old.start)
                .for_each(|line| text.push(line));
            let lines = if applies(change.state) {
                self.new.slice(change.new.clone())
            } else {
                self.old.slice(change.old.clone())
            };
            lines.for_each(|line| text.push(line));
            at = change.old.end;
        }
        self.old
            .slice(at..self.old.len())
            .for_each(|line| text.push(line));
        text.finish()
    }

    /// Where each change lies in the text on disk.
    pub(crate) fn spans(&self) -> Vec<Range<usize>> {
        let (mut at, mut old) = (0, 0);
        self.changes
            .iter()
            .map(|change| {
                let start = at + change.old.start - old;
                at = start
                    + if on_disk(change.state) {
                        change.new.len()
                    } else {
                        change.old.len()
                    };
                old = change.old.end;
                start..at
            })
            .collect()
    }

    /// Of the changes that `settles` names by their places, rejected ones are forgotten, and the others become part of the
    /// origin.
    pub(crate) fn settled(
        &self,
        next_id: &mut u64,
        settles: impl Fn(usize, HunkState) -> bool,
    ) -> Self {
        let mut builder = Builder::new(next_id, self.crlf);
        let mut at = 0;
        for (number, change) in self.changes.iter().enumerate() {
            self.old
                .slice(at..change.old.start)
                .for_each(|line| builder.same(line));
            match change.state {
                state if !settles(number, state) => builder.keep(self, change),
                HunkState::Pending | HunkState::Accepted => self
                    .new
                    .slice(change.new.clone())
                    .for_each(|line| builder.same(line)),
                HunkState::Rejected => self
                    .old
                    .slice(change.old.clone())
                    .for_each(|line| builder.same(line)),
            }
            at = change.old.end;
        }
        self.old
            .slice(at..self.old.len())
            .for_each(|line| builder.same(line));
        builder.finish()
    }
}

/// Puts the two texts and the changes together, from the top down.
pub(crate) struct Builder<'a> {
    old: Joiner,
    new: Joiner,
    changes: Vec<Change>,
    next_id: &'a mut u64,
    /// Whether the last line is an equal one without a line end.
    open: bool,
    crlf: bool,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(next_id: &'a mut u64, crlf: bool) -> Self {
        let (old, new) = (Joiner::new(crlf), Joiner::new(crlf));
        Self {
            old,
            new,
            changes: Vec::new(),
            next_id,
            open: false,
            crlf,
        }
    }

    /// A line that is equal on both sides.
    pub(crate) fn same(&mut self, line: &[u8]) {
        self.old.push(line);
        self.new.push(line);
        self.open = !line.ends_with(b"\n");
    }

    /// A change of `from`, as it is.
    pub(crate) fn keep(&mut self, from: &LineChanges, change: &Change) {
        self.change(
            from.old.slice(change.old.clone()),
            from.new.slice(change.new.clone()),
            change.clone(),
        );
    }

    /// A new pending change.
    pub(crate) fn pending<'l>(
        &mut self,
        old: impl Iterator<Item = &'l [u8]>,
        new: impl Iterator<Item = &'l [u8]>,
        removed: Runs,
        added: Runs,
    ) {
        let id = self.id();
        self.change(
            old,
            new,
            Change {
                id,
                state: HunkState::Pending,
                old: 0..0,
                new: 0..0,
                removed,
                added,
            },
        );
    }

    fn id(&mut self) -> u64 {
        *self.next_id += 1;
        *self.next_id
    }

    fn change<'l>(
        &mut self,
        old: impl Iterator<Item = &'l [u8]>,
        new: impl Iterator<Item = &'l [u8]>,
        mut change: Change,
    ) {
        let (mut old_start, mut new_start) = (self.old.len(), self.new.len());
        old.for_each(|line| self.old.push(line));
        new.for_each(|line| self.new.push(line));
        if self.open {
            // The equal line above has no line end, and gets one on the side that goes on below it:
            // it differs now.
            let author = change
                .removed
                .authors()
                .chain(change.added.authors())
                .next()
                .unwrap_or(0);
            let with_one_more = |runs: &Runs| {
                let mut more = Runs::one(1, author);
                more.extend(runs);
                more
            };
            change.id = self.id();
            (old_start, new_start) = (old_start - 1, new_start - 1);
            (change.removed, change.added) =
                (with_one_more(&change.removed), with_one_more(&change.added));
            self.open = false;
        }
        (change.old, change.new) = (old_start..self.old.len(), new_start..self.new.len());
        let id = match self.changes.last() {
            Some(last)
                if last.adjoins(&change)
                    && last.state == change.state
                    && change.state == HunkState::Pending =>
            {
                self.id()
            }
            _ => return self.changes.push(change),
        };
        // Pending changes that have come to lie next to each other are one.
        if let Some(last) = self.changes.last_mut() {
            (last.id, last.old.end, last.new.end) = (id, change.old.end, change.new.end);
            last.removed.extend(&change.removed);
            last.added.extend(&change.added);
        }
    }

    pub(crate) fn finish(self) -> LineChanges {
        LineChanges {
            old: self.old.finish(),
            new: self.new.finish(),
            changes: self.changes,
            crlf: self.crlf,
        }
    }
}
