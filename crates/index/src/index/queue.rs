//! What the index has been told and has not yet taken in: one slot, in which several changes become one.

use super::Change;
use kerf_workspace::RelPath;
use std::{
    collections::BTreeSet,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// More paths than this are looked at faster by walking.
const MAX_PATHS: usize = 10_000;

/// The slot, and who waits for it.
#[derive(Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    pending: Pending,
    /// How many changes were told, and how many of them are in the index.
    told: u64,
    done: u64,
    is_stopped: bool,
}

/// What is to be looked at.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Pending {
    #[default]
    Nothing,
    Paths(BTreeSet<RelPath>),
    Everything,
}

impl Queue {
    pub(super) fn tell(&self, change: Change) {
        let mut inner = self.lock();
        inner.pending.join(match change {
            Change::Paths(paths) => Pending::Paths(paths.into_iter().collect()),
            Change::Everything => Pending::Everything,
        });
        inner.told += 1;
        self.changed.notify_all();
    }

    /// Has the thread come round once more.
    pub(super) fn nudge(&self) {
        self.lock().told += 1;
        self.changed.notify_all();
    }

    pub(super) fn stop(&self) {
        self.lock().is_stopped = true;
        self.changed.notify_all();
    }

    /// What is to be looked at, by the caller from now on.
    pub(super) fn take(&self) -> Pending {
        std::mem::take(&mut self.lock().pending)
    }

    /// What the caller could not look at after all.
    pub(super) fn put_back(&self, pending: Pending) {
        self.lock().pending.join(pending);
    }

    /// Waits for changes, or until the time comes. The number of the last change told; `None` at the end.
    pub(super) fn next(&self, until: Option<Instant>) -> Option<u64> {
        let inner = self.wait(until, |inner| inner.is_stopped || inner.told > inner.done);
        (!inner.is_stopped).then_some(inner.told)
    }

    pub(super) fn done(&self, told: u64) {
        self.lock().done = told;
        self.changed.notify_all();
    }

    pub(super) fn is_done(&self) -> bool {
        let inner = self.lock();
        inner.done == inner.told
    }

    /// Waits until everything told before is in. Whether it is.
    pub(super) fn wait_done(&self, until: Instant) -> bool {
        let told = self.lock().told;
        let is_in = |inner: &Inner| inner.done >= told;
        is_in(&self.wait(Some(until), |inner| inner.is_stopped || is_in(inner)))
    }

    fn wait(
        &self,
        until: Option<Instant>,
        is_it: impl Fn(&Inner) -> bool,
    ) -> MutexGuard<'_, Inner> {
        let mut inner = self.lock();
        while !is_it(&inner) {
            let Some(until) = until else {
                inner = self
                    .changed
                    .wait(inner)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            inner = match self.changed.wait_timeout(inner, left) {
                Ok((inner, _)) => inner,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        inner
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    fn join(&mut self, more: Self) {
        match (&mut *self, more) {
            (_, Self::Nothing) | (Self::Everything, _) => {}
            (Self::Paths(paths), Self::Paths(more)) => {
                paths.extend(more);
                if paths.len() > MAX_PATHS {
                    *self = Self::Everything;
                }
            }
            (slot, more) => *slot = more,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn paths(names: &[&str]) -> Change {
        let path = |name: &&str| RelPath::new(Path::new(name)).unwrap();
        Change::Paths(names.iter().map(path).collect())
    }

    #[test]
    fn changes_become_one() {
        let queue = Queue::default();
        queue.tell(paths(&["b"]));
        queue.tell(paths(&["a", "b"]));
        assert_eq!(queue.next(None), Some(2));
        let Pending::Paths(taken) = queue.take() else {
            panic!("paths");
        };
        assert_eq!(taken.len(), 2);
        assert_eq!(queue.take(), Pending::Nothing);
        queue.tell(paths(&["c"]));
        queue.put_back(Pending::Everything);
        queue.tell(paths(&["d"]));
        assert_eq!(queue.take(), Pending::Everything);
        let soon = Instant::now();
        assert!(!queue.wait_done(soon), "nothing is done yet");
        queue.done(4);
        assert!(queue.is_done() && queue.wait_done(soon));
        assert_eq!(queue.next(Some(soon)), Some(4), "in time, for nothing new");
        queue.stop();
        assert_eq!(queue.next(None), None);
    }
}
