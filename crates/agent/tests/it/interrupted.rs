//! Calls that nobody saw end, because Kerf stopped: asked about, told to the model, never run again.

use crate::kit::{Rig, Say, script};
use kerf_agent::TurnEnd;
use kerf_protocol::{
    ItemId, TurnId,
    endpoint::{Usage, Wire},
    item::{Item, ItemBody, ItemStatus, ToolCall},
    policy::{Answer, QuestionAbout},
    session::{Turn as StoredTurn, TurnState},
};
use kerf_test_support::{Fixture, Turn};
use rstest::rstest;
use serde_json::{Value, json};

fn item(turn_id: TurnId, step: u32, status: ItemStatus, body: ItemBody) -> Item {
    Item {
        id: ItemId::new(),
        turn_id,
        created_at: 1,
        status,
        step,
        part: 0,
        body,
    }
}

/// A turn that ended in the middle of these calls.
fn broken_off(calls: &[(&str, Value)]) -> StoredTurn {
    let id = TurnId::new();
    let user = ItemBody::UserMessage {
        text: "go".to_owned(),
        images: Vec::new(),
        comments: Vec::new(),
    };
    let mut items = vec![item(id, 0, ItemStatus::Completed, user)];
    for (number, (tool, arguments)) in calls.iter().enumerate() {
        let call = ToolCall {
            call_id: format!("call_old_{number}"),
            tool: (*tool).to_owned(),
            arguments: arguments.clone(),
            title: format!("Use {tool}"),
            output: String::new(),
            quotes: Vec::new(),
            changes: Vec::new(),
            exit: None,
            duration_ms: None,
            secrets: Default::default(),
        };
        items.push(item(
            id,
            1,
            ItemStatus::Interrupted,
            ItemBody::ToolCall(call),
        ));
    }
    StoredTurn {
        id,
        state: TurnState::Interrupted,
        created_at: 1,
        usage: Usage::default(),
        items,
    }
}

fn rig(history: &[StoredTurn]) -> Rig {
    Rig::with_history(
        Wire::Chat,
        Fixture::new("//- /a.txt\none\n"),
        script([]),
        history,
    )
}

fn command() -> (&'static str, Value) {
    ("run_command", json!({"command": "echo x >> ran.txt"}))
}

#[rstest]
#[case::words(Answer::Text { text: "it had finished".to_owned() }, "it had finished")]
#[case::yes(Answer::Allow, "it may be run again")]
#[case::no(Answer::Deny { reason: String::new() }, "do not run it again")]
#[case::no_because(Answer::Deny { reason: "use the other one".to_owned() }, "use the other one")]
#[tokio::test]
async fn the_user_is_asked_once_and_the_model_is_told(
    #[case] answer: Answer,
    #[case] expected: &str,
) {
    let history = [broken_off(&[command()])];
    let mut rig = rig(&history);
    rig.host.say(Say::Answer(answer));
    assert_eq!(rig.turn("go on").await, TurnEnd::Completed);
    assert_eq!(
        rig.host.questions()[0].about,
        QuestionAbout::Interrupted {
            tool: "run_command".to_owned(),
            detail: "echo x >> ran.txt".to_owned()
        }
    );
    assert_eq!(rig.host.questions()[0].item_id, history[0].items[1].id);
    let seen = rig.seen(0);
    assert!(
        seen.results[0].1.contains("it was not run again"),
        "{seen:?}"
    );
    let told = format!("About the call that was interrupted, the user says: {expected}");
    assert_eq!(seen.last_user_text(), Some(told.as_str()));
    assert!(!rig.fixture.exists("ran.txt"));
    // Neither this session nor one that is taken up from its log asks again, and both remember the answer.
    rig.turn("and now?").await;
    assert_eq!(rig.host.questions().len(), 1);
    rig.assert_replays(&history).await;
}

#[tokio::test]
async fn where_nobody_is_there_the_model_is_told_that_nobody_knows() {
    let mut rig = rig(&[broken_off(&[command()])]);
    rig.host.say(Say::Nobody);
    assert_eq!(rig.turn("go on").await, TurnEnd::Completed);
    let seen = rig.seen(0);
    assert!(
        seen.results[0].1.contains("Whether it finished is unknown"),
        "{seen:?}"
    );
    assert_eq!(seen.last_user_text(), Some("go on"));
    assert!(!rig.fixture.exists("ran.txt"));
}

#[tokio::test]
async fn only_calls_that_may_have_changed_something_are_asked_about() {
    let edit = (
        "edit_file",
        json!({"path": "a.txt", "edits": [{"old": "one", "new": "two"}]}),
    );
    let calls = [("read_file", json!({"path": "a.txt"})), edit, command()];
    let history = [broken_off(&calls)];
    let mut rig = rig(&history);
    rig.host.say(Say::Answer(Answer::Allow));
    rig.host.say(Say::Answer(Answer::Allow));
    rig.turn("go on").await;
    let asked: Vec<String> = rig
        .host
        .questions()
        .into_iter()
        .map(|question| match question.about {
            QuestionAbout::Interrupted { tool, .. } => tool,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(asked, ["edit_file", "run_command"]);
    assert_eq!(rig.fixture.read("a.txt"), "one\n");
    assert_eq!(rig.seen(0).results.len(), 3);
    rig.assert_replays(&history).await;
}

#[tokio::test]
async fn a_summary_behind_the_answer_stands_for_the_answer_too() {
    let history = [broken_off(&[command()])];
    let long = "word ".repeat(1_500);
    let server = kerf_test_support::Script::new()
        .turn(Turn::text("NOTES").when_contains("Write the notes from which"))
        .otherwise(Turn::text("Done."));
    let mut rig = Rig::with_history(Wire::Chat, Fixture::new(""), server, &history)
        .window_over(4_000, &history);
    rig.host.say(Say::Answer(Answer::Allow));
    assert_eq!(rig.turn(&long).await, TurnEnd::Completed);
    let last = rig.server.requests().last().unwrap().seen();
    assert_eq!(last.texts.len(), 1, "{last:?}");
    rig.assert_replays(&history).await;
}
