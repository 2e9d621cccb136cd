//! Replies whose tool calls cannot be run: nothing of such a reply happens, the model learns why, and a model
//! that never learns is stopped.

use crate::support::Kerf;
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Stop, Turn};
use rstest::rstest;
use serde_json::json;

/// A good call; the bad ones come beside it.
const GOOD: &str = r#"{"path": "canary.txt", "content": "dead"}"#;

fn repository() -> Fixture {
    Fixture::new("//- /a.txt\nA\n").git()
}

fn many(count: usize) -> Turn {
    (0..count).fold(Turn::steps([]), |turn, n| {
        turn.and_call(
            "write_file",
            json!({"path": format!("canary.txt/{n}"), "content": "dead"}),
        )
    })
}

#[rstest]
#[case::unknown_tool(Turn::steps([]).and_call_as("a", "write_file", GOOD).and_call_as("b", "delete_all", "{}"), 2, "there is no tool `delete_all`")]
#[case::missing_argument(Turn::steps([]).and_call_as("a", "write_file", GOOD).and_call_as("b", "write_file", r#"{"path": "b"}"#), 2, "missing field `content`")]
#[case::wrong_type(Turn::steps([]).and_call_as("a", "write_file", GOOD).and_call_as("b", "read_file", r#"{"path": ["a"]}"#), 2, "invalid type")]
#[case::too_many_arguments(Turn::steps([]).and_call_as("a", "write_file", GOOD).and_call_as("b", "run_command", r#"{"command": "touch canary.txt", "sandbox": "off"}"#), 2, "unknown field `sandbox`")]
#[case::five_hundred(many(500), 500, "500 calls in one message are more than 128")]
fn a_call_that_does_not_fit_holds_back_its_whole_message(
    #[case] turn: Turn,
    #[case] calls: usize,
    #[case] why: &str,
    #[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire,
) {
    let repo = repository();
    let server = ModelServer::start(Script::new().turn(turn).turn(Turn::text("Never mind.")));
    let kerf = Kerf::new().server(&server, wire).in_repo(&repo);
    let ran = kerf
        .run(&["exec", "--json", "--approve", "never", "Go"])
        .expect(0);
    assert!(!repo.exists("canary.txt"));
    assert_eq!(ran.calls().len(), calls);
    assert!(ran.calls().iter().all(|call| call["status"] == "failed"));
    let told = server.requests()[1].seen().results;
    assert_eq!(told.len(), calls, "each call has its result");
    assert!(
        told.iter().any(|(_, output)| output.contains(why)),
        "{told:#?}"
    );
    assert!(
        told.iter()
            .all(|(_, output)| output.contains(why) || output.contains("another call"))
    );
}

#[rstest]
#[case::not_json("b", "{\"path\": \"a.txt\"", "not a JSON object")]
#[case::a_list("b", "[\"a.txt\"]", "not a JSON object")]
#[case::an_id_twice(
    "a",
    "{\"path\": \"other.txt\", \"content\": \"\"}",
    "another call has the same id"
)]
fn a_call_that_cannot_even_be_read_holds_back_its_whole_message(
    #[case] id: &str,
    #[case] arguments: &str,
    #[case] why: &str,
    #[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire,
) {
    let repo = repository();
    let turn = Turn::text("I write.")
        .and_call_as("a", "write_file", GOOD)
        .and_call_as(id, "write_file", arguments);
    let server = ModelServer::start(Script::new().turn(turn).turn(Turn::text("Never mind.")));
    let kerf = Kerf::new().server(&server, wire).in_repo(&repo);
    let ran = kerf
        .run(&["exec", "--json", "--approve", "never", "Go"])
        .expect(0);
    assert_eq!(repo.tree(), "//- /a.txt\nA\n");
    assert!(
        ran.calls().is_empty(),
        "there is nothing that a result could answer"
    );
    let said = ran.items_of("agent_message");
    assert_eq!(
        (&said[0]["text"], &said[0]["status"]),
        (&json!("I write."), &json!("failed"))
    );
    let shown = ran.items_of("error");
    assert!(
        shown[0]["failure"]["message"]
            .as_str()
            .unwrap()
            .contains(why),
        "{shown:?}"
    );
    let seen = server.requests()[1].seen();
    assert!(seen.last_user_text().unwrap().contains(why), "{seen:#?}");
    assert!(
        seen.texts
            .contains(&("assistant".to_owned(), "I write.".to_owned()))
    );
    kerf.run(&["resume", "--json", &ran.session(), "Go on"])
        .expect(1); // The script is at its end: status 400.
}

