//! A control group for one command, with limits that hold for the whole tree of its processes.
//!
//! It is made only where the system gave this user a part of the tree of groups, as systemd does for the programs of a
//! desktop session: beside the group of this process, with `memory` and `pids` switched on there. Elsewhere, and for
//! root, who would interfere with the system's own order, there is none, and the limits of `limits.rs` serve alone.

use super::syscall;
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process,
};

/// Processes and threads at once.
const TASKS: u64 = 4_096;

/// A part of the machine's memory that a command leaves to the others: one in so many.
const SPARED: u64 = 8;

/// A group that no process is in yet. Dropping removes it, once it is empty.
pub(super) struct Group {
    path: PathBuf,
    /// Where this process belongs.
    home: File,
}

impl Group {
    /// Makes a group, where that is possible.
    pub(super) fn make() -> Option<Self> {
        if syscall::user() == 0 {
            return None;
        }
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let memory = memory_of_machine(&fs::read_to_string("/proc/meminfo").ok()?)?;
        Self::make_below(Path::new("/sys/fs/cgroup"), &own, memory)
    }

    fn make_below(root: &Path, own: &str, memory: u64) -> Option<Self> {
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let own = root.join(own);
        let parent = own.parent().filter(|parent| parent.starts_with(root))?;
        let granted = fs::read_to_string(parent.join("cgroup.subtree_control")).ok()?;
        let has = |name: &str| granted.split_ascii_whitespace().any(|one| one == name);
        if !has("memory") || !has("pids") {
            return None;
        }
        let home = OpenOptions::new()
            .write(true)
            .open(own.join("cgroup.procs"));
        let home = home.ok()?;
        let path = parent.join(format!("kerf-{}", process::id()));
        fs::create_dir(&path).ok()?;
        let group = Self { path, home };
        let limits = [
            ("pids.max", TASKS),
            ("memory.max", memory - memory / SPARED),
        ];
        for (name, value) in limits {
            fs::write(group.path.join(name), value.to_string()).ok()?;
        }
        Some(group)
    }

    /// Starts a process in the group by `start`: this process goes in, and comes out again.
    pub(super) fn around<T>(&self, start: impl FnOnce() -> T) -> T {
        // What cannot go in runs under the other limits.
        let _ = fs::write(self.path.join("cgroup.procs"), "0");
        let started = start();
        let _ = (&self.home).write_all(b"0");
        started
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.path);
    }
}

/// Bytes of memory, from the first line of `/proc/meminfo`.
fn memory_of_machine(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// A tree of plain files in the place of the kernel's.
    #[rstest]
    #[case::delegated("0::/user/app/own.scope\n", "cpu memory pids\n", true)]
    #[case::both_versions("9:pids:/\n0::/user/app/own.scope\n", "memory pids", true)]
    #[case::without_memory("0::/user/app/own.scope\n", "pids", false)]
    #[case::at_the_top("0::/\n", "memory pids", false)]
    #[case::elsewhere("0::/user/other/own.scope\n", "memory pids", false)]
    #[case::the_old_version("9:pids:/user/app/own.scope\n", "memory pids", false)]
    fn it_is_made_where_the_tree_is_ours(
        #[case] own: &str,
        #[case] granted: &str,
        #[case] made: bool,
    ) {
        let root = tempfile::tempdir().unwrap();
        let app = root.path().join("user/app");
        fs::create_dir_all(app.join("own.scope")).unwrap();
        for folder in [root.path(), &app] {
            fs::write(folder.join("cgroup.subtree_control"), granted).unwrap();
        }
        fs::write(app.join("own.scope/cgroup.procs"), "").unwrap();
        let group = Group::make_below(root.path(), own, 800);
        assert_eq!(group.is_some(), made);
        let Some(group) = group else {
            assert_eq!(fs::read_dir(&app).unwrap().count(), 2);
            return;
        };
        let read = |name: &str| fs::read_to_string(group.path.join(name)).unwrap();
        assert_eq!(
            (read("memory.max").as_str(), read("pids.max").as_str()),
            ("700", "4096")
        );
        assert_eq!(group.path.parent(), Some(app.as_path()));
        let home = || fs::read_to_string(app.join("own.scope/cgroup.procs")).unwrap();
        group.around(|| assert_eq!((read("cgroup.procs").as_str(), home().as_str()), ("0", "")));
        assert_eq!(home(), "0", "it is back");
    }

    #[test]
    fn memory_is_read() {
        assert_eq!(
            memory_of_machine("MemTotal:       24684096 kB\nMemFree: 1 kB\n"),
            Some(24_684_096 * 1024)
        );
        assert_eq!(memory_of_machine("MemTotal: many\n"), None);
    }
}
