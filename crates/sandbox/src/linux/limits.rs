//! What a command may use up: its own limits by the kernel, and a watch over what the whole tree does.
//!
//! There is no limit on memory here, because address space says little about it; a control group sets one where there
//! is one (`group.rs`), and a command is the first that the kernel ends when memory runs out.

use super::{syscall, tree};
use crate::plan::Plan;
use std::{ffi::OsString, fs};

/// One file may be this long, in bytes.
const FILE_BYTES: u64 = 16 << 30;

/// So many processes and threads more than the machine has at its start may the command have. The kernel counts
/// the user's other programs as well, so the limit is set above what there is; it does not bind root.
const MORE_TASKS: u64 = 4_096;

/// The command may have this many processes, whoever it runs as.
const PROCESSES: usize = 2_000;

/// So many new tasks on the whole machine make it worth counting the command's own.
const SUSPICIOUS_TASKS: u64 = 500;

/// Space on disk that a command must leave, in bytes, or half of what was there at its start.
const DISK_FLOOR: u64 = 256 << 20;

/// Limits the calling process and its descendants. What the user has limited further stays so.
pub(super) fn limit_this_process() {
    syscall::limit_core_dumps();
    syscall::limit_file_size(FILE_BYTES);
    if let Some(tasks) = tasks_on_machine() {
        syscall::limit_processes(tasks + MORE_TASKS);
    }
    // Inherited by all children; the highest value is killed first.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
}

/// The watch over one command.
pub(super) struct Limits {
    tasks_at_start: u64,
    disks: Vec<(OsString, u64)>,
}

impl Limits {
    pub(super) fn new(plan: &Plan) -> Self {
        let disks = [&plan.workspace, &plan.temp]
            .into_iter()
            .filter_map(|path| {
                let floor = DISK_FLOOR.min(syscall::free_bytes(path)? / 2);
                Some((path.clone(), floor))
            });
        Self {
            tasks_at_start: tasks_on_machine().unwrap_or(0),
            disks: disks.collect(),
        }
    }

    /// The limit that is broken, if one is. Cheap enough to ask several times a second.
    pub(super) fn broken(&mut self) -> Option<String> {
        let many =
            tasks_on_machine().is_none_or(|tasks| tasks > self.tasks_at_start + SUSPICIOUS_TASKS);
        if many && tree::descendants_up_to(PROCESSES).len() > PROCESSES {
            return Some(format!("more than {PROCESSES} processes at once"));
        }
        let full = |(path, floor): &&(OsString, u64)| {
            syscall::free_bytes(path).is_some_and(|free| free < *floor)
        };
        let (path, _) = self.disks.iter().find(full)?;
        Some(format!("the disk of `{}` is nearly full", path.display()))
    }
}

/// Processes and threads on the machine: the number after the slash in `0.1 0.2 0.3 2/345 6789`.
fn tasks_on_machine() -> Option<u64> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    load.split_ascii_whitespace()
        .nth(3)?
        .split_once('/')?
        .1
        .parse()
        .ok()
}
