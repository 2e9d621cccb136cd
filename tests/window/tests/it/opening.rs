//! From a folder to bytes on disk, over the death of the program and a second start.

use kerf_test_support::{Fixture, ModelServer, Script, Step, Turn};
use serde_json::json;
use window_tests::{Desk, ENTER, until};

const LINES: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\neleven\ntwelve\n";

fn hunk(number: u32, button: &str) -> String {
    format!(
        "//*[@aria-label='Hunk {number} of list.txt']//button[starts-with(normalize-space(.),'{button}')]"
    )
}

#[test]
fn decisions_outlive_the_program() {
    let project = Fixture::new(&format!("//- /list.txt\n{LINES}")).git();
    let edits = json!({ "path": "list.txt", "edits": [
        { "old": "two\n", "new": "TWO\n" },
        { "old": "eleven\n", "new": "ELEVEN\n" },
    ]});
    let model = ModelServer::start(
        Script::new()
            .turn(
                Turn::text("The first piece. ")
                    .and(Step::Hold)
                    .and_text("The second piece.")
                    .and_call("read_file", json!({ "path": "list.txt" })),
            )
            .turn(Turn::call("edit_file", edits))
            .turn(Turn::text("Both lines are loud now.")),
    );
    let desk = Desk::new(&model);
    let window = desk.open(&[project.path()]);
    window.type_in(
        "textarea[aria-label=Message]",
        &format!("Make two lines loud{ENTER}"),
    );
    window.see("The first piece.");
    let text = window.eval("return document.body.innerText");
    assert!(!text.to_string().contains("The second piece."), "{text}");
    model.release();
    window.see("The second piece.");
    window.click_until(
        "//button[normalize-space()='Allow once']",
        "document.body.innerText.includes('loud now')",
    );
    window.click(&hunk(1, "Accept"));
    window.wait("document.querySelector(\"[aria-label='Hunk 1 of list.txt']\").innerText.includes('accepted')");
    window.click(&hunk(2, "Reject"));
    let kept = LINES.replace("two", "TWO");
    until("the rejected hunk is written back", || {
        project.read("list.txt") == kept
    });

    // Shown is written down.
    window.see("1 of 2 hunks accepted, 1 rejected, none to go");
    desk.kill("kerf-desktop");
    let window = desk.open(&[project.path()]);
    window.click("//button[@data-task]");
    for text in [
        "Make two lines loud",
        "The first piece. The second piece.",
        "Both lines are loud now.",
    ] {
        window.see(text);
    }
    window.see("1 of 2 hunks accepted, 1 rejected, none to go");
    assert_eq!(project.read("list.txt"), kept);
}

#[test]
fn a_second_start_hands_its_folder_over() {
    let first = Fixture::new("//- /a.txt\na\n").git();
    let second = Fixture::new("//- /b.txt\nb\n").git();
    let model = ModelServer::start(Script::new());
    let desk = Desk::new(&model);
    let window = desk.open(&[first.path()]);
    let running = desk.processes("kerf-desktop");
    assert_eq!(running.len(), 1);
    assert!(desk.start_again(&[second.path()]).success());
    let name = second.path().file_name().unwrap().to_string_lossy();
    window.wait(&format!(
        "document.querySelector('header .project').textContent === {}",
        json!(name)
    ));
    assert_eq!(desk.processes("kerf-desktop"), running, "it is one process");
}
