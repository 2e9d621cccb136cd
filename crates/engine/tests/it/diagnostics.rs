//! The log of programs without a terminal. It belongs to the whole process, so one test says it all.

use std::{fs, thread};

#[test]
fn warnings_and_panics_are_written_down_and_talk_is_not() {
    let temp = tempfile::tempdir().unwrap();
    let home = kerf_engine::Home::locate(Some(temp.path().to_owned())).unwrap();
    assert!(kerf_engine::log_to_files(&home));
    tracing::warn!("the disk is slow");
    tracing::info!("nothing of note");
    assert!(thread::spawn(|| panic!("broken")).join().is_err());
    let logs: Vec<_> = fs::read_dir(home.logs()).unwrap().collect();
    assert_eq!(logs.len(), 1, "{logs:?}");
    let log = fs::read_to_string(logs[0].as_ref().unwrap().path()).unwrap();
    assert!(log.contains("the disk is slow"), "{log}");
    assert!(
        log.contains("diagnostics.rs") && log.contains("broken"),
        "{log}"
    );
    assert!(!log.contains("nothing of note"), "{log}");
}
