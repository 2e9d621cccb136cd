//! Tunnels: the connections of commands. An HTTP proxy that knows `CONNECT` only, over a stream that the sandbox hands
//! out; it listens nowhere.
//!
//! A tunnel passes five gates in this order: its request is read whole, its host is on the list or the user says yes, its
//! row is durable in the ledger, its name has an address that is fit for commands, and that very address is connected to.
//! After that bytes go through as they are, uncounted in memory and unread.

use crate::hosts::{Name, Target};
use crate::names::{Names, SystemNames};
use crate::{BoxFuture, EgressError, Ledger, LocalOnly};
use bytes::Bytes;
use kerf_protocol::ledger::{LedgerEntry, Purpose, Traffic};
use kerf_protocol::{ItemId, SessionId, TurnId};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 8 * 1024;
/// How long a program may take to send it.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a name, and then each of its addresses, may take.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 4;
/// Held at a time for each direction, in bytes.
const CHUNK: usize = 64 * 1024;

/// The door for commands. Clones share the ledger and the switch.
#[derive(Clone)]
pub struct Tunnels {
    ledger: Arc<dyn Ledger>,
    local_only: LocalOnly,
    names: Arc<dyn Names>,
}

/// Which command opens a tunnel, for the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The session.
    pub session_id: SessionId,
    /// The turn.
    pub turn_id: TurnId,
    /// The tool call.
    pub item_id: ItemId,
}

/// Who is asked about a host.
pub trait Doorkeeper: Send + Sync {
    /// Whether the host may be connected to unasked, as things are now.
    fn permits(&self, target: &Target) -> bool;

    /// Decides about one that may not.
    ///
    /// # Errors
    /// The reason for a no, as a phrase.
    fn ask<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<(), String>>;
}

