//! The event log of a session: numbers events, writes to the store what must be kept, and shows each event to the
//! fronts in order, those that tell of something done only once it is on disk.

use crate::failure::from_store;
use kerf_protocol::{
    Failure, SessionId, TurnId, UnixMillis,
    endpoint::Usage,
    event::{Event, EventBody},
    item::{Item, ItemBody},
    session::{SessionState, TurnState},
};
use kerf_store::{Store, StoreError, TurnHead, Write};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    oneshot,
};

/// How many events a front that reloads can ask for again.
const HELD: usize = 4096;
/// Deltas that wait are joined up to this many bytes, so that a slow front gets few large ones.
const JOINED: usize = 16 * 1024;

type Durable = std::pin::Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// What the forwarder gets, in order.
#[expect(
    clippy::large_enum_variant,
    reason = "almost all of them are events, which a box would only move elsewhere"
)]
enum Queued {
    /// To be shown, once it is on disk where it must be.
    Show(Event, Option<Durable>),
    /// Written beside the events; only its failure counts.
    Kept(Durable),
    /// Answered when all before it is settled.
    Barrier(oneshot::Sender<()>),
}

/// How many numbers a process may use in each millisecond: far more than there are events.
const NUMBERS_A_MILLISECOND: u64 = 1000;
/// The step above the last stored number, where the time cannot help.
const STEP: u64 = 1_000_000;

/// The number from which a process goes on. It comes from the age of the session: an earlier process has told events
/// that it did not store, perhaps nothing else, and no number is used twice. A clock that was set back is seen by
/// the last stored number.
fn first_seq(last_stored: u64, created_at: UnixMillis) -> u64 {
    let age = u64::try_from(crate::engine::now().saturating_sub(created_at)).unwrap_or(0);
    let by_age = age.saturating_mul(NUMBERS_A_MILLISECOND);
    if by_age > last_stored {
        by_age
    } else {
        last_stored + STEP
    }
}

pub(crate) struct EventLog {
    session_id: SessionId,
    store: Store,
    state: Mutex<State>,
    shown: Arc<Shown>,
}

struct State {
    seq: u64,
    queue: UnboundedSender<Queued>,
    /// Calls that began and are not on disk yet: a call that ends before anything depends on it is written once.
    begun: Vec<(u64, Item)>,
    turn_began: UnixMillis,
}

#[derive(Default)]
struct Shown {
    state: Mutex<ShownState>,
}

#[derive(Default)]
struct ShownState {
    held: VecDeque<Arc<Event>>,
    fronts: Vec<UnboundedSender<Arc<Event>>>,
    failure: Option<Failure>,
}

impl EventLog {
    /// A log that goes on after the last stored number.
    pub(crate) fn new(
        session_id: SessionId,
        created_at: UnixMillis,
        store: Store,
        last_stored: u64,
    ) -> Self {
        let (queue, receiver) = unbounded_channel();
        let shown = Arc::new(Shown::default());
        tokio::spawn(forward(receiver, Arc::clone(&shown)));
        Self {
            session_id,
            store,
            state: Mutex::new(State {
                seq: first_seq(last_stored, created_at),
                queue,
                begun: Vec::new(),
                turn_began: 0,
            }),
            shown,
        }
    }

    /// Appends an event.
    pub(crate) fn emit(&self, body: EventBody) {
        let mut state = lock(&self.state);
        state.seq += 1;
        let seq = state.seq;
        let writes = self.writes(&mut state, seq, &body);
        let durable = (!writes.is_empty()).then(|| Box::pin(self.store.enqueue(writes)) as Durable);
        let event = Event {
            session_id: self.session_id,
            seq,
            body,
        };
        // The forwarder ends only after this log is gone.
        let _ = state.queue.send(Queued::Show(event, durable));
    }

    /// The user answered; the turn goes on.
    pub(crate) fn running(&self) {
        let state = Write::SessionState {
            id: self.session_id,
            state: SessionState::Running,
            updated_at: crate::engine::now(),
        };
        self.keep(vec![state]);
    }

