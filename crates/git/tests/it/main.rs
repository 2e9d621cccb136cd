//! The repository as Kerf reads it, on real repositories made with the library itself.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests"
)]

mod commit;
mod discovery;
mod entries;
mod fixture;
mod hostile;
mod status;
mod worktree;
mod worktree_kit;
