//! OpenAI Responses, without state at the endpoint: the whole conversation goes along, encrypted reasoning included.
//!
//! `encode.rs` writes requests, `decode.rs` reads streams.

mod decode;
mod encode;

pub(super) use decode::Decoder;
pub(super) use encode::encode;
