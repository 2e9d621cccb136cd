//! The one port of a command's own network. Inside, the helper listens there and hands each accepted connection out
//! over a socket that it was given; outside, Kerf takes them. There is no name in any file system and no port of the
//! machine's, and the socket ends with the helper.

use super::handing;
use crate::network::{Doorman, MOST_CONNECTIONS, Network, PORT};
use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::Arc,
};
use tokio::{io::Interest, net::TcpStream, task::JoinSet};

/// Connections that are handed out before the helper looks at its command again.
const AT_ONCE: usize = 32;

/// The helper's side.
pub(super) struct Gate {
    listener: TcpListener,
    door: OwnedFd,
    /// Set after a failure until the next look: what cannot be accepted now must not be asked for without a pause.
    deaf: bool,
}

impl Gate {
    /// Listens in the network that this process is in.
    pub(super) fn open(door: OwnedFd) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PORT))?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            door,
            deaf: false,
        })
    }

    /// What has something to read when somebody connects.
    pub(super) fn voice(&mut self) -> Option<BorrowedFd<'_>> {
        (!std::mem::take(&mut self.deaf)).then(|| self.listener.as_fd())
    }

    /// Hands out who is waiting. Who cannot be handed out is refused by the closing of the connection.
    pub(super) fn hand_out(&mut self) {
        for _ in 0..AT_ONCE {
            match self.listener.accept() {
                Ok((connection, _)) => {
                    self.deaf |= handing::send(&self.door, Some(connection.as_fd())).is_err();
                }
                Err(error) => {
                    self.deaf |= !matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                    );
                    return;
                }
            }
        }
    }
}

/// Kerf's side: serves what comes through `door` until the helper is gone. Needs a Tokio runtime.
pub(super) fn keep(door: UnixStream, network: Arc<dyn Network>) -> io::Result<Doorman> {
    door.set_nonblocking(true)?;
    let door = tokio::net::UnixStream::from_std(door)?;
    let work = async move {
        let mut served = JoinSet::new();
        loop {
            let next = door.async_io(Interest::READABLE, || handing::receive(&door));
            let connection = tokio::select! {
                received = next => match received {
                    Ok(handing::Received::File(connection)) => connection,
                    Ok(handing::Received::Nothing) => continue,
                    // The helper is gone, and the network with it.
                    Ok(handing::Received::End) | Err(_) => return,
                },
                Some(_) = served.join_next() => continue,
            };
            if served.len() >= MOST_CONNECTIONS {
                continue;
            }
            match take(connection) {
                Ok(connection) => {
                    served.spawn(network.serve(connection));
                }
                Err(error) => tracing::debug!(%error, "a connection of a command is lost"),
            }
        }
    };
    Ok(Doorman(tokio::spawn(work).abort_handle()))
}

fn take(connection: OwnedFd) -> io::Result<TcpStream> {
    let connection = std::net::TcpStream::from(connection);
    connection.set_nonblocking(true)?;
    TcpStream::from_std(connection)
}
