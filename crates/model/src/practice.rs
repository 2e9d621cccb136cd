//! The practice endpoint: a stand-in for a model that needs no network, no key and no download.
//!
//! It gets the bytes of a Chat Completions request and answers with the bytes of an event stream, so everything around
//! it is the real thing. It follows rules and says so. Its reply depends on the request alone.
//!
//! `request.rs` reads the request, `form.rs` understands what the user asks for, `plan.rs` carries it out with the
//! tools that are offered, `speak.rs` writes the stream.

mod form;
mod identifier;
mod plan;
mod rename;
mod request;
mod speak;

use bytes::Bytes;
use kerf_protocol::endpoint::ModelInfo;

/// The answer to a Chat Completions request, in the pieces in which it is to be streamed.
pub(crate) fn reply(body: &[u8]) -> Vec<Bytes> {
    match request::read(body) {
        Ok(asked) => speak::stream(&asked, body.len(), plan::next(&asked)),
        Err(reason) => speak::error(&reason),
    }
}

/// The only model there is.
pub(crate) fn models() -> Vec<ModelInfo> {
    let endpoint = crate::presets::practice_endpoint();
    vec![ModelInfo {
        id: endpoint.model,
        context_window: endpoint.context_window,
    }]
}
