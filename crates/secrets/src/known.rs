//! Values that were found before, looked for by themselves: a token that a rule knew by the name beside it is
//! concealed where it stands alone, too.
//!
//! Only values long and mixed enough to be nothing else are looked for. The index holds their first bytes, no more.

use crate::{
    placeholder::Tag,
    scan::{Origin, Span, entropy},
};
use std::collections::HashMap;

/// A shorter value might be a word.
const LEAST_LEN: usize = 16;
/// Bits a character.
const LEAST_ENTROPY: f64 = 3.0;
/// Of values that begin alike no more are looked for: a hostile text could hold any number.
const MOST_ALIKE: usize = 32;
const FILTER_BITS: u32 = 16;

/// The first bytes of each value.
#[derive(Default)]
pub(crate) struct Known {
    by_head: HashMap<[u8; LEAST_LEN], Vec<Tag>>,
    /// One bit for each hash of eight first bytes: most places in a text are settled by it.
    filter: Vec<u64>,
}

fn slot(bytes: [u8; 8]) -> (usize, u64) {
    let hash = u64::from_le_bytes(bytes).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS);
    // Sixteen bits fit any size.
    ((hash >> 6) as usize, 1 << (hash & 63))
}

impl Known {
    pub(crate) fn add(&mut self, value: &str, tag: Tag) {
        let bytes = value.as_bytes();
        let (Some(head), Some(first)) = (bytes.first_chunk(), bytes.first_chunk()) else {
            return;
        };
        if entropy(value) < LEAST_ENTROPY || !bytes.iter().any(u8::is_ascii_digit) {
            return;
        }
        let alike = self.by_head.entry(*head).or_default();
        if alike.len() >= MOST_ALIKE {
            return;
        }
        alike.push(tag);
        self.filter.resize(1 << (FILTER_BITS - 6), 0);
        let (word, bit) = slot(*first);
        self.filter[word] |= bit;
    }

    /// Adds the places where a known value stands. `value` gives the value of a tag.
    pub(crate) fn find<'a>(
        &self,
        text: &str,
        value: impl Fn(&Tag) -> Option<&'a str>,
        spans: &mut Vec<Span>,
    ) {
        if self.by_head.is_empty() {
            return;
        }
        let bytes = text.as_bytes();
        let mut from = 0;
        while let Some(head) = bytes.get(from..).and_then(|rest| rest.first_chunk()) {
            let first = bytes[from..].first_chunk().copied().unwrap_or_default();
            let (word, bit) = slot(first);
            let found = (self.filter[word] & bit != 0)
                .then(|| self.by_head.get::<[u8; LEAST_LEN]>(head))
                .flatten()
                .into_iter()
                .flatten()
                .filter_map(&value)
                .filter(|value| bytes[from..].starts_with(value.as_bytes()))
                .map(str::len)
                .max();
            let Some(len) = found else {
                from += 1;
                continue;
            };
            spans.push(Span {
                range: from..from + len,
                origin: Origin::Known,
            });
            from += len;
        }
    }
}
