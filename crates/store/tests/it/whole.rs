//! What happens to a session as a whole: it is deleted, imported, or refused.

use crate::fixture::{Home, item, said, turn, write};
use kerf_protocol::{
    SessionId,
    endpoint::Usage,
    item::{ItemBody, ItemStatus},
    ledger::ListLedger,
    request::SearchSessions,
    session::{Session, Transcript, TurnState},
};
use kerf_store::{ReviewRow, StoreError, Write};

#[tokio::test]
async fn a_deleted_session_is_gone_but_for_its_ledger() {
    let home = Home::new();
    let (store, session, turn_id) = home.with_session().await;
    let row = ReviewRow {
        origin: "{}".to_owned(),
        proposed: "{}".to_owned(),
        marks: "[]".to_owned(),
    };
    store
        .commit(vec![
            write(session.id, 1, &said(turn_id, "findable")),
            Write::ReviewFile {
                session_id: session.id,
                path: "a".to_owned(),
                row: Some(row),
            },
            Write::Decision {
                session_id: session.id,
                id: None,
                created_at: 1,
                payload: "{}".to_owned(),
            },
        ])
        .await
        .unwrap();
    store
        .append_ledger(
            crate::ledger::entry(Some(session.id), b"body"),
            b"body".to_vec(),
        )
        .await
        .unwrap();
    let claim = store
        .claim(session.id, &store.owner().unwrap())
        .await
        .unwrap();
    store.delete(session.id).await.unwrap();
    drop(claim);

    assert!(matches!(
        store.session(session.id).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(matches!(
        store.transcript(session.id).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(matches!(
        store.delete(session.id).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(store.review_files(session.id).await.unwrap().is_empty());
    assert!(store.decisions(session.id).await.unwrap().is_empty());
    for query in ["findable", "title"] {
        let search = SearchSessions {
            query: query.to_owned(),
            folder: None,
            limit: 10,
        };
        assert_eq!(store.search(&search).await.unwrap(), [], "{query}");
    }
    let ledger = store
        .ledger_list(&ListLedger {
            session_id: Some(session.id),
            ..ListLedger::default()
        })
        .await
        .unwrap();
    assert_eq!(ledger.len(), 1);
}

#[tokio::test]
async fn an_import_is_a_new_session_with_the_same_content() {
    let home = Home::new();
    let (store, session, turn_id) = home.with_session().await;
    let mut first = said(turn_id, "hello");
    first.status = ItemStatus::Running;
    let summary = item(
        turn_id,
        ItemBody::Summary {
            text: "s".to_owned(),
            up_to: first.id,
        },
    );
    store
        .commit(vec![
            write(session.id, 1, &first),
            write(session.id, 2, &summary),
        ])
        .await
        .unwrap();
    let exported = store.transcript(session.id).await.unwrap();

    let other = Home::new();
    for store in [store, other.open().await] {
        let imported = store.import(exported.clone(), 50).await.unwrap();
        assert_ne!(imported.id, session.id);
        let Transcript {
            session: now,
            turns,
        } = store.transcript(imported.id).await.unwrap();
        assert_eq!(now, imported);
        assert_eq!((turns.len(), turns[0].state), (1, TurnState::Interrupted));
        let [said, summary] = &turns[0].items[..] else {
            panic!("{turns:?}")
        };
        assert_eq!(
            (&said.body, said.status),
            (&first.body, ItemStatus::Interrupted)
        );
        assert_eq!(
            summary.body,
            ItemBody::Summary {
                text: "s".to_owned(),
                up_to: said.id
            }
        );
        assert_eq!(store.last_seq(imported.id).await.unwrap(), 2);
    }

    let mut twice = exported;
    let item = twice.turns[0].items[0].clone();
    twice.turns[0].items.push(item);
    assert!(matches!(
        other.open().await.import(twice, 1).await,
        Err(StoreError::Invalid { .. })
    ));
}

#[tokio::test]
async fn rows_without_their_parent_are_refused_whole() {
    let home = Home::new();
    let (store, session, turn_id) = home.with_session().await;
    let stranger = SessionId::new();
    let orphan = said(turn().id, "x");
    let mut other = said(turn_id, "taken");
    store
        .commit(vec![write(session.id, 1, &other)])
        .await
        .unwrap();
    let next = turn();
    store
        .commit(vec![Write::Turn {
            session_id: session.id,
            turn: next.clone(),
        }])
        .await
        .unwrap();
    other.turn_id = next.id;
    let bad = [
        ("unknown turn", write(session.id, 2, &orphan)),
        (
            "a turn of another session",
            write(stranger, 2, &said(turn_id, "x")),
        ),
        ("an item of another turn", write(session.id, 2, &other)),
        (
            "unknown session",
            Write::Turn {
                session_id: stranger,
                turn: turn(),
            },
        ),
        (
            "unknown session",
            Write::Title {
                id: stranger,
                title: String::new(),
            },
        ),
        (
            "unknown session",
            Write::AddUsage {
                session_id: stranger,
                usage: Usage::default(),
            },
        ),
        (
            "unknown decision",
            Write::ForgetDecision {
                session_id: session.id,
                id: 9,
            },
        ),
        (
            "unknown session",
            Write::Own {
                session_id: stranger,
                owner: store.owner().unwrap(),
            },
        ),
    ];
    for (why, write_bad) in bad {
        let good = Write::Title {
            id: session.id,
            title: "changed".to_owned(),
        };
        let error = store.commit(vec![good, write_bad]).await.unwrap_err();
        assert!(
            matches!(error, StoreError::NotFound { .. }),
            "{why}: {error}"
        );
    }
    let foreign = Session {
        project_id: kerf_protocol::ProjectId::new(),
        id: stranger,
        ..session.clone()
    };
    let error = store
        .commit(vec![Write::Session(foreign)])
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
    assert_eq!(store.session(session.id).await.unwrap().title, "a title");
}
