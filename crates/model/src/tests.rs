//! Tests that need more than one module: bytes in, bytes out.

mod cuts;
mod decode;
mod encode;
mod faults;
mod practice;
mod retries;
mod round_trip;
mod servers;
mod vendor_errors;

use crate::{
    call::{Delta, Message, Part, Reply, Request, Role, SecretString, Target, ToolSpec},
    error::ErrorKind,
    retry::Pace,
    source::Source,
    stream::receive,
    vendor_error::Fault,
    wire,
};
use bytes::Bytes;
use kerf_egress::About;
use kerf_protocol::{
    endpoint::{Endpoint, EndpointOrigin, Usage, Wire},
    ledger::Purpose,
};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const WIRES: [Wire; 3] = [Wire::Chat, Wire::Responses, Wire::Anthropic];

fn endpoint(wire: Wire) -> Endpoint {
    Endpoint {
        name: "test".to_owned(),
        wire,
        base_url: "https://api.example.test/v1".to_owned(),
        model: "model-1".to_owned(),
        context_window: None,
        origin: EndpointOrigin::Configured,
    }
}

fn target(wire: Wire) -> Target {
    Target {
        endpoint: endpoint(wire),
        key: Some(SecretString::from("sk-canary-0123456789")),
    }
}

fn request<'a>(messages: &'a [Arc<Message>], tools: &'a [ToolSpec]) -> Request<'a> {
    Request {
        system: "Be brief.",
        messages,
        tools,
        about: About {
            purpose: Purpose::Turn,
            session_id: None,
            turn_id: None,
            files: Vec::new(),
        },
        max_output_tokens: None,
        output_schema: None,
        cache_key: "session-1",
    }
}

fn user(text: &str) -> Arc<Message> {
    message(Role::User, vec![Part::Text(text.to_owned())])
}

fn message(role: Role, parts: Vec<Part>) -> Arc<Message> {
    Arc::new(Message { role, parts })
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall {
        call_id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    }
}

fn result(id: &str, output: &str, failed: bool) -> Part {
    Part::ToolResult {
        call_id: id.to_owned(),
        output: output.to_owned(),
        failed,
    }
}

fn tools() -> Vec<ToolSpec> {
    ["read_file", "run_command"]
        .map(|name| ToolSpec {
            name: name.to_owned(),
            description: format!("Does {name}"),
            schema: json!({"type": "object", "properties": {"path": {"type": "string"}}}),
        })
        .to_vec()
}

/// A pace for tests: the same tries, next to no waits.
fn quick() -> Pace {
    Pace {
        first_wait: Duration::from_millis(1),
        rest: Duration::from_millis(200),
        ..Pace::new(false)
    }
}

/// What a body of bytes becomes.
#[derive(Debug)]
struct Decoded {
    result: Result<Reply, ErrorKind>,
    deltas: Vec<Delta>,
    partial: Vec<Part>,
    usage: Option<Usage>,
}

/// Decodes a reply that comes in `pieces` and then ends, after the conversation `before`.
async fn decode_after(wire: Wire, before: &[Arc<Message>], pieces: Vec<Bytes>) -> Decoded {
    let endpoint = endpoint(wire);
    let mut decoder = wire::decoder(&endpoint, &request(before, &[]));
    let mut deltas = Vec::new();
    let ended = receive(
        &quick(),
        Source::Here(pieces.into_iter()),
        decoder.as_mut(),
        &CancellationToken::new(),
        &mut |delta| deltas.push(delta),
    )
    .await;
    let (partial, usage) = decoder.partial();
    let result = match ended {
        Ok(()) => decoder.finish(),
        Err(Fault { kind, .. }) => Err(kind),
    };
    Decoded {
        result,
        deltas,
        partial,
        usage,
    }
}

async fn decode(wire: Wire, body: &str) -> Decoded {
    decode_after(wire, &[], vec![Bytes::copy_from_slice(body.as_bytes())]).await
}
