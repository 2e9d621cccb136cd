//! What the user is shown of a review: all of a file, its outline, or some lines of a hunk.

use crate::{
    Content, FileReview,
    changes::{Change, LineChanges, Runs},
    disguise::is_disguised,
    file::{Flag, Kind, Lined, count},
    header::Headers,
    lines::{Lines, content, without_return},
    summary,
    twins::Twins,
};
use kerf_protocol::{
    TurnId,
    review::{
        Author, FileOutline, FileStatus, Hunk, HunkLine, HunkOutline, HunkPart, LineKind,
        MadeLines, Opaque, ReviewFile, Twin,
    },
};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
};

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

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines of a hunk, by their number in it: context, what is removed, what is added, context.
struct Shape<'a> {
    before: &'a Lines,
    after: &'a Lines,
    /// The first lines shown, in `before` and `after`: above a change, old and new numbers run in step.
    old: usize,
    new: usize,
    above: usize,
    removed: usize,
    added: usize,
    below: usize,
}

impl<'a> Shape<'a> {
    fn of(lines: &'a LineChanges, index: usize) -> Self {
        let change = &lines.changes[index];
        let context = context(lines, index);
        let above = context.above.len();
        Self {
            before: &lines.old,
            after: &lines.new,
            old: change.old.start - above,
            new: change.new.start - above,
            above,
            removed: change.old.len(),
            added: change.new.len(),
            below: context.below.len(),
        }
    }

    /// A text that is gone.
    fn removed(text: &'a Lines) -> Self {
        Self {
            before: text,
            after: text,
            old: 0,
            new: 0,
            above: 0,
            removed: text.len(),
            added: 0,
            below: 0,
        }
    }

    fn len(&self) -> usize {
        self.above + self.removed + self.added + self.below
    }

    fn line(&self, at: usize) -> HunkLine {
        let added = self.above + self.removed;
        let below = added + self.added;
        if at < self.above {
            self.equal(self.old + at, self.new + at)
        } else if at < added {
            let old = self.old + at;
            shown(LineKind::Removed, self.before, old, Some(old), None)
        } else if at < below {
            let new = self.new + at - self.removed;
            shown(LineKind::Added, self.after, new, None, Some(new))
        } else {
            self.equal(self.old + at - self.added, self.new + at - self.removed)
        }
    }

    fn equal(&self, old: usize, new: usize) -> HunkLine {
        shown(LineKind::Context, self.after, new, Some(old), Some(new))
    }

    fn removed_lines(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let start = self.old + self.above;
        self.before.slice(start..start + self.removed)
    }

    fn added_lines(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let start = self.new + self.above;
        self.after.slice(start..start + self.added)
    }

    /// Whether the changed lines differ by nothing but their ends, so that their texts are the same.
    fn ends_only(&self) -> bool {
        let text = |line: &'a [u8]| line.strip_suffix(b"\n").map(without_return);
        self.added > 0
            && self.added == self.removed
            && self
                .removed_lines()
                .zip(self.added_lines())
                .all(|(old, new)| match (text(old), text(new)) {
                    (Some(old), Some(new)) => old == new,
                    (None, None) => without_return(old) == without_return(new),
                    _ => false,
                })
    }

    /// Whether the changed lines differ in white space only: without it they are the same bytes.
    fn space_only(&self) -> bool {
        fn ink<'l>(lines: impl Iterator<Item = &'l [u8]>) -> impl Iterator<Item = &'l u8> {
            lines.flatten().filter(|byte| !byte.is_ascii_whitespace())
        }
        ink(self.removed_lines()).eq(ink(self.added_lines()))
    }

    /// Whether a changed line holds characters that hide or mislead.
    fn is_disguised(&self) -> bool {
        let old = self.old + self.above..;
        let new = self.new + self.above..;
        let removed = old.zip(self.removed_lines());
        let mut lines = removed.chain(new.zip(self.added_lines()));
        lines.any(|(at, line)| {
            // At the very beginning it says how the file is encoded.
            let line = if at == 0 {
                line.strip_prefix(MARK).unwrap_or(line)
            } else {
                line
            };
            is_disguised(content(line))
        })
    }

    /// A word of an added line that looks like another one of the file.
    fn twin(&self, twins: &Twins<'_>) -> Option<Twin> {
        twins.first(self.added_lines())
    }
}

