//! The scripted model server: real HTTP/1.1 on a loopback port, on a thread of its own, so that synchronous
//! tests and child processes can talk to it.
//!
//! It serves `POST /v1/chat/completions`, `POST /v1/responses`, `POST /v1/messages` (all as event streams)
//! and `GET /v1/models`, records every request, and plays the faults of its [`Script`].
//! Nothing in it sleeps unless a turn has a pace; a stall ends with [`ModelServer::release`] or the server.

mod anthropic;
mod chat;
mod connection;
mod responses;
mod serve;

use crate::script::{Script, Step, Stop};
use crate::seen::Seen;
use crate::sse::Frame;
use crate::turn::Turn;
use bytes::Bytes;
use connection::Gate;
use http::{HeaderMap, Method};
use kerf_protocol::endpoint::{Endpoint, EndpointOrigin, Wire};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long the blocking and the async wait hold on before they call the test stuck.
const STUCK: Duration = Duration::from_secs(30);

/// A request that the server received whole.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its number, from 0, in the order in which heads arrived.
    pub number: usize,
    /// The connection it came on, from 0, in the order of acceptance.
    pub connection: usize,
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The headers as received.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Bytes,
    /// When the head had arrived.
    pub head_at: Instant,
    /// When the last byte of the body had arrived.
    pub body_at: Instant,
    /// The script's turn that answered, from 0; `None` for other paths, refusals and [`Script::otherwise`].
    pub turn: Option<usize>,
    /// What became of the answer.
    pub outcome: Outcome,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is under way, or held.
    Running,
    /// It was sent to its end.
    Sent,
    /// The script broke it off.
    Cut,
    /// The client went away before its end.
    Abandoned,
}

impl Recorded {
    /// The body as JSON; `Null` when it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What the body says, whatever its wire.
    #[must_use]
    pub fn seen(&self) -> Seen {
        Seen::read(&self.json())
    }

    /// A header's value as text, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A running server; dropping it closes its port and its connections.
#[derive(Debug)]
pub struct ModelServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    changes: watch::Sender<u64>,
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    script: Script,
    used: Vec<bool>,
    heads: usize,
    requests: Vec<Recorded>,
    accepted: usize,
    open: usize,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere has its own message; the state is only counters and lists.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes everybody who waits.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.notify_all();
        self.changes.send_modify(|count| *count += 1);
        result
    }

    fn set_outcome(&self, number: usize, outcome: Outcome) {
        self.change(|state| {
            if let Some(request) = state
                .requests
                .iter_mut()
                .find(|request| request.number == number)
            {
                request.outcome = outcome;
            }
        });
    }
}

impl ModelServer {
    /// Starts on a free port of 127.0.0.1. It answers when this returns.
    ///
    /// # Panics
    /// When the port or the thread cannot be had.
    #[must_use]
    pub fn start(script: Script) -> Self {
        Self::start_on(script, 0)
    }

