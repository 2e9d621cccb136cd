//! What happens to the line changes of a text when somebody edits it on disk.
//!
//! The text that was on disk is compared with the new one. Each edited region is then looked at
//! together with the changes that it *touches*:
//!
//! - it overlaps the lines that the change has on disk; an insertion must lie strictly within them,
//!   and lines must be replaced on both sides of a place where nothing is left. An insertion exactly
//!   where a change has left nothing counts too: it may bring the lines back;
//! - the agent's edit also touches a pending change that it only adjoins, so that the agent's
//!   neighbouring edits are one hunk;
//! - in a created file, everything that adjoins is touched, since there are no lines of the origin
//!   between;
//! - at the end of a file without a final line end, everything from there on is touched, because the
//!   last line changes when another comes after it.
//!
//! Regions that touch the same change are one. If a pending change is among those touched, the
//! region as a whole is compared again with its origin and what differs is pending; what is the
//! origin's again is no longer part of the review. Lines that survive keep their authors. Without a
//! pending change, the agent's edits are new pending changes, and the user's are folded into the
//! origin, never to be shown. In any case the accepted and the rejected changes that are touched
//! are settled: the origin takes over what is on disk.

use crate::{
    changes::{Builder, Change, LineChanges, Runs, on_disk},
    lines::{Edit, Joiner, Lines, compare},
};
use kerf_protocol::review::HunkState;
use std::ops::Range;

/// A text on disk that became another.
pub(crate) struct Observed<'a> {
    pub(crate) current: &'a Lines,
    pub(crate) new: &'a Lines,
    pub(crate) author: u32,
    pub(crate) is_agent: bool,
    /// The origin has no file.
    pub(crate) created: bool,
}

pub(crate) struct Merged {
    pub(crate) lines: LineChanges,
    /// Accepted lines were settled, so that the origin has a file now.
    pub(crate) exists: bool,
}

/// Edits and the changes that they touch.
#[derive(Debug)]
struct Region {
    edits: Range<usize>,
    changes: Range<usize>,
    /// The lines on disk that they cover together.
    current: Range<usize>,
}

