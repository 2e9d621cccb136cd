//! What commands change: found, told with the call, reviewed; also by a job in the background.

use crate::files::BYSTANDERS;
use crate::scene::{Call, Scene, command, edit};
use crate::{running::wait_until, support::list};
use kerf_test_support::{Step, Turn};
use rstest::rstest;
use serde_json::{Value, json};

#[rstest]
#[case::and_a_command_follows(Some(command("true")))]
#[case::and_an_edit_follows(Some(edit("mine.txt", &[("the user", "The user")])))]
#[case::and_the_turn_ends(None)]
fn what_a_job_in_the_background_changes_is_reviewed(#[case] then: Option<Call>) {
    let scene = Scene::on(BYSTANDERS, false);
    let job = json!({ "command": "echo 1 > a.txt", "background": true });
    scene.server.push(Turn::call("run_command", job));
    let next = Turn::text("Working").and(Step::Hold);
    scene.server.push(match then {
        Some((name, arguments)) => next.and_call(name, arguments),
        None => next.and_text("."),
    });
    scene.server.push(Turn::text("Done."));
    let free = [
        "exec",
        "--json",
        "--approve",
        "auto",
        "--sandbox",
        "off",
        "Go",
    ];
    let mut running = scene.kerf.spawn(&free);
    running.wait_for("the first words", |event| event["delta"] == "Working");
    wait_until("the job wrote", || {
        scene.folder.exists("a.txt") && !scene.folder.read("a.txt").is_empty()
    });
    scene.server.release_all();
    running.close_stdin();
    let ran = running.finish().expect(0);

    let lines = scene.diff();
    assert_eq!(lines[0]["path"], "a.txt", "{lines:#?}");
    assert_eq!(lines[0]["authors"][0]["type"], "command");
    assert_eq!(lines[0]["authors"][0]["item_id"], ran.calls()[0]["id"]);
    scene.decide("reject", ["a.txt"]);
    assert!(!scene.folder.exists("a.txt"));
    // What changes between the turns is the user's.
    scene.folder.write("later.txt", "the user's\n");
    scene
        .server
        .push(Turn::call("run_command", json!({ "command": "true" })));
    scene.server.push(Turn::text("Done."));
    scene.kerf.run(&["resume", "--last", "More"]).expect(0);
    let told = scene.hunks();
    assert!(
        !told.iter().any(|hunk| hunk.contains("later.txt")),
        "{told:?}"
    );
}

#[test]
fn what_git_does_is_no_change_of_the_files() {
    let scene = Scene::on(BYSTANDERS, true);
    scene.turn([command(
        "git config user.name A && git config user.email a@example.invalid && git checkout -q -b other && \
         echo 1 > a.txt && git add -A && git commit -q -m 'One'",
    )]);
    assert_eq!(scene.hunks(), ["a.txt:1 pending +1 -0"]);
    scene.decide("reject", []);
    assert!(!scene.folder.exists("a.txt"));
}

#[test]
fn a_command_that_fails_still_shows_what_it_changed() {
    let scene = Scene::on(BYSTANDERS, false);
    let ran = scene.turn_of([command("echo 1 > a.txt; exit 3")]);
    let call = ran.calls()[0];
    assert_eq!(call["status"], "failed");
    assert_eq!(
        call["changes"],
        json!([{ "path": "a.txt", "kind": "created" }])
    );
    assert_eq!(scene.hunks(), ["a.txt:1 pending +1 -0"]);
}

#[test]
fn a_tool_call_lists_what_it_changed() {
    let scene = Scene::on("//- /a.txt\n1\n//- /b.txt\n1\n//- /c.txt\n1\n", true);
    let ran = scene.turn([
        command("echo 2 > a.txt && rm b.txt && mv c.txt d.txt"),
        edit("a.txt", &[("2", "3")]),
        command("true"),
        command("echo 3 > a.txt"),
    ]);
    let changes: Vec<Value> = ran
        .calls()
        .iter()
        .map(|call| {
            let changes = list(&call["changes"]);
            changes
                .iter()
                .map(|it| {
                    format!(
                        "{} {}",
                        it["kind"].as_str().unwrap(),
                        it["path"].as_str().unwrap()
                    )
                })
                .collect()
        })
        .collect();
    assert_eq!(
        changes,
        [
            json!([
                "modified a.txt",
                "deleted b.txt",
                "deleted c.txt",
                "created d.txt"
            ]),
            json!(["modified a.txt"]),
            json!([]),
            // The same bytes again are no change.
            json!([]),
        ]
    );
}
