//! While an index is being built: what is told of it, that it can be stopped, and that it gives way to others.

use super::{LONG, grep, some_files};
use crate::{
    folder::pattern,
    gate::{Gate, Shut},
};
use kerf_index::{Event, Index, Phase};
use std::{sync::mpsc::channel, time::Instant};

const FILES: usize = 2_000;

#[test]
fn progress_is_told_and_a_stop_ends_the_building_and_no_search() {
    let folder = some_files(FILES);
    let gate = Gate::new(&folder, Shut::ReadsAfter(FILES / 10));
    let place = tempfile::tempdir().unwrap();
    let (sender, events) = channel();
    let index = Index::open(gate.workspace(), place.path(), move |event| {
        drop(sender.send(event));
    });
    let building = loop {
        match events.recv_timeout(LONG).unwrap() {
            Event::Status(status) if matches!(status.state, Phase::Building { .. }) => {
                break status;
            }
            _ => {}
        }
    };
    let Phase::Building {
        files_done,
        files_total,
        bytes_done,
        bytes_total,
        ..
    } = building.state
    else {
        unreachable!("it was looked for");
    };
    assert_eq!((files_total, building.files), (FILES, FILES));
    assert!(files_done < files_total && bytes_done < bytes_total);
    assert_eq!(bytes_total, building.bytes);
    index.cancel();
    gate.open();
    let is_whole = index.wait(Instant::now() + LONG);
    assert!(!is_whole, "what was told is not in");
    let last = format!(r"name_{}\(", FILES - 1);
    assert_eq!(grep(&index, &pattern(&last)).total, 1, "a search reads it");
    drop(index);
    let read = events.iter().filter_map(|event| match event {
        Event::Status(status) => Some(status.contents_read),
        _ => None,
    });
    assert!(read.last().is_none_or(|read| read < FILES as u64));
    // What was read until then is kept.
    let index = super::open(&folder.workspace(), place.path());
    assert_eq!(index.status().contents, FILES);
}

/// As the system tells it of the threads of this process: their names, and how nice they are.
#[cfg(target_os = "linux")]
fn threads() -> Vec<(String, i32)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let stat = |task: std::io::Result<std::fs::DirEntry>| {
        // It may have ended meanwhile.
        let stat = std::fs::read_to_string(task.ok()?.path().join("stat")).ok()?;
        let (name, rest) = stat.rsplit_once(')')?;
        let nice = rest.split_whitespace().nth(16)?.parse().ok()?;
        Some((name.split_once('(')?.1.to_owned(), nice))
    };
    tasks.filter_map(stat).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_first_building_gives_way_and_who_is_waited_for_does_not() {
    let folder = some_files(FILES);
    let place = tempfile::tempdir().unwrap();
    let (sender, seen) = channel();
    let index = Index::open(folder.workspace(), place.path(), move |event| {
        if let Event::Status(status) = event
            && matches!(status.state, Phase::Building { .. })
        {
            drop(sender.send(threads()));
        }
    });
    super::wait(&index);
    let seen: Vec<_> = seen.try_iter().flatten().collect();
    let nice_of = |name: &str| {
        let of = seen.iter().filter(|(thread, _)| thread.starts_with(name));
        let nice: std::collections::BTreeSet<i32> = of.map(|(_, nice)| *nice).collect();
        nice
    };
    let own = threads().iter().map(|(_, nice)| *nice).min().unwrap();
    // The one that looks for changes, and those that read for it.
    // The suite itself may be run so that it gives way.
    let gives_way = own.max(10);
    let index_threads = nice_of("kerf-index");
    assert!(index_threads.contains(&own), "{seen:?}");
    assert!(index_threads.contains(&gives_way), "{seen:?}");
    let writers = nice_of("thrd-tantivy");
    assert_eq!(writers, [gives_way].into(), "{seen:?}");
}
