//! Where contents are kept to be searched: one tantivy index a place, shared by all folders of the process.
//!
//! A document is a content, not a file, so that a second worktree or another branch adds only what is new. Which
//! files have a content is the business of listings; the store is asked by [`ContentId`] alone.
//!
//! One process writes a place and holds a lock as long as it does; another one reads what is there, and searches the
//! files themselves for what is not. Nothing here is dear: what cannot be trusted is set aside and built anew. No
//! error is the end of a search either, because a content that the snapshot does not hold is looked for on disk.

mod disk;
mod document;
mod error;
#[cfg(test)]
mod held;
mod names;
mod place;
mod snapshot;
mod tokens;
mod writer;

pub(crate) use document::{DocumentMaker, Shape, Texts, Tokenizers};
pub(crate) use error::StoreError;
#[cfg(test)]
pub(crate) use held::Held;
pub(crate) use snapshot::{ContentSet, IdHasher, Place as Stored, Snapshot};
pub(crate) use tokens::{EXACT, FOLDED, KIND};

use crate::{
    background,
    content::{Content, ContentId},
    listing::Listing,
    symbols::Language,
    trigram::Plan,
};
use document::{Document, Waiting};
use place::Place;
use std::{
    collections::{HashMap, HashSet},
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError, RwLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Term};

/// What may wait for tantivy, in bytes.
const WAITING_BYTES: usize = 16 << 20;

/// Contents that no listing refers to are removed when they are more than one of so many.
const GARBAGE_SHARE: usize = 4;

/// Fewer are not worth the work.
const GARBAGE_LEAST: usize = 100;

/// Who shares the store: its contents are no garbage, and it is told when they are lost.
pub(crate) trait Member: Send + Sync {
    /// Adds the contents that it refers to.
    fn add_ids(&self, ids: &mut HashSet<ContentId>);

    /// Contents that were held are so no more.
    fn lost(&self);
}

/// The contents of one place.
pub(crate) struct Store {
    place: Place,
    shape: Shape,
    waiting: Waiting,
    /// Before the state, whose lock is to be given back when nothing is written any more.
    writer: RwLock<Option<IndexWriter<Document>>>,
    /// Whether there is one: nobody who only wants to know waits for a commit.
    is_writable: AtomicBool,
    state: Mutex<State>,
    snapshot: RwLock<Arc<Snapshot>>,
    /// Contents on their way, until the next commit.
    adding: Mutex<HashSet<ContentId>>,
    members: Mutex<Vec<Weak<dyn Member>>>,
    is_damaged: AtomicBool,
}

#[derive(Default)]
struct State {
    /// Held by the one that writes.
    lock: Option<File>,
    reader: Option<IndexReader>,
}

/// The stores that are open, by place.
static OPEN: LazyLock<Mutex<HashMap<PathBuf, Weak<Store>>>> = LazyLock::new(Mutex::default);

impl Store {
    /// The store of a place, which is the same for all folders of this process. Reads nothing yet; see
    /// [`Self::prepare`].
    pub(crate) fn at(place: &Path) -> Arc<Self> {
        let mut open = locked(&OPEN);
        open.retain(|_, store| store.strong_count() > 0);
        if let Some(store) = open.get(place).and_then(Weak::upgrade) {
            return store;
        }
        let store = Arc::new(Self {
            place: Place::new(place.to_path_buf()),
            shape: Shape::new(),
            waiting: Waiting::new(WAITING_BYTES),
            state: Mutex::default(),
            writer: RwLock::default(),
            is_writable: AtomicBool::new(false),
            snapshot: RwLock::default(),
            adding: Mutex::default(),
            members: Mutex::default(),
            is_damaged: AtomicBool::new(false),
        });
        open.insert(place.to_path_buf(), Arc::downgrade(&store));
        store
    }

    pub(crate) fn join(&self, member: Weak<dyn Member>) {
        let mut members = locked(&self.members);
        members.retain(|member| member.strong_count() > 0);
        members.push(member);
    }

