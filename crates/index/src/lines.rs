//! Collects the matching lines of one file and the lines around them.

use crate::{Found, GrepQuery, cut, matcher::LineMatcher};
use grep_matcher::Matcher;
use grep_searcher::{Searcher, Sink, SinkContext, SinkMatch};
use kerf_workspace::RelPath;
use std::{
    collections::VecDeque,
    io,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

/// How far a pattern may look beyond the lines of its match, in bytes.
const LOOK_AHEAD: usize = 128;

/// What the searcher of one file tells.
pub(crate) struct Lines<'a> {
    path: &'a RelPath,
    matcher: &'a LineMatcher,
    query: &'a GrepQuery,
    /// How many matches are kept; the others are counted.
    room: usize,
    cancel: &'a AtomicBool,
    pub(crate) found: Vec<Found>,
    pub(crate) count: usize,
    /// The last lines seen, each with its number: what the next match has before it.
    recent: VecDeque<(u64, String)>,
    /// Matches that still want lines after them: place in `found`, last line of the match.
    open: VecDeque<(usize, u64)>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(
        path: &'a RelPath,
        matcher: &'a LineMatcher,
        query: &'a GrepQuery,
        room: usize,
        cancel: &'a AtomicBool,
    ) -> Self {
        let (found, recent, open) = Default::default();
        Self {
            path,
            matcher,
            query,
            room,
            cancel,
            found,
            count: 0,
            recent,
            open,
        }
    }

    /// A line that somebody may want around a match.
    fn pass(&mut self, number: u64, line: &[u8]) {
        let context = self.query.context;
        if context == 0 {
            return;
        }
        while self
            .open
            .front()
            .is_some_and(|&(_, last)| last + (context as u64) < number)
        {
            self.open.pop_front();
        }
        if self.open.is_empty() && self.found.len() == self.room {
            return;
        }
        let shown = cut::line(&String::from_utf8_lossy(without_end(line)), 0);
        for &(index, last) in self.open.iter().filter(|&&(_, last)| last < number) {
            debug_assert!(number <= last + context as u64, "older ones are gone");
            self.found[index].after.push(shown.clone());
        }
        self.recent.push_back((number, shown));
        if self.recent.len() > context {
            self.recent.pop_front();
        }
    }

    /// A match in `text`, which is its first line up to its last one.
    fn keep(&mut self, first: u64, text: &[u8], start: usize) {
        self.count += 1;
        if self.found.len() == self.room {
            return;
        }
        let text = without_end(text);
        let before_match = String::from_utf8_lossy(&text[..start.min(text.len())]);
        let column = before_match.chars().count() + 1;
        let start = before_match.len();
        let context = self.query.context as u64;
        let before = self
            .recent
            .iter()
            .filter(|(number, _)| number + context >= first)
            .map(|(_, line)| line.clone());
        self.found.push(Found {
            path: self.path.clone(),
            line: u32::try_from(first).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            text: cut::line(&String::from_utf8_lossy(text), start),
            before: before.collect(),
            after: Vec::new(),
        });
        if context > 0 {
            self.open
                .push_back((self.found.len() - 1, first + count_ends(text)));
        }
    }

    /// The matches of a block of lines: each begins on a line of its own, after the last one's lines.
    fn keep_all(&mut self, mut number: u64, buffer: &[u8], block: Range<usize>) {
        // As far as the pattern may look. What it finds there belongs to the next block.
        let reach = &buffer[..buffer.len().min(block.end + LOOK_AHEAD)];
        let mut line = block.start;
        let mut seen = block.start;
        while line < block.end {
            let found = self
                .matcher
                .find_at(reach, seen)
                .ok()
                .flatten()
                .filter(|found| found.start() < block.end);
            let (from, to) = match found {
                Some(found) => (found.start(), found.end()),
                // The searcher knows better; the block's first line is where it is.
                None if line == block.start => (line, line),
                None => break,
            };
            let first = line_start(buffer, line, from);
            let end = line_end(buffer, from.max(to.saturating_sub(1))).min(block.end);
            for passed in buffer[line..first].split_inclusive(|&byte| byte == b'\n') {
                self.pass(number, passed);
                number += 1;
            }
            self.keep(number, &buffer[first..end], from - first);
            for own in buffer[first..end].split_inclusive(|&byte| byte == b'\n') {
                self.pass(number, own);
                number += 1;
            }
            (line, seen) = (end, end);
        }
        for passed in buffer[line..block.end].split_inclusive(|&byte| byte == b'\n') {
            self.pass(number, passed);
            number += 1;
        }
    }
}

impl Sink for Lines<'_> {
    type Error = io::Error;

    fn matched(&mut self, _searcher: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        let number = found.line_number().unwrap_or(1);
        if self.query.multi_line {
            self.keep_all(number, found.buffer(), found.bytes_range_in_buffer());
        } else {
            let line = found.bytes();
            let start = self
                .matcher
                .find(without_newline(line))
                .ok()
                .flatten()
                .map_or(0, |found| found.start());
            self.keep(number, line, start);
            self.pass(number, line);
        }
        Ok(!self.cancel.load(Ordering::Relaxed))
    }

    fn context(&mut self, _searcher: &Searcher, line: &SinkContext<'_>) -> io::Result<bool> {
        self.pass(line.line_number().unwrap_or(1), line.bytes());
        Ok(true)
    }
}

fn without_newline(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = without_newline(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn count_ends(text: &[u8]) -> u64 {
    text.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// Where the line of `at` begins; not before `first`.
fn line_start(buffer: &[u8], first: usize, at: usize) -> usize {
    buffer[first..at]
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(first, |end| first + end + 1)
}

/// Where the line of `at` ends, its line end included.
fn line_end(buffer: &[u8], at: usize) -> usize {
    buffer[at..]
        .iter()
        .position(|&byte| byte == b'\n')
        .map_or(buffer.len(), |end| at + end + 1)
}
