//! `kerf rules` and `kerf trust`, and what runs without anybody to ask hold to.

use crate::support::{Kerf, Ran};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use serde_json::json;

const SETTINGS: &str =
    r#"{"permissions": {"allow": ["Bash(touch b.txt)"], "deny": ["Bash(rm:*)"]}}"#;

fn scene(command: &str) -> (Fixture, ModelServer, Kerf) {
    let folder = Fixture::new("//- /a.txt\none\n");
    folder.write(".claude/settings.json", SETTINGS);
    let call = || Turn::call("run_command", json!({ "command": command }));
    let done = || Turn::text("Done.");
    let script = Script::new().turn(call()).turn(done());
    let script = script.turn(call()).turn(call()).otherwise(done());
    let server = ModelServer::start(script);
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&folder);
    (folder, server, kerf)
}

fn says_that_it_waits(ran: &Ran) -> usize {
    ran.stderr.matches("brings rules of its own").count()
}

#[test]
fn without_trust_a_project_allows_nothing_and_it_is_said_once() {
    let (folder, _server, kerf) = scene("touch b.txt");
    let ran = kerf.run(&["exec", "Go"]).expect(3);
    assert_eq!(says_that_it_waits(&ran), 1, "{}", ran.stderr);
    assert!(!folder.exists("b.txt"));
    let ran = kerf.run(&["resume", "--last", "Go on"]).expect(0);
    assert_eq!(says_that_it_waits(&ran), 1, "{}", ran.stderr);
    assert!(!folder.exists("b.txt"));

    let shown = kerf.run(&["trust", "--show"]).expect(0);
    assert!(shown.stdout.contains(SETTINGS), "{}", shown.stdout);
    assert!(
        shown.stdout.contains("exactly `touch b.txt`"),
        "{}",
        shown.stdout
    );
    let ran = kerf.run(&["trust"]).expect(0);
    assert!(
        ran.stdout.contains("trusted as it is now"),
        "{}",
        ran.stdout
    );
    let listed = kerf.run(&["trust", "--list"]).expect(0);
    assert!(
        listed.stdout.contains(".claude/settings.json"),
        "{}",
        listed.stdout
    );
}

#[test]
fn with_trust_the_project_s_rule_counts_until_its_bytes_change() {
    let (folder, _server, kerf) = scene("touch b.txt");
    kerf.run(&["trust"]).expect(0);
    let ran = kerf.run(&["exec", "Go"]).expect(0);
    assert_eq!(says_that_it_waits(&ran), 0, "{}", ran.stderr);
    assert!(folder.exists("b.txt"));
    folder.remove("b.txt");
    folder.write(".claude/settings.json", format!("{SETTINGS} "));
    let ran = kerf.run(&["exec", "Go"]).expect(3);
    assert_eq!(says_that_it_waits(&ran), 1, "{}", ran.stderr);
    assert!(!folder.exists("b.txt"));
    folder.write(".claude/settings.json", SETTINGS);
    kerf.run(&["trust", "--revoke"]).expect(0);
    kerf.run(&["exec", "Go"]).expect(3);
    assert!(!folder.exists("b.txt"));
}

#[test]
fn what_a_project_denies_does_not_happen_in_any_mode() {
    let (folder, _server, kerf) = scene("rm a.txt");
    kerf.run(&["exec", "--approve", "auto", "Go"]).expect(0);
    kerf.run(&["exec", "--approve", "never", "Go"]).expect(0);
    assert!(folder.exists("a.txt"));
}

#[test]
fn rules_are_listed_and_tried() {
    let (_folder, _server, kerf) = scene("ls");
    let kerf = kerf.config("[rules]\nallow = [\"Bash(cargo test:*)\"]\n");
    let list = kerf.run(&["rules"]).expect(0).stdout;
    for line in [
        "allow  Bash(cargo test:*)  (your settings)  `cargo test` with any arguments",
        "deny   Bash(rm:*)  (.claude/settings.json)  `rm` with any arguments",
        "allow  Bash(touch b.txt)  (.claude/settings.json, waits for your trust)  exactly `touch b.txt`",
    ] {
        assert!(list.lines().any(|found| found == line), "{line}\n{list}");
    }
    for (command, expected) in [
        ("cargo test -p a", "allow "),
        ("cargo test; rm x", "deny "),
        ("$x", "ask "),
        ("ls", "policy "),
    ] {
        let said = kerf.run(&["rules", "test", command]).expect(0).stdout;
        assert!(said.starts_with(expected), "{command}: {said}");
    }
    kerf.run(&["rules", "revoke", "7"]).expect(2);
}
