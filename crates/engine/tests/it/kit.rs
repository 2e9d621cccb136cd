//! A folder, a scripted server, and a home in which engines are opened.

use kerf_engine::{Engine, EnvironmentEndpoint, Events, Home, Options, SleepClock};
use kerf_protocol::{
    Code, Failure, QuestionId, SessionId,
    event::{Event, EventBody},
    item::{Item, ItemBody},
    policy::{Answer, ApproveMode, Policy, SandboxMode},
    request::{
        AnswerParams, NewSession, Nothing, Prompt, Prompted, SessionRef, WhenRunning, method,
    },
    session::{Session, Transcript},
};
use kerf_test_support::{Fixture, ModelServer, Script, Turn};
use serde_json::json;
use std::{fs, path::Path, time::Duration};
use tempfile::TempDir;
use tokio::time::timeout;

/// After this a test is stuck.
pub(crate) const STUCK: Duration = Duration::from_secs(60);

pub(crate) struct Bench {
    pub(crate) fixture: Fixture,
    pub(crate) server: ModelServer,
    pub(crate) home: TempDir,
}

impl Bench {
    pub(crate) fn new(tree: &str, turns: impl IntoIterator<Item = Turn>) -> Self {
        let script = turns.into_iter().fold(Script::new(), Script::turn);
        Self {
            fixture: Fixture::new(tree),
            server: ModelServer::start(script.otherwise(Turn::text("Done."))),
            home: TempDir::new().unwrap(),
        }
    }

    /// An engine over the home, with the server as the environment's endpoint and somebody to answer.
    pub(crate) async fn engine(&self) -> Engine {
        Engine::open(self.options()).await.unwrap()
    }

    /// Another engine that takes a session over from one that was dropped. That one lets go of it a moment later.
    pub(crate) async fn engine_after(&self, dropped: Engine, session_id: SessionId) -> Engine {
        drop(dropped);
        let engine = self.engine().await;
        opened(&engine, session_id).await;
        engine
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            watch: true,
            sleep_clock: SleepClock::default(),
            home: Home::locate(Some(self.home.path().to_owned())).unwrap(),
            // No command runs here.
            helper: "no-helper".into(),
            attended: true,
            environment: EnvironmentEndpoint {
                base_url: Some(self.server.base_url()),
                model: Some("scripted".to_owned()),
                ..EnvironmentEndpoint::default()
            },
        }
    }

    pub(crate) async fn session(&self, engine: &Engine, approve: ApproveMode) -> Session {
        let new = NewSession {
            folder: self.fixture.path().display().to_string(),
            policy: Policy {
                sandbox: SandboxMode::Off,
                approve,
            },
            ..NewSession::default()
        };
        engine.call::<method::SessionNew>(new).await.unwrap()
    }

    /// A session that has taken one turn.
    pub(crate) async fn talked(&self, engine: &Engine) -> SessionId {
        let id = self.session(engine, ApproveMode::Auto).await.id;
        let mut events = engine.subscribe(id).await.unwrap();
        prompt(engine, id, "go").await.unwrap();
        until_end(&mut events).await;
        engine.idle(id).await.unwrap();
        id
    }
}

/// Opens a session that another engine lets go of in a moment.
pub(crate) async fn opened(engine: &Engine, session_id: SessionId) {
    let taken = async {
        while let Err(failure) = engine.subscribe(session_id).await {
            assert_eq!(failure.code, Code::Conflict, "{failure}");
            tokio::task::yield_now().await;
        }
    };
    timeout(STUCK, taken).await.unwrap();
}

pub(crate) async fn prompt(
    engine: &Engine,
    session_id: SessionId,
    text: &str,
) -> Result<Prompted, Failure> {
    let prompt = Prompt {
        session_id,
        text: text.to_owned(),
        images: Vec::new(),
        when_running: WhenRunning::Queue,
    };
    engine.call::<method::SessionPrompt>(prompt).await
}

pub(crate) async fn answer(
    engine: &Engine,
    session_id: SessionId,
    question_id: QuestionId,
    answer: Answer,
) -> Result<Nothing, Failure> {
    let params = AnswerParams {
        session_id,
        question_id,
        answer,
    };
    engine.call::<method::SessionAnswer>(params).await
}

pub(crate) async fn show(engine: &Engine, session_id: SessionId) -> Transcript {
    engine
        .call::<method::SessionShow>(SessionRef { session_id })
        .await
        .unwrap()
}

/// The events up to the first of which `is` is true, that one included.
pub(crate) async fn until(events: &mut Events, is: impl Fn(&EventBody) -> bool) -> Vec<Event> {
    let mut all = Vec::new();
    loop {
        let next = timeout(STUCK, events.recv()).await;
        let event = next
            .unwrap_or_else(|_| panic!("stuck after {all:#?}"))
            .unwrap();
        all.push(Event::clone(&event));
        if is(&event.body) {
            return all;
        }
    }
}

pub(crate) async fn until_end(events: &mut Events) -> Vec<Event> {
    until(events, |body| {
        matches!(
            body,
            EventBody::TurnCompleted { .. } | EventBody::TurnFailed { .. }
        )
    })
    .await
}

pub(crate) fn edit() -> Turn {
    Turn::call(
        "edit_file",
        json!({"path": "a.txt", "edits": [{"old": "one", "new": "two"}]}),
    )
}

pub(crate) fn texts(items: &[Item]) -> Vec<String> {
    let text = |item: &Item| match &item.body {
        ItemBody::UserMessage { text, .. } => Some(format!("user: {text}")),
        ItemBody::AgentMessage { text } => Some(format!("agent: {text}")),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

/// Copies what a process that stopped now would leave behind.
pub(crate) fn copy_database(from: &Path, to: &Path) {
    for name in ["kerf.db", "kerf.db-wal"] {
        let _ = fs::remove_file(to.join(name));
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
    let _ = fs::remove_file(to.join("kerf.db-shm"));
}
