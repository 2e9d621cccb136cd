//! The index of one folder: opened, told of changes, asked.
//!
//! [`Index::open`] starts a thread that lists the folder, reads what is new and goes on so for as long as a handle
//! lives. Whoever watches the folder tells it of changes ([`Index::changed`]); a search takes in what was told before
//! it answers, so that what is told is never missed, however far the thread is.
//!
//! On disk a place has two parts: `contents/`, the store that all folders share, and `folders/`, a listing for each.
//! All of it can be removed at any time; it is then made anew.

mod look;
mod queue;
mod status;
#[cfg(test)]
mod tests;
mod turn;
mod work;

pub use status::{Event, LeftOut, Phase, Status};

use crate::{
    Answer, Definition, Focus, GrepQuery, Grepped, Hides, Map, MayShow, Names, SearchError, Wanted,
    catalog::Catalog,
    content::ContentId,
    exact, files,
    listing::Listing,
    map, search,
    store::{Member, Snapshot, Store},
};
use kerf_workspace::{RelPath, WatchEvent, Workspace, path::Escaped};
use queue::Queue;
use status::Progress;
use std::{
    collections::HashSet,
    fmt, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};
use turn::Turn;

/// The index of one folder. Cheap to clone; the last one that is dropped ends its work.
#[derive(Clone)]
pub struct Index {
    handle: Arc<Handle>,
}

/// What may have changed in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// These files or folders: made, changed or gone.
    Paths(Vec<RelPath>),
    /// Anything; the folder is walked and compared.
    Everything,
}

/// Asked whether changes may have been missed.
type Missed = Box<dyn Fn() -> bool + Send + Sync>;

/// Ends the thread with the last handle.
struct Handle {
    core: Arc<Core>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the handles and the thread share.
pub(crate) struct Core {
    ws: Workspace,
    /// Names the folder in its listing.
    name: String,
    /// The index's own place, when it lies in the folder.
    except: Option<RelPath>,
    store: Arc<Store>,
    listing: RwLock<Listing>,
    /// What ranked searches make of the listing and the store. Locked before the listing.
    catalog: RwLock<Catalog>,
    /// Whether the whole folder has been walked once.
    is_walked: AtomicBool,
    /// Held by the one that looks.
    looking: Turn,
    /// Asked by the one that looks.
    missed: OnceLock<Missed>,
    /// Held by the one that reads a large file.
    one_large: Mutex<()>,
    queue: Queue,
    progress: Progress,
    /// Why the store does not grow.
    trouble: Mutex<Option<String>>,
    has_saved: AtomicBool,
    is_stopped: AtomicBool,
    map: map::Kept,
    on: Box<dyn Fn(Event) + Send + Sync>,
}

impl Index {
    /// Opens the index of a folder, kept at `place`, and returns at once. `on` is called on threads of the index.
    ///
    /// Folders that share a place share contents, as worktrees of one repository should; none finds what another one
    /// has alone. A place that lies in the folder is left out of it.
    pub fn open(
        workspace: Workspace,
        place: &Path,
        on: impl Fn(Event) + Send + Sync + 'static,
    ) -> Self {
        // Its real name, so that two ways to say it lead to one store. What fails here fails for the store again.
        drop(fs::create_dir_all(place));
        let place = place
            .canonicalize()
            .or_else(|_| std::path::absolute(place))
            .unwrap_or_else(|_| place.to_path_buf());
        let except = place
            .strip_prefix(workspace.root())
            .ok()
            .and_then(|inside| RelPath::new(inside).ok());
        let core = Arc::new(Core {
            name: Escaped(workspace.root().as_os_str()).to_string(),
            except,
            store: Store::at(&place),
            ws: workspace,
            listing: RwLock::default(),
            catalog: RwLock::default(),
            is_walked: AtomicBool::new(false),
            looking: Turn::default(),
            missed: OnceLock::new(),
            one_large: Mutex::default(),
            queue: Queue::default(),
            progress: Progress::default(),
            trouble: Mutex::default(),
            has_saved: AtomicBool::new(false),
            is_stopped: AtomicBool::new(false),
            map: map::Kept::default(),
            on: Box::new(on),
        });
        let member: Weak<Core> = Arc::downgrade(&core);
        core.store.join(member);
        core.queue.tell(Change::Everything);
        let working = Arc::clone(&core);
        let thread = thread::Builder::new()
            .name("kerf-index".to_owned())
            .spawn(move || {
                let work = AssertUnwindSafe(|| {
                    working.load();
                    working.work();
                });
                // Searches can go on without the thread.
                if catch_unwind(work).is_err() {
                    let why = "a mistake in Kerf has ended its work; open the folder again";
                    *locked(&working.trouble) = Some(why.to_owned());
                    working.stop();
                }
            });
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(error) => {
                *locked(&core.trouble) = Some(format!("no thread can be started: {error}"));
                None
            }
        };
        Self {
            handle: Arc::new(Handle {
                core,
                thread: Mutex::new(thread),
            }),
        }
    }

