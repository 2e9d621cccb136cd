//! A TCP server that plays bytes: for half heads, one byte at a time, answers that are not HTTP, and for
//! proving that nothing arrived.
//!
//! Each accepted connection plays the same steps from the start. What clients send is kept.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

const STUCK: Duration = Duration::from_secs(30);

/// What a connection does next.
#[derive(Debug, Clone)]
pub enum RawStep {
    /// Read until this text has come since the last such step; `"\r\n\r\n"` is the end of a head.
    Await(&'static str),
    /// Write these bytes.
    Send(Vec<u8>),
    /// Do nothing until the client closes.
    Stall,
}

/// A running server; dropping it closes its port and its connections.
#[derive(Debug)]
pub struct RawServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    connections: Vec<TcpStream>,
    received: Vec<u8>,
}

impl RawServer {
    /// Starts on a free port of 127.0.0.1; after its steps a connection is closed.
    ///
    /// # Panics
    /// When the port cannot be had.
    #[must_use]
    pub fn start(steps: Vec<RawStep>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap_or_else(|error| panic!("the raw server cannot listen: {error}"));
        let address = listener
            .local_addr()
            .unwrap_or_else(|error| panic!("the listener has no address: {error}"));
        let shared = Arc::<Shared>::default();
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared, &steps)
        });
        Self {
            address,
            shared,
            thread: Some(thread),
        }
    }

    /// Starts a server that reads a request's head and then sends these bytes and closes.
    #[must_use]
    pub fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        Self::start(vec![
            RawStep::Await("\r\n\r\n"),
            RawStep::Send(bytes.into()),
        ])
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.state().connections.len()
    }

    /// All bytes that clients sent so far.
    #[must_use]
    pub fn received(&self) -> Vec<u8> {
        self.shared.state().received.clone()
    }

    /// Blocks until what clients sent has this text in it.
    ///
    /// # Panics
    /// When 30 s have passed.
    pub fn wait_for(&self, text: &str) {
        let (state, timeout) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.state(), STUCK, |state| {
                !contains(&state.received, text)
            })
            .unwrap_or_else(PoisonError::into_inner);
        let got = String::from_utf8_lossy(&state.received);
        assert!(
            !timeout.timed_out(),
            "stuck: after {STUCK:?} {text:?} is not in {got:?}"
        );
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        {
            let mut state = self.shared.state();
            state.stopped = true;
            for stream in &state.connections {
                // It may be closed already.
                let _closed = stream.shutdown(Shutdown::Both);
            }
        }
        // Wakes the thread out of its accept.
        let _woken = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, steps: &[RawStep]) {
    std::thread::scope(|scope| {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            {
                let mut state = shared.state();
                if state.stopped {
                    return;
                }
                let Ok(second) = stream.try_clone() else {
                    return;
                };
                state.connections.push(second);
            }
            scope.spawn(|| {
                // A client that goes away ends the play; what it sent is kept.
                let _played = play(&stream, shared, steps);
                let _closed = stream.shutdown(Shutdown::Both);
                drop(stream);
            });
        }
    });
}

fn play(mut stream: &TcpStream, shared: &Shared, steps: &[RawStep]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut pending = Vec::new();
    for step in steps {
        match step {
            RawStep::Await(text) => {
                while !contains(&pending, text) {
                    if !receive(stream, shared, &mut pending)? {
                        return Ok(());
                    }
                }
                pending.clear();
            }
            RawStep::Send(bytes) => stream.write_all(bytes)?,
            RawStep::Stall => while receive(stream, shared, &mut pending)? {},
        }
    }
    Ok(())
}

/// Reads once; false at the end.
fn receive(
    mut stream: &TcpStream,
    shared: &Shared,
    pending: &mut Vec<u8>,
) -> std::io::Result<bool> {
    let mut buffer = [0; 8192];
    let count = stream.read(&mut buffer)?;
    pending.extend_from_slice(&buffer[..count]);
    shared.state().received.extend_from_slice(&buffer[..count]);
    shared.changed.notify_all();
    Ok(count > 0)
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
