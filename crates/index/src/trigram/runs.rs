//! Runs: how many characters of one class follow one another, for patterns that name no three bytes in a row.
//!
//! `[0-9]{7}` asks for no trigram, but for seven digits. So a content is indexed, for each of a few classes, by the length
//! of its longest run as well: by every [`LENGTHS`] up to it, as a term in the place of a [`Trigram`]. Its first byte is a
//! line end, which no three bytes within a line have.
//!
//! Lengths are counted in bytes, and every byte of a character beyond ASCII is in all classes. A character has one byte or
//! more, so what matches `\d{7}` has seven bytes of the class at least, in whatever script its digits are.

use super::Trigram;
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// How many classes there are.
const CLASSES: usize = 8;

/// From which length on a run of each class is told, in bytes: shorter ones are in nearly every text.
const LEAST: [u8; CLASSES] = [3, 6, 4, 12, 16, 12, 24, 96];

/// The lengths that are told apart, in bytes.
const LENGTHS: [u8; 24] = [
    3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64, 80, 96, 120, 150, 180, 210, 250,
];

/// For each byte the classes that it is in, a bit each: digits, hexadecimal digits, capitals, letters, `\w`, `\s`, `\S`,
/// and all but the line end.
const OF_BYTE: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < table.len() {
        let byte = at as u8;
        let is_space = matches!(byte, b'\t' | 0x0B | 0x0C | b'\r' | b' ');
        let is_in = [
            byte.is_ascii_digit(),
            byte.is_ascii_hexdigit(),
            byte.is_ascii_uppercase(),
            byte.is_ascii_alphabetic(),
            byte.is_ascii_alphanumeric() || byte == b'_',
            is_space,
            !is_space && byte != b'\n',
            byte != b'\n',
        ];
        let mut class = 0;
        while class < CLASSES {
            if is_in[class] || !byte.is_ascii() {
                table[at] |= 1 << class;
            }
            class += 1;
        }
        at += 1;
    }
    table
};

/// The terms of the runs in a text.
pub(crate) fn runs(text: &[u8]) -> impl Iterator<Item = Trigram> {
    longest(text)
        .into_iter()
        .enumerate()
        .flat_map(|(class, longest)| {
            lengths(class)
                .take_while(move |&length| usize::from(length) <= longest)
                .map(move |length| term(class, length))
        })
}

/// The terms that a text has in which `hir` matches. `lines`: a match never holds a line end.
pub(super) fn asked(hir: &Hir, lines: bool, max_depth: usize) -> Vec<Trigram> {
    let asked = (0..CLASSES).filter_map(|class| {
        let longest = Run::of(hir, 1 << class, lines, max_depth).longest;
        let length = lengths(class)
            .take_while(|&length| u32::from(length) <= longest)
            .last()?;
        Some(term(class, length))
    });
    asked.collect()
}

/// The lengths that are told apart of a class.
fn lengths(class: usize) -> impl Iterator<Item = u8> {
    LENGTHS
        .into_iter()
        .filter(move |&length| length >= LEAST[class])
}

fn term(class: usize, length: u8) -> Trigram {
    Trigram(u32::from(b'\n') << 16 | (class as u32) << 8 | u32::from(length))
}

/// The longest run of each class.
fn longest(text: &[u8]) -> [usize; CLASSES] {
    let (mut longest, mut begun) = ([0; CLASSES], [0; CLASSES]);
    let mut before = 0;
    // A line end is in no class, and ends what is left.
    for (at, byte) in text.iter().chain(b"\n").enumerate() {
        let now = OF_BYTE[usize::from(*byte)];
        let mut changed = before ^ now;
        while changed != 0 {
            let class = changed.trailing_zeros() as usize;
            changed &= changed - 1;
            if now >> class & 1 == 1 {
                begun[class] = at;
            } else {
                longest[class] = longest[class].max(at - begun[class]);
            }
        }
        before = now;
    }
    longest
}

/// How many bytes of a class follow one another at least in whatever a part of an expression matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// At the beginning of a match.
    start: u32,
    /// At its end.
    end: u32,
    /// Anywhere in it.
    longest: u32,
    /// Whether no other byte is in a match. Then the three are its length.
    is_whole: bool,
}

impl Run {
    const EMPTY: Self = Self::whole(0);

    const UNKNOWN: Self = Self {
        is_whole: false,
        ..Self::EMPTY
    };

    const fn whole(length: u32) -> Self {
        Self {
            start: length,
            end: length,
            longest: length,
            is_whole: true,
        }
    }

    /// Of `class`, one bit of [`OF_BYTE`].
    fn of(hir: &Hir, class: u8, lines: bool, depth: usize) -> Self {
        let Some(depth) = depth.checked_sub(1) else {
            return Self::UNKNOWN;
        };
        let of = |hir| Self::of(hir, class, lines, depth);
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Self::EMPTY,
            HirKind::Literal(literal) => {
                let bytes = literal.0.iter();
                bytes.fold(Self::EMPTY, |run, byte| run.then(Self::one(*byte, class)))
            }
            HirKind::Class(members) => {
                let is_in =
                    |byte: u8| lines && byte == b'\n' || OF_BYTE[usize::from(byte)] & class != 0;
                match ascii(members).all(is_in) {
                    true => Self::whole(1),
                    false => Self::UNKNOWN,
                }
            }
            HirKind::Repetition(Repetition { min, sub, .. }) => of(sub).times(*min),
            HirKind::Capture(capture) => of(&capture.sub),
            HirKind::Concat(parts) => parts.iter().map(of).fold(Self::EMPTY, Self::then),
            HirKind::Alternation(ways) => {
                ways.iter().map(of).reduce(Self::or).unwrap_or(Self::EMPTY)
            }
        }
    }

    fn one(byte: u8, class: u8) -> Self {
        match OF_BYTE[usize::from(byte)] & class {
            0 => Self::UNKNOWN,
            _ => Self::whole(1),
        }
    }

    /// Of both, one after the other.
    fn then(self, next: Self) -> Self {
        let across = self.end.saturating_add(next.start);
        Self {
            start: if self.is_whole { across } else { self.start },
            end: if next.is_whole { across } else { next.end },
            longest: self.longest.max(next.longest).max(across),
            is_whole: self.is_whole && next.is_whole,
        }
    }

    /// Of one of both.
    fn or(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.min(other.end),
            longest: self.longest.min(other.longest),
            is_whole: self.is_whole && other.is_whole,
        }
    }

    /// Of so many, one after the other, or more.
    fn times(self, min: u32) -> Self {
        match (min, self.is_whole) {
            (0, true) => Self::EMPTY,
            (0, false) => Self::UNKNOWN,
            (_, true) => Self::whole(self.longest.saturating_mul(min)),
            (1, false) => self,
            (_, false) => self.then(self),
        }
    }
}

/// The ASCII members of a class.
fn ascii(class: &Class) -> impl Iterator<Item = u8> {
    let ranges: Vec<_> = match class {
        Class::Unicode(class) => {
            let ranges = class
                .iter()
                .map(|range| (range.start() as u32, range.end() as u32));
            ranges.take_while(|(start, _)| *start < 128).collect()
        }
        Class::Bytes(class) => {
            let ranges = class
                .iter()
                .map(|range| (range.start().into(), range.end().into()));
            ranges.take_while(|(start, _)| *start < 128).collect()
        }
    };
    // The smaller of the two is ASCII.
    ranges
        .into_iter()
        .flat_map(|(start, end)| start as u8..=end.min(127) as u8)
}

#[cfg(test)]
mod tests;
