//! The JSON form of a script, and the program that serves it.

use crate::client::{ALL, CHAT, ask, get, post, request};
use kerf_test_support::{Fixture, ModelServer, Script};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// The example of `SCRIPT.md` is a script, turn by turn.
#[test]
fn the_documented_example_plays() {
    let page = include_str!("../../SCRIPT.md");
    let example = page
        .split("```json\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("an example");
    let server = ModelServer::start(Script::from_json(example).expect("a script"));
    let key = "authorization: Bearer secret\r\n";
    let say = |text: &str| post(server.address(), CHAT, &request(CHAT, text), key);
    assert!(say("x").text().contains("hello"));
    let full = say("please fix the test").text();
    for part in [
        "I look",
        "still here",
        "read_file",
        "{broken",
        "\"twice\"",
        "1200",
    ] {
        assert!(full.contains(part), "{part} is not in {full}");
    }
    let statuses: Vec<u16> = (0..5).map(|_| say("x").status()).collect();
    assert_eq!(statuses, [429, 500, 200, 307, 0]);
    assert!(say("x").text().contains("try later"));
    assert!(!say("x").whole);
    let listed = get(server.address(), "/v1/models", key).json();
    assert_eq!(listed["data"][1]["context_length"], 200_000);
}

#[test]
fn a_wrong_script_says_what_is_wrong() {
    let cases = [
        (r#"{"turn": []}"#, "unknown field `turn`"),
        (r#"{"turns": [{"txet": "x"}]}"#, "unknown field `txet`"),
        (r#"{"turns": [{}]}"#, "a turn has either `steps`"),
        (
            r#"{"turns": [{"text": "x", "status": 500}]}"#,
            "a turn has either `steps`",
        ),
        (
            r#"{"turns": [{"text": "x", "body": "y"}]}"#,
            "`body` stands with `status` only",
        ),
        ("{", "EOF"),
    ];
    for (text, wanted) in cases {
        let error = Script::from_json(text).expect_err(text).to_string();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the program under test is started as a shell would start it"
)]
fn the_program_serves_until_its_input_closes() {
    let folder =
        Fixture::new("//- /script.json\n{\"turns\": [{\"text\": \"from the program\"}]}\n");
    let record = folder.join("record.jsonl");
    let mut child = Command::new(env!("CARGO_BIN_EXE_model-server"))
        .arg(folder.join("script.json"))
        .arg("--record")
        .arg(&record)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("its output");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    let address = line
        .trim()
        .strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix("/v1"))
        .expect("a base URL");
    let address = address.parse().expect("an address");
    assert!(ask(address, ALL[0]).text().contains("from the program"));
    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success());
    let lines = std::fs::read_to_string(&record).expect("the record");
    let recorded: Value = serde_json::from_str(lines.trim()).expect("one line");
    assert_eq!(
        (&recorded["path"], &recorded["outcome"]),
        (&json!(CHAT), &json!("sent"))
    );
}
