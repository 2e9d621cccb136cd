//! Calls that only look: together, in the model's order, and never past a change.

use crate::kit::{Entry, Rig, script};
use kerf_agent::TurnEnd;
use kerf_protocol::{
    event::EventBody,
    item::{ItemBody, ItemStatus},
};
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::json;

const TREE: &str =
    "//- /a.txt\nalpha\nbeta\n//- /src/lib.rs\nfn alpha() {}\n//- /empty.txt no_eol\n";

#[tokio::test]
async fn results_come_in_the_order_of_the_calls() {
    let mut turn = Turn::steps([]);
    for number in 0..40 {
        // Slow ones and fast ones mixed.
        turn = match number % 3 {
            0 => turn.and_call("grep", json!({"pattern": format!("a|{number}")})),
            1 => turn.and_call("read_file", json!({"path": "a.txt", "first_line": 2})),
            _ => turn.and_call("list_dir", json!({})),
        };
    }
    let mut rig = Rig::new(TREE, script([turn]));
    assert_eq!(rig.turn("look").await, TurnEnd::Completed);
    let calls = rig.seen(1).calls;
    let results = rig.seen(1).results;
    assert_eq!(results.len(), 40);
    for ((id, name, _), (result_id, output)) in calls.iter().zip(&results) {
        assert_eq!(id, result_id);
        let expected = match name.as_str() {
            "grep" => "a.txt:1:1: alpha",
            "read_file" => "2\tbeta",
            _ => "a.txt\nempty.txt\nsrc/\n",
        };
        assert!(output.starts_with(expected), "{name}: {output}");
    }
}

#[tokio::test]
async fn looks_begin_together_and_a_change_waits_for_them() {
    let read = || json!({"path": "a.txt"});
    let turn = Turn::call("read_file", read())
        .and_call("grep", json!({"pattern": "alpha"}))
        .and_call(
            "edit_file",
            json!({"path": "a.txt", "edits": [{"old": "alpha", "new": "gamma"}]}),
        )
        .and_call("read_file", read())
        .and_call("list_dir", json!({}));
    let mut rig = Rig::new(TREE, script([turn]));
    rig.turn("go").await;
    let order: Vec<String> = rig
        .host
        .log()
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Event(EventBody::ItemStarted { item }) => match item.body {
                ItemBody::ToolCall(call) => Some(format!("+{}", call.tool)),
                _ => None,
            },
            Entry::Event(EventBody::ItemCompleted { item }) => match item.body {
                ItemBody::ToolCall(call) => Some(format!("-{}", call.tool)),
                _ => None,
            },
            Entry::Before(_) => Some("change".to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(
        order,
        [
            "+read_file",
            "+grep",
            "-read_file",
            "-grep",
            "+edit_file",
            "change",
            "-edit_file",
            "+read_file",
            "+list_dir",
            "-read_file",
            "-list_dir",
        ]
    );
    let results = rig.results();
    assert!(results[0].starts_with("1\talpha"), "{results:?}");
    assert!(results[3].starts_with("1\tgamma"), "{results:?}");
}

#[rstest]
#[case("read_file", json!({"path": "a.txt"}), "1\talpha\n2\tbeta\n")]
#[case("read_file", json!({"path": "a.txt", "first_line": 2, "last_line": 9}), "2\tbeta\n")]
#[case("read_file", json!({"path": "./src/../a.txt", "last_line": 1}), "1\talpha\n")]
#[case("read_file", json!({"path": "empty.txt"}), "(the file is empty)")]
#[case("list_dir", json!({"path": "src"}), "lib.rs\n")]
#[case("find_files", json!({"pattern": "**/*.rs"}), "src/lib.rs\n")]
#[case("find_files", json!({"pattern": "nowhere.*"}), "(no file)")]
#[case("grep", json!({"pattern": "ALPHA", "ignore_case": true, "glob": "*.rs"}), "src/lib.rs:1:4: fn alpha() {}\n")]
#[case("grep", json!({"pattern": "alpha()", "literal": true}), "src/lib.rs:1:4: fn alpha() {}\n")]
#[case("grep", json!({"pattern": "beta", "path": "a.txt", "context": 1}), "a.txt-1- alpha\na.txt:2:1: beta\n")]
#[case("grep", json!({"pattern": "omega"}), "(no match)")]
#[tokio::test]
async fn what_a_look_shows(
    #[case] tool: &str,
    #[case] arguments: serde_json::Value,
    #[case] expected: &str,
) {
    let mut rig = Rig::new(TREE, script([Turn::call(tool, arguments)]));
    rig.turn("look").await;
    assert_eq!(rig.result(), expected);
    assert_eq!(rig.host.calls()[0].1, ItemStatus::Completed);
}

#[rstest]
#[case("read_file", json!({"path": "lib.rs"}), "`lib.rs` does not exist; did you mean src/lib.rs?")]
#[case("read_file", json!({"path": "src"}), "src is a folder; list it with list_dir")]
#[case("read_file", json!({"path": "a.txt", "first_line": 7}), "a.txt has 2 lines; lines 7 to 2 are none of them")]
#[case("read_file", json!({"path": "binary"}), "binary is not a text file")]
#[case("list_dir", json!({"path": "nowhere"}), "`nowhere` does not exist")]
#[case("grep", json!({"pattern": "("}), "unclosed group")]
#[tokio::test]
async fn what_a_look_says_when_it_cannot(
    #[case] tool: &str,
    #[case] arguments: serde_json::Value,
    #[case] expected: &str,
) {
    let mut rig = Rig::new(TREE, script([Turn::call(tool, arguments)]));
    rig.fixture.write("binary", [0, 1, 2, 0]);
    rig.turn("look").await;
    assert!(rig.result().contains(expected), "{}", rig.result());
    assert_eq!(rig.host.calls()[0].1, ItemStatus::Failed);
}

#[tokio::test]
async fn a_long_file_says_what_was_left_out() {
    let text: String = (1..=3000).map(|line| format!("line {line}\n")).collect();
    let mut rig = Rig::new(
        "",
        script([Turn::call("read_file", json!({"path": "long.txt"}))]),
    );
    rig.fixture.write("long.txt", text);
    rig.turn("look").await;
    let result = rig.result();
    assert!(
        result
            .ends_with("(lines 2001 to 3000 of 3000 were left out; ask for them by first_line)\n")
    );
    let quotes = &rig.host.calls()[0].0.quotes;
    assert_eq!((quotes[0].first_line, quotes[0].last_line), (1, 2000));
}
