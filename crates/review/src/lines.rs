//! Texts as lines of bytes, joining lines to a text, and comparing two texts.

use imara_diff::{Algorithm, Diff, InternedInput};
use std::{ops::Range, sync::Arc};

/// Longer texts are compared by another algorithm: the work of the histogram grows with the lines
/// times the edits, which takes many seconds for long texts with thousands of edits.
const MAX_HISTOGRAM_LINES: usize = 20_000;

/// A text and where its lines end. A line includes its line end; only the last line may lack one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    bytes: Arc<[u8]>,
    ends: Vec<usize>,
}

impl Lines {
    /// Splits a text after each `\n`.
    pub(crate) fn new(bytes: Arc<[u8]>) -> Self {
        let mut end = 0;
        let ends = bytes
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| {
                end += line.len();
                end
            })
            .collect();
        Self { bytes, ends }
    }

    pub(crate) fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, line: usize) -> &[u8] {
        let start = if line == 0 { 0 } else { self.ends[line - 1] };
        &self.bytes[start..self.ends[line]]
    }

    pub(crate) fn slice(&self, range: Range<usize>) -> impl Iterator<Item = &[u8]> {
        range.map(|line| self.get(line))
    }

    /// The bytes of some lines, in one piece.
    pub(crate) fn span(&self, range: Range<usize>) -> &[u8] {
        let offset = |line: usize| if line == 0 { 0 } else { self.ends[line - 1] };
        &self.bytes[offset(range.start)..offset(range.end)]
    }

    /// Whether the first line ends with `\r\n`.
    pub(crate) fn is_crlf(&self) -> bool {
        self.len() > 0 && self.get(0).ends_with(b"\r\n")
    }

    /// Whether the last line has no line end.
    pub(crate) fn is_ragged(&self) -> bool {
        self.bytes.last().is_some_and(|byte| *byte != b'\n')
    }
}

/// Joins lines of several texts to a new text. A line without an end that gets a successor is given
/// one: two lines never become one.
#[derive(Debug)]
pub(crate) struct Joiner {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Whether a missing line end is `\r\n`.
    crlf: bool,
}

impl Joiner {
    pub(crate) fn new(crlf: bool) -> Self {
        Self {
            bytes: Vec::new(),
            ends: Vec::new(),
            crlf,
        }
    }

    pub(crate) fn push(&mut self, line: &[u8]) {
        if let (Some(last), Some(end)) = (self.bytes.last(), self.ends.last_mut())
            && *last != b'\n'
        {
            self.bytes
                .extend_from_slice(if self.crlf { b"\r\n" } else { b"\n" });
            *end = self.bytes.len();
        }
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
    }

    /// How many lines there are so far.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn finish(self) -> Lines {
        Lines {
            bytes: self.bytes.into(),
            ends: self.ends,
        }
    }
}

/// Lines of one text that stand in place of lines of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) before: Range<usize>,
    pub(crate) after: Range<usize>,
}

/// The edits that turn `before` into `after`, in order, with at least one equal line between two of them.
pub(crate) fn compare(before: &Lines, after: &Lines) -> Vec<Edit> {
    let mut input = InternedInput::default();
    input.update_before(before.slice(0..before.len()));
    input.update_after(after.slice(0..after.len()));
    let algorithm = if before.len().max(after.len()) > MAX_HISTOGRAM_LINES {
        Algorithm::Myers
    } else {
        Algorithm::Histogram
    };
    let mut diff = Diff::compute(algorithm, &input);
    diff.postprocess_lines(&input);
    let widen = |range: Range<u32>| range.start as usize..range.end as usize;
    diff.hunks()
        .map(|hunk| Edit {
            before: widen(hunk.before),
            after: widen(hunk.after),
        })
        .collect()
}

/// A line without its end.
pub(crate) fn content(line: &[u8]) -> &[u8] {
    without_return(line.strip_suffix(b"\n").unwrap_or(line))
}

pub(crate) fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