    /// Makes the store ready to be searched, and to be written when nobody else does. Cheap when it is.
    ///
    /// What was found damaged is set aside here, and an empty index takes its place.
    pub(crate) fn prepare(&self) -> Result<(), StoreError> {
        let mut state = locked(&self.state);
        if state.lock.is_none()
            && let Some(lock) = self.place.lock()?
        {
            state.lock = Some(lock);
            // What was read so far belonged to another writer.
            state.reader = None;
        }
        if state.lock.is_none() {
            return self.prepare_reading(&mut state);
        }
        if self.is_damaged.load(Ordering::Acquire) {
            self.reset(&mut state)?;
        }
        if state.reader.is_some() && self.is_writable() {
            return Ok(());
        }
        self.put_writer(None);
        let opened = guarded(|| {
            let Some(index) = self.place.open(&self.shape)? else {
                return Err(StoreError::damaged("there is none"));
            };
            let reader = reader(&index)?;
            let snapshot = Snapshot::new(reader.searcher(), &Snapshot::default())?;
            Ok((index, reader, snapshot))
        });
        let (index, reader, snapshot) = match opened {
            Ok(opened) => opened,
            Err(StoreError::Damaged(_)) => {
                self.reset(&mut state)?;
                let index = self.place.create(&self.shape)?;
                let reader = reader(&index)?;
                (index, reader, Snapshot::default())
            }
            Err(error) => return Err(error),
        };
        self.put_writer(Some(background::run(|| writer::of(&index))?));
        state.reader = Some(reader);
        self.show(snapshot);
        self.place.remove_aside();
        Ok(())
    }

    /// For a process that does not write: looks again at what the other one has written.
    fn prepare_reading(&self, state: &mut State) -> Result<(), StoreError> {
        let opened = guarded(|| {
            let before = self.snapshot();
            let reader = match state.reader.take() {
                Some(reader) => {
                    reader.reload()?;
                    reader
                }
                None => match self.place.open(&self.shape)? {
                    Some(index) => reader(&index)?,
                    None => return Ok(None),
                },
            };
            let snapshot = Snapshot::new(reader.searcher(), &before)?;
            Ok(Some((reader, snapshot)))
        });
        match opened {
            Ok(Some((reader, snapshot))) => {
                state.reader = Some(reader);
                self.show(snapshot);
            }
            Ok(None) => {}
            // The writer is to find out by itself.
            Err(error) => {
                self.show(Snapshot::default());
                return Err(error);
            }
        }
        Err(StoreError::NotOurs)
    }

    /// Sets the index aside.
    fn reset(&self, state: &mut State) -> Result<(), StoreError> {
        self.put_writer(None);
        state.reader = None;
        let was_of_use = !self.snapshot().held().is_empty();
        self.show(Snapshot::default());
        locked(&self.adding).clear();
        self.place.set_aside()?;
        self.is_damaged.store(false, Ordering::Release);
        for member in self.members().iter().filter(|_| was_of_use) {
            member.lost();
        }
        Ok(())
    }

    fn members(&self) -> Vec<Arc<dyn Member>> {
        let members = locked(&self.members);
        members.iter().filter_map(Weak::upgrade).collect()
    }

    /// Has the index built anew by the next [`Self::prepare`].
    pub(crate) fn discard(&self) {
        self.is_damaged.store(true, Ordering::Release);
    }

    pub(crate) fn is_writable(&self) -> bool {
        self.is_writable.load(Ordering::Acquire)
    }

    fn put_writer(&self, new: Option<IndexWriter<Document>>) {
        let mut writer = written(&self.writer);
        self.is_writable.store(new.is_some(), Ordering::Release);
        *writer = new;
    }

