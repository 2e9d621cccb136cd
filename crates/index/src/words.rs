//! The words of a text, as the index holds them and as questions ask for them.
//!
//! A run of letters, digits and `_` is one identifier; everything else separates, also `-`, `$`, `@` and `'`. An
//! identifier of several parts gives its whole, marked by [`WHOLE`], and then its parts; one of a single part gives
//! that part alone. So `parseHTTPResponse2` becomes `=parsehttpresponse2`, `pars`, `http`, `response2`, `respons`.
//!
//! - Wholes are in lower case and keep their inner `_`; those around them are gone.
//! - A part ends at `_`, before a capital (`HTTPServer` is `http`, `server`) and after digits that follow letters
//!   (`sha256sum` is `sha256`, `sum`). With digits a part is given as written and again without them (`sha`).
//!   Digits that come first belong to what follows (`2d`). A number is one word as written (`0xff`, `1_000`).
//! - Parts of English letters are given by their stem, so that `rounded` finds `round`. An ASCII letter alone is no
//!   part, but it is a word when it stands alone.
//! - Writing without spaces (Han, kana, Hangul, Thai …) gives every two neighbouring letters.
//! - Nothing is said of what nobody searches for: runs longer than [`MAX_RUN`], hashes and base64 from
//!   [`MIN_BLOB`] characters on. An identifier longer than [`MAX_WORD`] gives its parts only.

mod class;
mod parts;
mod question;
mod stem;

pub(crate) use question::{Asked, question};

use class::{Class, of_byte, of_char};
use parts::Part;
use std::ops::Range;
use stem::Stems;
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// Stands before a word that is a whole identifier of several parts. No other word holds it.
pub(crate) const WHOLE: char = '=';

/// No word is longer, in bytes, the mark of a whole not counted.
pub(crate) const MAX_WORD: usize = 64;

/// Longer runs of letters and digits are data, in bytes.
const MAX_RUN: usize = 256;

/// Runs from this length on may be hashes or encoded data, in bytes.
const MIN_BLOB: usize = 20;

/// A tokenizer for tantivy. Keep one for many texts: it remembers the stems it has seen.
#[derive(Clone, Default)]
pub(crate) struct WordTokenizer {
    stems: Stems,
}

impl Tokenizer for WordTokenizer {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        WordStream {
            words: Words::new(text, &mut self.stems),
            token: Token::default(),
        }
    }
}

/// The words of one text. All words of an identifier have the same offsets, and positions count identifiers.
pub(crate) struct WordStream<'a> {
    words: Words<'a>,
    token: Token,
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        if !self.words.next_into(&mut self.token.text) {
            return false;
        }
        self.token.offset_from = self.words.run.start;
        self.token.offset_to = self.words.run.end;
        self.token.position = self.words.runs - 1;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

/// Goes through a text, one word at a time.
struct Words<'a> {
    text: &'a str,
    stems: &'a mut Stems,
    /// The identifier whose words are given now, as bytes of the text.
    run: Range<usize>,
    /// How many identifiers began, the present one included.
    runs: usize,
    /// What is still to be given of it, from `next` on.
    waiting: Vec<Part>,
    next: usize,
}

impl<'a> Words<'a> {
    fn new(text: &'a str, stems: &'a mut Stems) -> Self {
        Self {
            text,
            stems,
            run: 0..0,
            runs: 0,
            waiting: Vec::new(),
            next: 0,
        }
    }

    /// Writes the next word over `word`; false at the end.
    fn next_into(&mut self, word: &mut String) -> bool {
        loop {
            if let Some(part) = self.waiting.get(self.next) {
                self.next += 1;
                part.write(self.text, self.stems, word);
                return true;
            }
            let Some((run, kinds)) = next_run(self.text, self.run.end) else {
                return false;
            };
            self.run = run.clone();
            self.runs += 1;
            if kinds == Class::Lower as u8 && run.len() < MIN_BLOB {
                Part::word(run).write(self.text, self.stems, word);
                return true;
            }
            self.waiting.clear();
            self.next = 0;
            if run.len() <= MAX_RUN {
                parts::of_run(self.text, run, kinds, &mut self.waiting);
            }
        }
    }
}

/// The first run of letters, digits and `_` from the byte `from` on, and which classes are in it, one bit each.
fn next_run(text: &str, from: usize) -> Option<(Range<usize>, u8)> {
    let bytes = text.as_bytes();
    let mut start = from;
    loop {
        let class = of_byte(*bytes.get(start)?);
        if class == Class::Other {
            let char = text[start..].chars().next()?;
            match of_char(char) {
                Class::Between => start += char.len_utf8(),
                _ => break,
            }
        } else if class == Class::Between {
            start += 1;
        } else {
            break;
        }
    }
    let mut kinds = 0;
    let mut end = start;
    while let Some(&byte) = bytes.get(end) {
        match of_byte(byte) {
            Class::Between => break,
            Class::Other => {
                let Some(char) = text[end..].chars().next() else {
                    break;
                };
                let class = of_char(char);
                let dense = class == Class::Dense;
                // Writing without spaces is a run of its own.
                if class == Class::Between
                    || (kinds != 0 && dense != (kinds & Class::Dense as u8 != 0))
                {
                    break;
                }
                kinds |= class as u8 | Class::Other as u8;
                end += char.len_utf8();
            }
            _ if kinds & Class::Dense as u8 != 0 => break,
            class => {
                kinds |= class as u8;
                end += 1;
            }
        }
    }
    Some((start..end, kinds))
}

#[cfg(test)]
mod tests;
