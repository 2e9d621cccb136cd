//! Each way to look into a folder goes by the same ignore rules, and each way of the agent's by the rules on reading.

use crate::{
    scene::{Call, Scene, read},
    support::{Kerf, Ran},
};
use kerf_test_support::{Fixture, Turn};
use rstest::rstest;
use serde_json::json;

/// Four files that tell of the same: one that anybody may see, one that Kerf is not to look at, one that a rule holds
/// back from the agent, and one whose name says that it is a secret.
const FOLDER: &str = "\
//- /.kerfignore
ignored/
//- /src/open.rs
/// A quagga.
pub fn quagga_open() {}
//- /ignored/left.rs
/// A quagga.
pub fn quagga_ignored() {}
//- /held/back.rs
/// A quagga.
pub fn quagga_denied() {}
pub fn other_denied() { quagga_open() }
//- /secret/client_secret.json
{ \"quagga_secret\": \"quagga\" }
";

const RULES: &str = "[rules]\ndeny = [\"Read(held/**)\"]\n";

/// What only the files say that are kept from the agent.
const KEPT: [&str; 4] = [
    "quagga_ignored",
    "quagga_denied",
    "other_denied",
    "quagga_secret",
];

fn asks(name: &'static str, arguments: serde_json::Value) -> Call {
    (name, arguments)
}

#[rstest]
#[case::words(&["quagga"])]
#[case::exact(&["--exact", "quagga"])]
#[case::expression(&["--regex", "quagga_\\w+"])]
#[case::expression_that_reads_all(&["--regex", "q."])]
#[case::definitions(&["--symbol", "quagga"])]
#[case::names(&["--path", "r"])]
#[case::a_glob(&["--path", "**/*.rs"])]
#[case::a_language(&["lang:rust"])]
#[case::a_kind(&["kind:function"])]
#[case::references(&["ref:quagga_open"])]
fn a_search_of_the_user_s_sees_all_that_is_not_ignored(#[case] query: &[&str]) {
    let folder = Fixture::new(FOLDER);
    let kerf = Kerf::new().in_repo(&folder).config(RULES);
    let ran = kerf.run(&[&["--json", "search"], query].concat()).expect(0);
    let told = |path: &str| ran.events.iter().any(|hit| hit["path"] == path);
    assert!(!told("ignored/left.rs"), "{}", ran.stdout);
    // Rules say what the agent may; these are the user's own eyes.
    assert!(told("held/back.rs"), "{}", ran.stdout);
}

#[test]
fn what_is_ignored_is_not_in_the_index() {
    let folder = Fixture::new(FOLDER);
    let kerf = Kerf::new().in_repo(&folder);
    let told = kerf.run(&["--json", "index"]).expect(0).json();
    assert_eq!(told["files"], 4, "{told}");
}

#[test]
fn the_agent_sees_nothing_that_is_kept_from_it() {
    let mut scene = Scene::on(FOLDER, false);
    scene.kerf = scene.kerf.config(RULES);
    scene.kerf.run(&["index"]).expect(0);
    // Each call, and whether it finds what anybody may see.
    let calls = [
        (asks("grep", json!({ "pattern": "quagga" })), true),
        (asks("grep", json!({ "pattern": "q.", "context": 3 })), true),
        (
            asks(
                "grep",
                json!({ "pattern": "quagga", "literal": true, "glob": "*.rs" }),
            ),
            true,
        ),
        (
            asks("grep", json!({ "pattern": "quagga", "path": "held" })),
            false,
        ),
        (
            asks(
                "grep",
                json!({ "pattern": "quagga", "path": "held/back.rs" }),
            ),
            false,
        ),
        (asks("search_code", json!({ "query": "quagga" })), true),
        (asks("search_code", json!({ "query": "\"quagga\"" })), true),
        (
            asks("search_code", json!({ "query": "/quagga_\\w+/" })),
            true,
        ),
        (
            asks("search_code", json!({ "query": "kind:function" })),
            true,
        ),
        (asks("search_code", json!({ "query": "kind:key" })), false),
        (
            asks("search_code", json!({ "query": "quagga", "path": "held" })),
            false,
        ),
        (asks("symbols", json!({ "name": "quagga" })), true),
        (
            asks(
                "symbols",
                json!({ "name": "quagga_open", "references": true }),
            ),
            true,
        ),
        (asks("outline", json!({})), true),
        (asks("outline", json!({ "path": "held" })), false),
        (asks("outline", json!({ "path": "held/back.rs" })), false),
        (
            asks("outline", json!({ "path": "secret/client_secret.json" })),
            false,
        ),
        (asks("find_files", json!({ "pattern": "*.rs" })), false),
        (read("src/open.rs"), true),
        (read("held/back.rs"), false),
        (read("secret/client_secret.json"), false),
    ];
    let expected: Vec<bool> = calls.iter().map(|(_, finds)| *finds).collect();
    let ran = scene.turn_of(calls.map(|(call, _)| call));
    let outputs = outputs(&ran);
    assert_eq!(outputs.len(), expected.len(), "{outputs:#?}");
    for ((call, output), finds) in outputs.iter().zip(expected) {
        assert_eq!(output.contains("quagga_open"), finds, "{call}: {output}");
    }
    let find_files = &outputs[17].1;
    assert!(
        find_files.contains("src/open.rs") && !find_files.contains("ignored"),
        "{find_files}"
    );
    // What a command names is asked about, and nobody is there.
    scene.server.push(Turn::call(
        "run_command",
        json!({ "command": "cat held/back.rs" }),
    ));
    let resume = ["resume", "--json", "--last", "Show it"];
    scene.kerf.run(&resume).expect(3);
    // Nor does it leave the computer in any other part of a request: the map, the context, the results.
    for request in scene.server.requests() {
        let sent = request.json().to_string();
        for kept in KEPT {
            assert!(!sent.contains(kept), "{kept}: {sent}");
        }
    }
}

/// Each call of the turn with what it gave.
fn outputs(ran: &Ran) -> Vec<(String, String)> {
    let text =
        |call: &serde_json::Value, field: &str| call[field].as_str().unwrap_or_default().to_owned();
    let calls = ran.calls();
    let calls = calls.iter();
    calls
        .map(|call| (text(call, "title"), text(call, "output")))
        .collect()
}
