//! A session taken up from its log is the conversation that was live: the endpoint gets the same request.

use crate::kit::{Rig, Say, says, script};
use kerf_agent::Control;
use kerf_protocol::{
    TurnId,
    endpoint::Wire,
    event::EventBody,
    item::{Comment, Image, ItemBody},
    policy::Answer,
};
use kerf_test_support::Turn;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

/// A reply of the model.
#[derive(Debug, Clone)]
struct Reply {
    reasoning: Option<(String, bool)>,
    text: Option<String>,
    calls: Vec<Call>,
    /// What is said after each call; empty: nothing.
    between: Vec<String>,
    /// Whether it breaks off before its end.
    broken: bool,
    /// Whether the user says something while its first call begins.
    remark: bool,
}

#[derive(Debug, Clone)]
enum Call {
    Look,
    LookFails,
    Edit(u8),
    Write(u8),
    Plan,
    Ask,
    Run,
    Unknown,
    Unfit,
}

impl Call {
    fn arguments(&self) -> (&'static str, Value) {
        match self {
            Self::Look => ("read_file", json!({"path": "a.txt"})),
            Self::LookFails => ("list_dir", json!({"path": "nowhere"})),
            Self::Edit(to) => (
                "edit_file",
                json!({"path": "a.txt", "edits": [{"old": "line", "new": format!("line {to}"), "all": true}]}),
            ),
            Self::Write(number) => (
                "write_file",
                json!({"path": format!("new/{number}.txt"), "content": "x\n"}),
            ),
            Self::Plan => (
                "update_plan",
                json!({"steps": [{"step": "s", "status": "pending"}]}),
            ),
            Self::Ask => ("ask_user", json!({"question": "?"})),
            Self::Run => ("run_command", json!({"command": "  "})),
            Self::Unknown => ("rm", json!({})),
            Self::Unfit => ("grep", json!({"pattern": 1})),
        }
    }
}

fn turn_of(reply: &Reply) -> Turn {
    let mut turn = Turn::steps([]);
    if let Some((text, opaque)) = &reply.reasoning {
        turn = turn.and_reasoning(text, opaque.then_some("c2lnbmVk"));
    }
    if let Some(text) = &reply.text {
        turn = turn.and_text_in(text, 2);
    }
    for (call, after) in reply.calls.iter().zip(&reply.between) {
        let (name, arguments) = call.arguments();
        turn = turn.and_call(name, arguments);
        if !after.is_empty() {
            turn = turn.and_text(after);
        }
    }
    if reply.broken {
        turn.no_terminal()
    } else {
        turn
    }
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => Just(Call::Look),
        1 => Just(Call::LookFails),
        3 => any::<u8>().prop_map(Call::Edit),
        2 => (0..3_u8).prop_map(Call::Write),
        1 => Just(Call::Plan),
        1 => Just(Call::Ask),
        1 => Just(Call::Run),
        1 => Just(Call::Unknown),
        1 => Just(Call::Unfit),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    let reasoning = prop::option::weighted(0.4, ("[a-z ]{1,12}", any::<bool>()));
    // A broken reply has text, so that it is not simply tried again.
    (
        reasoning,
        prop::option::of("[a-zä\n]{1,20}"),
        prop::collection::vec(
            (
                call(),
                prop_oneof![3 => Just(String::new()), 1 => "[a-z ]{1,9}"],
            ),
            0..4,
        ),
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(reasoning, text, calls, broken, remark)| {
            let (calls, between) = calls.into_iter().unzip();
            Reply {
                text: text.or_else(|| broken.then(|| "half".to_owned())),
                reasoning,
                calls,
                between,
                broken,
                remark,
            }
        })
}

fn say() -> impl Strategy<Value = Say> {
    prop_oneof![
        4 => Just(Say::Answer(Answer::Allow)),
        1 => Just(Say::Answer(Answer::AllowForSession)),
        2 => Just(Say::Answer(Answer::Deny { reason: "not now".to_owned() })),
        1 => Just(Say::Nobody),
    ]
}

