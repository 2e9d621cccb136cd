//! The parts below HTTP that faults need: a body that knows when its bytes are in the socket, a gate for
//! stalls, and a socket that can close with a reset.

use super::{Outcome, Shared};
use crate::sse::Action;
use bytes::Bytes;
use hyper::body::{Body, Frame};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Sleep;

/// Where stalls wait. A release that comes before its stall is kept for it.
#[derive(Debug)]
pub(crate) struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Gate {
    pub(crate) fn let_one_through(&self) {
        self.0.add_permits(1);
    }

    pub(crate) fn open(&self) {
        self.0.close();
    }

    pub(crate) async fn wait(self: Arc<Self>) {
        // An error says that the gate is open for good.
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

/// One accepted connection, as its socket, its service and its bodies see it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) number: usize,
    pub(crate) reset: AtomicBool,
    shared: Arc<Shared>,
    /// How often everything written so far was handed to the socket.
    flushes: AtomicU64,
    waiting: Mutex<Option<Waker>>,
}

impl Connection {
    pub(crate) fn new(shared: Arc<Shared>) -> Arc<Self> {
        let number = shared.change(|state| {
            state.accepted += 1;
            state.open += 1;
            state.accepted - 1
        });
        let (reset, flushes, waiting) =
            (AtomicBool::new(false), AtomicU64::new(0), Mutex::new(None));
        Arc::new(Self {
            number,
            reset,
            shared,
            flushes,
            waiting,
        })
    }

    fn flushed(&self) {
        self.flushes.fetch_add(1, Ordering::SeqCst);
        let waiting = self
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

/// The socket; counts flushes for its connection.
pub(crate) struct Socket {
    io: TokioIo<TcpStream>,
    connection: Arc<Connection>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, connection: Arc<Connection>) -> Self {
        Self {
            io: TokioIo::new(stream),
            connection,
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.connection.reset.load(Ordering::SeqCst) {
            // Without it the close would be an orderly one and the test would see another fault.
            self.io
                .inner()
                .set_zero_linger()
                .unwrap_or_else(|error| panic!("cannot reset the connection: {error}"));
        }
        self.connection.shared.change(|state| state.open -= 1);
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        pin!(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        pin!(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        pin!(&mut self.io).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    // HTTP's own buffer is empty whenever it asks the socket to flush.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = pin!(&mut self.io).poll_flush(cx);
        if flushed.is_ready() {
            self.connection.flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.io).poll_shutdown(cx)
    }
}

/// Tells the server what became of an answer, when it is dropped at the latest.
pub(crate) struct Ending {
    shared: Arc<Shared>,
    number: usize,
    outcome: Outcome,
}

impl Ending {
    pub(crate) fn new(shared: Arc<Shared>, number: usize) -> Self {
        Self {
            shared,
            number,
            outcome: Outcome::Abandoned,
        }
    }

    pub(crate) fn cut(mut self) {
        self.outcome = Outcome::Cut;
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.shared.set_outcome(self.number, self.outcome);
    }
}

/// The body of an answer: plays its actions.
pub(crate) struct Play {
    actions: VecDeque<Action>,
    connection: Arc<Connection>,
    reset: bool,
    ending: Ending,
    /// The flush count at which the running `Flush` began.
    mark: Option<u64>,
    held: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Play {
    pub(crate) fn new(
        actions: VecDeque<Action>,
        connection: Arc<Connection>,
        reset: bool,
        ending: Ending,
    ) -> Self {
        Self {
            actions,
            connection,
            reset,
            ending,
            mark: None,
            held: None,
            timer: None,
        }
    }

    /// Ready when all that was sent is in the socket.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        *self
            .connection
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        let now = self.connection.flushes.load(Ordering::SeqCst);
        if now > *self.mark.get_or_insert(now) {
            self.mark = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }

    fn poll_hold(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let gate = Arc::clone(&self.connection.shared.gate);
        let held = self.held.get_or_insert_with(|| Box::pin(gate.wait()));
        std::task::ready!(held.as_mut().poll(cx));
        self.held = None;
        Poll::Ready(())
    }
}

impl Body for Play {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        while let Some(action) = this.actions.front_mut() {
            match action {
                Action::Send(bytes) => {
                    let bytes = Bytes::from(std::mem::take(bytes));
                    this.actions.pop_front();
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Action::Flush => std::task::ready!(this.poll_flush(cx)),
                Action::Hold => std::task::ready!(this.poll_hold(cx)),
                Action::Wait(time) => {
                    let time = *time;
                    let timer = this
                        .timer
                        .get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
                    std::task::ready!(timer.as_mut().poll(cx));
                    this.timer = None;
                }
                Action::Cut => {
                    this.ending.outcome = Outcome::Cut;
                    this.connection.reset.store(this.reset, Ordering::SeqCst);
                    this.actions.clear();
                    return Poll::Ready(Some(Err(io::Error::other("the script cuts here"))));
                }
            }
            this.actions.pop_front();
        }
        if this.ending.outcome != Outcome::Cut {
            this.ending.outcome = Outcome::Sent;
        }
        Poll::Ready(None)
    }
}
