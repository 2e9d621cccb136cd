//! The store at its boundary: real files, real processes.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by it, also in its fixture"
)]

mod backup;
mod concurrency;
#[cfg(target_os = "linux")]
mod faults;
mod fixture;
mod history;
mod kill;
mod ledger;
mod offline;
mod open;
mod owner;
mod review;
mod search;
mod whole;
