//! The system calls that the standard library does not offer, each behind a safe function.
#![expect(
    unsafe_code,
    reason = "raw system calls; each block says why it is sound"
)]

use libc::{c_int, c_ulong, pid_t};
use std::{
    ffi::{CString, OsStr},
    fs, io,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
        unix::{
            ffi::OsStrExt,
            fs::{MetadataExt, PermissionsExt},
        },
    },
    path::Path,
    ptr,
    time::{Duration, Instant},
};

/// The wait status of a process that SIGKILL ended.
pub(super) const KILLED: i32 = libc::SIGKILL;

/// The capability to pass over permission bits, as a mask.
pub(super) const CAP_DAC_OVERRIDE: u64 = 1 << 1;

/// The error of a call that returned a negative number.
pub(super) fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// Who this process is.
pub(super) fn user() -> u32 {
    // SAFETY: takes and changes nothing.
    unsafe { libc::geteuid() }
}

/// Leaves the terminal and the process group, if not done yet.
pub(super) fn new_session() {
    // SAFETY: takes no pointers. It fails only for the leader of a group, who has the session that is wanted
    // or was started as one by a shell; then the terminal stays, and the command's own call cuts it off.
    unsafe { libc::setsid() };
}

/// Makes this process the parent of its orphaned descendants.
pub(super) fn adopt_orphans() -> io::Result<()> {
    prctl(libc::PR_SET_CHILD_SUBREAPER, 1)
}

/// Has this process killed when its parent ends.
pub(super) fn die_with_parent() -> io::Result<()> {
    prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong)
}

fn prctl(option: c_int, value: c_ulong) -> io::Result<()> {
    // SAFETY: the options used here take one number and no pointers.
    check(unsafe { libc::prctl(option, value, 0, 0, 0) }).map(drop)
}

/// Closes every file from `first` on: the program that started this one may have left some open.
pub(super) fn close_all_from(first: u32) {
    // SAFETY: the caller is at the start of its `main` and owns no file above the standard ones. A kernel
    // without this call leaves them open.
    unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
}

/// Which side of a fork this is.
pub(super) enum Forked {
    Parent(pid_t),
    Child,
}

/// Splits this process in two. It must have one thread.
pub(super) fn fork() -> io::Result<Forked> {
    // SAFETY: the helper has one thread, so no lock can be held by another one in the copy.
    Ok(match check(unsafe { libc::fork() })? {
        0 => Forked::Child,
        pid => Forked::Parent(pid),
    })
}

/// Collects one child that ended: its number and wait status, or `None` when all still run.
///
/// # Errors
/// There are no children.
pub(super) fn collect_one() -> io::Result<Option<(pid_t, i32)>> {
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    let pid = check(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) })?;
    Ok((pid > 0).then_some((pid, status)))
}

/// Sends SIGKILL. A process that is gone or another user's is left alone.
pub(super) fn kill(pid: pid_t) {
    signal(pid, libc::SIGKILL);
}

/// Sends SIGTERM.
pub(super) fn terminate(pid: pid_t) {
    signal(pid, libc::SIGTERM);
}

/// Sends SIGKILL to the group that `leader` leads.
pub(super) fn kill_group(leader: pid_t) {
    signal(-leader, libc::SIGKILL);
}

/// Sends SIGTERM to the group that `leader` leads.
pub(super) fn terminate_group(leader: pid_t) {
    signal(-leader, libc::SIGTERM);
}

fn signal(pid: pid_t, signal: c_int) {
    // 0 and -1 mean this group and everybody.
    if pid != 0 && pid != -1 {
        // SAFETY: takes no pointers.
        unsafe { libc::kill(pid, signal) };
    }
}

pub(super) fn poll_entry(fd: c_int, events: i16) -> libc::pollfd {
    libc::pollfd {
        fd,
        events,
        revents: 0,
    }
}

/// Waits until one of `files` has news. Rounded up to milliseconds. Returns how many have.
pub(super) fn poll(files: &mut [libc::pollfd], timeout: Duration) -> io::Result<c_int> {
    let millis = c_int::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(c_int::MAX);
    // SAFETY: pointer and length are those of one slice.
    check(unsafe { libc::poll(files.as_mut_ptr(), files.len() as libc::nfds_t, millis) })
}