/// Why a tunnel was not made.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// What came is no request that is understood here. Nothing left.
    #[error("a request that is not understood: {0}")]
    Request(&'static str),
    /// The host cannot be decided about. Nothing left.
    #[error("a host that cannot be read: {0}")]
    Host(#[from] crate::BadHost),
    /// The host is not on the list, and there was no yes. Nothing left.
    #[error("`{target}`: {reason}")]
    NotAllowed {
        /// Host and port.
        target: Target,
        /// Why not.
        reason: String,
    },
    /// The ledger failed, or local-only mode is on. Nothing left.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// No connection.
    #[error("`{target}`: {reason}")]
    Unreachable {
        /// Host and port.
        target: Target,
        /// Why.
        reason: String,
    },
    /// The command closed the connection first.
    #[error("the connection was closed")]
    Gone(#[from] io::Error),
}

impl TunnelError {
    /// The status that a proxy gives, and its phrase.
    fn status(&self) -> (u16, &'static str) {
        match self {
            Self::Request(_) | Self::Host(_) => (400, "Bad Request"),
            Self::NotAllowed { .. } | Self::Egress(_) => (403, "Forbidden"),
            Self::Unreachable { .. } | Self::Gone(_) => (502, "Bad Gateway"),
        }
    }
}

impl Tunnels {
    /// A door that records in `ledger` and stands under a switch that others hold too.
    #[must_use]
    pub fn new(ledger: Arc<dyn Ledger>, local_only: LocalOnly) -> Self {
        Self {
            ledger,
            local_only,
            names: Arc::new(SystemNames),
        }
    }

    /// The same with scripted names and addresses.
    #[cfg(any(test, feature = "scripted-names"))]
    #[must_use]
    pub fn with_names(self, names: Arc<dyn Names>) -> Self {
        Self { names, ..self }
    }

    /// Speaks the proxy's side on `inside` until the connection ends. Dropping the future closes both ends; the ledger
    /// hears of the bytes either way.
    ///
    /// # Errors
    /// Why there was no tunnel; the program inside has been told.
    pub async fn serve(
        &self,
        mut inside: impl AsyncRead + AsyncWrite + Unpin + Send,
        caller: Caller,
        keeper: &dyn Doorkeeper,
    ) -> Result<(), TunnelError> {
        match self.open(&mut inside, caller, keeper).await {
            Ok(tunnel) => {
                // A connection that breaks off has ended too.
                let _ = tunnel.carry(inside).await;
                Ok(())
            }
            Err(error) => {
                let text = format!("Kerf refused the connection: {error}\n");
                let (status, phrase) = error.status();
                let answer = format!(
                    "HTTP/1.1 {status} {phrase}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                    text.len()
                );
                // Who has gone needs no answer.
                let _ = timeout(HEAD_TIME, async {
                    inside.write_all(answer.as_bytes()).await?;
                    inside.shutdown().await
                })
                .await;
                Err(error)
            }
        }
    }

    async fn open(
        &self,
        inside: &mut (impl AsyncRead + AsyncWrite + Unpin + Send),
        caller: Caller,
        keeper: &dyn Doorkeeper,
    ) -> Result<Tunnel, TunnelError> {
        let head = timeout(HEAD_TIME, read_head(inside));
        let (target, early) = head
            .await
            .map_err(|_| TunnelError::Request("it took too long to come"))??;
        if self.local_only.is_on() {
            // Even this computer is not for commands.
            return Err(EgressError::LocalOnly {
                host: target.to_string(),
            }
            .into());
        }
        if !keeper.permits(&target) {
            let asked = keeper.ask(&target).await;
            asked.map_err(|reason| TunnelError::NotAllowed {
                target: target.clone(),
                reason,
            })?;
        }
        let row = self.record(&target, caller).await?;
        let mut tunnel = Tunnel {
            outside: None,
            early,
            local_only: self.local_only.clone(),
            count: Count {
                row,
                ledger: Arc::clone(&self.ledger),
                up: AtomicU64::new(0),
                down: AtomicU64::new(0),
            },
        };
        let outside = self.connect(&target).await;
        tunnel.outside =
            Some(outside.map_err(|reason| TunnelError::Unreachable { target, reason })?);
        inside
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await?;
        Ok(tunnel)
    }

    async fn record(&self, target: &Target, caller: Caller) -> Result<i64, EgressError> {
        let nothing = Bytes::new();
        let entry = LedgerEntry {
            at: crate::send::now(),
            host: target.to_string(),
            target: format!("CONNECT {}", caller.item_id),
            purpose: Purpose::Command,
            session_id: Some(caller.session_id),
            turn_id: Some(caller.turn_id),
            bytes: 0,
            hash: blake3::hash(&nothing).to_hex().to_string(),
            files: Vec::new(),
        };
        let recorded = self.ledger.record(entry, &nothing).await;
        recorded.map_err(|source| EgressError::Ledger {
            host: target.to_string(),
            source,
        })
    }

    /// Resolves once, and connects to an address that was looked at.
    async fn connect(&self, target: &Target) -> Result<TcpStream, String> {
        let addresses = match target.name() {
            Name::Address(address) => vec![SocketAddr::new(*address, target.port())],
            Name::Domain(name) => {
                let resolved = timeout(CONNECT_TIME, self.names.resolve(name, target.port())).await;
                resolved
                    .map_err(|_| "its name was not resolved in time".to_owned())?
                    .map_err(|error| format!("its name cannot be resolved: {error}"))?
            }
        };
        let mut failure = "its name has no address".to_owned();
        if !addresses.is_empty() {
            failure = "it is an address of this computer or of a private network".to_owned();
        }
        let fit = |address: &SocketAddr| self.names.is_fit(address.ip());
        for address in addresses.into_iter().filter(fit).take(MAX_ADDRESSES) {
            match timeout(CONNECT_TIME, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Without it small messages wait; with an error they only do that.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => failure = error.to_string(),
                Err(_) => failure = "no connection in time".to_owned(),
            }
        }
        Err(failure)
    }
}

/// An open tunnel.
struct Tunnel {
    outside: Option<TcpStream>,
    /// What came behind the request.
    early: Vec<u8>,
    /// Ends the tunnel when it is turned on, with the next bytes.
    local_only: LocalOnly,
    count: Count,
}

/// Bytes that went through. The ledger hears of them when it is dropped.
struct Count {
    row: i64,
    ledger: Arc<dyn Ledger>,
    up: AtomicU64,
    down: AtomicU64,
}

impl Drop for Count {
    fn drop(&mut self) {
        let traffic = Traffic {
            up: *self.up.get_mut(),
            down: *self.down.get_mut(),
        };
        self.ledger.ended(self.row, traffic);
    }
}

impl Tunnel {
    async fn carry(self, inside: impl AsyncRead + AsyncWrite + Unpin + Send) -> io::Result<()> {
        let Some(outside) = self.outside else {
            return Ok(());
        };
        let (mut from_inside, mut to_inside) = tokio::io::split(inside);
        let (mut from_outside, mut to_outside) = outside.into_split();
        let up = async {
            to_outside.write_all(&self.early).await?;
            let early = self.early.len() as u64;
            self.count.up.fetch_add(early, Ordering::Relaxed);
            pump(
                &mut from_inside,
                &mut to_outside,
                &self.local_only,
                &self.count.up,
            )
            .await
        };
        let down = pump(
            &mut from_outside,
            &mut to_inside,
            &self.local_only,
            &self.count.down,
        );
        tokio::try_join!(up, down).map(drop)
    }
}

/// Carries bytes until their end, which the other side hears of.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    local_only: &LocalOnly,
    count: &AtomicU64,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk).await? {
            0 => return to.shutdown().await,
            _ if local_only.is_on() => return Err(io::ErrorKind::ConnectionAborted.into()),
            read => {
                to.write_all(&chunk[..read]).await?;
                count.fetch_add(read as u64, Ordering::Relaxed);
            }
        }
    }
}

/// Reads a request up to its empty line. Returns where it wants to go, and what came behind it.
async fn read_head(
    inside: &mut (impl AsyncRead + Unpin),
) -> Result<(Target, Vec<u8>), TunnelError> {
    let mut head = Vec::new();
    loop {
        let seen = head.len();
        if inside.take(1024).read_buf(&mut head).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        // The end may lie across two pieces.
        let from = seen.saturating_sub(3);
        let end = head[from..].windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let early = head.split_off(from + end + 4);
            return Ok((read_target(&head)?, early));
        }
        if head.len() > MAX_HEAD {
            return Err(TunnelError::Request("its head is too long"));
        }
    }
}

/// The target of a whole head. Headers decide nothing.
fn read_target(head: &[u8]) -> Result<Target, TunnelError> {
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|_| TunnelError::Request("it is not text"))?;
    let mut words = line.split(' ');
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some("CONNECT"), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) => {
            Ok(Target::parse(target)?)
        }
        (Some(_), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None)
            if target.starts_with("http://") =>
        {
            Err(TunnelError::Request(
                "plain `http://` does not go through; use `https://`",
            ))
        }
        _ => Err(TunnelError::Request(
            "only `CONNECT host:port` is understood",
        )),
    }
}

impl std::fmt::Debug for Tunnels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tunnels").finish_non_exhaustive()
    }
}
