//! Removing blobs that nothing names any more.
//!
//! ```text
//! DIR/collector  locked by whoever collects: one at a time, and the lock ends with the process
//! DIR/names      locked for every look at a final name that counts: shared by who stores, alone by who removes
//! DIR/meanwhile  there while somebody collects: the hashes that were stored, or found to be stored, since it began
//! ```
//! The caller tells what must stay: all that was named when the collection had begun. What anybody stores from then on is
//! written into `meanwhile` under the same lock under which it gets its name or is found, so it stays too, in whichever
//! process that is, however the clocks go. Removing is done a few at a time, and whoever stores waits for no more than
//! that. A collection that is killed has removed only what nothing named.

use crate::{
    Blobs, CheckpointError, Hash,
    blobs::{io_error, list},
};
use std::{
    collections::{HashMap, HashSet},
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

/// So many blobs are removed while others wait.
const AT_ONCE: usize = 64;

/// What must stay, and how much of the disk that takes.
#[derive(Debug, Default)]
pub struct Marks {
    sizes: HashMap<Hash, u64>,
    marked: HashSet<Hash>,
    bytes: u64,
    /// What was marked since the last [`Marks::settle`].
    new: Vec<Hash>,
}

impl Marks {
    /// Nothing yet, of what a store holds now.
    ///
    /// Errors: [`CheckpointError::Io`].
    pub fn of(blobs: &Blobs) -> Result<Self, CheckpointError> {
        Ok(Self {
            sizes: stored(blobs)?.collect::<Result<_, _>>()?,
            ..Self::default()
        })
    }

    /// Marks a blob; false: it was marked before.
    pub fn insert(&mut self, hash: Hash) -> bool {
        let new = self.marked.insert(hash);
        if new {
            self.bytes += self.size(&hash);
            self.new.push(hash);
        }
        new
    }

    /// What is marked by now stays marked.
    pub fn settle(&mut self) {
        self.new.clear();
    }

    /// Takes back what was marked since it was last settled.
    pub fn take_back(&mut self) {
        for hash in std::mem::take(&mut self.new) {
            self.marked.remove(&hash);
            self.bytes -= self.size(&hash);
        }
    }

    fn size(&self, hash: &Hash) -> u64 {
        self.sizes.get(hash).copied().unwrap_or(0)
    }

    /// Whether a blob is marked.
    pub fn contains(&self, hash: &Hash) -> bool {
        self.marked.contains(hash)
    }

    /// The size on disk of all that is marked, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// What a collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many blobs.
    pub blobs: u64,
    /// How many bytes of the disk that were.
    pub bytes: u64,
}

/// A collection that goes on. Dropped without [`Collection::sweep`], it has removed nothing.
#[derive(Debug)]
pub struct Collection {
    blobs: Arc<Blobs>,
    /// Holds the lock; its time is that of the last collection that went to its end.
    collector: File,
}

impl Blobs {
    /// Begins a collection; none: somebody else collects. What is stored from now on stays.
    ///
    /// Errors: [`CheckpointError::Io`].
    pub fn begin_collection(self: &Arc<Self>) -> Result<Option<Collection>, CheckpointError> {
        let path = self.dir().join("collector");
        let collector = open(&path)?;
        match collector.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(io_error("lock", &path)(error)),
        }
        // With nobody in the middle of storing: who comes later finds the file.
        let _alone = self.alone()?;
        let meanwhile = self.meanwhile();
        File::create(&meanwhile).map_err(io_error("write", &meanwhile))?;
        Ok(Some(Collection {
            blobs: Arc::clone(self),
            collector,
        }))
    }

    /// When a collection last went to its end; none: never, or nobody knows.
    pub fn last_collected(&self) -> Option<SystemTime> {
        let told = std::fs::metadata(self.dir().join("collector")).ok()?;
        // It is there from the first beginning on, and has something in it from the first end on.
        told.modified().ok().filter(|_| told.len() > 0)
    }

    /// Keeps the remover out for as long as it lives.
    pub(crate) fn storing(&self) -> Result<Storing, CheckpointError> {
        let path = self.dir().join("names");
        let lock = open(&path)?;
        lock.lock_shared().map_err(io_error("lock", &path))?;
        let meanwhile = self.meanwhile();
        let log = match OpenOptions::new().append(true).open(&meanwhile) {
            Ok(log) => Some((log, meanwhile)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(io_error("open", &meanwhile)(error)),
        };
        Ok(Storing { log, _lock: lock })
    }

    /// Keeps out all who store.
    fn alone(&self) -> Result<File, CheckpointError> {
        let path = self.dir().join("names");
        let lock = open(&path)?;
        lock.lock().map_err(io_error("lock", &path))?;
        Ok(lock)
    }

    fn meanwhile(&self) -> PathBuf {
        self.dir().join("meanwhile")
    }
}

/// Somebody stores, and nothing is removed meanwhile.
#[derive(Debug)]
pub(crate) struct Storing {
    log: Option<(File, PathBuf)>,
    _lock: File,
}

impl Storing {
    /// To be called with every blob that gets its name or is found to have one, before anybody relies on it.
    pub(crate) fn stays(&mut self, hash: &Hash) -> Result<(), CheckpointError> {
        let Some((log, path)) = &mut self.log else {
            return Ok(());
        };
        // One small write at the end of the file: those of several processes do not mix.
        log.write_all(hash.as_bytes())
            .map_err(io_error("write", path))
    }
}

impl Collection {
    /// Removes all blobs that are neither marked nor were stored since the collection began, until `stop` is set.
    ///
    /// `marks` must hold all that anybody relies on who did not store it since then.
    ///
    /// Errors: [`CheckpointError::Io`]; what is gone by then was not needed.
    pub fn sweep(self, marks: &Marks, stop: &AtomicBool) -> Result<Swept, CheckpointError> {
        let mut swept = Swept::default();
        let mut unnamed = Vec::new();
        for found in stored(&self.blobs)? {
            let (hash, len) = found?;
            if !marks.contains(&hash) {
                unnamed.push((hash, len));
            }
        }
        let path = self.blobs.meanwhile();
        let mut log = File::open(&path).map_err(io_error("open", &path))?;
        let mut stays = HashSet::new();
        for some in unnamed.chunks(AT_ONCE) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let _alone = self.blobs.alone()?;
            let mut more = Vec::new();
            log.read_to_end(&mut more)
                .map_err(io_error("read", &path))?;
            stays.extend(more.as_chunks().0.iter().map(|bytes| Hash::from(*bytes)));
            for (hash, len) in some {
                if stays.contains(hash) {
                    continue;
                }
                let blob = self.blobs.path(hash);
                match std::fs::remove_file(&blob) {
                    Ok(()) => {
                        swept.blobs += 1;
                        swept.bytes += len;
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(io_error("remove", &blob)(error)),
                }
            }
        }
        // Only tells when; the next one is due earlier without it.
        let told = self.collector.set_len(1);
        let _ = told.and_then(|()| self.collector.set_modified(SystemTime::now()));
        Ok(swept)
    }
}

impl Drop for Collection {
    fn drop(&mut self) {
        // When it cannot be removed, it grows until the next collection empties it.
        let _ = std::fs::remove_file(self.blobs.meanwhile());
    }
}

/// All blobs with their sizes on disk.
fn stored(
    blobs: &Blobs,
) -> Result<impl Iterator<Item = Result<(Hash, u64), CheckpointError>>, CheckpointError> {
    let mut all = Vec::new();
    for shard in list(blobs.dir())? {
        let name = shard.file_name();
        let Some(first) = name.to_str().filter(|name| name.len() == 2) else {
            continue;
        };
        for blob in list(&shard.path())? {
            let rest = blob.file_name();
            let hash = rest.to_str().map(|rest| format!("{first}{rest}").parse());
            // What has no such name was not put there by the store.
            if let Some(Ok(hash)) = hash {
                all.push((hash, blob));
            }
        }
    }
    Ok(all.into_iter().map(|(hash, blob)| match blob.metadata() {
        Ok(metadata) => Ok((hash, metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((hash, 0)),
        Err(error) => Err(io_error("look at", &blob.path())(error)),
    }))
}

fn open(path: &Path) -> Result<File, CheckpointError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(io_error("open", path))
}
