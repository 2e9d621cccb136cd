//! Where an identifier falls apart.

use super::{
    MAX_WORD, MIN_BLOB, WHOLE,
    class::{Class, of_byte, of_char},
    stem::Stems,
};
use std::ops::Range;

/// More parts of one identifier are not given.
const MAX_PARTS: usize = 32;

/// A word that is still to be written, as bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    at: Range<usize>,
    is_whole: bool,
}

impl Part {
    pub(super) fn word(at: Range<usize>) -> Self {
        Self {
            at,
            is_whole: false,
        }
    }

    /// Writes the word over `word`.
    pub(super) fn write(&self, text: &str, stems: &mut Stems, word: &mut String) {
        word.clear();
        let text = &text[self.at.clone()];
        if self.is_whole {
            word.push(WHOLE);
        }
        if text.is_ascii() {
            word.push_str(text);
            word.make_ascii_lowercase();
            if !self.is_whole {
                stems.stem(word);
            }
        } else {
            word.extend(text.chars().flat_map(char::to_lowercase));
        }
    }
}

/// Adds the words of the run at `run`, which holds the classes `kinds`.
pub(super) fn of_run(text: &str, run: Range<usize>, kinds: u8, words: &mut Vec<Part>) {
    if kinds & Class::Dense as u8 != 0 {
        return pairs(text, run, words);
    }
    let run = without_outer_underscores(text, run);
    if kinds & Class::Digit as u8 != 0 && is_number(&text.as_bytes()[run.clone()]) {
        if run.len() < MIN_BLOB {
            words.push(Part::word(run));
        }
        return;
    }
    let mut parts = [(); MAX_PARTS].map(|()| 0..0);
    let n_parts = if kinds & Class::Other as u8 == 0 {
        let bytes = &text.as_bytes()[run.clone()];
        split(
            bytes.len(),
            |index| of_byte(bytes[index]),
            |index| run.start + index,
            &mut parts,
        )
    } else {
        let chars: Vec<(usize, Class)> = text[run.clone()]
            .char_indices()
            .map(|(at, char)| (run.start + at, of_char(char)))
            .collect();
        split(
            chars.len(),
            |index| chars[index].1,
            |index| chars.get(index).map_or(run.end, |&(at, _)| at),
            &mut parts,
        )
    };
    if run.len() >= MIN_BLOB && is_blob(&text.as_bytes()[run.clone()], kinds, n_parts) {
        return;
    }
    if n_parts > 1 && fits(text, &run) {
        words.push(Part {
            at: run.clone(),
            is_whole: true,
        });
    }
    for part in &parts[..n_parts] {
        let is_letter = part.len() == 1 && of_byte(text.as_bytes()[part.start]) != Class::Digit;
        if (is_letter && n_parts > 1) || !fits(text, part) {
            continue;
        }
        words.push(Part::word(part.clone()));
        if kinds & Class::Digit as u8 != 0 {
            let letters = text[part.clone()].trim_end_matches(|char| of_char(char) == Class::Digit);
            if letters.len() > 1 && letters.len() < part.len() {
                words.push(Part::word(part.start..part.start + letters.len()));
            }
        }
    }
}

/// Whether these are digits, perhaps grouped by `_`, perhaps with the prefix of a base.
fn is_number(run: &[u8]) -> bool {
    let (digits, is_hex) = match run {
        [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', digits @ ..] => (digits, true),
        digits => (digits, false),
    };
    digits.iter().all(|&byte| match byte {
        b'0'..=b'9' | b'_' => true,
        byte => is_hex && byte.is_ascii_hexdigit(),
    })
}

/// Lower case may take more bytes, up to three times as many.
fn fits(text: &str, at: &Range<usize>) -> bool {
    at.len() <= MAX_WORD
        && (at.len() <= MAX_WORD / 3
            || text[at.clone()].is_ascii()
            || text[at.clone()]
                .chars()
                .flat_map(char::to_lowercase)
                .map(char::len_utf8)
                .sum::<usize>()
                <= MAX_WORD)
}

fn without_outer_underscores(text: &str, run: Range<usize>) -> Range<usize> {
    let start = run.end - text[run.clone()].trim_start_matches('_').len();
    let end = start + text[start..run.end].trim_end_matches('_').len();
    start..end
}

/// Every two neighbouring letters; the letter itself when it is alone.
fn pairs(text: &str, run: Range<usize>, words: &mut Vec<Part>) {
    let ends = text[run.clone()]
        .char_indices()
        .map(|(at, char)| run.start + at + char.len_utf8());
    let mut last = [run.start; 2];
    let mut n_chars = 0;
    for end in ends {
        n_chars += 1;
        if n_chars > 1 {
            words.push(Part::word(last[0]..end));
        }
        last = [last[1], end];
    }
    if n_chars == 1 {
        words.push(Part::word(run));
    }
}

/// Finds the parts among `len` characters whose class and place in the text are told; how many there are.
/// Those that `parts` has no place for are left out.
fn split(
    len: usize,
    class: impl Fn(usize) -> Class,
    place: impl Fn(usize) -> usize,
    parts: &mut [Range<usize>; MAX_PARTS],
) -> usize {
    let mut n_parts = 0;
    let mut start = 0;
    while start < len {
        if class(start) == Class::Under {
            start += 1;
            continue;
        }
        let mut end = start + 1;
        while end < len && class(end) != Class::Under && !is_border(&class, start, end, len) {
            end += 1;
        }
        if n_parts == MAX_PARTS {
            break;
        }
        parts[n_parts] = place(start)..place(end);
        n_parts += 1;
        start = end;
    }
    n_parts
}

/// Whether a new part begins at `at`, in an identifier of `len` characters whose present part began at `start`.
fn is_border(class: impl Fn(usize) -> Class, start: usize, at: usize, len: usize) -> bool {
    let is_lower = |at: usize| at < len && class(at) == Class::Lower;
    match (class(at - 1), class(at)) {
        (Class::Lower, Class::Upper) => true,
        (Class::Digit, Class::Lower | Class::Upper) => class(start) != Class::Digit,
        // The last capital before small letters is theirs, but a lone small letter is the plural: `URLs`.
        (Class::Upper, Class::Upper) => is_lower(at + 1) && is_lower(at + 2),
        _ => false,
    }
}

/// Whether these letters and digits are a hash or encoded bytes rather than a name.
fn is_blob(run: &[u8], kinds: u8, n_parts: usize) -> bool {
    let has = |class: Class| kinds & class as u8 != 0;
    if !has(Class::Digit) {
        return false;
    }
    if run.iter().all(u8::is_ascii_hexdigit) {
        return true;
    }
    if !has(Class::Upper) || !has(Class::Lower) || has(Class::Other) {
        return false;
    }
    let is_start = |pair: &[u8]| pair[1].is_ascii_digit() && !pair[0].is_ascii_digit();
    let n_numbers = run.windows(2).filter(|pair| is_start(pair)).count();
    n_numbers >= 3 || n_parts * 3 > run.len() || n_parts == MAX_PARTS
}

/// Where the parts of an identifier without writing of the dense kind are.
#[cfg(test)]
pub(super) fn of_name(text: &str) -> Vec<Range<usize>> {
    let chars: Vec<_> = text
        .char_indices()
        .map(|(at, char)| (at, of_char(char)))
        .collect();
    let mut parts = [(); MAX_PARTS].map(|()| 0..0);
    let place = |index| chars.get(index).map_or(text.len(), |&(at, _)| at);
    let n_parts = split(chars.len(), |index| chars[index].1, place, &mut parts);
    parts[..n_parts].to_vec()
}
