//! Words: what comes first, what is left out, and that nothing else is told.

use super::{ask, marked, paths, places, read, search, shop};
use crate::{
    folder::{Folder, rel},
    index::{Indexed, age, open, wait},
};
use kerf_index::{Change, HitKind, Mode};
use rstest::rstest;

/// The first hits of each query, in order.
#[rstest]
#[case("where are refunds rounded", &["src/refund.rs:4 round_refund"])]
#[case("round_refund", &["src/refund.rs:4 round_refund"])]
#[case("roundRefund", &["src/refund.rs:4 round_refund"])]
#[case("issue refund", &["src/refund.rs:9 issueRefund"])]
#[case("issuerefund", &["src/refund.rs:9 issueRefund"])]
#[case("round half up", &["src/money.rs:8 Money::round_half_up"])]
#[case("tests of rounded refunds", &["tests/refund_test.rs:2 refunds_are_rounded"])]
#[case("retry after", &["src/http/wait.ts:2 retryAfter"])]
#[case("seconds to wait before attempt", &["src/http/server.py:7 retry_after"])]
#[case("reserving stock", &["src/inventory.go:5 Stock::Reserve"])]
#[case("HttpServer", &["src/http/server.py:1 HttpServer"])]
#[case("fetch invoices", &["src/http/client.ts:4 HttpClient::fetchInvoice"])]
#[case("milk", &["notes.txt:1"])]
#[case("refund lang:python", &[])]
#[case("retry lang:python", &["src/http/server.py:6 retry_after"])]
#[case("refund path:docs", &["docs/refunds.md:1 Refunds"])]
#[case("refund file:money", &[])]
#[case("round kind:struct", &["src/money.rs:8 Money::round_half_up"])]
#[case("round refund -vendor -path:tests \"favour of\"", &["src/refund.rs:4 round_refund"])]
#[case("hidden refund hidden:yes path:.hidden", &[".hidden/secret.rs:1 hidden_refund"])]
#[case("zzyzx", &[])]
#[case("???", &[])]
fn first_hits(#[case] query: &str, #[case] expected: &[&str]) {
    let (_folder, indexed) = shop();
    let answer = search(&indexed.index, query);
    let found = places(&answer);
    assert_eq!(
        found[..found
            .len()
            .min(expected.len().max(usize::from(expected.is_empty())))],
        *expected,
        "{found:#?}"
    );
    assert_eq!(answer.scanned, None);
}

/// What each query must not tell.
#[rstest]
#[case("refund -customer", "src/refund.rs")]
#[case("refund -shops", "docs/refunds.md")]
#[case("refund -/favou?r/", "src/refund.rs")]
#[case("refund -lang:rust", "src/refund.rs")]
#[case("refund -path:vendor", "vendor/refund/refund.rs")]
#[case("refund -kind:heading", "docs/refunds.md")]
#[case("refund", ".hidden/secret.rs")]
#[case("round \"half up.\"", "src/refund.rs")]
fn left_out(#[case] query: &str, #[case] path: &str) {
    let (_folder, indexed) = shop();
    let without = query.split_once(" -").map_or(query, |(words, _)| words);
    let found = paths(&search(&indexed.index, query));
    assert!(!found.contains(&path.to_owned()), "{found:?}");
    assert!(!found.is_empty(), "{query} finds nothing at all");
    let hidden = format!("{} hidden:yes", without.split(" \"").next().unwrap());
    let found = paths(&search(&indexed.index, &hidden));
    assert!(found.contains(&path.to_owned()), "{found:?}");
}

#[test]
fn code_comes_before_tests_and_what_was_taken_from_elsewhere() {
    let (_folder, indexed) = shop();
    let found = paths(&search(&indexed.index, "round refund"));
    let place = |path: &str| found.iter().position(|found| found == path).unwrap();
    assert!(
        place("src/refund.rs") < place("tests/refund_test.rs"),
        "{found:?}"
    );
    assert!(
        place("src/refund.rs") < place("vendor/refund/refund.rs"),
        "{found:?}"
    );
}

/// What the words of a question count beside each other. Without it the other file would come first, by its path.
#[rstest]
#[case::the_first_word("beta alpha", "fn alpha() {}", "fn beta() {}")]
#[case::a_repeated_word("alpha beta beta", "fn alpha() {}", "fn beta() {}")]
#[case::a_name_of_several_parts("alpha gamma_delta", "fn alpha() {}", "fn x() { gamma_delta() }")]
#[case::neighbours_as_one_name(
    "alpha beta",
    "fn x() { alpha(beta()) }",
    "fn x() { y(alphaBeta()) }"
)]
#[case::a_name_in_a_long_text(
    "it crashed as the monitor was gone, its window empty, its list drawn and closed, before the layout of \
     frame_clock_update was finished",
    "fn x() { monitor(window(gone())) }",
    "fn frame_clock_update() {}"
)]
fn what_counts_more(#[case] question: &str, #[case] other: &str, #[case] expected: &str) {
    let folder = Folder::new(&[
        ("a.rs", other.as_bytes()),
        ("b.rs", expected.as_bytes()),
        ("c.rs", b"fn nothing() {}"),
    ]);
    let indexed = Indexed::of(&folder);
    let found = paths(&search(&indexed.index, question));
    assert_eq!(found, ["b.rs", "a.rs"]);
}

#[test]
fn a_header_comes_after_its_source() {
    // Not one content, which would be one hit.
    let folder = Folder::new(&[
        ("a/refund.h", b"int round_refund(int amount);\n"),
        ("b/refund.c", b"int round_refund(int amount); \n"),
    ]);
    let indexed = Indexed::of(&folder);
    let found = paths(&search(&indexed.index, "refund"));
    assert_eq!(found, ["b/refund.c", "a/refund.h"]);
}

