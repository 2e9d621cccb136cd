//! A computer that sleeps when a test wants it to.

use kerf_workspace::SleepClock;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// How often it has slept, an hour each time. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Sleeper(Arc<AtomicU64>);

impl Sleeper {
    /// Tells how long it has slept.
    #[must_use]
    pub fn clock(&self) -> SleepClock {
        let hours = Arc::clone(&self.0);
        SleepClock::new(move || Duration::from_secs(3600 * hours.load(Ordering::SeqCst)))
    }

    /// It sleeps, and is awake again.
    pub fn naps(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
