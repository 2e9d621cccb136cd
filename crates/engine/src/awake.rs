//! The sessions that are open in this process, each with a place of its own: opening one keeps nobody waiting but those
//! who want the same.

use crate::{engine::Engine, wake::Live};
use kerf_protocol::{Failure, SessionId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard};

type Slot = Arc<AsyncMutex<Option<Arc<Live>>>>;

/// The sessions by their ids. A place in which nothing is and that nobody holds is not kept.
#[derive(Default)]
pub(crate) struct Awake {
    slots: Mutex<HashMap<SessionId, Slot>>,
}

impl Awake {
    /// The place of a session, whether it is open or not.
    pub(crate) fn place(&self, session_id: SessionId) -> Place<'_> {
        let slot = Arc::clone(self.slots().entry(session_id).or_default());
        Place {
            awake: self,
            session_id,
            slot,
        }
    }

    /// The session, if it is open.
    pub(crate) async fn get(&self, session_id: SessionId) -> Option<Arc<Live>> {
        let place = self.place(session_id);
        let live = place.lock().await;
        live.clone()
    }

    /// All sessions that are open; none: one is just being opened or deleted.
    pub(crate) fn each(&self) -> Option<Vec<Arc<Live>>> {
        let slots = self.slots();
        let open = slots.values().map(|slot| slot.try_lock().ok());
        let open = open.map(|place| place.map(|live| live.clone()));
        let open: Option<Vec<_>> = open.collect();
        open.map(|open| open.into_iter().flatten().collect())
    }

    /// The sessions that are open and not just being opened or deleted.
    pub(crate) fn all(&self) -> Vec<Arc<Live>> {
        let slots = self.slots();
        slots
            .values()
            .filter_map(|slot| slot.try_lock().ok()?.clone())
            .collect()
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<SessionId, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one session.
pub(crate) struct Place<'a> {
    awake: &'a Awake,
    session_id: SessionId,
    slot: Slot,
}

impl Place<'_> {
    /// Waits for whoever opens or deletes the session.
    pub(crate) async fn lock(&self) -> AsyncMutexGuard<'_, Option<Arc<Live>>> {
        self.slot.lock().await
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut slots = self.awake.slots();
        // Let go of under the lock, so that the last of several who do sees that it is the last.
        let slot = std::mem::take(&mut self.slot);
        let only_here = Arc::strong_count(&slot) == 2;
        if only_here && slot.try_lock().is_ok_and(|live| live.is_none()) {
            slots.remove(&self.session_id);
        }
        drop(slot);
    }
}

impl Engine {
    /// The session, opened in this process if it is not yet.
    pub(crate) async fn live(&self, session_id: SessionId) -> Result<Arc<Live>, Failure> {
        if let Some(live) = self.awake().get(session_id).await {
            return Ok(live);
        }
        // Who collects blobs looks at the open sessions: this one is there, or nobody collects.
        let _naming = self.naming().read_owned().await;
        let place = self.awake().place(session_id);
        let mut slot = place.lock().await;
        if let Some(live) = &*slot {
            return Ok(Arc::clone(live));
        }
        let live = Arc::new(self.wake(session_id).await?);
        *slot = Some(Arc::clone(&live));
        Ok(live)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_place_with_nothing_in_it_goes_with_the_last_who_holds_it() {
        let awake = Awake::default();
        let id = SessionId::new();
        let (first, second) = (awake.place(id), awake.place(id));
        let held = first.lock().await;
        // Somebody who waited and gave up.
        assert!(
            futures_util::FutureExt::now_or_never(second.lock()).is_none(),
            "both are the same place"
        );
        drop(held);
        drop(first);
        assert_eq!(awake.slots().len(), 1);
        drop(second);
        assert!(awake.slots().is_empty());
        assert!(awake.get(id).await.is_none());
        assert!(awake.slots().is_empty());
    }
}
