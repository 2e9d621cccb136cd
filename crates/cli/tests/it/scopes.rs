//! `kerf diff` by scope, its checks, who made a line, and hunks that wait for a decision of their own.

use crate::{
    scene::{Scene, command, edit, short, write},
    support::Ran,
};
use rstest::rstest;
use serde_json::{Value, json};
use std::process::Command;

const LINES: &str =
    "//- /a.txt\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n//- /b.txt\nb\n";

fn diff(scene: &Scene, arguments: &[&str]) -> Ran {
    scene
        .kerf
        .run(&[&["diff", "--json"], arguments].concat())
        .expect(0)
}

#[expect(clippy::disallowed_methods, reason = "git itself is what a user has")]
fn git(scene: &Scene, arguments: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
        .args(arguments)
        .current_dir(scene.folder.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{arguments:?}: {done:?}");
}

/// A branch with a commit, a task of two turns in it, and a change of the user's besides.
fn branch_with_a_task() -> Scene {
    let scene = Scene::on(LINES, true);
    git(&scene, &["branch", "before"]);
    scene.folder.write("committed.txt", "c\n");
    git(&scene, &["add", "committed.txt"]);
    git(&scene, &["commit", "-qm", "more"]);
    scene.turn([edit("a.txt", &[("two", "2")])]);
    scene.turn([edit("a.txt", &[("nine", "9")]), write("new.txt", "new\n")]);
    scene.folder.write("b.txt", "mine\n");
    scene
}

#[rstest]
#[case::turn(&["--scope", "turn"], &["a.txt +1 -1", "new.txt +1 -0"])]
#[case::task(&["--scope", "task"], &["a.txt +1 -1", "a.txt +1 -1", "new.txt +1 -0"])]
#[case::unsaid(&[], &["a.txt +1 -1", "a.txt +1 -1", "new.txt +1 -0"])]
#[case::uncommitted(&["--scope", "uncommitted"], &["a.txt +1 -1", "a.txt +1 -1", "b.txt +1 -1", "new.txt +1 -0"])]
#[case::branch(&["--scope", "branch", "--base", "before"], &["a.txt +1 -1", "a.txt +1 -1", "b.txt +1 -1", "committed.txt +1 -0", "new.txt +1 -0"])]
#[case::base_alone(&["--base", "before"], &["a.txt +1 -1", "a.txt +1 -1", "b.txt +1 -1", "committed.txt +1 -0", "new.txt +1 -0"])]
fn a_scope_says_which_changes_are_shown(#[case] arguments: &[&str], #[case] shown: &[&str]) {
    let scene = branch_with_a_task();
    let hunk = |line: &Value| {
        let path = line["path"].as_str().unwrap().to_owned();
        format!("{path} +{} -{}", line["added"], line["removed"])
    };
    let found: Vec<String> = diff(&scene, arguments).events.iter().map(hunk).collect();
    assert_eq!(found, shown);
}

#[test]
fn a_base_that_is_none_or_has_no_use_is_told() {
    let scene = branch_with_a_task();
    let told = scene
        .kerf
        .run(&["diff", "--scope", "branch", "--base", "before"])
        .expect(0);
    assert!(
        told.stdout.starts_with("against before at "),
        "{}",
        told.stdout
    );
    scene
        .kerf
        .run(&["diff", "--scope", "branch", "--base", "nowhere"])
        .expect(2);
    scene
        .kerf
        .run(&["diff", "--scope", "turn", "--base", "before"])
        .expect(2);
}

#[test]
fn checks_say_how_they_ended_and_whether_that_still_counts() {
    let scene = Scene::on(LINES, true);
    scene.turn_of([command("true"), command("exit 3")]);
    let checks = |scene: &Scene| -> Vec<Value> {
        let events = diff(scene, &["--checks"]).events;
        let shown =
            |check: &Value| ["command", "outcome", "code", "stale"].map(|name| check[name].clone());
        let mut checks: Vec<Value> = events.iter().map(|check| json!(shown(check))).collect();
        checks.sort_by_key(ToString::to_string);
        checks
    };
    assert_eq!(
        checks(&scene),
        [
            json!(["exit 3", "failed", 3, false]),
            json!(["true", "passed", 0, false])
        ]
    );
    scene.turn([edit("a.txt", &[("two", "2")]), command("grep -q 2 a.txt")]);
    assert_eq!(
        checks(&scene),
        [
            json!(["exit 3", "failed", 3, true]),
            json!(["grep -q 2 a.txt", "passed", 0, false]),
            json!(["true", "passed", 0, true])
        ]
    );
    let told = scene.kerf.run(&["diff", "--checks"]).expect(0).stdout;
    for line in [
        "check failed with exit code 3, before the last change: exit 3\n",
        "check passed: grep -q 2 a.txt\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn who_made_a_line_is_told() {
    let numbers: Vec<String> = (1..=30).map(|number| number.to_string()).collect();
    let scene = Scene::on(&format!("//- /a.txt\n{}\n", numbers.join("\n")), true);
    // Lines go, so that what follows has other numbers than before.
    scene.turn([command("sed -i 2,10d a.txt")]);
    scene.turn([edit("a.txt", &[("20", "twenty")])]);
    let why = |place: &str| scene.kerf.run(&["diff", "--json", "--why", place]);
    for (place, hunk, turn, tool) in [
        ("a.txt:11", 2, 2, "edit_file"),
        // One that was taken away goes by its number from before, where none has it by now.
        ("./a.txt:5", 1, 1, "run_command"),
    ] {
        let told = why(place).expect(0).json();
        let by = &told["made_by"];
        assert_eq!(
            (&told["hunk"], &by["turn"], &by["tool"]),
            (&json!(hunk), &json!(turn), &json!(tool)),
            "{place}: {told}"
        );
    }
    for place in ["a.txt:30", "nowhere:1"] {
        let error = why(place).expect(2).error().clone();
        assert_eq!(error["code"], "not_found", "{place}: {error}");
    }
    let said = scene.kerf.run(&["diff", "--why", "a.txt:11"]).expect(0);
    assert!(
        said.stdout.starts_with("a.txt:11: edit_file, turn 2"),
        "{}",
        said.stdout
    );
}

#[test]
fn hunks_with_hidden_characters_wait_and_are_named() {
    let scene = Scene::on(LINES, true);
    scene.turn([
        edit("a.txt", &[("two", "2"), ("nine", "ni\u{202e}ne")]),
        write("new.txt", "pa\u{200b}ss\n"),
    ]);
    let told = scene.kerf.run(&["accept", "last"]).expect(0).stdout;
    assert_eq!(
        told,
        "1 hunk accepted\n2 hunks still wait, with characters that are hidden or look like others; look at each, and \
         accept it by its number:\n  a.txt:2\n  new.txt:1\n"
    );
    let hunks: Vec<String> = scene.diff().iter().map(short).collect();
    assert_eq!(
        hunks,
        [
            "a.txt:1 accepted +1 -1",
            "a.txt:2 pending +1 -1",
            "new.txt:1 pending +1 -0"
        ]
    );
    let left = scene.decide("accept", []);
    assert_eq!(
        left["held"],
        json!([{"path": "a.txt", "hunk": 2}, {"path": "new.txt", "hunk": 1}])
    );
    scene.decide("accept", ["a.txt:2"]);
    let one = scene.kerf.run(&["accept", "last"]).expect(0).stdout;
    assert!(one.contains("1 hunk still waits, with characters"), "{one}");
}
