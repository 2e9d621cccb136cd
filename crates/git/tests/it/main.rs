//! The repository as Kerf reads it, on real repositories made with the library itself.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests"
)]

mod blame;
mod branches;
mod commit;
mod conflicts;
mod discovery;
mod entries;
mod fixture;
mod history;
mod hostile;
mod record;
mod remotes;
mod renames;
mod stage;
mod stash;
mod status;
mod ways_to_lose;
mod worktree;
mod worktree_ignored;
mod worktree_kills;
mod worktree_kit;
