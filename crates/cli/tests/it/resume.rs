//! Going on with a session: what the model is shown of the past, and what becomes of a past that does not fit.

use crate::support::{Kerf, list, wire_name};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use rstest::rstest;
use serde_json::{Value, json};

#[rstest]
fn the_model_sees_the_whole_past(
    #[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire,
) {
    let repo = Fixture::new("//- /a.txt\nA\n").git();
    let server = ModelServer::start(
        Script::new()
            .turn(
                Turn::text("First I look.")
                    .and_call("read_file", json!({"path": "a.txt"}))
                    .and_call("grep", json!({"pattern": "A"})),
            )
            .turn(Turn::call(
                "write_file",
                json!({"path": "b.txt", "content": "B\n"}),
            ))
            .turn(Turn::text("Written."))
            .turn(Turn::call(
                "run_command",
                json!({"command": "cat b.txt; exit 3"}),
            ))
            .turn(Turn::text("It says B."))
            .turn(Turn::text("Bye.")),
    );
    let kerf = Kerf::new().server(&server, wire).in_repo(&repo);
    let first = kerf
        .run(&["exec", "--json", "--approve", "auto", "Write B"])
        .expect(0);
    let id = first.session();
    let second = kerf.run(&["resume", "--json", &id, "Check B"]).expect(0);
    let third = kerf
        .run(&["resume", "--json", "--last", "Say bye"])
        .expect(0);
    for ran in [&second, &third] {
        assert_eq!(ran.session(), id);
        assert_eq!(ran.only("session.started")["resumed"], true);
        assert_eq!(ran.only("session.started")["policy"]["approve"], "auto");
    }
    let numbers: Vec<u64> = [&first, &second, &third]
        .iter()
        .flat_map(|ran| {
            ran.events
                .iter()
                .map(|event| event["seq"].as_u64().unwrap())
        })
        .collect();
    assert!(
        numbers.is_sorted_by(|a, b| a < b),
        "numbers rise over processes: {numbers:?}"
    );

    let requests = server.requests();
    let last = requests[5].seen();
    let said: Vec<(&str, &str)> = last
        .texts
        .iter()
        .map(|(role, text)| (role.as_str(), text.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("user", "Write B"),
            ("assistant", "First I look."),
            ("assistant", "Written."),
            ("user", "Check B"),
            ("assistant", "It says B."),
            ("user", "Say bye"),
        ]
    );
    let names: Vec<&str> = last
        .calls
        .iter()
        .map(|(_, name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["read_file", "grep", "write_file", "run_command"]);
    assert_eq!(last.calls[2].2, json!({"path": "b.txt", "content": "B\n"}));
    let ids = |seen: &kerf_test_support::Seen| -> (Vec<String>, Vec<String>) {
        (
            seen.calls.iter().map(|(id, ..)| id.clone()).collect(),
            seen.results.iter().map(|(id, _)| id.clone()).collect(),
        )
    };
    let (calls, results) = ids(&last);
    assert_eq!(calls, results);
    assert_eq!(last.results[0].1, "1\tA\n");
    assert!(
        last.results[3].1.contains("exit code 3"),
        "{:?}",
        last.results[3]
    );

    // The past is told in the same bytes to the next process, so that the endpoint finds its cache again.
    let past = |n: usize| -> Vec<Value> {
        let body = requests[n].json();
        let key = if wire == Wire::Responses {
            "input"
        } else {
            "messages"
        };
        let mut past = list(&body[key]).to_vec();
        past.iter_mut().for_each(without_cache_marks);
        past
    };
    let (before, after) = (past(2), past(3));
    assert_eq!(after[..before.len()], before);
}

fn without_cache_marks(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("cache_control");
            object.values_mut().for_each(without_cache_marks);
        }
        Value::Array(values) => values.iter_mut().for_each(without_cache_marks),
        _ => {}
    }
}

