//! The review as its callers use it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod alike;
mod anchor;
mod aside;
mod combine;
mod committed;
mod disguise;
mod edits;
mod examples;
mod histories;
mod notebook;
mod outline;
mod properties;
mod support;
mod whole;