    /// What can be searched now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&read(&self.snapshot))
    }

    /// Asks the snapshot; `None` when the index turns out to be damaged, which has it built anew.
    pub(crate) fn ask<T>(&self, read: impl FnOnce(&Shape) -> Result<T, StoreError>) -> Option<T> {
        guarded(|| read(&self.shape))
            .map_err(|_| self.discard())
            .ok()
    }

    fn show(&self, snapshot: Snapshot) {
        *written(&self.snapshot) = Arc::new(snapshot);
    }

    /// The contents of the snapshot that a plan lets through; `None`: nothing is known, so all of them.
    pub(crate) fn candidates(&self, snapshot: &Snapshot, plan: &Plan) -> Option<ContentSet> {
        self.ask(|shape| snapshot.candidates(shape, plan)).flatten()
    }

    /// Adds a content that is not held yet. It can be found after the next [`Self::commit`]. `false`: it cannot be
    /// indexed, because it has too many trigrams.
    pub(crate) fn add(
        &self,
        content: &Content,
        language: Option<Language>,
        maker: &mut DocumentMaker,
    ) -> Result<bool, StoreError> {
        if self.snapshot().holds(content.id) || !locked(&self.adding).insert(content.id) {
            return Ok(true);
        }
        let Some(document) = maker.make(&self.shape, content, language, &self.waiting) else {
            locked(&self.adding).remove(&content.id);
            return Ok(false);
        };
        let added = match &*read(&self.writer) {
            Some(writer) => writer.add_document(document).map_err(StoreError::from),
            None => Err(StoreError::NotOurs),
        };
        if added.is_err() {
            locked(&self.adding).remove(&content.id);
        }
        added.map(|_| true)
    }

    /// Makes what was added so far findable. Searches go on meanwhile.
    pub(crate) fn commit(&self) -> Result<(), StoreError> {
        if locked(&self.adding).is_empty() {
            return Ok(());
        }
        let state = locked(&self.state);
        let committed = match &mut *written(&self.writer) {
            Some(writer) => {
                locked(&self.adding).clear();
                // The threads that it starts are those that write until the next one.
                background::run(|| writer.commit()).map_err(StoreError::from)
            }
            None => Err(StoreError::NotOurs),
        };
        if let Err(error) = committed {
            // A writer that has failed once is of no use any more; the next `prepare` makes another.
            self.put_writer(None);
            return Err(error);
        }
        self.reload(&state)
    }

    fn reload(&self, state: &State) -> Result<(), StoreError> {
        let Some(reader) = &state.reader else {
            return Ok(());
        };
        let before = self.snapshot();
        let snapshot = guarded(|| {
            reader.reload()?;
            Snapshot::new(reader.searcher(), &before)
        });
        match snapshot {
            Ok(snapshot) => {
                self.show(snapshot);
                Ok(())
            }
            Err(error) => {
                self.discard();
                Err(error)
            }
        }
    }

    /// Gives up the writer after an error; the next [`Self::prepare`] makes another.
    pub(crate) fn fail(&self) {
        let state = locked(&self.state);
        self.put_writer(None);
        locked(&self.adding).clear();
        drop(state);
    }

    /// Removes contents that no folder refers to, when they are many. Whether it did.
    pub(crate) fn remove_garbage(&self) -> Result<bool, StoreError> {
        let state = locked(&self.state);
        if state.lock.is_none() {
            return Ok(false);
        }
        let snapshot = self.snapshot();
        let mut used = HashSet::new();
        for file in std::fs::read_dir(self.place.folders())
            .into_iter()
            .flatten()
            .flatten()
        {
            // A damaged one refers to nothing that anybody knows of.
            Listing::load_ids(&file.path(), &mut used);
        }
        for member in self.members() {
            member.add_ids(&mut used);
        }
        let garbage: Vec<_> = snapshot
            .held()
            .iter()
            .filter(|id| !used.contains(id))
            .collect();
        if garbage.len() < GARBAGE_LEAST || garbage.len() * GARBAGE_SHARE <= snapshot.held().len() {
            return Ok(false);
        }
        let mut writer = written(&self.writer);
        let Some(writer) = &mut *writer else {
            return Ok(false);
        };
        for id in garbage {
            // Two contents with the same half are one in 2^64; the other one is then looked for on disk.
            writer.delete_term(Term::from_field_u64(self.shape.hash_high, id.halves().0));
        }
        locked(&self.adding).clear();
        background::run(|| writer.commit())?;
        self.reload(&state)?;
        Ok(true)
    }

    /// The folder for listings.
    pub(crate) fn folders(&self) -> PathBuf {
        self.place.folders()
    }

    /// The bytes of the index on disk.
    pub(crate) fn bytes_on_disk(&self) -> u64 {
        self.place.bytes()
    }
}

fn reader(index: &Index) -> Result<IndexReader, StoreError> {
    Ok(index
        .reader_builder()
        .reload_policy(ReloadPolicy::Manual)
        .try_into()?)
}

/// Runs what reads the index. Damage that no check has found makes tantivy panic.
fn guarded<T>(read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(StoreError::damaged("reading it failed")))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn written<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
