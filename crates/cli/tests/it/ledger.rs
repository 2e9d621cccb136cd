//! The ledger: one row for every request that left, with what was in it.

use crate::scene::{Scene, edit, read};
use crate::support::{Kerf, WIRES, wire_name};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Recorded, Script, Turn};
use rstest::rstest;
use serde_json::{Value, json};
use std::fs;

/// The rows, oldest first.
#[track_caller]
fn rows(kerf: &Kerf) -> Vec<Value> {
    let mut rows = kerf.run(&["ledger", "list", "--json"]).expect(0).events;
    rows.reverse();
    rows
}

/// Holds a row against what the server received.
#[track_caller]
fn assert_same(row: &Value, request: &Recorded, server: &ModelServer) {
    assert_eq!(row["host"], server.address().to_string());
    assert_eq!(
        row["target"],
        format!("{} {}", request.method, request.path)
    );
    assert_eq!(row["bytes"], request.body.len());
    assert_eq!(row["hash"], blake3::hash(&request.body).to_hex().as_str());
}

#[rstest]
fn every_request_has_a_row(#[values(0, 1, 2)] wire: usize) {
    let wire = WIRES[wire];
    let folder = Fixture::new("//- /a.txt\none\ntwo\nthree\nfour\nfive\n");
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::call(
                "read_file",
                json!({ "path": "a.txt", "first_line": 2, "last_line": 4 }),
            ))
            .turn(Turn::status(500))
            .turn(Turn::text("Done.")),
    );
    let kerf = Kerf::new().server(&server, wire).in_repo(&folder);
    let session = kerf.run(&["exec", "--json", "Read"]).expect(0).session();
    let (rows, requests) = (rows(&kerf), server.requests());
    // The answer with status 500 is asked for again, and that is a request of its own.
    assert_eq!(rows.len(), 3, "{}", wire_name(wire));
    assert_eq!(requests.len(), 3);
    for ((n, row), request) in rows.iter().enumerate().zip(&requests) {
        assert_eq!(row["id"], n + 1);
        assert_eq!(row["session_id"], json!(session));
        assert_eq!(row["purpose"], "turn");
        assert!(row["turn_id"].is_string());
        assert_same(row, request, &server);
        let shown = kerf
            .run(&["ledger", "show", &(n + 1).to_string()])
            .expect(0);
        assert_eq!(shown.stdout.as_bytes(), &request.body[..]);
        let shown = kerf
            .run(&["ledger", "show", "--json", &(n + 1).to_string()])
            .expect(0)
            .json();
        assert_eq!(shown["row"], *row);
        assert_eq!(
            shown["body"].as_str().unwrap().as_bytes(),
            &request.body[..]
        );
    }
    assert_eq!(rows[0]["files"], json!([]));
    let quoted = json!([{ "path": "a.txt", "first_line": 2, "last_line": 4 }]);
    assert_eq!(rows[1]["files"], quoted);
    assert_eq!(rows[2]["files"], quoted);
}

#[test]
fn a_row_names_every_part_of_a_file_that_is_inside() {
    let scene = Scene::on(
        "//- /a.txt\none\ntwo\n//- /src/b.txt\none\ntwo\nthree\n//- /c.txt\nx\n",
        false,
    );
    scene.turn([
        read("a.txt"),
        ("grep", json!({ "pattern": "three" })),
        edit("c.txt", &[("x", "y")]),
    ]);
    let files = |row: &Value| -> Vec<String> {
        let mut files: Vec<String> = row["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| {
                format!(
                    "{}:{}-{}",
                    it["path"].as_str().unwrap(),
                    it["first_line"],
                    it["last_line"]
                )
            })
            .collect();
        files.sort();
        files
    };
    let rows = rows(&scene.kerf);
    assert_eq!(rows.len(), 4);
    assert_eq!(files(&rows[0]), [""; 0]);
    assert_eq!(files(&rows[1]), ["a.txt:1-2"]);
    assert_eq!(files(&rows[2]), ["a.txt:1-2", "src/b.txt:3-3"]);
    let shown = scene.kerf.run(&["ledger"]).expect(0).stdout;
    let host = scene.server.address().to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(
        lines[3].contains(&host) && lines[3].contains("no file") && lines[3].contains("bytes"),
        "{shown}"
    );
    assert!(lines[0].contains("parts of files"), "{shown}");
}

