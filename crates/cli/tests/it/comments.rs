//! Comments on lines: they go with the next message, once.

use crate::review::LIB;
use crate::scene::{Scene, edit, read};
use crate::support::list;
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::{Value, json};

#[test]
fn a_comment_goes_with_the_next_message_once() {
    let scene = Scene::on(LIB, false);
    scene.turn([edit("src/lib.rs", &[("one();", "uno();")])]);
    for (place, text) in [
        ("src/lib.rs:2", "Why in Italian?"),
        ("src/lib.rs:1-3", "And `both` lines?"),
    ] {
        let said = scene.kerf.run(&["comment", "last", place, text]).expect(0);
        assert_eq!(said.stdout, "goes to the agent with your next message\n");
    }
    scene.server.push(Turn::text("Because."));
    let ran = scene.say("See my comments");
    let comments: Vec<Value> = list(&ran.items_of("user_message")[0]["comments"])
        .iter()
        .map(|it| {
            json!([
                it["path"],
                it["first_line"],
                it["last_line"],
                it["excerpt"],
                it["text"]
            ])
        })
        .collect();
    assert_eq!(
        comments,
        [
            json!(["src/lib.rs", 2, 2, "    uno();", "Why in Italian?"]),
            json!([
                "src/lib.rs",
                1,
                3,
                "fn first() {\n    uno();\n}",
                "And `both` lines?"
            ]),
        ]
    );
    let asked = |text: &str| {
        let requests = scene.server.requests();
        let seen = requests.last().unwrap().seen();
        seen.texts
            .iter()
            .filter(|(role, said)| role == "user" && said.contains(text))
            .count()
    };
    assert_eq!(asked("Why in Italian?"), 1);
    scene.server.push(Turn::text("Yes."));
    let ran = scene.say("Go on");
    assert!(list(&ran.items_of("user_message")[0]["comments"]).is_empty());
    // It is in the history once, and not said again.
    assert_eq!(asked("Why in Italian?"), 1);
}

#[rstest]
#[case::no_line(&["comment", "last", "src/lib.rs", "x"], 2)]
#[case::line_zero(&["comment", "last", "src/lib.rs:0", "x"], 2)]
#[case::backward(&["comment", "last", "src/lib.rs:3-2", "x"], 2)]
#[case::empty(&["comment", "last", "src/lib.rs:1", "  "], 2)]
fn a_wrong_comment_is_refused(#[case] args: &[&str], #[case] code: i32) {
    let scene = Scene::on(LIB, false);
    scene.turn([read("src/lib.rs")]);
    scene.kerf.run(args).expect(code);
    scene.server.push(Turn::text("Yes."));
    let ran = scene.say("Go on");
    assert!(list(&ran.items_of("user_message")[0]["comments"]).is_empty());
}
