//! The built window, driven as a user would drive it.

#![cfg(target_os = "linux")]
#![cfg_attr(
    feature = "pictures",
    expect(clippy::unwrap_used, reason = "helpers of tests")
)]

#[cfg(feature = "pictures")]
mod ledgerd;
mod opening;
mod page;
#[cfg(feature = "pictures")]
mod pictures;
