//! A defect inside Kerf: a turn that panics fails as other turns do.

use crate::kit::{Bench, STUCK, edit, prompt, show, texts, until_end};
use kerf_protocol::{
    Code,
    event::EventBody,
    item::{ItemBody, ItemStatus},
    policy::ApproveMode,
    request::Prompted,
    session::{SessionState, TurnState},
};
use kerf_test_support::Step;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::time::timeout;
use tracing::{Event, Metadata, Subscriber, field::Visit, span};

/// Panics in the middle of the work, where the request with this number is about to be sent.
struct Broken {
    at: u32,
    seen: AtomicU32,
}

struct IsRequest(bool);

impl Visit for IsRequest {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.0 |= field.name() == "message" && format!("{value:?}") == "request";
    }
}

impl Subscriber for Broken {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("kerf_egress")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut is_request = IsRequest(false);
        event.record(&mut is_request);
        if is_request.0 && self.seen.fetch_add(1, Ordering::Relaxed) + 1 == self.at {
            panic!("a defect");
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn a_turn_that_panics_has_failed_and_the_session_goes_on() {
    let reply = edit().and(Step::Hold);
    let bench = Bench::new("//- /a.txt\none\n", [reply]);
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    let mut events = engine.subscribe(id).await.unwrap();
    // All tasks of this test are on this thread.
    let broken = tracing::subscriber::set_default(Broken {
        at: 2,
        seen: AtomicU32::new(0),
    });
    prompt(&engine, id, "go").await.unwrap();
    bench.server.arrived(1).await;
    assert_eq!(prompt(&engine, id, "and").await.unwrap(), Prompted::Queued);
    bench.server.release();
    let all = until_end(&mut events).await;
    let EventBody::TurnFailed { error, .. } = &all.last().unwrap().body else {
        panic!("{all:#?}");
    };
    assert_eq!(error.code, Code::Internal);
    assert!(error.message.contains("a defect"), "{error}");
    assert!(!error.hint.is_empty());
    timeout(STUCK, engine.idle(id)).await.unwrap().unwrap();
    drop(broken);

    let kept = show(&engine, id).await;
    assert_eq!(kept.session.state, SessionState::Idle);
    assert_eq!(kept.turns[0].state, TurnState::Failed);
    let last = kept.turns[0].items.last().unwrap();
    assert_eq!(last.status, ItemStatus::Failed);
    assert!(matches!(&last.body, ItemBody::Error { failure } if failure == error));
    assert_eq!(
        bench.fixture.read("a.txt"),
        "two\n",
        "what was done is kept"
    );

    assert_eq!(prompt(&engine, id, "on").await.unwrap(), Prompted::Started);
    engine.idle(id).await.unwrap();
    let turns = show(&engine, id).await.turns;
    assert_eq!(turns[1].state, TurnState::Completed);
    let said: Vec<String> = turns.iter().flat_map(|turn| texts(&turn.items)).collect();
    assert_eq!(said, ["user: go", "user: and", "user: on", "agent: Done."]);
    let seen = bench.server.requests().last().unwrap().seen();
    assert_eq!(
        seen.results.len(),
        1,
        "the agent knows what it did: {seen:#?}"
    );
}
