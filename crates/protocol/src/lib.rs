//! Kerf's vocabulary: the words of `ARCHITECTURE.md` as serde types.
//!
//! Every part of Kerf speaks these types: the crates among themselves, the engine with its fronts, and the
//! user interface, whose TypeScript is generated from here (`cargo xtask types`).
//! There is no logic and no I/O in this crate; a type belongs here only when it crosses a crate or a process.
//!
//! Start with [`item`] (what a conversation is made of), [`event`] (what a running session tells) and
//! [`request`] (what a front can ask).
//!
//! Wire rules: fields are `snake_case`; enums are tagged by `type`; ids are strings; times are whole
//! milliseconds since the Unix epoch in UTC; byte counts and line numbers are plain numbers below 2^53;
//! lines and columns count from 1.

pub mod attempt;
pub mod checkpoint;
pub mod desk;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod git;
pub mod id;
pub mod item;
pub mod ledger;
pub mod policy;
pub mod project;
pub mod request;
pub mod review;
pub mod room;
pub mod rule;
pub mod scope;
pub mod search;
pub mod session;
pub mod settings;
pub mod worktree;

pub use error::{Code, Failure};
pub use id::{ItemId, ProjectId, QuestionId, SessionId, TaskId, TurnId, WorktreeId};

/// Milliseconds since the Unix epoch, UTC. Order never depends on it: sequence numbers do that.
pub type UnixMillis = i64;
