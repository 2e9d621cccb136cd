//! The built window, driven as a user would drive it.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod ledgerd;
mod opening;
mod page;
mod pictures;
