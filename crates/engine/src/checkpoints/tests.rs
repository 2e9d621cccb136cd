//! Tests of checkpoints in real folders, from the engine down.

#[cfg(target_os = "linux")]
mod following;
mod histories;
mod unended;