impl Observed<'_> {
    pub(crate) fn merge(&self, from: &LineChanges, last_id: &mut u64) -> Merged {
        let edits = compare(self.current, self.new);
        let spans = from.spans();
        let regions = self.regions(from, &spans, &edits);
        // Without changes there is no line end to be missed, and the text as it is now says which
        // it would be.
        let one =
            if self.current.len() > 0 && !(self.current.len() == 1 && self.current.is_ragged()) {
                self.current
            } else {
                self.new
            };
        let crlf = if from.changes.is_empty() {
            one.is_crlf()
        } else {
            from.crlf
        };
        let mut builder = Builder::new(last_id, crlf);
        let mut exists = false;
        let (mut change, mut line) = (0, 0);
        let untouched =
            |builder: &mut Builder<'_>, changes: Range<usize>, mut lines: Range<usize>| {
                for index in changes {
                    self.current
                        .slice(lines.start..spans[index].start)
                        .for_each(|line| builder.same(line));
                    builder.keep(from, &from.changes[index]);
                    lines.start = spans[index].end;
                }
                self.current
                    .slice(lines)
                    .for_each(|line| builder.same(line));
            };
        for region in &regions {
            untouched(
                &mut builder,
                change..region.changes.start,
                line..region.current.start,
            );
            let touched = &from.changes[region.changes.clone()];
            exists |= touched
                .iter()
                .any(|change| change.state == HunkState::Accepted);
            let edits = &edits[region.edits.clone()];
            if touched
                .iter()
                .any(|change| change.state == HunkState::Pending)
            {
                self.compare_again(&mut builder, from, &spans, region, edits);
            } else if self.is_agent {
                self.propose(&mut builder, region, edits);
            } else {
                self.new
                    .slice(new_range(region, edits))
                    .for_each(|line| builder.same(line));
            }
            (change, line) = (region.changes.end, region.current.end);
        }
        untouched(
            &mut builder,
            change..from.changes.len(),
            line..self.current.len(),
        );
        let mut lines = builder.finish();
        if self.created && !exists && lines.changes.is_empty() {
            // A created file that is empty: there is nothing to show but that it exists.
            *last_id += 1;
            lines.changes.push(Change {
                id: *last_id,
                state: HunkState::Pending,
                old: 0..0,
                new: 0..0,
                removed: Runs::default(),
                added: Runs::nothing_by(self.author),
            });
        }
        Merged { lines, exists }
    }

    /// Finds the changes that each edit touches. See the head of this file for what that means.
    fn regions(&self, from: &LineChanges, spans: &[Range<usize>], edits: &[Edit]) -> Vec<Region> {
        let mut regions: Vec<Region> = Vec::new();
        let mut first = 0;
        for (index, edit) in edits.iter().enumerate() {
            let at = &edit.before;
            let ends_before = |span: &Range<usize>| {
                span.end < at.start || (span.end == at.start && !(at.is_empty() && span.is_empty()))
            };
            let starts_after = |span: &Range<usize>| {
                span.start > at.end || (span.start == at.end && !(at.is_empty() && span.is_empty()))
            };
            while spans.get(first).is_some_and(ends_before) {
                first += 1;
            }
            let (mut low, mut high) = (first, first);
            while spans.get(high).is_some_and(|span| !starts_after(span)) {
                high += 1;
            }
            let clings = |change: usize| {
                self.created || (self.is_agent && from.changes[change].state == HunkState::Pending)
            };
            let above = (0..low)
                .rev()
                .take_while(|change| spans[*change].end == at.start);
            low = above.filter(|change| clings(*change)).last().unwrap_or(low);
            let below = (high..spans.len()).take_while(|change| spans[*change].start == at.end);
            high = below
                .filter(|change| clings(*change))
                .last()
                .map_or(high, |change| change + 1);

            let mut covered = at.clone();
            if low < high {
                covered = covered.start.min(spans[low].start)..covered.end.max(spans[high - 1].end);
            }
            join(
                &mut regions,
                Region {
                    edits: index..index + 1,
                    changes: low..high,
                    current: covered,
                },
            );
        }
        self.extend_to_the_end(from, spans, edits, &mut regions);
        regions
    }

    /// Where a final line end is missing, the last line changes with what comes after it: the last
    /// region, if it is at the end, takes in the changes there.
    fn extend_to_the_end(
        &self,
        from: &LineChanges,
        spans: &[Range<usize>],
        edits: &[Edit],
        regions: &mut Vec<Region>,
    ) {
        let texts = [&from.old, &from.new, self.current, self.new];
        if !texts.into_iter().any(Lines::is_ragged) {
            return;
        }
        let Some(mut last) = regions.pop_if(|last| last.current.end == self.current.len()) else {
            return;
        };
        last.changes.end = spans.len();
        if new_range(&last, &edits[last.edits.clone()]).is_empty() {
            // Nothing is left here. A line above that was given a line end only because a line came
            // after it now has the one that is on disk.
            let lacks_end = |change: &usize| {
                let change = &from.changes[*change];
                let lines = if on_disk(change.state) {
                    from.new.span(change.new.clone())
                } else {
                    from.old.span(change.old.clone())
                };
                lines.last().is_some_and(|byte| *byte != b'\n')
            };
            let above = (0..last.changes.start).rev();
            let above = above.take_while(|change| spans[*change].end == last.current.start);
            if let Some(change) = above.filter(lacks_end).last() {
                last.changes.start = change;
                last.current.start = spans[change].start;
            }
        }
        join(regions, last);
    }

    /// Edits of the agent that touch nothing pending: each is a new change, and all else on disk is
    /// the origin's.
    fn propose(&self, builder: &mut Builder<'_>, region: &Region, edits: &[Edit]) {
        let mut at = region.current.start;
        for Edit { before, after } in edits {
            self.current
                .slice(at..before.start)
                .for_each(|line| builder.same(line));
            let (removed, added) = (
                Runs::one(before.len(), self.author),
                Runs::one(after.len(), self.author),
            );
            builder.pending(
                self.current.slice(before.clone()),
                self.new.slice(after.clone()),
                removed,
                added,
            );
            at = before.end;
        }
        self.current
            .slice(at..region.current.end)
            .for_each(|line| builder.same(line));
    }

    /// A region with a pending change in it: what differs from its origin is pending.
    fn compare_again(
        &self,
        builder: &mut Builder<'_>,
        from: &LineChanges,
        spans: &[Range<usize>],
        region: &Region,
        edits: &[Edit],
    ) {
        let mut old = Joiner::new(from.crlf);
        let (mut removed, mut on_disk_by) = (Runs::default(), Runs::default());
        let mut at = region.current.start;
        for (change, span) in from.changes[region.changes.clone()]
            .iter()
            .zip(&spans[region.changes.clone()])
        {
            self.current
                .slice(at..span.start)
                .for_each(|line| old.push(line));
            removed.push(span.start - at, self.author);
            on_disk_by.push(span.start - at, self.author);
            if change.state == HunkState::Pending {
                from.old
                    .slice(change.old.clone())
                    .for_each(|line| old.push(line));
                removed.extend(&change.removed);
            } else {
                self.current
                    .slice(span.clone())
                    .for_each(|line| old.push(line));
                removed.push(span.len(), self.author);
            }
            if on_disk(change.state) {
                on_disk_by.extend(&change.added);
            } else {
                on_disk_by.push(span.len(), self.author);
            }
            at = span.end;
        }
        self.current
            .slice(at..region.current.end)
            .for_each(|line| old.push(line));
        removed.push(region.current.end - at, self.author);
        on_disk_by.push(region.current.end - at, self.author);

        let mut added = Runs::default();
        let mut at = region.current.start;
        for edit in edits {
            added.extend(
                &on_disk_by
                    .slice(at - region.current.start..edit.before.start - region.current.start),
            );
            added.push(edit.after.len(), self.author);
            at = edit.before.end;
        }
        added.extend(&on_disk_by.slice(at - region.current.start..region.current.len()));

        let mut joined = Joiner::new(from.crlf);
        self.new
            .slice(new_range(region, edits))
            .for_each(|line| joined.push(line));
        let (old, new) = (old.finish(), joined.finish());
        let (removed, added): (Vec<u32>, Vec<u32>) =
            (removed.each().collect(), added.each().collect());
        let runs = |authors: &[u32]| {
            let mut runs = Runs::default();
            authors.iter().for_each(|author| runs.push(1, *author));
            runs
        };
        let mut at = 0;
        for Edit { before, after } in compare(&old, &new) {
            old.slice(at..before.start)
                .for_each(|line| builder.same(line));
            let authors = (runs(&removed[before.clone()]), runs(&added[after.clone()]));
            at = before.end;
            builder.pending(old.slice(before), new.slice(after), authors.0, authors.1);
        }
        old.slice(at..old.len()).for_each(|line| builder.same(line));
    }
}

/// Adds a region below others; it is one with the last if they touch the same change.
fn join(regions: &mut Vec<Region>, region: Region) {
    match regions.last_mut() {
        Some(last) if region.changes.start < last.changes.end => {
            last.edits.end = region.edits.end;
            last.changes.start = last.changes.start.min(region.changes.start);
            last.changes.end = last.changes.end.max(region.changes.end);
            last.current.start = last.current.start.min(region.current.start);
            last.current.end = last.current.end.max(region.current.end);
        }
        _ => regions.push(region),
    }
}

/// The lines of the new text that stand for a region.
fn new_range(region: &Region, edits: &[Edit]) -> Range<usize> {
    match (edits.first(), edits.last()) {
        (Some(first), Some(last)) => {
            first.after.start - (first.before.start - region.current.start)
                ..last.after.end + (region.current.end - last.before.end)
        }
        _ => 0..0,
    }
}