async fn session(wire: Wire, turns: Vec<Vec<Reply>>, says_: Vec<Say>) {
    let mut rig = Rig::on(
        wire,
        "//- /a.txt\nline\n//- /AGENTS.md\nBe brief.\n",
        script([]),
    )
    .asking();
    for say in says_ {
        rig.host.say(say);
    }
    for replies in turns {
        let control = Control::new();
        let mut remarks: Vec<bool> = Vec::new();
        for reply in &replies {
            rig.server.push(turn_of(reply));
            remarks.push(reply.remark);
        }
        let sender = control.clone();
        rig.host.on_event(move |event| {
            if let EventBody::ItemStarted { item } = event
                && matches!(item.body, ItemBody::ToolCall(_))
                && remarks
                    .get(item.step as usize - 1)
                    .is_some_and(|remark| *remark)
            {
                remarks[item.step as usize - 1] = false;
                let _ = sender.send(says("a remark"), false);
            }
        });
        // However the turn ends: the session goes on from it.
        rig.turn_with("go", &control).await;
        // What the turn did not get to is not for the next one.
        while rig.server.turns_left() > 0 {
            rig.turn_with("go", &Control::new()).await;
        }
    }
    rig.assert_replays(&[]).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn replay_is_the_live_conversation(
        wire in prop::sample::select(vec![Wire::Chat, Wire::Responses, Wire::Anthropic]),
        turns in prop::collection::vec(prop::collection::vec(reply(), 0..4), 1..4),
        says in prop::collection::vec(say(), 0..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(session(wire, turns, says));
    }
}

#[tokio::test]
async fn pictures_and_comments_are_part_of_it() {
    for wire in [Wire::Chat, Wire::Responses, Wire::Anthropic] {
        let mut rig = Rig::on(wire, "", script([]));
        let mut input = says("look");
        input.images.push(Image {
            media_type: "image/png".to_owned(),
            data: "iVBORw0KGgo=".to_owned(),
        });
        input.comments.push(Comment {
            path: "a.txt".to_owned(),
            first_line: 3,
            last_line: 4,
            excerpt: "one\ntwo".to_owned(),
            text: "why two?".to_owned(),
        });
        rig.agent
            .run_turn(TurnId::new(), input, &Control::new())
            .await;
        let seen = rig.seen(0);
        assert_eq!(seen.images, 1);
        assert_eq!(
            seen.last_user_text(),
            Some("look\n\nComments on your changes:\n\na.txt:3-4\n> one\n> two\nwhy two?\n")
        );
        rig.assert_replays(&[]).await;
    }
}

/// The parts of the model's replies in a request, in the order in which it has them.
fn said_and_called(wire: Wire, request: &Value) -> Vec<String> {
    let messages = match wire {
        Wire::Responses => &request["input"],
        Wire::Chat | Wire::Anthropic => &request["messages"],
    };
    let mut parts = Vec::new();
    for message in messages.as_array().unwrap() {
        let of_model = message["role"] == "assistant" || message["type"] == "function_call";
        match &message["content"] {
            _ if message["type"] == "function_call_output" || message["role"] == "tool" => {
                parts.push("result".to_owned());
            }
            Value::Array(blocks) => {
                for block in blocks {
                    match block["type"].as_str() {
                        Some("tool_result") => parts.push("result".to_owned()),
                        Some("tool_use") => parts.push("call".to_owned()),
                        _ if of_model => parts.push(block["text"].as_str().unwrap().to_owned()),
                        _ => {}
                    }
                }
            }
            Value::String(text) if of_model => parts.push(text.clone()),
            _ => {}
        }
        let calls = message["tool_calls"].as_array().map_or(0, Vec::len);
        let calls = calls + usize::from(message["type"] == "function_call");
        parts.extend((0..calls).map(|_| "call".to_owned()));
    }
    parts
}

#[rstest]
// One message of Chat has one text and then its calls.
#[case::chat(Wire::Chat, &["first\n\nthen\n\nlast", "call", "call", "result", "result", "next"])]
#[case::responses(Wire::Responses, &["first", "call", "then", "call", "last", "result", "result", "next"])]
#[case::anthropic(Wire::Anthropic, &["first", "call", "then", "call", "last", "result", "result", "next"])]
#[tokio::test]
async fn what_was_said_after_a_call_stays_after_it(#[case] wire: Wire, #[case] expected: &[&str]) {
    let look = || ("list_dir", json!({}));
    let turns = [
        Turn::text("first")
            .and_call(look().0, look().1)
            .and_text("then")
            .and_call(look().0, look().1)
            .and_text("last"),
        Turn::text("next"),
    ];
    let mut rig = Rig::on(wire, "//- /a.txt\na\n", script(turns));
    rig.turn("go").await;
    rig.assert_replays(&[]).await;
    let last = rig.server.requests().last().unwrap().json();
    assert_eq!(said_and_called(wire, &last), expected);
}
