//! How a running turn is steered from outside.

use kerf_protocol::item::{Comment, Image};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// What the user says.
#[derive(Debug, Clone, Default)]
pub struct UserInput {
    /// The text.
    pub text: String,
    /// Pictures that go with it.
    pub images: Vec<Image>,
    /// Comments on the review that go with it.
    pub comments: Vec<Comment>,
}

/// Stops a turn, interrupts its current action, and holds messages that wait. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Control {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    turn: CancellationToken,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    action: Option<CancellationToken>,
    queue: VecDeque<UserInput>,
    closed: bool,
}

impl Control {
    /// Controls one turn.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the turn. What it has done stays.
    pub fn cancel(&self) {
        self.inner.turn.cancel();
    }

    /// Whether the turn was stopped.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.inner.turn.is_cancelled()
    }

    /// Hands a message to the running turn: it is read after the current action, which `interrupt` stops.
    ///
    /// # Errors
    /// Gives the message back when the turn has already read its last.
    pub fn send(&self, input: UserInput, interrupt: bool) -> Result<(), UserInput> {
        let mut state = self.state();
        if state.closed {
            return Err(input);
        }
        state.queue.push_back(input);
        if interrupt && let Some(action) = &state.action {
            action.cancel();
        }
        Ok(())
    }

    /// A token for the next action: a request or the calls of a message. It ends with the turn or at an interrupt.
    pub(crate) fn begin_action(&self) -> CancellationToken {
        let token = self.inner.turn.child_token();
        self.state().action = Some(token.clone());
        token
    }

    pub(crate) fn take_messages(&self) -> Vec<UserInput> {
        self.state().queue.drain(..).collect()
    }

    /// Closes the queue if it is empty; afterwards [`Control::send`] refuses.
    pub(crate) fn close_if_empty(&self) -> bool {
        let mut state = self.state();
        state.closed = state.queue.is_empty();
        state.closed
    }

    /// Closes the queue and returns what nobody read.
    pub fn close(&self) -> Vec<UserInput> {
        let mut state = self.state();
        state.closed = true;
        state.queue.drain(..).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is valid after every statement, so a panic elsewhere leaves nothing half done.
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
