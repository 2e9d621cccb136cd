//! Kerf's memory: projects, sessions, turns, items, reviews and the ledger in one SQLite database, and keys
//! in the operating system's keyring.
//!
//! It is not an application: it decides nothing, tells nobody of changes, and keeps the review's rows without
//! looking into them. Nothing else in Kerf links sqlx or keyring.
//! Start with [`Store`] and [`Write`]; `writer.rs` is the one place that writes, `open.rs` says which files
//! are accepted, `migrations/` holds the schema.
//!
//! Invariants: what [`Store::commit`] acknowledged is on the disk; a commit is whole or absent; a read sees
//! every write that was queued before it; a file that is not Kerf's is left as it is; a key is never in a file.
//!
//! # Checked queries
//! Every query is checked against the schema when the crate is compiled, from the files in `.sqlx/`, which
//! are committed: no database is needed. After a change of a query or of a migration they are made again
//! (`cargo xtask sqlx`), from the root of the repository, with `TMP` an empty folder:
//!
//! 1. `cargo run -p kerf-store --no-default-features --example schema -- TMP/kerf.db`
//! 2. `mkdir TMP/sqlx`, and touch `crates/store/src/lib.rs`: cargo does not know that the environment counts
//! 3. `DATABASE_URL=sqlite:TMP/kerf.db SQLX_OFFLINE=false SQLX_OFFLINE_DIR=TMP/sqlx cargo check -p kerf-store`
//!    (both paths absolute)
//! 4. The content of `TMP/sqlx` replaces that of `crates/store/.sqlx`; for a check the two must be equal.

pub mod schema;

#[cfg(feature = "queries")]
mod backup;
#[cfg(feature = "queries")]
mod checkpoint;
#[cfg(feature = "queries")]
mod error;
#[cfg(feature = "queries")]
mod import;
#[cfg(feature = "queries")]
mod keys;
#[cfg(feature = "queries")]
mod ledger;
#[cfg(feature = "queries")]
mod open;
#[cfg(feature = "queries")]
mod owner;
#[cfg(feature = "queries")]
mod pack;
#[cfg(feature = "queries")]
mod project;
#[cfg(feature = "queries")]
mod recover;
#[cfg(feature = "queries")]
mod review;
#[cfg(feature = "queries")]
mod row;
#[cfg(feature = "queries")]
mod rule;
#[cfg(feature = "queries")]
mod search;
#[cfg(feature = "queries")]
mod session;
#[cfg(feature = "queries")]
mod store;
#[cfg(feature = "queries")]
mod transcript;
#[cfg(feature = "queries")]
mod worktree;
#[cfg(feature = "queries")]
mod write;
#[cfg(feature = "queries")]
mod writer;

#[cfg(feature = "queries")]
pub use self::{
    checkpoint::{
        FileChanged, Named, NamedCheckpoint, NamedReview, NewCheckpoint, Restoring,
        StoredCheckpoint,
    },
    error::StoreError,
    keys::{KeyError, Keys},
    ledger::Sent,
    owner::{Claim, Owner},
    recover::Recovery,
    review::WaitingComment,
    rule::StoredRule,
    store::Store,
    write::{Decision, ReviewRow, TurnHead, Write},
};
