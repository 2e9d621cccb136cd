//! What happens to a review when somebody edits the file on disk: as a whole, its mode, or its lines.

use crate::{
    Content, FileReview,
    changes::LineChanges,
    file::{Flag, Kind, Lined},
    lines::Lines,
    merge::Observed,
};
use kerf_protocol::review::{Author, HunkState};
use std::sync::Arc;

impl FileReview {
    /// The disk now holds `current`, and `author` put it there. Afterwards [`FileReview::current`]
    /// is exactly that.
    ///
    /// The agent's edits become pending changes. The user's are folded into the origin unless they
    /// touch a change that waits for a decision: then they become part of it.
    pub fn observe(&mut self, current: Content, author: Author) {
        let before = self.current();
        if before == current {
            return;
        }
        let by_lines = !matches!(self.kind, Kind::Whole { .. });
        match (before, current) {
            (Content::Text { bytes: before, .. }, Content::Text { bytes, mode }) if by_lines => {
                self.observe_mode(mode, author);
                if before != bytes {
                    self.observe_lines(Lines::new(before), Lines::new(bytes), author);
                }
            }
            (_, current) => self.observe_whole(current, author),
        }
        self.forget_authors();
    }

    /// The file became something that cannot be compared by lines with what it was.
    fn observe_whole(&mut self, current: Content, author: Author) {
        self.settle();
        if self.is_settled() && author == Author::User {
            self.origin = current;
            return;
        }
        let mut authors = match &self.kind {
            Kind::Same => Vec::new(),
            Kind::Whole { flag, .. } => flag.authors.clone(),
            Kind::Lined(lined) => {
                let changes = lined.lines.changes.iter();
                let lines = changes
                    .flat_map(|change| change.removed.authors().chain(change.added.authors()));
                lines
                    .chain(
                        lined
                            .mode_change
                            .iter()
                            .flat_map(|flag| flag.authors.iter().copied()),
                    )
                    .collect()
            }
        };
        let author = self.intern(author);
        authors.push(author);
        authors.sort_unstable();
        authors.dedup();
        let (bytes, mode) = match current {
            Content::Text { bytes, mode }
                if matches!(self.origin, Content::Text { .. } | Content::Absent) =>
            {
                (bytes, mode)
            }
            current if current == self.origin => {
                self.kind = Kind::Same;
                return;
            }
            proposed => {
                let flag = self.flag(authors);
                self.kind = Kind::Whole { proposed, flag };
                return;
            }
        };
        let old = self
            .origin
            .text()
            .map_or_else(Lines::default, |bytes| Lines::new(Arc::clone(bytes)));
        let lines = LineChanges::none(old);
        let origin_mode = self.origin.mode();
        let observed = Observed {
            current: &lines.old,
            new: &Lines::new(bytes),
            author,
            is_agent: true,
            created: origin_mode.is_none(),
        };
        let lines = observed.merge(&lines, &mut self.last_id).lines;
        let mode_change = origin_mode
            .is_some_and(|before| before != mode)
            .then(|| self.flag(authors));
        self.put(
            origin_mode,
            Lined {
                lines,
                mode,
                mode_change,
            },
        );
    }

    fn flag(&mut self, authors: Vec<u32>) -> Flag {
        self.last_id += 1;
        Flag {
            id: self.last_id,
            state: HunkState::Pending,
            authors,
        }
    }

    fn observe_mode(&mut self, new: u32, author: Author) {
        if let (Kind::Lined(lined), Content::Absent) = (&mut self.kind, &self.origin) {
            if !lined
                .lines
                .changes
                .iter()
                .any(|change| change.state == HunkState::Accepted)
            {
                lined.mode = new;
                return;
            }
            if lined.mode != new {
                self.settle();
            }
        }
        let Content::Text {
            bytes,
            mode: origin,
        } = &self.origin
        else {
            return;
        };
        let origin = *origin;
        let mut lined = match std::mem::replace(&mut self.kind, Kind::Same) {
            Kind::Lined(lined) => lined,
            _ => unchanged(bytes, origin),
        };
        let state = lined.mode_change.as_ref().map(|flag| flag.state);
        let (before, waits) = match state {
            Some(HunkState::Pending) => (lined.mode, true),
            Some(HunkState::Accepted) => (lined.mode, false),
            Some(HunkState::Rejected) | None => (origin, false),
        };
        let mut origin_mode = Some(origin);
        if before != new {
            let earlier = lined.mode_change.take().filter(|_| waits);
            // A decided change of the mode is settled: the origin takes over what is on disk.
            let origin = if waits { origin } else { before };
            let folds = author == Author::User && !waits;
            origin_mode = Some(if folds { new } else { origin });
            lined.mode = new;
            if origin_mode != Some(new) {
                let mut authors = earlier.map_or_else(Vec::new, |flag| flag.authors);
                authors.push(self.intern(author));
                authors.sort_unstable();
                authors.dedup();
                lined.mode_change = Some(self.flag(authors));
            }
        }
        self.put(origin_mode, lined);
    }

    fn observe_lines(&mut self, current: Lines, new: Lines, author: Author) {
        let mut lined = match std::mem::replace(&mut self.kind, Kind::Same) {
            Kind::Lined(lined) => lined,
            _ => {
                let Content::Text { bytes, mode } = &self.origin else {
                    return;
                };
                unchanged(bytes, *mode)
            }
        };
        let created = self.origin.is_absent();
        let observed = Observed {
            current: &current,
            new: &new,
            author: self.intern(author),
            is_agent: author != Author::User,
            created,
        };
        let merged = observed.merge(&lined.lines, &mut self.last_id);
        lined.lines = merged.lines;
        let origin_mode = if created {
            merged.exists.then_some(lined.mode)
        } else {
            self.origin.mode()
        };
        self.put(origin_mode, lined);
    }
}

fn unchanged(bytes: &Arc<[u8]>, mode: u32) -> Lined {
    Lined {
        lines: LineChanges::none(Lines::new(Arc::clone(bytes))),
        mode,
        mode_change: None,
    }
}
