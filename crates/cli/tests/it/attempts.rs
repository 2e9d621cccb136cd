//! Several attempts of one request, by the program as its users run it.

use crate::{
    beside::Beside,
    running::wait_until,
    scene::{Call, command, edit, look, write},
    support::{Ran, list},
};
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::Value;

/// Attempts by models of these names; each answers with its own calls.
fn attempts(scene: &Beside, by: &[(&'static str, Vec<Call>)]) -> Ran {
    attempts_in(scene, "off", by)
}

fn attempts_in(scene: &Beside, sandbox: &str, by: &[(&'static str, Vec<Call>)]) -> Ran {
    for (model, calls) in by {
        let model = *model;
        for (name, arguments) in calls {
            scene
                .server
                .push(Turn::call(name, arguments.clone()).when(move |body| body["model"] == model));
        }
        scene
            .server
            .push(Turn::text("Done.").when(move |body| body["model"] == model));
    }
    let count = by.len().to_string();
    let mut args = vec![
        "exec",
        "--json",
        "--approve",
        "auto",
        "--sandbox",
        sandbox,
        "--attempts",
        &count,
    ];
    for (model, _) in by {
        args.extend(["--model", model]);
    }
    args.push("Make it better");
    scene.kerf.run(&args).expect(0)
}

#[rstest]
#[case::one_after_the_other(1)]
#[case::all_at_once(8)]
fn attempts_are_compared_and_taken_hunk_by_hunk(#[case] at_once: u8) {
    let mut scene = Beside::new();
    scene.kerf = scene
        .kerf
        .config(&format!("[app]\nattempts_at_once = {at_once}\n"));
    attempts(
        &scene,
        &[
            (
                "m1",
                vec![
                    edit("a.txt", &[("three", "3"), ("seven", "7")]),
                    command("exit 3"),
                    command("true"),
                ],
            ),
            (
                "m2",
                vec![
                    edit("a.txt", &[("three", "III"), ("five", "V")]),
                    write("new.txt", "new\n"),
                    command("true"),
                    edit("b.txt", &[("b", "B")]),
                ],
            ),
            ("m3", vec![edit("a.txt", &[("three", "3")])]),
        ],
    );
    let before = look(scene.folder.path());
    let compared = scene.run(&["attempts"]).expect(0).json();
    assert_eq!(compared["request"], "Make it better");
    let attempts = list(&compared["attempts"]);
    let summary: Vec<String> = attempts
        .iter()
        .map(|one| {
            format!(
                "{} {} {} {} +{} -{} {}",
                one["number"],
                one["session"]["endpoint"]["model"],
                one["state"],
                one["files"],
                one["added"],
                one["removed"],
                one["checks"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|check| format!("{}={}", check["command"], check["code"]))
                    .collect::<Vec<_>>()
                    .join(",")
            )
        })
        .collect();
    assert_eq!(
        summary,
        [
            r#"1 "m1" "completed" 1 +2 -2 "exit 3"=3,"true"=0"#,
            r#"2 "m2" "completed" 3 +4 -3 "#,
            r#"3 "m3" "completed" 1 +1 -1 "#,
        ]
    );
    let files: Vec<(&str, Vec<bool>)> = list(&compared["files"])
        .iter()
        .map(|file| {
            (
                file["path"].as_str().unwrap(),
                list(&file["attempts"])
                    .iter()
                    .map(|one| !one.is_null())
                    .collect(),
            )
        })
        .collect();
    assert_eq!(
        files,
        [
            ("a.txt", vec![true, true, true]),
            ("b.txt", vec![false, true, false]),
            ("new.txt", vec![false, true, false])
        ]
    );
    let text = scene.kerf.run(&["attempts", "last"]).expect(0).stdout;
    assert!(
        text.contains("failed with exit code 3  exit 3") && text.contains("new.txt"),
        "{text}"
    );

    // Two of them differ about line 3: nothing is taken, and both are named.
    let task = compared["task_id"].as_str().unwrap();
    let refused = scene.run(&["attempts", "take", task, "1", "2"]).expect(1);
    let message = refused.error()["message"].as_str().unwrap();
    assert!(
        message.contains("attempts 1 and 2") && message.contains("line 3 of a.txt"),
        "{message}"
    );
    assert_eq!(look(scene.folder.path()), before);

    // Attempts 1 and 3 made the same change once; of attempt 2, what goes with it.
    let taken = scene
        .run(&["attempts", "take", task, "3", "1", "2:a.txt:2", "2:new.txt"])
        .expect(0)
        .json();
    assert_eq!(list(&taken["written"]), ["a.txt", "new.txt"]);
    assert_eq!(scene.folder.read("a.txt"), "ONE\ntwo\n3\nfour\nV\nsix\n7\n");
    assert_eq!(
        (scene.folder.read("new.txt"), scene.folder.read("b.txt")),
        ("new\n".to_owned(), "b\n".to_owned())
    );
}

#[test]
fn what_is_taken_is_tried_first_and_checked_afterwards() {
    let mut scene = Beside::new();
    attempts(
        &scene,
        &[
            (
                "m1",
                vec![edit("a.txt", &[("three", "3")]), command("grep -q 3 a.txt")],
            ),
            (
                "m2",
                vec![
                    edit("a.txt", &[("five", "V")]),
                    command("grep -q V a.txt"),
                    command("exit 4"),
                ],
            ),
            ("m3", vec![edit("a.txt", &[("three", "III")])]),
        ],
    );
    let before = look(scene.folder.path());
    let shown = scene
        .run(&["attempts", "take", "last", "1", "2", "--preview"])
        .expect(0)
        .json();
    let files = list(&shown["files"]);
    assert_eq!(files.len(), 1);
    assert_eq!(files[0]["attempts"], serde_json::json!([1, 2]));
    let changed: Vec<String> = list(&files[0]["change"]["hunks"])
        .iter()
        .flat_map(|hunk| list(&hunk["lines"]))
        .filter(|line| line["kind"] != "context")
        .map(|line| format!("{} {}", line["kind"], line["text"]))
        .collect();
    assert_eq!(
        changed,
        [
            r#""removed" "three""#,
            r#""added" "3""#,
            r#""removed" "five""#,
            r#""added" "V""#
        ],
        "the user's own change is not shown as one that would be made"
    );
    let clash = scene
        .run(&["attempts", "take", "last", "1", "3", "--preview"])
        .expect(1)
        .json();
    let conflict = list(&clash["files"])[0]["conflict"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        conflict.contains("attempts 1 and 3") && conflict.contains("line 3"),
        "{conflict}"
    );
    assert_eq!(look(scene.folder.path()), before, "nothing is written");

    // Each passed in its own worktree, and the folder has neither change yet.
    let checked = scene.run(&["attempts", "check", "last"]).expect(1);
    let passed: Vec<&Value> = checked.events.iter().map(|one| &one["passed"]).collect();
    assert_eq!(passed, [false, false]);
    scene.run(&["attempts", "take", "last", "1", "2"]).expect(0);
    let checked = scene.run(&["attempts", "check", "last"]).expect(0);
    let passed: Vec<&Value> = checked.events.iter().map(|one| &one["passed"]).collect();
    assert_eq!(passed, [true, true]);

    // Only what an attempt ran, also a failed one, and nothing that a rule denies.
    scene
        .run(&["attempts", "check", "last", "touch mine"])
        .expect(2);
    assert!(!scene.folder.exists("mine"));
    let failed = scene
        .run(&["attempts", "check", "last", "exit 4"])
        .expect(1);
    assert_eq!(failed.json()["code"], 4);
    scene.kerf = scene.kerf.config("[rules]\ndeny = [\"Bash(grep *)\"]\n");
    let denied = scene.run(&["attempts", "check", "last"]).expect(3);
    assert_eq!(denied.error()["code"], "denied");
}

/// Holds for each of two attempts alone, and not for both together.
const ALONE: &str = "touch out; test -f mine.txt && test $(grep -c '[0-9]' a.txt) -le 1";

#[rstest]
#[case::off("off")]
#[cfg_attr(target_os = "linux", case::workspace_write("workspace-write"))]
fn what_would_be_taken_is_checked_in_a_worktree_of_its_own(#[case] sandbox: &str) {
    let scene = Beside::new();
    scene.folder.write(".gitignore", "out\nnode_modules\n");
    scene.folder.write("node_modules/p/index.js", "js\n");
    let with = |old, new| vec![edit("a.txt", &[(old, new)]), command(ALONE)];
    let last = "test -f node_modules/p/index.js || test ! -e node_modules";
    attempts_in(
        &scene,
        sandbox,
        &[
            ("m1", with("three", "3")),
            ("m2", with("five", "5")),
            ("m3", [with("seven", "VII"), vec![command(last)]].concat()),
        ],
    );
    let before = look(scene.folder.path());
    let take = |more: &[&str]| scene.run(&[&["attempts", "take", "last"], more].concat());
    let passed = |tried: &Value| -> Vec<Value> {
        let checks = list(&tried["checks"]).iter();
        checks.map(|check| check["passed"].clone()).collect()
    };

    let tried = take(&["1", "2", "--check"]).expect(1);
    assert_eq!(passed(&tried.json()), [false, true]);
    let told = scene
        .kerf
        .run(&["attempts", "take", "last", "1", "2", "--check"])
        .expect(1);
    assert!(
        told.stdout.contains("failed with exit code 1")
            && told.stdout.contains("nothing was taken"),
        "{}",
        told.stdout
    );
    let shown = take(&["1", "3", "--check", "--preview"]).expect(0);
    assert_eq!(list(&shown.events[0]["files"]).len(), 1);
    assert_eq!(passed(&shown.events[1]), [true, true]);
    assert_eq!(
        look(scene.folder.path()),
        before,
        "nothing is taken, and what checks write is not in the folder"
    );
    // Nothing of them is left, in git, in the list or on the disk.
    assert_eq!(scene.git(&["worktree", "list"]).lines().count(), 1 + 3);
    let listed = scene.run(&["worktrees"]).expect(0).events;
    assert_eq!(listed.len(), 3);
    let task = std::path::Path::new(listed[0]["path"].as_str().unwrap())
        .parent()
        .unwrap();
    for entry in std::fs::read_dir(task).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.starts_with("check-"), "{name}");
    }

    let taken = take(&["1", "3", "--check"]).expect(0);
    assert_eq!(passed(&taken.events[0]), [true, true]);
    assert_eq!(list(&taken.events[1]["written"]), ["a.txt"]);
    assert_eq!(
        scene.folder.read("a.txt"),
        "ONE\ntwo\n3\nfour\nfive\nsix\nVII\n"
    );
    assert!(!scene.folder.exists("out"));
}

#[test]
fn what_cannot_be_taken_or_checked_is_not_tried() {
    let mut scene = Beside::new();
    attempts(
        &scene,
        &[
            ("m1", vec![edit("a.txt", &[("three", "3")])]),
            (
                "m2",
                vec![edit("a.txt", &[("three", "III")]), command("true")],
            ),
        ],
    );
    let before = look(scene.folder.path());
    let refused = scene
        .run(&["attempts", "take", "last", "1", "2", "--check"])
        .expect(1);
    assert_eq!(refused.error()["code"], "conflict");
    scene.kerf = scene.kerf.config("[rules]\ndeny = [\"Bash(true)\"]\n");
    let denied = scene
        .run(&["attempts", "take", "last", "1", "--check"])
        .expect(3);
    assert_eq!(denied.error()["code"], "denied");
    scene.kerf = scene.kerf.config("");
    // Where the user changed the same, the check does not run either.
    scene
        .folder
        .write("a.txt", "ONE\ntwo\nmine\nfour\nfive\nsix\nseven\n");
    scene
        .run(&["attempts", "take", "last", "1", "--check"])
        .expect(1);
    scene
        .folder
        .write("a.txt", "ONE\ntwo\nthree\nfour\nfive\nsix\nseven\n");
    assert_eq!(look(scene.folder.path()), before);
    assert_eq!(scene.git(&["worktree", "list"]).lines().count(), 1 + 2);
}

#[test]
fn a_kill_while_it_is_checked_leaves_nothing() {
    let scene = Beside::new();
    let room = tempfile::tempdir().unwrap();
    let at = |name: &str| room.path().join(name).display().to_string();
    let check = format!(
        "if [ -e {} ]; then touch {}; exec sleep {}; fi; grep -q 3 a.txt",
        at("held"),
        at("up"),
        crate::control::long_time()
    );
    attempts(
        &scene,
        &[(
            "m1",
            vec![edit("a.txt", &[("three", "3")]), command(&check)],
        )],
    );
    let before = look(scene.folder.path());
    std::fs::write(room.path().join("held"), "").unwrap();
    let running = scene
        .kerf
        .spawn(&["attempts", "take", "last", "1", "--check"]);
    wait_until("the check runs", || room.path().join("up").exists());
    assert_eq!(scene.git(&["worktree", "list"]).lines().count(), 3);
    running.kill();
    let listed = scene.run(&["worktrees"]).expect(0).events;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(scene.git(&["worktree", "list"]).lines().count(), 2);
    assert_eq!(look(scene.folder.path()), before);
    // And it can be tried again.
    std::fs::remove_file(room.path().join("held")).unwrap();
    scene
        .run(&["attempts", "take", "last", "1", "--check"])
        .expect(0);
    assert_eq!(
        scene.folder.read("a.txt"),
        "ONE\ntwo\n3\nfour\nfive\nsix\nseven\n"
    );
}

#[rstest]
#[case::tokens(&["--token-limit", "1000"], "it has used 1402 of its 1000 tokens")]
#[case::budget(&["--budget", "tokens=1k,time=1h"], "it has used 1402 of its 1000 tokens")]
#[case::cost(&["--budget", "cost=0.0030"], "it has cost 0.0042, and its budget is 0.0030")]
#[case::time(&["--budget", "time=2s"], "it has worked for its 2 seconds")]
fn an_attempt_stops_at_its_budget_and_the_others_go_on(
    #[case] limit: &[&str],
    #[case] words: &str,
) {
    let mut scene = Beside::new();
    let prices = "[app.prices.environment]\ninput = 30_000\noutput = 0\n";
    scene.kerf = scene.kerf.config(prices);
    let tokens = |used: u64| kerf_test_support::Tokens {
        input: used,
        cached: 0,
        cache_write: 0,
        output: 1,
        reasoning: 0,
    };
    for step in 0..2 {
        let (name, arguments) = write("a.txt", &format!("{step}\n"));
        scene.server.push(
            Turn::call(name, arguments)
                .tokens(tokens(700))
                .when(|body| body["model"] == "greedy"),
        );
    }
    // It would wait for this one for ever.
    scene.server.push(
        Turn::text("Never.")
            .stall_first()
            .when(|body| body["model"] == "greedy"),
    );
    scene.server.push(
        Turn::text("Done.")
            .tokens(tokens(700))
            .when(|body| body["model"] == "modest"),
    );
    let begin = [
        "exec",
        "--json",
        "--approve",
        "auto",
        "--sandbox",
        "off",
        "--attempts",
        "2",
        "--model",
        "greedy",
        "--model",
        "modest",
    ];
    scene
        .kerf
        .run(&[&begin[..], limit, &["Go"]].concat())
        .expect(0);
    let compared = scene.run(&["attempts"]).expect(0).json();
    let attempts = list(&compared["attempts"]);
    let states: Vec<&Value> = attempts.iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["cancelled", "completed"]);
    assert_eq!(
        attempts[0]["stopped"],
        format!("stopped at its budget: {words}")
    );
    assert_eq!(attempts[1].get("stopped"), None);
}

#[test]
fn what_has_no_price_cannot_be_limited_by_cost() {
    let scene = Beside::new();
    let refused = scene
        .run(&["exec", "--attempts", "2", "--budget", "cost=1", "Go"])
        .expect(2);
    let error = refused.error();
    assert!(
        error["message"].as_str().unwrap().contains("has no price"),
        "{error}"
    );
    assert!(scene.run(&["worktrees"]).expect(0).events.is_empty());
}

#[test]
fn nine_attempts_are_too_many() {
    let scene = Beside::new();
    for count in ["0", "9"] {
        scene.run(&["exec", "--attempts", count, "Go"]).expect(2);
    }
    assert!(scene.run(&["worktrees"]).expect(0).events.is_empty());
}

/// What is taken after its checks is what they ran on, and nothing that came meanwhile.
#[test]
fn what_changed_under_the_checks_is_not_taken() {
    let scene = Beside::new();
    let room = tempfile::tempdir().unwrap();
    let change = room.path().join("change");
    let users = scene.folder.join("a.txt");
    let check = format!(
        "if [ -e {} ]; then sed -i s/ONE/MINE/ {}; fi; grep -q 3 a.txt",
        change.display(),
        users.display()
    );
    attempts(
        &scene,
        &[(
            "m1",
            vec![edit("a.txt", &[("three", "3")]), command(&check)],
        )],
    );
    std::fs::write(&change, "").unwrap();
    let take = ["attempts", "take", "last", "1", "--check"];
    let refused = scene.run(&take);
    assert_ne!(refused.code, 0, "{}", refused.stdout);
    assert!(
        refused.stderr.contains("changed since"),
        "{}",
        refused.stderr
    );
    let rest = "two\nthree\nfour\nfive\nsix\nseven\n";
    assert_eq!(scene.folder.read("a.txt"), format!("MINE\n{rest}"));

    std::fs::remove_file(&change).unwrap();
    scene.run(&take).expect(0);
    let rest = rest.replace("three", "3");
    assert_eq!(scene.folder.read("a.txt"), format!("MINE\n{rest}"));
}
