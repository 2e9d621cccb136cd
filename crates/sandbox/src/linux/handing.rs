//! Files that are sent from one process to another over a local socket.
#![expect(
    unsafe_code,
    reason = "raw system calls; each block says why it is sound"
)]

use libc::c_int;
use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

/// Sends one byte, and `file` with it if there is one. A full socket is an error instead of a wait.
pub(super) fn send(socket: &impl AsFd, file: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut byte = 0_u8;
    let mut part = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    let mut room = ControlRoom::default();
    let mut message = message(&mut part);
    if let Some(file) = file {
        message.msg_control = (&raw mut room).cast();
        message.msg_controllen = CONTROL_BYTES as _;
        // SAFETY: the message has room for one header with one number, so the header is inside and aligned.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(FILE_BYTES) as _;
            libc::CMSG_DATA(header)
                .cast::<c_int>()
                .write_unaligned(file.as_raw_fd());
        }
    }
    // SAFETY: all that the message points to outlives the call.
    let sent = unsafe {
        libc::sendmsg(
            socket.as_fd().as_raw_fd(),
            &raw const message,
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
        )
    };
    if sent == 1 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// What [`receive`] got.
#[derive(Debug)]
pub(super) enum Received {
    /// A byte with a file.
    File(OwnedFd),
    /// A byte alone.
    Nothing,
    /// The other side is gone.
    End,
}

impl Received {
    /// The file, if one came.
    pub(super) fn file(self) -> Option<OwnedFd> {
        match self {
            Self::File(file) => Some(file),
            Self::Nothing | Self::End => None,
        }
    }
}

/// Receives what [`send`] sent. The file is not passed on to other programs.
pub(super) fn receive(socket: &impl AsFd) -> io::Result<Received> {
    let mut byte = 0_u8;
    let mut part = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    let mut room = ControlRoom::default();
    let mut message = message(&mut part);
    message.msg_control = (&raw mut room).cast();
    message.msg_controllen = CONTROL_BYTES as _;
    // SAFETY: all that the message points to outlives the call and is as long as it says.
    let count = unsafe {
        libc::recvmsg(
            socket.as_fd().as_raw_fd(),
            &raw mut message,
            libc::MSG_CMSG_CLOEXEC,
        )
    };
    if count < 0 {
        return Err(io::Error::last_os_error());
    }
    let mut file = None;
    // SAFETY: the kernel has filled the room in, and the length says how far.
    let header = unsafe { libc::CMSG_FIRSTHDR(&raw const message).as_ref() };
    if let Some(header) = header.filter(|header| {
        header.cmsg_level == libc::SOL_SOCKET && header.cmsg_type == libc::SCM_RIGHTS
    }) {
        // SAFETY: `CMSG_LEN` only computes; the data begins behind the header and is as long as it says.
        unsafe {
            #[allow(clippy::unnecessary_cast, reason = "its type is another one with musl")]
            let bytes = header.cmsg_len as usize - libc::CMSG_LEN(0) as usize;
            let numbers = libc::CMSG_DATA(header).cast::<c_int>();
            for number in 0..bytes / size_of::<c_int>() {
                // Each is a new file that nobody else owns; more than one is not expected, and closed.
                file = Some(OwnedFd::from_raw_fd(numbers.add(number).read_unaligned()));
            }
        }
    }
    Ok(match (count, file) {
        (_, Some(file)) => Received::File(file),
        (0, None) => Received::End,
        (_, None) => Received::Nothing,
    })
}

const FILE_BYTES: u32 = size_of::<c_int>() as u32;
// SAFETY: only computes.
const CONTROL_BYTES: usize = unsafe { libc::CMSG_SPACE(FILE_BYTES) } as usize;

/// Room for a header and one number.
#[repr(C, align(8))]
struct ControlRoom([u8; CONTROL_BYTES]);

impl Default for ControlRoom {
    fn default() -> Self {
        Self([0; CONTROL_BYTES])
    }
}

fn message(part: &mut libc::iovec) -> libc::msghdr {
    // SAFETY: a structure of numbers and pointers, for which zero is a valid value.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message
}
