//! What all windows share: the engine, which opens while the first window is drawn, and what is known of each window.

use kerf_engine::{Engine, Home, Options};
use kerf_protocol::{Code, Failure};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

pub(crate) struct App {
    engine: watch::Receiver<Option<Result<Engine, Failure>>>,
    windows: Mutex<BTreeMap<String, Window>>,
}

/// What is known of a window, by its label.
#[derive(Default)]
pub(crate) struct Window {
    /// The folders that it was opened with; a page that is loaded again asks again.
    pub(crate) folders: Vec<String>,
    /// Whether its page has asked for them, and hears of later ones by an event.
    pub(crate) listening: bool,
    /// What was last dropped on it: of files outside of projects its page may read these alone.
    pub(crate) dropped: Vec<PathBuf>,
    /// Carries events to its page.
    pub(crate) follow: Option<AbortOnDropHandle<()>>,
}

impl App {
    /// Begins to open the engine.
    pub(crate) fn open() -> Self {
        let (opened, engine) = watch::channel(None);
        tauri::async_runtime::spawn(async move {
            let engine = match Options::of_this_process(true) {
                Ok(options) => Engine::open(options).await,
                Err(failure) => Err(failure),
            };
            opened.send_replace(Some(engine.clone()));
            if let Ok(engine) = engine {
                engine.tend().await;
            }
        });
        Self {
            engine,
            windows: Mutex::default(),
        }
    }

    /// The engine, once it is open.
    pub(crate) async fn engine(&self) -> Result<Engine, Failure> {
        let mut engine = self.engine.clone();
        let opened = engine.wait_for(Option::is_some).await;
        opened
            .ok()
            .and_then(|opened| opened.clone())
            .unwrap_or_else(|| Err(failure(Code::Internal, "Kerf's engine did not open")))
    }

    /// Makes the label of a new window, and notes its folders.
    pub(crate) fn add_window(&self, folders: Vec<String>) -> String {
        let mut windows = self.windows();
        let mut labels = (1..).map(|number| format!("window-{number}"));
        let label = labels
            .find(|label| !windows.contains_key(label))
            .unwrap_or_default();
        windows.entry(label.clone()).or_default().folders = folders;
        label
    }

    /// What is known of the windows.
    pub(crate) fn windows(&self) -> MutexGuard<'_, BTreeMap<String, Window>> {
        // The map is valid after every statement, so a panic elsewhere leaves nothing half done.
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the window keeps what it remembers: with Kerf's data, so that another `KERF_HOME` is another window.
pub(crate) fn data() -> Option<PathBuf> {
    Some(Home::of_this_process().ok()?.data().join("window"))
}

pub(crate) fn failure(code: Code, message: impl Into<String>) -> Failure {
    Failure {
        code,
        message: message.into(),
        hint: String::new(),
    }
}
