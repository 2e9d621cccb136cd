//! Sessions, turns and items come back as they were written, in order.

use crate::fixture::{Home, called, item, said, session, turn, write};
use kerf_protocol::{
    ItemId, QuestionId,
    endpoint::Usage,
    item::{ItemBody, ItemStatus},
    policy::{Question, QuestionAbout},
    request::ListSessions,
    session::{Session, SessionState, TurnState},
};
use kerf_store::{Store, Write};

async fn titles(store: &Store, list: ListSessions) -> Vec<String> {
    store
        .sessions(&list)
        .await
        .unwrap()
        .into_iter()
        .map(|session| session.title)
        .collect()
}

#[tokio::test]
async fn a_transcript_comes_back_whole_and_in_the_order_of_first_writing() {
    let home = Home::new();
    let (store, session, turn_id) = home.with_session().await;
    let mut first = called(turn_id, "lists", "");
    first.status = ItemStatus::Running;
    let second = said(turn_id, "two");
    store
        .commit(vec![
            write(session.id, 3, &first),
            write(session.id, 4, &second),
        ])
        .await
        .unwrap();
    let later = turn();
    let third = said(later.id, "three");
    first.status = ItemStatus::Completed;
    first.step = 2;
    store
        .commit(vec![
            Write::Turn {
                session_id: session.id,
                turn: later.clone(),
            },
            write(session.id, 6, &third),
            write(session.id, 7, &first),
        ])
        .await
        .unwrap();
    let done = kerf_store::TurnHead {
        state: TurnState::Completed,
        usage: Usage {
            output_tokens: 5,
            estimated: true,
            ..Usage::default()
        },
        ..later.clone()
    };
    store
        .commit(vec![Write::Turn {
            session_id: session.id,
            turn: done.clone(),
        }])
        .await
        .unwrap();
    store.close().await.unwrap();

    let store = home.open().await;
    let transcript = store.transcript(session.id).await.unwrap();
    assert_eq!(transcript.session, session);
    assert_eq!(transcript.turns.len(), 2);
    assert_eq!(
        transcript.turns[0].items,
        [first, second],
        "an item that is written again keeps its place"
    );
    assert_eq!(transcript.turns[1].items, [third]);
    assert_eq!(
        (transcript.turns[1].state, transcript.turns[1].usage),
        (done.state, done.usage)
    );
    assert_eq!(store.last_seq(session.id).await.unwrap(), 7);
}

#[tokio::test]
async fn every_kind_of_item_comes_back_equal() {
    let home = Home::new();
    let (store, session, turn_id) = home.with_session().await;
    let question = Question {
        id: QuestionId::new(),
        item_id: ItemId::new(),
        about: QuestionAbout::Edit {
            diff: "\0 \u{E000}\r\n'\"💾".to_owned(),
        },
        session: Some("every change".to_owned()),
        project: None,
        because: None,
        sources: vec!["a\u{202e}.md".to_owned()],
    };
    let bodies = [
        ItemBody::UserMessage {
            text: "NUL \0 in it".to_owned(),
            images: Vec::new(),
            comments: Vec::new(),
        },
        ItemBody::Reasoning {
            text: String::new(),
            opaque: Some(serde_json::json!({"b": 1, "a": [1.5, null, "x"]})),
        },
        ItemBody::Plan { steps: Vec::new() },
        ItemBody::Approval {
            question,
            answer: None,
        },
        ItemBody::Summary {
            text: "s".to_owned(),
            up_to: ItemId::new(),
        },
    ];
    let items = bodies.map(|body| item(turn_id, body));
    let writes = items
        .iter()
        .zip(1..)
        .map(|(item, seq)| write(session.id, seq, item))
        .collect();
    store.commit(writes).await.unwrap();
    assert_eq!(
        store.transcript(session.id).await.unwrap().turns[0].items,
        items
    );
}