    /// Writes beside the log, in its order. A failure comes out at the next barrier.
    pub(crate) fn keep(&self, writes: Vec<Write>) {
        if writes.is_empty() {
            return;
        }
        let state = lock(&self.state);
        let durable = Box::pin(self.store.enqueue(writes));
        let _ = state.queue.send(Queued::Kept(durable));
    }

    /// Writes beside the log, in its order.
    pub(crate) fn write(
        &self,
        writes: Vec<Write>,
    ) -> impl Future<Output = Result<(), Failure>> + Send + use<> {
        let _order = lock(&self.state);
        let durable = self.store.flush(writes);
        async move { durable.await.map_err(from_store) }
    }

    /// Waits until everything that was emitted and kept is on disk.
    pub(crate) async fn durable(&self) -> Result<(), Failure> {
        let passed = {
            let mut state = lock(&self.state);
            let session_id = self.session_id;
            let begun: Vec<Write> = std::mem::take(&mut state.begun)
                .into_iter()
                .map(|(seq, item)| Write::Item {
                    session_id,
                    seq,
                    item,
                })
                .collect();
            let durable = Box::pin(self.store.flush(begun));
            let _ = state.queue.send(Queued::Kept(durable));
            let (sender, passed) = oneshot::channel();
            let _ = state.queue.send(Queued::Barrier(sender));
            passed
        };
        // The forwarder ends only after this log is gone.
        let _ = passed.await;
        match &lock(&self.shown.state).failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    /// The held events, and then all that come.
    pub(crate) fn subscribe(&self) -> UnboundedReceiver<Arc<Event>> {
        let (sender, receiver) = unbounded_channel();
        let mut state = lock(&self.shown.state);
        for event in &state.held {
            // The receiver is in this function's hands.
            let _ = sender.send(Arc::clone(event));
        }
        state.fronts.push(sender);
        receiver
    }

    /// The held events after `seq`.
    pub(crate) fn since(&self, seq: u64) -> Vec<Event> {
        lock(&self.shown.state)
            .held
            .iter()
            .filter(|event| event.seq > seq)
            .map(|event| Event::clone(event))
            .collect()
    }

    fn writes(&self, state: &mut State, seq: u64, body: &EventBody) -> Vec<Write> {
        let session_id = self.session_id;
        let now = crate::engine::now();
        let session = |state| Write::SessionState {
            id: session_id,
            state,
            updated_at: now,
        };
        let turn = |id, state, usage, created_at| Write::Turn {
            session_id,
            turn: TurnHead {
                id,
                state,
                created_at,
                usage,
            },
        };
        let end = |id: &TurnId, state, usage: &Usage, began| {
            vec![
                turn(*id, state, *usage, began),
                Write::AddUsage {
                    session_id,
                    usage: *usage,
                },
                session(SessionState::Idle),
            ]
        };
        match body {
            EventBody::TurnStarted { turn_id, .. } => {
                state.turn_began = now;
                vec![
                    turn(*turn_id, TurnState::Running, Usage::default(), now),
                    session(SessionState::Running),
                ]
            }
            EventBody::ItemStarted { item } => {
                if matches!(item.body, ItemBody::ToolCall(_) | ItemBody::Approval { .. }) {
                    state.begun.push((seq, item.clone()));
                }
                Vec::new()
            }
            EventBody::ItemCompleted { item } => {
                state.begun.retain(|(_, begun)| begun.id != item.id);
                vec![Write::Item {
                    session_id,
                    seq,
                    item: item.clone(),
                }]
            }
            EventBody::ApprovalRequested { .. } => {
                let mut writes: Vec<Write> = std::mem::take(&mut state.begun)
                    .into_iter()
                    .map(|(seq, item)| Write::Item {
                        session_id,
                        seq,
                        item,
                    })
                    .collect();
                writes.push(session(SessionState::Waiting));
                writes
            }
            EventBody::TurnCompleted {
                turn_id,
                usage,
                cancelled,
            } => {
                let how = if *cancelled {
                    TurnState::Cancelled
                } else {
                    TurnState::Completed
                };
                end(turn_id, how, usage, state.turn_began)
            }
            EventBody::TurnFailed { turn_id, usage, .. } => {
                end(turn_id, TurnState::Failed, usage, state.turn_began)
            }
            EventBody::SessionStarted { .. }
            | EventBody::ItemUpdated { .. }
            | EventBody::InstructionsLoaded { .. }
            | EventBody::RequestRetried { .. }
            | EventBody::ContextUpdated { .. } => Vec::new(),
        }
    }
}

/// Shows events in order. What must be on disk first is waited for.
async fn forward(mut receiver: UnboundedReceiver<Queued>, shown: Arc<Shown>) {
    let mut batch = Vec::new();
    while receiver.recv_many(&mut batch, 1024).await > 0 {
        let mut last: Option<Event> = None;
        for queued in batch.drain(..) {
            let (event, durable) = match queued {
                Queued::Show(event, durable) => (event, durable),
                Queued::Kept(durable) => {
                    shown.note(durable.await);
                    continue;
                }
                Queued::Barrier(waiting) => {
                    // Whoever waited may have been stopped.
                    let _ = waiting.send(());
                    continue;
                }
            };
            if let Some(joined) = last.as_mut().and_then(|last| join(last, &event)) {
                *joined = event.seq;
                continue;
            }
            if let Some(event) = last.take() {
                shown.show(event);
            }
            let kept = match durable {
                Some(durable) => shown.note(durable.await),
                None => true,
            };
            last = shown.honest(event, kept);
        }
        if let Some(event) = last {
            shown.show(event);
        }
    }
}

/// Joins a delta to the one before it, if they belong together; returns the number to be raised.
fn join<'a>(last: &'a mut Event, next: &Event) -> Option<&'a mut u64> {
    match (&mut last.body, &next.body) {
        (
            EventBody::ItemUpdated { item_id, delta },
            EventBody::ItemUpdated {
                item_id: next_id,
                delta: more,
            },
        ) if item_id == next_id && delta.len() + more.len() <= JOINED => {
            delta.push_str(more);
            Some(&mut last.seq)
        }
        _ => None,
    }
}

