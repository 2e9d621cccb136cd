//! Kerf with a real model, small enough to run anywhere: `cargo xtask test --real-model` starts the server.
//!
//! The model knows next to nothing, and nothing here asks it to be right. What it says and calls is material that no
//! script would think of; whatever it is, Kerf streams it, runs only what is valid, says clearly what went wrong, and
//! keeps its hands off everything else. Compiled only with the feature `real-model`: without the server all of it fails.

use crate::support::{Kerf, Ran, items_of, list};
use kerf_test_support::{
    Fixture,
    tree::{self, Tree},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// The workspace is the folder `repo`; everything beside it is none of Kerf's business.
const FILES: &str = "\
//- /canary.txt
untouched
//- /beside/notes.md
untouched
//- /repo/README.md
# Adder
//- /repo/adder.py
def add(a, b):
    return a - b
";

/// Requests that the model answers with calls: fitting ones, wrong ones, and ones that it cannot end.
const REQUESTS: [&str; 4] = [
    "Read the file adder.py.",
    "Write the file hello.txt.",
    "Fix the bug in adder.py.",
    "Run the command \"ls\".",
];

/// Runs to the end, however long the model takes: the runner of `xtask` stops what hangs.
fn run(kerf: &Kerf, args: &[&str]) -> Ran {
    let output = kerf.command(args).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    println!("$ kerf {}\n{stdout}{stderr}", args.join(" "));
    Ran {
        code: output.status.code().unwrap_or(-1),
        events: stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
        stdout,
        stderr,
    }
}

fn room() -> (Fixture, Kerf) {
    let files = Fixture::new(FILES).git();
    let kerf = Kerf::new().in_folder(&files.join("repo"));
    (files, kerf)
}

#[test]
fn discovery_finds_the_server() {
    let (_files, kerf) = room();
    let found = run(&kerf, &["endpoints", "discover", "--json"])
        .expect(0)
        .events;
    let [server] = found.as_slice() else {
        panic!(
            "other local servers answer too, or none: stop them, the first one is what Kerf chooses"
        );
    };
    let endpoint = &server["endpoint"];
    assert_eq!(endpoint["name"], "llama.cpp");
    assert_eq!(endpoint["origin"], "discovered");
    assert_eq!(endpoint["wire"], "chat");
    assert_eq!(endpoint["context_window"], 8192);
    assert_eq!(endpoint["model"], server["models"][0]["id"]);
}

#[test]
fn a_conversation_streams_and_goes_on() {
    let (files, kerf) = room();
    let before = files.tree();
    let first = run(
        &kerf,
        &[
            "exec",
            "--json",
            "What is the capital of France? Answer in one sentence.",
        ],
    )
    .expect(0);
    check_endpoint(&first);
    check_stream(&first);

    let session = first.session();
    let second = run(
        &kerf,
        &[
            "resume",
            "--json",
            &session,
            "And of Spain? Answer in one sentence.",
        ],
    )
    .expect(0);
    assert_eq!(second.session(), session);
    assert_eq!(second.only("session.started")["resumed"], true);
    check_stream(&second);

    let said = items_of(
        &run(&kerf, &["sessions", "export", &session])
            .expect(0)
            .events[0],
    );
    let users = said
        .iter()
        .filter(|item| item["type"] == "user_message")
        .count();
    assert_eq!(users, 2);
    assert_eq!(files.tree(), before, "talk changes no file");
}

/// Kerf chose the server by itself: nothing is configured. The practice endpoint would answer too and prove nothing.
fn check_endpoint(ran: &Ran) {
    let endpoint = &ran.only("session.started")["endpoint"];
    assert_eq!(endpoint["name"], "llama.cpp", "{}", ran.stdout);
    assert_eq!(endpoint["origin"], "discovered", "{}", ran.stdout);
}

/// The text came in pieces that make up the message, and the tokens were counted by the server.
fn check_stream(ran: &Ran) {
    let messages = ran.items_of("agent_message");
    let [message] = messages.as_slice() else {
        panic!("{} messages instead of one", messages.len());
    };
    let pieces: Vec<&str> = ran
        .of("item.updated")
        .into_iter()
        .filter(|event| event["item_id"] == message["id"])
        .map(|event| event["delta"].as_str().unwrap())
        .collect();
    assert!(pieces.len() > 1, "one piece is no stream");
    assert_eq!(pieces.concat(), message["text"].as_str().unwrap());
    let usage = &ran.only("turn.completed")["usage"];
    assert_eq!(usage["estimated"], false);
    assert!(usage["input_tokens"].as_u64() > Some(0));
    assert!(usage["output_tokens"].as_u64() > Some(1));
}

#[test]
fn whatever_it_calls_does_no_harm() {
    let mut calls = 0;
    for request in REQUESTS {
        let (files, kerf) = room();
        let before = tree::parse(&files.tree());
        let ran = run(&kerf, &["exec", "--json", "--approve", "never", request]);
        check_endpoint(&ran);
        check_end(&ran);
        let session = ran.session();
        let transcript = items_of(
            &run(&kerf, &["sessions", "export", &session])
                .expect(0)
                .events[0],
        );
        let called: Vec<&Value> = transcript
            .iter()
            .filter(|item| item["type"] == "tool_call")
            .collect();
        for call in &called {
            let status = call["status"].as_str().unwrap();
            assert!(
                matches!(status, "completed" | "failed" | "denied" | "cancelled"),
                "{request}: no result: {call}"
            );
            assert!(
                call["output"]
                    .as_str()
                    .is_some_and(|output| !output.trim().is_empty()),
                "{request}: the model is told nothing: {call}"
            );
            assert!(call["arguments"].is_object(), "{request}: {call}");
        }
        check_files(request, &before, &tree::parse(&files.tree()), &called);
        calls += called.len();
    }
    // Without a call the rest of this test shows nothing.
    assert!(
        calls > 0,
        "the model called no tool at all: is the chat template of serve.py in use?"
    );
}

/// The turn ended, well or with an error that says what happened and what to do.
fn check_end(ran: &Ran) {
    let failed = ran.of("turn.failed");
    match ran.code {
        0 => assert_eq!(ran.of("turn.completed").len(), 1, "{}", ran.stdout),
        1 => {
            let [failed] = failed.as_slice() else {
                panic!("{} ends\n{}\n{}", failed.len(), ran.stdout, ran.stderr);
            };
            for field in ["code", "message", "hint"] {
                let text = failed["error"][field].as_str();
                assert!(
                    text.is_some_and(|text| !text.is_empty()),
                    "`{field}` is missing: {failed}"
                );
            }
        }
        other => panic!("exit code {other}\n{}\n{}", ran.stdout, ran.stderr),
    }
    let ids = |name: &str| -> BTreeSet<String> {
        ran.of(name)
            .iter()
            .map(|event| event["item"]["id"].to_string())
            .collect()
    };
    assert_eq!(
        ids("item.started"),
        ids("item.completed"),
        "an item was left open"
    );
}

/// Nothing changed but what calls of the transcript say that they changed, and that is inside the folder.
fn check_files(request: &str, before: &Tree, after: &Tree, calls: &[&Value]) {
    let told: BTreeSet<String> = calls
        .iter()
        .flat_map(|call| list(&call["changes"]))
        .map(|change| format!("repo/{}", change["path"].as_str().unwrap()))
        .collect();
    let changed: BTreeSet<String> = before
        .keys()
        .chain(after.keys())
        .filter(|path| before.get(path) != after.get(path))
        .map(ToString::to_string)
        .collect();
    assert!(
        changed.is_subset(&told),
        "{request}: changed {changed:?}, and the transcript tells of {told:?}"
    );
}
