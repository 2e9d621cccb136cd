//! Checkpoints of real folders, with a store on disk.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests"
)]

mod blobs;
mod collecting;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod following;
mod git;
mod histories;
mod lists;
mod record;
mod rig;
mod taking;
mod trouble;
mod wire;
