//! Comments on the review: each goes with one message, whatever happens before that is written down.

use crate::kit::{Bench, copy_database, prompt, show};
use kerf_engine::Engine;
use kerf_protocol::{
    Code, SessionId,
    item::{Comment, ItemBody},
    policy::ApproveMode,
    request::{AddComment, Prompted, method},
};
use kerf_store::Store;
use kerf_test_support::{Step, Turn};

fn comment(text: &str) -> Comment {
    Comment {
        path: "a.txt".to_owned(),
        first_line: 1,
        last_line: 1,
        excerpt: "one".to_owned(),
        text: text.to_owned(),
    }
}

async fn add(engine: &Engine, session_id: SessionId, text: &str) {
    let add = AddComment {
        session_id,
        comment: comment(text),
    };
    engine.call::<method::ReviewComment>(add).await.unwrap();
}

/// The comments of each message.
async fn told(engine: &Engine, session_id: SessionId) -> Vec<Vec<Comment>> {
    let turns = show(engine, session_id).await.turns;
    let items = turns.into_iter().flat_map(|turn| turn.items);
    items
        .filter_map(|item| match item.body {
            ItemBody::UserMessage { comments, .. } => Some(comments),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn comments_go_with_the_next_message_and_only_with_it() {
    let bench = Bench::new("", []);
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    add(&engine, id, "why?").await;
    for _ in 0..2 {
        prompt(&engine, id, "go").await.unwrap();
        engine.idle(id).await.unwrap();
    }
    assert_eq!(told(&engine, id).await, [vec![comment("why?")], vec![]]);
}

#[tokio::test]
async fn comments_are_a_message_without_words_and_nothing_is_none() {
    let bench = Bench::new("", []);
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    let nothing = prompt(&engine, id, " \n").await.unwrap_err();
    assert_eq!(nothing.code, Code::Usage);
    add(&engine, id, "why?").await;
    prompt(&engine, id, "").await.unwrap();
    engine.idle(id).await.unwrap();
    assert_eq!(told(&engine, id).await, [vec![comment("why?")]]);
    let asked = bench.server.requests().pop().unwrap();
    let text = asked.seen().last_user_text().unwrap().to_owned();
    assert!(text.starts_with("Comments on your changes:\n"), "{text}");
    // They went with it, and there are no more.
    assert!(prompt(&engine, id, "").await.is_err());
}

#[tokio::test]
async fn comments_wait_until_their_message_is_written_down() {
    let bench = Bench::new("", [Turn::text("first").and(Step::Hold)]);
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    prompt(&engine, id, "one").await.unwrap();
    bench.server.arrived(1).await;
    add(&engine, id, "why?").await;
    assert_eq!(prompt(&engine, id, "two").await.unwrap(), Prompted::Queued);
    add(&engine, id, "how?").await;
    // What a process that stops now leaves behind: the message is lost, and nobody was told that it was not.
    let left = tempfile::tempdir().unwrap();
    copy_database(bench.home.path(), left.path());
    let store = Store::open(&left.path().join("kerf.db")).await.unwrap();
    let waiting = store.comments(id).await.unwrap();
    let waiting: Vec<Comment> = waiting.into_iter().map(|one| one.comment).collect();
    assert_eq!(waiting, [comment("why?"), comment("how?")]);

    assert_eq!(
        prompt(&engine, id, "three").await.unwrap(),
        Prompted::Queued
    );
    add(&engine, id, "when?").await;
    bench.server.release();
    engine.idle(id).await.unwrap();
    prompt(&engine, id, "four").await.unwrap();
    engine.idle(id).await.unwrap();
    let each = ["why?", "how?", "when?"].map(|text| vec![comment(text)]);
    assert_eq!(told(&engine, id).await[0], []);
    assert_eq!(told(&engine, id).await[1..], each);
}
