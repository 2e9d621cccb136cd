//! Model endpoints: one request in, one streamed reply out, over any of three wire APIs.
//!
//! The crate turns a [`Request`] into the bytes of OpenAI Chat Completions, OpenAI Responses or Anthropic Messages,
//! sends them through a [`Door`], and turns the event stream that comes back into [`Delta`]s and a [`Reply`].
//! A tool call leaves this crate only when the whole message arrived and its arguments are a JSON object;
//! a reply that broke off is an error that carries the text received so far.
//!
//! It is not an HTTP client (that is `kerf-egress`), it reads no file and no setting, and it keeps no state between
//! requests: the agent sends the whole conversation every time.
//!
//! Start with [`stream`]; the shapes are in `call.rs`, each wire in `wire/`, the rule-based stand-in that needs no
//! endpoint in `practice.rs`.

mod call;
mod discover;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod models;
mod practice;
mod presets;
mod redact;
mod retry;
mod source;
mod sse;
mod stream;
mod vendor_error;
mod wire;

#[cfg(test)]
mod tests;

pub use call::{
    Delta, Door, Message, Part, Reply, Request, Role, SecretString, Stop, Target, ToolSpec,
};
pub use discover::{DefaultPorts, discover};
pub use error::{ErrorKind, ModelError};
pub use models::models;
pub use presets::{practice_endpoint, presets};
pub use stream::stream;
