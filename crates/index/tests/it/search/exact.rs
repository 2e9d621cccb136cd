//! Exact texts and expressions: the answers of a plain scan.

use super::{ask, marked, places, read, search, shop};
use crate::{
    folder::{Folder, pattern},
    gate::{Gate, Shut},
    index::{Indexed, age, some_files},
};
use kerf_index::{GrepQuery, Index, Known, Mode, Query, Wanted};
use proptest::prelude::*;
use rstest::rstest;
use std::sync::atomic::AtomicBool;

#[rstest]
#[case("\"round_refund(\"", &["src/refund.rs:4 round_refund", "src/refund.rs:10 issueRefund", "tests/refund_test.rs:3 refunds_are_rounded", "tests/refund_test.rs:4 refunds_are_rounded", "vendor/refund/refund.rs:1 round_refund"])]
#[case("\"round_refund(\" \"favour\"", &["src/refund.rs:4 round_refund", "src/refund.rs:5 round_refund", "src/refund.rs:10 issueRefund"])]
#[case("/fn \\w+_refund/ -path:vendor", &["src/refund.rs:4 round_refund"])]
#[case("/ROUND_refund\\(/i lang:rust -vendor -\"favour\"", &["tests/refund_test.rs:3 refunds_are_rounded", "tests/refund_test.rs:4 refunds_are_rounded", "vendor/refund/refund.rs:1 round_refund"])]
#[case("\"favour\" /^customer/", &[])]
#[case("\"ROUND_REFUND\"", &[])]
#[case("\"Favour\" case:no", &["src/refund.rs:5 round_refund"])]
#[case("\"favour\" case:smart", &["src/refund.rs:5 round_refund"])]
#[case("\"Favour\" case:smart", &[])]
#[case("\"refund\" kind:heading", &["docs/refunds.md:3 Refunds"])]
#[case("\"refund\" file:notes", &[])]
#[case("/cents: i64 \\}\\n\\nimpl/m", &["src/money.rs:4 Money"])]
fn lines(#[case] text: &str, #[case] expected: &[&str]) {
    let (_folder, indexed) = shop();
    let answer = search(&indexed.index, text);
    assert_eq!(places(&answer), expected);
    assert_eq!(answer.total, expected.len());
    for hit in &answer.hits {
        assert!(!hit.marks.is_empty(), "{hit:?}");
    }
}

#[test]
fn marks_and_ends_of_lines() {
    let (_folder, indexed) = shop();
    let answer = search(&indexed.index, "/cents: i64 \\}\\n\\nimpl/m");
    let hit = &answer.hits[0];
    assert_eq!((hit.line, hit.last_line, hit.column), (4, 6, 20));
    assert_eq!(marked(hit), ["cents: i64 }\n\nimpl"]);
    let answer = search(&indexed.index, "\"refund\" \"round_refund\" path:src");
    let third = answer.hits.iter().find(|hit| hit.line == 10).unwrap();
    assert_eq!(marked(third), ["refund", "round_refund"]);
}

#[test]
fn why_everything_was_read_is_told() {
    let (_folder, indexed) = shop();
    assert_eq!(search(&indexed.index, "\"refund\"").scanned, None);
    assert!(
        search(&indexed.index, "/r./")
            .scanned
            .unwrap()
            .contains("three letters")
    );
}

/// Text over few letters, so that matches are frequent.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![6 => Just(b'a'), 6 => Just(b'b'), 2 => Just(b'\n'), 1 => Just(b'\r'), 1 => Just(b' '), 1 => Just(b'A'), 1 => Just(0xc3), 1 => Just(0xa4)];
    prop::collection::vec(byte, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn the_same_as_a_scan(
        contents in prop::collection::vec(content(), 1..8),
        text in prop::sample::select(vec!["a", "ab", "aba", "abab", "a+b?", "^ab", "ba$", "b.a", "(aab|bba) ", "\\bab\\b", "ä", "a\\nb", "baa b", "Ab"]),
        literal: bool,
        ignore_case: bool,
        limit in 1_usize..20,
        edited in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!literal || !text.contains('\\'));
        let names: Vec<String> = (0..contents.len()).map(|n| format!("{}/{n}.rs", n % 3)).collect();
        let files: Vec<_> = names.iter().zip(&contents).map(|(name, content)| (name.as_str(), content.as_slice())).collect();
        let folder = Folder::new(&files);
        age(folder.path());
        let indexed = Indexed::of(&folder);
        let edited = &names[edited.index(names.len())];
        folder.write(edited, b"abab ba\nAba");
        indexed.index.changed(kerf_index::Change::Paths(vec![crate::folder::rel(edited)]));
        let multi_line = text.contains("\\n");
        let mode = if literal { Mode::Exact } else { Mode::Regex { ignore_case, multi_line } };
        let query = Query::parse(text, mode, &Known::all()).unwrap();
        let wanted = Wanted { query: &query, limit, recent: &[], hidden: true, ignore_case };
        let answer = indexed.index.search(&wanted, &AtomicBool::new(false)).unwrap();
        super::check(&answer);
        let grepped = folder.grep(&GrepQuery { literal, ignore_case, multi_line, limit, ..pattern(text) });
        let found: Vec<_> = answer.hits.iter().map(|hit| (&hit.path, hit.line, hit.column, &hit.text)).collect();
        let expected: Vec<_> = grepped.found.iter().map(|found| (&found.path, found.line, found.column, &found.text)).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!((answer.total, answer.files, answer.more), (grepped.total, grepped.files, grepped.truncated));
    }
}

#[test]
fn what_a_scan_finds_names_what_it_is_in() {
    let folder = some_files(100);
    let gate = Gate::new(&folder, Shut::FirstList);
    let place = tempfile::tempdir().unwrap();
    let index = Index::open(gate.workspace(), place.path(), |_| {});
    gate.until_held();
    let answer = search(&index, "\"name_77() {\"");
    gate.open();
    assert_eq!(places(&answer), ["src/0/f77.rs:2 name_77"], "{answer:?}");
    let why = answer.scanned.unwrap();
    assert!(why.contains("still being built"), "{why}");
}

#[test]
fn an_exact_text_is_one_in_every_mode() {
    let (_folder, indexed) = shop();
    let exact = ask(&indexed.index, &read("round_refund(", Mode::Exact), &[]);
    assert_eq!(exact, search(&indexed.index, "\"round_refund(\""));
}
