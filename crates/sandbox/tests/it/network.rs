//! The network, other programs' sockets, and the kernel's doors.

use crate::room::{Room, has, outside, text};
use kerf_protocol::policy::SandboxMode::{self, Off, ReadOnly, WorkspaceWrite};
use rstest::rstest;
use std::{
    io::ErrorKind,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram, UnixListener},
    },
};

/// Tries every address that it is given, in each way that it knows.
const PROBE: &str = r#"
import socket, sys
tcp, udp, path, abstract, datagram = sys.argv[1:]
def attempt(what):
    try: what()
    except OSError as error: print(error.errno, error)
attempt(lambda: socket.create_connection(("127.0.0.1", int(tcp))))
attempt(lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM).connect(("::1", int(tcp))))
attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", int(udp))))
attempt(lambda: socket.socket(socket.AF_UNIX).connect(path))
attempt(lambda: socket.socket(socket.AF_UNIX).connect("\0" + abstract))
attempt(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", datagram))
attempt(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b"x", datagram))
attempt(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_RAW)[0].sendto(b"x", datagram))
attempt(lambda: socket.socketpair(socket.AF_UNIX)[0].connect(path))
"#;

/// Counts what reached the listeners.
#[rstest]
#[case(Off, 5)]
#[case(WorkspaceWrite, 0)]
#[case(ReadOnly, 0)]
#[tokio::test]
async fn sb12_no_listener_is_reached(#[case] mode: SandboxMode, #[case] expected: usize) {
    if !has("python3") {
        return;
    }
    let room = Room::new();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    // In the workspace itself, where a command may do the most.
    let path = room.workspace().join("socket");
    let unix = UnixListener::bind(&path).unwrap();
    let name = format!("kerf-test-{}-{mode:?}", std::process::id());
    let abstract_unix =
        UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let datagram_path = room.workspace().join("datagram");
    let datagram = UnixDatagram::bind(&datagram_path).unwrap();

    let line = format!(
        "python3 -c '{PROBE}' {} {} {} {name} {}",
        tcp.local_addr().unwrap().port(),
        udp.local_addr().unwrap().port(),
        path.display(),
        datagram_path.display()
    );
    let said = room.says(mode, &line).await;
    tcp.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    unix.set_nonblocking(true).unwrap();
    abstract_unix.set_nonblocking(true).unwrap();
    datagram.set_nonblocking(true).unwrap();
    let mut buffer = [0; 8];
    let reached = [
        tcp.accept().map(drop),
        udp.recv(&mut buffer).map(drop),
        unix.accept().map(drop),
        abstract_unix.accept().map(drop),
        datagram.recv(&mut buffer).map(drop),
    ];
    let silent = reached.iter().filter(|one| {
        one.as_ref()
            .is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    });
    assert_eq!(reached.len() - silent.count(), expected, "{said}");
    if mode != Off {
        assert_eq!(said.lines().count(), 9, "every attempt fails: {said}");
    }
}

