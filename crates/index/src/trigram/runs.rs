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
mod tests {
    use super::*;
    use crate::{
        GrepQuery, pattern,
        trigram::{Plan, plan},
    };
    use grep_matcher::Matcher;
    use kerf_workspace::RelPath;
    use proptest::{prelude::*, sample::select};
    use rstest::rstest;
    use std::collections::BTreeSet;

    const NAMES: [&str; CLASSES] = [
        "digit", "hex", "capital", "letter", "word", "space", "visible", "any",
    ];

    fn query(pattern: &str, ignore_case: bool, multi_line: bool) -> GrepQuery {
        GrepQuery {
            pattern: pattern.to_owned(),
            literal: false,
            ignore_case,
            multi_line,
            under: RelPath::root(),
            glob: None,
            hidden: true,
            limit: 1,
            context: 0,
        }
    }

    fn terms(plan: &Plan) -> BTreeSet<Trigram> {
        match plan {
            Plan::Everything => BTreeSet::new(),
            Plan::All(parts) => parts.iter().filter_map(Plan::single).collect(),
            other => other.single().into_iter().collect(),
        }
    }

    fn shown(terms: &BTreeSet<Trigram>) -> String {
        let terms = terms.iter().map(|term| {
            let [_, class, length] = term.bytes();
            format!("{} {length}", NAMES[usize::from(class)])
        });
        terms.collect::<Vec<_>>().join(", ")
    }

    #[rstest]
    #[case("[0-9]{7}", "digit 7, hex 7")]
    #[case(r"\d{9}", "digit 8, hex 8")]
    #[case(r"\b[A-Z]{2}\d{4}\b", "digit 4")]
    #[case("(?i)[A-Z]{13}", "letter 12")]
    #[case("[0-9a-f]{40}", "hex 40, word 40, visible 40")]
    #[case(r"[A-Z]{8}[0-9a-f]{8}\w{2}", "hex 8, capital 8, word 16")]
    #[case(r"^\S{90}", "visible 80")]
    #[case(".{121,}", "any 120")]
    #[case(r"\s{13,}$", "space 12")]
    #[case(r"\d{2}-?\d{2}", "")]
    #[case(r"\d{3}(-|\s)\d{4}", "digit 4")]
    #[case(r"\d{3}[a-f]?\d{4}", "digit 4, hex 7")]
    #[case(r"(\d{3}|\d{5})x?", "digit 3")]
    #[case(r"(\d{2}-\d{2}){3}", "digit 4")]
    #[case(r"\d{2}[a-z]*", "")]
    #[case("[^a]{99}", "any 96")]
    #[case("ab", "")]
    #[case("a{4000000000}", "")]
    fn what_a_pattern_asks_for(#[case] pattern: &str, #[case] expected: &str) {
        let plan = plan(&query(pattern, false, false));
        let asked = terms(&plan);
        let is_run = |term: &Trigram| term.bytes()[0] == b'\n';
        let asked = asked.into_iter().filter(is_run).collect();
        assert_eq!(shown(&asked), expected, "{pattern}");
    }

    #[test]
    fn a_line_end_ends_every_run_but_not_every_match() {
        let asked = |pattern, multi_line| shown(&terms(&plan(&query(pattern, false, multi_line))));
        assert_eq!(asked("[^a]{99}", true), "");
        assert_eq!(asked(r"\d{4}\n\d{5}", true), "digit 5");
        assert_eq!(shown(&runs(b"12\n34\n").collect()), "");
    }

    #[test]
    fn a_text_has_all_lengths_up_to_its_longest_run() {
        let text = "ABCD 12345 ab\n    \u{661}\u{662}\n".as_bytes();
        let expected = "digit 3, digit 4, digit 5, capital 4";
        assert_eq!(shown(&runs(text).collect()), expected);
        let all = runs(&[b'1'; 1000]).filter(|term| term.bytes()[1] == 0);
        assert_eq!(all.count(), LENGTHS.len());
    }

    /// A part of a pattern, and a text that it may match.
    fn part() -> impl Strategy<Value = (String, String)> {
        let classes = [
            (r"\d", "0123456789\u{661}"),
            ("[0-9a-f]", "0189af"),
            ("[A-Z]", "AMZ"),
            (r"\w", "aZ_9ä"),
            (r"\s", " \t\r\u{a0}\n"),
            (r"\S", "a-9ü"),
            (".", "a 9ü\r"),
            ("[^x]", "a \n"),
            ("(?-u:[^x])", "a9\n"),
            ("(?i)k", "kK\u{212a}"),
            ("-", "-"),
            ("xy", "z"),
        ];
        let one = (
            select(classes.to_vec()),
            select(vec![0_usize, 1, 2, 3, 5, 13, 25]),
            prop::option::of(0_usize..3),
            prop::collection::vec(any::<prop::sample::Index>(), 28),
        )
            .prop_map(|((class, letters), min, more, picks)| {
                let letters: Vec<char> = letters.chars().collect();
                let count = min + more.unwrap_or(0);
                let text: String = picks
                    .iter()
                    .take(count)
                    .map(|pick| letters[pick.index(letters.len())])
                    .collect();
                let text = if class == "xy" {
                    class.repeat(count)
                } else {
                    text
                };
                let times = match more {
                    None => format!("{{{min}}}"),
                    Some(_) => format!("{{{min},}}"),
                };
                (format!("(?:{class}){times}"), text)
            });
        let several = prop::collection::vec(one, 1..4).prop_map(|parts| {
            let (patterns, texts): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            (patterns.concat(), texts.concat())
        });
        (several.clone(), several, any::<bool>()).prop_map(
            |((one, text), (other, _), is_choice)| {
                let pattern = if is_choice {
                    format!("(?:{one}|{other})")
                } else {
                    one
                };
                (pattern, text)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_matches_has_the_runs_that_are_asked_for(
            (pattern, text) in part(),
            (before, after) in ("[a9 \n]{0,4}", "[a9 \n]{0,4}"),
            ignore_case in any::<bool>(),
            multi_line in any::<bool>(),
        ) {
            let query = query(&pattern, ignore_case, multi_line);
            let text = format!("{before}{text}{after}");
            if let Ok(matcher) = pattern::matcher(&query) && matcher.is_match(text.as_bytes()).unwrap() {
                let mut held: BTreeSet<Trigram> = runs(text.as_bytes()).collect();
                held.extend(crate::trigram::Trigrams::new().of(text.as_bytes()));
                let asked = terms(&plan(&query));
                prop_assert!(asked.is_subset(&held), "{pattern:?} is in {text:?}, which has not {}", shown(&asked));
            }
        }

        #[test]
        fn the_longest_run_is_that_of_a_plain_search(text in prop::collection::vec(select(b"a9F \n-\xc3\xa4".to_vec()), 0..200)) {
            for (class, longest) in longest(&text).into_iter().enumerate() {
                let runs = text.split(|byte| OF_BYTE[usize::from(*byte)] >> class & 1 == 0);
                prop_assert_eq!(longest, runs.map(<[u8]>::len).max().unwrap_or(0), "{}", NAMES[class]);
            }
        }
    }
}