    /// Tells of changes, as the watcher does. Searches from now on see them.
    pub fn changed(&self, change: Change) {
        self.handle.core.queue.tell(change);
    }

    /// Has this asked before each answer: whether changes may have been missed that nobody tells of. Then the folder is
    /// walked before the answer. One asks at a time, so that one who is told so tells the others. The first call counts.
    pub fn ask_first(&self, missed: impl Fn() -> bool + Send + Sync + 'static) {
        drop(self.handle.core.missed.set(Box::new(missed)));
    }

    /// Finds the lines that match: the same as [`crate::grep`] finds in the folder as it is, as far as the index was
    /// told of changes; the index's own place is left out.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub fn grep(&self, query: &GrepQuery, cancel: &AtomicBool) -> Result<Grepped, SearchError> {
        exact::grep(&self.handle.core, query, None, cancel)
    }

    /// The same without the files that are hidden from the search: nothing of the answer tells what they hold.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub fn grep_without(
        &self,
        query: &GrepQuery,
        hides: Hides<'_>,
        cancel: &AtomicBool,
    ) -> Result<Grepped, SearchError> {
        exact::grep(&self.handle.core, query, Some(hides), cancel)
    }

    /// Answers a query: exact lines, words, definitions, references or files, whatever it asks for.
    ///
    /// Every hit is in the file as it is now, as far as the index was told of changes. What the index does not hold is
    /// looked at by the search itself: without bounds where lines are exact, else as far as [`Answer::scanned`] tells.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub fn search(&self, wanted: &Wanted<'_>, cancel: &AtomicBool) -> Result<Answer, SearchError> {
        search::search(&self.handle.core, wanted, None, cancel)
    }

    /// The same without the files that are hidden from the search: they are neither looked into nor told of. How rare a
    /// word is, by which answers to words are ranked, is reckoned over all files.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub fn search_without(
        &self,
        wanted: &Wanted<'_>,
        hides: Hides<'_>,
        cancel: &AtomicBool,
    ) -> Result<Answer, SearchError> {
        search::search(&self.handle.core, wanted, Some(hides), cancel)
    }

    /// The definitions of one file as it is now, in the order of their beginnings; none for a file whose language is
    /// not read.
    ///
    /// # Errors
    /// [`SearchError::File`] when the file cannot be read.
    pub fn outline(&self, path: &RelPath) -> Result<Vec<Definition>, SearchError> {
        search::outline(&self.handle.core, path)
    }

    /// An outline of the files and definitions that matter most, of at most so many tokens. Of each file is
    /// shown what `may_show` says.
    ///
    /// A token is taken for 4 bytes, and the text never has more than 4 bytes for each of the budget; of 0 nothing is
    /// left, and below 100 files are only named. Every line is quoted from the file as it is now. While the index is
    /// being built the map has what there is, and its last line says so.
    ///
    /// # Errors
    /// [`SearchError::Cancelled`].
    pub fn map(
        &self,
        focus: &Focus,
        budget_tokens: usize,
        may_show: &dyn Fn(&RelPath) -> MayShow,
        cancel: &AtomicBool,
    ) -> Result<Map, SearchError> {
        map::map(&self.handle.core, focus, budget_tokens, may_show, cancel)
    }

    /// What the index is and does.
    pub fn status(&self) -> Status {
        self.handle.core.status()
    }

    /// Files that have no words and definitions in the index, and why; at most `limit`.
    pub fn left_out(&self, limit: usize) -> Vec<LeftOut> {
        self.handle.core.left_out(limit)
    }

    /// Waits until every change told so far is in, or `until`. Whether they are.
    pub fn wait(&self, until: Instant) -> bool {
        self.handle.core.queue.wait_done(until)
    }

    /// Sets the index of the place aside and builds it anew. Searches go on meanwhile.
    pub fn rebuild(&self) {
        self.handle.core.store.discard();
        self.handle.core.queue.tell(Change::Everything);
    }

    /// Ends the work of the index for all its handles; it is not told of, nor takes in, anything from now on but for
    /// a search. What it has read is kept.
    pub fn cancel(&self) {
        self.handle.core.stop();
    }
}

