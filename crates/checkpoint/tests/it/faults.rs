//! Checkpoints on a disk that is full or breaks: every call that changes something fails once.

use kerf_checkpoint::{
    Blobs, Held, Lists, Marks, Record, Snapshot, content, mark_list, needs, read_list, take,
};
use kerf_test_support::faults::{Call, Traced, left_out};
use kerf_workspace::Workspace;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

/// Set for the process that takes a checkpoint: a folder with the workspace, the store and the record.
const ROOM: &str = "KERF_CHECKPOINT_TEST_ROOM";
/// Set for the process that collects: the list that stays.
const COLLECT: &str = "KERF_CHECKPOINT_TEST_COLLECT";

fn no_git(_: &str) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    Err("there is no git here".into())
}

fn blobs(room: &Path) -> Result<Arc<Blobs>, String> {
    let blobs = Blobs::open(&room.join("blobs")).map_err(|error| error.to_string())?;
    Ok(Arc::new(blobs))
}

/// A checkpoint behind the one that `list` names, as an engine takes one before a command.
fn checkpoint(room: &Path) -> Result<String, String> {
    let blobs = blobs(room)?;
    let workspace = Workspace::open(&room.join("folder")).map_err(|error| error.to_string())?;
    let last = fs::read_to_string(room.join("list")).ok();
    let told = |error: kerf_checkpoint::CheckpointError| error.to_string();
    let mut lists = match &last {
        Some(last) => Lists::resume(&blobs, &last.parse().unwrap()).map_err(told)?,
        None => Lists::default(),
    };
    let previous = lists.last().cloned();
    let go_on = AtomicBool::new(false);
    let taken = take(&workspace, &blobs, previous.as_deref(), None, &go_on);
    let snapshot = Arc::new(taken.map_err(told)?.snapshot);
    let list = lists.write(&blobs, &no_git, &snapshot).map_err(told)?;
    let mut record = Record::at(room.join("record"));
    record.write(&snapshot, "before a command").map_err(told)?;
    // It stays for whoever goes on, as after a kill.
    std::mem::forget(record);
    Ok(list.to_string())
}

fn collect(room: &Path, list: &str) -> Result<String, String> {
    let told = |error: kerf_checkpoint::CheckpointError| error.to_string();
    let (blobs, list) = (blobs(room)?, list.parse().unwrap());
    let collection = blobs.begin_collection().map_err(told)?.unwrap();
    let mut marks = Marks::of(&blobs).map_err(told)?;
    mark_list(&blobs, &list, &mut marks).map_err(told)?;
    for content in needs(&blobs, &[list]).map_err(told)?.concat() {
        marks.insert(content);
    }
    let swept = collection
        .sweep(&marks, &AtomicBool::new(false))
        .map_err(told)?;
    Ok(swept.blobs.to_string())
}

/// Not a test of its own: the process that the others start, and whose calls fail.
#[test]
fn taker() {
    let Some(room) = std::env::var_os(ROOM) else {
        return;
    };
    // Calls are counted by thread: this one is far beyond what others of the process open and write.
    for _ in 0..200 {
        // The call that fails may be one of these.
        if let Ok(mut nowhere) = fs::File::create("/dev/null") {
            let _ = std::io::Write::write_all(&mut nowhere, b"x");
        }
    }
    let list = std::env::var(COLLECT).ok();
    Traced::begin();
    let done = match &list {
        Some(list) => collect(Path::new(&room), list),
        None => checkpoint(Path::new(&room)),
    };
    Traced::end();
    match done {
        Ok(told) => println!("\ndone {told}"),
        Err(error) => println!("\nnot done: {error}"),
    }
}

/// Calls of other threads have the numbers of calls that start the process.
fn of_this_thread(calls: Vec<Call>) -> Vec<Call> {
    let counts = |call: &Call| match call.name.as_str() {
        "openat" | "write" => call.nth > 200,
        _ => true,
    };
    calls.into_iter().filter(counts).collect()
}

fn arguments() -> Vec<OsString> {
    let this = std::env::current_exe().unwrap();
    let words = [
        "--exact",
        "faults::taker",
        "--nocapture",
        "--test-threads=1",
    ];
    let words = words.map(OsString::from);
    [this.into()].into_iter().chain(words).collect()
}

/// What a list holds, and what it could not look at.
fn held(room: &Path, list: &str) -> (BTreeMap<String, Vec<u8>>, Snapshot) {
    let blobs = blobs(room).unwrap();
    let snapshot = read_list(&blobs, &list.parse().unwrap()).unwrap();
    let bytes = |held: &Held| content(held, &blobs, &no_git).unwrap().unwrap();
    let files = snapshot.files.iter();
    let files = files.map(|(path, held)| (path.to_string(), bytes(held)));
    (files.collect(), snapshot)
}

fn told(output: &std::process::Output, at: &str) -> Result<String, String> {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in said.lines() {
        if let Some(done) = line.strip_prefix("done ") {
            return Ok(done.to_owned());
        }
        if let Some(error) = line.strip_prefix("not done: ") {
            return Err(error.to_owned());
        }
    }
    panic!("{at}: {output:?}");
}

