//! Secrets never leave: bodies hold placeholders, files and commands get values, withheld files are not read.

use crate::kit::{Rig, Say, script};
use kerf_agent::TurnEnd;
use kerf_protocol::{
    endpoint::Wire,
    item::{Doubt, ItemBody, ItemStatus},
    policy::{Answer, QuestionAbout},
};
use kerf_secrets::Vault;
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::json;

/// A made-up token; in halves, so that no scanner finds it here.
fn token(seed: u8) -> String {
    let letters: String = (0..36_u8)
        .map(|at| char::from(b'a' + (at.wrapping_mul(7).wrapping_add(seed)) % 26))
        .collect();
    ["gh", "p_", &letters[..30], "0A1B2C"].concat()
}

/// What stands for a value in the sessions of these tests.
fn word(value: &str) -> String {
    Vault::new([7; 32]).conceal(value).text.into_owned()
}

/// A made-up private key of four lines.
fn key() -> Vec<String> {
    let line = |seed: usize| -> String {
        let set = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let at = |at: usize| char::from(set[(at * 29 + seed * 13 + at * at) % 64]);
        (0..64).map(at).collect()
    };
    (1..5).map(line).collect()
}

fn key_block() -> String {
    let lines = key().join("\n");
    format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----")
}

/// Asserts that no request held any of these.
fn assert_kept(rig: &Rig, secrets: &[String]) {
    let requests = rig.server.requests();
    assert!(!requests.is_empty());
    for request in requests {
        let body = request.json().to_string();
        for secret in secrets {
            assert!(!body.contains(secret.as_str()), "{secret} is in {body}");
        }
    }
}

#[rstest]
#[case(Wire::Chat)]
#[case(Wire::Responses)]
#[case(Wire::Anthropic)]
#[tokio::test]
async fn no_planted_secret_is_in_any_body_and_edits_around_it_are_exact(#[case] wire: Wire) {
    let (one, two, said) = (token(1), token(2), token(3));
    let tree = format!(
        "//- /AGENTS.md\nThe key of the tests is {two}.\n//- /a.rs\nlet token = \"{one}\";\nlet other = 1;\n//- /key.rs\nconst KEY: &str = \"{}\";\nlast\n",
        key_block()
    );
    let edit = json!({"path": "a.rs", "edits": [{
        "old": format!("let token = \"{}\";\nlet other = 1;", word(&one)),
        "new": format!("let access = \"{}\";\nlet both = \"{}\";", word(&one), word(&two)),
    }]});
    let write =
        json!({"path": "new.env", "content": format!("A={}\nB={}\n", word(&said), word(&one))});
    let patch = format!(
        "*** Begin Patch\n*** Update File: a.rs\n@@\n let access = \"{}\";\n+// kept\n*** End Patch",
        word(&one)
    );
    let mut rig = Rig::on(
        wire,
        &tree,
        script([
            Turn::call("read_file", json!({"path": "a.rs"}))
                .and_call("read_file", json!({"path": "key.rs"})),
            Turn::call("edit_file", edit).and_call("write_file", write),
            Turn::call("apply_patch", json!({ "patch": patch })),
            Turn::call("grep", json!({"pattern": word(&one), "literal": true})),
            Turn::call("run_command", json!({"command": "cat a.rs key.rs"})),
        ]),
    );
    assert_eq!(rig.turn(&format!("use {said}")).await, TurnEnd::Completed);
    let statuses: Vec<_> = rig
        .host
        .calls()
        .into_iter()
        .map(|(call, status)| (call.output, status))
        .collect();
    assert!(
        statuses
            .iter()
            .all(|(_, status)| *status == ItemStatus::Completed),
        "{statuses:?}"
    );
    assert_eq!(
        rig.fixture.read("a.rs"),
        format!("let access = \"{one}\";\n// kept\nlet both = \"{two}\";\n")
    );
    assert_eq!(rig.fixture.read("new.env"), format!("A={said}\nB={one}\n"));
    let mut secrets = key();
    secrets.extend([one.clone(), two, said.clone()]);
    assert_kept(&rig, &secrets);
    // What was really said and read stays here.
    let items = rig.host.turns().remove(0).items;
    let texts: Vec<String> = items
        .iter()
        .map(|item| format!("{:?}", item.body))
        .collect();
    assert!(texts[0].contains(&said), "{}", texts[0]);
    assert!(rig.host.calls()[0].0.output.contains(&one));
    // What the model wrote is kept as it wrote it.
    let arguments = rig.host.calls()[2].0.arguments.to_string();
    assert!(
        arguments.contains(&word(&one)) && !arguments.contains(&one),
        "{arguments}"
    );
}

