//! Many commits at once, in one process and in several connections.

use crate::fixture::{Home, said, session, turn, write};
use kerf_protocol::{SessionId, request::ListSessions};
use kerf_store::{Store, StoreError, Write};

#[tokio::test]
async fn a_commit_that_fails_takes_no_other_with_it() {
    let home = Home::new();
    let (store, session, turn_id) = home.with_session().await;
    let futures: Vec<_> = (0..100)
        .map(|n| {
            let mut writes = vec![write(session.id, n, &said(turn_id, &n.to_string()))];
            if n % 10 == 3 {
                writes.push(Write::Title {
                    id: SessionId::new(),
                    title: String::new(),
                });
            }
            store.enqueue(writes)
        })
        .collect();
    for (n, future) in futures.into_iter().enumerate() {
        let outcome = future.await;
        if n % 10 == 3 {
            assert!(
                matches!(outcome, Err(StoreError::NotFound { .. })),
                "{n}: {outcome:?}"
            );
        } else {
            outcome.unwrap();
        }
    }
    assert_eq!(
        store.transcript(session.id).await.unwrap().turns[0]
            .items
            .len(),
        90
    );
}

#[tokio::test]
async fn a_read_sees_what_was_queued_before_it() {
    let home = Home::new();
    let (store, session, _) = home.with_session().await;
    for n in 0..50 {
        let title = format!("title {n}");
        drop(store.enqueue(vec![Write::Title {
            id: session.id,
            title: title.clone(),
        }]));
        assert_eq!(store.session(session.id).await.unwrap().title, title);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_that_open_and_write_at_once_all_succeed() {
    let home = Home::new();
    let opened: Vec<_> = (0..3)
        .map(|_| home.path())
        .map(|path| tokio::spawn(async move { Store::open(&path).await.unwrap() }))
        .collect();
    let mut writers = Vec::new();
    for store in opened {
        let store = store.await.unwrap();
        writers.push(tokio::spawn(async move {
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
            for seq in 1..=15 {
                store
                    .commit(vec![write(session.id, seq, &said(turn_id, "x"))])
                    .await
                    .unwrap();
                let body = seq.to_string();
                store
                    .append_ledger(
                        crate::ledger::entry(Some(session.id), body.as_bytes()),
                        body,
                    )
                    .await
                    .unwrap();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let store = home.open().await;
    store.check().await.unwrap();
    assert_eq!(
        store
            .sessions(&ListSessions::default())
            .await
            .unwrap()
            .len(),
        3
    );
    assert_eq!(store.ledger_verify(None).await.unwrap().broken, None);
    let rows = store
        .ledger_list(&kerf_protocol::ledger::ListLedger::default())
        .await
        .unwrap();
    assert_eq!(
        rows.iter().map(|row| row.id).collect::<Vec<_>>(),
        (1..=45).rev().collect::<Vec<_>>()
    );
}
