//! Rules: what they hold back, what they let through, and what an answer keeps.

use crate::kit::{Rig, Say, script};
use kerf_agent::TurnEnd;
use kerf_protocol::{
    item::ItemStatus,
    policy::{Answer, ApproveMode, SandboxMode},
    rule::{RuleOrigin, RuleVerdict},
};
use kerf_rules::{Entry, Rule, Rules};
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::json;
use std::sync::Arc;

const TREE: &str = "//- /a.txt\none\n//- /b.txt\none\n";

fn edit(path: &str) -> Turn {
    Turn::call(
        "edit_file",
        json!({"path": path, "edits": [{"old": "one", "new": "two"}]}),
    )
}

fn run(command: &str) -> Turn {
    Turn::call("run_command", json!({ "command": command }))
}

/// A session that asks about nothing by itself, with these rules.
fn rig(turns: impl IntoIterator<Item = Turn>, rules: &[(RuleVerdict, &str)]) -> Rig {
    let mut rig = Rig::new(TREE, script(turns));
    let entry = |(verdict, text): &(RuleVerdict, &str)| Entry {
        verdict: *verdict,
        origin: RuleOrigin::Project {
            file: ".claude/settings.json".to_owned(),
        },
        rule: Rule::parse(text).unwrap(),
    };
    let folder = rig.fixture.path().canonicalize().unwrap();
    rig.agent.setup_mut().rules = Arc::new(Rules::new(
        &folder.to_string_lossy(),
        folder.parent().and_then(|home| home.to_str()),
        rules.iter().map(entry).collect(),
    ));
    rig
}

#[rstest]
#[case::command(run("rm a.txt"), "Bash(rm:*)")]
#[case::inside(run("true && sh -c 'rm a.txt'"), "Bash(rm:*)")]
#[case::edit(edit("a.txt"), "Edit(a.txt)")]
#[case::redirection(run("echo x > a.txt"), "Edit(a.txt)")]
#[tokio::test]
async fn what_a_rule_denies_does_not_happen(#[case] turn: Turn, #[case] rule: &str) {
    let mut rig = rig(
        [turn],
        &[(RuleVerdict::Deny, rule), (RuleVerdict::Allow, rule)],
    );
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    assert_eq!(rig.fixture.tree(), TREE);
    assert_eq!(rig.host.calls()[0].1, ItemStatus::Denied);
    assert!(rig.host.questions().is_empty());
    let told = rig.result();
    assert!(
        told.contains(rule) && told.contains(".claude/settings.json"),
        "{told}"
    );
}

#[rstest]
#[case::command(run("rm a.txt"), "Bash(rm:*)", "asks")]
#[case::guess(run("x=rm; $x a.txt"), "Bash(rm:*)", "cannot be told")]
#[case::edit(edit("a.txt"), "Edit(*.txt)", "asks")]
#[tokio::test]
async fn what_a_rule_asks_about_is_asked_in_every_mode(
    #[case] turn: Turn,
    #[case] rule: &str,
    #[case] because: &str,
) {
    let mut asked = rig(
        [turn.clone()],
        &[(RuleVerdict::Ask, rule), (RuleVerdict::Allow, rule)],
    );
    asked.host.say(Say::Answer(Answer::Deny {
        reason: String::new(),
    }));
    assert_eq!(asked.turn("go").await, TurnEnd::Completed);
    assert_eq!(asked.fixture.tree(), TREE);
    let question = &asked.host.questions()[0];
    let why = question.because.clone().unwrap();
    assert!(why.contains(because) && why.contains(rule), "{why}");
    assert_eq!(
        question.project, None,
        "a rule that asks counts before one that allows"
    );
    let mut never =
        rig([turn], &[(RuleVerdict::Ask, rule)]).policy(SandboxMode::Off, ApproveMode::Never);
    assert_eq!(never.turn("go").await, TurnEnd::Completed);
    assert_eq!(never.fixture.tree(), TREE);
    assert!(
        never.result().contains("nobody can be asked"),
        "{}",
        never.result()
    );
}

