//! Exact replacements in a text: the tool with which a model changes a few lines.
//!
//! Nothing here is fuzzy. What is to be replaced must be in the file as it was given, apart from line ends, and
//! only once. When it is not there, the error shows the nearest place and says why it differs ([`nearest`]),
//! because a wrong guess costs more than one more call.
//!
//! It reads and writes no file. Start with [`replace`].

pub(crate) mod nearest;

pub use nearest::{Nearest, Why};

use crate::text::{self, Line, LineEnding, TextFile};
use std::{borrow::Cow, ops::Range};

/// How many places an error names.
const MAX_LINES: usize = 10;

/// Replaces `old`, which must be in the text, by `new`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replacement {
    /// The text to be found. A line end matches any line end of the file.
    pub old: String,
    /// What stands there afterwards. Its line ends become those of the lines around it.
    pub new: String,
    /// Replaces every place, from the top; else `old` must be unique.
    pub all: bool,
}

/// Why a list of replacements was not applied. `index` is the place in the list, counted from 0.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EditError {
    /// The list is empty.
    #[error("there is no edit to apply")]
    NoEdits,
    /// `old` is empty.
    #[error("edit {}: `old` is empty; give the text to be replaced, or write the whole file with write_file", .index + 1)]
    Empty {
        /// Which edit.
        index: usize,
    },
    /// `old` and `new` are the same.
    #[error("edit {}: `old` and `new` are the same, so nothing would change", .index + 1)]
    Same {
        /// Which edit.
        index: usize,
    },
    /// `old` is not in the text.
    #[error("edit {}: `old` is not in the file{}", .index + 1, nearest::told(.nearest.as_ref()))]
    NotFound {
        /// Which edit.
        index: usize,
        /// The place that nearly matches.
        nearest: Option<Nearest>,
    },
    /// `old` is in the text more than once.
    #[error(
        "edit {}: `old` is in the file {count} times, on {}; add lines around it until it is unique, or set `all`",
        .index + 1, named_lines(.lines, *.count)
    )]
    NotUnique {
        /// Which edit.
        index: usize,
        /// How often it is there.
        count: usize,
        /// The lines where the first 10 start, counted from 1.
        lines: Vec<u32>,
    },
}

/// Applies `edits` in order, each to the result of the last, and gives the new text. All or nothing.
///
/// A line end in `old` matches any line end of the file. Lines that an edit leaves keep their line ends; new lines
/// take those of the lines around them. When `old` and `new` differ in nothing but line ends, both are taken
/// literally, so that line ends can be changed too.
pub fn replace(file: &TextFile, edits: &[Replacement]) -> Result<String, EditError> {
    if edits.is_empty() {
        return Err(EditError::NoEdits);
    }
    let mut text = file.text.clone();
    for (index, edit) in edits.iter().enumerate() {
        text = apply(&text, edit, index)?;
    }
    Ok(text)
}

fn apply(text: &str, edit: &Replacement, index: usize) -> Result<String, EditError> {
    if edit.old.is_empty() {
        return Err(EditError::Empty { index });
    }
    if edit.old == edit.new {
        return Err(EditError::Same { index });
    }
    let unix = Unix::of(text);
    let (old, new) = (Unix::of(&edit.old).text, Unix::of(&edit.new).text);
    if old == new {
        // Only line ends are to change: then they are what is looked for.
        let Some(places) = find(text, &edit.old, edit.all, index)? else {
            return Err(EditError::Same { index });
        };
        return Ok(splice(
            text,
            places.map(|at| at..at + edit.old.len()),
            |_| edit.new.clone(),
        ));
    }
    let Some(places) = find(&unix.text, &old, edit.all, index)? else {
        let nearest = nearest::find(&unix.text, &old, &new);
        return Err(EditError::NotFound { index, nearest });
    };
    let ranges = places.map(|at| unix.offset(at)..unix.offset(at + old.len()));
    Ok(splice(text, ranges, |range| {
        with_line_ends(text, range, &new)
    }))
}

