//! The engine itself: what all requests share.

use crate::{
    attempts::Waiting,
    awake::Awake,
    checks::Checks,
    failure::{failure, from_store},
    feed::{Feed, Fronts},
    git::{Commands, Moving},
    home::Home,
    indexes::Indexes,
    searches::Searches,
    settings::{EnvironmentEndpoint, Settings},
};
use kerf_egress::LocalOnly;
use kerf_protocol::{Code, Failure, UnixMillis};
use kerf_sandbox::Sandbox;
use kerf_store::{Keys, Recovery, Store};
use kerf_workspace::SleepClock;
use std::{
    fs,
    path::PathBuf,
    sync::{Arc, OnceLock, atomic::AtomicBool},
    time::SystemTime,
};
use tokio::sync::{Mutex, MutexGuard, RwLock, Semaphore};

/// How an engine is set up by its front.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where data and configuration are.
    pub home: Home,
    /// The program that serves as the sandbox helper: its main calls [`crate::run_if_helper`] first.
    pub helper: PathBuf,
    /// Whether somebody is there to answer questions.
    pub attended: bool,
    /// Whether folders are watched from when they are first searched or worked in: for fronts that live longer than one
    /// search.
    pub watch: bool,
    /// Tells whether the computer slept, after which what was told of a folder is not enough.
    pub sleep_clock: SleepClock,
    /// The endpoint that the environment names.
    pub environment: EnvironmentEndpoint,
}

/// The application. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    store: Store,
    /// What was done at this start about a damaged database.
    recovery: Option<Recovery>,
    keys: Keys,
    sandbox: Sandbox,
    awake: Awake,
    commands: Commands,
    moving: Moving,
    local_only: LocalOnly,
    indexes: Indexes,
    searches: Searches,
    windows: Arc<Fronts>,
    /// One piece of work on the worktrees that are there at a time: those of other processes are told by locks.
    tidying: Mutex<()>,
    /// Shared by whoever stores contents that are named a moment later, and held alone while it is found out what is named.
    naming: Arc<RwLock<()>>,
    /// Whether a turn has ended since blobs were collected.
    worked: AtomicBool,
    /// Lets so many attempts go on at once.
    attempt_room: OnceLock<Arc<Semaphore>>,
    /// The checks that run again.
    checks: Checks,
    /// The attempts that have not begun.
    waiting: Waiting,
    /// One change of the configuration file at a time: each reads it, changes it and replaces it.
    configuring: Mutex<()>,
}

impl Engine {
    /// Opens the database, making it when it is new.
    ///
    /// # Errors
    /// When the data folder or the database cannot be used.
    pub async fn open(options: Options) -> Result<Self, Failure> {
        kerf_egress::install_crypto();
        let data = options.home.data();
        fs::create_dir_all(data).map_err(|error| {
            failure(
                Code::Storage,
                format!("the data folder {} cannot be made: {error}", data.display()),
                "Set KERF_HOME to a folder that can be written",
            )
        })?;
        let (store, recovery) = Store::open_or_recover(&options.home.database())
            .await
            .map_err(from_store)?;
        let sandbox = Sandbox::hiding(options.helper.clone(), options.home.folders());
        let lasts = options.watch;
        let engine = Self {
            inner: Arc::new(Inner {
                options,
                store,
                recovery,
                keys: Keys::new(),
                sandbox,
                awake: Awake::default(),
                commands: Commands::default(),
                moving: Moving::default(),
                local_only: LocalOnly::default(),
                indexes: Indexes::default(),
                searches: Searches::default(),
                windows: Arc::default(),
                tidying: Mutex::default(),
                naming: Arc::default(),
                worked: AtomicBool::default(),
                attempt_room: OnceLock::new(),
                checks: Checks::default(),
                waiting: Waiting::default(),
                configuring: Mutex::default(),
            }),
        };
        if lasts {
            let engine = engine.clone();
            tokio::spawn(async move { engine.finish_worktrees().await });
        }
        Ok(engine)
    }

    /// The events of all sessions that are open in this process, from now on, for a window.
    #[must_use]
    pub fn feed(&self) -> Feed {
        Feed::new(self.windows())
    }

    pub(crate) fn windows(&self) -> Arc<Fronts> {
        Arc::clone(&self.inner.windows)
    }

    /// To be held while the configuration file is changed.
    pub(crate) async fn configuring(&self) -> MutexGuard<'_, ()> {
        self.inner.configuring.lock().await
    }

    /// To be held while worktrees are tidied, removed or brought back.
    pub(crate) async fn tidying(&self) -> MutexGuard<'_, ()> {
        self.inner.tidying.lock().await
    }

    /// See [`crate::room`].
    pub(crate) fn naming(&self) -> Arc<RwLock<()>> {
        Arc::clone(&self.inner.naming)
    }

    /// Whether a turn has ended since blobs were collected.
    pub(crate) fn worked(&self) -> &AtomicBool {
        &self.inner.worked
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
    }

    pub(crate) fn home(&self) -> &Home {
        &self.inner.options.home
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Writes what is queued, and closes the database. For a front that ends; whatever is asked afterwards fails.
    pub async fn close(&self) {
        if let Err(error) = self.store().clone().close().await {
            // Nothing that was acknowledged is lost: the next start reads it from the log beside the database.
            tracing::warn!(%error, "the database was not closed");
        }
    }

    pub(crate) fn recovery(&self) -> Option<&Recovery> {
        self.inner.recovery.as_ref()
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.inner.sandbox
    }

    pub(crate) fn awake(&self) -> &Awake {
        &self.inner.awake
    }

    pub(crate) fn commands(&self) -> &Commands {
        &self.inner.commands
    }

    /// See [`Moving`].
    pub(crate) fn moving(&self) -> &Moving {
        &self.inner.moving
    }

    /// The switch of all doors to models.
    pub(crate) fn local_only(&self) -> &LocalOnly {
        &self.inner.local_only
    }

    pub(crate) fn indexes(&self) -> &Indexes {
        &self.inner.indexes
    }

    pub(crate) fn searches(&self) -> &Searches {
        &self.inner.searches
    }

    /// The room for attempts, of the size that is right when the first ones begin.
    pub(crate) fn attempt_room(&self, size: impl FnOnce() -> usize) -> Arc<Semaphore> {
        let room = &self.inner.attempt_room;
        Arc::clone(room.get_or_init(|| Arc::new(Semaphore::new(size()))))
    }

    pub(crate) fn checks(&self) -> &Checks {
        &self.inner.checks
    }

    pub(crate) fn waiting(&self) -> &Waiting {
        &self.inner.waiting
    }

    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        Settings::load(&self.home().config())
    }
}

/// Now.
pub(crate) fn now() -> UnixMillis {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| {
            UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX)
        })
}

/// The folder that the user means, canonical.
pub(crate) fn canonical_folder(folder: &str) -> Result<PathBuf, Failure> {
    let path = PathBuf::from(folder);
    let wrong = |why: String| {
        failure(
            Code::Usage,
            format!("{folder} cannot be opened: {why}"),
            "Give a folder that exists",
        )
    };
    let path = fs::canonicalize(&path).map_err(|error| wrong(error.to_string()))?;
    if path.is_dir() {
        Ok(path)
    } else {
        Err(wrong("it is not a folder".to_owned()))
    }
}
