//! Lines of a text that hold words of a question.
//!
//! Most of a text holds none of them, so that taking it apart would be a waste: a matcher looks for how the words begin.
//! What it finds is nearly always the word; [`Finder::look`] takes a line apart to be sure.

use crate::{
    matcher::LineMatcher,
    words::{Asked, WHOLE, WordTokenizer},
};
use grep_matcher::Matcher;
use std::ops::Range;
use tantivy::tokenizer::{TokenStream, Tokenizer};

/// More words of one question are not looked for, nor words that have more parts together.
const MAX_ITEMS: usize = 32;
const MAX_ALL_PARTS: usize = 64;

/// What a part of a word counts where the word is not whole.
const APART: f32 = 0.4;

/// More parts of one word are not looked for.
pub(super) const MAX_PARTS: usize = 12;

/// Longer lines are not looked at beyond this, in bytes.
const MAX_LINE: usize = 4 << 10;

/// One word of a question.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The identifier in lower case.
    pub(super) name: String,
    pub(super) parts: Vec<String>,
    /// How often it is asked for.
    pub(super) times: u32,
    /// How much finding it counts.
    pub(super) weight: f32,
}

/// A line that may hold words of the question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: u32,
    /// As bytes of the text, without its end.
    pub(super) range: Range<usize>,
    /// Which parts of words it may hold; see [`Finder::weight`].
    pub(super) parts: u64,
}

/// Looks for the words of one question.
#[derive(Clone)]
pub(super) struct Finder {
    pub(super) items: Vec<Item>,
    /// How parts begin, in lower case, and which they are the beginning of.
    beginnings: Vec<(String, u64)>,
    /// For texts in small letters: what must not heed the size of letters looks at far more places.
    matcher: Option<LineMatcher>,
    tokenizer: WordTokenizer,
}

impl Item {
    pub(super) fn new(asked: Asked) -> Self {
        let Asked {
            whole,
            mut parts,
            times,
        } = asked;
        parts.truncate(MAX_PARTS);
        Self {
            name: whole.trim_start_matches(WHOLE).to_owned(),
            parts,
            times,
            weight: 1.0,
        }
    }

    /// How many parts there are; a word without parts is one.
    fn len(&self) -> usize {
        self.parts.len().max(1)
    }

    /// One bit for each part.
    pub(super) fn all(&self) -> u32 {
        (1 << self.len()) - 1
    }

    /// The bits that a word of the index stands for.
    pub(super) fn bits(&self, word: &str) -> u32 {
        if word.strip_prefix(WHOLE) == Some(self.name.as_str()) || word == self.name {
            return self.all();
        }
        match self.parts.iter().position(|part| part == word) {
            Some(part) => 1 << part,
            None => 0,
        }
    }
}

impl Finder {
    pub(super) fn new(mut items: Vec<Item>) -> Self {
        let mut parts = 0;
        items.retain(|item| {
            parts += item.len();
            parts <= MAX_ALL_PARTS
        });
        items.truncate(MAX_ITEMS);
        let mut beginnings: Vec<(String, u64)> = Vec::new();
        let mut part = 0;
        for item in &items {
            // The whole name is all its parts, also where it is written so that it falls apart elsewhere.
            let name = (item.name.as_str(), u64::from(item.all()) << part);
            let apart = item.parts.iter().zip(part..);
            let apart = apart.map(|(word, part)| (beginning(word), 1 << part));
            for (word, bits) in apart.chain([name]) {
                match beginnings.iter_mut().find(|(known, _)| known == word) {
                    Some((_, parts)) => *parts |= bits,
                    None => beginnings.push((word.to_owned(), bits)),
                }
            }
            part += item.len();
        }
        let words = beginnings.iter().map(|(word, _)| word.as_str());
        let all_ascii = words.clone().all(str::is_ascii);
        let matcher = LineMatcher::any_of(words, !all_ascii);
        Self {
            // Escaped text is an expression; one that is too large finds nothing.
            matcher: matcher.ok().filter(|_| !beginnings.is_empty()),
            items,
            beginnings,
            tokenizer: WordTokenizer::default(),
        }
    }

