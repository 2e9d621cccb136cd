//! What of a search's hits may be shown: no line of a key.

use super::Searched;
use crate::tools::look::{KEY_LINE, KeyLines};
use kerf_workspace::{RelPath, TextFile};
use std::collections::HashMap;

/// A larger file is not looked at again for the lines of keys.
const MAX_BYTES: u64 = 8 * 1024 * 1024;
/// Less of a line is no part of a key that tells anything.
const LEAST_KEY_TEXT: usize = 16;

pub(super) struct Filter<'a> {
    at: &'a Searched,
    keys: HashMap<RelPath, KeyLines>,
}

impl<'a> Filter<'a> {
    pub(super) fn new(at: &'a Searched) -> Self {
        Self {
            at,
            keys: HashMap::new(),
        }
    }

    /// What is shown of a line: alone, nothing tells that it is one of a key.
    pub(super) fn line<'t>(&mut self, path: &RelPath, number: u32, text: &'t str) -> &'t str {
        if !may_be_key(text) {
            return text;
        }
        let fs = self.at.workspace.fs();
        let keys = self.keys.entry(path.clone()).or_insert_with(|| {
            // A file that has gone since, or is no text, has no lines of a key to tell.
            let bytes = fs.read(path, MAX_BYTES).ok();
            let file = bytes.and_then(|bytes| TextFile::decode(&bytes).ok());
            file.map_or_else(KeyLines::default, |file| KeyLines::of(&file.text))
        });
        let number = number as usize;
        match keys.begin_of(number) {
            Some(begin) if begin < number => KEY_LINE,
            _ => text,
        }
    }
}

/// Whether a line has a word of capital and small letters and digits that is long enough.
fn may_be_key(line: &str) -> bool {
    line.as_bytes()
        .split(|byte| !byte.is_ascii_alphanumeric() && !b"+/=".contains(byte))
        .any(|word| {
            let has = |kind: fn(&u8) -> bool| word.iter().any(kind);
            word.len() >= LEAST_KEY_TEXT
                && has(u8::is_ascii_uppercase)
                && has(u8::is_ascii_lowercase)
                && has(u8::is_ascii_digit)
        })
}
