//! The store on a disk that is full, breaks or loses its power, and what it links.

use crate::{
    fixture::{Home, called, session, turn, write},
    kill::{Acknowledged, acknowledged, all_are_there, writing},
};
use kerf_store::{Store, Write};
use kerf_test_support::faults::{Disk, Traced, left_out, long};
use std::{ffi::OsString, io::BufRead as _, path::Path};

/// Set for the process whose calls fail: the database.
const CHILD: &str = "KERF_STORE_TEST_FAULT";

/// Not a test of its own: the process that commits once, while a call of it fails.
#[tokio::test]
async fn committer() {
    let Some(path) = std::env::var_os(CHILD) else {
        return;
    };
    let store = match Store::open(Path::new(&path)).await {
        Ok(store) => store,
        Err(error) => return println!("\nnot opened: {error}"),
    };
    let session = session(&store, "/work").await;
    let turn = turn();
    let turn_id = turn.id;
    let begun = vec![
        Write::Session(session.clone()),
        Write::Turn {
            session_id: session.id,
            turn,
        },
    ];
    store.commit(begun).await.unwrap();
    let item = called(turn_id, "writes", &"output ".repeat(4000));
    Traced::begin();
    let committed = store.commit(vec![write(session.id, 1, &item)]).await;
    Traced::end();
    match committed {
        Ok(_) => println!("\ncommitted {} {}", session.id, item.id),
        Err(error) => println!("\nnot committed: {error}"),
    }
    // As a process that is killed: nothing is put in order at the end.
    std::process::exit(0);
}

#[tokio::test]
async fn db3_a_commit_that_a_call_fails_is_told_and_nothing_that_was_told_is_lost() {
    let home = Home::new();
    let words = [
        "--exact",
        "faults::committer",
        "--nocapture",
        "--test-threads=1",
    ];
    let this = std::env::current_exe().unwrap().into_os_string();
    let words = std::iter::once(this).chain(words.map(OsString::from));
    let traced = match Traced::new(words) {
        Ok(traced) => traced.env(CHILD, home.path()),
        Err(why) => return left_out(&why),
    };
    home.open().await.close().await.unwrap();
    // What writes, alone: the other calls are those of the runtime too.
    let calls = traced
        .calls(&["pwrite64", "fdatasync", "fsync", "ftruncate"])
        .unwrap();
    assert!(
        calls
            .iter()
            .any(|call| call.name == "fdatasync" || call.name == "fsync")
    );
    let (mut refused, mut committed) = (0, 0);
    for call in &calls {
        for error in ["ENOSPC", "EIO", "EROFS"] {
            let at = format!("{call:?} with {error}");
            let output = traced.with_fault(call, error).unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let store = home.open().await;
            store.check().await.unwrap();
            let line = |word: &str| said.lines().find_map(|line| line.strip_prefix(word));
            if let Some(ids) = line("committed ") {
                let (session, item) = ids.split_once(' ').unwrap();
                let transcript = store.transcript(session.parse().unwrap()).await.unwrap();
                let mut items = transcript.turns.iter().flat_map(|turn| &turn.items);
                let item = item.parse().unwrap();
                assert!(items.any(|found| found.id == item), "{at}: {said}");
                committed += 1;
            } else {
                let told = line("not committed: ").or_else(|| line("not opened: "));
                let told = told.unwrap_or_else(|| panic!("{at}: {output:?}"));
                assert!(told.contains("kerf.db"), "{at}: {told}");
                refused += 1;
            }
            store.close().await.unwrap();
        }
    }
    assert!(refused > 0, "no call failed: {committed} committed");
}

#[tokio::test]
async fn db2_what_was_acknowledged_survives_a_power_cut() {
    let cuts = if long() { 100 } else { 3 };
    for cut in 0..cuts {
        let disk = match Disk::new(32) {
            Ok(disk) => disk,
            Err(why) => return left_out(&why),
        };
        let path = disk.path().join("home/kerf.db");
        let (mut child, lines) = writing(&path);
        let mut told: Vec<Acknowledged> = Vec::new();
        let mut left = cut % 11 + 1;
        for line in lines.lines() {
            let Some(row) = acknowledged(&line.unwrap()) else {
                continue;
            };
            told.push(row);
            left -= 1;
            if left == 0 {
                disk.cut_power().unwrap();
                break;
            }
        }
        // Rows that come from now on were on the disk before.
        child.kill().unwrap();
        child.wait().unwrap();
        disk.power_on().unwrap();
        let store = Store::open(&path).await.unwrap();
        all_are_there(&store, &told).await;
        store.close().await.unwrap();
    }
}

/// SQLite before 3.51.3 can lose a write when it starts its log anew.
#[tokio::test]
async fn db6_the_linked_sqlite_is_no_older_than_what_is_safe() {
    use sqlx::Connection as _;
    let mut conn = sqlx::SqliteConnection::connect("sqlite::memory:")
        .await
        .unwrap();
    let version: String = sqlx::query_scalar("select sqlite_version()")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    let numbers: Vec<u32> = version
        .split('.')
        .map(|part| part.parse().unwrap())
        .collect();
    assert!(numbers >= vec![3, 51, 3], "{version}");
}

/// Items that are written one after the other, each at a time that the one before says nothing about.
#[tokio::test]
async fn db7_a_clock_that_goes_back_changes_no_order() {
    let home = Home::new();
    let (store, session, turn_id) = home.with_session().await;
    let mut ids = Vec::new();
    // Forward, far into the future, and back before all of it.
    for (seq, at) in [
        (1, 5_000_000_000_000),
        (2, 2_147_483_648_000),
        (3, 1),
        (4, 2),
    ] {
        let mut item = called(turn_id, "x", "y");
        item.created_at = at;
        ids.push(item.id);
        store
            .commit(vec![write(session.id, seq, &item)])
            .await
            .unwrap();
    }
    let turns = store.transcript(session.id).await.unwrap().turns;
    let items: Vec<_> = turns
        .iter()
        .flat_map(|turn| &turn.items)
        .map(|item| item.id)
        .collect();
    assert_eq!(items, ids);
}