impl FileReview {
    /// What is to be shown: the hunks with their states, lines and authors, and how the file
    /// changed as a whole. Without changes there are no hunks. Each line of the file is in one hunk
    /// at most. `path` is passed through, and its extension helps to find headings.
    pub fn describe(&self, path: &str) -> ReviewFile {
        let (status, opaque, summary) = self.as_a_whole();
        let mut headers = self.headers(path);
        let gone = self.gone();
        let twins = self.twins();
        let hunks = (0..self.hunks())
            .filter_map(|index| {
                let key = self.key(index)?;
                let shape = self.shape(index, gone.as_ref());
                Some(Hunk {
                    hunk: count(index + 1),
                    id: key.id,
                    state: key.state,
                    header: self.header(index, headers.as_mut(), &summary),
                    added: shape.as_ref().map_or(0, |shape| count(shape.added)),
                    removed: shape.as_ref().map_or(0, |shape| count(shape.removed)),
                    authors: self.authors_of(index),
                    made_by: self.made_by(index, shape.as_ref(), 0..usize::MAX),
                    disguised: shape
                        .as_ref()
                        .is_some_and(|shape| shape.is_disguised() || shape.twin(&twins).is_some()),
                    lines: shape
                        .iter()
                        .flat_map(|shape| (0..shape.len()).map(|at| shape.line(at)))
                        .collect(),
                })
            })
            .collect();
        ReviewFile {
            path: path.to_owned(),
            renamed_from: None,
            status,
            opaque,
            summary,
            hunks,
        }
    }

    /// The same without the texts. Its `revision` is zero: whoever completes it gives it one.
    pub fn outline(&self, path: &str) -> FileOutline {
        let (status, opaque, summary) = self.as_a_whole();
        let gone = self.gone();
        let twins = self.twins();
        let has_origin = gone.is_none() && !self.origin.is_absent();
        let hunks = (0..self.hunks())
            .filter_map(|index| {
                let key = self.key(index)?;
                let mut outline = HunkOutline {
                    hunk: count(index + 1),
                    id: key.id,
                    state: key.state,
                    old: 1,
                    new: 1,
                    above: 0,
                    removed: 0,
                    added: 0,
                    below: 0,
                    disguised: false,
                    twin: None,
                    space_only: false,
                };
                if let Some(shape) = self.shape(index, gone.as_ref()) {
                    (outline.old, outline.new) = (count(shape.old + 1), count(shape.new + 1));
                    (outline.above, outline.below) = (count(shape.above), count(shape.below));
                    (outline.removed, outline.added) = (count(shape.removed), count(shape.added));
                    outline.twin = shape.twin(&twins);
                    outline.disguised = outline.twin.is_some() || shape.is_disguised();
                    outline.space_only = has_origin && shape.space_only();
                }
                Some(outline)
            })
            .collect();
        FileOutline {
            path: path.to_owned(),
            renamed_from: None,
            status,
            opaque,
            summary,
            revision: 0,
            content: self.content_number(),
            lines: self.proposed_lines().map_or(0, |lines| count(lines.len())),
            hunks,
        }
    }

    /// Reads lines of its hunks.
    pub fn parts<'a>(&'a self, path: &'a str) -> Parts<'a> {
        Parts {
            review: self,
            path,
            content: self.content_number(),
            summary: self.as_a_whole().2,
            gone: self.gone(),
            headers: self.headers(path),
            at: 0,
        }
    }

    /// Names what the lines of all hunks are, and who made them, whatever was decided.
    fn content_number(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.authors.hash(&mut hasher);
        match &self.kind {
            Kind::Same => {}
            Kind::Lined(Lined {
                lines, mode_change, ..
            }) => {
                lines.old.bytes().hash(&mut hasher);
                lines.new.bytes().hash(&mut hasher);
                mode_change
                    .as_ref()
                    .map(|flag| &flag.authors)
                    .hash(&mut hasher);
                for change in &lines.changes {
                    change.hash_lines(&mut hasher);
                }
            }
            Kind::Whole { flag, .. } => {
                flag.authors.hash(&mut hasher);
                let (status, _, summary) = self.as_a_whole();
                (status, summary).hash(&mut hasher);
                self.origin.text().hash(&mut hasher);
            }
        }
        short(hasher)
    }

