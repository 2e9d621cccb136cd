//! Snapshots in a file of their own.

use crate::rig::{Rig, rig};
use kerf_checkpoint::{CheckpointError, Record, Snapshot, changes};
use std::{fs, path::PathBuf, sync::Arc};

fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/record");
    (dir, path)
}

fn next(rig: &Rig, previous: Option<&Snapshot>) -> Arc<Snapshot> {
    Arc::new(rig.take(previous).snapshot)
}

/// The snapshots of a small history: files change, come and go.
fn history(rig: &Rig) -> Vec<Arc<Snapshot>> {
    let mut all = vec![next(rig, None)];
    let steps: [&dyn Fn(); 4] = [
        &|| rig.folder.write("a", "A\n"),
        &|| rig.folder.write("dir/new", "new\n"),
        &|| rig.folder.remove("b"),
        &|| rig.folder.remove(".gitignore"),
    ];
    for step in steps {
        step();
        let snapshot = next(rig, all.last().map(Arc::as_ref));
        all.push(snapshot);
    }
    all
}

const TREE: &str = "//- /a\na\n//- /b\nb\n//- /link link=../x\n//- /.gitignore\nc\n//- /c\nc\n";

#[test]
fn another_process_reads_what_was_recorded_last() {
    let (_dir, path) = place();
    let mut record = Record::at(path.clone());
    let other = Record::at(path);
    assert_eq!(other.read().unwrap(), None);
    for (n, snapshot) in history(&rig(TREE)).into_iter().enumerate() {
        record.write(&snapshot, &n.to_string()).unwrap();
        let (read, note) = other.read().unwrap().unwrap();
        assert_eq!((&read, note), (&*snapshot, n.to_string()));
        assert_eq!(changes(&read, &snapshot), []);
    }
    record.clear().unwrap();
    assert_eq!(other.read().unwrap(), None);
}

#[test]
fn an_entry_that_a_crash_cut_off_does_not_count() {
    let (_dir, path) = place();
    let all = history(&rig(TREE));
    let mut record = Record::at(path.clone());
    record.write(&all[0], "one").unwrap();
    let first = fs::read(&path).unwrap();
    record.write(&all[1], "two").unwrap();
    let both = fs::read(&path).unwrap();
    for len in first.len()..both.len() {
        fs::write(&path, &both[..len]).unwrap();
        let (read, note) = Record::at(path.clone()).read().unwrap().unwrap();
        assert_eq!((&read, note.as_str()), (&*all[0], "one"), "{len} bytes");
    }
    for at in (8..first.len()).step_by(5) {
        let mut bytes = first.clone();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        match Record::at(path.clone()).read() {
            Ok(None) | Err(CheckpointError::NotASnapshot { .. }) => {}
            // A bit that means nothing to the decompressor.
            Ok(Some((read, note))) => {
                assert_eq!((&read, note.as_str()), (&*all[0], "one"), "byte {at}");
            }
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
}

#[test]
fn what_has_not_changed_is_not_written_again() {
    let (_dir, path) = place();
    let rig = rig("");
    for n in 0..2_000 {
        rig.write_old(&format!("{n}"), b"x");
    }
    let mut last = next(&rig, None);
    let mut record = Record::at(path.clone());
    let len = |path: &PathBuf| fs::metadata(path).unwrap().len();
    record.write(&last, "first").unwrap();
    let whole = len(&path);
    for _ in 0..10 {
        last = next(&rig, Some(&last));
        let before = len(&path);
        record.write(&last, "again").unwrap();
        assert!(
            len(&path) - before < 500,
            "{} of {whole}",
            len(&path) - before
        );
    }
    // However long it goes on, the file does not grow without end.
    let note = "n".repeat(10_000);
    for _ in 0..50 {
        record.write(&last, &note).unwrap();
        assert!(len(&path) < 2 * whole + 100_000);
    }
    let read = Record::at(path.clone()).read().unwrap();
    assert_eq!(read, Some((Snapshot::clone(&last), note)));
}

#[test]
fn a_file_in_which_nothing_is_recorded_goes_with_its_process() {
    let (_dir, path) = place();
    let snapshot = next(&rig(TREE), None);
    let mut record = Record::at(path.clone());
    record.write(&snapshot, "").unwrap();
    drop(record);
    assert!(path.exists(), "nobody has looked");
    let mut record = Record::at(path.clone());
    record.write(&snapshot, "").unwrap();
    record.clear().unwrap();
    drop(Record::at(path.clone()));
    assert!(path.exists(), "another process may need it");
    drop(record);
    assert!(!path.exists());
    Record::at(path).remove().unwrap();
}
