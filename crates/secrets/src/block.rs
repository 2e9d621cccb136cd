//! Key blocks: what stands between `-----BEGIN … PRIVATE KEY-----` and its end.
//!
//! A block is concealed line by line, so that it has as many lines as before: numbers of lines, the signs of a diff
//! and the quotes of a string around it stay true. A block whose begin or end is cut off is taken as far as its lines
//! look like a key's.

use crate::scan::{Origin, Span};
use std::ops::Range;

/// A longer text between the two marks is no key.
const MAX_BLOCK: usize = 64 * 1024;
/// A mark is no longer than this.
const MAX_MARK: usize = 120;
/// A whole line of a key has at least so many characters.
const WHOLE_LINE: usize = 40;
/// A part of a line of a block that has both marks.
const LEAST_PART: usize = 16;

/// A key block, or what there is of it: bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBlock {
    /// From the line of its begin to its end; where the end is missing, to the last line of the key.
    pub range: Range<usize>,
}

/// The key blocks of a text that have a begin.
#[must_use]
pub fn key_blocks(text: &str) -> Vec<KeyBlock> {
    let marks = marks(text);
    let begins = marks.iter().enumerate().filter(|(_, mark)| mark.begins);
    begins
        .filter_map(|(index, mark)| {
            let parts = parts_behind(text, mark, marks.get(index + 1));
            let last = parts.last()?.end;
            let end = match marks.get(index + 1) {
                Some(end) if !end.begins => end.range.end,
                _ => last,
            };
            Some(KeyBlock {
                range: mark.range.start..end,
            })
        })
        .collect()
}

/// Adds the lines of keys.
pub(crate) fn find(text: &str, spans: &mut Vec<Span>) {
    let marks = marks(text);
    let mut add = |parts: Vec<Range<usize>>| {
        spans.extend(parts.into_iter().map(|range| Span {
            range,
            origin: Origin::Key,
        }));
    };
    for (index, mark) in marks.iter().enumerate() {
        if mark.begins {
            add(parts_behind(text, mark, marks.get(index + 1)));
            continue;
        }
        let before = index.checked_sub(1).map(|before| &marks[before]);
        if before.is_none_or(|before| !before.begins) {
            let from = before.map_or(0, |before| before.range.end);
            add(parts_before(text, from, mark.range.start));
        }
    }
}

struct Mark {
    begins: bool,
    range: Range<usize>,
}

/// The begins and ends of private keys, in order.
fn marks(text: &str) -> Vec<Mark> {
    let bytes = text.as_bytes();
    let mut marks = Vec::new();
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(&bytes[from..], b"-----").map(|at| from + at) {
        let rest = &bytes[at + 5..bytes.len().min(at + MAX_MARK)];
        from = at + 1;
        let begins = starts(rest, b"BEGIN");
        if !begins && !starts(rest, b"END") {
            continue;
        }
        let Some(end) = memchr::memmem::find(rest, b"-----") else {
            continue;
        };
        let name = String::from_utf8_lossy(&rest[..end]).to_ascii_uppercase();
        if name.ends_with("PRIVATE KEY") || name.ends_with("PRIVATE KEY BLOCK") {
            from = at + 5 + end + 5;
            marks.push(Mark {
                begins,
                range: at..from,
            });
        }
    }
    marks
}

