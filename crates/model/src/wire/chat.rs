//! OpenAI Chat Completions, as OpenAI, Google, OpenRouter and nearly every local server speak it.
//!
//! `encode.rs` writes requests, `decode.rs` reads streams. What such servers do differently from each other is
//! handled where it shows, each with its reason.

mod decode;
mod encode;

pub(super) use decode::Decoder;
pub(super) use encode::encode;
