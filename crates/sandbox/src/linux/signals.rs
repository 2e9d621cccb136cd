//! Signals, as the helper hears them and as a command finds them.
#![expect(
    unsafe_code,
    reason = "raw system calls; each block says why it is sound"
)]

use super::syscall::{check, poll, poll_entry};
use libc::c_int;
use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    ptr,
    time::Duration,
};

/// The signals that the helper waits for instead of being interrupted.
pub(super) struct Signals(OwnedFd);

/// What happened while waiting.
pub(super) struct News {
    /// Kerf is gone or wants the command to end, or the system shuts down.
    pub(super) stop: bool,
    /// There is something to read in the other file.
    pub(super) heard: bool,
}

impl Signals {
    /// From now on SIGCHLD and the signals that end a process are waited for.
    pub(super) fn catch() -> io::Result<Self> {
        let mut set = MaybeUninit::uninit();
        // SAFETY: `sigemptyset` initialises the set, the others read and change it.
        let fd = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in [
                libc::SIGCHLD,
                libc::SIGTERM,
                libc::SIGINT,
                libc::SIGHUP,
                libc::SIGQUIT,
            ] {
                libc::sigaddset(set.as_mut_ptr(), signal);
            }
            check(libc::sigprocmask(
                libc::SIG_BLOCK,
                set.as_ptr(),
                ptr::null_mut(),
            ))?;
            check(libc::signalfd(
                -1,
                set.as_ptr(),
                libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
            ))?
        };
        // SAFETY: a new file that nobody else owns.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Waits for a signal, for news on `control`, or for the time to pass.
    pub(super) fn wait(&self, timeout: Duration, control: Option<BorrowedFd<'_>>) -> News {
        self.wait_and_hear(timeout, control, None)
    }

    /// As [`wait`](Self::wait), and for something to read in `voice`.
    pub(super) fn wait_and_hear(
        &self,
        timeout: Duration,
        control: Option<BorrowedFd<'_>>,
        voice: Option<BorrowedFd<'_>>,
    ) -> News {
        // The kernel passes over a negative number.
        let entry = |file: Option<BorrowedFd<'_>>| {
            poll_entry(file.map_or(-1, |file| file.as_raw_fd()), libc::POLLIN)
        };
        let mut files = [
            poll_entry(self.0.as_raw_fd(), libc::POLLIN),
            entry(control),
            entry(voice),
        ];
        // An error means that time passed, which is what the caller expects at worst.
        let _ = poll(&mut files, timeout);
        let mut stop = files[1].revents != 0;
        while let Some(signal) = self.next() {
            stop |= signal != libc::SIGCHLD;
        }
        News {
            stop,
            heard: files[2].revents != 0,
        }
    }

    fn next(&self) -> Option<c_int> {
        let mut info = MaybeUninit::<libc::signalfd_siginfo>::zeroed();
        let size = size_of::<libc::signalfd_siginfo>();
        // SAFETY: the buffer has the size that is given.
        let read = unsafe { libc::read(self.0.as_raw_fd(), info.as_mut_ptr().cast(), size) };
        // SAFETY: zeroed before, and every bit pattern is a valid value of its integers.
        let info = unsafe { info.assume_init() };
        (read.cast_unsigned() == size).then_some(info.ssi_signo.cast_signed())
    }
}

/// Gives all signals their usual meaning back and blocks none: a program expects that at its start.
pub(super) fn reset() {
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: sets no handler, so no code of this program can be called. Signals that cannot be set are
        // refused by the kernel.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let mut none = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the set that the second call reads.
    unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
    }
}
