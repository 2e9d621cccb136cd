//! The indexes of the folders that are open in this process: one a folder, kept as long as the engine.
//!
//! A watcher tells an index what changes. Until it watches, and where it cannot, the folder is looked at before each
//! search instead, so that no answer is older than its question. After a sleep of the computer it is looked at once,
//! because what changed meanwhile may not have been told.

use crate::{
    engine::{Engine, canonical_folder, now},
    failure::{from_fs, from_panic},
    feed::Fronts,
};
use kerf_git::Repo;
use kerf_index::{Change, Event, Index, Phase, Status};
use kerf_protocol::{
    Failure,
    request::{Folder, Nothing},
    search::{IndexState, IndexStatus, LeftOut, ListLeftOut, SkippedFile},
};
use kerf_workspace::{Changes, SleepClock, WatchEvent, Watcher, Watching, Workspace};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// Changes are told once nothing has changed for so long: an editor saves in several steps.
const QUIET: Duration = Duration::from_millis(15);

/// The indexes by their folders.
#[derive(Default)]
pub(crate) struct Indexes {
    open: Mutex<HashMap<PathBuf, Arc<Indexed>>>,
}

/// The index of a folder, and what tells it of changes.
pub(crate) struct Indexed {
    index: Index,
    workspace: Workspace,
    /// Whether this front watches its folders. Who does not is over soon, and asks [`now`](Self::now).
    watches: bool,
    watcher: OnceLock<Watcher>,
    /// Whether the folder is watched, or is about to be.
    is_watched: AtomicBool,
    changes: OnceLock<Option<Changes>>,
    /// Where files come and go by which it is known what has been told.
    cookies: PathBuf,
    clock: SleepClock,
    /// Why not all changes are told, for people.
    note: Arc<OnceLock<String>>,
}

impl Indexed {
    /// The index, told of what has changed by now.
    pub(crate) fn now(&self) -> &Index {
        if !self.watches && self.watcher.get().is_none() {
            self.index.changed(Change::Everything);
        }
        &self.index
    }

    pub(crate) fn handle(&self) -> Index {
        self.index.clone()
    }

    /// What the system tells of the folder at the moment one asks; none: it is not watched yet, or not all is told.
    pub(crate) fn changes(&self) -> Option<Changes> {
        let watcher = self.watcher.get()?;
        let changes = self.changes.get_or_init(|| watcher.changes(&self.cookies));
        changes.clone()
    }

    /// Begins to watch the folder, if it is not yet. Whatever changed before is found by a look at all of it.
    pub(crate) fn begin_to_watch(self: &Arc<Self>) {
        if self.is_watched.swap(true, Ordering::Relaxed) {
            return;
        }
        let workspace = self.workspace.clone();
        let watching = Watching {
            clock: self.clock.clone(),
            ..Watching::new(QUIET)
        };
        let indexed = Arc::downgrade(self);
        let started = thread::Builder::new()
            .name("kerf-watch-start".to_owned())
            .spawn(move || {
                let told = Weak::clone(&indexed);
                let watcher = Watcher::start(&workspace, watching, move |event| {
                    if let Some(indexed) = told.upgrade() {
                        indexed.take(event);
                    }
                });
                // The engine may have ended meanwhile.
                let Some(indexed) = indexed.upgrade() else {
                    return;
                };
                // Before anybody can rely on the watcher.
                indexed.index.changed(Change::Everything);
                match watcher {
                    Ok(watcher) => drop(indexed.watcher.set(watcher)),
                    Err(error) => drop(indexed.note.set(error.to_string())),
                }
            });
        if let Err(error) = started {
            drop(self.note.set(format!("the folder is not watched: {error}")));
        }
    }

    /// Has the index ask before each answer, whoever searches in it, whether something may not have been told: as long as
    /// nobody watches, and once after a sleep of the computer.
    fn ask_what_was_missed(self: &Arc<Self>) {
        let told = Arc::downgrade(self);
        let known = AtomicU64::new(0);
        self.index.ask_first(move || {
            let Some(indexed) = told.upgrade() else {
                return false;
            };
            let Some(watcher) = indexed.watcher.get() else {
                return indexed.watches;
            };
            let sleeps = watcher.sleeps();
            known.swap(sleeps, Ordering::Relaxed) != sleeps
        });
    }

    /// Waits until the folder is watched, or cannot be; then what is told is asked for once.
    #[cfg(all(test, target_os = "linux"))]
    pub(crate) async fn changes_once_watched(&self) -> Option<Changes> {
        // The thread that begins to watch ends with one of the two.
        while self.watcher.get().is_none() && self.note.get().is_none() {
            tokio::task::yield_now().await;
        }
        self.changes()
    }

    fn take(&self, event: WatchEvent) {
        if let WatchEvent::Unwatched { reason } = &event {
            drop(self.note.set(reason.clone()));
        }
        self.index.changed(event.into());
    }
}

