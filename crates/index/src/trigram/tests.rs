//! That a plan is never wrong, and that it is strong where a person would expect it.

use super::{Plan, Trigram, Trigrams, analysis::plan_with, plan, runs};
use crate::{GrepQuery, pattern};
use grep_matcher::{Matcher, NoError};
use grep_regex::RegexMatcherBuilder;
use kerf_workspace::RelPath;
use proptest::{prelude::*, sample::select, test_runner::TestRunner};
use rstest::rstest;
use std::{cell::Cell, collections::BTreeSet};

pub(super) fn query(
    pattern: &str,
    literal: bool,
    ignore_case: bool,
    multi_line: bool,
) -> GrepQuery {
    GrepQuery {
        pattern: pattern.to_owned(),
        literal,
        ignore_case,
        multi_line,
        under: RelPath::root(),
        glob: None,
        hidden: true,
        limit: 1,
        context: 0,
    }
}

fn expression(pattern: &str) -> Plan {
    plan(&query(pattern, false, false, false))
}

fn holds(plan: &Plan, trigrams: &BTreeSet<Trigram>) -> bool {
    match plan {
        Plan::Everything => true,
        Plan::Nothing => false,
        Plan::Has(trigram) => trigrams.contains(trigram),
        Plan::All(parts) => parts.iter().all(|part| holds(part, trigrams)),
        Plan::Any(ways) => ways.iter().any(|way| holds(way, trigrams)),
    }
}

fn trigrams(text: &[u8]) -> BTreeSet<Trigram> {
    Trigrams::new().of(text).iter().copied().collect()
}

/// All that a text is indexed by.
fn indexed(text: &[u8]) -> BTreeSet<Trigram> {
    trigrams(text).into_iter().chain(runs(text)).collect()
}

/// A plan as a person writes it: `abc & (bcd | cde)`.
fn shown(plan: &Plan) -> String {
    let joined = |parts: &[Plan], with: &str| {
        let parts = parts.iter().map(|part| match part {
            Plan::All(_) | Plan::Any(_) => format!("({})", shown(part)),
            _ => shown(part),
        });
        parts.collect::<Vec<_>>().join(with)
    };
    match plan {
        Plan::Everything => "everything".to_owned(),
        Plan::Nothing => "nothing".to_owned(),
        Plan::Has(trigram) => trigram.bytes().escape_ascii().to_string(),
        Plan::All(parts) => joined(parts, " & "),
        Plan::Any(ways) => joined(ways, " | "),
    }
}

#[rstest]
#[case("abc", "abc")]
#[case("ABC", "abc")]
#[case("ab", "everything")]
#[case("", "everything")]
#[case("(", "everything")]
#[case("a.c", "everything")]
#[case("[a-z]{3}", "everything")]
#[case(".*", "everything")]
#[case("(abc|)", "everything")]
#[case("(abc)*", "everything")]
#[case("^$", "everything")]
#[case("abcd", "abc & bcd")]
#[case("(?-i)aBcD", "abc & bcd")]
#[case("(abc|abd)x+", "(abc & bcx) | (abd & bdx)")]
#[case("foo.*bar", "bar & foo")]
#[case("foo|bar", "bar | foo")]
#[case("foo|ba", "everything")]
#[case("^foo$", "foo")]
#[case("a{3,}", "aaa")]
#[case("a{2,}", "everything")]
#[case("a{9}b", "aaa & aab")]
#[case("(ab){3,5}", "aba & bab")]
#[case("(abc)?def", "def")]
#[case("(foo|)bar", "bar")]
#[case("(foo|qux)bar", "bar & ((foo & oba & oob) | (qux & uxb & xba))")]
#[case("(foo|.)bar", "bar")]
#[case("x[01]yz", "(0yz & x0y) | (1yz & x1y)")]
#[case("foo[a-z]+bar", "bar & foo")]
#[case("fo(o.*b)ar", "bar & foo")]
#[case("a.*bcd.*", "bcd")]
#[case(r"\bfn\s+parse_\w+", "ars & par & rse & se_")]
#[case(r"a\.b\(", ".b( & a.b")]
#[case("(?i)abc", "abc")]
#[case("(?i)kerf", r"erf & (ker | (\x84\xaae & \xaaer & \xe2\x84\xaa))")]
#[case("ä€", r"\xa4\xe2\x82 & \xc3\xa4\xe2 & \xe2\x82\xac")]
#[case(r"a(?-u)\xff(?u)b", r"a\xffb")]
#[case(r"abc[^\s\S]", "nothing")]
#[case(r"abc[^\s\S]|def", "def")]
fn plans_as_a_person_would(#[case] pattern: &str, #[case] expected: &str) {
    assert_eq!(shown(&expression(pattern)), expected, "{pattern}");
}

