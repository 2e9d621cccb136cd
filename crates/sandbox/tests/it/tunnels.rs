//! Commands with a network: what is listed gets through, nothing else does, and nothing outlives the command.

use crate::room::{Room, all_gone, has, opened};
use bytes::Bytes;
use kerf_egress::{
    BoxFuture, Caller, Doorkeeper, HostPattern, Hosts, Ledger, LedgerError, LocalOnly, Names,
    Target, Tunnels,
};
use kerf_protocol::{
    ItemId, SessionId, TurnId,
    ledger::{LedgerEntry, Traffic},
    policy::SandboxMode::{ReadOnly, WorkspaceWrite},
};
use kerf_sandbox::{End, Network, Outcome, Serving};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::unix::net::UnixListener,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

/// A ledger in memory.
#[derive(Default)]
struct Rows {
    rows: Mutex<Vec<LedgerEntry>>,
    ended: Mutex<Vec<(i64, Traffic)>>,
}

impl Ledger for Rows {
    fn record<'a>(
        &'a self,
        entry: LedgerEntry,
        _: &'a Bytes,
    ) -> BoxFuture<'a, Result<i64, LedgerError>> {
        let mut rows = self.rows.lock().unwrap();
        rows.push(entry);
        let id = rows.len() as i64;
        Box::pin(async move { Ok(id) })
    }

    fn ended(&self, row: i64, traffic: Traffic) {
        self.ended.lock().unwrap().push((row, traffic));
    }
}

/// Every name leads to this computer, which these tests permit.
struct Here;

impl Names for Here {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)]) })
    }

    fn is_fit(&self, address: IpAddr) -> bool {
        address == Ipv4Addr::LOCALHOST
    }
}

/// A list, and nobody to ask.
struct List(Hosts);

impl Doorkeeper for List {
    fn permits(&self, target: &Target) -> bool {
        self.0.permit(target)
    }

    fn ask<'a>(&'a self, _: &'a Target) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Err("not on the list".to_owned()) })
    }
}

#[derive(Clone)]
struct Net {
    tunnels: Tunnels,
    ledger: Arc<Rows>,
    list: Arc<List>,
    refused: Arc<Mutex<Vec<String>>>,
}

impl std::fmt::Debug for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Net")
    }
}

impl Net {
    fn to(hosts: &[String]) -> Self {
        let ledger = Arc::new(Rows::default());
        let patterns = hosts
            .iter()
            .map(|host| host.parse::<HostPattern>().unwrap());
        Self {
            tunnels: Tunnels::new(ledger.clone(), LocalOnly::default()).with_names(Arc::new(Here)),
            ledger,
            list: Arc::new(List(patterns.collect())),
            refused: Arc::default(),
        }
    }
}

impl Network for Net {
    fn serve(&self, connection: tokio::net::TcpStream) -> Serving {
        let net = self.clone();
        Box::pin(async move {
            let caller = Caller {
                session_id: SessionId::new(),
                turn_id: TurnId::new(),
                item_id: ItemId::new(),
            };
            if let Err(error) = net.tunnels.serve(connection, caller, &*net.list).await {
                net.refused.lock().unwrap().push(error.to_string());
            }
        })
    }

    fn refused(&self) -> Vec<String> {
        self.refused.lock().unwrap().clone()
    }
}

async fn run(room: &Room, net: &Net, line: &str) -> Outcome {
    let mut job = room.job(WorkspaceWrite, line);
    job.network = Some(Arc::new(net.clone()));
    room.try_run(job).await.unwrap()
}

/// A server that does `talk` with each who connects. Tells how many bytes came and whether the connection ended.
fn server(talk: impl Fn(&mut TcpStream) -> u64 + Send + 'static) -> (u16, mpsc::Receiver<u64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            if tell.send(talk(&mut stream.unwrap())).is_err() {
                return;
            }
        }
    });
    (port, told)
}

/// Answers one request over plain HTTP; the tunnel does not care what is in it.
fn hello(stream: &mut TcpStream) -> u64 {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        head.push(byte[0]);
    }
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
    let _ = stream.write_all(answer);
    head.len() as u64
}

