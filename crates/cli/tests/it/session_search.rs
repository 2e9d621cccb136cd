//! Searching the history: what is found, of which folders, and that every query is words.

use crate::scene::{Scene, command};
use crate::sessions::History;
use kerf_test_support::Fixture;
use rstest::rstest;
use serde_json::Value;
use std::collections::BTreeSet;

/// In how many sessions something was found.
pub(crate) fn sessions(hits: &[Value]) -> usize {
    let ids: BTreeSet<&str> = hits
        .iter()
        .map(|hit| hit["session_id"].as_str().unwrap())
        .collect();
    ids.len()
}

#[rstest]
#[case::a_word("zebra", 1)]
#[case::the_case_does_not_matter("ZEBRA", 1)]
#[case::the_beginning_of_a_word("zeb", 1)]
#[case::not_its_end("bra", 0)]
#[case::words_in_any_order("crossing zebra", 1)]
#[case::all_words("zebra nothing", 0)]
#[case::an_accent("cafe", 1)]
#[case::the_agents_words("answer", 2)]
#[case::other_writing("日本", 1)]
#[case::a_quote("\"", 0)]
#[case::quoted("\"zebra crossing\"", 1)]
#[case::an_open_quote("\"zebra", 1)]
#[case::a_star("*", 0)]
#[case::a_star_behind("zebra*", 1)]
#[case::near("NEAR(", 1)]
#[case::near_whole("NEAR(zebra crossing, 5)", 0)]
#[case::operators("zebra AND crossing", 0)]
#[case::not("NOT zebra", 0)]
#[case::column("text:zebra", 0)]
#[case::caret("^zebra", 1)]
#[case::minus("-zebra", 1)]
#[case::braces("{zebra} (", 1)]
#[case::semicolon("zebra; drop table words; --", 0)]
#[case::nothing("", 0)]
#[case::blanks("  ", 0)]
#[case::nul_like("\\0 \\x00", 0)]
fn every_query_is_words(#[case] query: &str, #[case] hits: usize) {
    let history = History::new();
    history.ask(&history.here, "Draw a zebra crossing near the café 日本語");
    history.ask(&history.here, "Something else");
    history.ask(&history.there, "Draw a zebra crossing");
    let found = history
        .kerf
        .run(&["sessions", "search", "--json", "--", query])
        .expect(0)
        .events;
    assert_eq!(sessions(&found), hits, "{found:#?}");
    for hit in &found {
        let snippet = hit["snippet"].as_str().unwrap();
        assert!(
            snippet.contains('\u{e000}') && snippet.contains('\u{e001}'),
            "{snippet}"
        );
    }
}

#[test]
fn a_search_finds_what_tools_said_and_titles_and_can_be_of_all_folders() {
    let scene = Scene::on("//- /a.txt\n1\n", false);
    let id = scene
        .turn([command("echo an okapi && echo out > b.txt")])
        .session();
    scene
        .kerf
        .run(&["sessions", "rename", &id, "About quaggas"])
        .expect(0);
    let elsewhere = Fixture::new("");
    for (query, args, hits) in [
        ("okapi", &[][..], 1),
        ("quaggas", &[], 1),
        ("okapi", &["-C", elsewhere.path().to_str().unwrap()], 0),
        (
            "okapi",
            &["--all", "-C", elsewhere.path().to_str().unwrap()],
            1,
        ),
        ("okapi", &["--limit", "0"], 0),
    ] {
        let ran = scene
            .kerf
            .run(&[&["sessions", "search", "--json", query], args].concat());
        assert_eq!(sessions(&ran.expect(0).events), hits, "{query} {args:?}");
    }
    let shown = scene
        .kerf
        .run(&["sessions", "search", "okapi"])
        .expect(0)
        .stdout;
    assert!(
        shown.starts_with(&id) && shown.contains("an okapi"),
        "{shown}"
    );
    assert!(!shown.contains('\u{e000}'), "{shown:?}");
    let shown = scene
        .kerf
        .run(&["sessions", "search", "nowhere"])
        .expect(0)
        .stdout;
    assert_eq!(shown, "nothing found\n");
}
