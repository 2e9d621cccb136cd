//! The door for commands, over a pair of streams in memory: what is asked, what is connected to, what is recorded.

use crate::door::MemLedger;
use kerf_egress::{
    BoxFuture, Caller, Doorkeeper, HostPattern, Hosts, LedgerError, LocalOnly, Names, Target,
    TunnelError, Tunnels,
};
use kerf_protocol::ledger::Purpose;
use kerf_protocol::{ItemId, SessionId, TurnId};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers with the next of its addresses each time, and with the last one for ever; counts.
struct Script {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
    /// What is fit besides the public addresses: where the test's own server is.
    fit: Option<IpAddr>,
}

impl Script {
    fn answering(answers: &[&[&str]], fit: Option<IpAddr>) -> Arc<Self> {
        let read = |addresses: &&[&str]| {
            let parsed = addresses
                .iter()
                .map(|address| address.parse().expect("an address"));
            parsed.collect()
        };
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(read).collect()),
            asked: Mutex::default(),
            fit,
        })
    }
}

/// Public addresses are as they are without a script.
struct Plain;

impl Names for Plain {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

impl Names for Script {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        self.asked.lock().expect("no panic").push(host.to_owned());
        let mut answers = self.answers.lock().expect("no panic");
        let next = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        };
        let addresses = next.unwrap_or_default().into_iter();
        let addresses = addresses
            .map(|address| SocketAddr::new(address, port))
            .collect();
        Box::pin(async move { Ok(addresses) })
    }

    fn is_fit(&self, address: IpAddr) -> bool {
        Some(address) == self.fit || Plain.is_fit(address)
    }
}

/// A list; who is not on it is asked about, and the answer is always the same.
#[derive(Default)]
struct Keeper {
    hosts: Hosts,
    yes: bool,
    asked: Mutex<Vec<String>>,
}

impl Keeper {
    fn listing(hosts: &[&str]) -> Self {
        let patterns = hosts
            .iter()
            .map(|host| host.parse::<HostPattern>().expect("a host"));
        Self {
            hosts: patterns.collect(),
            ..Self::default()
        }
    }
}

impl Doorkeeper for Keeper {
    fn permits(&self, target: &Target) -> bool {
        self.hosts.permit(target)
    }

    fn ask<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<(), String>> {
        self.asked
            .lock()
            .expect("no panic")
            .push(target.to_string());
        let answer = if self.yes {
            Ok(())
        } else {
            Err("no".to_owned())
        };
        Box::pin(async move { answer })
    }
}

fn caller() -> Caller {
    Caller {
        session_id: SessionId::new(),
        turn_id: TurnId::new(),
        item_id: ItemId::new(),
    }
}

struct Met {
    outcome: Result<(), TunnelError>,
    answer: String,
    ledger: Arc<MemLedger>,
}

