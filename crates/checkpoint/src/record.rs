//! A snapshot in a file, so that it outlives the process that took it.
//!
//! ```text
//! 8 bytes: the length of the base; the base, as Snapshot::to_bytes made it
//! then entries: 8 bytes of length, the 32 bytes of its hash, and as JSON a note and what differs from the base
//! ```
//! Writing the whole snapshot costs what the folder is large; so it is written once, and from then on an entry is
//! appended that costs what has changed. The last whole entry counts. One that a crash cut off does not: who wrote it
//! had not begun what it was written for.

use crate::{
    CheckpointError, Hash, Snapshot,
    blobs::{io_error, private_dir},
    difference::Difference,
    durable::flush_dir,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Entries may take half as much as the base and this, in bytes; then the base is written anew.
const FREE_FOR_ENTRIES: u64 = 64 * 1024;

/// The file. One process writes it at a time; the caller sees to that.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    base: Arc<Snapshot>,
    /// Where the entries begin.
    start: u64,
    end: u64,
}

/// A snapshot by what differs from the base.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    note: String,
    #[serde(flatten)]
    difference: Difference,
}

impl Record {
    /// The record in this file. Nothing is read or made yet.
    pub fn at(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    /// Puts a snapshot and a note in the place of what was recorded. When this returns it is on disk for good; after an
    /// error what was recorded before may or may not be.
    pub fn write(&mut self, snapshot: &Arc<Snapshot>, note: &str) -> Result<(), CheckpointError> {
        let failed = io_error("write", &self.path);
        if let Some(open) = &mut self.open {
            let entry = Entry::new(note, &open.base, snapshot).to_bytes()?;
            let used = open.end - open.start + entry.len() as u64;
            if used <= open.start / 2 + FREE_FOR_ENTRIES {
                return open.append(&entry).map_err(failed);
            }
        }
        // Not every system replaces a file that is open.
        self.open = None;
        let base = snapshot.to_bytes()?;
        let entry = Entry::new(note, snapshot, snapshot).to_bytes()?;
        let dir = self.path.parent().unwrap_or(Path::new(""));
        private_dir(dir)?;
        let begin = || {
            let mut file = tempfile::NamedTempFile::new_in(dir)?;
            file.write_all(&(base.len() as u64).to_le_bytes())?;
            file.write_all(&base)?;
            file.write_all(&entry)?;
            file.as_file().sync_all()?;
            let file = file.persist(&self.path).map_err(|error| error.error)?;
            flush_dir(dir)?;
            Ok(file)
        };
        let file = begin().map_err(failed)?;
        let start = (size_of::<u64>() + base.len()) as u64;
        self.open = Some(Open {
            file,
            base: Arc::clone(snapshot),
            start,
            end: start + entry.len() as u64,
        });
        Ok(())
    }

    /// What was recorded last, by whichever process; none: nothing, or it was cleared.
    ///
    /// Errors: [`CheckpointError::NotASnapshot`], [`CheckpointError::Io`].
    pub fn read(&self) -> Result<Option<(Snapshot, String)>, CheckpointError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("read", &self.path)(error)),
        };
        let damaged = |reason: &str| CheckpointError::NotASnapshot {
            reason: reason.to_owned(),
        };
        let cut = || damaged("it is cut short");
        let (base, mut entries) = with_length(&bytes).ok_or_else(cut)?;
        let mut last = None;
        while let Some((payload, rest)) = with_length(entries)
            && let Some((hash, json)) = payload.split_first_chunk::<32>()
            && Hash::of(json).as_bytes() == hash
        {
            last = Some(json);
            entries = rest;
        }
        let Some(json) = last else { return Ok(None) };
        let entry: Entry =
            serde_json::from_slice(json).map_err(|error| damaged(&error.to_string()))?;
        let mut snapshot = Snapshot::from_bytes(base)?;
        let note = entry.apply(&mut snapshot);
        snapshot.check()?;
        Ok(Some((snapshot, note)))
    }

    /// Forgets what was recorded; the next snapshot is still cheap to write. Not flushed: a power cut may bring it back.
    pub fn clear(&mut self) -> Result<(), CheckpointError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        open.file
            .set_len(open.start)
            .map_err(io_error("cut", &self.path))?;
        open.end = open.start;
        Ok(())
    }

    /// Removes the file, if there is one.
    pub fn remove(&mut self) -> Result<(), CheckpointError> {
        self.open = None;
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(io_error("remove", &self.path)(error))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Record {
    /// A file of ours in which nothing is recorded is of no use to anybody.
    fn drop(&mut self) {
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.start == open.end)
            && let Err(error) = self.remove()
        {
            tracing::debug!(%error, "a file that is not needed any more stays");
        }
    }
}

impl Open {
    fn append(&mut self, entry: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(entry)?;
        self.file.sync_data()?;
        self.end += entry.len() as u64;
        Ok(())
    }
}

impl Entry {
    fn new(note: &str, base: &Snapshot, snapshot: &Snapshot) -> Self {
        Self {
            note: note.to_owned(),
            difference: Difference::between(base, snapshot),
        }
    }

    /// Makes the recorded snapshot of the base, and returns the note.
    fn apply(self, snapshot: &mut Snapshot) -> String {
        self.difference.apply(snapshot);
        self.note
    }

    fn to_bytes(&self) -> Result<Vec<u8>, CheckpointError> {
        let json = serde_json::to_vec(self).map_err(|error| CheckpointError::NotASnapshot {
            reason: error.to_string(),
        })?;
        let hash = Hash::of(&json);
        let len = (hash.as_bytes().len() + json.len()) as u64;
        Ok([&len.to_le_bytes()[..], hash.as_bytes(), &json].concat())
    }
}

/// What stands behind its length, and the rest.
fn with_length(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*len)).ok()?)
}
