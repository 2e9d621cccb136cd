//! Servers that fail, over real connections.

use super::*;
use crate::{
    call::{Door, Stop},
    error::ModelError,
    stream::stream_at,
};
use kerf_egress::{Allowed, BoxFuture, Egress, Ledger, LedgerError};
use kerf_protocol::{Code, ledger::LedgerEntry};
use kerf_test_support::{LineEnds, ModelServer, RawServer, RawStep, Script, Step, Turn};
use std::sync::Mutex;
use url::Url;

/// Keeps what it is told; or refuses everything.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) entries: Mutex<Vec<LedgerEntry>>,
    refuses: bool,
}

impl Ledger for Kept {
    fn record<'a>(
        &'a self,
        entry: LedgerEntry,
        _body: &'a Bytes,
    ) -> BoxFuture<'a, Result<i64, LedgerError>> {
        Box::pin(async move {
            if self.refuses {
                return Err(LedgerError::new("the disk is full"));
            }
            let mut entries = self.entries.lock().expect("nobody panics with it");
            entries.push(entry);
            Ok(entries.len() as i64)
        })
    }
}

pub(super) fn egress(bases: &[Url]) -> Egress {
    let allowed = bases.iter().fold(Allowed::none(), |allowed, base| {
        allowed.with(base).expect("a base URL")
    });
    Egress::new(allowed, Arc::new(Kept::default())).expect("a door")
}

pub(super) struct Outcome {
    pub(super) result: Result<Reply, ModelError>,
    pub(super) deltas: Vec<Delta>,
}

impl Outcome {
    pub(super) fn retries(&self) -> usize {
        let is_retry = |delta: &&Delta| matches!(delta, Delta::Retry { .. });
        self.deltas.iter().filter(is_retry).count()
    }

    pub(super) fn text(&self) -> String {
        let parts = match &self.result {
            Ok(reply) => &reply.parts,
            Err(error) => &error.partial,
        };
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            _ => String::new(),
        };
        parts.iter().map(text).collect()
    }

    pub(super) fn error(&self) -> &ErrorKind {
        match &self.result {
            Ok(reply) => panic!("this must fail, but it is {reply:?}"),
            Err(error) => &error.kind,
        }
    }
}

pub(super) async fn ask(
    wire: Wire,
    base_url: &str,
    pace: &Pace,
    cancel: &CancellationToken,
) -> Outcome {
    let door = Door::Egress(egress(&[Url::parse(base_url).expect("a URL")]));
    let mut target = target(wire);
    base_url.clone_into(&mut target.endpoint.base_url);
    let messages = [user("go")];
    let mut deltas = Vec::new();
    let result = stream_at(
        pace,
        &door,
        &target,
        &request(&messages, &tools()),
        cancel,
        &mut |delta| deltas.push(delta),
    )
    .await;
    Outcome { result, deltas }
}

pub(super) async fn asked(wire: Wire, server: &ModelServer) -> Outcome {
    ask(
        wire,
        &server.base_url(),
        &quick(),
        &CancellationToken::new(),
    )
    .await
}

#[tokio::test]
async fn every_wire_gets_its_reply_and_shows_its_key() {
    for wire in WIRES {
        let turn = Turn::text("Grüße").and_call_as("c1", "read_file", "{\"path\":\"a\"}");
        let server = ModelServer::start(Script::new().key("sk-canary-0123456789").turn(turn));
        let outcome = asked(wire, &server).await;
        let reply = outcome.result.expect("a reply");
        let expected = [
            Part::Text("Grüße".to_owned()),
            call("c1", "read_file", "{\"path\":\"a\"}"),
        ];
        assert_eq!(reply.parts, expected, "{wire:?}");
        assert_eq!(reply.stop, Stop::ToolCalls);
        let usage = reply.usage.expect("told by the server");
        assert_eq!(
            (usage.input_tokens, usage.output_tokens),
            (100, 20),
            "{wire:?}"
        );
    }
}