fn starts(bytes: &[u8], word: &[u8]) -> bool {
    bytes
        .get(..word.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// The parts of a key behind a begin.
fn parts_behind(text: &str, begin: &Mark, next: Option<&Mark>) -> Vec<Range<usize>> {
    let limit = next.map_or(text.len(), |next| next.range.start);
    let start = begin.range.end;
    let is_closed = next.is_some_and(|next| !next.begins) && limit - start <= MAX_BLOCK;
    if is_closed {
        closed(text, start..limit)
    } else {
        open(
            text,
            start..text.floor_char_boundary(limit.min(start + MAX_BLOCK)),
        )
    }
}

/// The parts of a block that has its end.
fn closed(text: &str, body: Range<usize>) -> Vec<Range<usize>> {
    let lines: Vec<Vec<Range<usize>>> = lines(text, body.clone())
        .map(|line| runs(text, line))
        .collect();
    let last = lines.iter().rposition(|runs| !runs.is_empty());
    let has_whole = lines.iter().flatten().any(|run| is_whole(text, run));
    if !has_whole && !is_dense(text, body, &lines, last) {
        return Vec::new();
    }
    let mut parts = Vec::new();
    for (index, runs) in lines.into_iter().enumerate() {
        let count = runs.len();
        for (nth, run) in runs.into_iter().enumerate() {
            let is_last = nth + 1 == count;
            let take = match index {
                // The rest of the line of the begin has no number and no sign before it.
                0 => run.len() >= 2,
                _ if is_last && Some(index) == last => run.len() >= 2,
                _ if is_last => run.len() >= LEAST_PART && is_mixed(text, &run),
                _ => run.len() >= LEAST_PART && is_key_text(text, &run),
            };
            if take {
                parts.push(run);
            }
        }
    }
    parts
}

/// Whether lines of a block are a key's although none is long enough to tell: nothing else is in them.
fn is_dense(
    text: &str,
    body: Range<usize>,
    runs: &[Vec<Range<usize>>],
    last: Option<usize>,
) -> bool {
    const SIGNS_BEHIND: usize = 4;
    let mut any = false;
    for (index, (line, runs)) in lines(text, body).zip(runs).enumerate() {
        let shown = text[line.clone()].trim();
        // The head of a key, a blank line, and what closes the string of the begin.
        if shown.len() <= SIGNS_BEHIND && runs.is_empty() || shown.contains(": ") {
            continue;
        }
        let Some(run) = runs.last() else {
            return false;
        };
        let reaches_end = line.end - run.end <= SIGNS_BEHIND;
        if !reaches_end || (run.len() < 12 && Some(index) != last) {
            return false;
        }
        any |= run.len() >= 12;
    }
    any
}

/// The parts of a block whose end is missing: as long as whole lines follow each other.
fn open(text: &str, body: Range<usize>) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (index, line) in lines(text, body).enumerate() {
        let is_final = line.end == text.len();
        let runs = runs(text, line);
        if index == 0 {
            let key = runs.iter().position(|run| is_whole(text, run));
            let behind = runs.into_iter().skip(key.unwrap_or(usize::MAX));
            parts.extend(behind.filter(|run| run.len() >= 8));
            continue;
        }
        match runs.into_iter().next_back() {
            Some(run) if is_whole(text, &run) => parts.push(run),
            // The last line of a key, or one that was cut.
            Some(run) if !parts.is_empty() && (run.len() >= LEAST_PART || is_final) => {
                if is_key_text(text, &run) || is_final {
                    parts.push(run);
                }
                break;
            }
            // The head of a key has short lines and blank ones.
            _ if parts.is_empty() && index <= 6 => {}
            _ => break,
        }
    }
    parts
}

/// The parts of a block whose begin is missing.
fn parts_before(text: &str, from: usize, end: usize) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut line_end = end;
    let mut is_first = true;
    while line_end > from && end - line_end < MAX_BLOCK {
        let start = memchr::memrchr(b'\n', &text.as_bytes()[from..line_end])
            .map_or(from, |at| from + at + 1);
        let mut runs = runs(text, start..line_end);
        // The line of the mark itself has what is quoted before it.
        let of_mark = line_end == end && runs.is_empty();
        if let Some(run) = runs.pop() {
            let takes = is_whole(text, &run) || is_first && run.len() >= 2;
            if !takes {
                break;
            }
            // Several in a line: they are told apart by escapes, the key goes on before.
            parts.extend(runs.into_iter().filter(|run| is_whole(text, run)));
            parts.push(run);
            is_first = false;
        } else if !of_mark {
            break;
        }
        if start == from {
            break;
        }
        line_end = start - 1;
    }
    // A short line alone is anything.
    if parts.iter().any(|run| is_whole(text, run)) {
        parts
    } else {
        Vec::new()
    }
}

fn lines(text: &str, body: Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut from = Some(body.start);
    std::iter::from_fn(move || {
        let start = from?;
        let found = memchr::memchr(b'\n', &text.as_bytes()[start..body.end]);
        from = found.map(|at| start + at + 1);
        Some(start..found.map_or(body.end, |at| start + at))
    })
}

/// The words of a line that may be parts of a key. An escape like `\n` is between words.
fn runs(text: &str, line: Range<usize>) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut at = line.start;
    // The sign of a line of a diff is not part of it.
    if matches!(bytes.get(at), Some(b'+' | b'-')) {
        at += 1;
    }
    while at < line.end {
        let start = at;
        while at < line.end && (is_key_byte(bytes[at]) || is_escaped_slash(&bytes[at..line.end])) {
            at += 1;
        }
        if at > start {
            let run = start..at;
            // A sign alone joins strings.
            if text[run.clone()]
                .bytes()
                .any(|byte| byte.is_ascii_alphanumeric())
            {
                runs.push(run);
            }
        } else if bytes[at] == b'\\' {
            while at < line.end && bytes[at] == b'\\' {
                at += 1;
            }
            if at < line.end && matches!(bytes[at], b'n' | b'r' | b't') {
                at += 1;
            }
        } else {
            at += 1;
        }
    }
    runs
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// Some write `/` as `\/` in JSON.
fn is_escaped_slash(rest: &[u8]) -> bool {
    rest.starts_with(br"\/")
}

/// Letters of both kinds, or letters and digits.
fn is_mixed(text: &str, run: &Range<usize>) -> bool {
    kinds(text, run) >= 2
}

fn is_key_text(text: &str, run: &Range<usize>) -> bool {
    kinds(text, run) == 3
}

fn is_whole(text: &str, run: &Range<usize>) -> bool {
    run.len() >= WHOLE_LINE && is_key_text(text, run)
}

fn kinds(text: &str, run: &Range<usize>) -> usize {
    let bytes = &text.as_bytes()[run.clone()];
    let has = |kind: fn(&u8) -> bool| usize::from(bytes.iter().any(kind));
    has(u8::is_ascii_uppercase) + has(u8::is_ascii_lowercase) + has(u8::is_ascii_digit)
}
