//! Answers that come as they should, and connections that are used again.

use crate::door::{chat, door, drain, exchange, failure};
use kerf_egress::{Allowed, EgressError};
use kerf_test_support::{ModelServer, RawServer, RawStep, Script, Turn};

#[tokio::test]
async fn bytes_come_as_they_were_sent() {
    // Every byte in a write of its own, characters cut in two: nothing is lost and nothing is decoded.
    let text = "hüllo €".repeat(20);
    let turn = Turn::text(&text).pieces(1);
    let server = ModelServer::start(Script::new().turn(turn).turn(Turn::text(&text)));
    let (egress, _) = door(&[&server.base_url()]);
    let pieces = exchange(&egress, chat(&server.base_url()))
        .await
        .expect("an answer");
    let whole = exchange(&egress, chat(&server.base_url()))
        .await
        .expect("an answer");
    assert_eq!(
        pieces.replace("chatcmpl-0", ""),
        whole.replace("chatcmpl-1", "")
    );
    assert!(whole.contains(&text));
}

#[tokio::test]
async fn any_status_is_an_answer() {
    for status in [204, 400, 401, 408, 409, 429, 500, 503, 529] {
        let turn = Turn::status(status)
            .header("retry-after", "3")
            .body("the body");
        let server = ModelServer::start(Script::new().turn(turn));
        let (egress, _) = door(&[&server.base_url()]);
        let inbound = egress
            .send(chat(&server.base_url()))
            .await
            .expect("an answer");
        assert_eq!(
            (
                inbound.status.as_u16(),
                inbound.headers["retry-after"].as_bytes()
            ),
            (status, b"3".as_slice())
        );
        let wanted = if status == 204 { "" } else { "the body" };
        assert_eq!(inbound.text(100).await.expect("a text"), wanted);
    }
}

#[tokio::test]
async fn large_answers_come_in_bounded_pieces() {
    let size = 32 << 20;
    let server = ModelServer::start(Script::new().turn(Turn::text("x".repeat(size))));
    let (egress, _) = door(&[&server.base_url()]);
    let mut inbound = egress
        .send(chat(&server.base_url()))
        .await
        .expect("an answer");
    let (mut total, mut largest) = (0, 0);
    while let Some(chunk) = inbound.chunk().await.expect("a piece") {
        total += chunk.len();
        largest = largest.max(chunk.len());
    }
    assert!(
        total > size && largest <= 1 << 20,
        "{total} bytes, at most {largest} at once"
    );
}

#[tokio::test]
async fn text_has_a_limit() {
    let server = ModelServer::start(Script::new().otherwise(Turn::status(500).body("0123456789")));
    let (egress, _) = door(&[&server.base_url()]);
    for (max, whole) in [(10, true), (9, false), (0, false)] {
        let inbound = egress
            .send(chat(&server.base_url()))
            .await
            .expect("an answer");
        match inbound.text(max).await {
            Ok(text) => assert!(whole && text == "0123456789"),
            Err(error) => assert!(
                !whole && matches!(error, EgressError::TooLarge { .. }),
                "{error:?}"
            ),
        }
    }
    let server = RawServer::answering(b"HTTP/1.1 200 OK\r\n\r\na\xffb".to_vec());
    let (egress, _) = door(&[&server.base_url()]);
    assert_eq!(
        exchange(&egress, chat(&server.base_url()))
            .await
            .expect("a text"),
        "a\u{fffd}b"
    );
}

#[tokio::test]
async fn compressed_answers_are_refused() {
    let server =
        ModelServer::start(Script::new().turn(Turn::text("x").header("content-encoding", "gzip")));
    let error = failure(&door(&[&server.base_url()]).0, chat(&server.base_url())).await;
    assert!(
        matches!(&error, EgressError::Encoded { encoding, .. } if encoding == "gzip"),
        "{error:?}"
    );
    let server = ModelServer::start(
        Script::new().turn(Turn::text("x").header("content-encoding", "Identity")),
    );
    exchange(&door(&[&server.base_url()]).0, chat(&server.base_url()))
        .await
        .expect("an answer");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = ModelServer::start(Script::new().otherwise(Turn::text("hi")));
    let (egress, ledger) = door(&[&server.base_url()]);
    let other = egress.with_allowed(
        Allowed::none()
            .with(&server.base_url().parse().expect("a URL"))
            .expect("allowed"),
    );
    for door in [&egress, &other, &egress.clone()] {
        exchange(door, chat(&server.base_url()))
            .await
            .expect("an answer");
    }
    assert_eq!((server.connections(), ledger.count()), (1, 3));
    // A broken answer spoils its connection.
    server.push(Turn::text("x").cut_after(5).when_contains("hi"));
    let mut inbound = egress.send(chat(&server.base_url())).await.expect("a head");
    assert!(drain(&mut inbound).await.1.is_err());
    exchange(&egress, chat(&server.base_url()))
        .await
        .expect("an answer");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_not_used_again() {
    // As servers do that keep a connection for a few seconds only.
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec();
    let server = RawServer::start(vec![RawStep::Await("}]}"), RawStep::Send(answer)]);
    let (egress, _) = door(&[&server.base_url()]);
    for count in 1..=20 {
        let text = exchange(&egress, chat(&server.base_url())).await;
        // The close may cross the next request on its way; that is an error, but never a wrong answer.
        match text {
            Ok(text) => assert_eq!(text, "ok"),
            Err(error) => assert!(matches!(error, EgressError::NoAnswer { .. }), "{error:?}"),
        }
        assert!(server.connections() <= count);
    }
    assert!(server.connections() > 1);
}

#[tokio::test]
async fn localhost_is_this_computer() {
    let server = ModelServer::start(Script::new().turn(Turn::text("hi")));
    let base = format!("http://localhost:{}/v1", server.address().port());
    let (egress, ledger) = door(&[&base]);
    assert!(
        exchange(&egress, chat(&base))
            .await
            .expect("an answer")
            .contains("hi")
    );
    let host = ledger.rows.lock().expect("no panic")[0].0.host.clone();
    assert_eq!(host, format!("localhost:{}", server.address().port()));
}
