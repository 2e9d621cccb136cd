//! The event log: its order, its numbers, and that nothing in it is untrue.

use crate::kit::{Bench, answer, edit, prompt, show, until, until_end};
use kerf_protocol::{
    event::{Event, EventBody},
    item::ItemBody,
    policy::{Answer, ApproveMode},
    request::{Since, method},
};
use kerf_test_support::{Step, Turn};
use proptest::prelude::*;

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
}

#[tokio::test]
async fn two_fronts_see_the_same_in_order_and_can_ask_again() {
    let bench = Bench::new("//- /a.txt\none\n", [edit()]);
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    let mut first = engine.subscribe(id).await.unwrap();
    let mut second = engine.subscribe(id).await.unwrap();
    prompt(&engine, id, "go").await.unwrap();
    let all = until_end(&mut first).await;
    assert_eq!(all, until_end(&mut second).await);
    assert!(matches!(all[0].body, EventBody::SessionStarted { .. }));
    assert!(matches!(all[1].body, EventBody::TurnStarted { .. }));
    let numbers = numbers(&all);
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    // What was added to an item piece by piece is in the whole item that ended it.
    let held: Vec<Event> = all
        .into_iter()
        .filter(|event| !matches!(event.body, EventBody::ItemUpdated { .. }))
        .collect();
    for seq in [0, numbers[2], *numbers.last().unwrap()] {
        let since = Since {
            session_id: id,
            seq,
        };
        let again = engine.call::<method::SessionEvents>(since).await.unwrap();
        let expected: Vec<Event> = held
            .iter()
            .filter(|event| event.seq > seq)
            .cloned()
            .collect();
        assert_eq!(again, expected);
    }
    // A front that comes late gets what is held.
    assert_eq!(
        until_end(&mut engine.subscribe(id).await.unwrap()).await,
        held
    );
}

#[tokio::test]
async fn what_is_shown_as_done_is_on_disk() {
    let bench = Bench::new("//- /a.txt\none\n", [edit()]);
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    let mut events = engine.subscribe(id).await.unwrap();
    prompt(&engine, id, "go").await.unwrap();
    let store = kerf_store::Store::open(&bench.home.path().join("kerf.db"))
        .await
        .unwrap();
    loop {
        let event = events.recv().await.unwrap();
        match &event.body {
            EventBody::ItemCompleted { item } => {
                let turns = store.transcript(id).await.unwrap().turns;
                let found = turns
                    .iter()
                    .flat_map(|turn| &turn.items)
                    .any(|kept| kept == item);
                assert!(found, "{item:?}");
            }
            EventBody::TurnCompleted { .. } => break,
            _ => {}
        }
    }
}

#[tokio::test]
async fn fronts_that_are_gone_or_asleep_stop_nothing() {
    let bench = Bench::new(
        "",
        [Turn::text("x".repeat(200_000)).and_text_in("y".repeat(20_000), 2_000)],
    );
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    drop(engine.subscribe(id).await.unwrap());
    let asleep = engine.subscribe(id).await.unwrap();
    prompt(&engine, id, "go").await.unwrap();
    engine.idle(id).await.unwrap();
    assert_eq!(show(&engine, id).await.turns[0].items.len(), 2);
    drop(asleep);
}

#[tokio::test]
async fn no_number_is_used_twice_not_even_by_the_next_process() {
    let bench = Bench::new("", []);
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    let before = until_end(&mut engine.subscribe(id).await.unwrap()).await;
    let engine = bench.engine_after(engine, id).await;
    let mut events = engine.subscribe(id).await.unwrap();
    prompt(&engine, id, "go on").await.unwrap();
    let after = until_end(&mut events).await;
    assert!(matches!(
        after[0].body,
        EventBody::SessionStarted { resumed: true, .. }
    ));
    assert!(before.last().unwrap().seq < after[0].seq);
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_done_and_not_shown_and_every_front_learns_of_it() {
    let held = Turn::steps([Step::Hold]).and_call(
        "edit_file",
        serde_json::json!({"path": "a.txt", "edits": [{"old": "one", "new": "two"}]}),
    );
    for approve in [ApproveMode::Auto, ApproveMode::Ask] {
        let bench = Bench::new("//- /a.txt\none\n", [held.clone()]);
        let engine = bench.engine().await;
        let id = bench.session(&engine, approve).await.id;
        let mut events = engine.subscribe(id).await.unwrap();
        prompt(&engine, id, "go").await.unwrap();
        bench.server.arrived(1).await;
        // Another process takes the rows away: from now on every write of this session fails.
        let store = kerf_store::Store::open(&bench.home.path().join("kerf.db"))
            .await
            .unwrap();
        store.delete(id).await.unwrap();
        bench.server.release();
        if approve == ApproveMode::Ask {
            let asked = until(&mut events, |body| {
                matches!(body, EventBody::ApprovalRequested { .. })
            })
            .await;
            let EventBody::ApprovalRequested { question } = &asked.last().unwrap().body else {
                unreachable!("that is what was waited for");
            };
            answer(&engine, id, question.id, Answer::Allow)
                .await
                .unwrap();
        }
        let all = until_end(&mut events).await;
        assert!(
            matches!(all.last().unwrap().body, EventBody::TurnFailed { .. }),
            "{all:#?}"
        );
        let done = all.iter().filter(|event| {
            matches!(&event.body, EventBody::ItemCompleted { item } if !matches!(item.body, ItemBody::UserMessage { .. }))
        });
        assert_eq!(done.count(), 0);
        assert_eq!(bench.fixture.read("a.txt"), "one\n");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn joined_deltas_keep_the_text(text in "[a-zäß€ \n]{1,400}", deltas in 1_usize..200, reasoning in "[a-z]{1,40}") {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let turn = Turn::steps([]).and_reasoning(&reasoning, None).and_text_in(&text, deltas);
            let bench = Bench::new("", [turn]);
            let engine = bench.engine().await;
            let id = bench.session(&engine, ApproveMode::Auto).await.id;
            let mut events = engine.subscribe(id).await.unwrap();
            prompt(&engine, id, "go").await.unwrap();
            let all = until_end(&mut events).await;
            for event in &all {
                let EventBody::ItemCompleted { item } = &event.body else { continue };
                let whole = match &item.body {
                    ItemBody::AgentMessage { text } | ItemBody::Reasoning { text, .. } => text,
                    _ => continue,
                };
                let told: String = all
                    .iter()
                    .filter_map(|event| match &event.body {
                        EventBody::ItemUpdated { item_id, delta } if *item_id == item.id => Some(delta.as_str()),
                        _ => None,
                    })
                    .collect();
                assert_eq!(&told, whole);
            }
        });
    }
}
