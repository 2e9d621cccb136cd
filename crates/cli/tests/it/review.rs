//! The review: what the agent did, hunk by hunk, decided over many runs of the program.

use crate::scene::{Call, Scene, edit, patch, read, write};
use crate::support::list;
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::{Value, json};

pub(crate) const LIB: &str = "\
//- /src/lib.rs
fn first() {
    one();
}

fn middle() {
    keep();
}

fn last() {
    two();
}
";

/// The library with these three calls in it.
pub(crate) fn lib(one: &str, keep: &str, two: &str) -> String {
    LIB.trim_start_matches("//- /src/lib.rs\n")
        .replace("one()", &format!("{one}()"))
        .replace("keep()", &format!("{keep}()"))
        .replace("two()", &format!("{two}()"))
}

pub(crate) const NOTES: &str = "alpha\nbeta\n";

/// Both outer functions change, and a file comes.
pub(crate) fn two_places_and_a_file() -> [Call; 2] {
    [
        edit("src/lib.rs", &[("one();", "uno();"), ("two();", "due();")]),
        write("notes.txt", NOTES),
    ]
}

#[test]
fn a_hunk_is_a_line_with_the_seven_fields() {
    let scene = Scene::on(LIB, true);
    let ran = scene.turn([edit(
        "src/lib.rs",
        &[("one();", "uno();"), ("two();", "due();\n    tre();")],
    )]);
    let turn = &ran.only("turn.started")["turn_id"];
    let fields = [
        "path", "hunk", "state", "turn", "header", "added", "removed",
    ];
    let lines: Vec<Value> = scene
        .diff()
        .iter()
        .map(|line| fields.iter().map(|name| line[name].clone()).collect())
        .collect();
    assert_eq!(
        lines,
        [
            json!(["src/lib.rs", 1, "pending", turn, "fn first() {", 1, 1]),
            json!(["src/lib.rs", 2, "pending", turn, "fn last() {", 2, 1]),
        ]
    );
}

#[test]
fn people_read_the_same_review() {
    let scene = Scene::on(LIB, false);
    scene.turn(two_places_and_a_file());
    scene.decide("reject", ["src/lib.rs:2"]);
    let shown = scene.kerf.run(&["diff"]).expect(0).stdout;
    for part in [
        "A notes.txt\n  hunk 1  to review  +2 -0",
        "      1 + alpha\n      2 + beta\n",
        "M src/lib.rs\n  hunk 1  to review  +1 -1  fn first() {\n",
        "      2 -     one();\n      2 +     uno();\n",
        "  hunk 2  rejected  +1 -1  fn last() {\n",
        "3 hunks: 2 to go, 0 accepted, 1 rejected\n",
    ] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
}

/// What a decision leaves: the states of `notes.txt` and then `src/lib.rs`, the calls in the library, the notes.
struct Left {
    states: &'static str,
    calls: [&'static str; 2],
    notes: Option<&'static str>,
}

const fn left(states: &'static str, calls: [&'static str; 2], notes: Option<&'static str>) -> Left {
    Left {
        states,
        calls,
        notes,
    }
}

