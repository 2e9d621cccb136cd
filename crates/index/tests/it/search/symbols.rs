//! Definitions, references, outlines and file names.

use super::{marked, places, search, search_as, shop};
use crate::folder::rel;
use kerf_index::{HitKind, Mode};
use rstest::rstest;

#[rstest]
#[case("parse", &["src/http/server.py:2 HttpServer::parse", "src/money.rs:12 Money::parse"])]
#[case("Money::parse", &["src/money.rs:12 Money::parse"])]
#[case("HttpServer.parse()", &["src/http/server.py:2 HttpServer::parse"])]
#[case("httpserver.parse", &["src/http/server.py:2 HttpServer::parse"])]
#[case("money", &["src/money.rs:4 Money"])]
#[case("Money kind:method", &[])]
#[case("http kind:class", &["src/http/client.ts:3 HttpClient", "src/http/server.py:1 HttpServer"])]
#[case("round_refund", &["src/refund.rs:4 round_refund", "vendor/refund/refund.rs:1 round_refund"])]
#[case("round_refund -path:vendor", &["src/refund.rs:4 round_refund"])]
#[case("round", &["src/refund.rs:4 round_refund", "src/money.rs:8 Money::round_half_up", "docs/refunds.md:5 Refunds::Rounding"])]
#[case("half round", &["src/money.rs:8 Money::round_half_up"])]
#[case("RetryAfter", &["src/http/wait.ts:2 retryAfter"])]
#[case("Reserve lang:go", &["src/inventory.go:5 Stock::Reserve"])]
#[case("Reserve lang:rust", &[])]
#[case("hidden_refund", &[])]
#[case("hidden_refund hidden:yes", &[".hidden/secret.rs:1 hidden_refund"])]
fn definitions(#[case] text: &str, #[case] expected: &[&str]) {
    let (_folder, indexed) = shop();
    let answer = search_as(&indexed.index, text, Mode::Symbol);
    let found = places(&answer);
    let count = expected.len().max(usize::from(expected.is_empty()));
    assert_eq!(found[..found.len().min(count)], *expected, "{found:#?}");
    for hit in &answer.hits {
        assert_eq!((hit.kind, marked(hit).len()), (HitKind::Definition, 1));
        assert!(hit.symbol.as_deref().unwrap().ends_with(marked(hit)[0]));
    }
}

#[test]
fn definitions_in_files_that_hold_a_text() {
    let (_folder, indexed) = shop();
    let found = places(&search(&indexed.index, "sym:round_refund \"favour\""));
    assert_eq!(found, ["src/refund.rs:4 round_refund"]);
}

#[test]
fn definitions_of_a_kind() {
    let (_folder, indexed) = shop();
    let mut found = places(&search(&indexed.index, "kind:class"));
    found.sort();
    assert_eq!(
        found,
        [
            "src/http/client.ts:3 HttpClient",
            "src/http/server.py:1 HttpServer"
        ]
    );
}

#[rstest]
#[case("ref:round_refund", &["src/refund.rs:10:18 issueRefund", "tests/refund_test.rs:3:18 refunds_are_rounded"])]
#[case("ref:Money::round_half_up", &["src/refund.rs:6:12 round_refund"])]
#[case("ref:retryAfter", &["src/http/client.ts:1:10 ", "src/http/client.ts:4:37 HttpClient::fetchInvoice"])]
#[case("ref:retryAfter -path:client", &[])]
#[case("ref:round_refund path:src", &["src/refund.rs:10:18 issueRefund"])]
#[case("ref:nobody", &[])]
fn references(#[case] text: &str, #[case] expected: &[&str]) {
    let (_folder, indexed) = shop();
    let answer = search(&indexed.index, text);
    let found: Vec<String> = answer
        .hits
        .iter()
        .map(|hit| {
            let symbol = hit.symbol.as_deref().unwrap_or_default();
            format!("{}:{}:{} {symbol}", hit.path, hit.line, hit.column)
        })
        .collect();
    assert_eq!(found, expected);
    for hit in &answer.hits {
        assert_eq!(hit.kind, HitKind::Reference);
        assert_eq!(marked(hit).len(), 1, "{hit:?}");
    }
}

#[rstest]
#[case("money", &["src/money.rs"])]
#[case("http ts", &["src/http/wait.ts", "src/http/client.ts", "src/http/server.py"])]
#[case("*.py", &["src/http/server.py"])]
#[case("refund -vendor -tests lang:rust", &["src/refund.rs"])]
#[case("secret", &[])]
#[case("secret hidden:yes", &[".hidden/secret.rs"])]
#[case("kind:class http lang:python", &["src/http/server.py"])]
fn files(#[case] text: &str, #[case] expected: &[&str]) {
    let (_folder, indexed) = shop();
    let answer = search_as(&indexed.index, text, Mode::Path);
    assert_eq!(super::paths(&answer), expected);
    for hit in &answer.hits {
        assert_eq!(
            (hit.kind, &hit.text),
            (HitKind::File, &hit.path.to_string())
        );
    }
}

#[test]
fn the_outline_is_of_the_file_as_it_is_now() {
    let (folder, indexed) = shop();
    folder.write(
        "src/money.rs",
        b"pub mod a {\n    pub struct B;\n    impl B {\n        fn c(&self) {}\n    }\n}\n",
    );
    let outline = indexed.index.outline(&rel("src/money.rs")).unwrap();
    let shown: Vec<String> = outline
        .iter()
        .map(|definition| {
            let lines = format!("{}-{}", definition.first_line, definition.last_line);
            format!(
                "{} {} {lines} {}",
                definition.kind, definition.path, definition.depth
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "module a 1-6 0",
            "struct a::B 2-2 1",
            "method a::B::c 4-4 2"
        ]
    );
    assert!(indexed.index.outline(&rel("notes.txt")).unwrap().is_empty());
    let error = indexed
        .index
        .outline(&rel("gone.rs"))
        .unwrap_err()
        .to_string();
    assert_eq!(error, "cannot read `gone.rs`: `gone.rs` does not exist");
}
