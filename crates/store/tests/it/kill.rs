//! What was acknowledged survives a kill at any moment.

use crate::fixture::{Home, called, session, turn, write};
use kerf_protocol::{ItemId, SessionId};
use kerf_store::{Store, Write};
use std::{
    collections::HashSet,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

/// Set for the process that writes: the database.
const CHILD: &str = "KERF_STORE_TEST_WRITER";
const ROUNDS: usize = 15;

/// Not a test of its own: the process that [`kill`] kills is this one, started again.
#[tokio::test]
async fn writer() {
    let Some(path) = std::env::var_os(CHILD) else {
        return;
    };
    let store = Store::open(&PathBuf::from(path)).await.unwrap();
    let session = session(&store, "/work").await;
    let turn = turn();
    let turn_id = turn.id;
    store
        .commit(vec![
            Write::Session(session.clone()),
            Write::Turn {
                session_id: session.id,
                turn,
            },
        ])
        .await
        .unwrap();
    for seq in 1.. {
        let item = called(turn_id, "writes", &"output ".repeat(400));
        let body = item.id.to_string();
        let ledger = store.append_ledger(
            crate::ledger::entry(Some(session.id), body.as_bytes()),
            body,
        );
        let item_write = store.enqueue(vec![write(session.id, seq, &item)]);
        let row = ledger.await.unwrap();
        item_write.await.unwrap();
        println!("\nacknowledged {} {} {row}", session.id, item.id);
        std::io::stdout().flush().unwrap();
    }
}

/// What the writer said is on disk: an item of a session, and a row of the ledger.
pub(crate) type Acknowledged = (SessionId, ItemId, i64);

/// Starts the process that writes, and its lines.
#[expect(
    clippy::disallowed_methods,
    reason = "the child is this test again, to be killed"
)]
pub(crate) fn writing(path: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::writer", "--nocapture"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

/// Reads a line of the process that writes.
pub(crate) fn acknowledged(line: &str) -> Option<Acknowledged> {
    let rest = line.strip_prefix("acknowledged ")?;
    let [session, item, row] = rest.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{line}")
    };
    Some((
        session.parse().unwrap(),
        item.parse().unwrap(),
        row.parse().unwrap(),
    ))
}

/// The database is whole, and all of this is in it.
pub(crate) async fn all_are_there(store: &Store, told: &[Acknowledged]) {
    store.check().await.unwrap();
    assert_eq!(store.ledger_verify(None).await.unwrap().broken, None);
    let mut kept = HashSet::new();
    for session in told.iter().map(|(id, ..)| id).collect::<HashSet<_>>() {
        assert_eq!(store.session(*session).await.unwrap().id, *session);
        let turns = store.transcript(*session).await.unwrap().turns;
        let items = turns.into_iter().flat_map(|turn| turn.items);
        kept.extend(items.map(|item| item.id));
    }
    for (_, item, row) in told {
        let body = store.ledger_show(*row).await.unwrap().body;
        assert_eq!(body, item.to_string().into_bytes(), "ledger row {row}");
        assert!(
            kept.contains(item),
            "item {item} was acknowledged and is not there"
        );
    }
}

#[tokio::test]
async fn kill() {
    let rounds = if std::env::var_os("KERF_LONG_TESTS").is_some() {
        500
    } else {
        ROUNDS
    };
    let mut home = Home::new();
    let mut told: Vec<Acknowledged> = Vec::new();
    for round in 0..rounds {
        // Looking at all of it costs what has grown.
        if round % (2 * ROUNDS) == 0 {
            home = Home::new();
            told.clear();
        }
        let (mut child, lines) = writing(&home.path());
        // Another number of lines each time; where in the next write the kill falls is up to chance.
        let mut left = (round % ROUNDS) * 3;
        for line in lines.lines() {
            let Some(row) = acknowledged(&line.unwrap()) else {
                continue;
            };
            told.push(row);
            if left == 0 {
                child.kill().unwrap();
            }
            left = left.saturating_sub(1);
        }
        assert!(
            !child.wait().unwrap().success(),
            "the writer ended by itself"
        );
        let store = home.open().await;
        all_are_there(&store, &told).await;
        store.close().await.unwrap();
    }
    assert!(!told.is_empty());
}
