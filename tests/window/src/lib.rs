//! For tests only: the built window on a display of its own, driven as a user would drive it.
//!
//! [`Desk`] is what a test starts with: a virtual display, a session bus, a driver and a new home for Kerf. It opens
//! windows, and ends with everything that it started. [`Window`] is an open one: it finds, clicks, types, asks the
//! page and takes pictures. Nothing here sleeps for a fixed time; it waits for what is to come, with a limit.
//!
//! The tests need Xvfb, dbus-daemon, WebKitWebDriver and a built `kerf-desktop`: `cargo xtask test` sees to that.
//! Mistakes in a test's set-up panic with a message, as in `kerf-test-support`.

// Only there the system's web view has a driver.
#![cfg(target_os = "linux")]

mod desk;
mod window;
mod wire;

pub use desk::{Desk, until};
pub use window::{ENTER, Window};
