//! Attempts that do not begin: stopped while they wait for room, or failing before the model is asked.

use crate::support::{Kerf, list};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use rustix::process::Signal;
use serde_json::Value;

/// The attempts of the last task.
#[track_caller]
fn compared(kerf: &Kerf) -> Vec<Value> {
    let compared = kerf.run(&["attempts", "--json"]).expect(0).json();
    list(&compared["attempts"]).to_vec()
}

/// What the user said in an attempt's conversation.
#[track_caller]
fn said(kerf: &Kerf, attempt: &Value) -> Vec<String> {
    let id = attempt["session"]["id"].as_str().unwrap();
    let shown = kerf.run(&["sessions", "show", id, "--json"]).expect(0);
    let items = shown.events.iter();
    items
        .filter(|item| item["type"] == "user_message")
        .map(|item| item["text"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_stop_reaches_the_attempts_that_have_not_begun() {
    let folder = Fixture::new("//- /a.txt\nA\n").git();
    let server = ModelServer::start(Script::new().turn(Turn::text("Never.").stall_first()));
    let kerf = Kerf::new()
        .server(&server, Wire::Chat)
        .in_repo(&folder)
        .config("[app]\nattempts_at_once = 1\n");
    let running = kerf.spawn(&["exec", "--json", "--attempts", "3", "Go"]);
    let _ = server.wait_for(1);
    running.signal(Signal::INT);
    running.finish().expect(130);
    let attempts = compared(&kerf);
    let states: Vec<&Value> = attempts.iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["cancelled", "cancelled", "cancelled"]);
    assert_eq!(server.requests().len(), 1, "the others asked no model");

    // The request stands in each conversation, and a message goes on with it.
    server.push(Turn::text("Back."));
    let id = attempts[2]["session"]["id"].as_str().unwrap();
    kerf.run(&["resume", "--json", id, "Go on"]).expect(0);
    assert_eq!(said(&kerf, &attempts[2]), ["Go", "Go on"]);
    assert_eq!(compared(&kerf)[2]["state"], "completed");
}

#[test]
fn an_attempt_that_cannot_begin_says_why() {
    let folder = Fixture::new("//- /a.txt\nA\n").git();
    // There is no keyring here, so the key is not found when the endpoint is first needed.
    let endpoint = "[endpoints.mine]\nwire = \"chat\"\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\nkey = \"keyring\"\n";
    let kerf = Kerf::new()
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/kerf-test")
        .in_repo(&folder)
        .config(endpoint);
    let ran = kerf.run(&["exec", "--json", "--attempts", "2", "Go"]);
    ran.expect(1);
    for attempt in compared(&kerf) {
        assert_eq!(attempt["state"], "failed");
        let why = attempt["stopped"].as_str().unwrap();
        assert!(why.contains("key"), "{why}");
        assert_eq!(said(&kerf, &attempt), ["Go"]);
    }
}
