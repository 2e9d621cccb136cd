//! The user's own version in the place of what a hunk proposes.
//!
//! The version comes as a text as an editor gives it: its line ends may all be `\n`, and bytes that are not UTF-8 were
//! shown as U+FFFD. It is compared with what was proposed, line by line: a line that is the same keeps its very bytes
//! and its author. Another is the user's, and ends as the line that it stands for did, else as the one above it.
//!
//! The hunk is then accepted, under a new id. A version that is what was proposed is an acceptance, and one that is
//! what was there before is a rejection. [`Undo`](crate::Undo) brings the proposal back.

use crate::{
    Content, FileReview, Outcome, ReviewError, Superseded, Which,
    changes::{LineChanges, Runs},
    file::Kind,
    lines::{Joiner, Lines, compare, content},
    undo::{Undo, digest_lines},
};
use kerf_protocol::review::{Author, Decision, HunkState};
use serde::{Deserialize, Serialize};
use std::{ops::Range, sync::Arc};

/// Brings lines back that an edit took the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rewrite {
    /// The hunk as it is now.
    id: u64,
    state: HunkState,
    digest: u64,
    /// As it is to be.
    after_id: u64,
    after_state: HunkState,
    /// Its lines on the proposed side, and who made them.
    text: Bytes,
    added: Vec<(usize, Author)>,
}

/// Bytes that are stored as text: each is the character of its number, so that what is ASCII stays readable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Bytes(Vec<u8>);

impl TryFrom<String> for Bytes {
    type Error = std::char::TryFromCharError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.chars()
            .map(u8::try_from)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl From<Bytes> for String {
    fn from(Bytes(bytes): Bytes) -> Self {
        bytes.into_iter().map(char::from).collect()
    }
}

/// What takes the place of a change's proposed lines.
struct Version {
    bytes: Vec<u8>,
    /// The author of each line; none: the user.
    authors: Vec<Option<u32>>,
}

impl FileReview {
    /// Accepts a hunk with `text` in the place of the lines that it adds. Other hunks stay what they are, and keep their
    /// numbers.
    ///
    /// # Errors
    /// When there is no such hunk, it has no lines to edit, or the file would be no text that can be reviewed. Nothing
    /// changes then.
    pub fn edit(&mut self, hunk: u32, text: &str) -> Result<Outcome, ReviewError> {
        let (index, _) = self.find(hunk)?;
        let refused = |why| Err(ReviewError::NotEdited { hunk, why });
        let lined = match &self.kind {
            Kind::Lined(lined) => lined,
            Kind::Whole {
                proposed: Content::Absent,
                ..
            } => return refused("it is a deletion"),
            Kind::Whole { .. } | Kind::Same => {
                return refused("it is a change of the file as a whole");
            }
        };
        let Some(at) = index.checked_sub(lined.mode_hunks()) else {
            return refused("it is a change of the mode");
        };
        let lines = &lined.lines;
        let change = &lines.changes[at];
        let version = match Version::of(lines, at, text) {
            Ok(version) => version,
            Err(why) => return refused(why),
        };
        if version.bytes == lines.new.span(change.new.clone()) {
            return self.decide(Decision::Accept, &Which::Hunk(hunk));
        }
        if version.bytes == lines.old.span(change.old.clone()) {
            // An edit is no way to take a file away.
            if self.origin.is_absent() && lines.changes.len() == 1 {
                return refused("no line would be left of a file that is new; reject it instead");
            }
            return self.decide(Decision::Reject, &Which::Hunk(hunk));
        }
        if leans_on_the_line_above(lines, &change.new) {
            return refused("the line above it is the last of the file and has no line end");
        }

        let mut edited = self.clone();
        let user = edited.intern(Author::User);
        let mut added = Runs::default();
        version
            .authors
            .iter()
            .for_each(|author| added.push(1, author.unwrap_or(user)));
        edited.last_id += 1;
        let id = edited.last_id;
        let undo = edited.rewrite(at, &version.bytes, added, id, HunkState::Accepted);
        // What is no text can be compared by lines no more, and all of the file would be one hunk.
        if !edited.current().stays_text() || !edited.accepted().stays_text() {
            return refused("the file would be too large, or no text");
        }
        let before = std::mem::replace(self, edited).current();
        let after = self.current();
        Ok(Outcome {
            hunks: 1,
            held: Vec::new(),
            write: (before != after).then_some(after),
            undo,
        })
    }