/// With case ignored `k` and `s` have a third form, and a plan must not grow with all spellings of a word.
#[rstest]
#[case("kerf_sessions", &["erf", "rf_", "ion"])]
#[case("SessionStorageKeys", &["ion", "tor", "ora", "rag", "age"])]
#[case("is_skip_list_task_success", &["ip_", "_ta", "ucc"])]
#[case("parse_config", &["par", "_co", "con", "onf", "nfi", "fig"])]
fn words_without_case_have_small_plans(#[case] word: &str, #[case] expected: &[&str]) {
    let plan = plan(&query(word, true, true, false));
    assert!(plan.len() <= 8 * word.len(), "{}", shown(&plan));
    let sure: BTreeSet<Trigram> = match &plan {
        Plan::All(parts) => parts.iter().filter_map(Plan::single).collect(),
        other => panic!("{other:?}"),
    };
    for text in expected {
        assert!(
            trigrams(text.as_bytes()).is_subset(&sure),
            "{text}: {}",
            shown(&plan)
        );
    }
}

#[test]
fn options_change_the_plan() {
    let shown_of = |pattern, literal, ignore_case, multi_line| {
        shown(&plan(&query(pattern, literal, ignore_case, multi_line)))
    };
    assert_eq!(shown_of("a.c", true, false, false), "a.c");
    assert_eq!(shown_of("a.c", true, true, false), "a.c");
    assert_eq!(shown_of("ask", true, false, false), "ask");
    assert_eq!(
        shown_of("xyk", true, true, false),
        r"xyk | (xy\xe2 & y\xe2\x84 & \xe2\x84\xaa)"
    );
    // Nothing is planned across a line end.
    assert_eq!(shown_of("abc\ndef", true, false, true), "abc & def");
    assert_eq!(shown_of(r"abc\r?\ndef", false, false, true), "abc & def");
    assert_eq!(shown_of(r"ab\nde", false, false, true), "everything");
    // A class is without it where a match is within a line.
    assert_eq!(
        shown_of(r"ab[\nc]de", false, false, false),
        "abc & bcd & cde"
    );
    assert_eq!(shown_of(r"ab[\nc]de", false, false, true), "everything");
}

/// What a stranger may send: no panic, no hang, and a plan that is not too large.
#[test]
fn hostile_patterns_have_small_plans() {
    let words: Vec<String> = (0..5000).map(|number| format!("word{number}")).collect();
    let nested = |times| (0..times).fold("ab".to_owned(), |inner, _| format!("({inner}x?){{4}}"));
    let patterns = [
        "a".repeat(1 << 20),
        "ask ".repeat(1 << 14),
        format!("(?i){}", "ask ".repeat(1 << 13)),
        words.join("|"),
        format!("({}).*x", words[..300].join("|")),
        format!("(?i)({})+yz", words[..3000].join("|")),
        "(a|b|cd)".repeat(4000),
        "[a-p]".repeat(100),
        "(?i)[^a]".repeat(5000),
        r"\w+ab".repeat(100),
        r"\pL".repeat(20_000),
        format!("{}a{}", "(".repeat(200), ")".repeat(200)),
        format!("{}a{}", "(".repeat(60_000), ")".repeat(60_000)),
        format!("abc{}", "*".repeat(200)),
        nested(50),
        "(abc|def.*(ghi|klm.*)+){3,}".repeat(500),
        format!("{}abc{}", "(x.*abd|".repeat(100), ")yz".repeat(100)),
    ];
    for (number, pattern) in patterns.iter().enumerate() {
        for (literal, ignore_case) in [(false, false), (false, true), (true, true)] {
            let plan = plan(&query(pattern, literal, ignore_case, false));
            assert!(plan.len() <= 512, "pattern {number}: {}", plan.len());
            assert!(depth(&plan) <= 8, "pattern {number}: {plan:?}");
        }
    }
}

