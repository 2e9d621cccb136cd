//! Streams that end anywhere.

use super::*;
use crate::call::Stop;
use kerf_test_support::{ModelServer, Script, Turn};
use proptest::prelude::*;

/// A reply with every kind of part, in characters of one to four bytes.
fn turn() -> Turn {
    Turn::steps([])
        .and_reasoning("I think, é", Some("sealed"))
        .and_text_in("Grüße, 漢字 und 🦀 an alle", 5)
        .and_call_as("call_a", "read_file", "{\"path\":\"ü.rs\"}")
        .and_call_as("call_b", "run_command", "{\"command\":\"ls\"}")
}

/// The body as the scripted server sends it.
async fn body(wire: Wire, turn: Turn) -> Vec<u8> {
    let server = ModelServer::start(Script::new().turn(turn));
    let mut target = target(wire);
    target.endpoint.base_url = server.base_url();
    let encoded = wire::encode(&target, &request(&[user("go")], &[])).expect("it can be encoded");
    let url = url::Url::parse(&server.base_url()).expect("a URL");
    let outbound = kerf_egress::Outbound {
        method: http::Method::POST,
        url: encoded.url,
        headers: encoded.headers,
        body: encoded.body,
        about: request(&[], &[]).about,
        timeouts: kerf_egress::Timeouts::default(),
    };
    let egress = super::faults::egress(&[url]);
    let inbound = egress.send(outbound).await.expect("the server answers");
    assert_eq!(inbound.status, 200);
    inbound
        .text(1 << 20)
        .await
        .expect("the body comes whole")
        .into_bytes()
}

fn said(parts: &[Part]) -> String {
    parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.as_str(),
            _ => "",
        })
        .collect()
}

#[tokio::test]
async fn cut_at_every_byte() {
    for wire in WIRES {
        let body = body(wire, turn()).await;
        let whole = decode_after(wire, &[], vec![body.clone().into()])
            .await
            .result
            .expect("the whole message");
        assert_eq!(whole.stop, Stop::ToolCalls, "{wire:?}");
        let mut last = String::new();
        let mut complete = 0;
        for cut in 0..=body.len() {
            let piece = Bytes::copy_from_slice(&body[..cut]);
            let decoded = decode_after(wire, &[], vec![piece]).await;
            match decoded.result {
                Ok(reply) => {
                    // Nothing but usage and end marks may be missing.
                    assert_eq!(reply.parts, whole.parts, "{wire:?} cut at {cut}");
                    complete += 1;
                }
                Err(kind) => {
                    assert!(
                        matches!(kind, ErrorKind::BrokeOff { .. }),
                        "{wire:?} cut at {cut}: {kind:?}"
                    );
                    assert_eq!(
                        complete, 0,
                        "{wire:?}: more bytes cannot make it incomplete"
                    );
                    let is_call = |part: &Part| matches!(part, Part::ToolCall { .. });
                    assert!(
                        !decoded.partial.iter().any(is_call),
                        "{wire:?} cut at {cut}"
                    );
                    let text = said(&decoded.partial);
                    assert!(text.starts_with(&last), "{wire:?}: text only grows");
                    assert!(
                        said(&whole.parts).starts_with(&text),
                        "{wire:?} cut at {cut}"
                    );
                    last = text;
                }
            }
        }
        assert!(complete > 0 && !last.is_empty(), "{wire:?}");
    }
}

#[tokio::test]
async fn pieces_of_any_size_make_the_same_reply() {
    for wire in WIRES {
        let body = body(wire, turn()).await;
        let whole = decode_after(wire, &[], vec![body.clone().into()]).await;
        for size in [1, 2, 3, 7, 64] {
            let pieces = body.chunks(size).map(Bytes::copy_from_slice).collect();
            let cut = decode_after(wire, &[], pieces).await;
            assert_eq!(cut.result, whole.result, "{wire:?} in pieces of {size}");
            assert_eq!(cut.deltas, whole.deltas, "{wire:?} in pieces of {size}");
            assert_eq!(cut.usage, whole.usage, "{wire:?} in pieces of {size}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a server sends, it is a reply or an error, never a panic.
    #[test]
    fn noise_is_no_danger(
        events in prop::collection::vec(prop_oneof![
            "[ -~é漢\r\n]{0,40}",
            Just("data: [DONE]\n\n".to_owned()),
            "data: \\{\"choices\":\\[\\{\"delta\":\\{\"(content|tool_calls|reasoning)\":(null|1|\"a\"|\\[\\{\\}\\]|\\{\\})\\}\\}\\]\\}\n\n",
            "data: \\{\"type\":\"(message_stop|message_delta|content_block_start|content_block_delta|response.completed|response.output_item.done|error)\",\"(index|output_index)\":(-1|0|9),\"(delta|item|content_block|response)\":(null|\\{\"type\":\"(text|tool_use|message|reasoning|function_call|signature_delta)\"\\})\\}\n\n",
        ], 0..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let body = events.concat();
        for wire in WIRES {
            let decoded = runtime.block_on(decode(wire, &body));
            let is_call = |part: &Part| matches!(part, Part::ToolCall { .. });
            prop_assert!(!decoded.partial.iter().any(is_call));
        }
    }
}
