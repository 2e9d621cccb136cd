//! Words that are written wholly in another script and look like a Latin word of the same file: `сору` beside `copy`
//! (Unicode Technical Standard 39, whole-script confusables).
//!
//! Whoever writes in that script must not be held up by it. So nothing is told of a word in quotes, in a line that is a
//! comment, among words of its script that look like no Latin ones, or of one letter, which is often a word by itself
//! (`а`, `о`, `с`); nor of any word that the file has no Latin one for.

use crate::{
    FileReview,
    disguise::{is_alike, is_of_word},
    file::Kind,
    lines::{Lines, content},
};
use kerf_protocol::review::Twin;
use std::{
    cell::OnceCell,
    collections::{HashMap, HashSet},
    ops::Range,
};
use unicode_script::{Script, UnicodeScript};

/// Fewer letters are no name that is worth to be copied; more bytes are none at all.
const LETTERS: usize = 2;
const MAX_WORD: usize = 200;
/// What a line begins with that is a comment to its end.
const COMMENTS: [&str; 3] = ["//", "# ", "-- "];

/// The Latin words of a file, before and as proposed, by what they look like. They are read when a word first needs it.
pub(crate) struct Twins<'a> {
    texts: Option<[&'a Lines; 2]>,
    latin: OnceCell<HashMap<String, &'a str>>,
}

impl FileReview {
    pub(crate) fn twins(&self) -> Twins<'_> {
        let texts = match &self.kind {
            Kind::Lined(lined) => Some([&lined.lines.old, &lined.lines.new]),
            Kind::Same | Kind::Whole { .. } => None,
        };
        Twins {
            texts,
            latin: OnceCell::new(),
        }
    }
}

impl<'a> Twins<'a> {
    /// The first word of some lines that looks like a Latin one of the file.
    pub(crate) fn first<'l>(&self, lines: impl Iterator<Item = &'l [u8]>) -> Option<Twin> {
        let strange = lines.map(content).filter(|line| !line.is_ascii());
        strange
            .filter_map(|line| std::str::from_utf8(line).ok())
            .find_map(|line| self.in_line(line))
    }

    fn in_line(&self, line: &str) -> Option<Twin> {
        let begin = line.trim_start();
        if COMMENTS.iter().any(|comment| begin.starts_with(comment)) {
            return None;
        }
        words(line).find_map(|at| {
            let word = &line[at.clone()];
            if !is_of_twins(word) || is_quoted(line, &at) || is_among_its_own(line, &at) {
                return None;
            }
            let drawn: String = unicode_security::skeleton(word).collect();
            let like = self.latin().get(&drawn)?;
            Some(Twin {
                word: word.to_owned(),
                like: (*like).to_owned(),
            })
        })
    }

    fn latin(&self) -> &HashMap<String, &'a str> {
        self.latin.get_or_init(|| {
            let texts = self.texts.iter().flatten();
            let all = texts.flat_map(|text| {
                let bytes: &'a [u8] = text.bytes();
                bytes.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
            });
            // Each once: a text has far fewer words than places where they stand.
            let words: HashSet<&[u8]> = all
                .filter(|word| (LETTERS..=MAX_WORD).contains(&word.len()))
                .collect();
            let words = words.into_iter().filter_map(|word| {
                let word = std::str::from_utf8(word).ok()?;
                let drawn = unicode_security::skeleton(word).collect();
                word.contains(|char: char| char.is_ascii_alphabetic())
                    .then_some((drawn, word))
            });
            let mut latin: HashMap<String, &str> = HashMap::new();
            for (drawn, word) in words {
                // `l0g` and `log` look alike themselves; what is told must not depend on chance.
                let known = latin.entry(drawn).or_insert(word);
                *known = word.min(*known);
            }
            latin
        })
    }
}

/// Where the words of a line are, in bytes.
fn words(line: &str) -> impl Iterator<Item = Range<usize>> {
    line.split(|char: char| !is_of_word(char))
        .filter_map(move |word| {
            // They are parts of the line itself.
            let start = word.as_ptr() as usize - line.as_ptr() as usize;
            (!word.is_empty()).then_some(start..start + word.len())
        })
}

/// Whether a word has letters of another script alone, each of which looks like a Latin one.
fn is_of_twins(word: &str) -> bool {
    let plain = |char: char| char == '_' || char.is_ascii_digit();
    word.len() <= MAX_WORD
        && word.chars().all(|char| plain(char) || is_alike(char))
        && word.chars().filter(|char| !plain(*char)).count() >= LETTERS
}

/// Whether a word is all that stands between two quotes of one kind.
fn is_quoted(line: &str, at: &Range<usize>) -> bool {
    let before = line[..at.start].chars().next_back();
    let after = line[at.end..].chars().next();
    before == after && matches!(before, Some('"' | '\'' | '`'))
}

/// Whether a word stands, with nothing but spaces between, among words of its script that cannot be taken for Latin.
fn is_among_its_own(line: &str, at: &Range<usize>) -> bool {
    let goes_on = |char: &char| *char == ' ' || (is_of_word(*char) && !char.is_ascii_alphabetic());
    let script = line[at.clone()]
        .chars()
        .map(|char| char.script())
        .find(|script| *script != Script::Common);
    let before = line[..at.start].chars().rev().take_while(goes_on);
    let mut around = before.chain(line[at.end..].chars().take_while(goes_on));
    around.any(|char| char.is_alphabetic() && Some(char.script()) == script && !is_alike(char))
}
