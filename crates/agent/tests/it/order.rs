//! What happens before what: nothing is written before it can be taken back, nothing is done before it is kept.

use crate::kit::{Entry, Fail, Held, Rig, broken, failure, script};
use kerf_agent::TurnEnd;
use kerf_protocol::{
    Code,
    event::EventBody,
    item::{Item, ItemBody, ItemStatus},
    review::Author,
};
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::json;

fn shown(held: &Option<Held>) -> String {
    let Some(held) = held else {
        return "anything".to_owned();
    };
    let files: Vec<String> = held
        .iter()
        .map(|(path, bytes)| match bytes {
            Some(bytes) => format!("{path}={}", String::from_utf8_lossy(bytes).trim_end()),
            None => format!("{path} absent"),
        })
        .collect();
    files.join(", ")
}

/// The log from the first call on, one word or two an entry.
fn shape(rig: &Rig) -> Vec<String> {
    let name = |item: &Item| match &item.body {
        ItemBody::ToolCall(call) => call.tool.clone(),
        ItemBody::AgentMessage { .. } => "message".to_owned(),
        ItemBody::Error { .. } => "error".to_owned(),
        other => format!("{other:?}"),
    };
    let all = rig.host.log().into_iter().filter_map(|entry| match entry {
        Entry::Event(EventBody::ItemStarted { item }) => Some(format!("started {}", name(&item))),
        Entry::Event(EventBody::ItemCompleted { item }) => {
            Some(format!("{:?} {}", item.status, name(&item)))
        }
        Entry::Event(EventBody::TurnCompleted { .. }) => Some("turn completed".to_owned()),
        Entry::Event(EventBody::TurnFailed { .. }) => Some("turn failed".to_owned()),
        Entry::Event(_) => None,
        Entry::Before(held) => Some(format!("before {}", shown(&held))),
        Entry::Durable => Some("durable".to_owned()),
        Entry::After(held, _) => Some(format!("after {}", shown(&held))),
    });
    let all: Vec<String> = all.collect();
    let first = all
        .iter()
        .position(|line| line.starts_with("started ") && !line.contains("UserMessage"));
    all[first.unwrap()..].to_vec()
}

fn edit() -> Turn {
    Turn::call(
        "edit_file",
        json!({"path": "a.txt", "edits": [{"old": "one", "new": "two"}]}),
    )
}

#[tokio::test]
async fn an_edit_is_kept_then_durable_then_done_then_told() {
    let mut rig = Rig::new("//- /a.txt\none\n", script([edit()]));
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    assert_eq!(
        shape(&rig),
        [
            "started edit_file",
            "before a.txt=one",
            "durable",
            "after a.txt=two",
            "Completed edit_file",
            "started message",
            "Completed message",
            "turn completed",
            "durable",
        ]
    );
}

#[tokio::test]
async fn a_change_is_put_down_to_the_call_that_made_it() {
    let mut rig = Rig::new(
        "//- /a.txt\none\n",
        script([
            edit(),
            Turn::call("run_command", json!({"command": "echo x > b.txt"})),
        ]),
    );
    rig.turn("go").await;
    let ids: Vec<_> = rig
        .host
        .events()
        .into_iter()
        .filter_map(|event| match event {
            EventBody::ItemStarted { item } if matches!(item.body, ItemBody::ToolCall(_)) => {
                Some((item.turn_id, item.id))
            }
            _ => None,
        })
        .collect();
    let authors: Vec<Author> = rig
        .host
        .log()
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::After(_, author) => Some(author),
            _ => None,
        })
        .collect();
    let (turn_id, item_id) = ids[0];
    assert_eq!(authors[0], Author::Tool { turn_id, item_id });
    let (turn_id, item_id) = ids[1];
    assert_eq!(authors[1], Author::Command { turn_id, item_id });
    let calls = rig.host.calls();
    assert_eq!(calls[0].0.changes[0].path, "a.txt");
    assert_eq!(calls[1].0.changes[0].path, "b.txt");
}

#[rstest]
#[case::the_content_cannot_be_kept(Fail::Before)]
#[case::the_log_is_not_on_disk(Fail::Durable)]
#[tokio::test]
async fn nothing_is_written_that_could_not_be_taken_back(#[case] fail: Fail) {
    for turn in [
        edit(),
        Turn::call("write_file", json!({"path": "new.txt", "content": "x\n"})),
        Turn::call(
            "apply_patch",
            json!({"patch": "*** Begin Patch\n*** Delete File: a.txt\n*** End Patch"}),
        ),
        Turn::call("run_command", json!({"command": "echo x > new.txt"})),
        Turn::call(
            "run_command",
            json!({"command": "echo x > new.txt", "background": true}),
        ),
    ] {
        let mut rig = Rig::new(
            "//- /a.txt\none\n",
            script([turn.and_call(
                "edit_file",
                json!({"path": "a.txt", "edits": [{"old": "one", "new": "three"}]}),
            )]),
        );
        rig.host.fail(fail);
        assert_eq!(failure(rig.turn("go").await), broken());
        assert_eq!(rig.fixture.tree(), "//- /a.txt\none\n");
        let statuses: Vec<ItemStatus> = rig
            .host
            .calls()
            .into_iter()
            .map(|(_, status)| status)
            .collect();
        assert_eq!(
            statuses,
            [ItemStatus::Failed, ItemStatus::Cancelled],
            "a full disk is no refusal"
        );
        assert_eq!(rig.server.requests().len(), 1);
        assert!(matches!(
            rig.host.events().last(),
            Some(EventBody::TurnFailed { error, .. }) if error.code == Code::Storage
        ));
    }
}

#[tokio::test]
async fn a_host_that_fails_after_the_change_ends_the_turn() {
    let mut rig = Rig::new("//- /a.txt\none\n", script([edit()]));
    rig.host.fail(Fail::After);
    assert_eq!(failure(rig.turn("go").await), broken());
    assert_eq!(rig.fixture.read("a.txt"), "two\n");
    // The session goes on, and the model learns what became of the call.
    rig.host.heal();
    assert_eq!(rig.turn("again").await, TurnEnd::Completed);
    assert_eq!(rig.result(), "the disk is full");
}

#[tokio::test]
async fn a_turn_whose_end_is_not_on_disk_has_failed() {
    let mut rig = Rig::new("", script([]));
    rig.host.fail(Fail::Durable);
    assert_eq!(failure(rig.turn("hello").await), broken());
}
