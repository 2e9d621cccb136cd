//! The form of a placeholder: `KERF_SECRET_` with the rule's name and ten characters that only the vault's key gives.
//!
//! It is one word of ASCII letters, digits and `_`: code, JSON, shells and patches take it as it is, no rule finds it,
//! and where it ends is where the word ends.

use std::ops::Range;

pub(crate) const PREFIX: &str = "KERF_SECRET_";
/// The characters of a tag: 50 bits.
pub(crate) const TAG_LEN: usize = 10;
const MAX_LABEL: usize = 40;
/// No placeholder is longer.
const MAX_LEN: usize = PREFIX.len() + MAX_LABEL + 1 + TAG_LEN;

/// Lower-case letters and digits without those that look alike.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// What tells values apart.
pub(crate) type Tag = [u8; TAG_LEN];

/// A tag out of a hash.
pub(crate) fn tag(hash: &[u8; 32]) -> Tag {
    let mut bits = u64::from_le_bytes([
        hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7],
    ]);
    let mut tag = [0; TAG_LEN];
    for place in &mut tag {
        *place = ALPHABET[(bits & 31) as usize];
        bits >>= 5;
    }
    tag
}

/// The placeholder of a value that the rule found.
pub(crate) fn spell(rule: &str, tag: &Tag) -> String {
    let mut word = PREFIX.to_owned();
    let label = rule.strip_prefix("kerf-").unwrap_or(rule);
    word.extend(label.chars().take(MAX_LABEL).map(|char| {
        if char.is_ascii_alphanumeric() {
            char.to_ascii_lowercase()
        } else {
            '_'
        }
    }));
    word.push('_');
    word.extend(tag.iter().map(|&byte| char::from(byte)));
    word
}

/// The words in a text that may be placeholders, each with its tag.
pub(crate) fn find(text: &str) -> impl Iterator<Item = (Range<usize>, Tag)> + '_ {
    memchr::memmem::find_iter(text.as_bytes(), PREFIX).filter_map(move |start| {
        let rest = &text.as_bytes()[start..];
        let most = rest.len().min(MAX_LEN + 1);
        let len = rest[..most]
            .iter()
            .position(|&byte| !is_word(byte))
            .unwrap_or(most);
        let tag = rest[..len].last_chunk::<TAG_LEN>()?;
        (len <= MAX_LEN).then(|| (start..start + len, *tag))
    })
}

/// Whether the byte is part of a word.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