#[rstest]
#[case::accept_a_hunk("accept", &["src/lib.rs:1"], left("PAP", ["uno", "due"], Some(NOTES)), &[])]
#[case::accept_a_file("accept", &["src/lib.rs"], left("PAA", ["uno", "due"], Some(NOTES)), &[])]
#[case::accept_a_created_file("accept", &["notes.txt"], left("APP", ["uno", "due"], Some(NOTES)), &[])]
#[case::accept_all("accept", &[], left("AAA", ["uno", "due"], Some(NOTES)), &[])]
#[case::accept_lines("accept", &["notes.txt:1", "--lines", "1"], left("APPP", ["uno", "due"], Some(NOTES)), &[])]
#[case::reject_the_first_hunk("reject", &["src/lib.rs:1"], left("PRP", ["one", "due"], Some(NOTES)), &["src/lib.rs"])]
#[case::reject_the_last_hunk("reject", &["src/lib.rs:2"], left("PPR", ["uno", "two"], Some(NOTES)), &["src/lib.rs"])]
#[case::reject_a_file("reject", &["./src/lib.rs"], left("PRR", ["one", "two"], Some(NOTES)), &["src/lib.rs"])]
#[case::reject_a_created_file("reject", &["notes.txt"], left("RPP", ["uno", "due"], None), &["notes.txt"])]
#[case::reject_all("reject", &[], left("RRR", ["one", "two"], None), &["notes.txt", "src/lib.rs"])]
#[case::reject_the_first_line("reject", &["notes.txt:1", "--lines", "1"], left("RPPP", ["uno", "due"], Some("beta\n")), &["notes.txt"])]
#[case::reject_the_last_line("reject", &["notes.txt:1", "--lines=2-2"], left("PRPP", ["uno", "due"], Some("alpha\n")), &["notes.txt"])]
#[case::reject_every_line("reject", &["notes.txt:1", "--lines", "1,2"], left("RPP", ["uno", "due"], None), &["notes.txt"])]
fn a_decision_is_kept_and_can_be_undone(
    #[case] verb: &str,
    #[case] arguments: &[&str],
    #[case] left: Left,
    #[case] written: &[&str],
    #[values(false, true)] git: bool,
) {
    let scene = Scene::on(LIB, git);
    scene.turn(two_places_and_a_file());
    let (before, states) = (scene.look(), scene.states());
    assert_eq!(states, "PPP");

    let decided = scene.decide(verb, arguments.iter().copied());
    assert_eq!(decided["written"], json!(written));
    assert_eq!(scene.states(), left.states);
    let [one, two] = left.calls;
    assert_eq!(scene.folder.read("src/lib.rs"), lib(one, "keep", two));
    assert_eq!(scene.folder.exists("notes.txt"), left.notes.is_some());
    if let Some(notes) = left.notes {
        assert_eq!(scene.folder.read("notes.txt"), notes);
    }

    let undone = scene.decide("undo", []);
    assert_eq!(undone["hunks"], decided["hunks"]);
    assert_eq!(undone["written"], json!(written));
    assert_eq!(scene.look(), before);
    assert_eq!(scene.states(), states);
    scene.kerf.run(&["undo", "last"]).expect(2);
}

#[test]
fn one_line_of_a_changed_hunk_is_decided() {
    let scene = Scene::on("//- /a.txt\n1\n2\n3\n4\n", false);
    scene.turn([edit("a.txt", &[("2\n3\n", "two\nthree\n")])]);
    let line = &scene.diff()[0];
    let texts: Vec<Value> = list(&line["lines"])
        .iter()
        .map(|line| line["text"].clone())
        .collect();
    assert_eq!(texts, ["1", "2", "3", "two", "three", "4"]);
    // The lines of the hunk are 1, -2, -3, +two, +three, 4: the second pair is rejected.
    scene.decide("reject", ["a.txt:1", "--lines", "3,5"]);
    assert_eq!(scene.folder.read("a.txt"), "1\ntwo\n3\n4\n");
    scene.decide("accept", []);
    assert_eq!(scene.folder.read("a.txt"), "1\ntwo\n3\n4\n");
    scene.decide("undo", []);
    scene.decide("undo", []);
    assert_eq!(scene.folder.read("a.txt"), "1\ntwo\nthree\n4\n");
    assert_eq!(scene.hunks(), ["a.txt:1 pending +2 -2"]);
}

#[test]
fn decisions_are_undone_from_the_last_to_the_first() {
    let scene = Scene::on(LIB, false);
    scene.turn(two_places_and_a_file());
    let steps = [
        ("accept", "src/lib.rs:1"),
        ("reject", "src/lib.rs:2"),
        ("reject", "notes.txt"),
        ("accept", "src/lib.rs:2"),
        ("reject", "src/lib.rs:1"),
    ];
    let mut seen = vec![(scene.look(), scene.states())];
    for (verb, target) in steps {
        scene.decide(verb, [target]);
        seen.push((scene.look(), scene.states()));
    }
    assert_eq!(
        seen.iter().map(|(_, states)| states).collect::<Vec<_>>(),
        ["PPP", "PAP", "PAR", "RAR", "RAA", "RRA"]
    );
    seen.pop();
    while let Some((look, states)) = seen.pop() {
        scene.decide("undo", []);
        assert_eq!(scene.look(), look);
        assert_eq!(scene.states(), states);
    }
}