fn depth(plan: &Plan) -> usize {
    match plan {
        Plan::All(parts) | Plan::Any(parts) => 1 + parts.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// A plan as it is written, before it is made simple.
fn written_plan() -> impl Strategy<Value = Plan> {
    let trigram = select(vec!["abc", "bcd", "cde", "def", "efg"]);
    let trigram =
        trigram.prop_map(|text| Plan::Has(trigrams(text.as_bytes()).pop_first().unwrap()));
    let leaf = prop_oneof![8 => trigram, 1 => Just(Plan::Everything), 1 => Just(Plan::Nothing)];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let parts = prop::collection::vec(inner, 0..5);
        prop_oneof![parts.clone().prop_map(Plan::All), parts.prop_map(Plan::Any)]
    })
}

fn simple(plan: &Plan) -> Plan {
    match plan {
        Plan::All(parts) => Plan::all(parts.iter().map(simple)),
        Plan::Any(ways) => Plan::any(ways.iter().map(simple)),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn a_simple_plan_means_the_same(written in written_plan(), held in prop::collection::vec(any::<bool>(), 5)) {
        let all = ["abc", "bcd", "cde", "def", "efg"];
        let held: BTreeSet<Trigram> = all
            .iter()
            .zip(held)
            .filter(|(_, held)| *held)
            .flat_map(|(text, _)| trigrams(text.as_bytes()))
            .collect();
        let simple = simple(&written);
        prop_assert_eq!(holds(&written, &held), holds(&simple, &held), "{:?}", simple);
        prop_assert!(simple.len() <= written.len());
    }

    #[test]
    fn finds_what_a_plain_search_finds(
        texts in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            "[a-cA-C\n]{0,300}".prop_map(String::into_bytes),
        ], 1..4),
    ) {
        let mut finder = Trigrams::new();
        for text in &texts {
            let lowered = text.to_ascii_lowercase();
            let lines = lowered.split(|&byte| byte == b'\n');
            let expected: BTreeSet<[u8; 3]> = lines.flat_map(|line| line.array_windows().copied()).collect();
            let found = finder.of(text);
            prop_assert_eq!(found.len(), expected.len());
            let found: BTreeSet<[u8; 3]> = found.iter().map(|trigram| trigram.bytes()).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_literal_is_found(
        before in "[ -~\n]{0,20}",
        pattern in "[a-zA-ZkKsS .*äſK\n]{1,12}",
        after in "[ -~\n]{0,20}",
        flip in any::<bool>(),
        multi_line in any::<bool>(),
    ) {
        let written = if flip { pattern.to_uppercase() } else { pattern.clone() };
        let text = format!("{before}{written}{after}");
        for ignore_case in [false, true] {
            let query = query(&pattern, true, ignore_case, multi_line);
            let matcher = pattern::matcher(&query);
            if matcher.is_ok_and(|matcher| matcher.is_match(text.as_bytes()).unwrap()) {
                prop_assert!(holds(&plan(&query), &indexed(text.as_bytes())));
            }
        }
    }
}

/// A part of an expression, from which both the expression and a text that it may match are written.
#[derive(Debug, Clone)]
enum Part {
    Literal(String),
    /// What is in the pattern, and what it matches.
    Class(&'static str, &'static [&'static [u8]]),
    Look(&'static str),
    All(Vec<Part>),
    Any(Vec<Part>),
    Repeat(Box<Part>, &'static str, usize),
    Group(&'static str, Box<Part>),
}

const CLASSES: [(&str, &[&[u8]]); 18] = [
    (".", &[b"x", b"\xc3\xa4", b"\n"]),
    ("(?s:.)", &[b"x", b"\n"]),
    ("(?-u:.)", &[b"x", b"\xff"]),
    (r"\w", &[b"a", b"Z", "é".as_bytes(), b"_"]),
    (r"\W", &[b" ", b"-", "→".as_bytes()]),
    (r"\d", &[b"0", "٣".as_bytes()]),
    (r"\s", &[b" ", b"\t", b"\n"]),
    (r"\n", &[b"\n"]),
    (r"[^a]", &[b"b", b"\n", b"A"]),
    ("[abk]", &[b"a", b"b", b"k", b"K", "K".as_bytes()]),
    ("[A-C]", &[b"A", b"B", b"c"]),
    ("[a-z]", &[b"k", b"s", "ſ".as_bytes()]),
    ("[äöß]", &["ä".as_bytes(), "Ö".as_bytes(), "ẞ".as_bytes()]),
    (r"(?-u:\xff)", &[b"\xff"]),
    (r"(?-u:[\x80-\x83])", &[b"\x80", b"\x83"]),
    (r"(?-u:\w)", &[b"a", b"\xe9"]),
    (r"(?i:k)", &[b"k", b"K", "K".as_bytes()]),
    (r"(?i:ß)", &["ß".as_bytes(), "ẞ".as_bytes(), b"ss"]),
];

const LOOKS: [&str; 9] = [
    "^",
    "$",
    r"\b",
    r"\B",
    r"\A",
    r"\z",
    r"(?-u:\b)",
    r"\<",
    r"\b{end-half}",
];

/// A repetition and how often it is in the text.
const REPEATS: [(&str, usize); 14] = [
    ("*", 0),
    ("*", 2),
    ("+", 1),
    ("+", 3),
    ("?", 0),
    ("?", 1),
    ("{0}", 0),
    ("{2}", 2),
    ("{3,}", 5),
    ("{1,3}", 2),
    ("{6}", 6),
    ("{4}", 4),
    ("*?", 1),
    ("{0,2}", 1),
];

fn part() -> impl Strategy<Value = Part> {
    let leaf = prop_oneof![
        4 => "[abcksKS .äſ]{3,6}".prop_map(Part::Literal),
        4 => "[abk]{1,2}".prop_map(Part::Literal),
        4 => select(CLASSES.to_vec()).prop_map(|(pattern, texts)| Part::Class(pattern, texts)),
        1 => select(LOOKS.to_vec()).prop_map(Part::Look),
        1 => Just(Part::All(Vec::new())),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let parts = prop::collection::vec(inner.clone(), 1..5);
        let boxed = inner.prop_map(Box::new);
        prop_oneof![
            5 => parts.clone().prop_map(Part::All),
            3 => parts.prop_map(Part::Any),
            3 => (boxed.clone(), select(REPEATS.to_vec()))
                .prop_map(|(part, (repeat, times))| Part::Repeat(part, repeat, times)),
            1 => (select(vec!["(", "(?i:", "(?-i:", "(?x:", "(?U:", "(?-m:", "(?s:", "(?P<n>"]), boxed)
                .prop_map(|(open, part)| Part::Group(open, part)),
        ]
    })
}

impl Part {
    fn pattern(&self) -> String {
        match self {
            Part::Literal(text) => regex_syntax::escape(text),
            Part::Class(pattern, _) => (*pattern).to_owned(),
            Part::Look(pattern) => (*pattern).to_owned(),
            Part::All(parts) => parts.iter().map(|part| part.closed()).collect(),
            Part::Any(ways) => ways.iter().map(Part::pattern).collect::<Vec<_>>().join("|"),
            Part::Repeat(part, repeat, _) => format!("(?:{}){repeat}", part.pattern()),
            Part::Group(open, part) => format!("{open}{})", part.pattern()),
        }
    }

    fn closed(&self) -> String {
        match self {
            Part::Any(_) => format!("(?:{})", self.pattern()),
            _ => self.pattern(),
        }
    }

    /// A text the part may match; `choices` says which.
    fn write(&self, choices: &mut impl Iterator<Item = usize>, text: &mut Vec<u8>) {
        let mut choose = |among: usize| choices.next().unwrap_or(0) % among;
        match self {
            Part::Literal(literal) => match choose(8) {
                0 => text.extend(literal.to_uppercase().bytes()),
                1 => text.extend(literal.replace('k', "K").replace('s', "ſ").bytes()),
                _ => text.extend(literal.bytes()),
            },
            Part::Class(_, texts) => text.extend(texts[choose(texts.len())]),
            Part::Look(_) => {}
            Part::All(parts) => parts.iter().for_each(|part| part.write(choices, text)),
            Part::Any(ways) => {
                let way = choose(ways.len());
                ways[way].write(choices, text);
            }
            Part::Repeat(part, _, times) => (0..*times).for_each(|_| part.write(choices, text)),
            Part::Group(_, part) => part.write(choices, text),
        }
    }
}

#[rstest]
#[case("xa+y", "xaaay")]
#[case("x(a|b)+y", "xaby")]
#[case("x[ab]{1,3}y", "xaby")]
#[case("x(abc){2,}y", "xabcabcabcy")]
#[case("xa*y", "xy")]
#[case("x(abc)*yz", "xyz")]
#[case("x(?:abc)?yz", "xyz")]
#[case("xab{0}cy", "xacy")]
#[case("x(a|)(b|)(c|)y", "xy")]
#[case("(abc|de*)f.g", "dfxg")]
#[case("[0-9][0-9]x[0-9][0-9]", "12x34")]
#[case("(?i)sk", "ſK")]
#[case("(?i)masse", "MAſSE")]
#[case("abc$", "abc\r\nabc\n")]
#[case("(?-u)\\xe2\\x84.x", "\u{212a}x")]
fn a_match_by_hand_is_let_through(#[case] pattern: &str, #[case] text: &str) {
    let query = query(pattern, false, false, false);
    assert!(
        pattern::matcher(&query)
            .unwrap()
            .is_match(text.as_bytes())
            .unwrap()
    );
    assert!(
        holds(&plan(&query), &indexed(text.as_bytes())),
        "{:?}",
        plan(&query)
    );
}

fn all(matcher: &impl Matcher<Error = NoError>, text: &[u8]) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    matcher
        .find_iter(text, |found| {
            all.push((found.start(), found.end()));
            true
        })
        .unwrap();
    all
}

/// Whether it is sure that no match holds a line end.
fn never_ends(matcher: &impl Matcher) -> bool {
    matcher
        .non_matching_bytes()
        .is_some_and(|bytes| bytes.contains(b'\n'))
}

/// What ripgrep compares with texts finds the same, and refuses the same.
#[test]
fn a_pattern_means_what_it_means_to_ripgrep() {
    let around = || prop_oneof![Just(String::new()), "[abcksK_0 \n]{0,6}"];
    let choices = prop::collection::vec(any::<u8>().prop_map(usize::from), 40);
    let inputs = (
        part(),
        around(),
        choices,
        around(),
        any::<bool>(),
        any::<bool>(),
    );
    let [compared, matched] = [const { Cell::new(0) }; 2];
    let mut runner = TestRunner::new(ProptestConfig::with_cases(3000));
    let outcome = runner.run(
        &inputs,
        |(part, before, choices, after, ignore_case, multi_line)| {
            let pattern = part.pattern();
            let mut text = before.into_bytes();
            part.write(&mut choices.into_iter(), &mut text);
            text.extend(after.bytes());
            let query = query(&pattern, false, ignore_case, multi_line);
            let theirs = RegexMatcherBuilder::new()
                .multi_line(true)
                .case_insensitive(ignore_case)
                .line_terminator((!multi_line).then_some(b'\n'))
                .build(&pattern);
            let (Ok(own), Ok(theirs)) = (pattern::matcher(&query), &theirs) else {
                prop_assert!(
                    pattern::matcher(&query).is_err(),
                    "{pattern:?} is refused by ripgrep alone: {theirs:?}"
                );
                return Ok(());
            };
            let found = all(theirs, &text);
            compared.set(compared.get() + 1);
            matched.set(matched.get() + usize::from(!found.is_empty()));
            let place = format!("{pattern:?} in {:?}", text.escape_ascii());
            prop_assert_eq!(&all(&own, &text), &found, "{}", place);
            prop_assert_eq!(own.line_terminator(), theirs.line_terminator(), "{}", place);
            prop_assert_eq!(never_ends(&own), never_ends(theirs), "{}", place);
            if !found.is_empty() {
                prop_assert!(
                    own.find_candidate_line(&text).unwrap().is_some(),
                    "{}",
                    place
                );
            }
            let prepared = own.for_much().unwrap();
            prop_assert_eq!(&all(&prepared, &text), &found, "{}", place);
            for at in 0..=text.len() {
                let ends = [
                    own.shortest_match_at(&text, at),
                    theirs.shortest_match_at(&text, at),
                ];
                let [own, theirs] = ends.map(Result::unwrap);
                // Any place in the first line with a match is right.
                prop_assert_eq!(own.is_some(), theirs.is_some(), "{} from {}", place, at);
            }
            Ok(())
        },
    );
    outcome.unwrap();
    // Else the cases show little.
    let [compared, matched] = [compared, matched].map(Cell::into_inner);
    assert!(matched > compared / 3, "{matched} of {compared} match");
}

/// What the matcher finds, the plan lets through: the one thing that must never fail.
#[test]
fn a_plan_never_holds_back_a_match() {
    let around = || prop_oneof![Just(String::new()), "[abcks \n]{0,4}"];
    let choices = prop::collection::vec(any::<u8>().prop_map(usize::from), 40);
    let inputs = (
        part(),
        around(),
        choices,
        around(),
        any::<bool>(),
        any::<bool>(),
        prop_oneof![3 => Just(usize::MAX), 1 => 0..300_usize],
    );
    let [cases, matched, planned] = [const { Cell::new(0) }; 3];
    let count = |counter: &Cell<usize>| counter.set(counter.get() + 1);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(3000));
    let outcome = runner.run(
        &inputs,
        |(part, before, choices, after, ignore_case, multi_line, fuel)| {
            let pattern = part.pattern();
            let mut text = before.into_bytes();
            part.write(&mut choices.into_iter(), &mut text);
            text.extend(after.bytes());
            let query = query(&pattern, false, ignore_case, multi_line);
            count(&cases);
            if let Ok(matcher) = pattern::matcher(&query)
                && matcher.is_match(&text).unwrap()
            {
                let plan = plan_with(&query, fuel);
                count(&matched);
                if plan != Plan::Everything {
                    count(&planned);
                }
                prop_assert!(
                    holds(&plan, &indexed(&text)),
                    "{pattern:?} is in \"{}\", which has not {plan:?}",
                    text.escape_ascii()
                );
            }
            Ok(())
        },
    );
    outcome.unwrap();
    // Else the cases show little.
    let [cases, matched, planned] = [cases, matched, planned].map(Cell::into_inner);
    assert!(matched > cases / 3, "{matched} of {cases} match");
    assert!(
        planned > cases / 8,
        "{planned} of {cases} match and are planned"
    );
}