    /// Starts on this port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Panics
    /// When the port is taken or the thread cannot be had.
    #[must_use]
    pub fn start_on(script: Script, port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap_or_else(|error| {
            panic!("the model server cannot listen on port {port}: {error}")
        });
        let address = listener
            .local_addr()
            .unwrap_or_else(|error| panic!("the listener has no address: {error}"));
        let used = vec![false; script.turns.len()];
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                script,
                used,
                ..State::default()
            }),
            changed: Condvar::new(),
            changes: watch::Sender::new(0),
            gate: Arc::default(),
        });
        let stop = CancellationToken::new();
        let thread = std::thread::Builder::new()
            .name("model-server".to_owned())
            .spawn({
                let (shared, stop) = (Arc::clone(&shared), stop.clone());
                move || serve::run(listener, shared, stop)
            })
            .unwrap_or_else(|error| panic!("the model server's thread does not start: {error}"));
        Self {
            address,
            shared,
            stop,
            thread: Some(thread),
        }
    }

    /// Where the API is, version included: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// This server as an endpoint that speaks `wire`, with the model `scripted`.
    #[must_use]
    pub fn endpoint(&self, wire: Wire) -> Endpoint {
        Endpoint {
            name: "scripted".to_owned(),
            wire,
            base_url: self.base_url(),
            model: "scripted".to_owned(),
            context_window: None,
            origin: EndpointOrigin::Configured,
        }
    }

    /// Adds a turn at the end of the running script.
    pub fn push(&self, turn: Turn) {
        self.shared.change(|state| {
            state.script.turns.push(turn);
            state.used.push(false);
        });
    }

    /// Lets one stall or hold go on: the one that has waited longest, or the next that comes.
    pub fn release(&self) {
        self.shared.gate.let_one_through();
    }

    /// Lets every stall and hold go on, now and from now on.
    pub fn release_all(&self) {
        self.shared.gate.open();
    }

    /// The requests received so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.state().requests.clone()
    }

    /// How many turns of the script nobody has taken yet. Repeating turns count until they were taken once.
    #[must_use]
    pub fn turns_left(&self) -> usize {
        self.shared
            .state()
            .used
            .iter()
            .filter(|used| !**used)
            .count()
    }

    /// How many connections were accepted, whether or not a request came.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.state().accepted
    }

    /// How many connections are open.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.shared.state().open
    }

    /// Blocks until this many requests have arrived, and returns all.
    ///
    /// # Panics
    /// When they have not arrived after 30 s.
    #[must_use]
    pub fn wait_for(&self, requests: usize) -> Vec<Recorded> {
        self.wait_until(|seen| seen.len() >= requests)
    }

    /// Blocks until `done` says so of the requests, and returns all. It is asked after each change, the
    /// outcome of an answer included.
    ///
    /// # Panics
    /// When 30 s have passed.
    pub fn wait_until(&self, done: impl Fn(&[Recorded]) -> bool) -> Vec<Recorded> {
        let (state, timeout) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.state(), STUCK, |state| !done(&state.requests))
            .unwrap_or_else(PoisonError::into_inner);
        assert!(
            !timeout.timed_out(),
            "stuck: after {STUCK:?} the requests are {:#?}",
            state.requests
        );
        state.requests.clone()
    }

    /// As [`ModelServer::wait_for`], for a test that is async.
    ///
    /// # Panics
    /// When they have not arrived after 30 s.
    pub async fn arrived(&self, requests: usize) -> Vec<Recorded> {
        self.until(|seen| seen.len() >= requests).await
    }

    /// As [`ModelServer::wait_until`], for a test that is async.
    ///
    /// # Panics
    /// When 30 s have passed.
    pub async fn until(&self, done: impl Fn(&[Recorded]) -> bool) -> Vec<Recorded> {
        let mut changes = self.shared.changes.subscribe();
        let waited = tokio::time::timeout(
            STUCK,
            changes.wait_for(|_| done(&self.shared.state().requests)),
        );
        let in_time = waited.await.is_ok();
        assert!(
            in_time,
            "stuck: after {STUCK:?} the requests are {:#?}",
            self.requests()
        );
        self.requests()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the model server panicked; its message is above");
        }
    }
}

/// What a wire needs to know of the request it answers.
struct Asked {
    wire: Wire,
    number: usize,
    model: String,
    json: Value,
}

impl Asked {
    fn call_id(&self, block: usize) -> String {
        match self.wire {
            Wire::Anthropic => format!("toolu_{}_{block}", self.number),
            Wire::Chat | Wire::Responses => format!("call_{}_{block}", self.number),
        }
    }

    fn frames(&self, turn: &Turn, steps: &[Step]) -> Vec<Frame> {
        match self.wire {
            Wire::Chat => chat::frames(turn, steps, self),
            Wire::Responses => responses::frames(turn, steps, self),
            Wire::Anthropic => anthropic::frames(turn, steps, self),
        }
    }
}

/// The wire's error object for a status.
fn error_body(wire: Wire, status: u16, message: &str) -> Value {
    let kind = match (wire, status) {
        (_, 401) => "authentication_error",
        (_, 403) => "permission_error",
        (_, 404) => "not_found_error",
        (_, 413) => "request_too_large",
        (Wire::Anthropic, 429) => "rate_limit_error",
        (_, 429) => "rate_limit_exceeded",
        (Wire::Anthropic, 529) => "overloaded_error",
        (Wire::Anthropic, 500..) => "api_error",
        (_, 500..) => "server_error",
        _ => "invalid_request_error",
    };
    match wire {
        Wire::Anthropic => anthropic::error_body(kind, message),
        Wire::Chat | Wire::Responses => chat::error_body(kind, message),
    }
}

fn stop(turn: &Turn, steps: &[Step]) -> Stop {
    let called = steps.iter().any(|step| matches!(step, Step::Call { .. }));
    turn.stop
        .clone()
        .unwrap_or(if called { Stop::ToolCalls } else { Stop::End })
}

/// The frame of a step that is the same on every wire.
fn aside(step: &Step) -> Option<Frame> {
    match step {
        Step::Ping => Some(Frame::Comment("ping".to_owned())),
        Step::Comment(text) => Some(Frame::Comment(text.clone())),
        Step::Raw(text) => Some(Frame::Raw(text.clone())),
        Step::Hold => Some(Frame::Hold),
        _ => None,
    }
}
