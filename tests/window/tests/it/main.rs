//! The built window, driven as a user would drive it.

#![cfg(target_os = "linux")]

mod opening;
