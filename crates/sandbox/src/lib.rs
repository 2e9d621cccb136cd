//! Child processes under a policy: isolation, limits, and the death of the whole process tree.
//!
//! Everything that Kerf runs runs here, because only here is a command kept inside the workspace, off the
//! network and away from Kerf's keys, and only here is it certain that nothing outlives it.
//! This crate does not decide whether a command may run; the agent asks the user before it comes here.
//! It is no virtual machine: commands share the kernel and can read what the user can read, except the keys and
//! data that `guard.rs` hides and what a [`Job`] withholds.
//!
//! Start with [`Sandbox::run`]; the types around it are in `job.rs`. On Linux the work is done by a second
//! process, the helper (`linux/helper.rs`), which is the same program started again: every `main` calls
//! [`run_if_helper`] first.
//!
//! A sandbox that cannot be set up is an error ([`SandboxError::Unavailable`]), never a weaker sandbox.

mod background;
mod environment;
mod guard;
mod job;
mod launch;
mod network;
mod output;
mod plain;
mod plan;
mod sandbox;
mod supervise;

#[cfg(not(target_os = "linux"))]
mod desktop;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
use desktop as platform;
#[cfg(target_os = "linux")]
use linux as platform;

pub use background::Background;
pub use job::{
    Commits, End, Finding, Invocation, Job, Lent, Outcome, SandboxError, Withheld, Withhold,
};
pub use launch::launch_own;
pub use network::{Network, Serving};
pub use output::Capped;
pub use sandbox::Sandbox;

/// The first line of every `main`: when this process was started as the sandbox helper, does that work and
/// never returns; otherwise returns at once.
///
/// It must come before any thread is started, because the helper forks.
pub fn run_if_helper() {
    platform::run_if_helper();
}
