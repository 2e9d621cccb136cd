//! Servers that are slow, silent or gone.

use crate::door::{chat, door, drain, failure, post, soon};
use kerf_egress::EgressError;
use kerf_test_support::{ModelServer, Outcome, RawServer, RawStep, Script, Turn};
use std::net::TcpListener;

fn serve(turn: Turn) -> ModelServer {
    ModelServer::start(Script::new().otherwise(turn))
}

const HEAD_END: RawStep = RawStep::Await("\r\n\r\n");

#[tokio::test]
async fn a_closed_port_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let base = format!("http://{address}/v1");
    let error = failure(&door(&[&base]).0, chat(&base)).await;
    assert!(
        matches!(error, EgressError::Connect { .. }) && error.nothing_left(),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(
        text.contains(&address.to_string())
            && text.contains("refused")
            && text.contains("is running"),
        "{text}"
    );
}

#[tokio::test]
async fn a_connection_that_is_never_made_times_out() {
    // The server takes the connection and never says its part of the TLS handshake.
    let server = RawServer::start(vec![RawStep::Stall]);
    let base = format!("https://{}", server.address());
    let mut request = post(&base);
    request.timeouts.connect = soon();
    let error = failure(&door(&[&base]).0, request).await;
    assert!(
        matches!(error, EgressError::Connect { .. }) && error.nothing_left(),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("no connection after 50ms"),
        "{error}"
    );
    assert!(!String::from_utf8_lossy(&server.received()).contains("canary-key"));
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_gets_nothing() {
    let server = RawServer::start(vec![
        RawStep::Send(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
        RawStep::Stall,
    ]);
    let base = format!("https://{}", server.address());
    let error = failure(&door(&[&base]).0, post(&base)).await;
    assert!(matches!(error, EgressError::Tls { .. }), "{error:?}");
    assert!(!String::from_utf8_lossy(&server.received()).contains("canary-key"));
}

#[tokio::test]
async fn the_first_byte_is_waited_for() {
    let silent = serve(Turn::text("hi").stall_first());
    let mut request = chat(&silent.base_url());
    request.timeouts.first_byte = soon();
    let error = failure(&door(&[&silent.base_url()]).0, request).await;
    let EgressError::FirstByte { host, after } = &error else {
        panic!("{error:?}")
    };
    assert_eq!((host, *after), (&silent.address().to_string(), soon()));
    // The connection is closed, so that the server can stop its work.
    silent
        .until(|seen| {
            seen.first()
                .is_some_and(|first| first.outcome == Outcome::Abandoned)
        })
        .await;

    let half = RawServer::start(vec![
        HEAD_END,
        RawStep::Send(b"HTTP/1.1 200 OK\r\ncontent-".to_vec()),
        RawStep::Stall,
    ]);
    let mut request = chat(&half.base_url());
    request.timeouts.first_byte = soon();
    let error = failure(&door(&[&half.base_url()]).0, request).await;
    assert!(matches!(error, EgressError::FirstByte { .. }), "{error:?}");
}

#[tokio::test]
async fn the_middle_of_an_answer_is_waited_for() {
    for at in [0, 1, 50] {
        let server = serve(Turn::text("hi").stall_after(at));
        let mut request = chat(&server.base_url());
        request.timeouts.idle = soon();
        let (egress, _) = door(&[&server.base_url()]);
        let mut inbound = egress.send(request).await.expect("a head");
        let (got, end) = drain(&mut inbound).await;
        let error = end.expect_err("an idle connection");
        assert!(
            matches!(error, EgressError::Idle { .. }) && !error.nothing_left(),
            "{error:?}"
        );
        assert_eq!(got.len(), at, "all that came before is handed out");
        // What comes after a gap is not the answer.
        assert!(matches!(
            inbound.chunk().await,
            Err(EgressError::Body { .. })
        ));
        server
            .until(|seen| {
                seen.first()
                    .is_some_and(|first| first.outcome == Outcome::Abandoned)
            })
            .await;
    }
}

#[tokio::test]
async fn a_broken_answer_is_told_from_a_whole_one() {
    let whole = Turn::text("hi");
    for (turn, bytes) in [
        (whole.clone().cut_after(0), Some(0)),
        (whole.clone().cut_after(70), Some(70)),
        (whole.clone().reset_after(70), None),
    ] {
        let server = serve(turn);
        let (egress, _) = door(&[&server.base_url()]);
        let mut inbound = egress.send(chat(&server.base_url())).await.expect("a head");
        let (got, end) = drain(&mut inbound).await;
        let error = end.expect_err("a broken answer");
        assert!(matches!(error, EgressError::Body { .. }), "{error:?}");
        assert!(
            bytes.is_none_or(|bytes| bytes == got.len()),
            "{} bytes",
            got.len()
        );
    }
    // Ended in order, if too early: that is for the wire's adapter to notice.
    let server = serve(whole.end_after(70));
    let (egress, _) = door(&[&server.base_url()]);
    let mut inbound = egress.send(chat(&server.base_url())).await.expect("a head");
    let (got, end) = drain(&mut inbound).await;
    assert_eq!((got.len(), end.is_ok()), (70, true));
}

#[tokio::test]
async fn no_proper_answer_is_an_error_of_its_own() {
    for turn in [Turn::hang_up(), Turn::reset()] {
        let server = serve(turn);
        let error = failure(&door(&[&server.base_url()]).0, chat(&server.base_url())).await;
        assert!(matches!(error, EgressError::NoAnswer { .. }), "{error:?}");
    }
    for bytes in [
        "SSH-2.0-OpenSSH_9.9\r\n",
        "HTTP/1.1 2",
        "\0\u{1}\u{2}",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    ] {
        let server = RawServer::answering(bytes);
        let error = failure(&door(&[&server.base_url()]).0, chat(&server.base_url())).await;
        assert!(
            matches!(error, EgressError::NoAnswer { .. }),
            "{bytes:?}: {error:?}"
        );
        assert!(
            error
                .to_string()
                .contains("check that it is a model server"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn leaving_closes_the_connection() {
    let server = serve(Turn::text("hi").stall_after(10));
    let (egress, _) = door(&[&server.base_url()]);
    let mut inbound = egress.send(chat(&server.base_url())).await.expect("a head");
    inbound.chunk().await.expect("a first piece");
    drop(inbound);
    server
        .until(|seen| seen[0].outcome == Outcome::Abandoned)
        .await;
    // So does giving up before the head.
    let server = serve(Turn::text("hi").stall_first());
    let (egress, _) = door(&[&server.base_url()]);
    tokio::select! {
        answer = egress.send(chat(&server.base_url())) => panic!("{answer:?}"),
        _arrived = server.arrived(1) => {}
    }
    server
        .until(|seen| seen[0].outcome == Outcome::Abandoned)
        .await;
}
