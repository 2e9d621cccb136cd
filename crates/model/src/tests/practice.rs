//! The practice endpoint with a tiny agent around it that works on a real folder.

use super::*;
use crate::call::{Door, Stop};
use kerf_test_support::Fixture;
use regex::Regex;
use serde_json::Value;
use std::{fs, path::Path};

const ALL: &[&str] = &["read_file", "list_dir", "grep", "edit_file", "run_command"];

const PROJECT: &str = "\
//- /Cargo.toml
[package]
name = \"demo\"
//- /src/lib.rs
pub fn total(items: &[u32]) -> u32 { items.iter().sum() }
pub fn subtotal() -> u32 { total(&[1]) + total(&[2]) }
//- /src/main.rs
use demo::total;
fn main() { println!(\"{}\", total(&[1, 2])); }
//- /notes.txt
total
totally
";

/// Runs tools like the agent's, as far as the practice endpoint needs them.
fn run(folder: &Path, name: &str, arguments: &Value) -> Result<String, String> {
    let path = |key: &str| folder.join(arguments[key].as_str().unwrap_or("."));
    let read = |key: &str| fs::read_to_string(path(key)).map_err(|error| error.to_string());
    match name {
        "read_file" => {
            let first = arguments["first_line"].as_u64().unwrap_or(1) as usize;
            let text = read("path")?;
            // Two lines at a time, so that files come in parts.
            let lines = text.lines().enumerate().skip(first - 1).take(2);
            let shown: String = lines
                .map(|(n, line)| format!("{}\t{line}\n", n + 1))
                .collect();
            Ok(format!("{shown}(more lines follow)"))
        }
        "list_dir" => {
            let names = fs::read_dir(path("path")).map_err(|error| error.to_string())?;
            let mut names: Vec<String> = names
                .flatten()
                .map(|entry| {
                    let slash = if entry.path().is_dir() { "/" } else { "" };
                    format!("{}{slash}", entry.file_name().display())
                })
                .collect();
            names.sort();
            Ok(names.join("\n"))
        }
        "grep" => {
            let pattern = arguments["pattern"].as_str().unwrap_or_default();
            let pattern = Regex::new(pattern).map_err(|error| error.to_string())?;
            let mut found = String::new();
            for file in ["notes.txt", "src/lib.rs", "src/main.rs"] {
                let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
                for (n, line) in text.lines().enumerate() {
                    if let Some(hit) = pattern.find(line) {
                        found.push_str(&format!("{file}:{}:{}: {line}\n", n + 1, hit.start() + 1));
                    }
                }
            }
            Ok(if found.is_empty() {
                "no matches".to_owned()
            } else {
                found
            })
        }
        "edit_file" => {
            let mut text = read("path")?;
            for edit in arguments["edits"].as_array().into_iter().flatten() {
                let (old, new) = (edit["old"].as_str(), edit["new"].as_str());
                let (Some(old), Some(new)) = (old, new) else {
                    return Err("an edit needs `old` and `new`".to_owned());
                };
                let count = text.matches(old).count();
                if count == 0 || (count > 1 && edit["all"] != true) {
                    return Err(format!("`{old}` is there {count} times"));
                }
                text = text.replace(old, new);
            }
            fs::write(path("path"), text).map_err(|error| error.to_string())?;
            Ok("edited".to_owned())
        }
        "run_command" => Ok(format!("exit code: 0\nran {}", arguments["command"])),
        other => Err(format!("there is no tool `{other}`")),
    }
}

/// Plays a whole turn. Returns the calls, one a line, and the last word.
async fn turn(
    folder: &Path,
    prompt: &str,
    offered: &[&str],
    denied: Option<&str>,
) -> (String, String) {
    let tools: Vec<ToolSpec> = offered
        .iter()
        .map(|name| ToolSpec {
            name: (*name).to_owned(),
            description: String::new(),
            schema: json!({"type": "object"}),
        })
        .collect();
    let target = Target {
        endpoint: crate::practice_endpoint(),
        key: None,
    };
    let mut messages = vec![user(prompt)];
    let mut calls = Vec::new();
    for _ in 0..40 {
        let mut deltas = 0;
        let reply = crate::stream(
            &Door::Practice,
            &target,
            &request(&messages, &tools),
            &CancellationToken::new(),
            &mut |_| deltas += 1,
        )
        .await
        .expect("the practice endpoint answers");
        assert!(deltas > 1, "text comes in pieces");
        let encoded = wire::encode(&target, &request(&messages, &tools)).expect("encoded");
        assert_eq!(
            crate::practice::reply(&encoded.body),
            crate::practice::reply(&encoded.body),
            "the request alone decides"
        );
        let mut results = Vec::new();
        let mut text = String::new();
        for part in &reply.parts {
            match part {
                Part::Text(said) => text.push_str(said),
                Part::ToolCall {
                    call_id,
                    name,
                    arguments,
                } => {
                    calls.push(format!("{name} {arguments}"));
                    let arguments = serde_json::from_str(arguments).expect("arguments are JSON");
                    let done = if denied == Some(name.as_str()) {
                        Err("the user said no".to_owned())
                    } else {
                        run(folder, name, &arguments)
                    };
                    let (output, failed) = match done {
                        Ok(output) => (output, false),
                        Err(output) => (output, true),
                    };
                    results.push(result(call_id, &output, failed));
                }
                other => panic!("unexpected {other:?}"),
            }
        }
        assert!(text.to_lowercase().contains("practice endpoint"), "{text}");
        messages.push(message(Role::Assistant, reply.parts));
        if reply.stop != Stop::ToolCalls {
            assert!(text.contains("not a language model"), "{text}");
            assert!(text.contains("kerf endpoints add"), "{text}");
            return (calls.join("\n"), text);
        }
        messages.push(message(Role::User, results));
    }
    panic!("the turn has no end:\n{}", calls.join("\n"));
}

#[tokio::test]
async fn rename_changes_whole_names_everywhere_and_runs_the_tests() {
    let project = Fixture::new(PROJECT);
    let (calls, text) = turn(project.path(), "Rename `total` to `sum_of`", ALL, None).await;
    insta::assert_snapshot!("rename", format!("{calls}\n\n{text}\n\n{}", project.tree()));
}

#[tokio::test]
async fn rename_without_a_match_changes_nothing() {
    let project = Fixture::new(PROJECT);
    let (calls, text) = turn(project.path(), "rename nothing to something", ALL, None).await;
    assert_eq!(calls, r#"grep {"pattern":"\\bnothing\\b"}"#);
    assert!(text.contains("I found no `nothing`"), "{text}");
}

#[rstest::rstest]
#[case("grep")]
#[case("read_file")]
#[case("edit_file")]
#[tokio::test]
async fn a_denied_tool_ends_it_and_nothing_is_changed(#[case] tool: &str) {
    let project = Fixture::new(PROJECT);
    let before = project.tree();
    let (_, text) = turn(project.path(), "rename total to sum_of", ALL, Some(tool)).await;
    assert!(text.contains(&format!("`{tool}` did not do it")), "{text}");
    assert!(text.contains("the user said no"), "{text}");
    assert_eq!(project.tree(), before);
}

#[tokio::test]
async fn a_denied_command_is_reported_after_the_rename() {
    let project = Fixture::new(PROJECT);
    let prompt = "rename total to sum_of";
    let (_, text) = turn(project.path(), prompt, ALL, Some("run_command")).await;
    assert!(text.contains("renamed `total` to `sum_of`"), "{text}");
    assert!(text.contains("did not succeed"), "{text}");
    assert!(text.contains("the user said no"), "{text}");
}

#[tokio::test]
async fn a_missing_tool_is_named() {
    let project = Fixture::new(PROJECT);
    let offered = ["read_file", "list_dir"];
    let (calls, text) = turn(project.path(), "rename total to sum_of", &offered, None).await;
    assert_eq!(calls, "");
    assert!(
        text.contains("the tool `grep`, which is not offered"),
        "{text}"
    );
}

#[tokio::test]
async fn where_is_it_defined() {
    let project = Fixture::new(PROJECT);
    let (_, text) = turn(project.path(), "Where is `subtotal` defined?", ALL, None).await;
    assert!(text.contains("- src/lib.rs:2 `pub fn subtotal()"), "{text}");
    let (calls, text) = turn(project.path(), "where is totally defined", ALL, None).await;
    assert_eq!(calls.lines().count(), 2, "{calls}");
    assert!(text.contains("- notes.txt:2 `totally`"), "{text}");
    let (_, text) = turn(project.path(), "where is Nowhere defined", ALL, None).await;
    assert!(text.contains("I found no `Nowhere`"), "{text}");
}

#[rstest::rstest]
#[case("//- /Cargo.toml\n", "cargo test")]
#[case("//- /package.json\n{}\n", "npm test")]
#[case("//- /go.mod\n", "go test ./...")]
#[case("//- /Makefile\n", "make test")]
#[tokio::test]
async fn tests_are_run_by_the_projects_own_way(#[case] files: &str, #[case] command: &str) {
    let project = Fixture::new(files);
    let (calls, text) = turn(project.path(), "Please run the tests.", ALL, None).await;
    let expected =
        format!("list_dir {{\"path\":\".\"}}\nrun_command {{\"command\":\"{command}\"}}");
    assert_eq!(calls, expected);
    assert!(
        text.contains(&format!("The tests (`{command}`) ran")),
        "{text}"
    );
}

#[tokio::test]
async fn without_a_known_project_no_tests_are_run() {
    let project = Fixture::new("");
    let (_, text) = turn(project.path(), "run the tests", ALL, None).await;
    assert!(
        text.contains("I do not know how to run the tests"),
        "{text}"
    );
}

#[tokio::test]
async fn replace_in_one_file() {
    let project = Fixture::new(PROJECT);
    let prompt = "replace \"total\" with 'all' in notes.txt";
    let (_, text) = turn(project.path(), prompt, ALL, None).await;
    assert_eq!(project.read("notes.txt"), "all\nallly\n");
    assert!(text.contains("in `notes.txt`, 2 times"), "{text}");
    let (_, text) = turn(project.path(), "replace x with y in nowhere.txt", ALL, None).await;
    assert!(text.contains("`read_file` did not do it"), "{text}");
    let (_, text) = turn(project.path(), "replace zzz with y in notes.txt", ALL, None).await;
    assert!(text.contains("does not contain `zzz`"), "{text}");
}

#[tokio::test]
async fn anything_else_is_answered_with_what_it_can_do() {
    let project = Fixture::new("");
    let (calls, text) = turn(project.path(), "Write me a poem", ALL, None).await;
    assert_eq!(calls, "");
    assert!(text.contains("rename `old_name` to `new_name`"), "{text}");
    assert!(text.contains("`run_command`"), "{text}");
}

#[test]
fn any_bytes_get_an_answer() {
    for body in [
        "",
        "{",
        "{}",
        "[]",
        "{\"messages\":[1,null,{\"role\":\"user\",\"content\":7}]}",
    ] {
        let events = crate::practice::reply(body.as_bytes());
        assert!(!events.is_empty(), "{body}");
    }
}
