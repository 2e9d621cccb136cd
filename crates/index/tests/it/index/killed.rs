//! An index whose process is killed, or may write no more, goes on from what is on disk.

use super::{LONG, age, open, same, some_files, wait};
use crate::folder::pattern;
use kerf_index::{Index, Phase};
use kerf_workspace::Workspace;
use std::{
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

/// Names the folder for the part of a test that runs in a process of its own.
const CHILD: &str = "KERF_INDEX_TEST_CHILD";

/// Starts this test again as a process that indexes the folder into the place.
#[expect(
    clippy::disallowed_methods,
    reason = "the process that is killed is this test's own"
)]
fn child(test: &str, folder: &Path, place: &Path, shell: &str) -> Child {
    Command::new("sh")
        .arg("-c")
        .arg(format!("{shell} exec \"$0\" --exact {test} --nocapture"))
        .arg(env::current_exe().unwrap())
        .env(CHILD, format!("{}\n{}", folder.display(), place.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the child is to do, in the child.
fn is_child(work: impl FnOnce(Index)) -> bool {
    let Ok(told) = env::var(CHILD) else {
        return false;
    };
    let (folder, place) = told.split_once('\n').unwrap();
    let workspace = Workspace::open(Path::new(folder)).unwrap();
    println!("\nindexing");
    work(Index::open(workspace, Path::new(place), |_| {}));
    true
}

#[cfg(unix)]
#[test]
fn killed_at_any_point() {
    if is_child(|index| {
        for round in 0.. {
            let is_done = index.wait(Instant::now() + LONG);
            assert!(is_done);
            println!("round {round}");
            index.rebuild();
        }
    }) {
        return;
    }
    let folder = some_files(400);
    age(folder.path());
    let place = tempfile::tempdir().unwrap();
    for round in 0..12 {
        let mut child = child(
            "index::killed::killed_at_any_point",
            folder.path(),
            place.path(),
            "",
        );
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        // From the start on, then somewhere in a later round: what the child does then is for the clock to say.
        let until = if round % 3 == 0 {
            "indexing".to_owned()
        } else {
            format!("round {}", round % 5)
        };
        while line.trim() != until {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "the child has ended");
        }
        let spin = Instant::now();
        while spin.elapsed().as_millis() < 7 * round {}
        child.kill().unwrap();
        child.wait().unwrap();
        if round % 4 == 3 {
            let index = open(&folder.workspace(), place.path());
            for text in ["shared", "name_39", "number 1"] {
                same(&folder, &index, &pattern(text));
            }
            let status = wait(&index);
            assert_eq!((status.contents, status.writable), (400, true));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_growing_and_nothing_else() {
    if is_child(|index| {
        let is_done = index.wait(Instant::now() + LONG);
        assert!(is_done);
        let status = index.status();
        assert!(matches!(status.state, Phase::Off { .. }), "{status:?}");
        let folder = env::var(CHILD).unwrap();
        let workspace = Workspace::open(Path::new(folder.split_once('\n').unwrap().0)).unwrap();
        for text in ["shared", "name_39"] {
            let cancel = std::sync::atomic::AtomicBool::new(false);
            let scanned = kerf_index::grep(&workspace, &pattern(text), &cancel).unwrap();
            assert_eq!(index.grep(&pattern(text), &cancel).unwrap(), scanned);
        }
        println!("full and right");
    }) {
        return;
    }
    let folder = some_files(400);
    let place = tempfile::tempdir().unwrap();
    // A file may be no longer than two blocks; the signal that says so is ignored, and the write fails.
    let child = child(
        "index::killed::a_full_disk_ends_the_growing_and_nothing_else",
        folder.path(),
        place.path(),
        "trap '' XFSZ; ulimit -f 2;",
    );
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("full and right"), "{said}");
    let index = open(&folder.workspace(), place.path());
    assert_eq!(wait(&index).contents, 400, "once there is room it grows");
    same(&folder, &index, &pattern("shared"));
}
