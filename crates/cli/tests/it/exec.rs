//! Long and parallel work of one session, and the shape of its last answer.

use crate::support::{Kerf, Ran};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use rstest::rstest;
use serde_json::{Value, json};

#[test]
fn a_hundred_calls() {
    let mut text = String::from("//- /list.txt\n");
    for n in 0..100 {
        text.push_str(&format!("open {n};\n"));
    }
    let repo = Fixture::new(&text).git();
    let mut script = Script::new();
    let mut names = Vec::new();
    for n in 0..100 {
        let (name, arguments) = match n % 5 {
            0 => (
                "read_file",
                json!({"path": "list.txt", "first_line": n + 1, "last_line": n + 1}),
            ),
            1 => (
                "edit_file",
                json!({"path": "list.txt", "edits": [{"old": format!("open {n};"), "new": format!("done {n};")}]}),
            ),
            2 => (
                "grep",
                json!({"pattern": format!("open {n};"), "literal": true}),
            ),
            3 => (
                "write_file",
                json!({"path": format!("new/{n}.txt"), "content": format!("{n}\n")}),
            ),
            _ if n % 10 == 4 => (
                "run_command",
                json!({"command": format!("echo ran {n} | tee -a ran.log")}),
            ),
            _ => ("list_dir", json!({"path": "new"})),
        };
        names.push(name);
        script = script.turn(Turn::call(name, arguments));
    }
    let server = ModelServer::start(script.turn(Turn::text("All done.")));
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let ran = kerf
        .run(&[
            "exec",
            "--json",
            "--approve",
            "never",
            "Work through the list",
        ])
        .expect(0);

    let calls = ran.calls();
    let tools: Vec<&str> = calls
        .iter()
        .map(|call| call["tool"].as_str().unwrap())
        .collect();
    assert_eq!(tools, names);
    for (n, call) in calls.iter().enumerate() {
        assert_eq!(call["status"], "completed", "{n}: {call}");
        assert_eq!(call["step"], n + 1);
    }
    let done: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| *name == "run_command")
        .collect();
    let log = repo.read("ran.log");
    let expected: String = (0..100)
        .filter(|n| n % 10 == 4)
        .map(|n| format!("ran {n}\n"))
        .collect();
    assert_eq!(log, expected);
    assert_eq!(log.lines().count(), done.len());
    let list = repo.read("list.txt");
    for (n, line) in list.lines().enumerate() {
        let word = if n % 5 == 1 { "done" } else { "open" };
        assert_eq!(line, format!("{word} {n};"));
    }
    assert_eq!(repo.read("new/98.txt"), "98\n");

    // The last request holds every call with its result, in order; so does the database.
    let last = server.requests().pop().unwrap().seen();
    assert_eq!(last.results.len(), 100);
    for (call, (id, output)) in calls.iter().zip(&last.results) {
        assert_eq!(
            (call["call_id"].as_str(), call["output"].as_str()),
            (Some(id.as_str()), Some(output.as_str()))
        );
    }
    let kept = kerf.exported_items(&ran.session());
    assert_eq!(kept.iter().collect::<Vec<_>>(), ran.items());
}