#[test]
fn a_row_is_there_also_when_the_request_failed() {
    let folder = Fixture::new("");
    let gone = ModelServer::start(Script::new());
    let (url, address) = (gone.base_url(), gone.address().to_string());
    drop(gone);
    let kerf = Kerf::new()
        .in_repo(&folder)
        .env("KERF_BASE_URL", &url)
        .env("KERF_MODEL", "m");
    kerf.run(&["endpoints", "test"]).expect(1);
    let rows = rows(&kerf);
    assert!(!rows.is_empty());
    assert!(
        rows.iter()
            .all(|row| row["host"] == address && row["purpose"] == "models"),
        "{rows:#?}"
    );
}

#[test]
fn a_key_is_not_in_the_ledger() {
    let folder = Fixture::new("");
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::text("Hello."))
            .key("sk-very-secret"),
    );
    let kerf = Kerf::new()
        .server(&server, Wire::Chat)
        .in_repo(&folder)
        .env("KERF_API_KEY", "sk-very-secret");
    kerf.run(&["exec", "Hello"]).expect(0);
    let shown = kerf
        .run(&["ledger", "show", "1", "--json"])
        .expect(0)
        .stdout;
    assert!(!shown.contains("sk-very-secret"), "{shown}");
    let home = fs::read_dir(kerf.home()).unwrap();
    for file in home
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
    {
        let bytes = fs::read(&file).unwrap();
        let found = bytes.windows(14).any(|at| at == b"sk-very-secret");
        assert!(!found, "a key is in {}", file.display());
    }
}

#[test]
fn rows_are_chosen_by_session_and_number() {
    let folder = Fixture::new("");
    let server = ModelServer::start(Script::new().otherwise(Turn::text("Hello.")));
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&folder);
    let first = kerf.run(&["exec", "--json", "One"]).expect(0).session();
    kerf.run(&["exec", "Two"]).expect(0);
    kerf.run(&["resume", &first, "Three"]).expect(0);
    let ids = |args: &[&str]| -> Vec<Value> {
        let ran = kerf
            .run(&[&["ledger", "list", "--json"], args].concat())
            .expect(0);
        ran.events.iter().map(|row| row["id"].clone()).collect()
    };
    assert_eq!(ids(&[]), [3, 2, 1]);
    assert_eq!(ids(&["--limit", "2"]), [3, 2]);
    assert_eq!(ids(&["--session", &first]), [3, 1]);
    assert_eq!(ids(&["--session", &first[24..]]), [3, 1]);
    kerf.run(&["sessions", "delete", &first]).expect(0);
    assert_eq!(ids(&["--session", &first]), [3, 1]);
}