#[tokio::test]
async fn odd_but_legal_streams_are_read() {
    for wire in WIRES {
        for ends in [LineEnds::Lf, LineEnds::CrLf, LineEnds::Cr] {
            let turn = Turn::steps([Step::Ping, Step::Comment("hello".to_owned())])
                .and_text_in("Grüße, 漢字 🦀", 4)
                .bom()
                .line_ends(ends)
                .pieces(1);
            let server = ModelServer::start(Script::new().turn(turn));
            let outcome = asked(wire, &server).await;
            assert!(
                outcome.result.is_ok(),
                "{wire:?} {ends:?}: {:?}",
                outcome.result
            );
            assert_eq!(outcome.text(), "Grüße, 漢字 🦀", "{wire:?} {ends:?}");
        }
    }
}

#[tokio::test]
async fn silence_has_an_end() {
    let mut pace = quick();
    pace.timeouts.first_byte = Duration::from_millis(100);
    pace.timeouts.idle = Duration::from_millis(100);
    pace.silence = Duration::from_millis(100);
    let pings = Turn::steps(vec![Step::Ping; 2000]).pace(Duration::from_millis(5));
    let half = Turn::steps([
        Step::Text {
            text: "Hello".to_owned(),
            deltas: 1,
        },
        Step::Hold,
    ]);
    for (turn, words, text) in [
        (Turn::text("x").stall_first(), "no first byte", ""),
        (Turn::text("x").stall_after(0), "nothing more", ""),
        (half, "nothing more", "Hello"),
        (pings, "only pings", ""),
    ] {
        let server = ModelServer::start(Script::new().turn(turn));
        let outcome = ask(
            Wire::Chat,
            &server.base_url(),
            &pace,
            &CancellationToken::new(),
        )
        .await;
        assert!(
            matches!(outcome.error(), ErrorKind::TimedOut { reason } if reason.contains(words)),
            "{words}: {:?}",
            outcome.error()
        );
        assert_eq!(outcome.text(), text);
        assert_eq!(server.requests().len(), 1, "long waits are not repeated");
    }
}

#[tokio::test]
async fn cancel_ends_every_wait() {
    for turn in [
        Turn::text("x").stall_first(),
        Turn::steps([Step::Hold]),
        Turn::text("x").and(Step::Hold),
        Turn::status(503).header("retry-after", "100"),
    ] {
        let server = ModelServer::start(Script::new().turn(turn.clone()));
        let cancel = CancellationToken::new();
        let base = server.base_url();
        let pace = quick();
        let stop = async {
            server.arrived(1).await;
            cancel.cancel();
        };
        let (outcome, ()) = tokio::join!(ask(Wire::Anthropic, &base, &pace, &cancel), stop);
        assert_eq!(*outcome.error(), ErrorKind::Cancelled, "{turn:?}");
        assert_eq!(server.requests().len(), 1, "{turn:?}");
    }
}

#[tokio::test]
async fn what_is_no_model_server() {
    for turn in [
        Turn::html("<html><body>Log in to the Wi-Fi</body></html>"),
        Turn::status(200)
            .body("  <!doctype html><p>hello")
            .header("content-type", "text/plain"),
        Turn::status(200)
            .body("{\"hello\":1}")
            .header("content-type", "application/json"),
        Turn::status(200)
            .body("hello")
            .header("content-type", "text/plain"),
        Turn::redirect("https://login.example.test/"),
    ] {
        for wire in WIRES {
            let server = ModelServer::start(Script::new().turn(turn.clone()));
            let outcome = asked(wire, &server).await;
            assert!(
                matches!(outcome.error(), ErrorKind::NotThisApi { .. }),
                "{wire:?} {turn:?}: {:?}",
                outcome.error()
            );
        }
    }
}

