//! The review's rows.

use crate::fixture::Home;
use kerf_protocol::item::Comment;
use kerf_store::{ReviewRow, Write};

fn row(text: &str) -> ReviewRow {
    ReviewRow {
        origin: text.to_owned(),
        proposed: text.to_uppercase(),
        marks: "[]".to_owned(),
    }
}

#[tokio::test]
async fn files_are_kept_by_path() {
    let home = Home::new();
    let (store, session, _) = home.with_session().await;
    let put = |path: &str, row| Write::ReviewFile {
        session_id: session.id,
        path: path.to_owned(),
        row,
    };
    store
        .commit(vec![
            put("b", Some(row("b"))),
            put("a", Some(row("a"))),
            put("c", Some(row("c"))),
        ])
        .await
        .unwrap();
    store
        .commit(vec![
            put("a", Some(row("x"))),
            put("c", None),
            put("unknown", None),
        ])
        .await
        .unwrap();
    let files = store.review_files(session.id).await.unwrap();
    assert_eq!(
        files,
        [("a".to_owned(), row("x")), ("b".to_owned(), row("b"))]
    );
}

#[tokio::test]
async fn decisions_have_numbers_that_only_grow() {
    let home = Home::new();
    let (store, session, _) = home.with_session().await;
    let decide =
        |payload: &str| store.commit_decision(Vec::new(), session.id, 1, payload.to_owned());
    let (first, second) = (decide("1").await.unwrap(), decide("2").await.unwrap());
    assert!(first < second);
    store
        .commit(vec![Write::ForgetDecision {
            session_id: session.id,
            id: second,
        }])
        .await
        .unwrap();
    let third = decide("3").await.unwrap();
    assert!(
        third > second,
        "a number that was shown once names nothing else later"
    );
    let replace = Write::Decision {
        session_id: session.id,
        id: Some(first),
        created_at: 9,
        payload: "one".to_owned(),
    };
    let add = Write::Decision {
        session_id: session.id,
        id: None,
        created_at: 9,
        payload: "4".to_owned(),
    };
    store.commit(vec![replace, add]).await.unwrap();
    let payloads: Vec<_> = store
        .decisions(session.id)
        .await
        .unwrap()
        .into_iter()
        .map(|made| made.payload)
        .collect();
    assert_eq!(payloads, ["4", "3", "one"]);
}

#[tokio::test]
async fn comments_wait_until_they_are_sent() {
    let home = Home::new();
    let (store, session, _) = home.with_session().await;
    let comment = |text: &str| Comment {
        path: "a".to_owned(),
        first_line: 1,
        last_line: 2,
        excerpt: "x".to_owned(),
        text: text.to_owned(),
    };
    for text in ["one", "two", "one"] {
        store
            .commit(vec![Write::Comment {
                session_id: session.id,
                comment: comment(text),
                around: String::new(),
            }])
            .await
            .unwrap();
    }
    let waiting = async || -> Vec<Comment> {
        let found = store.comments(session.id).await.unwrap();
        found.into_iter().map(|found| found.comment).collect()
    };
    assert_eq!(
        waiting().await,
        [comment("one"), comment("two"), comment("one")]
    );
    let send = async |texts: &[&str]| {
        let sent = Write::CommentsSent {
            session_id: session.id,
            comments: texts.iter().map(|text| comment(text)).collect(),
        };
        store.commit(vec![sent]).await.unwrap();
        waiting().await
    };
    assert_eq!(
        send(&["one", "three"]).await,
        [comment("two"), comment("one")]
    );
    assert_eq!(send(&["two", "one"]).await, []);
}

#[tokio::test]
async fn a_comment_that_moved_keeps_its_place_among_the_others() {
    let home = Home::new();
    let (store, session, _) = home.with_session().await;
    let session_id = session.id;
    let comment = |first_line| Comment {
        path: "a".to_owned(),
        first_line,
        last_line: first_line,
        excerpt: "x".to_owned(),
        text: "why?".to_owned(),
    };
    let add = |line| Write::Comment {
        session_id,
        comment: comment(line),
        around: format!("around {line}"),
    };
    store.commit(vec![add(1), add(9)]).await.unwrap();
    let id = store.comments(session_id).await.unwrap()[0].id;
    for id in [id, id + 1000] {
        let moved = Write::CommentMoved {
            session_id,
            id,
            comment: comment(5),
        };
        store.commit(vec![moved]).await.unwrap();
    }
    let found = store.comments(session_id).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|found| (found.comment.first_line, found.around.as_str()))
        .collect();
    assert_eq!(found, [(5, "around 1"), (9, "around 9")]);
}

#[tokio::test]
async fn what_is_set_aside_and_the_commit_that_was_seen_are_kept_until_they_are_others() {
    let home = Home::new();
    let (store, session, _) = home.with_session().await;
    let session_id = session.id;
    assert_eq!(store.review_head(session_id).await.unwrap(), None);
    let aside = |path: &str, row| Write::ReviewAside {
        session_id,
        path: path.to_owned(),
        row,
    };
    for head in ["one", "two"] {
        let head = head.to_owned();
        let head = Write::ReviewHead { session_id, head };
        let writes = vec![head, aside("b", Some(row("1"))), aside("a", Some(row("2")))];
        store.commit(writes).await.unwrap();
    }
    let writes = vec![aside("b", None), aside("a", Some(row("3")))];
    store.commit(writes).await.unwrap();
    let head = store.review_head(session_id).await.unwrap();
    assert_eq!(head.as_deref(), Some("two"));
    let found = store.reviews_aside(session_id).await.unwrap();
    assert_eq!(found, [("a".to_owned(), row("3"))]);
    // They go with the session, and with no other.
    store.delete(session_id).await.unwrap();
    assert_eq!(store.reviews_aside(session_id).await.unwrap(), []);
    assert_eq!(store.review_head(session_id).await.unwrap(), None);
}
