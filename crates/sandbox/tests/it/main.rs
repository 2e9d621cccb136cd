//! Real commands in real sandboxes. A canary is a file or a listener outside the workspace that must stay as it is.
//!
//! Programs that a probe needs and this machine lacks are skipped, with a line that says so.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod background;
mod environment;
mod files;
mod network;
mod output;
mod processes;
mod programs;
mod room;
mod settings;
mod tunnels;
mod unavailable;
mod view;
mod withheld;