#[tokio::test]
async fn an_error_with_status_200_is_an_error() {
    let body = r#"{"error":{"code":"context_length_exceeded","message":"too long"}}"#;
    let turn = Turn::status(200)
        .body(body)
        .header("content-type", "application/json");
    let server = ModelServer::start(Script::new().turn(turn));
    let outcome = asked(Wire::Chat, &server).await;
    assert!(matches!(outcome.error(), ErrorKind::ContextFull { .. }));
}

#[tokio::test]
async fn a_frame_of_20_mb_is_refused() {
    let giant = format!("data: {}", "x".repeat(20 << 20));
    let server = ModelServer::start(Script::new().turn(Turn::text("Hello").and(Step::Raw(giant))));
    let outcome = asked(Wire::Chat, &server).await;
    assert!(
        matches!(outcome.error(), ErrorKind::TooLarge { .. }),
        "{:?}",
        outcome.error()
    );
    assert_eq!(outcome.text(), "Hello");
}

#[tokio::test]
async fn half_a_head_is_no_answer() {
    let server = RawServer::start(vec![
        RawStep::Await("\r\n\r\n"),
        RawStep::Send(b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec()),
    ]);
    let outcome = ask(
        Wire::Chat,
        &server.base_url(),
        &quick(),
        &CancellationToken::new(),
    )
    .await;
    assert!(
        matches!(outcome.error(), ErrorKind::Unreachable { .. }),
        "{:?}",
        outcome.error()
    );
}

#[tokio::test]
async fn the_same_call_twice_runs_once() {
    for wire in WIRES {
        let turn = Turn::steps([])
            .and_call_as("c1", "run_command", "{\"command\":\"ls\"}")
            .and_call_as("c1", "run_command", "{\"command\":\"ls\"}");
        let server = ModelServer::start(Script::new().turn(turn));
        let reply = asked(wire, &server).await.result.expect("a reply");
        assert_eq!(
            reply.parts,
            [call("c1", "run_command", "{\"command\":\"ls\"}")],
            "{wire:?}"
        );
    }
}

#[tokio::test]
async fn keys_do_not_show_in_errors() {
    let echo = r#"{"error":{"message":"Incorrect API key provided: sk-canary-0123456789"}}"#;
    for wire in WIRES {
        let server = ModelServer::start(Script::new().turn(Turn::status(401).body(echo)));
        let error = asked(wire, &server)
            .await
            .result
            .expect_err("it is refused");
        let failure = error.to_failure();
        assert_eq!(failure.code, Code::Unauthorized);
        for text in [
            format!("{error:?}"),
            error.to_string(),
            format!("{failure:?}"),
        ] {
            assert!(!text.contains("canary"), "{text}");
        }
        assert!(!format!("{:?}", target(wire)).contains("canary"));
    }
}

#[tokio::test]
async fn without_permission_or_ledger_nothing_leaves() {
    let server = ModelServer::start(Script::new().turn(Turn::text("x").always()));
    let base = Url::parse(&server.base_url()).expect("a URL");
    let broken = Kept {
        refuses: true,
        ..Kept::default()
    };
    let listed = Allowed::none().with(&base).expect("a base URL");
    for (egress, expected) in [
        (
            Egress::new(Allowed::none(), Arc::new(Kept::default())),
            "NotAllowed",
        ),
        (Egress::new(listed, Arc::new(broken)), "Ledger"),
    ] {
        let door = Door::Egress(egress.expect("a door"));
        let mut target = target(Wire::Chat);
        target.endpoint.base_url = server.base_url();
        let result = crate::stream(
            &door,
            &target,
            &request(&[user("go")], &[]),
            &CancellationToken::new(),
            &mut |_| {},
        )
        .await;
        let kind = format!("{:?}", result.expect_err("it must not leave").kind);
        assert!(kind.starts_with(expected), "{kind}");
    }
    assert!(server.requests().is_empty(), "{:?}", server.requests());
}
