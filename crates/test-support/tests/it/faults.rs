//! The server fails exactly where the script says, and nowhere else.

use crate::client::{ALL, CHAT, MESSAGES, ask, open, read, request};
use kerf_test_support::{LineEnds, ModelServer, Outcome, RawServer, RawStep, Script, Step, Turn};
use std::io::{Read, Write};
use std::net::TcpStream;

fn serve(turn: Turn) -> ModelServer {
    ModelServer::start(Script::new().otherwise(turn))
}

#[test]
fn a_body_is_cut_at_any_byte() {
    for path in ALL {
        let whole = ask(serve(Turn::text("hi")).address(), path);
        assert!(whole.whole);
        let length = whole.body.len();
        let at: Vec<usize> = (0..=3)
            .chain((4..length).step_by(97))
            .chain([length - 1, length])
            .collect();
        for bytes in at {
            let cut = ask(serve(Turn::text("hi").cut_after(bytes)).address(), path);
            assert_eq!(
                (cut.status(), cut.body.len(), cut.whole),
                (200, bytes, false),
                "{path} cut at {bytes}"
            );
            assert!(whole.body.starts_with(&cut.body));
            let ended = ask(serve(Turn::text("hi").end_after(bytes)).address(), path);
            assert_eq!(
                (ended.body.len(), ended.whole),
                (bytes, true),
                "{path} ended at {bytes}"
            );
        }
    }
}

#[test]
fn large_bodies_are_cut_at_the_byte_too() {
    // More than any socket buffer: what was sent before the cut must not be lost with the connection.
    let turn = Turn::text("x".repeat(20 << 20)).cut_after(16 << 20);
    let answer = ask(serve(turn).address(), CHAT);
    assert_eq!((answer.body.len(), answer.whole), (16 << 20, false));
}

#[test]
fn a_reset_is_no_orderly_close() {
    let cases = [
        (Turn::hang_up(), false, 0),
        (Turn::reset(), true, 0),
        (Turn::text("hi").cut_after(5), false, 200),
    ];
    for (turn, reset, status) in cases {
        let answer = ask(serve(turn).address(), CHAT);
        assert_eq!(
            (answer.reset, answer.status(), answer.whole),
            (reset, status, false)
        );
    }
    // A reset drops what is on its way, so only the end is certain.
    assert!(ask(serve(Turn::text("hi").reset_after(5)).address(), CHAT).reset);
}

#[test]
fn stalls_end_with_a_release() {
    for turn in [
        Turn::text("hi").stall_first(),
        Turn::text("hi").stall_after(0),
        Turn::text("hi").stall_after(10),
        Turn::text("hi").and(Step::Hold).and_text("more"),
        Turn::status(500).stall_after(3),
    ] {
        let server = serve(turn.clone());
        let mut stream = open(server.address(), CHAT, &request(CHAT, "x"), "");
        let seen = server.wait_for(1);
        assert_eq!(seen[0].outcome, Outcome::Running, "{turn:?}");
        server.release();
        assert!(read(&mut stream).whole, "{turn:?}");
        server.wait_until(|seen| seen[0].outcome == Outcome::Sent);
    }
}

#[test]
fn each_hold_takes_one_release() {
    let turn = || {
        Turn::text("a")
            .and(Step::Hold)
            .and_text("b")
            .and(Step::Hold)
            .and_text("c")
    };
    let server = serve(turn());
    server.release();
    let mut stream = open(server.address(), CHAT, &request(CHAT, "x"), "");
    let mut got = Vec::new();
    let mut byte = [0];
    while !got.ends_with(b"\"content\":\"b\"") {
        stream
            .read_exact(&mut byte)
            .expect("all before the second hold");
        got.push(byte[0]);
    }
    assert_eq!(server.requests()[0].outcome, Outcome::Running);
    server.release();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the rest");
    assert!(String::from_utf8_lossy(&rest).contains("[DONE]"));
    let open = serve(turn());
    open.release_all();
    assert!(ask(open.address(), CHAT).whole && ask(open.address(), CHAT).whole);
}