#[tokio::test]
async fn lists_are_in_the_order_of_work_not_of_clocks() {
    let home = Home::new();
    let store = home.open().await;
    let mut sessions = Vec::new();
    for (title, folder) in [("a", "/one"), ("b", "/two"), ("c", "/one")] {
        let made = Session {
            title: title.to_owned(),
            ..session(&store, folder).await
        };
        store
            .commit(vec![Write::Session(made.clone())])
            .await
            .unwrap();
        sessions.push(made);
    }
    assert_eq!(
        titles(&store, ListSessions::default()).await,
        ["c", "b", "a"]
    );
    // The clock went back; the session was added to all the same.
    let state = Write::SessionState {
        id: sessions[0].id,
        state: SessionState::Running,
        updated_at: -5,
    };
    store
        .commit(vec![
            state,
            Write::Title {
                id: sessions[1].id,
                title: "B".to_owned(),
            },
        ])
        .await
        .unwrap();
    store
        .commit(vec![Write::Archived {
            id: sessions[2].id,
            archived: true,
        }])
        .await
        .unwrap();
    assert_eq!(titles(&store, ListSessions::default()).await, ["a", "B"]);
    assert_eq!(
        titles(
            &store,
            ListSessions {
                archived: true,
                ..ListSessions::default()
            }
        )
        .await,
        ["a", "c", "B"]
    );
    let one = ListSessions {
        folder: Some("/one".to_owned()),
        ..ListSessions::default()
    };
    assert_eq!(titles(&store, one).await, ["a"]);
    assert_eq!(
        titles(
            &store,
            ListSessions {
                limit: Some(1),
                archived: true,
                folder: None
            }
        )
        .await,
        ["a"]
    );

    let usage = Usage {
        input_tokens: 7,
        cached_input_tokens: 1,
        estimated: true,
        ..Usage::default()
    };
    let add = Write::AddUsage {
        session_id: sessions[0].id,
        usage,
    };
    store.commit(vec![add.clone(), add]).await.unwrap();
    let now = store.session(sessions[0].id).await.unwrap();
    assert_eq!((now.state, now.updated_at), (SessionState::Running, -5));
    assert_eq!(
        now.usage,
        Usage {
            input_tokens: 14,
            cached_input_tokens: 2,
            estimated: true,
            ..Usage::default()
        }
    );
    // The same session written as a whole keeps its place unless it was added to.
    store
        .commit(vec![Write::Session(sessions[1].clone())])
        .await
        .unwrap();
    assert_eq!(titles(&store, ListSessions::default()).await, ["a", "b"]);
}

#[tokio::test]
async fn a_project_is_its_path() {
    let home = Home::new();
    let store = home.open().await;
    let first = store.open_project("/a/b", 1).await.unwrap();
    let again = store.open_project("/a/b", 2).await.unwrap();
    assert_eq!(
        (again.id, again.name.as_str(), again.opened_at),
        (first.id, "b", 2)
    );
    assert_ne!(store.open_project("/", 3).await.unwrap().id, first.id);
}

#[tokio::test]
async fn projects_are_listed_until_they_are_taken_off() {
    let home = Home::new();
    let store = home.open().await;
    let mut ids = Vec::new();
    for (path, at) in [("/a", 1), ("/b", 2), ("/c", 3)] {
        ids.push(store.open_project(path, at).await.unwrap().id);
    }
    let listed = async || -> Vec<String> {
        let projects = store.projects().await.unwrap();
        projects.into_iter().map(|project| project.name).collect()
    };
    store.open_project("/a", 4).await.unwrap();
    assert_eq!(listed().await, ["a", "c", "b"]);
    store
        .commit(vec![Write::UnlistProject(ids[2])])
        .await
        .unwrap();
    assert_eq!(listed().await, ["a", "b"]);
    // Opening puts it back, with the id that its sessions know.
    assert_eq!(store.open_project("/c", 5).await.unwrap().id, ids[2]);
    assert_eq!(listed().await, ["c", "a", "b"]);
}

#[tokio::test]
async fn a_long_session_loads() {
    let home = Home::new();
    let (store, session, turn_id) = home.with_session().await;
    let items: Vec<_> = (0..5_000)
        .map(|n| {
            called(
                turn_id,
                &format!("item {n}"),
                "an output of some length ".repeat(8).as_str(),
            )
        })
        .collect();
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
    let transcript = store.transcript(session.id).await.unwrap();
    assert!(transcript.turns[0].items == items);
}
