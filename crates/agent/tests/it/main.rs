//! The loop against a scripted model server, a real folder and a host that writes everything down.
//!
//! Start with `kit`: a [`kit::Rig`] is a session, and [`kit::RecordingHost`] its log.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod approvals;
mod changes;
mod commands;
mod context;
mod instructions;
mod interrupted;
mod kit;
mod limits;
mod looks;
mod map;
mod network;
mod order;
mod paths;
mod repeats;
mod replay;
mod rules;
mod secrets;
mod steering;
mod talk;
