//! One at a time, and who waits can give up.

use crate::SearchError;
use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How often who waits looks whether that is still wanted.
const PATIENCE: Duration = Duration::from_millis(20);

/// What only one has at a time.
#[derive(Default)]
pub(super) struct Turn {
    is_taken: Mutex<bool>,
    given_back: Condvar,
}

/// Gives the turn back when it is dropped.
pub(super) struct Taken<'t>(&'t Turn);

impl Turn {
    /// Waits until nobody has it.
    pub(super) fn take(&self, cancel: &AtomicBool) -> Result<Taken<'_>, SearchError> {
        let mut is_taken = super::locked(&self.is_taken);
        while *is_taken {
            if cancel.load(Ordering::Relaxed) {
                return Err(SearchError::Cancelled);
            }
            let waited = self.given_back.wait_timeout(is_taken, PATIENCE);
            is_taken = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *is_taken = true;
        Ok(Taken(self))
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *super::locked(&self.0.is_taken) = false;
        self.0.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn who_is_cancelled_waits_no_longer() {
        let turn = Turn::default();
        let (never, cancel) = (AtomicBool::new(false), AtomicBool::new(false));
        let taken = turn.take(&never).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| turn.take(&cancel).is_err());
            cancel.store(true, Ordering::Relaxed);
            assert!(waiting.join().unwrap(), "it was not its turn");
        });
        thread::scope(|scope| {
            let waiting = scope.spawn(|| turn.take(&never).is_ok());
            drop(taken);
            assert!(waiting.join().unwrap(), "its turn came");
        });
        assert!(turn.take(&never).is_ok(), "given back");
    }
}
