//! Work that gives way: it takes what other programs leave of the processor, and holds up no search.

use std::{panic::resume_unwind, thread};

/// Runs something on a thread that gives way, and waits for it. On Linux what it starts gives way as well.
pub(crate) fn run<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let working = scope.spawn(|| {
            give_way();
            work()
        });
        working.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Has the calling thread give way as long as it lives; there is no way back. Where the system refuses, it is a thread
/// like any other, which is only less polite.
pub(crate) fn give_way() {
    imp::give_way();
}

#[cfg(target_os = "linux")]
mod imp {
    /// A tenth of the share of a thread of the usual priority.
    const NICE: i32 = 10;

    pub(super) fn give_way() {
        // Nobody in particular is the calling thread, and not the process as the name of the call says.
        let is_nice = rustix::process::getpriority_process(None).is_ok_and(|nice| nice >= NICE);
        // Who may do so would become less nice again.
        if !is_nice {
            rustix::process::setpriority_process(None, NICE).unwrap_or_default();
        }
    }
}

#[cfg(windows)]
mod imp {
    use thread_priority::{ThreadPriority, WinAPIThreadPriority, set_current_thread_priority};

    pub(super) fn give_way() {
        let background = ThreadPriority::Os(WinAPIThreadPriority::BackgroundModeBegin.into());
        drop(set_current_thread_priority(background));
    }
}

#[cfg(target_os = "macos")]
mod imp {
    use thread_priority::{ThreadPriority, set_current_thread_priority};

    pub(super) fn give_way() {
        drop(set_current_thread_priority(ThreadPriority::Min));
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
mod imp {
    pub(super) fn give_way() {}
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// How nice the calling thread is, as the system says.
    fn nice() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        // What comes before may hold blanks.
        let (_, rest) = stat.rsplit_once(')').unwrap();
        rest.split_whitespace().nth(16).unwrap().parse().unwrap()
    }

    #[test]
    fn only_what_runs_in_the_background_gives_way() {
        let before = nice();
        let (inside, started) = run(|| (nice(), thread::spawn(nice).join().unwrap()));
        // The suite itself may be run so that it gives way.
        assert_eq!(inside, before.max(10));
        assert_eq!(started, inside, "what it starts gives way as well");
        assert_eq!(nice(), before);
    }

    #[test]
    fn what_gives_way_more_already_stays_as_it_is() {
        let inside = thread::spawn(|| {
            rustix::process::setpriority_process(None, 19).unwrap();
            run(nice)
        });
        assert_eq!(inside.join().unwrap(), 19);
    }
}