/// Where `old` starts in `text`, from the top; None when it is not there, an error when it must be unique and is not.
fn find<'a>(
    text: &'a str,
    old: &'a str,
    all: bool,
    index: usize,
) -> Result<Option<impl Iterator<Item = usize> + 'a>, EditError> {
    let Some(first) = text.find(old) else {
        return Ok(None);
    };
    let step = text[first..].chars().next().map_or(1, char::len_utf8);
    if !all && let Some(second) = text[first + step..].find(old) {
        let mut places: Vec<usize> = text.match_indices(old).map(|(at, _)| at).collect();
        if places.len() == 1 {
            // The second place overlaps the first.
            places.push(first + step + second);
        }
        let mut lines: Vec<u32> = places
            .iter()
            .take(MAX_LINES)
            .map(|&at| text::line_number(text, at))
            .collect();
        lines.dedup();
        return Err(EditError::NotUnique {
            index,
            count: places.len(),
            lines,
        });
    }
    Ok(Some(
        text.match_indices(old)
            .map(|(at, _)| at)
            .take(if all { usize::MAX } else { 1 }),
    ))
}

fn splice(
    text: &str,
    ranges: impl Iterator<Item = Range<usize>>,
    mut new: impl FnMut(Range<usize>) -> String,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for range in ranges {
        out.push_str(&text[end..range.start]);
        end = range.end;
        out.push_str(&new(range));
    }
    out.push_str(&text[end..]);
    out
}

/// `new`, whose line ends are `\n`, with the line ends it gets in place of `range` of `text`.
fn with_line_ends(text: &str, range: Range<usize>, new: &str) -> String {
    if !new.contains('\n') {
        return new.to_owned();
    }
    let near = text::first_ending(&text[range.start..])
        .or_else(|| text::last_ending(&text[..range.start]))
        .unwrap_or(LineEnding::Lf)
        .as_str();
    let before: Vec<Line<'_>> = text::lines(&text[range]).collect();
    if before
        .iter()
        .all(|line| line.ending.is_empty() || line.ending == near)
    {
        return new.replace('\n', near);
    }
    // Mixed line ends: a line that stays keeps its own, and a line in place of another takes over that one's.
    let after: Vec<Line<'_>> = text::lines(new).collect();
    let old_bodies: Vec<&str> = before.iter().map(|line| line.body).collect();
    let new_bodies: Vec<&str> = after.iter().map(|line| line.body).collect();
    let mut out = String::with_capacity(new.len() + after.len());
    let mut last = near;
    for op in similar::capture_diff_slices(similar::Algorithm::Myers, &old_bodies, &new_bodies) {
        let (old, new) = (op.old_range(), op.new_range());
        for (nth, line) in after[new].iter().enumerate() {
            out.push_str(line.body);
            if !line.ending.is_empty() {
                let taken = before[old.clone()].get(nth).map_or("", |line| line.ending);
                last = if taken.is_empty() { last } else { taken };
                out.push_str(last);
            }
        }
    }
    out
}

/// A text with `\n` for every line end, and the way back to the places of the original.
struct Unix<'a> {
    text: Cow<'a, str>,
    /// Where in `text` a `\n` stands for `\r\n`.
    shortened: Vec<usize>,
}

impl<'a> Unix<'a> {
    fn of(original: &'a str) -> Self {
        if !original.contains('\r') {
            return Unix {
                text: Cow::Borrowed(original),
                shortened: Vec::new(),
            };
        }
        let mut text = String::with_capacity(original.len());
        let mut shortened = Vec::new();
        for line in text::lines(original) {
            text.push_str(line.body);
            if line.ending == "\r\n" {
                shortened.push(text.len());
            }
            text.push_str(if line.ending.is_empty() { "" } else { "\n" });
        }
        Unix {
            text: Cow::Owned(text),
            shortened,
        }
    }

    /// The place in the original of the place `at` in `text`.
    fn offset(&self, at: usize) -> usize {
        at + self.shortened.partition_point(|&place| place < at)
    }
}

fn named_lines(lines: &[u32], count: usize) -> String {
    let names: Vec<String> = lines.iter().map(u32::to_string).collect();
    let more = if count > MAX_LINES { " and more" } else { "" };
    format!(
        "line{} {}{more}",
        if names.len() == 1 { "" } else { "s" },
        names.join(", ")
    )
}
