//! The ledger: numbers without gaps, bodies as they were sent, and a chain that shows any change.

use crate::fixture::{Home, session};
use kerf_protocol::{
    SessionId, TurnId,
    ledger::{
        FileRange, LedgerEntry, LedgerProof, LedgerTotal, ListLedger, Purpose, TotalBy, TotalLedger,
    },
};
use kerf_store::{Store, StoreError, Write};
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
        let found = store.ledger_show(*id).await.unwrap();
        assert_eq!((found.row.id, &found.row.entry), (*id, entry));
        assert!(found.body == *body, "the body of row {id}");
    }
    let rows = store
        .ledger_list(&ListLedger {
            session_id: session,
            limit: Some(2),
            ..ListLedger::default()
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
    assert_eq!(proof(&store, None).await.broken, None);
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
        assert_eq!(proof(&store, None).await.broken, None);
        sqlx::query(change)
            .execute(&mut raw(&home).await)
            .await
            .unwrap();
        assert_eq!(proof(&store, None).await.broken, Some(broken), "{change}");
    }
}

#[tokio::test]
async fn a_seal_shows_that_the_end_was_cut_off_or_written_anew() {
    let home = Home::new();
    let store = home.open().await;
    assert_eq!(proof(&store, None).await.seal, None);
    let mut seals = Vec::new();
    for body in conversation(4) {
        store.append_ledger(entry(None, &body), body).await.unwrap();
        seals.push(proof(&store, None).await.seal.unwrap());
    }
    for seal in &seals {
        assert_eq!(proof(&store, Some(seal)).await.broken, None);
    }
    sqlx::query("delete from ledger where id = 4")
        .execute(&mut raw(&home).await)
        .await
        .unwrap();
    // Without the end the rest is still a chain; only the seal tells.
    assert_eq!(proof(&store, None).await.broken, None);
    assert_eq!(proof(&store, Some(&seals[3])).await.broken, Some(4));
    assert_eq!(proof(&store, Some(&seals[2])).await.broken, None);
    store
        .append_ledger(entry(None, b"other"), b"other".to_vec())
        .await
        .unwrap();
    assert_eq!(proof(&store, None).await.broken, None);
    assert_eq!(proof(&store, Some(&seals[3])).await.broken, Some(4));
}

#[tokio::test]
async fn rows_are_found_by_folder_file_day_and_text() {
    let home = Home::new();
    let store = home.open().await;
    let mut sessions = Vec::new();
    for folder in ["/here", "/there"] {
        let session = session(&store, folder).await;
        sessions.push(session.id);
        store.commit(vec![Write::Session(session)]).await.unwrap();
    }
    let (here, there) = (sessions[0], sessions[1]);
    let day = 24 * 60 * 60 * 1000;
    // Noon, so that no time zone makes another day of it.
    let noon = day / 2;
    let rows = [
        (Some(here), noon, "a.rs", "say \"hello\"\nworld"),
        (Some(there), noon, "a.rs", "nothing"),
        (Some(here), noon + day, "b.rs", "say hello"),
        (None, noon + day, "", ""),
    ];
    for (session, at, path, text) in rows {
        let body = serde_json::json!({ "text": text }).to_string();
        let mut entry = entry(session, body.as_bytes());
        entry.at = at;
        let part = entry.files.remove(0);
        if !path.is_empty() {
            for first_line in [1, 20] {
                entry.files.push(FileRange {
                    path: path.to_owned(),
                    first_line,
                    ..part.clone()
                });
            }
        }
        store.append_ledger(entry, body).await.unwrap();
    }
    // What a session's rows tell outlives it.
    store.delete(there).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let none = ListLedger::default();
    let table = [
        (none.clone(), vec![4, 3, 2, 1]),
        (
            ListLedger {
                folder: text("/here"),
                ..none.clone()
            },
            vec![3, 1],
        ),
        (
            ListLedger {
                folder: text("/there"),
                ..none.clone()
            },
            vec![2],
        ),
        (
            ListLedger {
                folder: text("/her"),
                ..none.clone()
            },
            vec![],
        ),
        (
            ListLedger {
                file: text("a.rs"),
                ..none.clone()
            },
            vec![2, 1],
        ),
        (
            ListLedger {
                file: text("a.rs"),
                folder: text("/here"),
                ..none.clone()
            },
            vec![1],
        ),
        (
            ListLedger {
                day: text("1970-01-02"),
                ..none.clone()
            },
            vec![4, 3],
        ),
        (
            ListLedger {
                text: text("say"),
                ..none.clone()
            },
            vec![3, 1],
        ),
        (
            ListLedger {
                text: text("say"),
                limit: Some(1),
                ..none.clone()
            },
            vec![3],
        ),
        (
            ListLedger {
                text: text("\"hello\"\nworld"),
                ..none.clone()
            },
            vec![1],
        ),
        (
            ListLedger {
                text: text("Say"),
                ..none.clone()
            },
            vec![],
        ),
        (
            ListLedger {
                before: Some(3),
                limit: Some(1),
                ..none.clone()
            },
            vec![2],
        ),
        (
            ListLedger {
                session_id: Some(here),
                ..none
            },
            vec![3, 1],
        ),
    ];
    for (list, expected) in table {
        let found = store.ledger_list(&list).await.unwrap();
        assert_eq!(
            found.iter().map(|row| row.id).collect::<Vec<_>>(),
            expected,
            "{list:?}"
        );
    }

    let totals = async |by, folder: Option<&str>| {
        let total = TotalLedger {
            by,
            folder: folder.map(str::to_owned),
        };
        let totals = store.ledger_totals(&total).await.unwrap();
        let short = |total: LedgerTotal| {
            (
                total.key,
                total.folder,
                total.requests,
                total.first_at,
                total.last_at,
            )
        };
        totals.into_iter().map(short).collect::<Vec<_>>()
    };
    let (h, t) = (text("/here"), text("/there"));
    assert_eq!(
        totals(TotalBy::File, None).await,
        [
            ("b.rs".to_owned(), h.clone(), 1, noon + day, noon + day),
            ("a.rs".to_owned(), t.clone(), 1, noon, noon),
            ("a.rs".to_owned(), h.clone(), 1, noon, noon),
        ]
    );
    assert_eq!(totals(TotalBy::File, Some("/there")).await.len(), 1);
    assert_eq!(
        totals(TotalBy::Session, None).await,
        [
            (here.to_string(), h, 2, noon, noon + day),
            (there.to_string(), t, 1, noon, noon),
        ]
    );
    assert_eq!(
        totals(TotalBy::Day, None).await,
        [
            ("1970-01-02".to_owned(), None, 2, noon + day, noon + day),
            ("1970-01-01".to_owned(), None, 2, noon, noon),
        ]
    );
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
                assert_eq!(store.ledger_show(id).await.unwrap().body, body);
            }
        });
    });
}

async fn proof(store: &Store, seal: Option<&str>) -> LedgerProof {
    let seal = seal.map(|seal| seal.split_once(':').unwrap());
    let seal = seal.map(|(id, hash)| (id.parse().unwrap(), hash.to_owned()));
    store.ledger_verify(seal).await.unwrap()
}

async fn raw(home: &Home) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(home.path())
        .foreign_keys(false);
    SqliteConnection::connect_with(&options).await.unwrap()
}
