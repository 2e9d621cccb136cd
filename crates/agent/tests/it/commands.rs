//! Commands, without isolation: what they say, how they end, and the ones that run on.

use crate::kit::{Rig, script};
use kerf_agent::TurnEnd;
use kerf_protocol::{
    event::EventBody,
    item::{ItemBody, ItemStatus},
    policy::{ApproveMode, Isolation, SandboxMode},
};
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::json;
use std::time::Duration;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

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

/// A session whose commands are isolated, and what it leaves is looked for. None: this machine cannot.
fn isolated(turns: impl IntoIterator<Item = Turn>) -> Option<Rig> {
    let mut rig =
        Rig::new("", script(turns)).policy(SandboxMode::WorkspaceWrite, ApproveMode::Auto);
    let sandbox = &rig.agent.setup_mut().sandbox;
    let isolation = sandbox.isolation(SandboxMode::WorkspaceWrite);
    if isolation == Isolation::Full {
        return Some(rig);
    }
    eprintln!("skipped 1: {isolation:?}");
    None
}

const PLANTS: &str = "mkdir -p x/.git; ln -s /etc out";

#[tokio::test]
async fn what_a_job_left_is_told_to_who_looks() {
    let start = json!({"command": format!("{PLANTS}; sleep 1000"), "background": true});
    let stop = json!({"job": 1, "stop": true});
    let calls = [
        run("until test -L out; do :; done"),
        Turn::call("run_command", stop),
    ];
    let Some(mut rig) = isolated([Turn::call("run_command", start)].into_iter().chain(calls))
    else {
        return;
    };
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    let results = rig.results();
    let last = results.last().unwrap();
    for said in [
        "was stopped",
        "made the repository",
        "leads out of the workspace to `/etc`",
    ] {
        assert!(last.contains(said), "`{said}` in {results:?}");
    }
}

#[tokio::test]
async fn what_a_job_left_that_nobody_looks_at_is_told_to_the_user_once() {
    let start = json!({"command": PLANTS, "background": true});
    let Some(mut rig) = isolated([Turn::call("run_command", start)]) else {
        return;
    };
    let told = |rig: &Rig| -> Vec<String> {
        let told = rig
            .host
            .events()
            .into_iter()
            .filter_map(|event| match event {
                EventBody::ItemCompleted { item } => match item.body {
                    ItemBody::Error { failure } => Some(failure.message),
                    _ => None,
                },
                _ => None,
            });
        told.collect()
    };
    // The job ends at some time beside the turns.
    let until_told = async {
        while told(&rig).is_empty() {
            assert_eq!(rig.turn("on").await, TurnEnd::Completed);
        }
    };
    let is_told = tokio::time::timeout(LONG, until_told).await;
    is_told.expect("what the job left is told to nobody");
    rig.turn("and on").await;
    let told = told(&rig);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("job 1,") && told[0].contains("made the repository"),
        "{told:?}"
    );
}
