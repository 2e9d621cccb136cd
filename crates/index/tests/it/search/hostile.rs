//! Files and queries that a search must neither fall over nor take long for.

use super::{ask, search};
use crate::{
    folder::Folder,
    index::{Indexed, wait},
};
use kerf_index::{Change, Index, Known, Mode, Query, SearchError, Wanted};
use std::sync::atomic::AtomicBool;

fn odd() -> Folder {
    let deep = "(".repeat(50_000);
    let long = format!("fn a() {{ {} }}\n", "needle_x + ".repeat(3_000));
    let names: String = (0..30_000)
        .map(|n| format!("const NEEDLE_{n}: u8 = 0;\n"))
        .collect();
    let one_line = "needle ".repeat(5_000);
    Folder::new(&[
        ("deep.rs", deep.as_bytes()),
        ("long.rs", long.as_bytes()),
        ("names.rs", names.as_bytes()),
        ("one_line.txt", one_line.as_bytes()),
        (
            "latin1.rs",
            b"// \xe4\xf6\xfc needle\nfn needle_\xe4() {}\n",
        ),
        ("nul.rs", b"fn needle() {}\0fn other() {}\n"),
        (
            "utf16.rs",
            b"\xff\xfef\0n\0 \0n\0e\0e\0d\0l\0e\0(\0)\0 \0{\0}\0",
        ),
        ("empty.rs", b""),
        ("crlf.rs", b"fn needle() {}\r\nfn x() {}\r\n"),
        ("esc\x1b[31m needle.rs", b"fn y() {}\n"),
        (
            "marks.rs",
            "fn \u{202e}needle\u{202c}() {}\n// n\u{e4}edle \u{1f600} needle\n".as_bytes(),
        ),
    ])
}

#[test]
fn every_query_is_answered() {
    let folder = odd();
    let indexed = Indexed::of(&folder);
    let long = "needle ".repeat(2_000);
    let many: String = (0..200).map(|n| format!("n{n} ")).collect();
    for text in [
        "needle",
        "NEEDLE_7",
        "sym:needle",
        "sym:NEEDLE_29999",
        "sym:needle_",
        "ref:needle_x",
        "\"needle\"",
        "/n..dle/i",
        "file:needle",
        "kind:constant",
        "needle -\"other\"",
        "a",
        "_",
        "=needle",
        "~needle",
        "#constant",
        "sym:#constant",
        "sym:=needle",
        "sym:~needle",
        "\u{e4}",
        "n\u{e4}edle",
        "\u{202e}",
        "\u{1f600}",
        "sym:\u{202e}",
        "ref:",
        "needle case:no hidden:yes path:*",
        "-x needle",
        &long,
        &many,
    ] {
        let Ok(query) = Query::parse(text, Mode::Words, &Known::all()) else {
            continue;
        };
        let answer = ask(&indexed.index, &query, &[]);
        for hit in &answer.hits {
            assert!(
                !hit.text.contains('\0') && !hit.path.to_string().contains('\x1b'),
                "{hit:?}"
            );
            assert!(
                hit.text.chars().count() <= 502 || hit.text.contains('\n'),
                "{hit:?}"
            );
        }
    }
    let found = search(&indexed.index, "sym:NEEDLE_7");
    assert_eq!(found.hits[0].symbol.as_deref(), Some("NEEDLE_7"));
    assert!(super::paths(&search(&indexed.index, "sym:needle")).contains(&"utf16.rs".to_owned()));
    assert!(
        super::paths(&search(&indexed.index, "needle"))
            .iter()
            .any(|path| path.contains("u{1b}") || path.contains("x1b"))
    );
}

#[test]
fn a_limit_of_nothing_and_a_cancelled_search() {
    let (_folder, indexed) = super::shop();
    for text in [
        "refund",
        "sym:round",
        "ref:Money",
        "\"refund\"",
        "file:rs",
        "kind:function",
    ] {
        let query = super::read(text, Mode::Words);
        let wanted = Wanted {
            query: &query,
            limit: 0,
            recent: &[],
            hidden: false,
            ignore_case: false,
        };
        let answer = indexed
            .index
            .search(&wanted, &AtomicBool::new(false))
            .unwrap();
        assert!(answer.hits.is_empty() && answer.more, "{text}: {answer:?}");
        let wanted = Wanted { limit: 5, ..wanted };
        let cancelled = indexed.index.search(&wanted, &AtomicBool::new(true));
        let is_name = text.starts_with("file");
        assert!(
            is_name || matches!(cancelled, Err(SearchError::Cancelled)),
            "{text}: {cancelled:?}"
        );
    }
}

#[test]
fn an_index_that_cannot_grow_still_answers() {
    let (folder, indexed) = super::shop();
    // Its place is a file, so nothing can be kept.
    let place = folder.path().join("notes.txt");
    let index = Index::open(folder.workspace(), &place, |_| {});
    wait(&index);
    for text in [
        "where are refunds rounded",
        "sym:round_refund",
        "ref:round_refund",
        "\"round_refund\"",
        "file:money",
    ] {
        let query = super::read(text, Mode::Words);
        let (kept, scanned) = (ask(&indexed.index, &query, &[]), ask(&index, &query, &[]));
        assert_eq!(
            kept.hits.first().map(|hit| (&hit.path, hit.line)),
            scanned.hits.first().map(|hit| (&hit.path, hit.line)),
            "{text}"
        );
    }
}

#[test]
fn a_rebuilt_index_answers_meanwhile() {
    let (_folder, indexed) = super::shop();
    indexed.index.rebuild();
    indexed.index.changed(Change::Everything);
    let before = search(&indexed.index, "round refund");
    wait(&indexed.index);
    let after = search(&indexed.index, "round refund");
    assert_eq!(before.hits[0].path, after.hits[0].path);
}