#[test]
fn the_same_call_sent_twice_under_one_id_runs_once() {
    let repo = repository();
    let append = r#"{"command": "echo once >> log.txt"}"#;
    let turn = Turn::steps([])
        .and_call_as("a", "run_command", append)
        .and_call_as("a", "run_command", append);
    let server = ModelServer::start(Script::new().turn(turn).turn(Turn::text("Done.")));
    let kerf = Kerf::new().server(&server, Wire::Anthropic).in_repo(&repo);
    kerf.run(&["exec", "--json", "--approve", "never", "Go"])
        .expect(0);
    assert_eq!(repo.read("log.txt"), "once\n");
}

#[rstest]
#[case::unknown_tool("delete_all", "{}")]
#[case::wrong_arguments("write_file", "{\"path\": 7}")]
#[case::not_json("write_file", "{")]
fn a_model_that_never_sends_a_valid_call_is_stopped(#[case] name: &str, #[case] arguments: &str) {
    let repo = repository();
    let server = ModelServer::start(
        Script::new().otherwise(Turn::steps([]).and_call_as("a", name, arguments)),
    );
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let ran = kerf
        .run(&["exec", "--json", "--approve", "never", "Go"])
        .expect(1);
    assert_eq!(server.requests().len(), 4);
    assert_eq!(ran.error()["code"], "endpoint");
    assert!(
        ran.error()["message"]
            .as_str()
            .unwrap()
            .contains("4 replies in a row"),
        "{}",
        ran.error()
    );
    assert!(!ran.error()["hint"].as_str().unwrap().is_empty());
    assert_eq!(ran.types().last(), Some(&"turn.failed"));
}

#[test]
fn a_valid_call_in_between_forgives() {
    let repo = repository();
    let mut script = Script::new();
    for n in 0..9 {
        let name = if n % 3 == 2 { "list_dir" } else { "delete_all" };
        script = script.turn(Turn::steps([]).and_call_as(&n.to_string(), name, "{}"));
    }
    let server = ModelServer::start(script.turn(Turn::text("Done.")));
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    kerf.run(&["exec", "--json", "Go"]).expect(0);
    assert_eq!(server.turns_left(), 0);
}

#[rstest]
fn calls_of_a_reply_that_hit_its_limit_do_not_run(
    #[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire,
) {
    let repo = repository();
    let turn = Turn::text("So far")
        .and_call_as("a", "write_file", GOOD)
        .stop(Stop::Length);
    let server = ModelServer::start(Script::new().turn(turn));
    let kerf = Kerf::new().server(&server, wire).in_repo(&repo);
    let ran = kerf
        .run(&["exec", "--json", "--approve", "never", "Go"])
        .expect(1);
    assert!(!repo.exists("canary.txt"));
    assert!(ran.calls().is_empty());
    assert!(
        ran.error()["message"]
            .as_str()
            .unwrap()
            .contains("length limit"),
        "{}",
        ran.error()
    );
}

#[test]
fn a_tool_that_fails_is_told_to_the_model_and_the_turn_goes_on() {
    let repo = repository();
    repo.write("secret-outside.txt", "x");
    let calls = [
        ("read_file", json!({"path": "nowhere.txt"})),
        ("read_file", json!({"path": "../../etc/passwd"})),
        (
            "edit_file",
            json!({"path": "a.txt", "edits": [{"old": "B", "new": "C"}]}),
        ),
        ("write_file", json!({"path": "a.txt", "content": "unseen"})),
        ("grep", json!({"pattern": "("})),
        ("run_command", json!({"command": "exit 7"})),
        ("run_command", json!({"command": "true", "cwd": "../"})),
    ];
    let turn = calls
        .iter()
        .fold(Turn::steps([]), |turn, (name, arguments)| {
            turn.and_call(name, arguments.clone())
        });
    let server = ModelServer::start(Script::new().turn(turn).turn(Turn::text("Oh.")));
    let kerf = Kerf::new().server(&server, Wire::Anthropic).in_repo(&repo);
    let ran = kerf
        .run(&["exec", "--json", "--approve", "never", "Go"])
        .expect(0);
    let statuses: Vec<&str> = ran
        .calls()
        .iter()
        .map(|call| call["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["failed"; 7]);
    assert_eq!(ran.calls()[5]["exit"]["code"], 7);
    assert_eq!(repo.read("a.txt"), "A\n");
    let failed: Vec<bool> = server.requests()[1].json()["messages"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|message| message["content"].as_array().cloned().unwrap_or_default())
        .filter(|part| part["type"] == "tool_result")
        .map(|part| part["is_error"] == true)
        .collect();
    assert_eq!(failed, [true; 7]);
}
