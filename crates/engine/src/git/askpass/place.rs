//! Where questions come in: a socket in a folder that only the user can enter; on Windows a named pipe.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

#[cfg(unix)]
pub(super) struct Listener {
    socket: tokio::net::UnixListener,
    /// Goes with the listener.
    _room: tempfile::TempDir,
}

#[cfg(unix)]
impl Listener {
    /// The listener, the program to ask by, and where it asks.
    pub(super) fn open(program: &Path, _name: &str) -> io::Result<(Self, PathBuf, OsString)> {
        use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};
        // A socket's path may have about a hundred bytes.
        const MAX_FOLDER_BYTES: usize = 70;
        let mut builder = tempfile::Builder::new();
        builder
            .prefix("kerf-ask-")
            .permissions(Permissions::from_mode(0o700));
        let folder = std::env::temp_dir();
        let room = if folder.as_os_str().len() <= MAX_FOLDER_BYTES {
            builder.tempdir_in(folder)?
        } else {
            builder.tempdir_in("/tmp")?
        };
        let place = room.path().join("socket");
        let socket = tokio::net::UnixListener::bind(&place)?;
        let asking = room.path().join(super::NAME);
        std::os::unix::fs::symlink(program, &asking)?;
        let listener = Self {
            socket,
            _room: room,
        };
        Ok((listener, asking, place.into_os_string()))
    }

    pub(super) async fn accept(&mut self) -> io::Result<tokio::net::UnixStream> {
        Ok(self.socket.accept().await?.0)
    }
}

#[cfg(windows)]
pub(super) struct Listener {
    next: tokio::net::windows::named_pipe::NamedPipeServer,
    name: String,
}

#[cfg(windows)]
impl Listener {
    /// The listener, the program to ask by, and where it asks.
    pub(super) fn open(program: &Path, name: &str) -> io::Result<(Self, PathBuf, OsString)> {
        let name = format!(r"\\.\pipe\kerf-ask-{name}");
        // Others than the user may at most read from it, and who says nothing hears nothing.
        let next = tokio::net::windows::named_pipe::ServerOptions::new()
            .first_pipe_instance(true)
            .reject_remote_clients(true)
            .create(&name)?;
        let place = OsString::from(&name);
        Ok((Self { next, name }, program.to_owned(), place))
    }

    pub(super) async fn accept(
        &mut self,
    ) -> io::Result<tokio::net::windows::named_pipe::NamedPipeServer> {
        self.next.connect().await?;
        let next = tokio::net::windows::named_pipe::ServerOptions::new()
            .reject_remote_clients(true)
            .create(&self.name)?;
        Ok(std::mem::replace(&mut self.next, next))
    }
}
