//! Events on their way to the fronts: a queue for each front that follows, so that a slow one holds nobody up.
//!
//! Deltas of one item that wait are joined, so that what waits is as large as what was said, not as the number of
//! pieces it came in.

use kerf_protocol::{
    event::{Event, EventBody},
    search::IndexStatus,
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// Deltas that wait are joined up to this many bytes.
const JOINED: usize = 16 * 1024;
/// A window gets at most one batch in this time: a frame at 60 a second.
const FRAME: Duration = Duration::from_millis(16);
/// About how many bytes a batch has: above 8 KiB a message of the window's channel takes a slower way.
const BATCH: usize = 6 * 1024;
/// A window that lets so many events wait has stopped to listen; it asks anew when it listens again.
const TOO_MANY: usize = 20_000;

/// Joins a delta to the one before it, if they belong together.
pub(crate) fn join(last: &mut Event, next: &Event) -> bool {
    match (&mut last.body, &next.body) {
        (
            EventBody::ItemUpdated { item_id, delta },
            EventBody::ItemUpdated {
                item_id: next_id,
                delta: more,
            },
        ) if item_id == next_id
            && last.session_id == next.session_id
            && delta.len() + more.len() <= JOINED =>
        {
            delta.push_str(more);
            last.seq = next.seq;
            true
        }
        _ => false,
    }
}

/// What waits for a front.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    more: Notify,
    /// The front follows no longer.
    left: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Arc<Event>>,
    /// How indexes stand, by folder; only the last word on each is of interest.
    indexes: BTreeMap<String, IndexStatus>,
    /// The repositories whose git command has something new.
    git: BTreeSet<String>,
    /// Events were dropped.
    gap: bool,
    /// There will be no more.
    ended: bool,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // The state is valid after every statement, so a panic elsewhere leaves nothing half done.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, event: &Arc<Event>, most: usize) {
        {
            let mut waiting = self.waiting();
            let joined = waiting
                .events
                .back_mut()
                .is_some_and(|last| belongs(last, event) && join(Arc::make_mut(last), event));
            if !joined {
                if waiting.events.len() >= most {
                    waiting.events.clear();
                    waiting.gap = true;
                }
                waiting.events.push_back(Arc::clone(event));
            }
        }
        self.more.notify_one();
    }

    fn put(&self, index: &IndexStatus) {
        self.waiting()
            .indexes
            .insert(index.folder.clone(), index.clone());
        self.more.notify_one();
    }

    fn put_git(&self, folder: &str) {
        self.waiting().git.insert(folder.to_owned());
        self.more.notify_one();
    }

    fn end(&self) {
        self.waiting().ended = true;
        self.more.notify_one();
    }
}

/// Whether two events are deltas of one item: what is shared with others is copied only then.
fn belongs(last: &Event, next: &Event) -> bool {
    matches!(
        (&last.body, &next.body),
        (EventBody::ItemUpdated { item_id, .. }, EventBody::ItemUpdated { item_id: next, .. }) if item_id == next
    )
}

/// The fronts that follow.
#[derive(Default)]
pub(crate) struct Fronts {
    queues: Mutex<Vec<Arc<Queue>>>,
}

impl Fronts {
    /// Adds a front; it gets `held` first.
    pub(crate) fn follow<'a>(&self, held: impl IntoIterator<Item = &'a Arc<Event>>) -> Events {
        let queue = Arc::new(Queue::default());
        queue.waiting().events.extend(held.into_iter().cloned());
        self.queues().push(Arc::clone(&queue));
        Events { queue }
    }

    /// Shows an event to all.
    pub(crate) fn show(&self, event: &Arc<Event>, most: usize) {
        self.each(|queue| queue.push(event, most));
    }

    /// Shows to all how an index stands.
    pub(crate) fn show_index(&self, index: &IndexStatus) {
        self.each(|queue| queue.put(index));
    }

    /// Tells all that the git command of a repository has something new.
    pub(crate) fn show_git(&self, folder: &str) {
        self.each(|queue| queue.put_git(folder));
    }

    fn each(&self, tell: impl Fn(&Queue)) {
        self.queues().retain(|queue| {
            let follows = !queue.left.load(Ordering::Relaxed);
            if follows {
                tell(queue);
            }
            follows
        });
    }

    fn queues(&self) -> MutexGuard<'_, Vec<Arc<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Fronts {
    fn drop(&mut self) {
        for queue in self.queues().iter() {
            queue.end();
        }
    }
}

/// The events of one session, in order, none left out.
#[derive(Debug)]
pub struct Events {
    queue: Arc<Queue>,
}

impl Events {
    /// The next event; none when the session is closed and all were taken. Nothing is lost when this is cancelled.
    pub async fn recv(&mut self) -> Option<Arc<Event>> {
        loop {
            {
                let mut waiting = self.queue.waiting();
                if let Some(event) = waiting.events.pop_front() {
                    return Some(event);
                }
                if waiting.ended {
                    return None;
                }
            }
            self.queue.more.notified().await;
        }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.waiting().events.is_empty()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.queue.left.store(true, Ordering::Relaxed);
    }
}

/// What a window gets.
#[derive(Debug, Clone)]
pub enum FeedMessage {
    /// Events in order.
    Events(Vec<Arc<Event>>),
    /// Events were lost: what was built from them must be asked for anew.
    Gap,
    /// How the index of a folder stands.
    Index(IndexStatus),
    /// The git command of the repository at this folder said or asked something, or ended: `git/running` tells what.
    Git(String),
}