#[test]
fn hits_say_what_they_are() {
    let (_folder, indexed) = shop();
    let answer = search(&indexed.index, "where are refunds rounded");
    let hit = &answer.hits[0];
    assert_eq!(
        (hit.kind, hit.symbol_kind, hit.last_line),
        (HitKind::Definition, Some("function"), 7)
    );
    assert_eq!((hit.column, marked(hit)), (8, vec!["round_refund"]));
    let answer = search(&indexed.index, "favour");
    let hit = &answer.hits[0];
    assert_eq!(
        (hit.kind, hit.symbol.as_deref()),
        (HitKind::Text, Some("round_refund"))
    );
    assert_eq!((hit.line, hit.column, marked(hit)), (5, 31, vec!["favour"]));
}

#[test]
fn recent_files_come_before_equal_ones() {
    let folder = Folder::new(&[
        ("a.rs", b"fn shared_thing() {}\n"),
        ("b.rs", b"fn shared_thing() {} \n"),
        ("c.rs", b"fn shared_thing() {}  \n"),
    ]);
    let indexed = Indexed::of(&folder);
    for text in ["shared thing", "sym:shared_thing", "file:rs"] {
        let found = paths(&ask(&indexed.index, &read(text, Mode::Words), &[]));
        assert_eq!(found, ["a.rs", "b.rs", "c.rs"], "{text}");
        let found = paths(&ask(
            &indexed.index,
            &read(text, Mode::Words),
            &[rel("c.rs")],
        ));
        assert_eq!(found, ["c.rs", "a.rs", "b.rs"], "{text}");
    }
}

#[test]
fn what_was_just_written_is_found() {
    let (folder, indexed) = shop();
    let index = &indexed.index;
    for round in 0..5 {
        folder.write(
            "src/new.rs",
            format!("/// quux{round}\npub fn frobnicate_{round}() {{}}\n").as_bytes(),
        );
        index.changed(Change::Paths(vec![rel("src/new.rs")]));
        let symbol = format!("frobnicate_{round}");
        for text in [
            format!("frobnicate {round}"),
            format!("quux{round}"),
            format!("sym:{symbol}"),
            format!("\"{symbol}\""),
        ] {
            let found = paths(&search(index, &text));
            assert_eq!(
                found.first().map(String::as_str),
                Some("src/new.rs"),
                "{text}"
            );
        }
        if round > 0 {
            let old = search(index, &format!("sym:frobnicate_{}", round - 1));
            assert_eq!(places(&old), [""; 0], "it is gone");
        }
        if round % 2 == 0 {
            wait(index);
        }
    }
    std::fs::remove_file(folder.path().join("src/new.rs")).unwrap();
    index.changed(Change::Paths(vec![rel("src/new.rs")]));
    assert_eq!(places(&search(index, "frobnicate")), [""; 0]);
    assert_eq!(places(&search(index, "file:new.rs")), [""; 0]);
}

#[test]
fn nothing_is_told_of_another_folder() {
    let shared = "pub fn common_part() {}\n";
    let one = Folder::new(&[
        ("shared.rs", shared.as_bytes()),
        ("one.rs", b"pub fn common_secret_one() {}\n"),
    ]);
    let two = Folder::new(&[
        ("other/name.rs", shared.as_bytes()),
        ("two.rs", b"pub fn common_secret_two() {}\n"),
    ]);
    age(one.path());
    age(two.path());
    let place = tempfile::tempdir().unwrap();
    let first = open(&one.workspace(), place.path());
    let second = open(&two.workspace(), place.path());
    wait(&first);
    assert_eq!(
        second.status().contents,
        3,
        "the shared content is there once"
    );
    for text in [
        "common",
        "sym:common",
        "ref:common",
        "secret",
        "\"common\"",
        "file:",
        "kind:function",
        "name shared",
    ] {
        let Ok(query) = kerf_index::Query::parse(text, Mode::Words, &kerf_index::Known::all())
        else {
            continue;
        };
        for (index, own) in [
            (&first, ["shared.rs", "one.rs"]),
            (&second, ["other/name.rs", "two.rs"]),
        ] {
            let found = paths(&ask(index, &query, &[]));
            assert!(
                found.iter().all(|path| own.contains(&path.as_str())),
                "{text}: {found:?}"
            );
        }
    }
    assert_eq!(
        paths(&search(&first, "common part"))
            .first()
            .map(String::as_str),
        Some("shared.rs")
    );
    assert_eq!(
        paths(&search(&second, "common part"))
            .first()
            .map(String::as_str),
        Some("other/name.rs")
    );
    // A content that was another folder's alone becomes this one's.
    one.write("taken.rs", b"pub fn common_secret_two() {}\n");
    first.changed(Change::Everything);
    wait(&first);
    assert_eq!(paths(&search(&first, "secret two"))[0], "taken.rs");
    assert_eq!(
        paths(&search(&first, "sym:common_secret_two")),
        ["taken.rs"]
    );
}

/// A name that is asked for by all of its letters comes before one with the same words.
#[test]
fn the_very_name_comes_first() {
    let text = b"#ifndef SEND_PACKET_H\n#define SEND_PACKET_H\nint packet;\nint send;\nint __send_packet(int a) { return a; }\n\n\n\n\n\n\n\nint send_packet(int a) { return a; }\n#endif\n";
    let folder = Folder::new(&[("send.h", text)]);
    let indexed = Indexed::of(&folder);
    assert_eq!(
        places(&search(&indexed.index, "send_packet")),
        ["send.h:13 send_packet"]
    );
}
