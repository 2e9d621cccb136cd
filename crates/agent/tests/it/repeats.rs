//! A model that makes the same call for ever is told, and then stopped. Different calls have no limit.

use crate::kit::{Rig, failure, says, script};
use kerf_agent::{Control, TurnEnd};
use kerf_protocol::{Code, TurnId, event::EventBody, item::ItemBody};
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::json;

const TREE: &str = "//- /a.txt\none\n//- /b.txt\ntwo\n";

fn read(path: &str) -> Turn {
    Turn::call("read_file", json!({ "path": path }))
}

fn run(command: &str) -> Turn {
    Turn::call("run_command", json!({ "command": command }))
}

fn times(count: usize, turn: &Turn) -> Vec<Turn> {
    vec![turn.clone(); count]
}

/// Which of the calls were told that they repeat, in order.
fn told(rig: &Rig) -> Vec<bool> {
    let calls = rig.host.calls().into_iter();
    calls
        .map(|(call, _)| call.output.contains("You made this same call"))
        .collect()
}

#[rstest]
#[case::a_look(read("a.txt"))]
#[case::a_failure(read("nowhere.txt"))]
// Each run takes another time.
#[case::a_command(run("echo one"))]
#[case::a_plan(Turn::call("update_plan", json!({"steps": []})))]
#[case::several(read("a.txt").and_call("run_command", json!({"command": "true"})))]
#[tokio::test]
async fn a_model_that_repeats_a_call_is_told_and_then_stopped(#[case] turn: Turn) {
    let mut rig = Rig::new(TREE, script(times(10, &turn)));
    let failure = failure(rig.turn("go").await);
    assert_eq!(failure.code, Code::Endpoint);
    assert!(failure.message.contains("repeats itself"), "{failure}");
    assert!(failure.message.contains("10 times in a row"), "{failure}");
    assert!(!failure.hint.is_empty());
    assert_eq!(rig.server.requests().len(), 10);
    let told = told(&rig);
    let silent = told.len() / 10 * 4;
    assert!(!told[..silent].contains(&true), "{told:?}");
    assert!(!told[silent..].contains(&false), "{told:?}");
    let last = rig.results().pop().unwrap();
    assert!(last.contains("9 times in a row"), "{last}");
    rig.assert_replays(&[]).await;
}

#[rstest]
#[case::other_arguments((0..30).map(|n| run(&format!("true {n}"))).collect())]
#[case::other_results(times(30, &run("echo x >> c.txt; wc -c < c.txt")))]
#[case::in_turns((0..30).map(|n| read(if n % 2 == 0 { "a.txt" } else { "b.txt" })).collect())]
#[case::nine(times(9, &read("a.txt")))]
#[case::broken_by_another([times(9, &read("a.txt")), times(1, &read("b.txt")), times(9, &read("a.txt"))].concat())]
#[case::beside_others(
    (0..30).map(|n| read("a.txt").and_call("run_command", json!({"command": format!("true {n}")}))).collect()
)]
#[tokio::test]
async fn other_calls_may_go_on_for_long(#[case] turns: Vec<Turn>) {
    let count = turns.len();
    let mut rig = Rig::new(TREE, script(turns));
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    assert_eq!(rig.server.requests().len(), count + 1);
}

#[tokio::test]
async fn a_message_of_the_user_begins_the_row_anew() {
    let mut rig = Rig::new(TREE, script(times(12, &read("a.txt"))));
    let control = Control::new();
    let sender = control.clone();
    let mut calls = 0;
    rig.host.on_event(move |event| {
        if let EventBody::ItemCompleted { item } = event
            && matches!(item.body, ItemBody::ToolCall(_))
        {
            calls += 1;
            if calls == 4 {
                sender.send(says("and now?"), false).unwrap();
            }
        }
    });
    let end = rig
        .agent
        .run_turn(TurnId::new(), says("go"), &control)
        .await;
    assert_eq!(end, TurnEnd::Completed);
    let expected: Vec<bool> = (0..12).map(|call| call >= 8).collect();
    assert_eq!(told(&rig), expected);
}

#[cfg(unix)]
#[tokio::test]
async fn who_waits_for_a_job_is_told_but_may_go_on() {
    // It says nothing and goes on until it is stopped.
    let start = Turn::call(
        "run_command",
        json!({"command": "tail -f /dev/null", "background": true}),
    );
    let look = Turn::call("run_command", json!({"job": 1}));
    let stop = Turn::call("run_command", json!({"job": 1, "stop": true}));
    let turns = [times(1, &start), times(15, &look), times(1, &stop)].concat();
    let mut rig = Rig::new(TREE, script(turns));
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    let expected: Vec<bool> = (0..17).map(|call| (5..16).contains(&call)).collect();
    assert_eq!(told(&rig), expected);
    let waiting = rig.result_at(6);
    assert!(
        waiting.contains("wait with a command that sleeps"),
        "{waiting}"
    );
}
