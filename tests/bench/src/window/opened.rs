//! A window that was started to be measured. It is ended with its web processes before the next one starts.

use crate::{
    Done,
    processes::{age, cpu_of_tree, memory_of_tree},
};
use serde_json::Value;
use std::{
    path::Path,
    sync::mpsc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use window_tests::{Desk, Window, until};

/// The window of Kerf, and one of the same kind with nothing in it.
pub(crate) const KERF: &str = "kerf-desktop";
pub(crate) const EMPTY: &str = "empty-window";
/// Where a user types; both windows have it.
pub(crate) const FIELD: &str = "textarea[aria-label=Message]";
/// The processes that draw and load for a window.
const WEB: [&str; 2] = ["WebKitWebProcess", "WebKitNetworkProcess"];
/// No wait for quiet takes longer.
const UNREST: u32 = 20;

pub(crate) struct Opened<'a> {
    pub(crate) window: Window,
    desk: &'a Desk,
    program: &'static str,
    pid: u32,
    /// When the process was made, in milliseconds of the page's clock.
    begun: f64,
}

impl<'a> Opened<'a> {
    /// Starts a program, and gives its window as soon as there is one.
    pub(crate) fn start(desk: &'a Desk, program: &'static str, folder: &Path) -> Done<Self> {
        let folders = [folder];
        let folders = if program == KERF { &folders[..] } else { &[] };
        let window = desk.start(program, folders);
        let pid = desk.processes(program).first().copied();
        let pid = pid.and_then(|pid| u32::try_from(pid).ok());
        let pid = pid.ok_or_else(|| format!("{program} is not there"))?;
        let age = age(pid).ok_or_else(|| format!("the age of {program} is not known"))?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Ok(Self {
            window,
            desk,
            program,
            pid,
            begun: now.saturating_sub(age).as_secs_f64() * 1e3,
        })
    }

    /// As [`Opened::start`], and waits until it can be typed into and nothing is left of the start.
    pub(crate) fn settled(desk: &'a Desk, program: &'static str, folder: &Path) -> Done<Self> {
        let opened = Self::start(desk, program, folder)?;
        opened
            .window
            .wait(&format!("document.querySelector('{FIELD}')"));
        opened.come_to_rest();
        Ok(opened)
    }

    /// Waits until all its processes have nothing to do for a second.
    pub(crate) fn come_to_rest(&self) {
        let mut before = self.cpu();
        for _ in 0..UNREST {
            pass(Duration::from_secs(1));
            let now = self.cpu();
            if now - before < 0.015 {
                return;
            }
            before = now;
        }
    }

    /// CPU seconds of all its processes until now.
    pub(crate) fn cpu(&self) -> f64 {
        cpu_of_tree(self.pid)
    }

    /// Memory of all its processes in bytes.
    pub(crate) fn memory(&self) -> u64 {
        memory_of_tree(self.pid)
    }

    /// Milliseconds from the making of the process to a time of the page, as `Date.now()` has it.
    pub(crate) fn since_begun(&self, time: &Value) -> Done<f64> {
        let time = time.as_f64().ok_or("the page does not tell a time")?;
        Ok(time - self.begun)
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The desk ends it.
            return;
        }
        self.desk.kill(self.program);
        until("the web processes end with their window", || {
            WEB.iter().all(|name| self.desk.processes(name).is_empty())
        });
    }
}

/// Lets time pass in which the windows are looked at.
pub(crate) fn pass(time: Duration) {
    let (_never, tick) = mpsc::channel::<()>();
    let _timeout = tick.recv_timeout(time);
}
