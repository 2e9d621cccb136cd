//! Sessions from the outside: messages, answers, stops, and who may drive them.

use crate::kit::{Bench, answer, edit, prompt, show, texts, until, until_end};
use kerf_protocol::{
    Code, QuestionId, SessionId,
    event::EventBody,
    policy::{Answer, ApproveMode},
    request::{ListSessions, Prompted, Rename, SessionRef, method},
    session::{SessionState, TurnState},
};
use kerf_test_support::{Step, Turn};

#[tokio::test]
async fn a_question_waits_for_its_answer() {
    let bench = Bench::new("//- /a.txt\none\n", [edit()]);
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Ask).await.id;
    let mut events = engine.subscribe(id).await.unwrap();
    prompt(&engine, id, "go").await.unwrap();
    let asked = until(&mut events, |body| {
        matches!(body, EventBody::ApprovalRequested { .. })
    })
    .await;
    let Some(EventBody::ApprovalRequested { question }) =
        asked.last().map(|event| event.body.clone())
    else {
        panic!("{asked:#?}");
    };
    let listed = engine
        .call::<method::SessionList>(ListSessions::default())
        .await
        .unwrap();
    assert_eq!(listed[0].state, SessionState::Waiting);
    let wrong = answer(&engine, id, QuestionId::new(), Answer::Allow)
        .await
        .unwrap_err();
    assert_eq!(wrong.code, Code::NotFound);
    assert_eq!(bench.fixture.read("a.txt"), "one\n");
    answer(&engine, id, question.id, Answer::Allow)
        .await
        .unwrap();
    until_end(&mut events).await;
    assert_eq!(bench.fixture.read("a.txt"), "two\n");
    let again = answer(&engine, id, question.id, Answer::Allow)
        .await
        .unwrap_err();
    assert_eq!(again.code, Code::NotFound);
    engine.idle(id).await.unwrap();
    assert_eq!(show(&engine, id).await.session.state, SessionState::Idle);
}

#[tokio::test]
async fn where_nobody_is_there_a_question_ends_the_turn() {
    let bench = Bench::new("//- /a.txt\none\n", [edit()]);
    let mut options = bench.options();
    options.attended = false;
    let engine = kerf_engine::Engine::open(options).await.unwrap();
    let id = bench.session(&engine, ApproveMode::Ask).await.id;
    let mut events = engine.subscribe(id).await.unwrap();
    prompt(&engine, id, "go").await.unwrap();
    let all = until_end(&mut events).await;
    assert!(
        matches!(&all.last().unwrap().body, EventBody::TurnFailed { error, .. } if error.code == Code::Denied)
    );
    assert_eq!(bench.fixture.read("a.txt"), "one\n");
}

#[tokio::test]
async fn a_message_to_a_running_turn_is_queued_and_read() {
    let bench = Bench::new(
        "",
        [Turn::text("first").and(Step::Hold), Turn::text("second")],
    );
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    assert_eq!(prompt(&engine, id, "one").await.unwrap(), Prompted::Started);
    bench.server.arrived(1).await;
    assert_eq!(prompt(&engine, id, "two").await.unwrap(), Prompted::Queued);
    bench.server.release();
    engine.idle(id).await.unwrap();
    let turns = show(&engine, id).await.turns;
    assert_eq!(turns.len(), 1);
    assert_eq!(
        texts(&turns[0].items),
        ["user: one", "agent: first", "user: two", "agent: second"]
    );
    assert_eq!(
        prompt(&engine, id, "three").await.unwrap(),
        Prompted::Started
    );
    engine.idle(id).await.unwrap();
    assert_eq!(show(&engine, id).await.turns.len(), 2);
}