#[rstest]
#[case::file(&["nothing.txt"], "nothing.txt is not in this review")]
#[case::unchanged_file(&["other.txt"], "other.txt is not in this review")]
#[case::hunk(&["src/lib.rs:9"], "9")]
#[case::no_hunk(&["src/lib.rs:0"], "0")]
#[case::outside(&["../src/lib.rs"], "not in this review")]
#[case::absolute(&["/etc/passwd"], "not in this review")]
#[case::lines_of_a_file(&["src/lib.rs", "--lines", "1"], "--lines needs a hunk")]
#[case::lines_of_all(&["--lines", "1"], "--lines needs a hunk")]
#[case::no_lines(&["src/lib.rs:1", "--lines", "x"], "`x` are no lines")]
#[case::line_zero(&["src/lib.rs:1", "--lines", "0"], "`0` are no lines")]
#[case::backward(&["src/lib.rs:1", "--lines", "3-1"], "`3-1` are no lines")]
#[case::line_beyond(&["src/lib.rs:1", "--lines", "6-7"], "src/lib.rs:1 has no line 7: it has 6")]
fn a_wrong_target_changes_nothing(#[case] target: &[&str], #[case] told: &str) {
    let scene = Scene::on(&format!("{LIB}//- /other.txt\nx\n"), false);
    scene.turn(two_places_and_a_file());
    let before = scene.look();
    for verb in ["accept", "reject"] {
        let args: Vec<&str> = [verb, "last"]
            .into_iter()
            .chain(target.iter().copied())
            .collect();
        let ran = scene.kerf.run(&args).expect(2);
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    assert_eq!(scene.look(), before);
    assert_eq!(scene.states(), "PPP");
}

#[rstest]
// What waits and is changed again is one change from what was there first.
#[case::on_a_pending_hunk("", "src/lib.rs:1 pending +1 -1", "one")]
// What was accepted is the new ground.
#[case::on_an_accepted_hunk("accept", "src/lib.rs:1 pending +1 -1", "uno")]
fn a_second_turn_edits_the_same_line(#[case] verb: &str, #[case] hunk: &str, #[case] back: &str) {
    let scene = Scene::on(LIB, true);
    scene.turn([edit("src/lib.rs", &[("one();", "uno();")])]);
    if !verb.is_empty() {
        scene.decide(verb, []);
    }
    scene.turn([edit("src/lib.rs", &[("uno();", "eins();")])]);
    assert_eq!(scene.hunks(), [hunk]);
    scene.decide("reject", []);
    assert_eq!(scene.folder.read("src/lib.rs"), lib(back, "keep", "two"));
    scene.decide("undo", []);
    assert_eq!(scene.folder.read("src/lib.rs"), lib("eins", "keep", "two"));
}

#[test]
fn a_rejected_change_can_be_proposed_again() {
    let scene = Scene::on(LIB, false);
    for state in ["P", "P"] {
        scene.turn([edit("src/lib.rs", &[("one();", "uno();")])]);
        assert_eq!(scene.states(), state);
        scene.decide("reject", []);
        assert_eq!(scene.folder.read("src/lib.rs"), lib("one", "keep", "two"));
    }
}

#[test]
fn a_hunk_tells_its_turn_and_its_tool_call() {
    let scene = Scene::on(LIB, false);
    let first = scene.turn([edit("src/lib.rs", &[("one();", "uno();")])]);
    let second = scene.turn([
        read("src/lib.rs"),
        edit("src/lib.rs", &[("keep();", "hold();")]),
        patch("*** Update File: src/lib.rs\n@@ fn last() {\n-    two();\n+    due();\n"),
    ]);
    let turn = |ran: &crate::support::Ran| ran.only("turn.started")["turn_id"].clone();
    let call = |ran: &crate::support::Ran, n: usize| ran.calls()[n]["id"].clone();
    let expected = [
        (turn(&first), call(&first, 0)),
        (turn(&second), call(&second, 1)),
        (turn(&second), call(&second, 2)),
    ];
    let lines = scene.diff();
    let found: Vec<(Value, Value)> = lines
        .iter()
        .map(|line| {
            assert_eq!(line["turn"], line["authors"][0]["turn_id"]);
            assert_eq!(line["authors"][0]["type"], "tool");
            (line["turn"].clone(), line["authors"][0]["item_id"].clone())
        })
        .collect();
    assert_eq!(found, expected);
    assert_ne!(turn(&first), turn(&second));

    // A line that both turns changed names both.
    let third = scene.turn([edit("src/lib.rs", &[("uno();", "eins();")])]);
    let authors: Vec<Value> = list(&scene.diff()[0]["authors"])
        .iter()
        .map(|author| author["turn_id"].clone())
        .collect();
    assert_eq!(authors, [turn(&first), turn(&third)]);
}

#[test]
fn deciding_again_is_no_decision_to_undo() {
    let scene = Scene::on(LIB, false);
    scene.turn(two_places_and_a_file());
    scene.decide("reject", ["src/lib.rs:1"]);
    for (verb, target) in [("reject", "src/lib.rs:1"), ("reject", "src/lib.rs:1")] {
        assert_eq!(scene.decide(verb, [target])["hunks"], 0);
    }
    scene.decide("undo", []);
    assert_eq!(scene.states(), "PPP");
    assert_eq!(scene.folder.read("src/lib.rs"), lib("uno", "keep", "due"));
}

#[test]
fn a_review_without_changes_says_so() {
    let scene = Scene::on(LIB, false);
    scene.turn([read("src/lib.rs")]);
    assert!(scene.hunks().is_empty());
    let shown = scene.kerf.run(&["diff"]).expect(0).stdout;
    assert_eq!(shown, "nothing to review\n");
    let decided = scene.decide("reject", []);
    assert_eq!(decided["hunks"], 0);
}

#[test]
fn the_review_of_a_session_is_its_own() {
    let scene = Scene::on(LIB, false);
    let first = scene
        .turn([edit("src/lib.rs", &[("one();", "uno();")])])
        .session();
    let free = ["exec", "--json", "--approve", "auto", "--sandbox", "off"];
    let (name, arguments) = edit("src/lib.rs", &[("two();", "due();")]);
    scene.server.push(Turn::call(name, arguments));
    scene.server.push(Turn::text("Done."));
    let second = scene
        .kerf
        .run(&[&free[..], &["more"]].concat())
        .expect(0)
        .session();
    let lines = |session: &str| -> Vec<String> {
        let ran = scene.kerf.run(&["diff", session, "--json"]).expect(0);
        ran.events
            .iter()
            .map(|line| line["header"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(lines(&first), ["fn first() {"]);
    assert_eq!(lines(&second), ["fn last() {"]);
    scene.kerf.run(&["reject", &first]).expect(0);
    assert_eq!(scene.folder.read("src/lib.rs"), lib("one", "keep", "due"));
    assert_eq!(lines(&second), ["fn last() {"]);
}

#[test]
fn a_review_needs_no_model_server() {
    let scene = Scene::on(LIB, false);
    scene.turn(two_places_and_a_file());
    let Scene {
        folder,
        server,
        kerf,
        ..
    } = scene;
    let session = kerf.run(&["sessions", "--json"]).expect(0).events[0]["id"].clone();
    let session = session.as_str().unwrap();
    drop(server);
    let kerf = kerf.env("KERF_WIRE", "nonsense");
    assert_eq!(
        kerf.run(&["diff", session, "--json"])
            .expect(0)
            .events
            .len(),
        3
    );
    kerf.run(&["reject", session]).expect(0);
    assert_eq!(folder.read("src/lib.rs"), lib("one", "keep", "two"));
    kerf.run(&["undo", session]).expect(0);
    assert_eq!(folder.read("src/lib.rs"), lib("uno", "keep", "due"));
}
