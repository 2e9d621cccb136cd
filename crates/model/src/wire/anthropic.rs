//! Anthropic Messages.
//!
//! `encode.rs` writes requests, `decode.rs` reads streams.

mod decode;
mod encode;

pub(super) use decode::Decoder;
pub(super) use encode::encode;