    /// How the file changed, why it is not shown line by line, and one line about that.
    fn as_a_whole(&self) -> (FileStatus, Option<Opaque>, String) {
        match &self.kind {
            Kind::Same => (FileStatus::Modified, None, String::new()),
            Kind::Lined(lined) => {
                let status = if self.origin.is_absent() {
                    FileStatus::Created
                } else if lined.lines.changes.is_empty() {
                    FileStatus::Mode
                } else {
                    FileStatus::Modified
                };
                let summary = match (&lined.mode_change, self.origin.mode()) {
                    (Some(_), Some(before)) => summary::mode(before, lined.mode),
                    _ => String::new(),
                };
                (status, None, summary)
            }
            Kind::Whole { proposed, .. } => {
                let kind = |content: &Content| match content {
                    Content::Opaque { kind, .. } => Some(*kind),
                    _ => None,
                };
                let opaque = kind(proposed).or(kind(&self.origin));
                let summary = if opaque.is_some() {
                    summary::summary(&self.origin, proposed)
                } else {
                    String::new()
                };
                (summary::status(&self.origin, proposed), opaque, summary)
            }
        }
    }

    /// The lines of a text that is gone as a whole.
    fn gone(&self) -> Option<Lines> {
        match (&self.kind, &self.origin) {
            (
                Kind::Whole {
                    proposed: Content::Absent,
                    ..
                },
                Content::Text { bytes, .. },
            ) => Some(Lines::new(bytes.clone())),
            _ => None,
        }
    }

    /// The lines of a hunk; none when it has none. `gone` is what [`Self::gone`] gave.
    fn shape<'a>(&'a self, index: usize, gone: Option<&'a Lines>) -> Option<Shape<'a>> {
        match &self.kind {
            Kind::Lined(lined) => {
                let index = index.checked_sub(lined.mode_hunks())?;
                (index < lined.lines.changes.len()).then(|| Shape::of(&lined.lines, index))
            }
            _ => gone.map(Shape::removed),
        }
    }

    fn headers<'a>(&'a self, path: &str) -> Option<Headers<'a>> {
        match &self.kind {
            Kind::Lined(lined) => Some(Headers::new(&lined.lines.new, path)),
            _ => None,
        }
    }

    /// The header of a hunk; of one without lines, the summary. They must be asked for from the top down.
    fn header(&self, index: usize, headers: Option<&mut Headers<'_>>, summary: &str) -> String {
        let Some((change, headers)) = self.change(index).zip(headers) else {
            return summary.to_owned();
        };
        let Kind::Lined(lined) = &self.kind else {
            return summary.to_owned();
        };
        let first = lined
            .lines
            .new
            .slice(change.new.clone())
            .chain(lined.lines.old.slice(change.old.clone()))
            .find(|line| !line.trim_ascii().is_empty())
            .unwrap_or_default();
        headers.above(change.new.start, first)
    }

    fn change(&self, index: usize) -> Option<&Change> {
        match &self.kind {
            Kind::Lined(lined) => lined
                .lines
                .changes
                .get(index.checked_sub(lined.mode_hunks())?),
            _ => None,
        }
    }

    fn authors_of(&self, index: usize) -> Vec<Author> {
        if let Some(change) = self.change(index) {
            let authors = change.removed.authors().chain(change.added.authors());
            return self.names(authors.collect());
        }
        let flag: Option<&Flag> = match &self.kind {
            Kind::Whole { flag, .. } => Some(flag),
            Kind::Lined(lined) => lined.mode_change.as_ref(),
            Kind::Same => None,
        };
        flag.map_or_else(Vec::new, |flag| self.names(flag.authors.clone()))
    }

    /// Who made each changed line among these of a hunk's.
    fn made_by(
        &self,
        index: usize,
        shape: Option<&Shape<'_>>,
        among: Range<usize>,
    ) -> Vec<MadeLines> {
        let (Some(shape), Some(change)) = (shape, self.change(index)) else {
            return Vec::new();
        };
        let mut made: Vec<MadeLines> = Vec::new();
        let mut at = shape.above;
        let runs = |runs: &Runs| runs.pairs().to_vec();
        for (len, author) in runs(&change.removed).into_iter().chain(runs(&change.added)) {
            let lines = at.max(among.start)..(at + len).min(among.end);
            at += len;
            let Some(author) = self.authors.get(author as usize) else {
                continue;
            };
            if lines.is_empty() {
                continue;
            }
            match made.last_mut() {
                Some(last) if last.author == *author => last.count += count(lines.len()),
                _ => made.push(MadeLines {
                    first: count(lines.start),
                    count: count(lines.len()),
                    author: *author,
                }),
            }
        }
        made
    }

    /// Whether a turn had a hand in a hunk.
    pub(crate) fn is_of_turn(&self, index: usize, turn: TurnId) -> bool {
        self.authors_of(index).iter().any(|author| match author {
            Author::Tool { turn_id, .. } | Author::Command { turn_id, .. } => *turn_id == turn,
            Author::User => false,
        })
    }

    /// The numbers of the hunks in which a turn had a hand.
    pub fn hunks_of_turn(&self, turn: TurnId) -> Vec<u32> {
        (0..self.hunks())
            .filter(|index| self.is_of_turn(*index, turn))
            .map(|index| count(index + 1))
            .collect()
    }

    /// Whether the changed lines of a hunk hold characters that hide or mislead.
    pub(crate) fn is_disguised(&self, index: usize, twins: &Twins<'_>) -> bool {
        let gone = self.gone();
        let shape = self.shape(index, gone.as_ref());
        shape.is_some_and(|shape| shape.is_disguised() || shape.twin(twins).is_some())
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

/// Reads lines of the hunks of a file; see [`FileReview::parts`].
pub struct Parts<'a> {
    pub(crate) review: &'a FileReview,
    path: &'a str,
    content: u64,
    summary: String,
    gone: Option<Lines>,
    headers: Option<Headers<'a>>,
    /// The hunk that `headers` was asked for last, as an index.
    at: usize,
}