#[test]
fn fs12_a_checkpoint_that_a_call_fails_is_not_there_and_the_one_before_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let room = dir.path();
    let (folder, list) = (room.join("folder"), room.join("list"));
    fs::create_dir_all(folder.join("d")).unwrap();
    fs::write(folder.join("a"), "first\n").unwrap();
    fs::write(folder.join("d/b"), "b\n").unwrap();
    let first = checkpoint(room).unwrap();
    fs::write(&list, &first).unwrap();
    let before = held(room, &first).0;
    let traced = match Traced::new(arguments()) {
        Ok(traced) => traced.env(ROOM, room),
        Err(why) => return left_out(&why),
    };
    let changing = [
        "openat",
        "write",
        "fsync",
        "fdatasync",
        "syncfs",
        "rename",
        "renameat",
        "renameat2",
        "mkdir",
        "unlink",
        "flock",
    ];
    fs::write(folder.join("a"), "0\n").unwrap();
    let calls = of_this_thread(traced.calls(&changing).unwrap());
    assert!(
        calls.iter().any(|call| call.name.starts_with("rename")),
        "{calls:?}"
    );
    for (round, call) in calls.iter().enumerate() {
        let text = format!("content of round {round}\n");
        fs::write(folder.join("a"), &text).unwrap();
        let error = match call.name.as_str() {
            "fsync" | "fdatasync" | "syncfs" => "EIO",
            _ => "ENOSPC",
        };
        let at = format!("{call:?} with {error}");
        let output = traced.with_fault(call, error).unwrap();
        let new = match told(&output, &at) {
            Ok(new) => new,
            Err(error) => {
                // In plain words: what, and on what.
                assert!(
                    error.contains("could not") || error.contains("cannot"),
                    "{at}: {error}"
                );
                assert!(error.contains(room.to_str().unwrap()), "{at}: {error}");
                // With room again the next one is whole.
                checkpoint(room).unwrap()
            }
        };
        assert_eq!(held(room, &first).0, before, "{at}");
        let (files, snapshot) = held(room, &new);
        for (path, text) in [("a", text.as_str()), ("d/b", "b\n")] {
            let unseen = snapshot
                .excluded()
                .keys()
                .any(|unseen| path.starts_with(&unseen.to_string()));
            match files.get(path) {
                Some(bytes) => assert_eq!(bytes, text.as_bytes(), "{at}"),
                // What the user is told of is not lost silently.
                None => assert!(unseen, "{at}: {path} is missing"),
            }
        }
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), text, "{at}");
        assert_eq!(
            fs::read_dir(&folder).unwrap().count(),
            2,
            "{at}: the folder is the user's"
        );
    }
}

#[test]
fn fs12_a_collection_that_a_call_fails_removes_nothing_that_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let room = dir.path();
    let folder = room.join("folder");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a"), "stays\n").unwrap();
    let list = checkpoint(room).unwrap();
    let before = held(room, &list).0;
    let traced = match Traced::new(arguments()) {
        Ok(traced) => traced.env(ROOM, room).env(COLLECT, &list),
        Err(why) => return left_out(&why),
    };
    let litter = || {
        for number in 0..3 {
            blobs(room)
                .unwrap()
                .put(format!("litter {number}").as_bytes())
                .unwrap();
        }
    };
    litter();
    let calls = of_this_thread(traced.calls(&["openat", "unlink", "flock"]).unwrap());
    assert!(calls.iter().any(|call| call.name == "unlink"), "{calls:?}");
    for call in &calls {
        litter();
        let at = format!("{call:?}");
        let output = traced.with_fault(call, "EIO").unwrap();
        if let Err(error) = told(&output, &at) {
            assert!(error.contains(room.to_str().unwrap()), "{at}: {error}");
        }
        assert_eq!(held(room, &list).0, before, "{at}");
        collect(room, &list).unwrap();
        assert_eq!(held(room, &list).0, before, "{at}");
        assert!(
            !blobs(room)
                .unwrap()
                .has(&kerf_checkpoint::Hash::of(b"litter 1")),
            "{at}"
        );
    }
}

#[test]
fn a_collection_killed_at_any_call_removes_nothing_that_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let room = dir.path();
    let folder = room.join("folder");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a"), "stays\n").unwrap();
    let list = checkpoint(room).unwrap();
    let before = held(room, &list).0;
    let traced = match Traced::new(arguments()) {
        Ok(traced) => traced.env(ROOM, room).env(COLLECT, &list),
        Err(why) => return left_out(&why),
    };
    // More than are removed under one lock.
    let litter: Vec<String> = (0..70).map(|number| format!("litter {number}")).collect();
    let is_left = || {
        let blobs = blobs(room).unwrap();
        let has = |text: &&String| blobs.has(&kerf_checkpoint::Hash::of(text.as_bytes()));
        litter.iter().filter(has).count()
    };
    let put = || {
        let blobs = blobs(room).unwrap();
        let contents = litter.iter().map(String::as_bytes);
        blobs.put_all(contents).unwrap();
    };
    put();
    let calls = traced.calls(&["openat", "unlink", "flock", "ftruncate"]);
    let calls = of_this_thread(calls.unwrap());
    let removing = calls.iter().filter(|call| call.name == "unlink").count();
    assert!(removing >= litter.len(), "{calls:?}");
    let mut halves = 0;
    for (at, call) in calls.iter().enumerate() {
        // Of the many folders and removals some will do.
        let is_one_of_many = matches!(call.name.as_str(), "openat" | "unlink");
        if !kerf_test_support::faults::long() && is_one_of_many && at % 9 != 0 {
            continue;
        }
        put();
        let output = traced.with_kill(call).unwrap();
        assert!(!output.status.success(), "{call:?}: {output:?}");
        assert_eq!(held(room, &list).0, before, "{call:?}");
        halves += usize::from((1..litter.len()).contains(&is_left()));
        // Whoever stores meanwhile is not kept waiting by the lock of the dead, and what he stores is there.
        let stored = blobs(room).unwrap().put(b"stored after a kill").unwrap();
        assert!(blobs(room).unwrap().has(&stored), "{call:?}");
        // The next one comes to its end.
        collect(room, &list).unwrap();
        assert_eq!(
            (is_left(), held(room, &list).0),
            (0, before.clone()),
            "{call:?}"
        );
    }
    assert!(halves > 3, "{halves} kills met it in the middle");
}