#[test]
fn looks_of_one_message_run_together_and_keep_their_order() {
    let repo = Fixture::new("//- /a.txt\nA\n//- /b.txt\nB\n//- /c.txt\nC\n").git();
    let server = ModelServer::start(
        Script::new()
            .turn(
                Turn::steps([])
                    .and_call("read_file", json!({"path": "c.txt"}))
                    .and_call("grep", json!({"pattern": "[ABC]"}))
                    .and_call("read_file", json!({"path": "a.txt"}))
                    .and_call("write_file", json!({"path": "d.txt", "content": "D\n"}))
                    .and_call("read_file", json!({"path": "d.txt"}))
                    .and_call("find_files", json!({"pattern": "*.txt"}))
                    .interleaved(),
            )
            .turn(Turn::text("Seen.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let ran = kerf
        .run(&["exec", "--json", "--approve", "auto", "Look"])
        .expect(0);
    let order: Vec<String> = ran
        .events
        .iter()
        .filter(|event| event["item"]["type"] == "tool_call")
        .map(|event| {
            let begins = if event["type"] == "item.started" {
                '+'
            } else {
                '-'
            };
            format!("{begins}{}", event["item"]["tool"].as_str().unwrap())
        })
        .collect();
    // Three looks begin before one ends; the edit waits for them, and the looks behind it see what it wrote.
    assert_eq!(
        order,
        [
            "+read_file",
            "+grep",
            "+read_file",
            "-read_file",
            "-grep",
            "-read_file",
            "+write_file",
            "-write_file",
            "+read_file",
            "+find_files",
            "-read_file",
            "-find_files"
        ]
    );
    let outputs: Vec<&str> = ran
        .calls()
        .iter()
        .map(|call| call["output"].as_str().unwrap())
        .collect();
    assert_eq!(outputs[0], "1\tC\n");
    assert_eq!(outputs[2], "1\tA\n");
    assert_eq!(outputs[4], "1\tD\n");
    assert!(outputs[5].contains("d.txt"), "{}", outputs[5]);
    let seen = server.requests().pop().unwrap().seen();
    let sent: Vec<&str> = seen
        .results
        .iter()
        .map(|(_, output)| output.as_str())
        .collect();
    assert_eq!(sent, outputs);
}

#[test]
fn processes_share_one_home() {
    let folders: Vec<Fixture> = (0..4)
        .map(|_| Fixture::new("//- /a.txt\nA\n").git())
        .collect();
    let mut script = Script::new();
    for (who, folder) in folders.iter().enumerate() {
        let mine = format!("I am number {who} ");
        for n in 0..10 {
            let call = Turn::call(
                "write_file",
                json!({"path": format!("{n}.txt"), "content": folder.path().to_str().unwrap()}),
            );
            script = script.turn(call.when_contains(&mine));
        }
    }
    let server = ModelServer::start(script.otherwise(Turn::text("Done.")));
    let mut kerf = Kerf::new().server(&server, Wire::Chat);
    let mut running = Vec::new();
    for (who, folder) in folders.iter().enumerate() {
        kerf = kerf.in_repo(folder);
        running.push(kerf.spawn(&[
            "exec",
            "--json",
            "--approve",
            "never",
            &format!("I am number {who} of 4"),
        ]));
    }
    for (running, folder) in running.into_iter().zip(&folders) {
        let ran = running.finish().expect(0);
        assert_eq!(ran.calls().len(), 10);
        assert_eq!(folder.read("9.txt"), folder.path().to_str().unwrap());
        let kept = kerf.exported_items(&ran.session());
        assert_eq!(kept.iter().collect::<Vec<_>>(), ran.items());
    }
    let ledger = kerf
        .run(&["ledger", "list", "--json", "--limit", "100"])
        .expect(0);
    assert_eq!(ledger.events.len(), 44);
}

#[test]
fn a_message_can_come_from_standard_input() {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let server = ModelServer::start(Script::new().otherwise(Turn::text("Yes.")));
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let ran = kerf
        .run_with(&["exec", "--json", "-"], "Two\nlines with ünïcode\n")
        .expect(0);
    assert_eq!(
        server.requests()[0].seen().last_user_text(),
        Some("Two\nlines with ünïcode\n")
    );
    kerf.run_with(&["resume", "--json", &ran.session(), "-"], "More")
        .expect(0);
    assert_eq!(server.requests()[1].seen().last_user_text(), Some("More"));
    for args in [
        &["exec", "--json", "-", "--follow"][..],
        &["exec", "--json", "  "],
        &["resume", "--json", "x"],
    ] {
        assert_eq!(kerf.run(args).expect(2).error()["code"], "usage");
    }
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn people_get_the_answer_on_standard_output() {
    let repo = Fixture::new("//- /a.txt\nA\n");
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::call("read_file", json!({"path": "a.txt"})))
            .turn(Turn::text("It says \u{1b}[31mA\u{202e}.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let ran = kerf.run(&["exec", "What does it say?"]).expect(0);
    assert!(
        ran.stdout.contains("It says <001B>[31mA<202E>."),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("Read a.txt"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
}

/// Runs with a schema that wants `{"sum": integer}`.
fn with_schema(wire: Wire, answers: &[&str]) -> (Ran, ModelServer) {
    let repo = Fixture::new(
        "//- /schema.json\n{\"type\": \"object\", \"properties\": {\"sum\": {\"type\": \"integer\"}}, \"required\": [\"sum\"], \"additionalProperties\": false}\n",
    );
    let mut script = Script::new();
    for answer in answers {
        script = script.turn(Turn::text(*answer));
    }
    let server = ModelServer::start(script);
    let kerf = Kerf::new().server(&server, wire).in_repo(&repo);
    let ran = kerf.run(&[
        "exec",
        "--json",
        "--output-schema",
        "schema.json",
        "What is the sum?",
    ]);
    (ran, server)
}

#[rstest]
fn an_answer_that_fits_the_schema_is_taken(
    #[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire,
) {
    let (ran, server) = with_schema(wire, &["{\"sum\": 4}"]);
    ran.expect(0);
    let body = server.requests()[0].json();
    match wire {
        Wire::Chat => assert_eq!(
            body["response_format"]["json_schema"]["schema"]["required"],
            json!(["sum"])
        ),
        Wire::Responses => assert_eq!(body["text"]["format"]["schema"]["required"], json!(["sum"])),
        // This wire has no field for it that all its servers know, so the message says it.
        Wire::Anthropic => {
            let seen = server.requests()[0].seen();
            assert!(
                seen.last_user_text()
                    .unwrap()
                    .contains(r#""required":["sum"]"#),
                "{seen:?}"
            );
        }
    }
}

#[test]
fn an_answer_that_does_not_fit_is_asked_for_again() {
    let (ran, server) = with_schema(
        Wire::Chat,
        &["It is four.", "{\"sum\": \"four\"}", "{\"sum\": 4}"],
    );
    let ran = ran.expect(0);
    let said: Vec<&Value> = ran
        .items_of("agent_message")
        .iter()
        .map(|item| &item["text"])
        .collect();
    assert_eq!(said, ["It is four.", "{\"sum\": \"four\"}", "{\"sum\": 4}"]);
    let requests = server.requests();
    assert!(
        requests[1]
            .seen()
            .last_user_text()
            .unwrap()
            .contains("not JSON")
    );
    let second = requests[2].seen();
    let why = second.last_user_text().unwrap();
    assert!(why.contains("/sum") && why.contains("integer"), "{why}");
}

#[test]
fn an_answer_that_never_fits_is_a_failure() {
    let (ran, server) = with_schema(Wire::Chat, &["one", "two", "three", "four"]);
    let ran = ran.expect(1);
    assert_eq!(ran.error()["code"], "endpoint");
    assert!(
        ran.error()["message"].as_str().unwrap().contains("schema"),
        "{}",
        ran.error()
    );
    assert_eq!(server.turns_left(), 1, "three answers are enough");
}

#[rstest]
#[case::missing(None)]
#[case::no_json(Some("{"))]
#[case::no_object(Some("[1]"))]
#[case::no_schema(Some("{\"type\": 7}"))]
fn a_broken_schema_is_a_mistake_of_usage(#[case] text: Option<&str>) {
    let repo = Fixture::new("//- /a.txt\nA\n");
    if let Some(text) = text {
        repo.write("schema.json", text);
    }
    let server = ModelServer::start(Script::new().otherwise(Turn::text("{}")));
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let ran = kerf
        .run(&["exec", "--json", "--output-schema", "schema.json", "Go"])
        .expect(2);
    assert_eq!(ran.error()["code"], "usage");
    assert!(server.requests().is_empty());
}
