//! The attempts that wait until the machine has room for them, and stopping those: they have no turn yet that could be.

use kerf_protocol::SessionId;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// The attempts that have not begun, each with what stops it.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<BTreeMap<SessionId, CancellationToken>>);

impl Waiting {
    /// An attempt waits from now on, until it is said to have begun.
    pub(super) fn begin(&self, session_id: SessionId) -> CancellationToken {
        let stop = CancellationToken::new();
        self.all().insert(session_id, stop.clone());
        stop
    }

    /// It waits no more: from here on its turn is what can be stopped.
    pub(super) fn end(&self, session_id: SessionId) {
        self.all().remove(&session_id);
    }

    /// Stops it, if it waits.
    pub(crate) fn stop(&self, session_id: SessionId) {
        if let Some(stop) = self.all().get(&session_id) {
            stop.cancel();
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<SessionId, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
