//! Tests of the test support: whatever is wrong here makes other tests lie.
#![expect(clippy::expect_used, reason = "helpers of tests may panic as tests do")]

mod client;
mod faults;
mod files;
mod mem_fs;
mod program;
mod turns;
mod wires;
