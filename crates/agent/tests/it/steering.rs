//! Messages into a running turn, interrupts and stops.

use crate::kit::{Rig, Say, says, script};
use kerf_agent::{Control, TurnEnd};
use kerf_protocol::{
    TurnId,
    event::EventBody,
    item::{Item, ItemBody, ItemStatus},
};
use kerf_test_support::{Outcome, Step, Turn};
use serde_json::json;
use tokio::join;

fn is_call_started(event: &EventBody, name: &str) -> bool {
    matches!(event, EventBody::ItemStarted { item: Item { body: ItemBody::ToolCall(call), .. } } if call.tool == name)
}

/// Every call of the last request has its result.
fn assert_answered(rig: &Rig) {
    let seen = rig.server.requests().last().unwrap().seen();
    let calls: Vec<_> = seen.calls.iter().map(|(id, ..)| id).collect();
    let results: Vec<_> = seen.results.iter().map(|(id, _)| id).collect();
    assert_eq!(calls, results);
}

#[tokio::test]
async fn a_message_is_read_after_the_current_action() {
    let turn = Turn::call("read_file", json!({"path": "a.txt"})).and_call("list_dir", json!({}));
    let mut rig = Rig::new("//- /a.txt\none\n", script([turn]));
    let control = Control::new();
    let sender = control.clone();
    rig.host.on_event(move |event| {
        if is_call_started(event, "read_file") {
            sender.send(says("by the way"), false).unwrap();
        }
    });
    assert_eq!(rig.turn_with("go", &control).await, TurnEnd::Completed);
    let seen = rig.seen(1);
    assert_eq!(
        seen.results.len(),
        2,
        "the calls were not stopped: {seen:?}"
    );
    assert!(seen.results[0].1.starts_with("1\tone"));
    assert_eq!(seen.last_user_text(), Some("by the way"));
    assert_eq!(rig.server.requests().len(), 2);
    assert!(control.send(says("too late"), false).is_err());
}

#[tokio::test]
async fn a_message_during_the_last_reply_is_answered_in_the_same_turn() {
    let mut rig = Rig::new(
        "",
        script([Turn::text("first").and(Step::Hold), Turn::text("second")]),
    );
    let control = Control::new();
    let (server, sender) = (&rig.server, control.clone());
    let (end, ()) = join!(
        rig.agent.run_turn(TurnId::new(), says("go"), &control),
        async {
            server.arrived(1).await;
            sender.send(says("and this"), false).unwrap();
            server.release();
        }
    );
    assert_eq!(end, TurnEnd::Completed);
    let texts: Vec<String> = rig
        .seen(1)
        .texts
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(texts, ["go", "first", "and this"]);
}

#[tokio::test]
async fn an_interrupt_ends_a_request_that_stalls() {
    let mut rig = Rig::new(
        "",
        script([
            Turn::text("half an answer").and(Step::Hold),
            Turn::text("second"),
        ]),
    );
    let control = Control::new();
    let (server, host, sender) = (&rig.server, rig.host.clone(), control.clone());
    let told = std::sync::Arc::new(tokio::sync::Notify::new());
    let heard = told.clone();
    host.on_event(move |event| {
        if matches!(event, EventBody::ItemUpdated { .. }) {
            told.notify_one();
        }
    });
    let (end, ()) = join!(
        rig.agent.run_turn(TurnId::new(), says("go"), &control),
        async {
            heard.notified().await;
            sender.send(says("stop that"), true).unwrap();
            server
                .until(|requests| requests[0].outcome == Outcome::Abandoned)
                .await;
        }
    );
    assert_eq!(end, TurnEnd::Completed);
    let texts: Vec<String> = rig
        .seen(1)
        .texts
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(
        texts,
        ["go", "half an answer", "stop that"],
        "what was said is kept"
    );
    let cancelled = rig.host.turns()[0]
        .items
        .iter()
        .filter(|item| item.status == ItemStatus::Cancelled)
        .count();
    assert_eq!(cancelled, 1);
}

