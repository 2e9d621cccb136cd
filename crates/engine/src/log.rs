//! The event log of a session: numbers events, writes to the store what must be kept, and shows each event to the
//! fronts in order, those that tell of something done only once it is on disk.

mod shown;

use crate::{
    failure::from_store,
    feed::{Events, Fronts, join},
};
use kerf_protocol::{
    Failure, SessionId, TurnId, UnixMillis,
    endpoint::Usage,
    event::{ContextUse, Event, EventBody},
    item::{Item, ItemBody},
    session::{SessionState, TurnState},
};
use kerf_store::{Store, StoreError, TurnHead, Write};
use shown::Shown;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, oneshot};

type Durable = std::pin::Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// What the forwarder gets, in order.
enum Queued {
    /// To be shown, once it is on disk where it must be.
    Show(Box<Event>, Option<Durable>),
    /// Written beside the events; only its failure counts.
    Kept(Durable),
    /// Answered when all before it is settled.
    Barrier(oneshot::Sender<()>),
    /// The log is gone; nothing comes after it.
    End,
}

/// What waits for the forwarder. Deltas are joined as they come, so that a fast stream does not pile up.
#[derive(Default)]
struct Queue {
    waiting: Mutex<VecDeque<Queued>>,
    more: Notify,
}

impl Queue {
    fn push(&self, queued: Queued) {
        {
            let mut waiting = lock(&self.waiting);
            if let (Some(Queued::Show(last, None)), Queued::Show(next, None)) =
                (waiting.back_mut(), &queued)
                && join(last, next)
            {
                return;
            }
            waiting.push_back(queued);
        }
        self.more.notify_one();
    }

    async fn take(&self) -> VecDeque<Queued> {
        loop {
            let waiting = std::mem::take(&mut *lock(&self.waiting));
            if !waiting.is_empty() {
                return waiting;
            }
            self.more.notified().await;
        }
    }
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
    queue: Arc<Queue>,
    shown: Arc<Shown>,
}

struct State {
    seq: u64,
    /// Calls that began and are not on disk yet: a call that ends before anything depends on it is written once.
    begun: Vec<(u64, Item)>,
    turn_began: UnixMillis,
}

impl EventLog {
    /// A log that goes on after the last stored number.
    pub(crate) fn new(
        session_id: SessionId,
        created_at: UnixMillis,
        store: Store,
        last_stored: u64,
        windows: Arc<Fronts>,
    ) -> Self {
        let queue = Arc::new(Queue::default());
        let shown = Arc::new(Shown::new(windows));
        tokio::spawn(forward(Arc::clone(&queue), Arc::clone(&shown)));
        Self {
            session_id,
            store,
            state: Mutex::new(State {
                seq: first_seq(last_stored, created_at),
                begun: Vec::new(),
                turn_began: 0,
            }),
            queue,
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
        self.queue.push(Queued::Show(Box::new(event), durable));
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
        let _order = lock(&self.state);
        let durable = Box::pin(self.store.enqueue(writes));
        self.queue.push(Queued::Kept(durable));
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
            self.queue.push(Queued::Kept(durable));
            let (sender, passed) = oneshot::channel();
            self.queue.push(Queued::Barrier(sender));
            passed
        };
        // The forwarder ends only after this log is gone.
        let _ = passed.await;
        self.shown.failure().map_or(Ok(()), Err)
    }

    /// The held events, and then all that come.
    pub(crate) fn subscribe(&self) -> Events {
        self.shown.subscribe()
    }

    /// The events after `seq`; none when they are no longer held, so that what is there must be asked for anew.
    pub(crate) fn since(&self, seq: u64) -> Option<Vec<Event>> {
        self.shown.since(seq)
    }

    /// What was shown and is not done.
    pub(crate) fn going_on(&self) -> GoingOn {
        self.shown.going_on()
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
            | EventBody::SessionRestored { .. }
            | EventBody::ItemUpdated { .. }
            | EventBody::InstructionsLoaded { .. }
            | EventBody::RequestRetried { .. }
            | EventBody::ContextUpdated { .. } => Vec::new(),
        }
    }
}

/// What was shown and is not done.
pub(crate) struct GoingOn {
    /// The number of the last event that was shown.
    pub(crate) seq: u64,
    pub(crate) items: Vec<Item>,
    pub(crate) context: Option<ContextUse>,
}

impl Drop for EventLog {
    fn drop(&mut self) {
        self.queue.push(Queued::End);
    }
}

/// Shows events in order. What must be on disk first is waited for.
async fn forward(queue: Arc<Queue>, shown: Arc<Shown>) {
    loop {
        for queued in queue.take().await {
            match queued {
                Queued::Show(event, durable) => {
                    let kept = match durable {
                        Some(durable) => shown.note(durable.await),
                        None => true,
                    };
                    if let Some(event) = shown.honest(*event, kept) {
                        shown.show(event);
                    }
                }
                Queued::Kept(durable) => {
                    shown.note(durable.await);
                }
                Queued::Barrier(waiting) => {
                    // Whoever waited may have been stopped.
                    let _ = waiting.send(());
                }
                Queued::End => return,
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The states are valid after every statement, so a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
