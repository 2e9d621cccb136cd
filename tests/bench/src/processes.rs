//! What the kernel says of processes: their CPU time, memory, age and descendants. Nothing off Linux.

use std::{
    collections::HashSet,
    fs,
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

const SAMPLE_EVERY: Duration = Duration::from_millis(5);
/// The kernel's unit of CPU time in /proc, on every platform that Linux has for desktops.
const TICKS_PER_SECOND: f64 = 100.0;

/// The fields of a `stat` file behind the program's name, which may hold anything. The first is the state.
fn fields(stat: &str) -> Vec<&str> {
    stat.rsplit_once(')')
        .map_or(Vec::new(), |(_, rest)| rest.split_whitespace().collect())
}

pub(crate) fn has_ended(stat: &str) -> bool {
    matches!(fields(stat).first(), None | Some(&("Z" | "X")))
}

/// utime, stime and those of the children that were waited for: fields 14 to 17 of proc_pid_stat(5).
pub(crate) fn cpu_seconds(stat: &str) -> Option<f64> {
    let ticks: Option<Vec<f64>> = fields(stat)
        .get(11..15)?
        .iter()
        .map(|ticks| ticks.parse().ok())
        .collect();
    Some(ticks?.iter().sum::<f64>() / TICKS_PER_SECOND)
}

/// Reads the memory of a process and its descendants again and again.
pub(crate) struct Sampler {
    stop: Sender<()>,
    thread: JoinHandle<Vec<(Instant, u64)>>,
}

impl Sampler {
    pub(crate) fn start(pid: u32) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut samples = Vec::new();
            while stopped.recv_timeout(SAMPLE_EVERY) == Err(RecvTimeoutError::Timeout) {
                let bytes = memory_of_tree(pid);
                if bytes > 0 {
                    samples.push((Instant::now(), bytes));
                }
            }
            samples
        });
        Self { stop, thread }
    }

    pub(crate) fn stop(self) -> Vec<(Instant, u64)> {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}

/// The memory of a process and its descendants in bytes.
pub(crate) fn memory_of_tree(pid: u32) -> u64 {
    tree(pid).into_iter().filter_map(proportional_set).sum()
}

/// CPU seconds of a process and its descendants until now, those included that ended and were waited for.
pub(crate) fn cpu_of_tree(pid: u32) -> f64 {
    let stat = |pid| fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    let seconds = tree(pid)
        .into_iter()
        .filter_map(|pid| cpu_seconds(&stat(pid)?));
    seconds.sum()
}

/// How long ago a process was made.
pub(crate) fn age(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let now: f64 = uptime.split(' ').next()?.parse().ok()?;
    // starttime: field 22 of proc_pid_stat(5).
    let begun: f64 = fields(&stat).get(19)?.parse().ok()?;
    Duration::try_from_secs_f64(now - begun / TICKS_PER_SECOND).ok()
}

/// The process and its descendants.
fn tree(pid: u32) -> HashSet<u32> {
    let mut all = HashSet::from([pid]);
    let mut open = vec![pid];
    while let Some(pid) = open.pop() {
        let tasks = fs::read_dir(format!("/proc/{pid}/task"))
            .into_iter()
            .flatten()
            .flatten();
        for task in tasks {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            let children = children
                .split_whitespace()
                .filter_map(|child| child.parse().ok());
            open.extend(children.filter(|child| all.insert(*child)));
        }
    }
    all
}

/// Proportional set size in bytes: private pages, and a share of those that other processes have too.
fn proportional_set(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.trim().split(' ').next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_files_are_read_behind_odd_names() {
        let stat = "7 (a) b (c) Z 1 7 7 0 -1 4 0 0 0 0 120 30 40 10 20 0 1 0";
        assert!(has_ended(stat) && !has_ended(&stat.replace('Z', "S")) && has_ended(""));
        assert_eq!(cpu_seconds(stat), Some(2.0));
    }
}