#[tokio::test]
async fn an_interrupt_ends_a_command_and_the_calls_behind_it() {
    let turn = Turn::call("run_command", json!({"command": "echo begun; sleep 600"}))
        .and_call("write_file", json!({"path": "b.txt", "content": "x"}))
        .and_call("read_file", json!({"path": "a.txt"}));
    let mut rig = Rig::new("//- /a.txt\none\n", script([turn]));
    let control = Control::new();
    let sender = control.clone();
    let mut sent = false;
    rig.host.on_event(move |event| {
        if matches!(event, EventBody::ItemUpdated { .. }) && !std::mem::replace(&mut sent, true) {
            sender.send(says("never mind"), true).unwrap();
        }
    });
    assert_eq!(rig.turn_with("go", &control).await, TurnEnd::Completed);
    let statuses: Vec<_> = rig
        .host
        .calls()
        .into_iter()
        .map(|(_, status)| status)
        .collect();
    assert_eq!(statuses, [ItemStatus::Cancelled; 3]);
    assert!(!rig.fixture.exists("b.txt"));
    assert_answered(&rig);
    assert_eq!(rig.seen(1).last_user_text(), Some("never mind"));
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_batch_leaves_every_call_with_a_result() {
    for first in ["read_file", "edit_file", "grep"] {
        let turn = Turn::call("read_file", json!({"path": "a.txt"}))
            .and_call(
                "edit_file",
                json!({"path": "a.txt", "edits": [{"old": "one", "new": "two"}]}),
            )
            .and_call("grep", json!({"pattern": "one"}))
            .and_call("write_file", json!({"path": "b.txt", "content": "x"}));
        let mut rig = Rig::new("//- /a.txt\none\n", script([turn]));
        let control = Control::new();
        let stop = control.clone();
        rig.host.on_event(move |event| {
            if is_call_started(event, first) {
                stop.cancel();
            }
        });
        assert_eq!(rig.turn_with("go", &control).await, TurnEnd::Cancelled);
        assert_eq!(rig.host.calls().len(), 4);
        assert!(!rig.fixture.exists("b.txt"));
        assert!(matches!(
            rig.host.events().last(),
            Some(EventBody::TurnCompleted {
                cancelled: true,
                ..
            })
        ));
        // The next turn goes on with a conversation in which nothing is left open.
        assert_eq!(rig.turn("go on").await, TurnEnd::Completed);
        assert_eq!(rig.results().len(), 4);
        assert_answered(&rig);
    }
}

#[tokio::test]
async fn a_stop_ends_a_question() {
    let turn = Turn::call(
        "edit_file",
        json!({"path": "a.txt", "edits": [{"old": "one", "new": "two"}]}),
    );
    let mut rig = Rig::new("//- /a.txt\none\n", script([turn])).asking();
    rig.host.say(Say::Nothing);
    let control = Control::new();
    let stop = control.clone();
    rig.host.on_event(move |event| {
        if matches!(event, EventBody::ApprovalRequested { .. }) {
            stop.cancel();
        }
    });
    assert_eq!(rig.turn_with("go", &control).await, TurnEnd::Cancelled);
    assert_eq!(rig.fixture.read("a.txt"), "one\n");
    assert_eq!(rig.host.calls()[0].1, ItemStatus::Cancelled);
}

#[tokio::test]
async fn a_stop_before_the_first_request_sends_nothing() {
    let mut rig = Rig::new("", script([]));
    let control = Control::new();
    control.cancel();
    assert_eq!(rig.turn_with("go", &control).await, TurnEnd::Cancelled);
    assert!(rig.server.requests().is_empty());
}

#[tokio::test]
async fn what_nobody_read_comes_back_when_the_queue_is_closed() {
    let control = Control::new();
    control.send(says("one"), false).unwrap();
    control.send(says("two"), true).unwrap();
    let unread: Vec<String> = control
        .close()
        .into_iter()
        .map(|input| input.text)
        .collect();
    assert_eq!(unread, ["one", "two"]);
    assert_eq!(
        control.send(says("three"), false).unwrap_err().text,
        "three"
    );
}