/// Sends `request` in, and closes. What comes back is whole.
async fn meet(request: &[u8], keeper: &Keeper, names: Arc<dyn Names>, switch: LocalOnly) -> Met {
    let ledger = Arc::new(MemLedger::default());
    let tunnels = Tunnels::new(ledger.clone(), switch).with_names(names);
    let (mut inside, outer) = tokio::io::duplex(64 * 1024);
    let request = request.to_vec();
    let program = async move {
        inside.write_all(&request).await.expect("it is read");
        inside.shutdown().await.expect("it is read");
        let mut answer = Vec::new();
        let _ = inside.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let (outcome, answer) = tokio::join!(tunnels.serve(outer, caller(), keeper), program);
    Met {
        outcome,
        answer,
        ledger,
    }
}

fn connect(target: &str) -> Vec<u8> {
    format!("CONNECT {target} HTTP/1.1\r\nHost: one.test:443\r\n\r\n").into_bytes()
}

/// A server that counts who connects, and says `hello`.
async fn server() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(b"hello").await;
        }
    });
    (port, count)
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[tokio::test]
async fn sb13_only_listed_names_get_through() {
    let (port, count) = server().await;
    let names = || Script::answering(&[&["127.0.0.1"]], Some(HERE));
    let keeper = || {
        Keeper::listing(&[
            &format!("one.test:{port}"),
            &format!("*.bücher.test:{port}"),
        ])
    };
    for (name, expected) in [
        ("one.test", 200),
        ("ONE.TEST", 200),
        ("one.test.", 200),
        ("a.xn--bcher-kva.test", 200),
        ("A.BÜCHER.test", 200),
        // Another name.
        ("one.test..", 400),
        ("two.test", 403),
        ("one.test.evil.test", 403),
        ("evilone.test", 403),
        ("a.one.test", 403),
        ("xn--bcher-kva.test", 403),
        ("оne.test", 403),
        ("one。test", 200),
        // Two readings.
        ("one.test\0.evil.test", 400),
        ("one.test%00.evil.test", 400),
        ("one.test%2eevil.test", 400),
        ("one.test@evil.test", 400),
        ("evil.test@one.test", 400),
        ("one.test#@evil.test", 400),
        ("one.test/evil.test", 400),
        ("one.test\\evil.test", 400),
        ("one.test\tevil.test", 400),
        ("one.test:443", 400),
        ("http://one.test", 400),
        ("*.bücher.test", 400),
        ("", 400),
        // Addresses in every form.
        ("127.0.0.1", 403),
        ("127.1", 403),
        ("2130706433", 403),
        ("0x7f000001", 403),
        ("0177.0.0.1", 403),
        ("127.0.0.1.", 403),
        ("１２７.0.0.1", 403),
        ("[::1]", 403),
        ("[::ffff:127.0.0.1]", 403),
        ("[::ffff:7f00:1]", 403),
        ("::1", 400),
        ("[::1%25lo]", 400),
        ("localhost", 403),
    ] {
        let before = count.load(Ordering::SeqCst);
        let keeper = keeper();
        let met = meet(
            &connect(&format!("{name}:{port}")),
            &keeper,
            names(),
            LocalOnly::default(),
        )
        .await;
        let got: u16 = met.answer[9..12].parse().expect("a status");
        assert_eq!(got, expected, "{name:?}: {} {:?}", met.answer, met.outcome);
        let through = count.load(Ordering::SeqCst) - before;
        assert_eq!(through, usize::from(expected == 200), "{name:?}");
        assert_eq!(
            met.ledger.count(),
            through,
            "{name:?}: a row for each tunnel"
        );
        assert_eq!(met.answer.ends_with("hello"), expected == 200);
        let asked = keeper.asked.lock().expect("no panic").len();
        assert_eq!(
            asked,
            usize::from(expected == 403),
            "{name:?}: unlisted is asked about"
        );
    }
}