#[tokio::test]
async fn a_stop_ends_the_turn_and_loses_no_message() {
    let bench = Bench::new("", [Turn::text("half").and(Step::Hold)]);
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    let mut events = engine.subscribe(id).await.unwrap();
    prompt(&engine, id, "one").await.unwrap();
    until(&mut events, |body| {
        matches!(body, EventBody::ItemUpdated { .. })
    })
    .await;
    prompt(&engine, id, "two").await.unwrap();
    engine
        .call::<method::SessionCancel>(SessionRef { session_id: id })
        .await
        .unwrap();
    let all = until_end(&mut events).await;
    assert!(matches!(
        all.last().unwrap().body,
        EventBody::TurnCompleted {
            cancelled: true,
            ..
        }
    ));
    engine.idle(id).await.unwrap();
    let turns = show(&engine, id).await.turns;
    assert_eq!(turns[0].state, TurnState::Cancelled);
    let said: Vec<String> = turns.iter().flat_map(|turn| texts(&turn.items)).collect();
    assert!(said.contains(&"user: two".to_owned()), "{said:?}");
    // A stop without a turn is no error.
    engine
        .call::<method::SessionCancel>(SessionRef { session_id: id })
        .await
        .unwrap();
}

#[tokio::test]
async fn one_engine_at_a_time_drives_a_session() {
    let bench = Bench::new("", []);
    let first = bench.engine().await;
    let second = bench.engine().await;
    let id = bench.talked(&first).await;
    let refused = prompt(&second, id, "mine").await.unwrap_err();
    assert_eq!(refused.code, Code::Conflict);
    assert_eq!(show(&second, id).await.turns.len(), 1, "looking is free");
    drop(second);
    let second = bench.engine_after(first, id).await;
    prompt(&second, id, "mine").await.unwrap();
    second.idle(id).await.unwrap();
    assert_eq!(show(&second, id).await.turns.len(), 2);
    let texts: Vec<String> = bench.server.requests()[1]
        .seen()
        .texts
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(
        texts,
        ["go", "Done.", "mine"],
        "the second engine knows what was said"
    );
}

#[tokio::test]
async fn the_first_message_names_a_session_unless_the_user_did() {
    let bench = Bench::new("", []);
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    prompt(&engine, id, "\n  Mend the\u{7} door\nand more")
        .await
        .unwrap();
    engine.idle(id).await.unwrap();
    assert_eq!(show(&engine, id).await.session.title, "Mend the door");
    let named = bench.session(&engine, ApproveMode::Auto).await.id;
    let front = engine.subscribe(named).await.unwrap();
    let rename = Rename {
        session_id: named,
        title: " My name ".to_owned(),
    };
    engine.call::<method::SessionRename>(rename).await.unwrap();
    prompt(&engine, named, "hello").await.unwrap();
    engine.idle(named).await.unwrap();
    assert_eq!(show(&engine, named).await.session.title, "My name");
    drop(front);
}

#[tokio::test]
async fn a_running_session_is_not_deleted() {
    let bench = Bench::new("", [Turn::text("half").and(Step::Hold)]);
    let engine = bench.engine().await;
    let session_id = bench.session(&engine, ApproveMode::Auto).await.id;
    prompt(&engine, session_id, "go").await.unwrap();
    bench.server.arrived(1).await;
    let refused = engine
        .call::<method::SessionDelete>(SessionRef { session_id })
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::Conflict);
    bench.server.release();
    engine.idle(session_id).await.unwrap();
    engine
        .call::<method::SessionDelete>(SessionRef { session_id })
        .await
        .unwrap();
    assert_eq!(
        prompt(&engine, session_id, "go").await.unwrap_err().code,
        Code::NotFound
    );
    let unknown = prompt(&engine, SessionId::new(), "go").await.unwrap_err();
    assert_eq!(unknown.code, Code::NotFound);
}

#[tokio::test]
async fn each_request_is_in_the_ledger() {
    let bench = Bench::new(
        "//- /a.txt\none\n",
        [Turn::call(
            "read_file",
            serde_json::json!({"path": "a.txt"}),
        )],
    );
    let engine = bench.engine().await;
    bench.talked(&engine).await;
    let rows = engine
        .call::<method::LedgerList>(Default::default())
        .await
        .unwrap();
    assert_eq!(rows.len(), 2);
    for (row, sent) in rows.iter().rev().zip(bench.server.requests()) {
        let body = engine
            .call::<method::LedgerShow>(kerf_protocol::ledger::LedgerRef { id: row.id })
            .await
            .unwrap()
            .body;
        assert_eq!(body.as_bytes(), sent.body);
    }
}