#[tokio::test]
async fn a_call_tells_what_was_concealed_and_what_was_sent_though_it_looks_like_a_secret() {
    let doubtful = ["q7Zr", "T2mXw9Lk4Vb8Np3Hc6Yd1Sf5Gj"].concat();
    let tree = format!(
        "//- /a.rs\nlet token = \"{}\";\ninternal_service_secret = \"{doubtful}\"\n//- /b.rs\nlet plain = 1;\n",
        token(1)
    );
    let mut rig = Rig::on(
        Wire::Chat,
        &tree,
        script([Turn::call("read_file", json!({"path": "a.rs"}))
            .and_call("read_file", json!({"path": "b.rs"}))]),
    );
    assert_eq!(rig.turn("look").await, TurnEnd::Completed);
    let calls = rig.host.calls();
    let seen = &calls[0].0.secrets;
    assert_eq!(seen.concealed, 1);
    assert_eq!(
        seen.doubtful,
        [Doubt {
            rule: "generic-api-key".to_owned(),
            line: 2
        }]
    );
    assert!(calls[1].0.secrets.is_empty());
    let sent = rig.server.requests().pop().unwrap().json().to_string();
    assert!(
        sent.contains(&doubtful) && !sent.contains(&token(1)),
        "{sent}"
    );
}

/// What one output tells to be a secret is concealed in those before it as well.
#[tokio::test]
async fn a_secret_that_a_later_call_tells_of_is_concealed_in_the_call_before() {
    let value = ["aB3k9Qx7", "Zr2mW5tL"].concat();
    let tree = format!(
        "//- /a.txt\nfirst {value}\n//- /b.txt\npostgres://app:{value}@db.example.org/main\n"
    );
    let read = |path: &str| json!({ "path": path });
    let mut rig = Rig::on(
        Wire::Chat,
        &tree,
        script([Turn::call("read_file", read("a.txt")).and_call("read_file", read("b.txt"))]),
    );
    assert_eq!(rig.turn("look").await, TurnEnd::Completed);
    let sent = rig.server.requests().pop().unwrap().json().to_string();
    assert!(
        sent.contains("first KERF_SECRET_") && !sent.contains(&value),
        "{sent}"
    );
}

#[tokio::test]
async fn a_session_that_is_taken_up_again_sends_the_same_and_puts_values_back() {
    let one = token(1);
    let tree = format!("//- /a.rs\nlet token = \"{one}\";\n");
    let edit = |old: &str, new: &str| {
        json!({"path": "a.rs", "edits": [{
            "old": format!("{old} = \"{}\"", word(&one)),
            "new": format!("{new} = \"{}\"", word(&one)),
        }]})
    };
    let mut rig = Rig::new(
        &tree,
        script([
            Turn::call("read_file", json!({"path": "a.rs"})),
            Turn::call("edit_file", edit("token", "access")),
        ]),
    );
    rig.turn("rename it").await;
    rig.assert_replays(&[]).await;
    assert_kept(&rig, std::slice::from_ref(&one));
    let turns = rig.host.turns();
    let again = script([Turn::call("edit_file", edit("access", "key"))]);
    let mut later = Rig::with_history(Wire::Chat, rig.fixture, again, &turns);
    later.turn("again").await;
    assert_eq!(
        later.fixture.read("a.rs"),
        format!("let key = \"{one}\";\n")
    );
    assert_kept(&later, &[one]);
}

#[tokio::test]
async fn a_command_gets_the_value_and_the_question_says_so() {
    let one = token(1);
    let tree = format!("//- /a.rs\nlet token = \"{one}\";\n");
    let command = format!("printf %s {} > out.txt; cat out.txt", word(&one));
    let calls = || {
        script([
            Turn::call("read_file", json!({"path": "a.rs"})),
            Turn::call("run_command", json!({"command": command})),
        ])
    };
    // No isolation: the secret could be sent anywhere, so that the user is asked although all else goes ahead.
    let mut rig = Rig::new(&tree, calls());
    rig.host.say(Say::Answer(Answer::Allow));
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    assert_eq!(rig.fixture.read("out.txt"), one);
    let QuestionAbout::Command {
        command: shown,
        secrets,
        ..
    } = &rig.host.questions()[0].about
    else {
        panic!("{:?}", rig.host.questions());
    };
    assert_eq!(*shown, command);
    assert_eq!(*secrets, [word(&one)]);
    assert_kept(&rig, std::slice::from_ref(&one));
    let kept = format!("{:?}", rig.host.calls()[1].0.arguments);
    assert!(!kept.contains(&one), "{kept}");
    // Nobody is there: it does not run.
    let mut alone = Rig::new(&tree, calls());
    alone.turn("go").await;
    assert!(!alone.fixture.exists("out.txt"));
}

