//! The loop: a message goes in, the model answers, its tool calls run under the policy, until it is done.
//!
//! The agent emits an ordered log of events through [`Host`] and persists nothing itself: its tests need no
//! database, and a session goes on from the items that the log left behind ([`Agent::new`] takes them).
//! It asks the host before anything may change and tells it after; what to keep and how to review is the host's.
//! It holds no setting and finds no folder: everything comes in through [`Setup`].
//!
//! Everything that a model sends is hostile: tool calls run only from a complete message in which each call
//! fits its schema, paths stay inside the workspace, commands run in the sandbox.
//!
//! What goes to a model is concealed first: secrets stand in the conversation as placeholders, items keep what was
//! really read, and placeholders in a call become values again when it runs.
//!
//! Start with [`Agent::run_turn`] in `turn.rs`; the tools are in `tools.rs`.

mod act;
mod ask;
mod calls;
mod context;
mod control;
mod conversation;
mod host;
mod instructions;
mod jobs;
mod map;
mod network;
mod policy;
mod prompt;
mod reads;
mod repeats;
mod reply;
mod request;
mod room;
mod rules;
mod secrets;
mod set_up;
mod shape;
mod sources;
mod tools;
mod turn;
mod withheld;

pub use control::{Control, UserInput};
pub use conversation::CHECK;
pub use host::{Connected, Host, HostAnswer, HostError, HostQuestion, NetworkCall, Nobody, Scope};
pub use instructions::{MAX_BYTES as MAX_INSTRUCTION_BYTES, UserInstructions};
pub use set_up::{SET_UP, SetUp};
pub use shape::check_output_schema;
pub use turn::{Agent, Setup, TurnEnd};
pub use withheld::{Guard, WithheldBy, withheld};

/// The tools as they are offered to a model: names, descriptions and schemas.
#[must_use]
pub fn tool_specs() -> &'static [kerf_model::ToolSpec] {
    tools::specs()
}
