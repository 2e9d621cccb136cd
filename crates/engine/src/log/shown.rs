//! What a session has shown: the events that a front can ask for again, and the items that are not done.

use super::{GoingOn, lock};
use crate::{
    failure::from_store,
    feed::{ALL, Events, Fronts, WINDOW},
};
use kerf_protocol::{
    Failure,
    event::{ContextUse, Event, EventBody},
    item::{Item, ItemBody},
};
use kerf_store::StoreError;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

/// How many events a front that reloads can ask for again.
const HELD: usize = 4096;

pub(super) struct Shown {
    state: Mutex<State>,
    /// The fronts that follow this session.
    fronts: Fronts,
    /// The windows, which follow all sessions.
    windows: Arc<Fronts>,
}

#[derive(Default)]
struct State {
    held: VecDeque<Arc<Event>>,
    /// The number of the last event that is no longer held and that nothing later repeats.
    forgotten: u64,
    seq: u64,
    /// Items that began and are not done, as they are so far.
    open: Vec<Item>,
    context: Option<ContextUse>,
    failure: Option<Failure>,
}

impl Shown {
    pub(super) fn new(windows: Arc<Fronts>) -> Self {
        Self {
            state: Mutex::default(),
            fronts: Fronts::default(),
            windows,
        }
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        lock(&self.state).failure.clone()
    }

    pub(super) fn subscribe(&self) -> Events {
        self.fronts.follow(&lock(&self.state).held)
    }

    pub(super) fn since(&self, seq: u64) -> Option<Vec<Event>> {
        let state = lock(&self.state);
        (seq >= state.forgotten).then(|| {
            let after = state.held.iter().filter(|event| event.seq > seq);
            after.map(|event| Event::clone(event)).collect()
        })
    }

    pub(super) fn going_on(&self) -> GoingOn {
        let state = lock(&self.state);
        GoingOn {
            seq: state.seq,
            items: state.open.clone(),
            context: state.context,
        }
    }

    /// Whether something is on disk. The turn learns at its next barrier of what is not.
    pub(super) fn note(&self, kept: Result<(), StoreError>) -> bool {
        let Err(error) = kept else { return true };
        lock(&self.state).failure.get_or_insert(from_store(error));
        false
    }

    /// What may be shown of an event: nothing that is not on disk is shown as done, but every front learns of the
    /// end of a turn, and a turn of which something is missing has failed.
    pub(super) fn honest(&self, mut event: Event, kept: bool) -> Option<Event> {
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

    pub(super) fn show(&self, event: Event) {
        let event = Arc::new(event);
        let mut state = lock(&self.state);
        state.seq = event.seq;
        state.follow(&event.body);
        if state.held.len() == HELD
            && let Some(oldest) = state.held.pop_front()
        {
            state.forgotten = oldest.seq;
        }
        state.held.push_back(Arc::clone(&event));
        self.fronts.show(&event, ALL);
        self.windows.show(&event, WINDOW);
    }
}

impl State {
    fn follow(&mut self, body: &EventBody) {
        match body {
            EventBody::ItemStarted { item } => self.open.push(item.clone()),
            EventBody::ItemUpdated { item_id, delta } => {
                let item = self.open.iter_mut().find(|item| item.id == *item_id);
                if let Some(text) = item.and_then(|item| growing(&mut item.body)) {
                    text.push_str(delta);
                }
            }
            EventBody::ItemCompleted { item } => {
                self.open.retain(|open| open.id != item.id);
                // The whole item comes after them.
                self.held.retain(|held| {
                    !matches!(held.body, EventBody::ItemUpdated { item_id, .. } if item_id == item.id)
                });
            }
            EventBody::ContextUpdated { context, .. } => self.context = Some(*context),
            EventBody::TurnCompleted { .. } | EventBody::TurnFailed { .. } => self.open.clear(),
            _ => {}
        }
    }
}

/// What deltas are added to.
fn growing(body: &mut ItemBody) -> Option<&mut String> {
    match body {
        ItemBody::AgentMessage { text } | ItemBody::Reasoning { text, .. } => Some(text),
        ItemBody::ToolCall(call) => Some(&mut call.output),
        _ => None,
    }
}
