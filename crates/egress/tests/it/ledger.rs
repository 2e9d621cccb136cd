//! The second gate: nothing leaves before its row is durable, and the row tells the truth.

use crate::door::{MemLedger, chat, door, door_with, exchange, failure};
use bytes::Bytes;
use http::HeaderName;
use kerf_egress::{EgressError, LedgerError};
use kerf_protocol::ledger::{FileRange, Purpose};
use kerf_protocol::{SessionId, TurnId};
use kerf_test_support::{ModelServer, Script, Turn};
use std::sync::Arc;

fn server() -> Arc<ModelServer> {
    Arc::new(ModelServer::start(
        Script::new().otherwise(Turn::text("hi")),
    ))
}

#[tokio::test]
async fn no_byte_leaves_before_the_row_is_durable() {
    let server = server();
    let hook = {
        let server = Arc::clone(&server);
        move || {
            assert_eq!(server.connections(), 0, "not even a connection");
            Ok(())
        }
    };
    let ledger = MemLedger {
        hook: Some(Box::new(hook)),
        ..MemLedger::default()
    };
    let (egress, ledger) = door_with(&[&server.base_url()], ledger);
    exchange(&egress, chat(&server.base_url()))
        .await
        .expect("an answer");
    assert_eq!((ledger.count(), server.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_ledger_that_fails_stops_the_request() {
    let server = server();
    let hook = || Err(LedgerError::new("the disk is full"));
    let (egress, _) = door_with(
        &[&server.base_url()],
        MemLedger {
            hook: Some(Box::new(hook)),
            ..MemLedger::default()
        },
    );
    let error = failure(&egress, chat(&server.base_url())).await;
    assert!(
        matches!(error, EgressError::Ledger { .. }) && error.nothing_left(),
        "{error:?}"
    );
    let wanted = format!(
        "the request to `{}` was not sent, because it could not be recorded in the ledger: the disk is full",
        server.address()
    );
    assert_eq!(error.to_string(), wanted);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn the_row_is_what_left() {
    let server = server();
    let (egress, ledger) = door(&[&server.base_url()]);
    let mut request = chat(&server.base_url());
    request.url.set_query(Some("key=canary"));
    request.about.purpose = Purpose::Summary;
    request.about.session_id = Some(SessionId::new());
    request.about.turn_id = Some(TurnId::new());
    request.about.files = vec![FileRange {
        path: "a.rs".into(),
        first_line: 1,
        last_line: 5,
    }];
    let about = request.about.clone();
    let inbound = egress.send(request).await.expect("an answer");
    assert_eq!(inbound.ledger_id, 1);
    let seen = &server.requests()[0];
    let rows = ledger.rows.lock().expect("no panic");
    let (entry, body) = &rows[0];
    assert_eq!(body, &seen.body);
    assert_eq!(entry.hash, blake3::hash(&seen.body).to_hex().to_string());
    assert_eq!(entry.bytes, seen.body.len() as u64);
    assert_eq!(entry.host, server.address().to_string());
    assert_eq!(
        entry.target, "POST /v1/chat/completions",
        "without the query"
    );
    assert_eq!(
        (entry.purpose, entry.session_id, entry.turn_id),
        (Purpose::Summary, about.session_id, about.turn_id)
    );
    assert_eq!(entry.files, about.files);
    assert!(entry.at > 1_700_000_000_000);
}

#[tokio::test]
async fn only_the_callers_headers_and_those_of_http_are_sent() {
    let server = server();
    let (egress, _) = door(&[&server.base_url()]);
    exchange(&egress, chat(&server.base_url()))
        .await
        .expect("an answer");
    let mut models = chat(&server.base_url());
    models.method = http::Method::GET;
    models.url.set_path("/v1/models");
    models.body = Bytes::new();
    exchange(&egress, models).await.expect("an answer");
    let seen = server.requests();
    let names = |at: usize| {
        let mut names: Vec<&str> = seen[at].headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(
        names(0),
        [
            "accept",
            "authorization",
            "content-length",
            "content-type",
            "host"
        ]
    );
    assert_eq!(
        names(1),
        ["accept", "authorization", "content-type", "host"]
    );
    assert_eq!(
        seen[0].header("host"),
        Some(server.address().to_string().as_str())
    );
}

#[tokio::test]
async fn headers_that_would_make_the_ledger_lie_are_refused() {
    let server = server();
    let (egress, ledger) = door(&[&server.base_url()]);
    for name in [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "accept-encoding",
        "proxy-authorization",
    ] {
        let mut request = chat(&server.base_url());
        request
            .headers
            .push((name.parse().expect("a name"), "5".parse().expect("a value")));
        let error = failure(&egress, request).await;
        assert!(
            matches!(&error, EgressError::BadHeader { name: seen } if seen == name),
            "{error:?}"
        );
    }
    assert_eq!((ledger.count(), server.connections()), (0, 0));
}

#[tokio::test]
async fn debug_output_holds_no_key_and_no_body() {
    let server = server();
    let (egress, _) = door(&[&server.base_url()]);
    let mut request = chat(&server.base_url());
    request.url.set_query(Some("key=canary-query"));
    let mut shown = format!("{request:?}{egress:?}");
    shown += &format!("{:?}", egress.send(request).await.expect("an answer"));
    assert!(shown.contains("/v1/chat/completions"), "{shown}");
    assert!(
        !shown.contains("canary") && !shown.contains("content"),
        "{shown}"
    );
}