#[test]
fn all_before_a_stall_is_on_the_wire() {
    let server = serve(Turn::text("hi").stall_after(10));
    let mut stream = open(server.address(), CHAT, &request(CHAT, "x"), "");
    let mut got = Vec::new();
    let mut byte = [0];
    // The head, a chunk size line, and the 10 bytes.
    while !got.ends_with(b"\r\ndata: {\"id") {
        stream
            .read_exact(&mut byte)
            .expect("the bytes before the stall");
        got.push(byte[0]);
    }
}

#[test]
fn a_client_that_leaves_is_noticed() {
    for turn in [
        Turn::text("hi").stall_first(),
        Turn::text("hi").stall_after(3),
    ] {
        let server = serve(turn);
        let stream = open(server.address(), CHAT, &request(CHAT, "x"), "");
        let _arrived = server.wait_for(1);
        assert_eq!(server.open_connections(), 1);
        drop(stream);
        server.wait_until(|seen| seen[0].outcome == Outcome::Abandoned);
    }
}

#[test]
fn terminal_events_can_be_missing() {
    for (path, marks) in [
        (CHAT, ["[DONE]", "\"stop\""]),
        (MESSAGES, ["message_stop", "stop_reason\":\"end"]),
    ] {
        let answer = ask(serve(Turn::text("hi").no_terminal()).address(), path);
        assert!(answer.whole);
        assert!(
            marks.iter().all(|mark| !answer.text().contains(mark)),
            "{}",
            answer.text()
        );
        assert!(answer.text().contains("hi"));
    }
}

#[test]
fn streams_can_be_written_oddly() {
    let plain = ask(serve(Turn::text("hü")).address(), MESSAGES);
    let crlf = ask(
        serve(Turn::text("hü").line_ends(LineEnds::CrLf)).address(),
        MESSAGES,
    );
    assert_eq!(crlf.text(), plain.text().replace('\n', "\r\n"));
    let cr = ask(
        serve(Turn::text("hü").line_ends(LineEnds::Cr).bom()).address(),
        MESSAGES,
    );
    assert_eq!(
        cr.text(),
        format!("\u{feff}{}", plain.text().replace('\n', "\r"))
    );
    let bytes = ask(serve(Turn::text("hü").pieces(1)).address(), MESSAGES);
    assert_eq!(bytes.text(), plain.text());
    let chunk = b"\r\n1\r\n".to_vec();
    let chunks = bytes
        .raw
        .windows(chunk.len())
        .filter(|window| *window == chunk)
        .count();
    assert!(
        chunks >= plain.body.len() - 1,
        "every byte is a chunk: {chunks}"
    );
    let noisy = Turn::steps([
        Step::Ping,
        Step::Comment("note".into()),
        Step::Raw("event: odd\n\n".into()),
    ]);
    let text = ask(serve(noisy.clone()).address(), MESSAGES).text();
    assert!(
        text.contains("event: ping\n")
            && text.contains(": note\n\n")
            && text.contains("event: odd\n\n")
    );
    assert!(
        ask(serve(noisy).address(), CHAT)
            .text()
            .contains(": ping\n\n")
    );
}

#[test]
fn portals_and_redirects() {
    let answer = ask(serve(Turn::html("<p>log in</p>")).address(), CHAT);
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (200, "<p>log in</p>")
    );
    assert!(
        answer.head.contains("text/html") && !answer.head.contains("json"),
        "{}",
        answer.head
    );
    let answer = ask(
        serve(Turn::redirect("http://elsewhere.example/")).address(),
        CHAT,
    );
    assert_eq!(answer.status(), 307);
    assert!(answer.head.contains("location: http://elsewhere.example/"));
}

#[test]
fn the_raw_server_plays_bytes_and_keeps_what_came() {
    let server = RawServer::start(vec![
        RawStep::Await("ping"),
        RawStep::Send(b"pong".to_vec()),
        RawStep::Stall,
    ]);
    let mut stream = TcpStream::connect(server.address()).expect("the server listens");
    stream.write_all(b"a pi").expect("the server reads");
    stream.write_all(b"ng b").expect("the server reads");
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"pong");
    server.wait_for("ping b");
    assert_eq!(
        (server.received(), server.connections()),
        (b"a ping b".to_vec(), 1)
    );
}