/// Reads to the end.
fn sink(stream: &mut TcpStream) -> u64 {
    let mut chunk = vec![0; 1 << 16];
    let mut total = 0;
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        total += count as u64;
    }
    total
}

const CURL: &str = "curl -sS --max-time 20 --proxytunnel";

#[tokio::test]
async fn sb13_what_is_listed_gets_through_and_nothing_else() {
    let room = Room::new();
    if !room.is_full() || !has("curl") {
        return;
    }
    let (port, told) = server(hello);
    let net = Net::to(&[format!("one.test:{port}"), format!("*.two.test:{port}")]);
    for (name, through) in [
        ("one.test", true),
        ("ONE.test", true),
        ("one.test.", true),
        ("a.two.test", true),
        ("two.test", false),
        ("one.test.evil.test", false),
        ("evil-one.test", false),
        ("other.test", false),
        ("127.0.0.1", false),
        ("2130706433", false),
        ("localhost", false),
        ("[::1]", false),
    ] {
        let outcome = run(&room, &net, &format!("{CURL} http://{name}:{port}/")).await;
        let said = outcome.output.to_text();
        if through {
            assert_eq!(said, "hello", "{name}");
            assert!(told.recv().unwrap() > 0);
        } else {
            assert!(said.contains("403"), "{name}: {said}");
            let last = outcome.findings.last().map(ToString::to_string);
            assert!(last.unwrap().contains("not on the list"), "{name} is named");
        }
    }
    assert!(told.try_recv().is_err(), "no other connection arrived");
    let rows = net.ledger.rows.lock().unwrap();
    let hosts: Vec<&str> = rows.iter().map(|row| row.host.as_str()).collect();
    let one = format!("one.test:{port}");
    assert_eq!(hosts, [&*one, &one, &one, &format!("a.two.test:{port}")]);
    let ended = net.ledger.ended.lock().unwrap();
    assert_eq!(ended.len(), 4);
    assert!(
        ended
            .iter()
            .all(|(_, traffic)| traffic.up > 0 && traffic.down > 5)
    );
}

/// With an empty list, and without any network, there is nothing to connect to.
#[tokio::test]
async fn an_empty_list_is_none() {
    let room = Room::new();
    if !room.is_full() || !has("curl") {
        return;
    }
    let (port, told) = server(hello);
    let line = format!("{CURL} http://one.test:{port}/ || echo \"proxy ${{https_proxy-none}}\"");
    let outcome = run(&room, &Net::to(&[]), &line).await;
    assert!(outcome.output.to_text().contains("403"));
    let said = room.says(WorkspaceWrite, &line).await;
    assert!(said.contains("proxy none"), "{said}");
    assert!(told.try_recv().is_err());
}

/// Tries what a command with a network must not do; prints what did not fail.
const PROBE: &str = r#"
import socket, sys
tcp, udp, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
def attempt(name, what):
    try: print(name, what())
    except OSError: pass
stream = lambda family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0: socket.socket(family, kind, protocol)
for address in ("127.0.0.1", "127.0.0.2", "192.0.2.1", "10.0.0.1", "169.254.169.254"):
    attempt(address, lambda: stream().connect((address, tcp)))
    attempt(address + " fast open", lambda: stream().sendto(b"x", 0x20000000, (address, tcp)))
