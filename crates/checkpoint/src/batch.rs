//! Storing many contents with one flush.

use crate::{
    Blobs, CheckpointError, Hash, MAX_BLOB_BYTES,
    blobs::{compress, io_error},
    durable::{Flusher, flush_dir},
};
use std::{
    collections::{BTreeSet, HashMap},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use tempfile::TempPath;

/// Contents on their way into the store. Threads may add at the same time.
///
/// Nothing counts as stored before [`Batch::commit`] returns. A batch that is dropped leaves nothing behind.
///
/// A first snapshot stores thousands of files, and a flush each would take minutes on some disks. So all are written
/// under temporary names, the contents are flushed together (on Linux by one `syncfs`, elsewhere by parallel flushes),
/// then all get their names, and then the folders are flushed, at most 257 of them. The order is what makes it right:
/// no final name ever leads to content that a power cut could take away.
#[derive(Debug)]
pub struct Batch<'blobs> {
    blobs: &'blobs Blobs,
    flusher: Flusher,
    /// None: another process or an earlier batch has stored it, so that only its name may still be in flight.
    added: Mutex<HashMap<Hash, Option<TempPath>>>,
}

impl<'blobs> Batch<'blobs> {
    /// An empty batch.
    pub fn new(blobs: &'blobs Blobs) -> Result<Self, CheckpointError> {
        let flusher = Flusher::new(blobs.new_dir()).map_err(io_error("open", blobs.new_dir()))?;
        Ok(Self {
            blobs,
            flusher,
            added: Mutex::default(),
        })
    }

    /// Writes a content, unless the store or this batch has it. Errors as [`Blobs::put`].
    pub fn add(&self, bytes: &[u8]) -> Result<Hash, CheckpointError> {
        let len = bytes.len() as u64;
        if len > MAX_BLOB_BYTES {
            return Err(CheckpointError::TooLarge {
                len,
                max: MAX_BLOB_BYTES,
            });
        }
        let hash = Hash::of(bytes);
        if self.with_added(|added| added.contains_key(&hash)) {
            return Ok(hash);
        }
        let written = if self.is_stored(&hash, len)? {
            None
        } else {
            Some(self.write(bytes)?)
        };
        // Two threads may have written the same content; the second file is dropped and so removed.
        self.with_added(|added| {
            added.entry(hash).or_insert(written);
        });
        Ok(hash)
    }

    /// Whether the store has it. Then it stays there, whoever collects.
    fn is_stored(&self, hash: &Hash, len: u64) -> Result<bool, CheckpointError> {
        // Most contents are new, and those take no lock.
        if !self.blobs.seems_whole(hash, len) {
            return Ok(false);
        }
        let mut storing = self.blobs.storing()?;
        let stored = self.blobs.seems_whole(hash, len);
        if stored {
            storing.stays(hash)?;
        }
        Ok(stored)
    }

    fn write(&self, bytes: &[u8]) -> Result<TempPath, CheckpointError> {
        let dir = self.blobs.new_dir();
        let failed = || io_error("write a file in", dir);
        let stored = compress(bytes).map_err(failed())?;
        let mut file = tempfile::Builder::new()
            .prefix("blob-")
            .tempfile_in(dir)
            .map_err(failed())?;
        file.write_all(&stored).map_err(failed())?;
        // Thousands of these must not keep as many files open.
        Ok(file.into_temp_path())
    }

    /// Makes everything that was added durable. After an error nothing may be relied on; what did get its name is whole
    /// and stays.
    pub fn commit(self) -> Result<(), CheckpointError> {
        let added = self
            .added
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if added.is_empty() {
            return Ok(());
        }
        let written: Vec<&Path> = added.values().flatten().map(AsRef::as_ref).collect();
        self.flusher
            .flush(&written)
            .map_err(|(path, source)| io_error("flush", &path)(source))?;

        let mut shards = BTreeSet::new();
        let mut new_shards = false;
        let mut storing = self.blobs.storing()?;
        for (hash, written) in added {
            let path = self.blobs.path(&hash);
            let shard = parent_of(&path);
            if let Some(written) = written {
                storing.stays(&hash)?;
                if !shards.contains(&shard) && !shard.is_dir() {
                    fs::create_dir_all(&shard).map_err(io_error("make the folder", &shard))?;
                    new_shards = true;
                }
                if let Err(error) = written.persist(&path) {
                    // Windows does not replace a file that someone reads; then it is there, which is all we want.
                    if !self.blobs.has(&hash) {
                        return Err(io_error("write", &path)(error.error));
                    }
                }
            }
            // Also for what was there already: whoever stored it may not have come to this line yet.
            shards.insert(shard);
        }
        drop(storing);
        if new_shards {
            flush_dir(self.blobs.dir()).map_err(io_error("flush", self.blobs.dir()))?;
        }
        for shard in shards {
            flush_dir(&shard).map_err(io_error("flush", &shard))?;
        }
        Ok(())
    }

    fn with_added<T>(&self, f: impl FnOnce(&mut HashMap<Hash, Option<TempPath>>) -> T) -> T {
        f(&mut self.added.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn parent_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}