impl Engine {
    /// The index of a folder, opened in this process if it is not yet. Waits for the disk of the folder, and for that of no
    /// other one.
    pub(crate) fn indexed(&self, folder: &Path) -> Result<Arc<Indexed>, Failure> {
        let indexes = &self.indexes().open;
        let lock = || indexes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(folder).cloned();
        if let Some(indexed) = &known
            && indexed.workspace.is_in_place()
        {
            return Ok(Arc::clone(indexed));
        }
        let workspace = Workspace::open(folder).map_err(from_fs)?;
        let place = self.place(folder);
        // Dropped after the lock, because its work may take a moment to end.
        let gone;
        let mut open = lock();
        match open.get(folder) {
            // Somebody else was first.
            Some(now) if !known.as_ref().is_some_and(|known| Arc::ptr_eq(known, now)) => {
                return Ok(Arc::clone(now));
            }
            _ => gone = open.remove(folder),
        }
        let (fronts, name) = (self.windows(), folder.display().to_string());
        let note = Arc::new(OnceLock::new());
        let index = Index::open(workspace.clone(), &place, {
            let note = Arc::clone(&note);
            move |event| tell(&fronts, &name, event, note.get())
        });
        let indexed = Arc::new(Indexed {
            index,
            workspace,
            watches: self.options().watch,
            watcher: OnceLock::new(),
            is_watched: AtomicBool::new(false),
            changes: OnceLock::new(),
            cookies: self.home().watch(),
            clock: self.options().sleep_clock.clone(),
            note,
        });
        indexed.ask_what_was_missed();
        if indexed.watches {
            indexed.begin_to_watch();
        }
        open.insert(folder.to_owned(), Arc::clone(&indexed));
        drop((open, gone));
        Ok(indexed)
    }

    /// Where the index of a folder is kept: worktrees of one repository share a place.
    fn place(&self, folder: &Path) -> PathBuf {
        // A repository that cannot be read shares nothing.
        let repository = Repo::discover(folder).ok().flatten();
        let shared = repository.map_or_else(|| folder.to_owned(), |repo| repo.common_dir());
        let name = blake3::hash(shared.as_os_str().as_encoded_bytes()).to_hex();
        self.home().indexes().join(&name[..16])
    }

    pub(crate) async fn index_status(
        &self,
        Folder { folder }: Folder,
    ) -> Result<IndexStatus, Failure> {
        self.with_index(&folder, |indexed, folder| {
            status(folder, indexed.index.status(), indexed.note.get())
        })
        .await
    }

    pub(crate) async fn index_rebuild(
        &self,
        Folder { folder }: Folder,
    ) -> Result<Nothing, Failure> {
        self.with_index(&folder, |indexed, _| indexed.index.rebuild())
            .await?;
        Ok(Nothing {})
    }

    pub(crate) async fn index_stop(&self, Folder { folder }: Folder) -> Result<Nothing, Failure> {
        self.with_index(&folder, |indexed, _| indexed.index.cancel())
            .await?;
        Ok(Nothing {})
    }

    pub(crate) async fn index_left_out(
        &self,
        ListLeftOut { folder, limit }: ListLeftOut,
    ) -> Result<Vec<SkippedFile>, Failure> {
        self.with_index(&folder, move |indexed, _| {
            let files = indexed.index.left_out(limit as usize);
            let files = files.into_iter().map(|file| SkippedFile {
                path: file.path.to_string(),
                reason: match file.message {
                    Some(message) => format!("{}: {message}", file.reason),
                    None => file.reason.to_string(),
                },
            });
            files.collect()
        })
        .await
    }

    /// Does something with the index of a folder where waiting holds nobody up.
    pub(crate) async fn with_index<T: Send + 'static>(
        &self,
        folder: &str,
        work: impl FnOnce(&Indexed, &str) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let folder = canonical_folder(folder)?;
        let engine = self.clone();
        tokio::task::spawn_blocking(move || {
            let indexed = engine.indexed(&folder)?;
            Ok(work(&indexed, &folder.display().to_string()))
        })
        .await
        .map_err(from_panic)?
    }
}

fn tell(fronts: &Fronts, folder: &str, event: Event, note: Option<&String>) {
    if let Event::Status(of) = event {
        fronts.show_index(&status(folder, of, note));
    }
}

fn status(folder: &str, status: Status, note: Option<&String>) -> IndexStatus {
    let (state, why) = match status.state {
        Phase::Building {
            files_done,
            files_total,
            bytes_done,
            bytes_total,
            left,
        } => {
            let building = IndexState::Building {
                files_done: files_done as u64,
                files_total: files_total as u64,
                bytes_done,
                bytes_total,
                left_ms: left.map(millis),
            };
            (building, None)
        }
        Phase::Ready => (IndexState::Ready, None),
        Phase::Off { why } => (IndexState::Off, Some(why)),
    };
    let ago = status
        .last_change
        .map(|ago| i64::try_from(millis(ago)).unwrap_or(i64::MAX));
    let left_out = status.left_out.into_iter().map(|(reason, files)| LeftOut {
        reason: reason.to_string(),
        files: files as u64,
    });
    IndexStatus {
        folder: folder.to_owned(),
        state,
        files: status.files as u64,
        bytes: status.bytes,
        left_out: left_out.collect(),
        size: status.index_bytes,
        changed_at: ago.map(|ago| now().saturating_sub(ago)),
        note: why.or_else(|| note.cloned()),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