/// Waits until there is something to read, or the other side is gone.
///
/// # Errors
/// `TimedOut`.
pub(super) fn wait_readable(file: &impl AsFd, timeout: Duration) -> io::Result<()> {
    wait_for(file.as_fd(), libc::POLLIN, timeout)
}

fn wait_for(file: BorrowedFd<'_>, events: i16, timeout: Duration) -> io::Result<()> {
    let until = Instant::now() + timeout;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match poll(&mut [poll_entry(file.as_raw_fd(), events)], left) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether a write would not block.
pub(super) fn is_writable_now(file: BorrowedFd<'_>) -> bool {
    wait_for(file, libc::POLLOUT, Duration::ZERO).is_ok()
}

/// Writes all of `bytes` to a pipe, but does not wait for ever for its reader.
pub(super) fn write_all_within(
    pipe: &impl AsFd,
    mut bytes: &[u8],
    timeout: Duration,
) -> io::Result<()> {
    let fd = pipe.as_fd();
    let until = Instant::now() + timeout;
    // SAFETY: changes the state of a file that the caller holds.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) })?;
    while !bytes.is_empty() {
        wait_for(
            fd,
            libc::POLLOUT,
            until.saturating_duration_since(Instant::now()),
        )?;
        // SAFETY: pointer and length are those of one slice.
        match unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) } {
            written if written >= 0 => bytes = &bytes[written.cast_unsigned()..],
            _ => {
                let error = io::Error::last_os_error();
                if !matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) {
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}

/// Makes `input` the standard input, and `output` standard output and error.
pub(super) fn use_as_standard(input: BorrowedFd<'_>, output: BorrowedFd<'_>) -> io::Result<()> {
    for (from, to) in [
        (input, libc::STDIN_FILENO),
        (output, libc::STDOUT_FILENO),
        (output, libc::STDERR_FILENO),
    ] {
        // SAFETY: replaces a standard file, which nothing else owns.
        check(unsafe { libc::dup2(from.as_raw_fd(), to) })?;
    }
    Ok(())
}

/// Closes standard output for good, so that its reader sees the end.
pub(super) fn close_output() {
    // SAFETY: the helper writes nothing there afterwards and opens no file that could take its place unseen.
    unsafe { libc::close(libc::STDOUT_FILENO) };
}

/// Replaces this program. Returns only to say why it could not.
pub(super) fn execute(argv: &[CString], envp: &[CString]) -> io::Error {
    let Some(program) = argv.first() else {
        return io::ErrorKind::InvalidInput.into();
    };
    let pointers = |strings: &[CString]| -> Vec<*const libc::c_char> {
        strings
            .iter()
            .map(|string| string.as_ptr())
            .chain([ptr::null()])
            .collect()
    };
    let (argv, envp) = (pointers(argv), pointers(envp));
    // SAFETY: both lists end with a null pointer and point to strings that outlive the call.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    io::Error::last_os_error()
}

/// No files with the memory of crashed processes, which hold secrets.
pub(super) fn limit_core_dumps() {
    lower(libc::RLIMIT_CORE, 0);
}

/// No file longer than `bytes`.
pub(super) fn limit_file_size(bytes: u64) {
    lower(libc::RLIMIT_FSIZE, bytes);
}

/// No new process when the user has this many.
pub(super) fn limit_processes(count: u64) {
    lower(libc::RLIMIT_NPROC, count);
}

/// Lowers a limit for good; one that is lower already stays.
fn lower(resource: libc::__rlimit_resource_t, most: u64) {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` outlives both calls.
    unsafe {
        if libc::getrlimit(resource, &raw mut limit) == 0 {
            limit.rlim_cur = limit.rlim_cur.min(most);
            limit.rlim_max = limit.rlim_max.min(most);
            libc::setrlimit(resource, &raw const limit);
        }
    }
}

/// Gives up all capabilities but `keep`, also those that programs would gain. Fine when there are none.
pub(super) fn keep_only_capabilities(keep: u64) -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: c_int,
    }
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Data {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    const VERSION_3: u32 = 0x2008_0522;

    // Needs a capability itself, so it comes first. Who lacks it cannot gain any under no-new-privileges.
    for capability in (0..64_u64).filter(|capability| keep & (1 << capability) == 0) {
        let _ = prctl(libc::PR_CAPBSET_DROP, capability);
    }
    let _ = prctl(
        libc::PR_CAP_AMBIENT,
        libc::PR_CAP_AMBIENT_CLEAR_ALL as c_ulong,
    );
    let header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let mut data = [Data {
        effective: 0,
        permitted: 0,
        inheritable: 0,
    }; 2];
    // SAFETY: the kernel fills two entries for this version.
    check(
        unsafe { libc::syscall(libc::SYS_capget, &raw const header, data.as_mut_ptr()) } as c_int,
    )?;
    for (data, keep) in data.iter_mut().zip([keep as u32, (keep >> 32) as u32]) {
        data.permitted &= keep;
        data.effective &= keep;
        data.inheritable = 0;
    }
    // SAFETY: the kernel reads two entries for this version.
    check(unsafe { libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) } as c_int)
        .map(drop)
}

/// Bytes that an ordinary user can still write to the disk of `path`.
pub(super) fn free_bytes(path: &OsStr) -> Option<u64> {
    let path = CString::new(path.as_bytes()).ok()?;
    let mut stat = MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path ends with NUL and the buffer outlives the call.
    check(unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) }).ok()?;
    // SAFETY: zeroed before, and every bit pattern is a valid value of its integers.
    let stat = unsafe { stat.assume_init() };
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Whether this process can make such a socket.
pub(super) fn can_make_socket(domain: c_int, kind: c_int) -> bool {
    // SAFETY: takes no pointers. The process ends soon, and the socket with it.
    unsafe { libc::socket(domain, kind, 0) >= 0 }
}

/// A file's device and number.
pub(super) type Id = (u64, u64);

/// The file at `path`, whose last name and folders are no links.
pub(super) fn identify(path: &Path) -> io::Result<Id> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: a structure of integers, for which zero is a valid value.
    let mut how: libc::open_how = unsafe { MaybeUninit::zeroed().assume_init() };
    how.flags = (libc::O_PATH | libc::O_NOFOLLOW | libc::O_CLOEXEC) as u64;
    how.resolve = libc::RESOLVE_NO_SYMLINKS;
    // SAFETY: the name ends with NUL, and the size is that of the structure; both outlive the call.
    let fd = check(unsafe {
        libc::syscall(
            libc::SYS_openat2,
            libc::AT_FDCWD,
            name.as_ptr(),
            &raw const how,
            size_of_val(&how),
        )
    } as c_int)?;
    // SAFETY: a new file that nobody else owns.
    let file = fs::File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    let meta = file.metadata()?;
    Ok((meta.dev(), meta.ino()))
}

/// Whether nothing can be written at `path`, because it is mounted so.
pub(super) fn is_read_only(path: &Path) -> bool {
    let mut stat = MaybeUninit::<libc::statvfs>::zeroed();
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else {
        return false;
    };
    // SAFETY: the path ends with NUL and the buffer outlives the call.
    let result = unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) };
    // SAFETY: zeroed before, and every bit pattern is a valid value of its integers.
    result == 0 && unsafe { stat.assume_init() }.f_flag & libc::ST_RDONLY != 0
}

/// Lets programs that this one starts have `file` too, under the number that is returned.
pub(super) fn hand_down(file: &impl AsFd) -> io::Result<c_int> {
    let fd = file.as_fd().as_raw_fd();
    // SAFETY: changes the flags of a file that the caller holds.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, 0) })?;
    Ok(fd)
}

/// Whether this process can make a user namespace, and with it gain powers.
pub(super) fn can_make_user_namespace() -> bool {
    // SAFETY: takes no pointers; the process has one thread and ends soon.
    unsafe { libc::unshare(libc::CLONE_NEWUSER) == 0 }
}

/// Gives the owner all rights to `folder` and the folders below it. Follows no links.
pub(super) fn make_removable(folder: &Path) {
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_removable(&entry.path());
        }
    }
}
