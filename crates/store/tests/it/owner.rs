//! One session, one driver.

use crate::fixture::Home;
use kerf_protocol::session::SessionState;
use kerf_store::{Store, StoreError, Write};

async fn interrupted(store: &Store) -> usize {
    store.interrupted().await.unwrap().len()
}

#[tokio::test]
async fn a_session_has_one_driver_until_that_one_is_gone() {
    let home = Home::new();
    let (first, session, _) = home.with_session().await;
    let second = home.open().await;
    let (one, two) = (first.owner().unwrap(), second.owner().unwrap());
    assert_eq!(
        one.token(),
        first.owner().unwrap().token(),
        "a store has one owner"
    );
    assert_ne!(one.token(), two.token());

    let again = first.claim(session.id, &one).await.unwrap();
    drop(again);
    let claim = first.claim(session.id, &one).await.unwrap();
    let refused = second.claim(session.id, &two).await.map(drop).unwrap_err();
    assert!(
        matches!(refused, StoreError::InUse { pid, .. } if pid == std::process::id()),
        "{refused}"
    );
    drop(claim);
    // The claim's end is only queued; this comes after it.
    first.commit(Vec::new()).await.unwrap();
    let claim = second.claim(session.id, &two).await.unwrap();

    let running = Write::SessionState {
        id: session.id,
        state: SessionState::Running,
        updated_at: 20,
    };
    second.commit(vec![running]).await.unwrap();
    assert_eq!(
        (interrupted(&first).await, interrupted(&second).await),
        (0, 0)
    );
    let for_another = Write::Disown {
        session_id: session.id,
        owner: one.clone(),
    };
    first.commit(vec![for_another]).await.unwrap();
    assert_eq!(interrupted(&first).await, 0, "nobody lets go for another");
    drop(claim);
    second.commit(Vec::new()).await.unwrap();
    assert_eq!(interrupted(&first).await, 1);
}

#[tokio::test]
async fn an_owner_whose_process_is_gone_stops_nobody() {
    let home = Home::new();
    let (store, session, _) = home.with_session().await;
    let running = Write::SessionState {
        id: session.id,
        state: SessionState::Waiting,
        updated_at: 20,
    };
    store
        .commit(vec![
            running,
            Write::Own {
                session_id: session.id,
                owner: store.owner().unwrap(),
            },
        ])
        .await
        .unwrap();
    assert_eq!(interrupted(&store).await, 0);
    store.close().await.unwrap();

    let store = home.open().await;
    assert_eq!(interrupted(&store).await, 1);
    let claim = store
        .claim(session.id, &store.owner().unwrap())
        .await
        .unwrap();
    assert_eq!(claim.session_id(), session.id);
    assert_eq!(interrupted(&store).await, 0);
}