impl Serialize for FeedMessage {
    /// `{"events": […]}`, `{"gap": true}`, `{"index": …}` or `{"git": "/folder"}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Events(events) => {
                let events: Vec<&Event> = events.iter().map(Arc::as_ref).collect();
                map.serialize_entry("events", &events)?;
            }
            Self::Gap => map.serialize_entry("gap", &true)?,
            Self::Index(status) => map.serialize_entry("index", status)?,
            Self::Git(folder) => map.serialize_entry("git", folder)?,
        }
        map.end()
    }
}

/// The events of all sessions that are open in this process, for a window: in batches, at most one a frame.
pub struct Feed {
    events: Events,
    /// Keeps the list of fronts, so that a feed lives as long as it is wanted.
    _fronts: Arc<Fronts>,
    next_frame: Instant,
}

impl Feed {
    pub(crate) fn new(fronts: Arc<Fronts>) -> Self {
        Self {
            events: fronts.follow([]),
            _fronts: fronts,
            next_frame: Instant::now(),
        }
    }

    /// Waits for the next batch: some kilobytes of events. Nothing is lost when this is cancelled.
    pub async fn next(&mut self) -> FeedMessage {
        loop {
            let something = {
                let waiting = self.events.queue.waiting();
                waiting.gap
                    || !waiting.events.is_empty()
                    || !waiting.indexes.is_empty()
                    || !waiting.git.is_empty()
            };
            if something {
                break;
            }
            self.events.queue.more.notified().await;
        }
        sleep_until(self.next_frame).await;
        self.next_frame = Instant::now() + FRAME;
        let mut waiting = self.events.queue.waiting();
        if std::mem::take(&mut waiting.gap) {
            return FeedMessage::Gap;
        }
        if let Some((_, status)) = waiting.indexes.pop_first() {
            return FeedMessage::Index(status);
        }
        if let Some(folder) = waiting.git.pop_first() {
            return FeedMessage::Git(folder);
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(event) = waiting.events.front() {
            let size = size(event);
            if !batch.is_empty() && bytes + size > BATCH {
                // The rest goes on at once: only small batches wait for their frame.
                self.next_frame = Instant::now();
                break;
            }
            bytes += size;
            batch.extend(waiting.events.pop_front());
        }
        FeedMessage::Events(batch)
    }
}

/// About how long an event is as JSON. Only deltas are small and many; others stand for a batch's worth each.
fn size(event: &Event) -> usize {
    match &event.body {
        EventBody::ItemUpdated { delta, .. } => 120 + delta.len(),
        _ => 1024,
    }
}

/// Fronts that follow one session are sent everything, however slow they are.
pub(crate) const ALL: usize = usize::MAX;
/// Windows can ask anew.
pub(crate) const WINDOW: usize = TOO_MANY;

#[cfg(test)]
mod tests {
    use super::*;
    use kerf_protocol::{ItemId, SessionId, search::IndexState};

    fn delta(item_id: ItemId, seq: u64, delta: &str) -> Arc<Event> {
        Arc::new(Event {
            session_id: SessionId::new(),
            seq,
            body: EventBody::ItemUpdated {
                item_id,
                delta: delta.to_owned(),
            },
        })
    }

    fn same_session(events: &mut [Arc<Event>]) {
        let session_id = events[0].session_id;
        for event in events {
            Arc::get_mut(event).unwrap().session_id = session_id;
        }
    }

    #[tokio::test]
    async fn deltas_of_one_item_are_joined_while_they_wait_and_shared_ones_stay() {
        let fronts = Fronts::default();
        let (one, other) = (ItemId::new(), ItemId::new());
        let mut all = [
            delta(one, 1, "a"),
            delta(one, 2, "b"),
            delta(other, 3, "c"),
            delta(one, 4, "d"),
        ];
        same_session(&mut all);
        let mut slow = fronts.follow([]);
        for event in &all {
            fronts.show(event, ALL);
        }
        let mut said = Vec::new();
        for _ in 0..3 {
            let event = slow.recv().await.unwrap();
            let EventBody::ItemUpdated { delta, .. } = &event.body else {
                panic!("{event:?}")
            };
            said.push((event.seq, delta.clone()));
        }
        assert_eq!(
            said,
            [
                (2, "ab".to_owned()),
                (3, "c".to_owned()),
                (4, "d".to_owned())
            ]
        );
        assert_eq!(all[0].seq, 1);
        assert!(matches!(&all[0].body, EventBody::ItemUpdated { delta, .. } if delta == "a"));
    }

    #[tokio::test]
    async fn of_an_index_only_the_last_word_is_told() {
        let fronts = Arc::new(Fronts::default());
        let mut feed = Feed::new(Arc::clone(&fronts));
        let status = |folder: &str, files| IndexStatus {
            folder: folder.to_owned(),
            state: IndexState::Ready,
            files,
            bytes: 0,
            left_out: Vec::new(),
            size: 0,
            changed_at: None,
            note: None,
        };
        for files in 1..=3 {
            fronts.show_index(&status("/a", files));
        }
        fronts.show_index(&status("/b", 9));
        for expected in [status("/a", 3), status("/b", 9)] {
            assert!(matches!(feed.next().await, FeedMessage::Index(told) if told == expected));
        }
        fronts.show(&delta(ItemId::new(), 1, "x"), WINDOW);
        assert!(matches!(feed.next().await, FeedMessage::Events(_)));
    }

    #[tokio::test]
    async fn who_lets_too_much_wait_is_told_of_the_gap() {
        let fronts = Arc::new(Fronts::default());
        let mut feed = Feed::new(Arc::clone(&fronts));
        for seq in 1..=5 {
            fronts.show(&delta(ItemId::new(), seq, "x"), 4);
        }
        assert!(matches!(feed.next().await, FeedMessage::Gap));
        let FeedMessage::Events(rest) = feed.next().await else {
            panic!("a second gap")
        };
        assert_eq!(rest.len(), 1);
        assert_eq!(rest[0].seq, 5);
    }
}