attempt("tcp6", lambda: stream(socket.AF_INET6).connect(("::1", tcp)))
attempt("tcp6 proxy", lambda: stream(socket.AF_INET6).connect(("::1", 3128)))
attempt("multipath", lambda: stream(protocol=262))
attempt("sctp", lambda: stream(protocol=132))
attempt("smc", lambda: stream(43))
attempt("udp", lambda: stream(kind=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", udp)))
attempt("udp flags", lambda: stream(kind=socket.SOCK_DGRAM | socket.SOCK_CLOEXEC).sendto(b"x", ("127.0.0.1", udp)))
attempt("udp6", lambda: stream(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"x", ("::1", udp)))
attempt("raw", lambda: stream(kind=socket.SOCK_RAW, protocol=1))
attempt("ping", lambda: stream(kind=socket.SOCK_DGRAM, protocol=1))
attempt("netlink", lambda: stream(16, socket.SOCK_RAW))
attempt("packet", lambda: stream(17, socket.SOCK_RAW))
attempt("vsock", lambda: stream(40))
attempt("unix", lambda: stream(socket.AF_UNIX).connect(path))
attempt("abstract", lambda: stream(socket.AF_UNIX).connect("\0" + "kerf-test-none"))
attempt("pair", lambda: socket.socketpair()[0].connect(path))
attempt("pair packets", lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)[0].connect(path))
attempt("name", lambda: socket.getaddrinfo("one.test", 443))
attempt("bind", lambda: stream().bind(("127.0.0.1", 0)))
import glob, os
for name in glob.glob("/proc/1/fd/*"):
    attempt(name, lambda: os.open(name, os.O_RDWR))
proxy = stream()
proxy.connect(("127.0.0.1", 3128))
print("end")
"#;

#[tokio::test]
async fn sb12_with_a_network_only_the_one_port_is_reached() {
    let room = Room::new();
    if !room.is_full() || !has("python3") {
        return;
    }
    let tcp = TcpListener::bind("0.0.0.0:0").unwrap();
    let udp = UdpSocket::bind("0.0.0.0:0").unwrap();
    let path = room.workspace().join("socket");
    let unix = UnixListener::bind(&path).unwrap();
    std::fs::write(room.workspace().join("probe.py"), PROBE).unwrap();
    let line = format!(
        "python3 probe.py {} {} {}",
        tcp.local_addr().unwrap().port(),
        udp.local_addr().unwrap().port(),
        path.display()
    );
    let said = run(&room, &Net::to(&[]), &line).await.output.to_text();
    assert_eq!(said, "end\n");
    tcp.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    unix.set_nonblocking(true).unwrap();
    let silent = |result: io::Result<()>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::WouldBlock);
    };
    silent(tcp.accept().map(drop));
    silent(udp.recv(&mut [0; 8]).map(drop));
    silent(unix.accept().map(drop));
}

/// The same calls as without a network are refused.
#[tokio::test]
async fn a_network_opens_no_other_door_of_the_kernel() {
    let room = Room::new();
    if !room.is_full() || !has("python3") {
        return;
    }
    let line = "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | grep -v 0000000000000000; unshare -n true 2>/dev/null && echo namespace; python3 -c 'import socket; print(socket.if_nameindex())' 2>&1 | tail -1; cat /proc/net/dev | grep -c :";
    let said = run(&room, &Net::to(&[]), line).await.output.to_text();
    assert!(
        said.ends_with("1\n") && !said.contains("namespace"),
        "{said}"
    );
    let mut job = room.job(ReadOnly, "touch x || python3 -c 'import socket; socket.socket().connect((\"127.0.0.1\", 3128))' && echo reached");
    job.network = Some(Arc::new(Net::to(&[])));
    let said = room.try_run(job).await.unwrap().output.to_text();
    assert!(said.ends_with("reached\n"), "{said}");
}

/// A tunnel ends with its command, also when a process in the background holds it.
#[tokio::test]
async fn a_tunnel_ends_with_its_command() {
    let room = Room::new();
    if !room.is_full() || !has("python3") {
        return;
    }
    let (port, told) = server(sink);
    let net = Net::to(&[format!("one.test:{port}")]);
    let script = format!(
        "import os, socket, time\n\
         proxy = socket.create_connection((\"127.0.0.1\", 3128))\n\
         proxy.sendall(b\"CONNECT one.test:{port} HTTP/1.1\\r\\n\\r\\nearly\")\n\
         print(proxy.recv(100).split(b\"\\r\")[0], flush=True)\n\
         if os.fork() == 0: time.sleep(1000)\n"
    );
    std::fs::write(room.workspace().join("hold.py"), script).unwrap();
    let outcome = run(&room, &net, "python3 hold.py").await;
    assert_eq!(outcome.end, End::Exited(0));
    assert_eq!(
        outcome.output.to_text(),
        "b'HTTP/1.1 200 Connection established'\n"
    );
    let told = tokio::task::spawn_blocking(move || told.recv_timeout(Duration::from_secs(60)));
    assert_eq!(
        told.await.unwrap().unwrap(),
        5,
        "what came behind the request went first"
    );

    let mut job = room.job(WorkspaceWrite, "python3 hold.py; exec 3> alive; sleep 1000");
    job.network = Some(Arc::new(net.clone()));
    let fifo = room.fifo().await;
    let background = room.sandbox.start(job).await.unwrap();
    let alive = opened(&fifo).await;
    background.kill().await;
    all_gone(alive).await;
    let sockets = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    // Other tests of this binary run in processes of their own under nextest; under `cargo test` they share this one.
    if std::env::var_os("NEXTEST").is_some() {
        let before = sockets();
        run(&room, &net, "python3 hold.py").await;
        while net.ledger.ended.lock().unwrap().len() < 3 {
            tokio::task::yield_now().await;
        }
        assert!(sockets() <= before, "no file is left of a command");
    }
}

