//! A database in a folder of its own, and rows to put into it.

use kerf_protocol::{
    ItemId, SessionId, TaskId, TurnId,
    endpoint::{Endpoint, EndpointOrigin, Usage, Wire},
    item::{Item, ItemBody, ItemStatus, ToolCall},
    policy::Policy,
    session::{Session, SessionState, TurnState},
};
use kerf_store::{Store, TurnHead, Write};
use std::path::PathBuf;
use tempfile::TempDir;

pub(crate) struct Home {
    pub(crate) folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("home/kerf.db")
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.path()).await.unwrap()
    }

    /// A store with one session that has one turn.
    pub(crate) async fn with_session(&self) -> (Store, Session, TurnId) {
        let store = self.open().await;
        let session = session(&store, "/work").await;
        let turn = turn();
        store
            .commit(vec![
                Write::Session(session.clone()),
                Write::Turn {
                    session_id: session.id,
                    turn: turn.clone(),
                },
            ])
            .await
            .unwrap();
        (store, session, turn.id)
    }
}

/// A session in a folder, not yet written.
pub(crate) async fn session(store: &Store, folder: &str) -> Session {
    let project = store.open_project(folder, 1).await.unwrap();
    Session {
        id: SessionId::new(),
        task_id: TaskId::new(),
        project_id: project.id,
        folder: folder.to_owned(),
        worktree_of: None,
        title: "a title".to_owned(),
        endpoint: Endpoint {
            name: "local".to_owned(),
            wire: Wire::Chat,
            base_url: "http://127.0.0.1:1/v1".to_owned(),
            model: "m".to_owned(),
            context_window: Some(8192),
            origin: EndpointOrigin::Configured,
        },
        policy: Policy::default(),
        state: SessionState::Idle,
        archived: false,
        created_at: 10,
        updated_at: 10,
        usage: Usage::default(),
    }
}

pub(crate) fn turn() -> TurnHead {
    TurnHead {
        id: TurnId::new(),
        state: TurnState::Running,
        created_at: 11,
        usage: Usage::default(),
    }
}

pub(crate) fn item(turn_id: TurnId, body: ItemBody) -> Item {
    Item {
        id: ItemId::new(),
        turn_id,
        created_at: 12,
        status: ItemStatus::Completed,
        step: 0,
        part: 0,
        body,
    }
}

pub(crate) fn said(turn_id: TurnId, text: &str) -> Item {
    item(
        turn_id,
        ItemBody::AgentMessage {
            text: text.to_owned(),
        },
    )
}

pub(crate) fn called(turn_id: TurnId, title: &str, output: &str) -> Item {
    let call = ToolCall {
        call_id: "c1".to_owned(),
        tool: "shell".to_owned(),
        arguments: serde_json::json!({ "command": "ls" }),
        title: title.to_owned(),
        output: output.to_owned(),
        quotes: Vec::new(),
        changes: Vec::new(),
        exit: None,
        duration_ms: Some(3),
        secrets: Default::default(),
    };
    item(turn_id, ItemBody::ToolCall(call))
}

pub(crate) fn write(session_id: SessionId, seq: u64, item: &Item) -> Write {
    Write::Item {
        session_id,
        seq,
        item: item.clone(),
    }
}
