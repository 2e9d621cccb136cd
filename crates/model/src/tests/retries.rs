//! What is tried again, and what is not.

use super::{
    faults::{ask, asked},
    *,
};
use kerf_protocol::Code;
use kerf_test_support::{ModelServer, Script, Step, Turn};
use std::net::TcpListener;

#[rstest::rstest]
#[case(408)]
#[case(409)]
#[case(429)]
#[case(500)]
#[case(502)]
#[case(503)]
#[case(504)]
#[case(529)]
#[tokio::test]
async fn what_passes_is_tried_again(#[case] status: u16) {
    let turn = Turn::status(status).header("retry-after-ms", "3");
    let server = ModelServer::start(Script::new().turn(turn).turn(Turn::text("there")));
    let outcome = asked(Wire::Chat, &server).await;
    assert_eq!(outcome.text(), "there");
    let Some(Delta::Retry { attempt, wait, .. }) = outcome.deltas.first() else {
        panic!("the wait is told first: {:?}", outcome.deltas);
    };
    assert_eq!((*attempt, *wait), (2, Duration::from_millis(3)));
}

#[tokio::test]
async fn tries_have_an_end() {
    let server = ModelServer::start(Script::new().turn(Turn::status(503).always()));
    let outcome = asked(Wire::Chat, &server).await;
    assert!(matches!(
        outcome.error(),
        ErrorKind::Status { code: 503, .. }
    ));
    assert_eq!(outcome.retries(), 3);
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn what_does_not_pass_is_not_tried_again() {
    for status in [400, 404, 422, 501] {
        let server = ModelServer::start(Script::new().turn(Turn::status(status).always()));
        let outcome = asked(Wire::Responses, &server).await;
        assert!(matches!(outcome.error(), ErrorKind::Status { code, .. } if *code == status));
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn an_absurd_wait_is_an_answer_at_once() {
    for status in [429, 503] {
        let turn = Turn::status(status).header("retry-after", "7200").always();
        let server = ModelServer::start(Script::new().turn(turn));
        let outcome = asked(Wire::Anthropic, &server).await;
        let two_hours = Some(Duration::from_secs(7200));
        assert!(
            matches!(outcome.error(), ErrorKind::RateLimited { retry_after, .. } if *retry_after == two_hours),
            "{:?}",
            outcome.error()
        );
        assert_eq!(server.requests().len(), 1);
        let failure = outcome.result.expect_err("it failed").to_failure();
        assert_eq!(failure.code, Code::RateLimited);
        assert!(failure.message.contains("wait 2 h"), "{failure:?}");
    }
}

#[tokio::test]
async fn connections_that_die_before_a_delta_are_tried_again() {
    for wire in WIRES {
        for turn in [
            Turn::hang_up(),
            Turn::reset(),
            Turn::text("x").cut_after(0),
            Turn::text("x").reset_after(5),
            Turn::text("x").end_after(12),
            Turn::error("overloaded_error", "Overloaded"),
        ] {
            let server =
                ModelServer::start(Script::new().turn(turn.clone()).turn(Turn::text("there")));
            let outcome = asked(wire, &server).await;
            assert_eq!(
                outcome.text(),
                "there",
                "{wire:?} {turn:?}: {:?}",
                outcome.result
            );
            assert_eq!(outcome.retries(), 1, "{wire:?} {turn:?}");
        }
    }
}

#[tokio::test]
async fn after_the_first_delta_nothing_is_tried_again() {
    for wire in WIRES {
        for (turn, expected) in [
            (Turn::text("Hello").no_terminal(), "BrokeOff"),
            (
                Turn::text("Hello").and(Step::Error {
                    kind: "overloaded_error".to_owned(),
                    message: "Overloaded".to_owned(),
                }),
                "InBand",
            ),
            (
                Turn::text("Hello")
                    .and_call("read_file", json!({"path": "a"}))
                    .no_terminal(),
                "BrokeOff",
            ),
        ] {
            let server = ModelServer::start(Script::new().turn(turn).turn(Turn::text("again")));
            let outcome = asked(wire, &server).await;
            let kind = format!("{:?}", outcome.error());
            assert!(kind.starts_with(expected), "{wire:?}: {kind}");
            assert_eq!(outcome.text(), "Hello", "{wire:?}");
            assert_eq!(server.requests().len(), 1, "{wire:?}");
            let partial = outcome.result.expect_err("it failed").partial;
            let is_call = |part: &Part| matches!(part, Part::ToolCall { .. });
            assert!(!partial.iter().any(is_call), "{wire:?}");
        }
    }
}

#[tokio::test]
async fn nobody_listens() {
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    let base = format!("http://127.0.0.1:{port}/v1");
    let outcome = ask(Wire::Chat, &base, &quick(), &CancellationToken::new()).await;
    assert!(matches!(outcome.error(), ErrorKind::Unreachable { .. }));
    assert_eq!(outcome.retries(), 3);
    let failure = outcome.result.expect_err("it failed").to_failure();
    assert_eq!(failure.code, Code::Unreachable);
    assert!(
        failure.message.contains(&format!("127.0.0.1:{port}")),
        "{failure:?}"
    );
}