    /// Takes an edit back, or makes it again.
    pub(crate) fn undo_edit(&mut self, rewrite: &Rewrite) -> Result<Outcome, ReviewError> {
        let gone = ReviewError::Superseded {
            why: Superseded::Gone,
        };
        let Kind::Lined(lined) = &self.kind else {
            return Err(gone);
        };
        let changes = &lined.lines.changes;
        let Some(at) = changes.iter().position(|change| change.id == rewrite.id) else {
            return Err(gone);
        };
        let change = &changes[at];
        if digest_lines(&lined.lines, at..at + 1) != rewrite.digest
            || leans_on_the_line_above(&lined.lines, &change.new)
        {
            return Err(gone);
        }
        if change.state != rewrite.state {
            return Err(ReviewError::Superseded {
                why: Superseded::DecidedAgain,
            });
        }
        let damaged = |what| Err(ReviewError::Damaged { what });
        let lines = Lines::new(Arc::from(rewrite.text.0.as_slice()));
        let empty_file = self.origin.is_absent() && changes.len() == 1 && lines.len() == 0;
        let authors = rewrite
            .added
            .iter()
            .try_fold(0_usize, |sum, (len, _)| sum.checked_add(*len));
        if authors != Some(lines.len())
            || (lines.len() == 0 && change.old.is_empty() && !empty_file)
            || (!empty_file && rewrite.added.iter().any(|(len, _)| *len == 0))
        {
            return damaged("the lines of an undo do not fit");
        }
        let is_taken = |id: u64| {
            let others = changes.iter().filter(|change| change.id != rewrite.id);
            others.map(|change| change.id).any(|other| other == id)
                || lined.mode_change.iter().any(|flag| flag.id == id)
        };
        if rewrite.after_id > self.last_id || is_taken(rewrite.after_id) {
            return damaged("the ids of an undo are taken");
        }

        let before = self.current();
        let pairs = rewrite
            .added
            .iter()
            .map(|(len, author)| (*len, self.intern(*author)))
            .collect();
        let undo = self.rewrite(
            at,
            &rewrite.text.0,
            Runs::from_pairs(pairs),
            rewrite.after_id,
            rewrite.after_state,
        );
        let after = self.current();
        Ok(Outcome {
            hunks: 1,
            held: Vec::new(),
            write: (before != after).then_some(after),
            undo,
        })
    }

