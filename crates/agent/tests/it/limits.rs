//! What a model may do wrong, and how often.

use crate::kit::{Rig, failure, script};
use kerf_agent::TurnEnd;
use kerf_protocol::{Code, item::ItemStatus};
use kerf_test_support::{Stop, Turn};
use rstest::rstest;
use serde_json::json;

fn write(number: usize) -> (&'static str, serde_json::Value) {
    (
        "write_file",
        json!({"path": format!("{number}.txt"), "content": "x"}),
    )
}

#[rstest]
#[case(128, true)]
#[case(129, false)]
#[tokio::test]
async fn so_many_calls_in_one_message_and_no_more(#[case] count: usize, #[case] run: bool) {
    let turn = (0..count).fold(Turn::steps([]), |turn, number| {
        turn.and_call(
            "read_file",
            json!({"path": "a.txt", "first_line": 1, "last_line": 1 + number}),
        )
    });
    let mut rig = Rig::new("//- /a.txt\none\n", script([turn]));
    rig.turn("go").await;
    let results = rig.results();
    assert_eq!(results.len(), count);
    for result in results {
        assert_eq!(result.starts_with("1\tone"), run, "{result}");
        assert_eq!(
            result.contains("129 calls in one message are more than 128"),
            !run,
            "{result}"
        );
    }
}

#[tokio::test]
async fn one_call_that_does_not_fit_holds_back_all_of_its_message() {
    let (name, arguments) = write(1);
    let turn = Turn::call(name, arguments).and_call("write_file", json!({"path": "2.txt"}));
    let mut rig = Rig::new("", script([turn]));
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    assert_eq!(rig.fixture.tree(), "");
    let results = rig.results();
    assert!(
        results[0].starts_with("Not run: another call"),
        "{results:?}"
    );
    assert!(
        results[1].contains("missing field `content`"),
        "{results:?}"
    );
}

#[rstest]
#[case::unknown("rm", "{}")]
#[case::arguments("write_file", r#"{"path": 7}"#)]
#[tokio::test]
async fn a_model_that_cannot_use_the_tools_is_told_so_and_then_stopped(
    #[case] name: &str,
    #[case] arguments: &str,
) {
    let turn = Turn::steps([]);
    let call = |number: usize| {
        turn.clone()
            .and_call_as(&format!("call-{number}"), name, arguments)
    };
    let mut rig = Rig::new("", script((0..9).map(call)));
    let failure = failure(rig.turn("go").await);
    assert_eq!(failure.code, Code::Endpoint);
    assert!(failure.message.contains("4 replies in a row"), "{failure}");
    assert_eq!(rig.server.requests().len(), 4);
}

#[tokio::test]
async fn a_valid_reply_forgives_the_invalid_ones_before_it() {
    let bad = || Turn::call("rm", json!({}));
    let good = || Turn::call("list_dir", json!({}));
    let turns = [bad(), bad(), bad(), good(), bad(), bad(), bad(), good()];
    let mut rig = Rig::new("", script(turns));
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    assert_eq!(rig.server.requests().len(), 9);
}

#[tokio::test]
async fn an_answer_that_was_cut_is_kept_and_said_to_be_cut() {
    let mut rig = Rig::new("", script([Turn::text("half an ans").stop(Stop::Length)]));
    let failure = failure(rig.turn("go").await);
    assert_eq!(failure.code, Code::Endpoint);
    assert!(failure.message.contains("length limit"), "{failure}");
    rig.turn("go on").await;
    let texts: Vec<String> = rig
        .seen(1)
        .texts
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(texts, ["go", "half an ans", "go on"]);
}

#[tokio::test]
async fn calls_of_an_answer_that_was_cut_do_not_run() {
    let (name, arguments) = write(1);
    let mut rig = Rig::new("", script([Turn::call(name, arguments).stop(Stop::Length)]));
    failure(rig.turn("go").await);
    assert_eq!(rig.fixture.tree(), "");
    assert!(rig.host.calls().is_empty());
}

#[tokio::test]
async fn calls_of_a_reply_that_broke_off_do_not_run() {
    let (name, arguments) = write(1);
    let turn = Turn::text("I write it.")
        .and_call(name, arguments)
        .no_terminal();
    let mut rig = Rig::new("", script([turn]));
    assert_eq!(failure(rig.turn("go").await).code, Code::Unreachable);
    assert_eq!(rig.fixture.tree(), "");
    let items = &rig.host.turns()[0].items;
    assert_eq!(
        items[1].status,
        ItemStatus::Failed,
        "what was said is kept: {items:?}"
    );
    rig.turn("go on").await;
    assert!(
        rig.seen(1)
            .texts
            .iter()
            .any(|(_, text)| text == "I write it.")
    );
}

fn schema() -> serde_json::Value {
    json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
}

#[tokio::test]
async fn an_answer_that_misses_the_shape_is_asked_for_again() {
    let turns = ["seven", r#"{"n": "seven"}"#, r#" {"n": 7} "#].map(Turn::text);
    let mut rig = Rig::new("", script(turns));
    rig.agent.setup_mut().output_schema = Some(schema());
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    let told = |number: usize| rig.seen(number).last_user_text().unwrap().to_owned();
    assert!(told(1).contains("it is not JSON"), "{}", told(1));
    assert!(told(2).contains("at /n"), "{}", told(2));
}

#[tokio::test]
async fn an_answer_that_keeps_missing_the_shape_fails_the_turn() {
    let mut rig = Rig::new("", script([]));
    rig.agent.setup_mut().output_schema = Some(schema());
    let failure = failure(rig.turn("go").await);
    assert_eq!(failure.code, Code::Endpoint);
    assert!(
        failure.message.contains("does not fit the output schema"),
        "{failure}"
    );
    assert_eq!(rig.server.requests().len(), 3);
}

#[tokio::test]
async fn tool_calls_are_not_answers_and_need_not_fit() {
    let mut rig = Rig::new(
        "",
        script([Turn::call("list_dir", json!({})), Turn::text(r#"{"n": 1}"#)]),
    );
    rig.agent.setup_mut().output_schema = Some(schema());
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    assert_eq!(rig.server.requests().len(), 2);
}
