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
use serde_json::{Value, json};

/// A reply of the model.
#[derive(Debug, Clone)]
struct Reply {
    reasoning: Option<(String, bool)>,
    text: Option<String>,
    calls: Vec<Call>,
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
    for call in &reply.calls {
        let (name, arguments) = call.arguments();
        turn = turn.and_call(name, arguments);
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
        prop::collection::vec(call(), 0..4),
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(reasoning, text, calls, broken, remark)| Reply {
            text: text.or_else(|| broken.then(|| "half".to_owned())),
            reasoning,
            calls,
            broken,
            remark,
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
