//! The review: what the agent did, hunk by hunk, decided over many runs of the program, and what the user did besides.

use crate::scene::{Call, Scene, command, edit, patch, read, short, write};
use crate::support::list;
use kerf_test_support::{Fixture, Turn};
use rstest::rstest;
use serde_json::{Value, json};

const LIB: &str = "\
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
fn lib(one: &str, keep: &str, two: &str) -> String {
    LIB.trim_start_matches("//- /src/lib.rs\n")
        .replace("one()", &format!("{one}()"))
        .replace("keep()", &format!("{keep}()"))
        .replace("two()", &format!("{two}()"))
}

const NOTES: &str = "alpha\nbeta\n";

/// Both outer functions change, and a file comes.
fn two_places_and_a_file() -> [Call; 2] {
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

/// What the user does, when the agent is not at it.
type Deed = fn(&Fixture);

fn nothing(_: &Fixture) {}

/// Changes a file in place, as an editor does.
fn put(folder: &Fixture, path: &str, from: &str, to: &str) {
    let text = folder.read(path);
    assert!(text.contains(from), "{from:?} in {text:?}");
    folder.write(path, text.replace(from, to));
}

#[rstest]
#[case::other_lines_after_the_turn(
    nothing,
    |folder: &Fixture| put(folder, "src/lib.rs", "keep", "kept"),
    &["src/lib.rs:1 pending +1 -1", "src/lib.rs:2 pending +1 -1"],
    &lib("one", "kept", "two"),
)]
#[case::lines_put_in_above(
    nothing,
    |folder: &Fixture| put(folder, "src/lib.rs", "fn first", "// mine\n\nfn first"),
    &["src/lib.rs:1 pending +1 -1", "src/lib.rs:2 pending +1 -1"],
    &format!("// mine\n\n{}", lib("one", "keep", "two")),
)]
#[case::a_line_right_below_a_hunk(
    nothing,
    |folder: &Fixture| put(folder, "src/lib.rs", "    uno();\n", "    uno();\n    mine();\n"),
    &["src/lib.rs:1 pending +1 -1", "src/lib.rs:2 pending +1 -1"],
    &lib("one", "keep", "two").replace("one();\n", "one();\n    mine();\n"),
)]
#[case::a_line_right_above_a_hunk(
    nothing,
    |folder: &Fixture| put(folder, "src/lib.rs", "    uno();\n", "    mine();\n    uno();\n"),
    &["src/lib.rs:1 pending +1 -1", "src/lib.rs:2 pending +1 -1"],
    &lib("one", "keep", "two").replace("    one();\n", "    mine();\n    one();\n"),
)]
#[case::before_the_session(
    |folder: &Fixture| put(folder, "src/lib.rs", "keep", "kept"),
    nothing,
    &["src/lib.rs:1 pending +1 -1", "src/lib.rs:2 pending +1 -1"],
    &lib("one", "kept", "two"),
)]
#[case::a_hunk_taken_back_by_hand(
    nothing,
    |folder: &Fixture| put(folder, "src/lib.rs", "uno", "one"),
    &["src/lib.rs:1 pending +1 -1"],
    &lib("one", "keep", "two"),
)]
#[case::inside_a_hunk(
    nothing,
    |folder: &Fixture| put(folder, "src/lib.rs", "uno();", "uno(mine);"),
    &["src/lib.rs:1 pending +1 -1", "src/lib.rs:2 pending +1 -1"],
    &lib("one", "keep", "two"),
)]
fn what_the_user_edits_is_not_the_agents(
    #[case] before: Deed,
    #[case] after: Deed,
    #[case] hunks: &[&str],
    #[case] left: &str,
    #[values(false, true)] git: bool,
) {
    let scene = Scene::on(LIB, git);
    before(&scene.folder);
    scene.turn([edit(
        "src/lib.rs",
        &[("one();", "uno();"), ("two();", "due();")],
    )]);
    after(&scene.folder);
    assert_eq!(scene.hunks(), hunks);
    let with_the_user = scene.look();
    scene.decide("reject", []);
    assert_eq!(scene.folder.read("src/lib.rs"), left);
    scene.decide("undo", []);
    assert_eq!(scene.look(), with_the_user);
    scene.decide("accept", []);
    assert_eq!(scene.look(), with_the_user);
}

#[test]
fn a_user_who_edits_inside_a_hunk_is_told_as_its_author() {
    let scene = Scene::on(LIB, false);
    scene.turn([edit("src/lib.rs", &[("one();", "uno();\n    due();")])]);
    put(&scene.folder, "src/lib.rs", "due();", "tre();");
    let lines = scene.diff();
    assert_eq!(
        lines.iter().map(short).collect::<Vec<_>>(),
        ["src/lib.rs:1 pending +2 -1"]
    );
    let authors: Vec<&str> = list(&lines[0]["authors"])
        .iter()
        .map(|author| author["type"].as_str().unwrap())
        .collect();
    assert_eq!(authors, ["tool", "user"]);
}

