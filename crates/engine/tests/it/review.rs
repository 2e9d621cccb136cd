//! The review through the engine: decisions, undo, and what a crash leaves behind.

use crate::kit::{Bench, copy_database, edit, prompt};
use kerf_engine::Engine;
use kerf_protocol::{
    Code, SessionId,
    request::{Decide, SessionRef, method},
    review::{Decided, Decision, HunkState, Review, Target},
};
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::json;

async fn review(engine: &Engine, session_id: SessionId) -> Review {
    engine
        .call::<method::ReviewShow>(SessionRef { session_id })
        .await
        .unwrap()
}

async fn decide(
    engine: &Engine,
    session_id: SessionId,
    decision: Decision,
    target: Target,
) -> Decided {
    engine
        .call::<method::ReviewDecide>(Decide {
            session_id,
            decision,
            target,
        })
        .await
        .unwrap()
}

fn pending(review: &Review) -> Vec<&str> {
    let is_pending = |hunk: &kerf_protocol::review::Hunk| hunk.state == HunkState::Pending;
    let files = review
        .files
        .iter()
        .filter(|file| file.hunks.iter().any(is_pending));
    files.map(|file| file.path.as_str()).collect()
}

const TREE: &str = "//- /a.txt\none\n//- /b.txt\nb\n";

fn turns() -> [Turn; 2] {
    let write = Turn::call("write_file", json!({"path": "new.txt", "content": "new\n"}));
    [edit(), write]
}

#[tokio::test]
async fn a_rejected_change_is_taken_back_and_the_decision_too() {
    let bench = Bench::new(TREE, turns());
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    assert_eq!(pending(&review(&engine, id).await), ["a.txt", "new.txt"]);
    let done = decide(&engine, id, Decision::Reject, Target::All).await;
    assert_eq!(
        (done.hunks, done.written),
        (2, vec!["a.txt".to_owned(), "new.txt".to_owned()])
    );
    assert_eq!(bench.fixture.tree(), TREE);
    let second = decide_after_another_turn(&bench, &engine, id).await;
    assert!(second.decision_id > done.decision_id, "{second:?}");
    for number in [second.decision_id, done.decision_id] {
        let undone = engine
            .call::<method::ReviewUndo>(SessionRef { session_id: id })
            .await;
        match undone {
            Ok(undone) => assert_eq!(undone.decision_id, number),
            // The file was made anew since the first decision.
            Err(failure) => assert_eq!(failure.code, Code::Conflict, "{failure}"),
        }
    }
}

async fn decide_after_another_turn(bench: &Bench, engine: &Engine, id: SessionId) -> Decided {
    bench.server.push(edit());
    prompt(engine, id, "again").await.unwrap();
    engine.idle(id).await.unwrap();
    decide(
        engine,
        id,
        Decision::Accept,
        Target::File {
            path: "a.txt".to_owned(),
        },
    )
    .await
}

#[tokio::test]
async fn undo_puts_the_change_back() {
    let bench = Bench::new(TREE, turns());
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    let after = bench.fixture.tree();
    decide(&engine, id, Decision::Reject, Target::All).await;
    engine
        .call::<method::ReviewUndo>(SessionRef { session_id: id })
        .await
        .unwrap();
    assert_eq!(bench.fixture.tree(), after);
    assert_eq!(pending(&review(&engine, id).await), ["a.txt", "new.txt"]);
    let nothing = engine
        .call::<method::ReviewUndo>(SessionRef { session_id: id })
        .await
        .unwrap_err();
    assert_eq!(nothing.code, Code::NotFound);
}

#[tokio::test]
async fn the_user_s_own_change_is_not_the_agent_s() {
    let bench = Bench::new(TREE, [edit()]);
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    bench.fixture.write("b.txt", "the user's\n");
    bench.fixture.write("c.txt", "the user's\n");
    assert_eq!(pending(&review(&engine, id).await), ["a.txt"]);
    decide(&engine, id, Decision::Reject, Target::All).await;
    assert_eq!(
        bench.fixture.tree(),
        "//- /a.txt\none\n//- /b.txt\nthe user's\n//- /c.txt\nthe user's\n"
    );
}

