//! The way from the bytes of an answer to a reply, without a network, for the fuzz targets alone.

use crate::{
    call::{Reply, Request},
    error::{ErrorKind, ModelError},
    retry::Pace,
    source::Source,
    stream::receive,
    wire,
};
use bytes::Bytes;
use kerf_egress::About;
use kerf_protocol::{
    endpoint::{Endpoint, EndpointOrigin, Wire},
    ledger::Purpose,
};
use tokio_util::sync::CancellationToken;

/// Decodes an answer that comes in these pieces and then ends.
///
/// # Errors
/// As [`crate::stream`].
pub async fn decode(wire: Wire, pieces: Vec<Bytes>) -> Result<Reply, ModelError> {
    let endpoint = Endpoint {
        name: "fuzzed".to_owned(),
        wire,
        base_url: "https://api.example.test/v1".to_owned(),
        model: "model".to_owned(),
        context_window: None,
        origin: EndpointOrigin::Configured,
    };
    let request = Request {
        system: "",
        messages: &[],
        tools: &[],
        about: About {
            purpose: Purpose::Turn,
            session_id: None,
            turn_id: None,
            files: Vec::new(),
        },
        max_output_tokens: None,
        output_schema: None,
        cache_key: "",
    };
    let mut decoder = wire::decoder(&endpoint, &request);
    let ended = receive(
        &Pace::new(true),
        Source::Here(pieces.into_iter()),
        decoder.as_mut(),
        &CancellationToken::new(),
        &mut |_| {},
    )
    .await;
    let ended = match ended {
        Ok(()) => decoder.finish(),
        Err(fault) => Err(fault.kind),
    };
    ended.map_err(|kind: ErrorKind| {
        let (partial, usage) = decoder.partial();
        ModelError {
            partial,
            usage,
            ..ModelError::new(&endpoint.name, kind)
        }
    })
}