impl From<WatchEvent> for Change {
    fn from(event: WatchEvent) -> Self {
        match event {
            WatchEvent::Changed(paths) => Self::Paths(paths),
            WatchEvent::Rescan { .. } | WatchEvent::Unwatched { .. } => Self::Everything,
        }
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("folder", &self.handle.core.name)
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.core.stop();
        let thread = locked(&self.thread).take();
        // The last handle may have been held by a listener, on the thread itself.
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
        {
            // A panic there has been told of on the standard error; nothing waits for its result.
            drop(thread.join());
        }
    }
}

impl Core {
    pub(crate) fn workspace(&self) -> &Workspace {
        &self.ws
    }

    pub(crate) fn except(&self) -> Option<&RelPath> {
        self.except.as_ref()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn kept_map(&self) -> &map::Kept {
        &self.map
    }

    pub(crate) fn listing(&self) -> RwLockReadGuard<'_, Listing> {
        read(&self.listing)
    }

    /// Whether the whole folder has been walked once.
    pub(crate) fn is_walked(&self) -> bool {
        self.is_walked.load(Ordering::Acquire)
    }

    /// The files of the folder with all that was told, and the snapshot of the store that they are found in.
    pub(crate) fn catalog(
        &self,
        cancel: &AtomicBool,
    ) -> Result<(RwLockReadGuard<'_, Catalog>, Arc<Snapshot>), SearchError> {
        self.look(cancel)?;
        let snapshot = self.store.snapshot();
        let mut catalog = read(&self.catalog);
        if !catalog.is_fresh(&read(&self.listing), &snapshot) {
            drop(catalog);
            written(&self.catalog).refresh(&self.listing, &snapshot);
            catalog = read(&self.catalog);
        }
        // Somebody else may have taken in more meanwhile.
        let snapshot = catalog.snapshot();
        Ok((catalog, snapshot))
    }

    /// The catalog without what has changed since it was last asked for.
    pub(crate) fn catalog_as_it_is(&self) -> RwLockReadGuard<'_, Catalog> {
        read(&self.catalog)
    }

    /// The names of the folder's files.
    pub(crate) fn names(
        &self,
        hidden: bool,
        cancel: &AtomicBool,
    ) -> Result<Arc<Names>, SearchError> {
        if !self.look(cancel)? {
            let mut files = files::list(&self.ws, &RelPath::root(), self.except(), cancel)?.files;
            files.retain(|path| hidden || !files::is_hidden(path, &RelPath::root()));
            return Ok(Arc::new(Names::new(&files)));
        }
        let snapshot = self.store.snapshot();
        let mut catalog = written(&self.catalog);
        catalog.refresh(&self.listing, &snapshot);
        Ok(catalog.names(hidden))
    }

    /// Whether a path belongs to the index itself.
    fn is_own(&self, path: &RelPath) -> bool {
        self.except
            .as_ref()
            .is_some_and(|own| path.starts_with(own))
    }

    /// The file that keeps the listing.
    fn listing_file(&self) -> PathBuf {
        let hash = blake3::hash(self.ws.root().as_os_str().as_encoded_bytes());
        self.store.folders().join(hash.to_hex().as_str())
    }

    fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        self.queue.stop();
    }
}

impl Member for Core {
    fn add_ids(&self, ids: &mut HashSet<ContentId>) {
        self.listing().add_ids(ids);
    }

    fn lost(&self) {
        self.queue.nudge();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn written<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
