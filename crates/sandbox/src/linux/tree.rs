//! Which processes descend from this one.

use std::{fs, process};

/// The processes whose parent is this one, zombies among them.
pub(super) fn children() -> Vec<i32> {
    children_of(process::id().cast_signed()).unwrap_or_else(children_by_scan)
}

/// All descendants of this process, parents before their children.
pub(super) fn descendants() -> Vec<i32> {
    descendants_up_to(usize::MAX)
}

/// Descendants of this process, not many more than `enough`.
pub(super) fn descendants_up_to(enough: usize) -> Vec<i32> {
    let mut all = children();
    let mut next = 0;
    while let Some(&pid) = all.get(next).filter(|_| all.len() <= enough) {
        all.extend(children_of(pid).unwrap_or_default());
        next += 1;
    }
    all
}

/// Asks the kernel for the children of each thread of `pid`. `None` when the process is gone or the kernel was
/// built without this list.
fn children_of(pid: i32) -> Option<Vec<i32>> {
    let mut children = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        let list = fs::read_to_string(thread.path().join("children")).ok()?;
        children.extend(
            list.split_ascii_whitespace()
                .filter_map(|pid| pid.parse::<i32>().ok()),
        );
    }
    Some(children)
}

/// The children found by asking every process for its parent.
fn children_by_scan() -> Vec<i32> {
    let own = process::id().to_string();
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| parent(*pid).is_some_and(|parent| parent == own))
        .collect()
}

fn parent(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, also parentheses; state and parent follow the last one.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_find_the_same_children() {
        #[expect(clippy::disallowed_methods, reason = "a child of the test itself")]
        let mut child = process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id().cast_signed();
        assert!(children().contains(&pid));
        assert!(children_by_scan().contains(&pid));
        assert!(descendants().contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!children().contains(&pid));
    }
}