#[tokio::test]
async fn sb13_a_listed_name_that_leads_home_leads_nowhere() {
    let (port, count) = server().await;
    let keeper = Keeper::listing(&[&format!("one.test:{port}"), &format!("127.0.0.1:{port}")]);
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.1", "192.168.0.1"],
        &["169.254.169.254"],
        &["100.64.0.1"],
        &["0.0.0.0"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["fd00::1"],
        &[],
    ] {
        let names = Script::answering(&[addresses], None);
        let met = meet(
            &connect(&format!("one.test:{port}")),
            &keeper,
            names,
            LocalOnly::default(),
        )
        .await;
        assert!(
            met.answer.starts_with("HTTP/1.1 502"),
            "{addresses:?}: {}",
            met.answer
        );
        assert!(matches!(met.outcome, Err(TunnelError::Unreachable { .. })));
    }
    // An address that the user listed is as unfit.
    let names = Script::answering(&[], None);
    let met = meet(
        &connect(&format!("127.0.0.1:{port}")),
        &keeper,
        names,
        LocalOnly::default(),
    )
    .await;
    assert!(met.answer.starts_with("HTTP/1.1 502"), "{}", met.answer);
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

/// What was looked at is what is connected to: a second answer of the resolver is never asked for.
#[tokio::test]
async fn sb13_a_rebinding_resolver_gets_one_answer() {
    let (port, count) = server().await;
    let keeper = Keeper::listing(&[&format!("one.test:{port}")]);
    // The second answer would be another address.
    let names = Script::answering(&[&["127.0.0.1"], &["127.0.0.2"]], Some(HERE));
    let met = meet(
        &connect(&format!("one.test:{port}")),
        &keeper,
        names.clone(),
        LocalOnly::default(),
    )
    .await;
    assert!(met.answer.ends_with("hello"), "{}", met.answer);
    assert_eq!(*names.asked.lock().expect("no panic"), ["one.test"]);
    // The other way round: unfit first is a no, whatever would come next.
    let names = Script::answering(&[&["127.0.0.2"], &["127.0.0.1"]], Some(HERE));
    let met = meet(
        &connect(&format!("one.test:{port}")),
        &keeper,
        names.clone(),
        LocalOnly::default(),
    )
    .await;
    assert!(met.answer.starts_with("HTTP/1.1 502"), "{}", met.answer);
    assert_eq!(names.asked.lock().expect("no panic").len(), 1);
    // Fit beside unfit: only the fit one is connected to.
    let names = Script::answering(&[&["127.0.0.2", "127.0.0.1"]], Some(HERE));
    let met = meet(
        &connect(&format!("one.test:{port}")),
        &keeper,
        names,
        LocalOnly::default(),
    )
    .await;
    assert!(met.answer.ends_with("hello"), "{}", met.answer);
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_yes_lets_through_and_an_empty_list_is_none() {
    let (port, count) = server().await;
    let names = || Script::answering(&[&["127.0.0.1"]], Some(HERE));
    let no = Keeper::default();
    let target = format!("one.test:{port}");
    let met = meet(&connect(&target), &no, names(), LocalOnly::default()).await;
    assert!(met.answer.starts_with("HTTP/1.1 403") && met.answer.contains(&target));
    assert_eq!(count.load(Ordering::SeqCst), 0);
    let yes = Keeper {
        yes: true,
        ..Keeper::default()
    };
    let met = meet(&connect(&target), &yes, names(), LocalOnly::default()).await;
    assert!(met.answer.ends_with("hello"), "{}", met.answer);
    let rows = met.ledger.rows.lock().expect("no panic");
    let (row, body) = &rows[0];
    assert_eq!(
        (row.host.as_str(), row.purpose),
        (target.as_str(), Purpose::Command)
    );
    assert!(
        row.target.starts_with("CONNECT ") && row.session_id.is_some() && row.turn_id.is_some()
    );
    assert!(body.is_empty() && row.bytes == 0);
}

#[tokio::test]
async fn local_only_mode_lets_no_command_out() {
    let (port, count) = server().await;
    let names = Script::answering(&[&["127.0.0.1"]], Some(HERE));
    let switch = LocalOnly::default();
    switch.set(true);
    let keeper = Keeper::listing(&[&format!("one.test:{port}")]);
    let met = meet(
        &connect(&format!("one.test:{port}")),
        &keeper,
        names.clone(),
        switch,
    )
    .await;
    assert!(met.answer.starts_with("HTTP/1.1 403") && met.answer.contains("local-only"));
    assert!(
        names.asked.lock().expect("no panic").is_empty(),
        "not even the name leaves"
    );
    assert_eq!((count.load(Ordering::SeqCst), met.ledger.count()), (0, 0));
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_connected() {
    let (port, count) = server().await;
    let ledger = Arc::new(MemLedger {
        hook: Some(Box::new(|| Err(LedgerError::new("the disk is full")))),
        ..MemLedger::default()
    });
    let names = Script::answering(&[&["127.0.0.1"]], Some(HERE));
    let tunnels = Tunnels::new(ledger, LocalOnly::default()).with_names(names.clone());
    let keeper = Keeper::listing(&[&format!("one.test:{port}")]);
    let (mut inside, outer) = tokio::io::duplex(1024);
    inside
        .write_all(&connect(&format!("one.test:{port}")))
        .await
        .expect("room");
    let error = tunnels
        .serve(outer, caller(), &keeper)
        .await
        .expect_err("no row");
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert!(names.asked.lock().expect("no panic").is_empty());
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_request_is_read_one_way_and_bounded() {
    let names = || Script::answering(&[], None);
    let keeper = Keeper::default();
    let switch = LocalOnly::default;
    for request in [
        &b"GET http://one.test/ HTTP/1.1\r\nHost: one.test\r\n\r\n"[..],
        b"CONNECT one.test:443\r\n\r\n",
        b"CONNECT one.test:443 HTTP/2\r\n\r\n",
        b"CONNECT one.test:443  HTTP/1.1\r\n\r\n",
        b"connect one.test:443 HTTP/1.1\r\n\r\n",
        b"CONNECT one.test HTTP/1.1\r\n\r\n",
        b"CONNECT one.test:0 HTTP/1.1\r\n\r\n",
        b"CONNECT one.test:99999 HTTP/1.1\r\n\r\n",
        b"CONNECT \xff\xfe:443 HTTP/1.1\r\n\r\n",
        b"\r\n\r\n",
        &[b'A'; 20_000],
        &[
            b"CONNECT ".as_slice(),
            &[b'a'; 9_000],
            b":443 HTTP/1.1\r\n\r\n",
        ]
        .concat(),
    ] {
        let met = meet(request, &keeper, names(), switch()).await;
        assert!(met.answer.starts_with("HTTP/1.1 400"), "{}", met.answer);
        assert_eq!(met.ledger.count(), 0);
    }
    assert!(keeper.asked.lock().expect("no panic").is_empty());
}
