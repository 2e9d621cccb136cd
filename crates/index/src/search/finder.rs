//! Lines of a text that hold words of a question.
//!
//! Most of a text holds none of them, so that taking it apart would be a waste: a matcher looks for how the words begin,
//! and only the lines where it finds something are taken apart.

use crate::words::{Asked, WHOLE, WordTokenizer};
use grep_matcher::Matcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use std::ops::Range;
use tantivy::tokenizer::{TokenStream, Tokenizer};

/// More words of one question are not looked for.
pub(super) const MAX_ITEMS: usize = 32;

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
    /// How much finding it counts.
    pub(super) weight: f32,
}

/// A line that holds words of the question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: u32,
    /// As bytes of the text, without its end.
    pub(super) range: Range<usize>,
    /// Which words it holds, one bit each.
    pub(super) items: u32,
    /// How many neighbouring words of the question are neighbours here, in their order.
    pub(super) pairs: u32,
}

/// Looks for the words of one question.
pub(super) struct Finder {
    pub(super) items: Vec<Item>,
    matcher: Option<RegexMatcher>,
    tokenizer: WordTokenizer,
}

impl Item {
    pub(super) fn new(asked: Asked) -> Self {
        let Asked { whole, mut parts } = asked;
        parts.truncate(MAX_PARTS);
        Self {
            name: whole.trim_start_matches(WHOLE).to_owned(),
            parts,
            weight: 1.0,
        }
    }

    /// One bit for each part; for a word without parts, one for the whole.
    pub(super) fn all(&self) -> u32 {
        (1 << self.parts.len().max(1)) - 1
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
        items.truncate(MAX_ITEMS);
        let mut beginnings: Vec<String> = items
            .iter()
            .flat_map(|item| {
                let name = item.parts.is_empty().then_some(item.name.as_str());
                item.parts.iter().map(|part| beginning(part)).chain(name)
            })
            .map(regex_syntax::escape)
            .collect();
        beginnings.sort_unstable();
        beginnings.dedup();
        let matcher = RegexMatcherBuilder::new()
            .case_insensitive(true)
            .build(&beginnings.join("|"));
        Self {
            // Escaped text is an expression; one that is too large finds nothing.
            matcher: matcher.ok().filter(|_| !beginnings.is_empty()),
            items,
            tokenizer: WordTokenizer::default(),
        }
    }

    /// The first lines of a text that hold a word, at most `limit`.
    pub(super) fn lines<'a>(
        &'a mut self,
        text: &'a str,
        limit: usize,
    ) -> impl Iterator<Item = Line> + 'a {
        let mut at = 0;
        let (mut counted, mut number) = (0, 1);
        std::iter::from_fn(move || {
            loop {
                let found = self.matcher.as_ref()?.find_at(text.as_bytes(), at).ok()??;
                let start = text[..found.start()].rfind('\n').map_or(0, |end| end + 1);
                let end = text[found.start()..]
                    .find('\n')
                    .map_or(text.len(), |end| found.start() + end);
                number += text.as_bytes()[counted..start]
                    .iter()
                    .filter(|&&byte| byte == b'\n')
                    .count() as u32;
                counted = start;
                at = end.max(found.end());
                let (items, pairs) = self.look(&text[start..end]);
                if items != 0 {
                    return Some(Line {
                        number,
                        range: start..end,
                        items,
                        pairs,
                    });
                }
            }
        })
        .take(limit)
    }

    /// Which words a line holds, and how many pairs of neighbours.
    pub(super) fn look(&mut self, line: &str) -> (u32, u32) {
        let line = &line[..line.floor_char_boundary(MAX_LINE)];
        let (mut found, mut pairs) = (0, 0);
        let mut before: Option<(usize, usize)> = None;
        let mut tokens = self.tokenizer.token_stream(line);
        let mut bits = [0; MAX_ITEMS];
        while tokens.advance() {
            let token = tokens.token();
            for (number, item) in self.items.iter().enumerate() {
                let new = item.bits(&token.text);
                if new == 0 {
                    continue;
                }
                bits[number] |= new;
                if bits[number] != item.all() {
                    continue;
                }
                found |= 1 << number;
                match before {
                    Some((last, position))
                        if last + 1 == number && position + 2 >= token.position =>
                    {
                        pairs += 1;
                    }
                    _ => {}
                }
                if before.is_none_or(|(last, _)| last != number) {
                    before = Some((number, token.position));
                }
            }
        }
        // A part alone counts where its word is not whole.
        for (number, bits) in bits.iter().enumerate() {
            if *bits != 0 {
                found |= 1 << number;
            }
        }
        (found, pairs)
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

    /// The weight of the words in a set.
    pub(super) fn weight(&self, items: u32) -> f32 {
        let items_in = (0..)
            .zip(&self.items)
            .filter(|(n, _)| items & (1 << n) != 0);
        items_in.map(|(_, item): (u32, _)| item.weight).sum()
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
        "1:11 2:11+1"
    )]
    #[case("HttpServer", "http\nserver\nhttpServer\n", "1:1 2:1 3:1")]
    #[case("a.b", "x", "")]
    #[case("日本語", "これは日本\n", "1:1")]
    #[case("x", "xy\nx", "2:1")]
    fn lines_that_hold_words(#[case] question: &str, #[case] text: &str, #[case] expected: &str) {
        let mut finder = finder(question);
        let lines: Vec<_> = finder
            .lines(text, 99)
            .map(|line| {
                let pairs = if line.pairs > 0 && question.starts_with("refunds") && line.number > 1
                {
                    format!("+{}", line.pairs)
                } else {
                    String::new()
                };
                format!("{}:{:b}{pairs}", line.number, line.items)
            })
            .collect();
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
}