impl Parts<'_> {
    /// Names the lines, as [`FileOutline::content`] does.
    pub fn content(&self) -> u64 {
        self.content
    }

    /// Lines of a hunk, from number `first` in it on: `count` of them or those that there are, or fewer when they come to
    /// about `bytes`; at least one if there is one. None when there is no such hunk. Hunks are read fastest from the top
    /// of the file down.
    pub fn read(&mut self, hunk: u32, first: u32, count: u32, bytes: usize) -> Option<HunkPart> {
        let review = self.review;
        let index = hunk.checked_sub(1)? as usize;
        review.key(index)?;
        if index < self.at {
            self.headers = review.headers(self.path);
        }
        self.at = index;
        let shape = review.shape(index, self.gone.as_ref());
        let mut left = bytes;
        let mut lines = Vec::new();
        if let Some(shape) = &shape {
            let end = shape.len().min(first.saturating_add(count) as usize);
            for at in first as usize..end {
                let line = shape.line(at);
                if !lines.is_empty() && line.text.len() > left {
                    break;
                }
                left = left.saturating_sub(line.text.len());
                lines.push(line);
            }
        }
        Some(HunkPart {
            path: self.path.to_owned(),
            content: self.content,
            hunk,
            header: review.header(index, self.headers.as_mut(), &self.summary),
            authors: review.authors_of(index),
            made_by: {
                let first = first as usize;
                review.made_by(index, shape.as_ref(), first..first + lines.len())
            },
            ends_only: shape.is_some_and(|shape| shape.ends_only()),
            first,
            lines,
        })
    }
}

/// A number that a page can hold exactly: its numbers have 53 bits.
fn short(hasher: DefaultHasher) -> u64 {
    hasher.finish() >> 11
}

/// Completes an outline: names all that is in it.
pub fn revise(outline: &mut FileOutline) {
    outline.revision = 0;
    let mut hasher = DefaultHasher::new();
    outline.hash(&mut hasher);
    outline.revision = short(hasher);
}

pub(crate) fn shown(
    kind: LineKind,
    text: &Lines,
    at: usize,
    old: Option<usize>,
    new: Option<usize>,
) -> HunkLine {
    let line = text.get(at);
    let number = |at: usize| count(at + 1);
    HunkLine {
        kind,
        old: old.map(number),
        new: new.map(number),
        text: String::from_utf8_lossy(content(line)).into_owned(),
        no_newline: !line.ends_with(b"\n"),
    }
}
