//! The tools that talk to the user: the plan and questions.

use crate::kit::{Rig, Say, script};
use kerf_agent::TurnEnd;
use kerf_protocol::{
    event::EventBody,
    item::{ItemBody, ItemStatus, PlanStep, StepStatus},
    policy::{Answer, QuestionAbout},
};
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::json;

#[tokio::test]
async fn a_plan_is_shown_as_an_item_of_its_own() {
    let steps =
        json!([{"step": "Look", "status": "completed"}, {"step": "Mend", "status": "in_progress"}]);
    let mut rig = Rig::new(
        "",
        script([Turn::call("update_plan", json!({ "steps": steps }))]),
    );
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    let plan = rig.host.events().into_iter().find_map(|event| match event {
        EventBody::ItemCompleted { item } => match item.body {
            ItemBody::Plan { steps } => Some(steps),
            _ => None,
        },
        _ => None,
    });
    let step = |step: &str, status| PlanStep {
        step: step.to_owned(),
        status,
    };
    assert_eq!(
        plan.unwrap(),
        [
            step("Look", StepStatus::Completed),
            step("Mend", StepStatus::InProgress)
        ]
    );
    assert_eq!(rig.result(), "Shown.");
}

#[rstest]
#[case::text(Say::Answer(Answer::Text { text: "blue".to_owned() }), "blue", ItemStatus::Completed)]
#[case::yes(Say::Answer(Answer::Allow), "Yes.", ItemStatus::Completed)]
#[case::no(Say::Answer(Answer::Deny { reason: String::new() }), "No.", ItemStatus::Completed)]
#[case::no_because(Say::Answer(Answer::Deny { reason: "green".to_owned() }), "No. green", ItemStatus::Completed)]
#[case::nobody(Say::Nobody, "Nobody is there to answer.", ItemStatus::Failed)]
#[tokio::test]
async fn a_question_of_the_model_gets_an_answer(
    #[case] say: Say,
    #[case] expected: &str,
    #[case] status: ItemStatus,
) {
    let ask = json!({"question": "Which colour?", "options": ["red", "blue"]});
    let mut rig = Rig::new("", script([Turn::call("ask_user", ask)]));
    rig.host.say(say);
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    assert_eq!(
        rig.host.questions()[0].about,
        QuestionAbout::Ask {
            question: "Which colour?".to_owned(),
            options: vec!["red".to_owned(), "blue".to_owned()],
        }
    );
    assert!(rig.result().starts_with(expected), "{}", rig.result());
    assert_eq!(rig.host.calls()[0].1, status);
}