#[tokio::test]
async fn sb12_the_shell_reaches_nothing() {
    if !has("bash") {
        return;
    }
    let room = Room::new();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let line = format!(
        "bash -c 'echo x > /dev/tcp/127.0.0.1/{}'",
        tcp.local_addr().unwrap().port()
    );
    room.says(WorkspaceWrite, &line).await;
    tcp.set_nonblocking(true).unwrap();
    assert_eq!(tcp.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// Calls by number, with arguments that would be fine; prints those that were not refused with EPERM.
const CALLS: &str = r#"
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(256)
calls = {
    "ptrace": (101, 0, 0, 0, 0), "keyctl": (250, 0, -3, 1), "add_key": (248, b"user", b"a", b"b", 1, -3),
    "request_key": (249, b"user", b"a", 0, -3), "bpf": (321, 0, buffer, 8), "perf_event_open": (298, buffer, 0, -1, -1, 0),
    "userfaultfd": (323, 1), "io_uring_setup": (425, 1, buffer), "io_uring_enter": (426, 0, 0, 0, 0, 0, 0),
    "mount": (165, b"none", b".", b"tmpfs", 0, 0), "remount": (165, b"none", b"/", 0, 32 | 4096, 0), "umount": (166, b".", 0),
    "unshare user": (272, 0x10000000), "unshare net": (272, 0x40000000), "setns": (308, 0, 0), "pivot_root": (155, b".", b"."),
    "clone user": (56, 0x10000000 | 17, 0, 0, 0, 0), "process_vm_readv": (310, os.getppid(), 0, 0, 0, 0, 0),
    "fsopen": (430, b"tmpfs", 0), "open_tree": (428, -100, b".", 1), "pidfd_getfd": (438, 0, 0, 0),
    "TIOCSTI": (16, 0, 0x5412, b"x"), "TIOCLINUX": (16, 0, 0x541c, b"x"), "netlink": (41, 16, 3, 0), "vsock": (41, 40, 1, 0),
    "packet": (41, 17, 3, 0), "x32 getpid": (0x40000000 | 39,), "chroot": (161, b"."),
}
for name, call in calls.items():
    result = libc.syscall(*call)
    if result == 0 and name.startswith("clone"): os._exit(0)
    if result != -1 or ctypes.get_errno() != 1: print(name, result, ctypes.get_errno())
if libc.syscall(435, buffer, 88) != -1 or ctypes.get_errno() != 38: print("clone3", ctypes.get_errno())
print("end")
"#;

#[cfg(target_arch = "x86_64")]
#[tokio::test]
async fn sb14_dangerous_calls_are_refused() {
    if !has("python3") {
        return;
    }
    let room = Room::new();
    let script = room.workspace().join("calls.py");
    std::fs::write(&script, CALLS).unwrap();
    assert_eq!(room.says(ReadOnly, "python3 calls.py").await, "end\n");
}

/// Root's capabilities, other processes' secrets and the supervisor are out of reach.
#[tokio::test]
async fn sb4_no_power_is_left() {
    let room = Room::new();
    let line = "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | grep -v 0000000000000000
        parent=$(awk '/^PPid/ { print $2 }' /proc/$PPID/status)
        kill -9 $PPID && echo could kill
        [ $parent = 0 ] || kill -9 $parent && [ $parent != 0 ] && echo could kill
        for pid in 1 $PPID $parent; do
            head -c 1 /proc/$pid/environ > /dev/null && echo could read environment
            ls /proc/$pid/root/ > /dev/null && echo could see root
            readlink /proc/$pid/fd/0 && echo could see files
        done
        echo 1 > /proc/sys/kernel/sysrq && echo could set
        echo end";
    let said = room
        .says(WorkspaceWrite, &format!("{{ {line}; }} 2> /dev/null"))
        .await;
    assert_eq!(said, "end\n");
}

/// What the host put into the kernel's keyring. Needs a kernel with keyrings.
#[cfg(target_arch = "x86_64")]
#[tokio::test]
async fn sb11_the_keyring_cannot_be_read() {
    if !has("python3") {
        return;
    }
    const SCRIPT: &str = r#"
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
if sys.argv[1] == "put":
    print(libc.syscall(248, b"user", b"kerf-canary", b"secret", 6, -4))
else:
    key = libc.syscall(249, b"user", b"kerf-canary", 0, 0)
    print(key, libc.syscall(250, 10, -4, b"user", b"kerf-canary", 0))
"#;
    let room = Room::new();
    std::fs::write(room.workspace().join("keys.py"), SCRIPT).unwrap();
    let put = outside("python3")
        .args(["keys.py", "put"])
        .current_dir(room.workspace())
        .output()
        .unwrap();
    if text(&put).trim() == "-1" {
        eprintln!("skipped 1: this kernel keeps no keys");
        return;
    }
    assert_eq!(
        room.says(WorkspaceWrite, "python3 keys.py get").await,
        "-1 -1\n"
    );
}

/// Where programs of the host listen, apart from the places that the other test tries.
#[tokio::test]
async fn sb10_sockets_of_the_host_are_not_reached() {
    if !has("python3") {
        return;
    }
    let room = Room::new();
    let home = std::env::home_dir().unwrap();
    let mut listeners = Vec::new();
    for folder in [
        "/run",
        "/tmp",
        "/var/tmp",
        "/dev/shm",
        home.to_str().unwrap(),
    ] {
        let path = std::path::Path::new(folder).join(format!("kerf-test-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        match UnixListener::bind(&path) {
            Ok(listener) => listeners.push((path, listener)),
            Err(error) => eprintln!("skipped 1: {}: {error}", path.display()),
        }
    }
    for (path, listener) in listeners {
        let line = format!(
            "python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"{}\")'",
            path.display()
        );
        room.says(WorkspaceWrite, &line).await;
        std::fs::remove_file(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let reached = listener.accept().unwrap_err().kind();
        assert_eq!(reached, ErrorKind::WouldBlock, "{}", path.display());
    }
}
