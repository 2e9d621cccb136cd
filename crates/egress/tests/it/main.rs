//! Tests of the door out, against real servers on this computer.
#![expect(clippy::expect_used, reason = "helpers of tests may panic as tests do")]

mod allow;
mod answers;
mod door;
mod ledger;
mod proxy;
mod timeouts;
mod tunnels;