const SECRETS: &str = "//- /.env\nPASSWORD=hunter2-is-planted\n//- /src/a.rs\n// PASSWORD is read from the environment\n";

#[rstest]
#[case::read("read_file", json!({"path": ".env"}))]
#[case::by_a_link("read_file", json!({"path": "notes.txt"}))]
#[case::grep("grep", json!({"pattern": "x", "path": ".env"}))]
#[case::edit("edit_file", json!({"path": ".env", "edits": [{"old": "PASSWORD=hunter", "new": ""}]}))]
#[case::write("write_file", json!({"path": ".env", "content": "x"}))]
#[case::patch("apply_patch", json!({"patch": "*** Begin Patch\n*** Update File: .env\n@@\n-PASSWORD=x\n+y\n*** End Patch"}))]
#[case::delete("apply_patch", json!({"patch": "*** Begin Patch\n*** Delete File: .env\n*** End Patch"}))]
#[tokio::test]
async fn a_withheld_file_is_not_read(#[case] tool: &str, #[case] arguments: serde_json::Value) {
    let mut rig = Rig::new(SECRETS, script([Turn::call(tool, arguments)]));
    #[cfg(unix)]
    std::os::unix::fs::symlink(".env", rig.fixture.join("notes.txt")).unwrap();
    #[cfg(not(unix))]
    rig.fixture.write("notes.txt", "");
    rig.turn("go").await;
    let result = rig.result();
    let allowed_without_links = cfg!(not(unix)) && result.contains("empty");
    assert!(
        allowed_without_links
            || result.contains("withheld from the model") && result.contains("`[secrets]`"),
        "{result}"
    );
    assert_kept(&rig, &["hunter2-is-planted".to_owned()]);
    assert_eq!(rig.fixture.read(".env"), "PASSWORD=hunter2-is-planted\n");
}

#[tokio::test]
async fn a_search_leaves_withheld_files_out_whatever_they_hold() {
    let said = |pattern| json!({"pattern": pattern});
    let calls = ["PASSWORD", "hunter2-is-pl", "hunter2-is-pX"];
    let calls = calls.map(|pattern| Turn::call("grep", said(pattern)));
    let mut rig = Rig::new(SECRETS, script(calls));
    rig.turn("go").await;
    let results = rig.results();
    assert!(results[0].contains("src/a.rs:1:"), "{results:?}");
    assert!(!results[0].contains(".env"), "{results:?}");
    assert_eq!(results[1], results[2], "a guess is told apart");
    assert_kept(&rig, &["hunter2-is-planted".to_owned()]);
    // No row of the ledger says that it was sent.
    assert!(
        rig.sent()
            .iter()
            .all(|entry| entry.files.iter().all(|file| file.path != ".env"))
    );
}

#[tokio::test]
async fn the_user_may_show_a_withheld_file() {
    let read = json!({"path": ".env"});
    let mut rig = Rig::new(SECRETS, script([Turn::call("read_file", read)]));
    let path = rig.fixture.workspace().root().join(".env");
    rig.agent.setup_mut().show = [path].into();
    rig.turn("go").await;
    assert_eq!(rig.result(), "1\tPASSWORD=hunter2-is-planted\n");
}

#[rstest]
#[case::lines_of_a_file("read_file", json!({"path": "a.txt", "first_line": 4, "last_line": 5}))]
#[case::hits("grep", json!({"pattern": "[A-Za-z0-9+/]{60}"}))]
#[case::lines_around_a_hit("grep", json!({"pattern": "END", "context": 3}))]
#[tokio::test]
async fn a_part_of_a_key_without_its_begin_is_not_shown(
    #[case] tool: &str,
    #[case] arguments: serde_json::Value,
) {
    let tree = format!("//- /a.txt\nfirst\n{}\nlast\n", key_block());
    let mut rig = Rig::new(&tree, script([Turn::call(tool, arguments)]));
    rig.turn("go").await;
    let result = rig.result();
    assert!(result.contains("(a line of a private key)"), "{result}");
    assert_kept(&rig, &key());
}

#[tokio::test]
async fn what_an_answer_says_is_shown_with_placeholders() {
    let one = token(1);
    let answer = format!("The token is {}.", word(&one));
    let mut rig = Rig::new("", script([Turn::text(&answer)]));
    rig.turn(&format!("which is it, {one}?")).await;
    let items = rig.host.turns().remove(0).items;
    assert!(
        items
            .iter()
            .any(|item| matches!(&item.body, ItemBody::AgentMessage { text } if *text == answer))
    );
    assert_kept(&rig, &[one]);
}
