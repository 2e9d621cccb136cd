#![cfg(any(target_os = "linux", target_vendor = "apple"))]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use kerf_workspace::{Expect, Fs, FsError, RealFs, RelPath, Save, Walk, Workspace};
use rustix::fs::{CWD, RenameFlags, renameat_with};

const TURNS: usize = 4000;

/// Swaps the folder `d` for a link to `target` and back as fast as it can while `work` runs; tells how often.
fn while_swapping(ws: &Path, target: &str, work: impl FnOnce()) -> u32 {
    let stop = AtomicBool::new(false);
    let (folder, link) = (ws.join("d"), ws.join("link"));
    symlink(target, &link).unwrap();
    std::thread::scope(|scope| {
        let swapper = scope.spawn(|| {
            let mut turns = 0;
            while !stop.load(Ordering::Relaxed) {
                renameat_with(CWD, &folder, CWD, &link, RenameFlags::EXCHANGE).unwrap();
                turns += 1;
            }
            turns
        });
        work();
        stop.store(true, Ordering::Relaxed);
        swapper.join().unwrap()
    })
}

#[test]
fn no_swap_of_a_folder_for_a_link_leads_out() {
    let temp = tempfile::tempdir().unwrap();
    let ws = temp.path().join("ws");
    let outside = temp.path().join("outside");
    fs::create_dir_all(ws.join("d")).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("f"), "secret").unwrap();
    fs::write(ws.join("d/f"), "inside").unwrap();
    let files = RealFs::open(&ws).unwrap();
    let file: RelPath = "d/f".parse().unwrap();
    let other: RelPath = "d/other".parse().unwrap();
    let (mut read, mut saved, mut refused) = (0, 0, 0);
    let swaps = while_swapping(&ws, "../outside", || {
        for _ in 0..TURNS {
            match files.read(&file, 100) {
                Ok(bytes) => {
                    assert_ne!(bytes, b"secret", "a file outside was read");
                    read += 1;
                }
                Err(_) => refused += 1,
            }
            // Into the folder that may be a link at this moment; and removing must not hit the file outside.
            match files.save(
                &other,
                b"mine",
                &Save {
                    mode: None,
                    expect: Expect::Anything,
                },
            ) {
                Ok(_) => saved += 1,
                Err(_) => refused += 1,
            }
            let _ = files.remove(&other);
            let _ = files.remove_empty_dirs(&"d/none".parse().unwrap());
        }
    });
    assert!(
        swaps > 0 && read > 0 && saved > 0,
        "the race must have happened: {swaps} {read} {saved} {refused}"
    );
    assert_eq!(fs::read_to_string(outside.join("f")).unwrap(), "secret");
    assert_eq!(
        fs::read_dir(&outside).unwrap().count(),
        1,
        "a file was made outside"
    );
}

#[test]
fn no_swap_of_a_folder_for_a_link_leads_into_git() {
    let temp = tempfile::tempdir().unwrap();
    let ws = temp.path().join("ws");
    fs::create_dir_all(ws.join("d")).unwrap();
    fs::create_dir(ws.join(".git")).unwrap();
    let files = RealFs::open(&ws).unwrap();
    let hook: RelPath = "d/hook".parse().unwrap();
    let (mut saved, mut protected) = (0, 0);
    while_swapping(&ws, ".git", || {
        for _ in 0..TURNS {
            match files.save(&hook, b"evil", &Save::default()) {
                Ok(_) => saved += 1,
                Err(FsError::Protected { .. }) => protected += 1,
                Err(_) => {}
            }
        }
    });
    assert_eq!(
        fs::read_dir(ws.join(".git")).unwrap().count(),
        0,
        "a file was made in .git"
    );
    assert!(
        saved > 0 && protected > 0,
        "the race must have happened: {saved} {protected}"
    );
}

#[test]
fn only_one_of_two_writers_makes_a_new_file() {
    let temp = tempfile::tempdir().unwrap();
    let ws = Workspace::open(temp.path()).unwrap();
    for turn in 0..50 {
        let path: RelPath = format!("f{turn}").parse().unwrap();
        let save = |text: &'static str| {
            let (ws, path) = (ws.clone(), path.clone());
            move || {
                ws.fs().save(
                    &path,
                    text.as_bytes(),
                    &Save {
                        mode: None,
                        expect: Expect::Absent,
                    },
                )
            }
        };
        let [first, second] = std::thread::scope(|scope| {
            [scope.spawn(save("first")), scope.spawn(save("second"))]
                .map(|thread| thread.join().unwrap())
        });
        assert_eq!(
            [&first, &second]
                .iter()
                .filter(|result| matches!(result, Err(FsError::Conflict { .. })))
                .count(),
            1,
            "{first:?} {second:?}"
        );
    }
    assert_eq!(
        ws.walk(&Walk::default()).files.len(),
        50,
        "no temporary file stays"
    );
}

/// Waits for the temporary file of a save, then changes the target. Whether it did.
fn change_during_save(ws: &Path, stop: &AtomicBool) -> bool {
    while !stop.load(Ordering::Relaxed) {
        if fs::read_dir(ws).unwrap().count() > 1 {
            fs::write(ws.join("f"), "theirs").unwrap();
            return true;
        }
    }
    false
}

#[test]
fn a_file_that_changes_during_the_save_is_a_conflict_and_leaves_no_litter() {
    let temp = tempfile::tempdir().unwrap();
    let ws = temp.path();
    let files = RealFs::open(ws).unwrap();
    let file: RelPath = "f".parse().unwrap();
    // Long enough that there is time between the first look and the last.
    let mine = vec![b'm'; 8 << 20];
    let mut conflicts = 0;
    for _ in 0..10 {
        fs::write(ws.join("f"), "old").unwrap();
        let expect = Expect::Stamp(files.stat(&file).unwrap().stamp());
        let stop = AtomicBool::new(false);
        let (saved, changed) = std::thread::scope(|scope| {
            let changer = scope.spawn(|| change_during_save(ws, &stop));
            let saved = files.save(&file, &mine, &Save { mode: None, expect });
            stop.store(true, Ordering::Relaxed);
            (saved, changer.join().unwrap())
        });
        if changed {
            // Whether the change came before the rename or after it: it is there.
            assert_eq!(fs::read(ws.join("f")).unwrap(), b"theirs", "{:?}", saved);
        }
        match saved {
            Err(FsError::Conflict { .. }) => conflicts += 1,
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
        let left: Vec<_> = fs::read_dir(ws)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["f"]);
    }
    assert!(conflicts > 0, "the race must have happened");
}
