//! Search: what is found, in which order, and that no query is an error.

use crate::fixture::{Home, called, item, said, session, write};
use kerf_protocol::{item::ItemBody, request::SearchSessions, session::SessionHit};
use kerf_store::{Store, Write};
use proptest::prelude::*;

async fn find(store: &Store, query: &str) -> Vec<SessionHit> {
    store
        .search(&SearchSessions {
            query: query.to_owned(),
            folder: None,
            limit: 20,
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn words_are_found_where_people_look() {
    let home = Home::new();
    let (store, session, turn_id) = home.with_session().await;
    let long = format!("needle-at-start {} tailword", "x ".repeat(20_000));
    let reasoning = ItemBody::Reasoning {
        text: "secretthought".to_owned(),
        opaque: None,
    };
    let items = [
        item(
            turn_id,
            ItemBody::UserMessage {
                text: "Please fix parse_config".to_owned(),
                images: vec![],
                comments: vec![],
            },
        ),
        said(turn_id, "The café's parser broke \u{E000}forged\u{E001}"),
        called(turn_id, "runs `cargo test`", &long),
        item(turn_id, reasoning),
    ];
    store
        .commit(
            items
                .iter()
                .zip(1..)
                .map(|(item, seq)| write(session.id, seq, item))
                .collect(),
        )
        .await
        .unwrap();
    let cases = [
        (
            "parse_config",
            vec!["Please fix \u{E000}parse_config\u{E001}"],
        ),
        (
            "PLEASE fix",
            vec!["\u{E000}Please\u{E001} \u{E000}fix\u{E001} parse_config"],
        ),
        (
            "fix please",
            vec!["\u{E000}Please\u{E001} \u{E000}fix\u{E001} parse_config"],
        ),
        (
            "cafe",
            vec!["The \u{E000}café\u{E001}'s parser broke  forged "],
        ),
        (
            "forged",
            vec!["The café's parser broke  \u{E000}forged\u{E001} "],
        ),
        ("car", vec!["runs `\u{E000}cargo\u{E001} test`"]),
        ("title", vec!["a \u{E000}title\u{E001}"]),
        ("car fix", vec![]),
        ("pars fix", vec![]),
        ("tailword", vec![]),
        ("secretthought", vec![]),
        ("", vec![]),
        ("\" * () :", vec![]),
    ];
    for (query, expected) in cases {
        let hits = find(&store, query).await;
        for hit in &hits {
            assert_eq!(
                (hit.session_id, hit.turn_id, hit.title.as_str()),
                (session.id, turn_id, "a title"),
                "{query}"
            );
        }
        let found: Vec<_> = hits
            .iter()
            .map(|hit| hit.snippet.lines().next().unwrap_or_default())
            .collect();
        assert_eq!(found.len(), expected.len(), "{query}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{query}: {found:?}");
        }
    }
}

#[tokio::test]
async fn the_index_follows_changes() {
    let home = Home::new();
    let (store, session, turn_id) = home.with_session().await;
    let mut message = said(turn_id, "before");
    store
        .commit(vec![write(session.id, 1, &message)])
        .await
        .unwrap();
    message.body = ItemBody::AgentMessage {
        text: "after".to_owned(),
    };
    let rename = Write::Title {
        id: session.id,
        title: "renamed".to_owned(),
    };
    store
        .commit(vec![write(session.id, 2, &message), rename])
        .await
        .unwrap();
    for (query, count) in [("before", 0), ("after", 1), ("title", 0), ("renamed", 1)] {
        assert_eq!(find(&store, query).await.len(), count, "{query}");
    }
    store.check().await.unwrap();
}

#[tokio::test]
async fn the_best_hit_comes_first_and_folders_keep_apart() {
    let home = Home::new();
    let (store, one, turn_id) = home.with_session().await;
    let two = session(&store, "/other").await;
    let turn = crate::fixture::turn();
    let weak = said(turn_id, &format!("needle {}", "hay ".repeat(50)));
    let strong = said(turn.id, "needle needle");
    store
        .commit(vec![
            Write::Session(two.clone()),
            Write::Turn {
                session_id: two.id,
                turn,
            },
            write(one.id, 1, &weak),
            write(two.id, 1, &strong),
        ])
        .await
        .unwrap();
    let hits = find(&store, "needle").await;
    assert_eq!(
        hits.iter().map(|hit| hit.session_id).collect::<Vec<_>>(),
        [two.id, one.id]
    );
    let search = SearchSessions {
        query: "needle".to_owned(),
        folder: Some("/work".to_owned()),
        limit: 20,
    };
    assert_eq!(store.search(&search).await.unwrap().len(), 1);
    assert_eq!(
        store
            .search(&SearchSessions {
                limit: 1,
                folder: None,
                ..search
            })
            .await
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn no_query_is_an_error() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let home = Home::new();
    let store = runtime.block_on(async {
        let (store, session, turn_id) = home.with_session().await;
        store
            .commit(vec![write(
                session.id,
                1,
                &said(turn_id, "NEAR AND OR NOT text a b"),
            )])
            .await
            .unwrap();
        store
    });
    let words = prop_oneof![
        Just("NEAR(".to_owned()),
        Just("\"".to_owned()),
        Just("text:".to_owned()),
        Just("^a*".to_owned()),
        Just("{text} : b".to_owned()),
        Just("\0x".to_owned()),
        ".*",
        "[\\p{M}\\p{N}\\p{Co}\\p{So}]{1,5}",
    ];
    proptest!(ProptestConfig::with_cases(200), |(words in prop::collection::vec(words, 0..5))| {
        runtime.block_on(find(&store, &words.join(" ")));
    });
}
