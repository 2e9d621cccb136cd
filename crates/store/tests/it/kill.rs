//! What was acknowledged survives a kill at any moment.

use crate::fixture::{Home, called, session, turn, write};
use kerf_protocol::{ItemId, SessionId};
use kerf_store::{Store, Write};
use std::{
    collections::HashSet,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
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

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the child is this test again, to be killed"
)]
async fn kill() {
    let home = Home::new();
    let mut acknowledged: Vec<(SessionId, ItemId, i64)> = Vec::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::writer", "--nocapture"])
            .env(CHILD, home.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Another number of lines each time; where in the next write the kill falls is up to chance.
        let mut left = round * 3;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some(rest) = line.strip_prefix("acknowledged ") else {
                continue;
            };
            let [session, item, row] = rest.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            acknowledged.push((
                session.parse().unwrap(),
                item.parse().unwrap(),
                row.parse().unwrap(),
            ));
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
        store.check().await.unwrap();
        assert_eq!(store.ledger_verify(None).await.unwrap().broken, None);
        for &(session, item, row) in &acknowledged {
            assert_eq!(
                store.ledger_show(row).await.unwrap().body,
                item.to_string().into_bytes(),
                "ledger row {row}"
            );
            assert_eq!(store.session(session).await.unwrap().id, session);
        }
        let mut kept = HashSet::new();
        for session in acknowledged
            .iter()
            .map(|(session, ..)| session)
            .collect::<HashSet<_>>()
        {
            let turns = store.transcript(*session).await.unwrap().turns;
            kept.extend(
                turns
                    .into_iter()
                    .flat_map(|turn| turn.items)
                    .map(|item| item.id),
            );
        }
        for (_, item, _) in &acknowledged {
            assert!(
                kept.contains(item),
                "item {item} was acknowledged and is not there"
            );
        }
        store.close().await.unwrap();
    }
    assert!(acknowledged.len() >= ROUNDS);
}
