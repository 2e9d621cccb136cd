//! The one door out. Nothing else in Kerf opens a connection to a host, and no other crate links an HTTP client.
//!
//! A request passes three gates in this order: its host must be among the [`Allowed`], its row must be durable in
//! the [`Ledger`], and only then does its first byte leave. Redirects are never followed, so no header and no body
//! can reach a host that the first gate did not see.
//!
//! It knows HTTP, not what is said over it: no wire API, no retries, no keys. A failure is one [`EgressError`],
//! and whether to try again is the caller's decision.
//!
//! Connections to this computer never go through a proxy. All others go through the user's proxy where one is set:
//! `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the system's settings on macOS and Windows.
//! Server certificates are checked against the system's store of trusted roots, which is read when the first
//! `https` request is made and not before.
//!
//! Commands of the sandbox have a door of their own, [`Tunnels`]: a list of hosts ([`Hosts`]) decides, what is not on it
//! is asked about, and bytes go through unread.
//!
//! Start with [`Egress::send`], or [`Tunnels::serve`].

mod allowed;
mod client;
mod error;
mod hosts;
mod ledger;
mod names;
mod send;
#[cfg(test)]
mod tls_tests;
mod tunnel;

pub use allowed::{Allowed, LocalOnly};
pub use client::install_crypto;
pub use error::EgressError;
pub use futures_util::future::BoxFuture;
pub use hosts::{BadHost, HostPattern, Hosts, Target};
pub use ledger::{Ledger, LedgerError};
pub use names::Names;
pub use send::{About, Egress, Inbound, Outbound, Timeouts};
pub use tunnel::{Caller, Doorkeeper, TunnelError, Tunnels};
