//! Characters that hide or mislead: those that are not seen, those that turn the order of others, and letters of one
//! script that look like Latin ones and stand in a word with them (Unicode Technical Standard 39). Whole words of another
//! script are `twins.rs`'s.
//!
//! A hunk that holds one is decided by itself: nobody accepts what cannot be seen along with a hundred others. The
//! window marks the same characters in the lines; its table is written from here (`tests/it/disguise.rs`).

use std::ops::RangeInclusive;
use unicode_script::{Script, UnicodeScript};

/// Controls except tab and line feed, soft hyphen, zero-width and bidirectional marks, variation selectors, tags.
const HIDDEN: &[RangeInclusive<char>] = &[
    '\u{0}'..='\u{8}',
    '\u{b}'..='\u{1f}',
    '\u{7f}'..='\u{9f}',
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0e}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{e0000}'..='\u{e0fff}',
];

/// What may stand before a joiner of pictures.
const PICTURES: &[RangeInclusive<char>] = &[
    '\u{a9}'..='\u{ae}',
    '\u{203c}'..='\u{2bff}',
    '\u{3030}'..='\u{3299}',
    '\u{fe0f}'..='\u{fe0f}',
    '\u{1f000}'..='\u{1faff}',
];
const JOINER: char = '\u{200d}';

fn within(ranges: &[RangeInclusive<char>], char: char) -> bool {
    let at = ranges.partition_point(|range| *range.end() < char);
    ranges.get(at).is_some_and(|range| range.contains(&char))
}

/// Whether a line, without its end, holds a character that hides or misleads. What is no UTF-8 is judged as U+FFFD.
pub(crate) fn is_disguised(line: &[u8]) -> bool {
    if line.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        return false;
    }
    let text = String::from_utf8_lossy(line);
    let mut last = '\0';
    let hides = text.chars().any(|char| {
        let before = std::mem::replace(&mut last, char);
        within(HIDDEN, char) && !(char == JOINER && within(PICTURES, before))
    });
    hides || misleads(&text)
}

/// Whether a word has Latin letters and others that look like Latin ones.
fn misleads(text: &str) -> bool {
    text.split(|char| !is_of_word(char)).any(|word| {
        !word.is_ascii()
            && word.chars().any(is_latin)
            && word.chars().any(|char| !char.is_ascii() && is_alike(char))
    })
}

/// Letters, digits, `_`, and marks that stand on what is before them.
pub(crate) fn is_of_word(char: char) -> bool {
    char == '_'
        || char.is_alphanumeric()
        || (!char.is_ascii() && char.script() == Script::Inherited)
}

fn is_latin(char: char) -> bool {
    char.is_alphabetic() && char.script() == Script::Latin
}

/// Whether a letter of another script is drawn like a letter or digit of ASCII.
pub(crate) fn is_alike(char: char) -> bool {
    if char.is_ascii()
        || !char.is_alphabetic()
        || matches!(
            char.script(),
            Script::Latin | Script::Common | Script::Inherited
        )
    {
        return false;
    }
    let mut bytes = [0; 4];
    let mut drawn = unicode_security::skeleton(char.encode_utf8(&mut bytes)).peekable();
    drawn.peek().is_some() && drawn.all(|char| char.is_ascii_alphanumeric())
}

/// Ranges of code points in their order: the first and the last of each.
pub type CodePoints = Vec<(u32, u32)>;

/// The characters that hide, and the letters that look like Latin ones: what whoever draws the lines must mark.
pub fn disguises() -> (CodePoints, CodePoints) {
    let hidden = HIDDEN
        .iter()
        .map(|range| (u32::from(*range.start()), u32::from(*range.end())));
    let mut alike = CodePoints::new();
    for char in ('\u{80}'..=char::MAX).filter(|char| is_alike(*char)) {
        let at = u32::from(char);
        match alike.last_mut() {
            Some(last) if last.1 + 1 == at => last.1 = at,
            _ => alike.push((at, at)),
        }
    }
    (hidden.collect(), alike)
}
