//! Small sets of byte strings: what a part of a pattern may match, begin with or end with.

use super::{Plan, Trigram};
use std::collections::BTreeSet;

/// How many strings a set holds at most.
pub(crate) const MAX_STRINGS: usize = 64;

/// How many bytes the strings of a set have at most, together.
const MAX_BYTES: usize = 2 << 10;

/// How many bytes of a string can be in a trigram with what stands next to it.
const EDGE: usize = 2;

/// Distinct strings with ASCII letters lowered, never more than the limits allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Strings(BTreeSet<Vec<u8>>);

impl Strings {
    /// The empty string only: all that an assertion matches, and the edge of what nothing is known of.
    pub(crate) fn empty() -> Self {
        Self(BTreeSet::from([Vec::new()]))
    }

    /// `strings` lowered, or none of it when they are over a limit.
    pub(crate) fn new(strings: impl IntoIterator<Item = Vec<u8>>) -> Option<Self> {
        let mut set = BTreeSet::new();
        let mut bytes = 0;
        for mut string in strings {
            string.make_ascii_lowercase();
            let len = string.len();
            if set.insert(string) {
                bytes += len;
            }
            if set.len() > MAX_STRINGS || bytes > MAX_BYTES {
                return None;
            }
        }
        Some(Self(set))
    }

    /// Each string of this set followed by each of the other. None when that is too much: more than `most` strings where
    /// both sets have some, or more than any set may hold.
    pub(crate) fn then(&self, next: &Self, most: usize) -> Option<Self> {
        let (count, next_count) = (self.0.len(), next.0.len());
        let most = match count.min(next_count) {
            0 | 1 => MAX_STRINGS,
            _ => most.min(MAX_STRINGS),
        };
        let bytes = |set: &Self| set.0.iter().map(Vec::len).sum::<usize>();
        if count * next_count > most || bytes(self) * next_count + bytes(next) * count > MAX_BYTES {
            return None;
        }
        let pairs = self
            .0
            .iter()
            .flat_map(|first| next.0.iter().map(move |second| (first, second)));
        Self::new(pairs.map(|(first, second)| [first.as_slice(), second].concat()))
    }

    /// The strings of all sets, when these are not too many.
    pub(crate) fn union<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        Self::new(sets.into_iter().flat_map(|set| &set.0).cloned())
    }

    /// What the strings begin with, as far as a trigram across that edge sees it.
    pub(crate) fn starts(&self) -> Self {
        self.edges(|string| &string[..string.len().min(EDGE)])
    }

    /// What the strings end with, as far as a trigram across that edge sees it.
    pub(crate) fn ends(&self) -> Self {
        self.edges(|string| &string[string.len().saturating_sub(EDGE)..])
    }

    fn edges(&self, edge: impl Fn(&[u8]) -> &[u8]) -> Self {
        Self(self.0.iter().map(|string| edge(string).to_vec()).collect())
    }

    /// The plan for a text that holds one of the strings.
    pub(crate) fn plan(&self) -> Plan {
        // Where one string asks for nothing the others need not be looked at.
        if self
            .0
            .iter()
            .any(|string| trigrams(string).next().is_none())
        {
            return Plan::Everything;
        }
        Plan::any(self.0.iter().map(|string| all_of(string)))
    }

    /// Bytes of all strings, and one for each.
    pub(crate) fn size(&self) -> usize {
        self.0.iter().map(|string| string.len() + 1).sum()
    }
}

/// The plan for a text that holds `string`, ASCII letters lowered or not.
pub(crate) fn all_of(string: &[u8]) -> Plan {
    Plan::all(trigrams(string).map(Plan::Has))
}

fn trigrams(string: &[u8]) -> impl Iterator<Item = Trigram> {
    string
        .array_windows()
        .filter_map(|&bytes| Trigram::new(bytes))
}