    /// The first lines of a text that may hold a word, at most `limit`.
    pub(super) fn lines(&self, text: &str, limit: usize) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        let small = text.to_ascii_lowercase();
        let (mut at, mut counted, mut number) = (0, 0, 1);
        while let Some((found, parts)) = self.next(text, &small, at) {
            at = after(text, &found);
            if let Some(last) = lines.last_mut()
                && found.start < last.range.end
            {
                last.parts |= parts;
                continue;
            }
            if lines.len() == limit {
                break;
            }
            let start = text[..found.start].rfind('\n').map_or(0, |end| end + 1);
            let end = text[found.start..]
                .find('\n')
                .map_or(text.len(), |end| found.start + end);
            let passed = text.as_bytes()[counted..start].iter();
            number += passed.filter(|&&byte| byte == b'\n').count() as u32;
            counted = start;
            lines.push(Line {
                number,
                range: start..end,
                parts,
            });
        }
        lines
    }

    /// Whether a text holds a word.
    pub(super) fn is_in(&mut self, text: &str) -> bool {
        let small = text.to_ascii_lowercase();
        let mut at = 0;
        while let Some((found, _)) = self.next(text, &small, at) {
            let start = text[..found.start].rfind('\n').map_or(0, |end| end + 1);
            let end = text[found.start..]
                .find('\n')
                .map_or(text.len(), |end| found.start + end);
            if self.look(&text[start..end]).0 != 0 {
                return true;
            }
            at = end;
        }
        false
    }

    /// Which parts of words a name may hold.
    pub(super) fn guess(&self, name: &str) -> u64 {
        let small = name.to_ascii_lowercase();
        let (mut at, mut parts) = (0, 0);
        while let Some((found, more)) = self.next(name, &small, at) {
            parts |= more;
            at = after(name, &found);
        }
        parts
    }

    /// All parts of all words.
    pub(super) fn all(&self) -> u64 {
        let parts: usize = self.items.iter().map(Item::len).sum();
        u64::MAX
            .checked_shr(u64::BITS - parts as u32)
            .unwrap_or_default()
    }

    /// The next place where a part seems to begin, and which parts those may be. `small` is the text in ASCII's small
    /// letters.
    fn next(&self, text: &str, small: &str, mut at: usize) -> Option<(Range<usize>, u64)> {
        let matcher = self.matcher.as_ref()?;
        loop {
            let found = matcher.find_at(small.as_bytes(), at).ok()??;
            if is_start(text, found.start()) {
                let found = found.start()..found.end();
                // The longest of several is the one whose place this is, but the others begin here as well.
                let parts = self.beginnings.iter().filter(|(word, _)| {
                    small.as_bytes()[found.start..].starts_with(word.as_bytes())
                });
                let parts = parts.fold(0, |all, (_, parts)| all | parts);
                // Beyond ASCII lower case may have another length.
                return Some((found, if parts == 0 { self.all() } else { parts }));
            }
            at = after(text, &(found.start()..found.end()));
        }
    }

    /// Which parts of words a line holds, and how many words that are neighbours in the question are so here, in their
    /// order.
    pub(super) fn look(&mut self, line: &str) -> (u64, u32) {
        let line = &line[..line.floor_char_boundary(MAX_LINE)];
        let (mut found, mut pairs) = (0, 0);
        let mut before: Option<(usize, usize)> = None;
        let mut tokens = self.tokenizer.token_stream(line);
        let mut held = [0; MAX_ITEMS];
        while tokens.advance() {
            let token = tokens.token();
            let mut shift = 0;
            for (number, item) in self.items.iter().enumerate() {
                let bits = item.bits(&token.text);
                found |= u64::from(bits) << shift;
                shift += item.len();
                held[number] |= bits;
                if bits == 0 || held[number] != item.all() {
                    continue;
                }
                if before.is_some_and(|(last, at)| last + 1 == number && at + 2 >= token.position) {
                    pairs += 1;
                }
                if before.is_none_or(|(last, _)| last != number) {
                    before = Some((number, token.position));
                }
            }
        }
        (found, pairs)
    }

    /// Which parts of words a name holds, and how much of the name they are, from 0 to 1.
    pub(super) fn look_at_name(&mut self, name: &str) -> (u64, f32) {
        let (mut found, mut own, mut all) = (0, 0.0_f32, 0.0_f32);
        let mut tokens = self.tokenizer.token_stream(name);
        while tokens.advance() {
            let text = &tokens.token().text;
            let (mut shift, mut bits) = (0, 0);
            for item in &self.items {
                bits |= u64::from(item.bits(text)) << shift;
                shift += item.len();
            }
            found |= bits;
            if !text.starts_with(WHOLE) {
                all += 1.0;
                own += if bits == 0 { 0.0 } else { 1.0 };
            }
        }
        (found, own / all.max(1.0))
    }

    /// The bytes of a line that hold words of the question, in order and apart.
    pub(super) fn marks(&mut self, line: &str) -> Vec<Range<usize>> {
        let mut marks: Vec<Range<usize>> = Vec::new();
        let end = line.floor_char_boundary(MAX_LINE);
        let line = &line[..end];
        let mut tokens = self.tokenizer.token_stream(line);
        while tokens.advance() {
            let token = tokens.token();
            let range = token.offset_from..token.offset_to;
            if marks.last() != Some(&range)
                && self.items.iter().any(|item| item.bits(&token.text) != 0)
            {
                marks.push(range);
            }
        }
        marks
    }

    /// The weight of a set of parts, the lowest bits for those of the first word: a word counts whole when all of its
    /// parts are there.
    pub(super) fn weight(&self, parts: u64) -> f32 {
        let mut rest = parts;
        let mut weight = 0.0;
        for item in &self.items {
            let all = u64::from(item.all());
            let held = (rest & all).count_ones() as f32;
            rest = rest.checked_shr(item.len() as u32).unwrap_or_default();
            let len = item.len() as f32;
            weight += item.weight * if held == len { 1.0 } else { APART * held / len };
        }
        weight
    }
}