/// Many bytes go through with little memory, and are counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gigabyte_goes_through_in_little_memory() {
    let room = Room::new();
    if !room.is_full() || !has("python3") {
        return;
    }
    const BYTES: u64 = 1 << 30;
    let (port, told) = server(sink);
    let net = Net::to(&[format!("one.test:{port}")]);
    let script = format!(
        "import socket\n\
         proxy = socket.create_connection((\"127.0.0.1\", 3128))\n\
         proxy.sendall(b\"CONNECT one.test:{port} HTTP/1.1\\r\\n\\r\\n\")\n\
         proxy.recv(100)\n\
         chunk = bytes(1 << 20)\n\
         for _ in range({}): proxy.sendall(chunk)\n\
         proxy.shutdown(socket.SHUT_WR)\n\
         print(proxy.recv(1))\n",
        BYTES >> 20
    );
    std::fs::write(room.workspace().join("send.py"), script).unwrap();
    run(&room, &Net::to(&[]), "true").await;
    let before = peak_kib();
    let outcome = run(&room, &net, "python3 send.py").await;
    assert_eq!(outcome.output.to_text(), "b''\n");
    assert_eq!(told.recv().unwrap(), BYTES);
    let grown = peak_kib() - before;
    assert!(grown < 32 * 1024, "{grown} KiB more were used at the peak");
    let ended = net.ledger.ended.lock().unwrap();
    assert_eq!(ended[0].1, Traffic { up: BYTES, down: 0 });
}

/// The most memory that this process has had, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

/// A program that connects and says nothing, or talks nonsense, gets no further and stops nobody else.
#[tokio::test]
async fn nonsense_is_refused_and_holds_nobody_up() {
    let room = Room::new();
    if !room.is_full() || !has("python3") || !has("curl") {
        return;
    }
    let (port, told) = server(hello);
    let net = Net::to(&[format!("one.test:{port}")]);
    let script = format!(
        r#"
import socket, subprocess
silent = [socket.create_connection(("127.0.0.1", 3128)) for _ in range(100)]
for request in (b"GET http://one.test/ HTTP/1.1\r\n\r\n", b"CONNECT one.test\0.evil:443 HTTP/1.1\r\n\r\n",
        b"CONNECT one.test HTTP/1.1\r\n\r\n", b"CONNECT me@one.test:{port} HTTP/1.1\r\n\r\n", b"\xff\xfe\r\n\r\n",
        b"CONNECT  one.test:{port} HTTP/1.1\r\n\r\n", b"A" * 20000):
    proxy = socket.create_connection(("127.0.0.1", 3128))
    try:
        proxy.sendall(request)
        print(proxy.recv(100).split(b"\r")[0], flush=True)
    except ConnectionError: print("reset", flush=True)
subprocess.run("{CURL} http://one.test:{port}/", shell=True)
"#
    );
    std::fs::write(room.workspace().join("talk.py"), script).unwrap();
    let said = run(&room, &net, "python3 talk.py").await.output.to_text();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 8, "{said}");
    let refused = |line: &&&str| line.contains("400 Bad Request") || **line == "reset";
    assert_eq!(lines.iter().filter(refused).count(), 7, "{said}");
    assert_eq!(
        lines.iter().filter(|line| **line == "hello").count(),
        1,
        "{said}"
    );
    assert!(told.recv().is_ok());
    assert!(told.try_recv().is_err());
}
