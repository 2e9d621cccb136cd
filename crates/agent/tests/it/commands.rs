//! Commands, without isolation: what they say, how they end, and the ones that run on.

use crate::kit::{Rig, script};
use kerf_agent::TurnEnd;
use kerf_protocol::{
    event::EventBody,
    item::{ItemBody, ItemStatus},
};
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::json;

fn run(command: &str) -> Turn {
    Turn::call("run_command", json!({ "command": command }))
}

#[rstest]
#[case("echo out; echo err >&2", ItemStatus::Completed, Some(0), &["exit code 0", "out\n", "err\n"])]
#[case("exit 3", ItemStatus::Failed, Some(3), &["exit code 3", "(no output)"])]
#[case("kill -9 $$", ItemStatus::Failed, None, &["ended by signal 9"])]
#[case("  ", ItemStatus::Failed, None, &["command is empty"])]
#[tokio::test]
async fn how_a_command_ends(
    #[case] command: &str,
    #[case] status: ItemStatus,
    #[case] code: Option<i32>,
    #[case] expected: &[&str],
) {
    let mut rig = Rig::new("", script([run(command)]));
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    let (call, found) = rig.host.calls().remove(0);
    assert_eq!(found, status);
    assert_eq!(call.exit.and_then(|exit| exit.code), code);
    for text in expected {
        assert!(call.output.contains(text), "`{text}` in {}", call.output);
    }
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_stopped() {
    let call = Turn::call(
        "run_command",
        json!({"command": "echo begun; sleep 600", "timeout_seconds": 1}),
    );
    let mut rig = Rig::new("", script([call]));
    rig.turn("go").await;
    let (call, status) = rig.host.calls().remove(0);
    assert_eq!(status, ItemStatus::Failed);
    assert!(call.exit.unwrap().timed_out);
    assert!(
        call.output.starts_with("stopped: it ran out of time") && call.output.contains("begun"),
        "{}",
        call.output
    );
}

#[tokio::test]
async fn output_is_told_as_it_comes_and_before_the_end() {
    let mut rig = Rig::new("", script([run("echo first; echo second")]));
    rig.turn("go").await;
    let events = rig.host.events();
    let is_call = |event: &EventBody| matches!(event, EventBody::ItemCompleted { item } if matches!(item.body, ItemBody::ToolCall(_)));
    let end = events.iter().position(is_call).unwrap();
    let told: String = events[..end]
        .iter()
        .filter_map(|event| match event {
            EventBody::ItemUpdated { delta, .. } => Some(delta.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(told, "first\nsecond\n");
}

#[tokio::test]
async fn a_job_in_the_background_is_looked_at_and_stopped() {
    let start = json!({"command": "echo up; echo x > made.txt; read never < /dev/zero", "background": true});
    let mut rig = Rig::new("", script([Turn::call("run_command", start)]));
    rig.turn("start").await;
    assert!(rig.result().starts_with("Job 1 runs."), "{}", rig.result());
    rig.server
        .push(Turn::call("run_command", json!({"job": 1, "stop": true})));
    rig.server
        .push(Turn::call("run_command", json!({"job": 1})));
    rig.turn("stop").await;
    let results = rig.results();
    assert!(
        results[1].contains("was stopped") || results[1].contains("ended"),
        "{results:?}"
    );
    assert_eq!(results[2], "there is no job 1");
}