#[tokio::test]
async fn what_a_rule_allows_is_not_asked_about_and_nothing_beside_it() {
    let turns = [run("rm a.txt"), edit("b.txt"), run("rm b.txt; true")];
    let rules = [
        (RuleVerdict::Allow, "Bash(rm:*)"),
        (RuleVerdict::Allow, "Edit(b.txt)"),
    ];
    let mut rig = rig(turns, &rules).asking();
    rig.host.say(Say::Answer(Answer::Deny {
        reason: String::new(),
    }));
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    assert_eq!(rig.fixture.tree(), "//- /b.txt\ntwo\n");
    assert_eq!(rig.host.questions().len(), 1, "`true` is not allowed");
}

#[tokio::test]
async fn an_answer_for_the_project_keeps_the_rule_that_was_shown() {
    let turns = [
        run("git status -s"),
        run("git status"),
        edit("a.txt"),
        edit("b.txt"),
    ];
    let mut rig = rig(turns, &[]).asking();
    rig.host.say(Say::Answer(Answer::AllowForProject));
    rig.host.say(Say::Answer(Answer::AllowForProject));
    rig.host.say(Say::Answer(Answer::Deny {
        reason: String::new(),
    }));
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    assert_eq!(
        rig.host.kept_rules(),
        ["Bash(git status:*)", "Edit(/a.txt)"]
    );
    let questions = rig.host.questions();
    assert_eq!(
        questions.len(),
        3,
        "the second `git status` is not asked about"
    );
    let offer = questions[0].project.as_ref().unwrap();
    let name = rig.fixture.path().canonicalize().unwrap();
    let name = name.file_name().unwrap().to_str().unwrap();
    assert_eq!(
        offer.words,
        format!("`git status` with any arguments, in ~/{name}")
    );
    assert_eq!(
        questions[0].session.as_deref(),
        Some("exactly this command, until this session ends")
    );
    assert_eq!(rig.fixture.tree(), TREE.replacen("one", "two", 1));
}

#[tokio::test]
async fn what_was_not_offered_is_not_kept() {
    let mut rig = rig([run("rm a.txt")], &[(RuleVerdict::Ask, "Bash(rm:*)")]);
    rig.host.say(Say::Answer(Answer::AllowForProject));
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    assert!(rig.host.kept_rules().is_empty());
}

#[tokio::test]
async fn a_file_that_a_rule_holds_back_is_not_read_by_any_tool() {
    let turns = [
        Turn::call("read_file", json!({"path": "a.txt"})),
        Turn::call("grep", json!({"pattern": "one"})),
        edit("a.txt"),
    ];
    let mut rig = rig(turns, &[(RuleVerdict::Deny, "Read(a.txt)")]);
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    let results = rig.results();
    assert!(results[0].contains("Read(a.txt)"), "{results:?}");
    assert!(
        results[1].contains("b.txt:") && !results[1].contains("a.txt:1"),
        "{results:?}"
    );
    assert!(results[2].contains("Read(a.txt)"), "{results:?}");
    assert_eq!(rig.fixture.tree(), TREE);
}

/// Also where everything is allowed, and by a path that a link leads along.
#[rstest]
#[case::edit(Turn::call("edit_file", json!({"path": ".claude/settings.json", "edits": [{"old": "before", "new": "after"}]})))]
#[case::case(Turn::call("write_file", json!({"path": "sub/.CLAUDE/settings.json", "content": "{}"})))]
#[case::link(Turn::call("write_file", json!({"path": "link/new.json", "content": "{}"})))]
#[case::patch(Turn::call("apply_patch", json!({"patch": "*** Begin Patch\n*** Add File: .kerf/config.toml\n+x\n*** End Patch"})))]
#[case::shell(run("echo x > .claude/settings.json"))]
#[tokio::test]
async fn mc9_no_call_changes_rules(#[case] turn: Turn) {
    let mut rig = rig(
        [turn],
        &[(RuleVerdict::Allow, "Edit"), (RuleVerdict::Allow, "Bash")],
    );
    rig.fixture.write(".claude/settings.json", "before");
    std::os::unix::fs::symlink(".claude", rig.fixture.join("link")).unwrap();
    let before = rig.fixture.tree();
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    assert_eq!(rig.fixture.tree(), before);
    assert_eq!(
        rig.host.calls()[0].1,
        ItemStatus::Denied,
        "{}",
        rig.result()
    );
}
