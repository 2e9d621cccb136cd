//! Trigrams: which three bytes follow one another in a text, and which of them a pattern cannot do without.
//!
//! A content is indexed by its distinct trigrams. A search asks [`plan`] which trigrams a text must hold before the
//! pattern can match in it, takes the contents that hold them, and runs the real matcher only over those. The plan may
//! let through what does not match; it never holds back what does.
//!
//! Both sides agree on three things. ASCII letters are lowered, so that one index serves exact search and search that
//! ignores case; all other bytes are as they are. A trigram never reaches over a line end (`\n`): none is taken from a
//! text and none is planned, also for patterns that span lines. And a match is a run of bytes of the text, so what a
//! pattern only looks at (`^`, `\b`) asks for nothing.
//!
//! A pattern without three bytes in a row is planned by runs of characters of one class instead (`runs.rs`).

mod analysis;
mod plan;
mod runs;
mod strings;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use analysis::plan;
pub(crate) use plan::Plan;
pub(crate) use runs::runs;
pub(crate) use token::{TrigramTokenizer, write_terms};

use std::fmt;

/// How many trigrams there are.
const ALL: usize = 1 << 24;

/// Three bytes, ASCII letters lowered, the first one highest. One that begins with a line end stands for a run (`runs.rs`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Trigram(u32);

impl Trigram {
    /// The trigram of three bytes, or none when one of them ends a line.
    pub(crate) fn new(bytes: [u8; 3]) -> Option<Self> {
        let [first, second, third] = bytes.map(|byte| u32::from(byte.to_ascii_lowercase()));
        let trigram = Self(first << 16 | second << 8 | third);
        trigram.is_within_line().then_some(trigram)
    }

    /// The three bytes.
    pub(crate) fn bytes(self) -> [u8; 3] {
        let [_, first, second, third] = self.0.to_be_bytes();
        [first, second, third]
    }

    fn is_within_line(self) -> bool {
        !self.bytes().contains(&b'\n')
    }
}

impl fmt::Debug for Trigram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.bytes().escape_ascii())
    }
}

/// Finds the distinct trigrams of one text after the other.
///
/// Holds a bit for each trigram there is (2 MiB), and unsets only those of the last text: make one and keep it.
pub(crate) struct Trigrams {
    /// Sixty-four trigrams a word. All zero between two texts.
    seen: Box<[u64]>,
    found: Vec<Trigram>,
}

impl Trigrams {
    pub(crate) fn new() -> Self {
        Self {
            seen: vec![0; ALL / 64].into_boxed_slice(),
            found: Vec::new(),
        }
    }

    /// The distinct trigrams within the lines of `text`, in no order that means anything.
    ///
    /// Every pattern that matches in `text` has its [`Plan`] satisfied by them. Takes 4 bytes for each distinct trigram.
    pub(crate) fn of(&mut self, text: &[u8]) -> &[Trigram] {
        self.found.clear();
        let mut bytes = text.iter().map(|&byte| LOWERED[usize::from(byte)]);
        let (Some(first), Some(second)) = (bytes.next(), bytes.next()) else {
            return &[];
        };
        let mut trigram = u32::from(first) << 8 | u32::from(second);
        for byte in bytes {
            trigram = (trigram << 8 | u32::from(byte)) & 0xFF_FFFF;
            let word = &mut self.seen[trigram as usize / 64];
            let bit = 1 << (trigram % 64);
            if *word & bit == 0 {
                *word |= bit;
                self.found.push(Trigram(trigram));
            }
        }
        for trigram in &self.found {
            self.seen[trigram.0 as usize / 64] = 0;
        }
        // Far fewer to look at than there are bytes.
        self.found.retain(|trigram| trigram.is_within_line());
        &self.found
    }
}

/// Each byte, ASCII letters lowered.
const LOWERED: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).to_ascii_lowercase();
        byte += 1;
    }
    table
};