#[rstest]
fn what_the_user_edits_between_two_turns_stays(
    #[values(false, true)] git: bool,
    #[values(false, true)] by_command: bool,
) {
    let other = "//- /mine.txt\nold\n//- /gone.txt\ngone\n//- /both.txt\na\nb\nc\nd\ne\n";
    let scene = Scene::on(&format!("{LIB}{other}"), git);
    scene.turn([edit("src/lib.rs", &[("one();", "uno();")])]);
    put(&scene.folder, "src/lib.rs", "two", "zwei");
    scene.folder.write("mine.txt", "new\n");
    scene.folder.write("fresh/mine.txt", "fresh\n");
    scene.folder.remove("gone.txt");
    put(&scene.folder, "both.txt", "a\n", "A\n");
    if by_command && cfg!(unix) {
        scene.turn([command(
            "sed -i s/keep/hold/ src/lib.rs; sed -i s/e/E/ both.txt",
        )]);
    } else {
        scene.turn([
            edit("src/lib.rs", &[("keep();", "hold();")]),
            edit("both.txt", &[("e", "E")]),
        ]);
    }
    assert_eq!(
        scene.hunks(),
        [
            "both.txt:1 pending +1 -1",
            "src/lib.rs:1 pending +1 -1",
            "src/lib.rs:2 pending +1 -1",
        ]
    );
    scene.folder.write("fresh/later.txt", "later\n");
    scene.decide("reject", []);
    assert_eq!(scene.folder.read("src/lib.rs"), lib("one", "keep", "zwei"));
    assert_eq!(scene.folder.read("both.txt"), "A\nb\nc\nd\ne\n");
    assert_eq!(scene.folder.read("mine.txt"), "new\n");
    assert_eq!(scene.folder.read("fresh/mine.txt"), "fresh\n");
    assert_eq!(scene.folder.read("fresh/later.txt"), "later\n");
    assert!(!scene.folder.exists("gone.txt"));
}

#[test]
fn a_decision_whose_lines_changed_since_is_not_undone_and_nothing_is_lost() {
    let scene = Scene::on(LIB, false);
    scene.turn(two_places_and_a_file());
    scene.decide("reject", []);
    // The user now writes where the first hunk would come back.
    put(&scene.folder, "src/lib.rs", "one();", "mine();");
    let before = scene.look();
    let ran = scene.kerf.run(&["undo", "last"]).expect(1);
    assert!(ran.stderr.contains("src/lib.rs"), "{}", ran.stderr);
    assert_eq!(scene.look(), before);
    assert_eq!(scene.hunks()[0], "notes.txt:1 rejected +2 -0");
}

#[test]
fn a_created_file_that_the_user_removed_is_no_longer_in_the_review() {
    let scene = Scene::on(LIB, false);
    scene.turn([
        write("notes.txt", NOTES),
        edit("src/lib.rs", &[("one();", "uno();")]),
    ]);
    scene.folder.remove("notes.txt");
    assert_eq!(scene.hunks(), ["src/lib.rs:1 pending +1 -1"]);
    scene.decide("reject", []);
    assert!(!scene.folder.exists("notes.txt"));
}

#[test]
fn a_rejected_file_that_the_user_wrote_again_is_the_users() {
    let scene = Scene::on(LIB, false);
    scene.turn([write("notes.txt", NOTES)]);
    scene.decide("reject", []);
    scene.folder.write("notes.txt", "mine\n");
    scene.kerf.run(&["undo", "last"]).expect(1);
    assert_eq!(scene.folder.read("notes.txt"), "mine\n");
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
fn a_comment_goes_with_the_next_message_once() {
    let scene = Scene::on(LIB, false);
    scene.turn([edit("src/lib.rs", &[("one();", "uno();")])]);
    for (place, text) in [
        ("src/lib.rs:2", "Why in Italian?"),
        ("src/lib.rs:1-3", "And `both` lines?"),
    ] {
        let said = scene.kerf.run(&["comment", "last", place, text]).expect(0);
        assert_eq!(said.stdout, "goes to the agent with your next message\n");
    }
    scene.server.push(Turn::text("Because."));
    let ran = scene.say("See my comments");
    let comments: Vec<Value> = list(&ran.items_of("user_message")[0]["comments"])
        .iter()
        .map(|it| {
            json!([
                it["path"],
                it["first_line"],
                it["last_line"],
                it["excerpt"],
                it["text"]
            ])
        })
        .collect();
    assert_eq!(
        comments,
        [
            json!(["src/lib.rs", 2, 2, "    uno();", "Why in Italian?"]),
            json!([
                "src/lib.rs",
                1,
                3,
                "fn first() {\n    uno();\n}",
                "And `both` lines?"
            ]),
        ]
    );
    let asked = |text: &str| {
        let requests = scene.server.requests();
        let seen = requests.last().unwrap().seen();
        seen.texts
            .iter()
            .filter(|(role, said)| role == "user" && said.contains(text))
            .count()
    };
    assert_eq!(asked("Why in Italian?"), 1);
    scene.server.push(Turn::text("Yes."));
    let ran = scene.say("Go on");
    assert!(list(&ran.items_of("user_message")[0]["comments"]).is_empty());
    // It is in the history once, and not said again.
    assert_eq!(asked("Why in Italian?"), 1);
}

#[rstest]
#[case::no_line(&["comment", "last", "src/lib.rs", "x"], 2)]
#[case::line_zero(&["comment", "last", "src/lib.rs:0", "x"], 2)]
#[case::backward(&["comment", "last", "src/lib.rs:3-2", "x"], 2)]
#[case::empty(&["comment", "last", "src/lib.rs:1", "  "], 2)]
fn a_wrong_comment_is_refused(#[case] args: &[&str], #[case] code: i32) {
    let scene = Scene::on(LIB, false);
    scene.turn([read("src/lib.rs")]);
    scene.kerf.run(args).expect(code);
    scene.server.push(Turn::text("Yes."));
    let ran = scene.say("Go on");
    assert!(list(&ran.items_of("user_message")[0]["comments"]).is_empty());
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
