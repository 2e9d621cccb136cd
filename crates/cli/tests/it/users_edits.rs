//! What the user does to files under review: it stays theirs, is never shown as the agent's, and is never lost.

use crate::review::{LIB, NOTES, lib, two_places_and_a_file};
use crate::scene::{Scene, command, edit, short, write};
use crate::support::list;
use kerf_test_support::Fixture;
use rstest::rstest;

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