#[test]
fn a_session_is_found_by_the_ends_of_its_id_and_last_is_of_the_folder() {
    let (one, two) = (Fixture::new("//- /a\n1\n"), Fixture::new("//- /a\n2\n"));
    let server = ModelServer::start(Script::new().otherwise(Turn::text("Yes.")));
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&one);
    let first = kerf.run(&["exec", "--json", "one"]).expect(0).session();
    let kerf = kerf.in_repo(&two);
    let second = kerf.run(&["exec", "--json", "two"]).expect(0).session();
    let folder = one.path().to_str().unwrap();
    let last = kerf
        .run(&["resume", "--json", "-C", folder, "--last", "again"])
        .expect(0);
    assert_eq!(last.session(), first);
    assert_eq!(
        kerf.run(&["resume", "--json", "--last", "again"])
            .expect(0)
            .session(),
        second
    );
    let end = &first[first.len() - 8..];
    assert_eq!(
        kerf.run(&["resume", "--json", end, "again"])
            .expect(0)
            .session(),
        first
    );
    for (args, code) in [
        (["resume", "--json", "ffffffff", "again"], "not_found"),
        (["resume", "--json", &first[..4], "again"], "usage"),
    ] {
        assert_eq!(kerf.run(&args).expect(2).error()["code"], code);
    }
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn a_session_that_another_process_drives_is_refused() {
    let repo = Fixture::new("//- /a\n1\n");
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::text("Wait").and(kerf_test_support::Step::Hold))
            .otherwise(Turn::text("Mine.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let mut driver = kerf.spawn(&["exec", "--json", "one"]);
    let id = driver.wait_for_type("item.updated")["session_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let refused = kerf.run(&["resume", "--json", &id, "two"]).expect(1);
    assert_eq!(refused.error()["code"], "conflict");
    server.release_all();
    driver.finish().expect(0);
    assert_eq!(server.requests().len(), 1);
    kerf.run(&["resume", "--json", &id, "two"]).expect(0);
}

#[test]
fn a_session_whose_folder_is_gone_can_only_be_looked_at() {
    let parent = Fixture::new("//- /project/a.txt\nA\n");
    let server = ModelServer::start(Script::new().otherwise(Turn::text("Yes.")));
    let kerf = Kerf::new()
        .server(&server, Wire::Chat)
        .in_folder(&parent.join("project"));
    let id = kerf.run(&["exec", "--json", "one"]).expect(0).session();
    std::fs::rename(parent.join("project"), parent.join("moved")).unwrap();
    let kerf = kerf.in_repo(&parent);
    let refused = kerf.run(&["resume", "--json", &id, "two"]).expect(2);
    assert_eq!(refused.error()["code"], "not_found");
    assert!(
        refused.error()["hint"]
            .as_str()
            .unwrap()
            .contains("sessions show")
    );
    assert!(
        kerf.run(&["sessions", "show", &id])
            .expect(0)
            .stdout
            .contains("Yes.")
    );
    std::fs::rename(parent.join("moved"), parent.join("project")).unwrap();
    kerf.run(&["resume", "--json", &id, "two"]).expect(0);
}

/// An endpoint with a window of 8,000 tokens, which is about 27 KB.
fn small_window(server: &ModelServer, wire: Wire) -> Kerf {
    Kerf::new().config(&format!(
        "default = \"small\"\n\n[endpoints.small]\nwire = \"{}\"\nbase_url = \"{}\"\nmodel = \"scripted\"\ncontext_window = 8000\n",
        wire_name(wire),
        server.base_url()
    ))
}

#[rstest]
fn a_past_that_does_not_fit_is_trimmed_then_summarised(
    #[values(Wire::Chat, Wire::Responses, Wire::Anthropic)] wire: Wire,
) {
    let mut files = String::new();
    for n in 0..8 {
        files.push_str(&format!(
            "//- /part{n}.txt\nmarker-{n} {}\n",
            "x".repeat(900)
        ));
        for _ in 0..2 {
            files.push_str(&format!("{}\n", "y".repeat(950)));
        }
    }
    let repo = Fixture::new(&files).git();
    let mut script = Script::new().turn(
        Turn::text("SUMMARY: eight parts were read.")
            .when_contains("no longer fits into the context")
            .always(),
    );
    for n in 0..8 {
        script = script.turn(Turn::call(
            "read_file",
            json!({"path": format!("part{n}.txt")}),
        ));
    }
    let server = ModelServer::start(script.otherwise(Turn::text("All right.")));
    let kerf = small_window(&server, wire).in_repo(&repo);
    let ran = kerf
        .run(&["exec", "--json", "Read all parts of the FIRST WISH"])
        .expect(0);
    assert_eq!(ran.calls().len(), 8);
    let requests = server.requests();
    assert_eq!(requests.len(), 9, "trimming alone is enough");
    let last = requests[8].seen();
    assert_eq!(last.results.len(), 8, "every call keeps a result");
    assert!(
        last.results[0].1.contains("left out to save space"),
        "{}",
        last.results[0].1
    );
    assert!(last.results[7].1.contains("marker-7"));
    let context = ran.of("context.updated").pop().unwrap()["context"].clone();
    assert_eq!(context["window"], 8000);
    assert!(context["tokens"].as_u64().unwrap() < 8000);

    // Long messages cannot be trimmed: now it takes a summary.
    let id = ran.session();
    let mut summaries = 0;
    for n in 0..3 {
        let text = format!("wish-{n} {}", "z".repeat(6000));
        let ran = kerf.run(&["resume", "--json", &id, &text]).expect(0);
        summaries += ran.items_of("summary").len();
    }
    assert!(summaries >= 1);
    let asked: Vec<_> = server
        .requests()
        .into_iter()
        .filter(|request| {
            request
                .seen()
                .last_user_text()
                .is_some_and(|text| text.contains("no longer fits"))
        })
        .collect();
    assert_eq!(asked.len(), summaries);

    // A later process starts from the summary …
    kerf.run(&["resume", "--json", &id, "And now?"]).expect(0);
    let seen = server.requests().pop().unwrap().seen();
    assert!(
        seen.texts[0].1.contains("SUMMARY: eight parts were read."),
        "{:?}",
        seen.texts
    );
    assert!(
        !seen
            .texts
            .iter()
            .any(|(_, text)| text.contains("FIRST WISH"))
    );
    assert!(
        !seen
            .results
            .iter()
            .any(|(_, output)| output.contains("marker-0"))
    );
    assert_eq!(seen.last_user_text(), Some("And now?"));

    // … and nothing of what it stands for is gone.
    let shown = kerf
        .run(&["sessions", "show", &id, "--json"])
        .expect(0)
        .stdout;
    for text in [
        "FIRST WISH",
        "wish-0",
        "wish-1",
        "wish-2",
        "SUMMARY",
        "And now?",
    ] {
        assert!(shown.contains(text), "{text}");
    }
    for n in 0..8 {
        assert!(shown.contains(&format!("marker-{n} ")), "{n}");
    }
    // What asked for the summary is in the ledger under its own purpose.
    let ledger = kerf.run(&["ledger", "list", "--json"]).expect(0);
    let purposes = ledger
        .events
        .iter()
        .filter(|row| row["purpose"] == "summary")
        .count();
    assert_eq!(purposes, summaries);
}

#[test]
fn an_endpoint_that_says_the_context_is_full_gets_a_smaller_one() {
    let repo = Fixture::new(&format!(
        "//- /a.txt\n{}\n",
        "a line of text\n".repeat(1500)
    ))
    .git();
    let too_long = || {
        Turn::status(400).body(json!({"error": {"code": "context_length_exceeded", "message": "maximum context length is 4096 tokens"}}).to_string())
    };
    let mut script = Script::new().turn(
        Turn::text("SUMMARY: a file of lines.")
            .when_contains("no longer fits into the context")
            .always(),
    );
    for _ in 0..4 {
        script = script.turn(Turn::call("read_file", json!({"path": "a.txt"})));
    }
    let server = ModelServer::start(script.turn(too_long()).turn(Turn::text("Fits now.")));
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&repo);
    let ran = kerf.run(&["exec", "--json", "Read"]).expect(0);
    assert_eq!(ran.items().last().unwrap()["text"], "Fits now.");
    let requests = server.requests();
    let (full, fits) = (&requests[4], requests.last().unwrap());
    assert!(
        fits.body.len() < full.body.len(),
        "{} and {}",
        full.body.len(),
        fits.body.len()
    );
}
