//! What the user is shown of a review.

use crate::{
    Content, FileReview,
    changes::LineChanges,
    file::{Flag, Kind, Lined, count},
    header::Headers,
    lines::Lines,
    summary,
};
use kerf_protocol::review::{Author, FileStatus, Hunk, HunkLine, LineKind, ReviewFile};
use std::ops::Range;

/// How many equal lines are shown on each side of a hunk, at most.
const CONTEXT: usize = 3;

/// The equal lines to be shown around a change, as lines of the proposed text.
pub(crate) struct Context {
    pub(crate) above: Range<usize>,
    pub(crate) below: Range<usize>,
}

/// Up to three lines on each side, up to the next change. Lines between two changes are shown once: below the
/// first as far as they go there, else above the second.
pub(crate) fn context(lines: &LineChanges, index: usize) -> Context {
    let change = &lines.changes[index];
    let previous = index
        .checked_sub(1)
        .map(|index| lines.changes[index].new.end);
    let gap = change.new.start - previous.unwrap_or(0);
    // The lines that the change above has shown below itself already.
    let taken = if previous.is_some() {
        gap.min(CONTEXT)
    } else {
        0
    };
    let next = lines
        .changes
        .get(index + 1)
        .map_or(lines.new.len(), |next| next.new.start);
    Context {
        above: change.new.start - (gap - taken).min(CONTEXT)..change.new.start,
        below: change.new.end..change.new.end + (next - change.new.end).min(CONTEXT),
    }
}

impl FileReview {
    /// What is to be shown: the hunks with their states, lines and authors, and how the file
    /// changed as a whole. Without changes there are no hunks. Each line of the file is in one hunk
    /// at most. `path` is passed through, and its extension helps to find headings.
    pub fn describe(&self, path: &str) -> ReviewFile {
        let mut file = ReviewFile {
            path: path.to_owned(),
            renamed_from: None,
            status: FileStatus::Modified,
            opaque: None,
            summary: String::new(),
            hunks: Vec::new(),
        };
        match &self.kind {
            Kind::Same => {}
            Kind::Lined(lined) => self.describe_lines(lined, &mut file),
            Kind::Whole { proposed, flag } => {
                file.status = summary::status(&self.origin, proposed);
                let kind = |content: &Content| match content {
                    Content::Opaque { kind, .. } => Some(*kind),
                    _ => None,
                };
                file.opaque = kind(proposed).or(kind(&self.origin));
                if file.opaque.is_some() {
                    file.summary = summary::summary(&self.origin, proposed);
                }
                let mut hunk = self.whole_hunk(flag, file.summary.clone());
                if let (Content::Text { bytes, .. }, Content::Absent) = (&self.origin, proposed) {
                    let old = Lines::new(bytes.clone());
                    hunk.lines = (0..old.len())
                        .map(|at| shown(LineKind::Removed, &old, at, Some(at), None))
                        .collect();
                    hunk.removed = count(old.len());
                }
                file.hunks.push(hunk);
            }
        }
        file
    }

    fn describe_lines(&self, lined: &Lined, file: &mut ReviewFile) {
        if self.origin.is_absent() {
            file.status = FileStatus::Created;
        } else if lined.lines.changes.is_empty() {
            file.status = FileStatus::Mode;
        }
        if let (Some(flag), Some(before)) = (&lined.mode_change, self.origin.mode()) {
            file.summary = summary::mode(before, lined.mode);
            file.hunks.push(self.whole_hunk(flag, file.summary.clone()));
        }
        let lines = &lined.lines;
        let mut headers = Headers::new(&lines.new, &file.path);
        for (index, change) in lines.changes.iter().enumerate() {
            let context = context(lines, index);
            // Above a change and below it, old and new numbers run in step.
            let above = context
                .above
                .map(|at| (change.old.start - (change.new.start - at), at));
            let below = context
                .below
                .map(|at| (change.old.end + (at - change.new.end), at));
            let equal = |(old, at)| shown(LineKind::Context, &lines.new, at, Some(old), Some(at));
            let removed = change
                .old
                .clone()
                .map(|at| shown(LineKind::Removed, &lines.old, at, Some(at), None));
            let added = change
                .new
                .clone()
                .map(|at| shown(LineKind::Added, &lines.new, at, None, Some(at)));
            let shown_lines = above
                .map(equal)
                .chain(removed)
                .chain(added)
                .chain(below.map(equal))
                .collect();

            let first = lines
                .new
                .slice(change.new.clone())
                .chain(lines.old.slice(change.old.clone()));
            let first = first
                .into_iter()
                .find(|line| !line.trim_ascii().is_empty())
                .unwrap_or_default();
            file.hunks.push(Hunk {
                hunk: 0,
                id: 0,
                state: change.state,
                header: headers.above(change.new.start, first),
                added: count(change.new.len()),
                removed: count(change.old.len()),
                authors: self.names(
                    change
                        .removed
                        .authors()
                        .chain(change.added.authors())
                        .collect(),
                ),
                lines: shown_lines,
            });
        }
        for (index, hunk) in file.hunks.iter_mut().enumerate() {
            hunk.hunk = count(index + 1);
            hunk.id = self.id(index);
        }
    }

    /// A hunk without lines.
    fn whole_hunk(&self, flag: &Flag, header: String) -> Hunk {
        Hunk {
            hunk: 1,
            id: self.id(0),
            state: flag.state,
            header,
            added: 0,
            removed: 0,
            authors: self.names(flag.authors.clone()),
            lines: Vec::new(),
        }
    }

    fn id(&self, index: usize) -> u64 {
        self.key(index).map_or(0, |key| key.id)
    }

    /// Authors without repetition, oldest first.
    fn names(&self, mut authors: Vec<u32>) -> Vec<Author> {
        authors.sort_unstable();
        authors.dedup();
        authors
            .into_iter()
            .filter_map(|author| self.authors.get(author as usize).copied())
            .collect()
    }
}

fn shown(
    kind: LineKind,
    text: &Lines,
    at: usize,
    old: Option<usize>,
    new: Option<usize>,
) -> HunkLine {
    let line = text.get(at);
    let content = line.strip_suffix(b"\n").unwrap_or(line);
    let number = |at: usize| count(at + 1);
    HunkLine {
        kind,
        old: old.map(number),
        new: new.map(number),
        text: String::from_utf8_lossy(content.strip_suffix(b"\r").unwrap_or(content)).into_owned(),
        no_newline: content.len() == line.len(),
    }
}