#[rstest]
#[case::beyond("7", "7")]
#[case::zero("0", "0")]
#[case::text("x", "invalid value 'x'")]
fn a_row_that_is_not_there_is_an_error_of_usage(#[case] id: &str, #[case] told: &str) {
    let kerf = Kerf::new();
    let ran = kerf.run(&["ledger", "show", id]).expect(2);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

#[test]
fn nothing_leaves_with_the_practice_endpoint() {
    let folder = Fixture::new("//- /a.txt\none\n");
    let kerf = Kerf::new().in_repo(&folder);
    kerf.run(&[
        "exec",
        "--endpoint",
        "practice",
        "--approve",
        "auto",
        "replace `one` with `two` in `a.txt`",
    ])
    .expect(0);
    assert_eq!(folder.read("a.txt"), "two\n");
    assert!(rows(&kerf).is_empty());
    let shown = kerf.run(&["ledger"]).expect(0).stdout;
    assert_eq!(shown, "nothing has left this machine\n");
}

#[test]
fn what_left_is_found_by_file_text_day_and_sum() {
    let folder = Fixture::new("//- /a.txt\none\nzweiundvierzig\n//- /b.txt\nthree\n");
    let server = ModelServer::start(
        Script::new()
            .turn(Turn::call("read_file", json!({ "path": "a.txt" })))
            .turn(Turn::text("Done.")),
    );
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&folder);
    let session = kerf.run(&["exec", "--json", "Read"]).expect(0).session();
    let listed = |more: &[&str]| {
        let run = kerf
            .run(&[&["ledger", "list", "--json"], more].concat())
            .expect(0);
        run.events
            .iter()
            .map(|row| row["id"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(&[]), [2, 1]);
    assert_eq!(listed(&["--file", "a.txt"]), [2]);
    assert_eq!(listed(&["--file", "b.txt"]), [0_i64; 0]);
    assert_eq!(listed(&["--text", "zweiundvierzig"]), [2]);
    assert_eq!(listed(&["--day", "1999-01-01"]), [0_i64; 0]);
    let said = kerf.run(&["ledger", "list", "--file", "b.txt"]).expect(0);
    assert_eq!(said.stdout, "nothing like that has left this machine\n");

    let files = kerf.run(&["ledger", "totals", "--json"]).expect(0).events;
    assert_eq!(files.len(), 1);
    assert_eq!(
        (&files[0]["key"], &files[0]["requests"]),
        (&json!("a.txt"), &json!(1))
    );
    assert_eq!(files[0]["hosts"], json!([server.address().to_string()]));
    let sessions = kerf
        .run(&["ledger", "totals", "session", "--json"])
        .expect(0)
        .events;
    assert_eq!(
        (&sessions[0]["key"], &sessions[0]["requests"]),
        (&json!(session), &json!(2))
    );
    assert_eq!(
        kerf.run(&["ledger", "totals", "day", "--all", "--json"])
            .expect(0)
            .events
            .len(),
        1
    );
}

#[test]
fn the_chain_is_proved_and_exported() {
    let folder = Fixture::new("//- /a.txt\none\n");
    let server = ModelServer::start(Script::new().turn(Turn::text("Done.")));
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&folder);
    assert_eq!(
        kerf.run(&["ledger", "verify"]).expect(0).stdout,
        "nothing has left this machine\n"
    );
    kerf.run(&["exec", "--json", "Hello"]).expect(0);
    let said = kerf.run(&["ledger", "verify"]).expect(0).stdout;
    let (first, seal) = said.trim_end().split_once("\nseal ").unwrap();
    assert_eq!(first, "1 row, none changed or missing");
    kerf.run(&["ledger", "verify", "--seal", seal]).expect(0);
    let other = format!("1:{}", "0".repeat(64));
    let said = kerf.run(&["ledger", "verify", "--seal", &other]).expect(1);
    assert!(
        said.stdout.starts_with("row 1 is missing or was changed"),
        "{}",
        said.stdout
    );
    kerf.run(&["ledger", "verify", "--seal", "nonsense"])
        .expect(2);

    let exported = kerf.run(&["ledger", "export"]).expect(0).stdout;
    let row: Value = serde_json::from_str(exported.trim_end()).unwrap();
    assert_eq!(
        row["body"].as_str().unwrap().as_bytes(),
        &server.requests()[0].body[..]
    );
    assert_eq!(seal, format!("1:{}", row["row_hash"].as_str().unwrap()));
    assert_eq!(row["previous_hash"], "0".repeat(64));
}

#[test]
fn local_only_mode_keeps_everything_on_this_computer() {
    let folder = Fixture::new("//- /a.txt\none\n");
    let server = ModelServer::start(Script::new().turn(Turn::text("Done.")));
    let kerf = Kerf::new()
        .server(&server, Wire::Chat)
        .in_repo(&folder)
        .config("[app]\nreach = \"this_computer\"\n");
    kerf.run(&["exec", "--json", "Hello"]).expect(0);
    assert_eq!(rows(&kerf).len(), 1);
    let kerf = kerf.env("KERF_BASE_URL", "http://192.0.2.1:9/v1");
    let run = kerf.run(&["exec", "--json", "Hello"]);
    assert_ne!(run.code, 0);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(said.contains("local-only mode is on"), "{said}");
    assert_eq!(rows(&kerf).len(), 1, "nothing more was sent");
}
