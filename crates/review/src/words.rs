//! Which words of a changed line differ.

use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::ops::Range;

/// Lines with more words than this are compared at their start and end only.
const MAX_WORDS: usize = 500;

/// The parts of two lines that differ, as byte ranges on character boundaries, in order and apart
/// from each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WordMarks {
    /// In the old line.
    pub old: Vec<Range<usize>>,
    /// In the new line.
    pub new: Vec<Range<usize>>,
}

/// Marks what differs between a removed line and the added line that replaces it, in whole words.
/// The work is bounded: in very long lines everything between the first and the last difference is
/// marked.
pub fn word_marks(old_line: &str, new_line: &str) -> WordMarks {
    let (old, new) = (words(old_line), words(new_line));
    let start = old
        .iter()
        .zip(&new)
        .take_while(|(old, new)| old == new)
        .count();
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let end = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(old, new)| old == new)
        .count();
    let (old_rest, new_rest) = (
        &old_rest[..old_rest.len() - end],
        &new_rest[..new_rest.len() - end],
    );

    let skipped: usize = old[..start].iter().map(|word| word.len()).sum();
    let mut marks = WordMarks::default();
    let (mut at_old, mut at_new) = (skipped, skipped);
    let mut step = |old: &[&str], new: &[&str], equal: bool| {
        mark(&mut marks.old, &mut at_old, old, equal);
        mark(&mut marks.new, &mut at_new, new, equal);
    };
    if old_rest.len().max(new_rest.len()) > MAX_WORDS {
        step(old_rest, new_rest, false);
        return marks;
    }
    for op in capture_diff_slices(Algorithm::Myers, old_rest, new_rest) {
        let equal = matches!(op, DiffOp::Equal { .. });
        step(&old_rest[op.old_range()], &new_rest[op.new_range()], equal);
    }
    marks
}

fn mark(marks: &mut Vec<Range<usize>>, at: &mut usize, words: &[&str], equal: bool) {
    let start = *at;
    *at += words.iter().map(|word| word.len()).sum::<usize>();
    match marks.last_mut() {
        _ if equal || start == *at => {}
        Some(last) if last.end == start => last.end = *at,
        _ => marks.push(start..*at),
    }
}

/// Cuts a line into words, runs of blanks, and single other characters.
fn words(line: &str) -> Vec<&str> {
    #[derive(PartialEq, Clone, Copy)]
    enum Class {
        Word,
        Blank,
        Other,
    }
    let class = |c: char| match c {
        '_' => Class::Word,
        c if c.is_alphanumeric() => Class::Word,
        c if c.is_whitespace() => Class::Blank,
        _ => Class::Other,
    };
    let mut words = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (at, c) in line.char_indices() {
        let class = class(c);
        if last.is_some_and(|last| last != class || class == Class::Other) {
            words.push(&line[start..at]);
            start = at;
        }
        last = Some(class);
    }
    if start < line.len() {
        words.push(&line[start..]);
    }
    words
}