impl Shown {
    /// Whether something is on disk. The turn learns at its next barrier of what is not.
    fn note(&self, kept: Result<(), StoreError>) -> bool {
        let Err(error) = kept else { return true };
        lock(&self.state).failure.get_or_insert(from_store(error));
        false
    }

    /// What may be shown of an event: nothing that is not on disk is shown as done, but every front learns of the
    /// end of a turn, and a turn of which something is missing has failed.
    fn honest(&self, mut event: Event, kept: bool) -> Option<Event> {
        let mut state = lock(&self.state);
        match (&event.body, &state.failure) {
            // The disk is in order again, so the session may go on.
            (EventBody::TurnStarted { .. }, _) if kept => state.failure = None,
            (
                EventBody::TurnCompleted { turn_id, usage, .. }
                | EventBody::TurnFailed { turn_id, usage, .. },
                Some(failure),
            ) => {
                event.body = EventBody::TurnFailed {
                    turn_id: *turn_id,
                    usage: *usage,
                    error: failure.clone(),
                };
            }
            // A question that nobody sees would wait for ever; what it is about is stopped at the next barrier.
            (EventBody::ApprovalRequested { .. }, _) => {}
            _ if !kept => return None,
            _ => {}
        }
        Some(event)
    }

    fn show(&self, event: Event) {
        let event = Arc::new(event);
        let mut state = lock(&self.state);
        if state.held.len() == HELD {
            state.held.pop_front();
        }
        state.held.push_back(Arc::clone(&event));
        state
            .fronts
            .retain(|front| front.send(Arc::clone(&event)).is_ok());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The states are valid after every statement, so a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
