//! One task from end to end on each wire: look, read, edit, run, answer; then what must travel back and forth.

use crate::support::{Kerf, WIRES, list, wire_name};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Tokens, Turn};
use rstest::rstest;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};

/// The smallest PNG: one pixel.
const PNG: &[u8] = &[
    0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0x0D, 0x49, 0x48, 0x44, 0x52, 0, 0, 0,
    1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 0x1F, 0x15, 0xC4, 0x89,
];

fn repository() -> Fixture {
    Fixture::new(
        "//- /src/total.txt\nsum = 1 + 1\nresult = 3\n//- /check.sh mode=755\n#!/bin/sh\ngrep -q 'result = 2' src/total.txt && echo all good\n//- /README.md\nAdds up.\n",
    )
    .git()
}

fn tokens(input: u64, output: u64) -> Tokens {
    Tokens {
        input,
        output,
        ..Tokens::default()
    }
}

#[rstest]
fn a_whole_task(#[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire) {
    let repo = repository();
    let edit =
        json!({"path": "src/total.txt", "edits": [{"old": "result = 3", "new": "result = 2"}]});
    let server = ModelServer::start(
        Script::new()
            .turn(
                Turn::text("I look first.")
                    .and_call("grep", json!({"pattern": "result"}))
                    .and_call("read_file", json!({"path": "src/total.txt"}))
                    .tokens(tokens(110, 11)),
            )
            .turn(Turn::call("edit_file", edit.clone()).tokens(tokens(220, 22)))
            .turn(
                Turn::call("run_command", json!({"command": "./check.sh"})).tokens(tokens(330, 33)),
            )
            .turn(
                Turn::steps([])
                    .and_text_in("The sum is right now.", 4)
                    .tokens(tokens(440, 44)),
            ),
    );
    let kerf = Kerf::new().server(&server, wire).in_repo(&repo);
    let ran = kerf
        .run(&["exec", "--json", "--approve", "auto", "Correct the sum"])
        .expect(0);

    assert_eq!(repo.read("src/total.txt"), "sum = 1 + 1\nresult = 2\n");
    assert_eq!(server.turns_left(), 0);
    assert_eq!(
        ran.types(),
        [
            "session.started",
            "turn.started",
            "item.started", // the message
            "item.completed",
            "item.started", // "I look first."
            "item.completed",
            "item.started", // both looks begin …
            "item.started",
            "item.completed", // … before one of them ends
            "item.completed",
            "item.started", // edit
            "item.completed",
            "item.started", // command
            "item.completed",
            "item.started", // answer
            "item.completed",
            "turn.completed",
        ],
        "{}",
        ran.stdout
    );
    the_lines_are_one_ordered_log(&ran.events);

    let started = ran.only("session.started");
    assert_eq!(started["folder"], repo.path().to_str().unwrap());
    assert_eq!(started["endpoint"]["wire"], wire_name(wire));
    assert_eq!(started["endpoint"]["model"], "scripted");
    assert_eq!(
        started["policy"],
        json!({"sandbox": "workspace-write", "approve": "auto"})
    );
    assert_eq!(started["resumed"], false);

    let kinds: Vec<&str> = ran
        .items()
        .iter()
        .map(|item| item["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "user_message",
            "agent_message",
            "tool_call",
            "tool_call",
            "tool_call",
            "tool_call",
            "agent_message"
        ]
    );
    for item in ran.items() {
        assert_eq!(item["status"], "completed", "{item}");
        assert_eq!(item["turn_id"], ran.only("turn.started")["turn_id"]);
    }
    assert_eq!(ran.items()[0]["text"], "Correct the sum");
    assert_eq!(ran.items()[6]["text"], "The sum is right now.");
    let steps: Vec<u64> = ran
        .items()
        .iter()
        .map(|item| item["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, [0, 1, 1, 1, 2, 3, 4]);

    let calls = ran.calls();
    let grep = calls[0]["output"].as_str().unwrap();
    assert!(grep.contains("src/total.txt:2:1: result = 3"), "{grep}");
    assert_eq!(calls[1]["output"], "1\tsum = 1 + 1\n2\tresult = 3\n");
    assert_eq!(
        calls[1]["quotes"],
        json!([{"path": "src/total.txt", "first_line": 1, "last_line": 2}])
    );
    assert_eq!(calls[2]["arguments"], edit);
    assert_eq!(
        calls[2]["changes"],
        json!([{"path": "src/total.txt", "kind": "modified"}])
    );
    assert_eq!(calls[3]["exit"]["code"], 0);
    assert!(calls[3]["output"].as_str().unwrap().contains("all good"));
    assert!(calls[3]["duration_ms"].is_u64());

    let usage = &ran.only("turn.completed")["usage"];
    assert_eq!(
        (&usage["input_tokens"], &usage["output_tokens"]),
        (&json!(1100), &json!(110))
    );
    assert_eq!(usage["estimated"], false);
    assert_eq!(ran.only("turn.completed")["cancelled"], false);

    // The deltas of the answer make the answer.
    let answer = &ran.items()[6]["id"];
    let told: String = ran
        .of("item.updated")
        .iter()
        .filter(|event| event["item_id"] == *answer)
        .map(|event| event["delta"].as_str().unwrap())
        .collect();
    assert_eq!(told, "The sum is right now.");

    // Each request holds all that came before it, results under the ids of their calls.
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    let path = match wire {
        Wire::Chat => "/v1/chat/completions",
        Wire::Responses => "/v1/responses",
        Wire::Anthropic => "/v1/messages",
    };
    assert!(requests.iter().all(|request| request.path == path));
    let last = requests[3].seen();
    assert_eq!(last.model, "scripted");
    let names: Vec<&str> = last
        .calls
        .iter()
        .map(|(_, name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["grep", "read_file", "edit_file", "run_command"]);
    let asked: Vec<&String> = last.calls.iter().map(|(id, ..)| id).collect();
    let answered: Vec<&String> = last.results.iter().map(|(id, _)| id).collect();
    assert_eq!(asked, answered);
    for (call, (_, output)) in calls.iter().zip(&last.results) {
        assert_eq!(call["output"], *output);
    }
    assert_eq!(
        last.texts[0],
        ("user".to_owned(), "Correct the sum".to_owned())
    );

    // What was printed is what is kept.
    let kept = kerf.exported_items(&ran.session());
    let printed: Vec<&Value> = ran.items();
    assert_eq!(kept.iter().collect::<Vec<_>>(), printed);
}

/// Every line has the session, its own number above the one before, and items begin before they end, once.
fn the_lines_are_one_ordered_log(events: &[Value]) {
    let session = &events[0]["session_id"];
    let mut last = 0;
    let mut open: HashSet<&str> = HashSet::new();
    for event in events {
        assert_eq!(&event["session_id"], session, "{event}");
        let seq = event["seq"].as_u64().unwrap();
        assert!(seq > last, "{seq} after {last}: {event}");
        last = seq;
        match event["type"].as_str().unwrap() {
            "item.started" => assert!(
                open.insert(event["item"]["id"].as_str().unwrap()),
                "{event}"
            ),
            "item.updated" => assert!(open.contains(event["item_id"].as_str().unwrap()), "{event}"),
            "item.completed" => assert!(
                open.remove(event["item"]["id"].as_str().unwrap()),
                "{event}"
            ),
            _ => {}
        }
    }
    assert!(open.is_empty(), "items without an end: {open:?}");
}

#[rstest]
fn reasoning_goes_back_as_it_came(
    #[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire,
) {
    let repo = repository();
    let server = ModelServer::start(
        Script::new()
            .turn(
                Turn::steps([])
                    .and_reasoning(
                        "The file is small.",
                        Some("c2lnbmVkLWJ5LXRoZS1lbmRwb2ludA=="),
                    )
                    .and_call("read_file", json!({"path": "README.md"})),
            )
            .turn(Turn::text("It adds up."))
            .turn(Turn::text("As I said.")),
    );
    let kerf = Kerf::new().server(&server, wire).in_repo(&repo);
    let ran = kerf.run(&["exec", "--json", "What is it?"]).expect(0);
    assert_eq!(ran.items_of("reasoning")[0]["text"], "The file is small.");
    kerf.run(&["resume", "--json", &ran.session(), "Sure?"])
        .expect(0);
    // In the next request of the same turn, and in another process.
    for request in &server.requests()[1..] {
        let body = request.json();
        let found = match wire {
            Wire::Chat => list(&body["messages"])
                .iter()
                .find(|message| message["role"] == "assistant")
                .map(|message| message["reasoning_details"][0]["data"].clone()),
            Wire::Responses => list(&body["input"])
                .iter()
                .find(|item| item["type"] == "reasoning")
                .map(|item| item["encrypted_content"].clone()),
            Wire::Anthropic => list(&body["messages"])
                .iter()
                .flat_map(|message| list(&message["content"]))
                .find(|part| part["type"] == "thinking")
                .map(|part| {
                    assert_eq!(part["thinking"], "The file is small.");
                    part["signature"].clone()
                }),
        };
        assert_eq!(
            found,
            Some(json!("c2lnbmVkLWJ5LXRoZS1lbmRwb2ludA==")),
            "{body:#}"
        );
    }
}

#[rstest]
fn pictures_arrive(#[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire) {
    let repo = repository();
    // The bytes tell the kind, not the name.
    repo.write("picture.jpg", PNG);
    let server = ModelServer::start(Script::new().otherwise(Turn::text("A pixel.")));
    let kerf = Kerf::new().server(&server, wire).in_repo(&repo);
    let ran = kerf
        .run(&["exec", "--json", "--image", "picture.jpg", "What is this?"])
        .expect(0);
    kerf.run(&["resume", "--json", &ran.session(), "And now?"])
        .expect(0);
    let data = ran.items()[0]["images"][0]["data"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(ran.items()[0]["images"][0]["media_type"], "image/png");
    assert!(data.starts_with("iVBORw0KGgo"));
    for request in server.requests() {
        assert_eq!(request.seen().images, 1);
        let body = request.json();
        let user = |key: &str| {
            list(&body[key])
                .iter()
                .find(|m| m["role"] == "user")
                .unwrap()
                .clone()
        };
        let url = json!(format!("data:image/png;base64,{data}"));
        match wire {
            Wire::Chat => {
                let part = list(&user("messages")["content"])
                    .iter()
                    .find(|p| p["type"] == "image_url")
                    .unwrap()
                    .clone();
                assert_eq!(part["image_url"]["url"], url);
            }
            Wire::Responses => {
                let part = list(&user("input")["content"])
                    .iter()
                    .find(|p| p["type"] == "input_image")
                    .unwrap()
                    .clone();
                assert_eq!(part["image_url"], url);
            }
            Wire::Anthropic => {
                let part = list(&user("messages")["content"])
                    .iter()
                    .find(|p| p["type"] == "image")
                    .unwrap()
                    .clone();
                assert_eq!(
                    part["source"],
                    json!({"type": "base64", "media_type": "image/png", "data": data})
                );
            }
        }
    }
}

#[rstest]
#[case::no_picture("notes.txt", "hello")]
#[case::missing("nowhere.png", "")]
fn what_is_no_picture_is_not_sent(#[case] name: &str, #[case] content: &str) {
    let repo = repository();
    if !content.is_empty() {
        repo.write(name, content);
    }
    let server = ModelServer::start(Script::new());
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let ran = kerf
        .run(&["exec", "--json", "--image", name, "What is this?"])
        .expect(2);
    assert_eq!(ran.error()["code"], "usage");
    assert!(server.requests().is_empty());
}

#[test]
fn a_session_can_go_on_over_another_wire() {
    let repo = repository();
    let server = ModelServer::start(
        Script::new()
            .turn(
                Turn::steps([])
                    .and_reasoning("Hm.", Some("c2VjcmV0IG9mIG9uZSB3aXJl"))
                    .and_call("read_file", json!({"path": "README.md"})),
            )
            .otherwise(Turn::text("Done.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Anthropic).in_repo(&repo);
    let ran = kerf.run(&["exec", "--json", "Look"]).expect(0);
    let mut kerf = kerf;
    let mut asked = BTreeMap::new();
    for wire in WIRES {
        kerf = kerf.server(&server, wire);
        kerf.run(&["resume", "--json", &ran.session(), "Go on"])
            .expect(0);
        let request = server.requests().pop().unwrap();
        asked.insert(wire_name(wire), request.seen().calls.len());
        let carried = String::from_utf8_lossy(&request.body).contains("c2VjcmV0IG9mIG9uZSB3aXJl");
        assert_eq!(
            carried,
            wire == Wire::Anthropic,
            "what one wire signed, another must not get"
        );
    }
    assert_eq!(
        asked,
        BTreeMap::from([("anthropic", 1), ("chat", 1), ("responses", 1)])
    );
}
