use super::*;
use crate::{
    pattern,
    trigram::{Plan, plan, tests::query},
};
use grep_matcher::Matcher;
use proptest::{prelude::*, sample::select};
use rstest::rstest;
use std::collections::BTreeSet;

const NAMES: [&str; CLASSES] = [
    "digit", "hex", "capital", "letter", "word", "space", "visible", "any",
];

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
    let plan = plan(&query(pattern, false, false, false));
    let asked = terms(&plan);
    let is_run = |term: &Trigram| term.bytes()[0] == b'\n';
    let asked = asked.into_iter().filter(is_run).collect();
    assert_eq!(shown(&asked), expected, "{pattern}");
}

#[test]
fn a_line_end_ends_every_run_but_not_every_match() {
    let asked =
        |pattern, multi_line| shown(&terms(&plan(&query(pattern, false, false, multi_line))));
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
    (several.clone(), several, any::<bool>()).prop_map(|((one, text), (other, _), is_choice)| {
        let pattern = if is_choice {
            format!("(?:{one}|{other})")
        } else {
            one
        };
        (pattern, text)
    })
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
        let query = query(&pattern, false, ignore_case, multi_line);
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
