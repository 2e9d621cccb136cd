//! Whether this computer has slept.
//!
//! In sleep nobody tells of what changes in a folder that another computer serves, and a system may forget what it was
//! about to tell. So whoever relies on what was told asks here first. Each system has a clock that goes on in sleep and
//! one that stands still. How far they are apart grows with each sleep, so nothing need run, or wake up, to notice one.

use std::fmt;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Message;

/// Clocks that are set right move this far apart without a sleep.
const SHORT: Duration = Duration::from_secs(1);

/// Tells how long this computer has slept by now, counted from any moment. The default asks the system.
#[derive(Clone)]
pub struct SleepClock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl SleepClock {
    /// A clock that says what the function returns.
    pub fn new(slept: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(slept))
    }

    /// How long this computer has slept.
    #[must_use]
    pub fn slept(&self) -> Duration {
        (self.0)()
    }
}

impl Default for SleepClock {
    fn default() -> Self {
        let system = imp::System::new();
        Self::new(move || system.slept())
    }
}

impl fmt::Debug for SleepClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SleepClock").field(&self.slept()).finish()
    }
}

/// The sleeps that somebody noticed. Has the watcher begin anew after each.
#[derive(Debug)]
pub(super) struct Sleeps {
    clock: SleepClock,
    inbox: Sender<Message>,
    noticed: Mutex<Noticed>,
}

#[derive(Debug)]
struct Noticed {
    slept: Duration,
    count: u64,
}

impl Sleeps {
    pub(super) fn new(clock: SleepClock, inbox: Sender<Message>) -> Self {
        let slept = clock.slept();
        Self {
            clock,
            inbox,
            noticed: Mutex::new(Noticed { slept, count: 0 }),
        }
    }

    /// How many there were by now.
    pub(super) fn count(&self) -> u64 {
        let slept = self.clock.slept();
        let mut noticed = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
        if slept.saturating_sub(noticed.slept) >= SHORT {
            *noticed = Noticed {
                slept,
                count: noticed.count + 1,
            };
            // The watcher may have ended.
            drop(self.inbox.send(Message::Slept));
        }
        noticed.count
    }
}

// Everywhere the clock that goes on is read first: a thread that is held up between the two then has slept less, not more.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    pub(super) struct System;

    impl System {
        pub(super) fn new() -> Self {
            Self
        }

        pub(super) fn slept(&self) -> Duration {
            let since_start = read(ClockId::Boottime);
            since_start.saturating_sub(read(ClockId::Monotonic))
        }
    }

    fn read(clock: ClockId) -> Duration {
        // Neither is ever negative.
        Duration::try_from(clock_gettime(clock)).unwrap_or_default()
    }
}

/// `Instant` stands still here, and `CLOCK_MONOTONIC` goes on.
#[cfg(target_os = "macos")]
mod imp {
    use std::time::{Duration, Instant};

    use rustix::time::{ClockId, clock_gettime};

    pub(super) struct System {
        began: Instant,
    }

    impl System {
        pub(super) fn new() -> Self {
            let began = Instant::now();
            Self { began }
        }

        pub(super) fn slept(&self) -> Duration {
            // It is never negative.
            let goes_on = Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default();
            goes_on.saturating_sub(self.began.elapsed())
        }
    }
}

/// `Instant` goes on here.
#[cfg(windows)]
mod imp {
    use std::time::{Duration, Instant};

    pub(super) struct System {
        began: Instant,
        awake_before: Duration,
    }

    impl System {
        pub(super) fn new() -> Self {
            Self {
                awake_before: awake(),
                began: Instant::now(),
            }
        }

        pub(super) fn slept(&self) -> Duration {
            let goes_on = self.began.elapsed();
            goes_on.saturating_sub(awake().saturating_sub(self.awake_before))
        }
    }

    fn awake() -> Duration {
        // It counts in 100 ns, and fails only for a pointer that is null.
        let ticks = winsafe::QueryUnbiasedInterruptTime().unwrap_or_default();
        Duration::from_micros(ticks / 10)
    }
}

/// Nothing is known of the clocks of other systems.
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    windows
)))]
mod imp {
    use std::time::Duration;

    pub(super) struct System;

    impl System {
        pub(super) fn new() -> Self {
            Self
        }

        pub(super) fn slept(&self) -> Duration {
            Duration::ZERO
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn each_sleep_is_noticed_once_and_what_clocks_differ_by_is_none() {
        let millis = Arc::new(AtomicU64::new(5_000));
        let clock = Arc::clone(&millis);
        let (inbox, outbox) = mpsc::channel();
        let sleeps = Sleeps::new(
            SleepClock::new(move || Duration::from_millis(clock.load(Ordering::Relaxed))),
            inbox,
        );
        for (now, count) in [
            (5_000, 0),
            (5_900, 0),
            // It is as long ago that it was noticed, and not as long ago that it was asked.
            (6_100, 1),
            (6_100, 1),
            (6_000, 1),
            (7_050, 1),
            (90_000, 2),
        ] {
            millis.store(now, Ordering::Relaxed);
            assert_eq!(sleeps.count(), count, "at {now}");
        }
        drop(sleeps);
        assert_eq!(outbox.iter().count(), 2, "the watcher is told of each");
    }
}
