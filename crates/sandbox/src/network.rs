//! The network of a command: what it connects to inside is handed out, one connection after the other.
//!
//! A command has a network of its own with nothing in it but one port, where the helper listens. Each connection to
//! that port comes out here as a stream of bytes, and somebody else ([`Network`]) reads from it where the command
//! wants to go, and decides. This crate knows no host, no proxy and no list.

use std::{fmt, future::Future, pin::Pin, time::Duration};
use tokio::{net::TcpStream, task::AbortHandle};

/// What decides where the connections of a command go. One value serves one command.
pub trait Network: fmt::Debug + Send + Sync {
    /// Serves a connection that the command has opened: an HTTP proxy is spoken on it. The future is dropped when the
    /// command ends, which must close all that it opened.
    fn serve(&self, connection: TcpStream) -> Serving;

    /// How long the command has waited for the user so far. Its time limit does not count that.
    fn waited(&self) -> Duration {
        Duration::ZERO
    }

    /// The places that the command was not let to, each with the reason, as whole phrases.
    fn refused(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The serving of one connection.
pub type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The port inside, and the variables that programs learn it from. The port is nobody else's: each command has a
/// network of its own.
pub(crate) const PORT: u16 = 3128;
pub(crate) const VARIABLES: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// Connections of one command that are served at a time. Further ones are closed at once.
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "no network there")
)]
pub(crate) const MOST_CONNECTIONS: usize = 256;

/// Whoever takes the connections. Dropping it closes all of them.
#[derive(Debug)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "no network there")
)]
pub(crate) struct Doorman(pub(crate) AbortHandle);

impl Drop for Doorman {
    fn drop(&mut self) {
        self.0.abort();
    }
}
