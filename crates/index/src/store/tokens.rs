//! How names become terms of the fields `defs` and `refs`.
//!
//! A value of either field is a list of names, each ended by [`END`]. In `refs` each name is one term, as written. In
//! `defs` a name gives:
//!
//! - [`EXACT`] and the name as written: what joins a definition with its references;
//! - [`FOLDED`] and the name in lower case, unless that is the same name;
//! - its parts as [`WordTokenizer`] gives them, which is what words are ranked by.
//!
//! A name that begins with [`KIND`] is one term as it stands: that the content has a definition of the kind.

use crate::words::{WHOLE, WordTokenizer};
use std::ops::Range;
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// Ends a name. No text that has names holds it: a NUL makes it binary.
pub(crate) const END: char = '\0';

/// Stands in `defs` before a name as written.
pub(crate) const EXACT: char = '=';

/// Stands in `defs` before a name in lower case that is written otherwise.
pub(crate) const FOLDED: char = '~';

/// Stands in `defs` before the name of a kind of definitions.
pub(crate) const KIND: char = '#';

/// Takes the names of a value of `refs`.
#[derive(Clone, Default)]
pub(super) struct NameTokenizer {
    token: Token,
}

pub(super) struct NameTokens<'a> {
    rest: &'a str,
    token: &'a mut Token,
}

/// Takes the names of a value of `defs` apart.
#[derive(Clone, Default)]
pub(crate) struct DefinitionTokenizer {
    token: Token,
    words: WordTokenizer,
    /// The words of the name that is taken apart, one after the other, and where each ends.
    parts: String,
    ends: Vec<usize>,
}

pub(crate) struct DefinitionTokens<'a> {
    rest: &'a str,
    of: &'a mut DefinitionTokenizer,
    folded: Option<&'a str>,
    part: usize,
}

impl Tokenizer for NameTokenizer {
    type TokenStream<'a> = NameTokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> NameTokens<'a> {
        self.token.reset();
        self.token.position = 0;
        NameTokens {
            rest: text,
            token: &mut self.token,
        }
    }
}

impl TokenStream for NameTokens<'_> {
    fn advance(&mut self) -> bool {
        let Some((name, rest)) = self.rest.split_once(END) else {
            return false;
        };
        self.rest = rest;
        self.token.text.clear();
        self.token.text.push_str(name);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

impl Tokenizer for DefinitionTokenizer {
    type TokenStream<'a> = DefinitionTokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> DefinitionTokens<'a> {
        self.token.reset();
        self.token.position = 0;
        self.parts.clear();
        self.ends.clear();
        DefinitionTokens {
            rest: text,
            of: self,
            folded: None,
            part: 0,
        }
    }
}

impl DefinitionTokenizer {
    fn take_apart(&mut self, name: &str) {
        self.parts.clear();
        self.ends.clear();
        let mut words = self.words.token_stream(name);
        while words.advance() {
            let word = &words.token().text;
            if !word.starts_with(WHOLE) {
                self.parts.push_str(word);
                self.ends.push(self.parts.len());
            }
        }
    }

    fn part(&self, number: usize) -> Option<Range<usize>> {
        let end = *self.ends.get(number)?;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(start..end)
    }

    fn write(&mut self, mark: char, text: impl Iterator<Item = char>) {
        self.token.text.clear();
        self.token.text.push(mark);
        self.token.text.extend(text);
    }
}

impl TokenStream for DefinitionTokens<'_> {
    fn advance(&mut self) -> bool {
        if let Some(name) = self.folded.take() {
            self.of
                .write(FOLDED, name.chars().flat_map(char::to_lowercase));
            return true;
        }
        if let Some(part) = self.of.part(self.part) {
            self.part += 1;
            self.of.token.text.clear();
            self.of.token.text.push_str(&self.of.parts[part]);
            return true;
        }
        let Some((name, rest)) = self.rest.split_once(END) else {
            return false;
        };
        self.rest = rest;
        self.part = 0;
        if name.starts_with(KIND) {
            self.of.take_apart("");
            self.of.token.text.clear();
            self.of.token.text.push_str(name);
            return true;
        }
        self.of.take_apart(name);
        let is_folded = name.chars().flat_map(char::to_lowercase).eq(name.chars());
        self.folded = Some(name).filter(|_| !is_folded);
        self.of.write(EXACT, name.chars());
        true
    }

    fn token(&self) -> &Token {
        &self.of.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.of.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(mut tokenizer: impl Tokenizer, text: &str) -> String {
        let mut tokens = Vec::new();
        tokenizer
            .token_stream(text)
            .process(&mut |token| tokens.push(token.text.clone()));
        tokens.join(" ")
    }

    #[rstest::rstest]
    #[case("", "")]
    #[case("parse\0", "=parse pars")]
    #[case("parseHTTP\0x\0", "=parseHTTP ~parsehttp pars http =x x")]
    #[case("ROUND_UP\0", "=ROUND_UP ~round_up round up")]
    #[case("#method\0#kind\0a_b1\0", "#method #kind =a_b1 b1")]
    #[case("The heading\0", "=The heading ~the heading the head")]
    #[case("--\0", "=--")]
    fn definitions_are_found_whole_and_by_parts(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(tokens(DefinitionTokenizer::default(), text), expected);
    }

    #[test]
    fn references_are_names_as_written() {
        let names = "parseHTTP\0x\0\u{e4} b\0";
        assert_eq!(
            tokens(NameTokenizer::default(), names),
            "parseHTTP x \u{e4} b"
        );
        assert_eq!(tokens(NameTokenizer::default(), "no end"), "");
    }
}