#[rstest]
#[case::rejected(Decision::Reject)]
#[case::accepted(Decision::Accept)]
#[tokio::test]
async fn a_decision_survives_the_process(#[case] decision: Decision) {
    let bench = Bench::new(TREE, turns());
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    decide(&engine, id, decision, Target::All).await;
    let tree = bench.fixture.tree();
    let before = review(&engine, id).await;
    let engine = bench.engine_after(engine, id).await;
    assert_eq!(review(&engine, id).await, before);
    assert!(pending(&before).is_empty());
    assert_eq!(bench.fixture.tree(), tree);
}

#[rstest]
#[case::rejected(Decision::Reject)]
#[case::accepted(Decision::Accept)]
#[tokio::test]
async fn a_decision_whose_rows_were_lost_leaves_files_and_review_at_one(
    #[case] decision: Decision,
) {
    let bench = Bench::new(TREE, turns());
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    review(&engine, id).await;
    // Kerf stops between the files and the database.
    let kept = tempfile::TempDir::new().unwrap();
    copy_database(bench.home.path(), kept.path());
    decide(&engine, id, decision, Target::All).await;
    let tree = bench.fixture.tree();
    drop(engine);
    // The contents were kept before the decision; only the database is behind.
    let home = tempfile::TempDir::new().unwrap();
    copy_database(kept.path(), home.path());
    std::fs::rename(bench.home.path().join("blobs"), home.path().join("blobs")).unwrap();
    let bench = Bench { home, ..bench };
    let engine = bench.engine().await;
    let seen = review(&engine, id).await;
    assert_eq!(bench.fixture.tree(), tree, "looking changes no file");
    match decision {
        // What is on disk is what was there before the agent: nothing is left to decide.
        Decision::Reject => assert!(pending(&seen).is_empty(), "{seen:#?}"),
        // Nothing on disk tells of an acceptance, so it is asked for again.
        Decision::Accept => assert_eq!(pending(&seen), ["a.txt", "new.txt"]),
    }
    engine
        .call::<method::ReviewDecide>(Decide {
            session_id: id,
            decision: Decision::Reject,
            target: Target::All,
        })
        .await
        .unwrap();
    assert_eq!(bench.fixture.tree(), TREE);
}

#[tokio::test]
async fn a_hunk_that_changed_since_it_was_shown_is_not_decided() {
    let bench = Bench::new(TREE, turns());
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    let shown = review(&engine, id).await.files[0].hunks[0].clone();
    // The user goes on with the agent's line before the answer comes.
    bench.fixture.write("a.txt", "ONE and more\n");
    let target = Target::Hunk {
        path: "a.txt".to_owned(),
        hunk: 1,
        id: Some(shown.id),
    };
    let decision = |target| Decide {
        session_id: id,
        decision: Decision::Reject,
        target,
    };
    let refused = engine
        .call::<method::ReviewDecide>(decision(target))
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::Conflict);
    assert_eq!(bench.fixture.read("a.txt"), "ONE and more\n");
    let now = review(&engine, id).await.files[0].hunks[0].clone();
    let target = Target::Hunk {
        path: "a.txt".to_owned(),
        hunk: 1,
        id: Some(now.id),
    };
    engine
        .call::<method::ReviewDecide>(decision(target))
        .await
        .unwrap();
    assert_eq!(bench.fixture.read("a.txt"), "one\n");
}

#[tokio::test]
async fn a_review_is_shown_while_a_question_waits() {
    use crate::kit::until;
    use kerf_protocol::{event::EventBody, policy::ApproveMode};
    let bench = Bench::new(TREE, turns());
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Ask).await.id;
    let early = {
        let engine = engine.clone();
        tokio::spawn(async move { review(&engine, id).await })
    };
    let mut events = engine.subscribe(id).await.unwrap();
    prompt(&engine, id, "go").await.unwrap();
    until(&mut events, |body| {
        matches!(body, EventBody::ApprovalRequested { .. })
    })
    .await;
    assert!(review(&engine, id).await.files.is_empty());
    assert!(early.await.unwrap().files.is_empty());
}
