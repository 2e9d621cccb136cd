//! The crate at its boundary, on real files.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

#[cfg(target_os = "linux")]
mod changes;
mod edit;
mod excludes;
#[cfg(target_os = "linux")]
mod faults;
mod fs;
mod fs_race;
mod fs_refusal;
mod ground;
mod kerfignore;
mod patch;
mod path;
mod resolve;
mod text;
mod tree;
mod walk;
mod watch;
mod write;