    /// Puts other lines in the place of those that a change proposes, and says how to take that back.
    fn rewrite(&mut self, at: usize, bytes: &[u8], added: Runs, id: u64, state: HunkState) -> Undo {
        let Kind::Lined(lined) = &mut self.kind else {
            return Undo::default();
        };
        let change = &lined.lines.changes[at];
        let text = lined.lines.new.span(change.new.clone()).to_vec();
        let author = |index: u32| self.authors.get(index as usize).copied();
        let made = change.added.pairs().iter();
        let back = Rewrite {
            id,
            state,
            digest: 0,
            after_id: change.id,
            after_state: change.state,
            text: Bytes(text),
            added: made
                .filter_map(|(len, index)| Some((*len, author(*index)?)))
                .collect(),
        };
        lined.lines.put(at, bytes);
        let change = &mut lined.lines.changes[at];
        (change.id, change.state, change.added) = (id, state, added);
        Undo::of_rewrite(Rewrite {
            digest: digest_lines(&lined.lines, at..at + 1),
            ..back
        })
    }
}

impl LineChanges {
    /// Puts other lines in the place of those that a change proposes.
    fn put(&mut self, at: usize, bytes: &[u8]) {
        let range = self.changes[at].new.clone();
        let mut text = Joiner::new(self.crlf);
        self.new
            .slice(0..range.start)
            .for_each(|line| text.push(line));
        bytes
            .split_inclusive(|byte| *byte == b'\n')
            .for_each(|line| text.push(line));
        let end = text.len();
        self.new
            .slice(range.end..self.new.len())
            .for_each(|line| text.push(line));
        self.new = text.finish();
        let moved = |line: usize| line - range.end + end;
        for change in &mut self.changes[at + 1..] {
            change.new = moved(change.new.start)..moved(change.new.end);
        }
        self.changes[at].new = range.start..end;
    }
}

impl Version {
    /// # Errors
    /// Why the text cannot stand there.
    fn of(lines: &LineChanges, at: usize, text: &str) -> Result<Self, &'static str> {
        let change = &lines.changes[at];
        let proposed: Vec<&[u8]> = lines.new.slice(change.new.clone()).collect();
        let edited: Vec<&[u8]> = text
            .as_bytes()
            .split_inclusive(|byte| *byte == b'\n')
            .collect();
        let by: Vec<u32> = change.added.each().collect();
        let mut version = Self {
            bytes: Vec::new(),
            authors: Vec::new(),
        };
        let mut same = 0;
        let (mut before, mut after) = (0, 0);
        let edits = compare(&texts(&proposed), &texts(&edited));
        let end = (proposed.len()..proposed.len(), edited.len()..edited.len());
        for (old, new) in edits
            .into_iter()
            .map(|edit| (edit.before, edit.after))
            .chain([end])
        {
            while after < new.start {
                let line = proposed[before];
                let end = ended(edited[after]).then(|| version.end(Some(line), lines.crlf));
                version.push(without_end(line), end, by.get(before).copied());
                (before, after, same) = (before + 1, after + 1, same + 1);
            }
            for at in new.clone() {
                let line = edited[at];
                let for_line = old.start + (at - new.start);
                let for_line = proposed
                    .get(for_line)
                    .filter(|_| for_line < old.end)
                    .copied();
                let end = ended(line).then(|| {
                    if line.ends_with(b"\r\n") {
                        b"\r\n".as_slice()
                    } else {
                        version.end(for_line, lines.crlf)
                    }
                });
                version.push(content(line), end, None);
            }
            // U+FFFD may stand for bytes that would be lost.
            let is_lost = |at: usize| {
                edited[at]
                    .windows(3)
                    .any(|three| three == "\u{fffd}".as_bytes())
            };
            if new.clone().any(is_lost)
                && proposed
                    .iter()
                    .any(|line| std::str::from_utf8(line).is_err())
            {
                return Err(
                    "a line that was changed holds bytes that are not UTF-8; change it in an editor",
                );
            }
            (before, after) = (old.end, new.end);
        }
        // Two lines never become one.
        if change.new.end < lines.new.len()
            && version.bytes.last().is_some_and(|byte| *byte != b'\n')
        {
            version
                .bytes
                .extend_from_slice(if lines.crlf { b"\r\n" } else { b"\n" });
        }
        Ok(version)
    }

    fn push(&mut self, text: &[u8], end: Option<&[u8]>, author: Option<u32>) {
        self.bytes.extend_from_slice(text);
        self.bytes.extend_from_slice(end.unwrap_or_default());
        self.authors.push(author);
    }

    /// How the next line ends: as the one that it stands for, else as the one above it, else as the file's lines.
    fn end(&self, stands_for: Option<&[u8]>, crlf: bool) -> &'static [u8] {
        let crlf = match stands_for.filter(|line| ended(line)) {
            Some(line) => line.ends_with(b"\r\n"),
            None if self.bytes.is_empty() => crlf,
            None => self.bytes.ends_with(b"\r\n"),
        };
        if crlf { b"\r\n" } else { b"\n" }
    }
}

/// Whether putting lines in this place would give the line above, which belongs to another change, a line end.
fn leans_on_the_line_above(lines: &LineChanges, at: &Range<usize>) -> bool {
    at.start > 0 && at.start == lines.new.len() && lines.new.is_ragged()
}

/// Lines as they are shown, to be compared.
fn texts(lines: &[&[u8]]) -> Lines {
    let mut text = Vec::new();
    for line in lines {
        text.extend_from_slice(String::from_utf8_lossy(content(line)).as_bytes());
        text.push(b'\n');
    }
    Lines::new(text.into())
}

fn ended(line: &[u8]) -> bool {
    line.ends_with(b"\n")
}

/// A line as it is but for its end.
fn without_end(line: &[u8]) -> &[u8] {
    if ended(line) { content(line) } else { line }
}