/// Where to look on: another part may begin within the one that was found, as `try` does in `roundTry`.
fn after(text: &str, found: &Range<usize>) -> usize {
    text.ceil_char_boundary(found.start + 1)
}

/// Whether a part of an identifier may begin at a byte: not within small letters.
fn is_start(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    match at.checked_sub(1).and_then(|before| bytes.get(before)) {
        Some(before) if before.is_ascii_lowercase() => {
            bytes.get(at).is_some_and(|here| !here.is_ascii_lowercase())
        }
        // In capitals a part ends where small letters follow.
        Some(before) if before.is_ascii_uppercase() => {
            bytes.get(at).is_some_and(|here| !here.is_ascii_lowercase())
                && !is_letter(bytes.get(at + 1).filter(|next| next.is_ascii_uppercase()))
                || bytes
                    .get(at)
                    .is_some_and(|here| !here.is_ascii_alphabetic())
        }
        _ => true,
    }
}

/// What all words of this stem begin with, nearly all: `retri` is of `retry`, and `hope` of `hoping`.
fn beginning(stem: &str) -> &str {
    let short = stem.strip_suffix(['i', 'e']).unwrap_or(stem);
    if short.len() >= 2 && stem.is_ascii() {
        short
    } else {
        stem
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words;
    use proptest::prelude::*;

    fn finder(question: &str) -> Finder {
        Finder::new(
            words::question(question)
                .into_iter()
                .map(Item::new)
                .collect(),
        )
    }

    #[rstest::rstest]
    #[case("retry timeout", "a\nretries\n\n// Timeout of retrying\n", "2:1 4:11")]
    #[case(
        "refunds rounded",
        "fn round_refund() {}\nrefund rounding\nground",
        "1:11 2:11"
    )]
    #[case("HttpServer x", "http\nserver\nhttpServer x\n", "1:1 2:10 3:111")]
    #[case("a.b", "x", "")]
    #[case("日本語", "これは日本\n", "1:1")]
    #[case("x", "xy\nx", "2:1")]
    #[case("try roundtry", "roundTries", "1:1")]
    #[case("HTTPround", "Httpround", "1:11")]
    fn lines_that_hold_words(#[case] question: &str, #[case] text: &str, #[case] expected: &str) {
        let mut finder = finder(question);
        let lines = finder.lines(text, 99).into_iter().filter_map(|line| {
            let (parts, _) = finder.look(&text[line.range.clone()]);
            assert_eq!(line.parts & parts, parts, "what is there is seen: {line:?}");
            (parts != 0).then(|| format!("{}:{parts:b}", line.number))
        });
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines.join(" "), expected);
    }

    #[test]
    fn marks_are_the_words() {
        let line = "let x = refundTable.round(refunds);";
        let mut finder = finder("where are refunds rounded");
        let marked: Vec<_> = finder
            .marks(line)
            .into_iter()
            .map(|mark| &line[mark])
            .collect();
        assert_eq!(marked, ["refundTable", "round", "refunds"]);
    }

    fn identifiers() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec![
            "http", "HTTP", "Http", "round", "Rounded", "rounding", "try", "Tries", "TRIED",
            "hope", "Hoping", "x", "2", "sha256", "_", "__", "URLs", "retry", "ä", "Über", "io",
            "IO",
        ]);
        prop::collection::vec(part, 1..4).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn a_guess_never_misses(question in prop::collection::vec(identifiers(), 1..4), text in prop::collection::vec(identifiers(), 0..6)) {
            let mut finder = finder(&question.join(" "));
            for name in &text {
                let (items, _) = finder.look(name);
                prop_assert_eq!(finder.guess(name) & items, items, "{} in {}", question.join(" "), name);
            }
            let text = text.join("\n");
            let is_in = finder.look(&text).0 != 0;
            prop_assert_eq!(finder.is_in(&text), is_in);
        }
    }
}
