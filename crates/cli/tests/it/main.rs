//! End-to-end tests of the `kerf` program: the real binary, real folders, a real HTTP server that plays the model.
//!
//! Each test starts processes and reads what a script or a person would read: lines on standard output, exit
//! codes, files on disk, requests at the server. Nothing here calls the engine as a library, and nothing sleeps:
//! a test waits for a line or a request, and says what it waited for when it never comes.
//!
//! Start with `support.rs`, which is the harness; `running.rs` is a run under way.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

#[cfg(unix)]
mod beside;
mod running;
mod scene;
mod search;
mod support;

#[cfg(unix)]
mod app;
#[cfg(unix)]
mod attempts;
#[cfg(unix)]
mod checkpoints;
#[cfg(unix)]
mod commands;
mod comments;
mod control;
#[cfg(unix)]
mod crash;
mod endpoints;
mod exec;
mod exports;
#[cfg(target_os = "linux")]
mod faulted;
mod faults;
#[cfg(unix)]
mod files;
mod fronts;
mod instructions;
mod invalid;
mod ledger;
mod network;
mod patch;
#[cfg(unix)]
mod policy;
mod practice;
#[cfg(feature = "real-model")]
mod real_model;
#[cfg(unix)]
mod refusals;
#[cfg(unix)]
mod resistance;
mod resume;
mod review;
#[cfg(unix)]
mod rules;
#[cfg(unix)]
mod scopes;
mod session_search;
mod sessions;
#[cfg(unix)]
mod set_up;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod unbegun;
mod usage;
mod users_edits;
mod wires;
#[cfg(target_os = "linux")]
mod withheld;
#[cfg(unix)]
mod worktrees;
