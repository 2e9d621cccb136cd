//! The ledger: numbers without gaps, bodies as they were sent, and a chain that shows any change.

use crate::fixture::Home;
use kerf_protocol::{
    SessionId, TurnId,
    ledger::{FileRange, LedgerEntry, Purpose},
    request::ListLedger,
};
use kerf_store::StoreError;
use proptest::prelude::*;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

pub(crate) fn entry(session_id: Option<SessionId>, body: &[u8]) -> LedgerEntry {
    LedgerEntry {
        at: 100,
        host: "127.0.0.1:1".to_owned(),
        target: "POST /v1/chat/completions".to_owned(),
        purpose: Purpose::Turn,
        session_id,
        turn_id: session_id.map(|_| TurnId::new()),
        bytes: body.len() as u64,
        hash: blake3::hash(body).to_hex().to_string(),
        files: vec![FileRange {
            path: "a.rs".to_owned(),
            first_line: 1,
            last_line: 9,
        }],
    }
}

/// The requests of a conversation: each one repeats the last and goes on.
fn conversation(steps: u32) -> Vec<Vec<u8>> {
    let mut body = br#"{"model":"m","messages":["#.to_vec();
    (0..steps)
        .map(|step| {
            for line in 0..200 {
                body.extend_from_slice(
                    blake3::hash(format!("{step} {line}").as_bytes())
                        .to_hex()
                        .as_bytes(),
                );
            }
            body.clone()
        })
        .collect()
}

#[tokio::test]
async fn bodies_come_back_as_they_were_sent() {
    let home = Home::new();
    let store = home.open().await;
    let session = Some(SessionId::new());
    let mut sent = Vec::new();
    for (session, body) in conversation(12)
        .into_iter()
        .map(|body| (session, body))
        .chain([
            (None, Vec::new()),
            (Some(SessionId::new()), vec![0xff; 3]),
            (session, b"{}".to_vec()),
        ])
    {
        let entry = entry(session, &body);
        let id = store
            .append_ledger(entry.clone(), body.clone())
            .await
            .unwrap();
        sent.push((id, entry, body));
    }
    assert_eq!(
        sent.iter().map(|(id, ..)| *id).collect::<Vec<_>>(),
        (1..=15).collect::<Vec<_>>()
    );
    store.close().await.unwrap();
    let store = home.open().await;
    for (id, entry, body) in &sent {
        let (row, found) = store.ledger_show(*id).await.unwrap();
        assert_eq!((row.id, &row.entry), (*id, entry));
        assert!(found == *body, "the body of row {id}");
    }
    let rows = store
        .ledger_list(&ListLedger {
            session_id: session,
            limit: Some(2),
        })
        .await
        .unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [15, 12]);
    assert_eq!(
        store
            .ledger_list(&ListLedger::default())
            .await
            .unwrap()
            .len(),
        15
    );
    assert!(matches!(
        store.ledger_show(16).await,
        Err(StoreError::NotFound { .. })
    ));
    assert_eq!(store.ledger_verify().await.unwrap(), None);
}

#[tokio::test]
async fn a_conversation_takes_space_for_what_is_new_in_each_request() {
    let home = Home::new();
    let store = home.open().await;
    let session = Some(SessionId::new());
    let bodies = conversation(20);
    let (all, last) = (bodies.iter().map(Vec::len).sum::<usize>(), bodies[19].len());
    for body in bodies {
        store
            .append_ledger(entry(session, &body), body)
            .await
            .unwrap();
    }
    let mut conn = raw(&home).await;
    let kept: i64 = sqlx::query_scalar("select sum(length(body)) from ledger")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    let kept = usize::try_from(kept).unwrap();
    // The text is random hexadecimal digits: alone it packs to about half, so 20 requests alone take five times this.
    assert!(
        kept < last * 2,
        "{kept} bytes for {last} bytes that were new, of {all}"
    );
}

#[tokio::test]
async fn every_change_of_a_row_breaks_the_chain() {
    let changes = [
        ("update ledger set host = 'elsewhere:443' where id = 3", 3),
        ("update ledger set at = at + 1 where id = 1", 1),
        ("update ledger set files = '[]' where id = 5", 5),
        ("update ledger set session_id = null where id = 4", 4),
        (
            "update ledger set body = (select body from ledger where id = 1), base = null where id = 2",
            2,
        ),
        ("update ledger set body = x'00' where id = 2", 2),
        ("update ledger set row_hash = zeroblob(32) where id = 2", 2),
        ("delete from ledger where id = 4", 4),
    ];
    for (change, broken) in changes {
        let home = Home::new();
        let store = home.open().await;
        let session = Some(SessionId::new());
        for body in conversation(6) {
            store
                .append_ledger(entry(session, &body), body)
                .await
                .unwrap();
        }
        assert_eq!(store.ledger_verify().await.unwrap(), None);
        sqlx::query(change)
            .execute(&mut raw(&home).await)
            .await
            .unwrap();
        assert_eq!(
            store.ledger_verify().await.unwrap(),
            Some(broken),
            "{change}"
        );
    }
}

#[test]
fn any_bodies_in_any_order_come_back() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let home = Home::new();
    let store = runtime.block_on(home.open());
    let sessions = [None, Some(SessionId::new()), Some(SessionId::new())];
    let body = prop::collection::vec(any::<u8>(), 0..40)
        .prop_flat_map(|part| (0..200_usize).prop_map(move |times| part.repeat(times)));
    proptest!(ProptestConfig::with_cases(40), |(bodies in prop::collection::vec((0..3_usize, body), 1..6))| {
        runtime.block_on(async {
            for (session, body) in bodies {
                let id = store.append_ledger(entry(sessions[session], &body), body.clone()).await.unwrap();
                assert_eq!(store.ledger_show(id).await.unwrap().1, body);
            }
        });
    });
}

async fn raw(home: &Home) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(home.path())
        .foreign_keys(false);
    SqliteConnection::connect_with(&options).await.unwrap()
}
