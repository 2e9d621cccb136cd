//! The engine as a front sees it: requests in, answers and events out, over a real database and a scripted server.
//!
//! Start with `kit`: a [`kit::Bench`] is a folder, a server and a home for engines.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod checkpoints;
mod checks;
mod comments;
mod defects;
mod desk;
mod diagnostics;
mod durable;
mod endpoints;
mod events;
mod folders;
mod git;
mod git_command;
mod git_server;
mod kit;
mod parts;
mod pull_request;
mod review;
mod room;
mod rules;
mod scopes;
mod search;
mod sessions;
mod table;
mod waking;
mod window;
#[cfg(unix)]
mod worktree_kills;
mod worktrees;
