//! The index, held for a change: under git's own lock from the first byte read to the last byte written.
//!
//! The library takes the lock only while it writes, so that what another git staged in between would be lost. Here the
//! lock is taken first; the index is read, changed and written beside, and takes its place by a rename.

use crate::GitError;
use git2::{Index, IndexEntry, IndexTime, Repository};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::UNIX_EPOCH,
};

/// The index while nobody else may change it. Dropped without [`Held::write`], nothing has changed.
pub(crate) struct Held {
    /// A copy of its own; the library's shared one is not touched.
    pub(crate) index: Index,
    workdir: PathBuf,
    file: PathBuf,
    lock: PathBuf,
    copy: PathBuf,
    written: bool,
}

impl Held {
    /// Errors: [`GitError::Locked`] when another git holds it, or left its lock behind.
    pub(crate) fn take(repo: &Repository, workdir: &Path) -> Result<Self, GitError> {
        let file = repo.path().join("index");
        let lock = repo.path().join("index.lock");
        match fs::File::options().write(true).create_new(true).open(&lock) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(GitError::Locked { path: lock });
            }
            Err(source) => {
                return Err(GitError::Io {
                    action: "make the lock",
                    path: lock,
                    source,
                });
            }
        }
        let copy = repo.path().join(own_name("index"));
        Self::read(workdir, &file, &copy)
            .map(|index| Self {
                index,
                workdir: workdir.to_owned(),
                file,
                lock: lock.clone(),
                copy: copy.clone(),
                written: false,
            })
            .inspect_err(|_| {
                let _ = fs::remove_file(&copy);
                let _ = fs::remove_file(&lock);
            })
    }

    fn read(workdir: &Path, file: &Path, copy: &Path) -> Result<Index, GitError> {
        let failed = |error| GitError::library("read the index of", workdir, error);
        let written = match fs::copy(file, copy) {
            Ok(_) => fs::metadata(file).and_then(|metadata| metadata.modified()),
            // Before anything was staged there is none.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(UNIX_EPOCH),
            Err(error) => Err(error),
        };
        let written = written.map_err(|source| GitError::Io {
            action: "copy",
            path: file.to_owned(),
            source,
        })?;
        let mut index = Index::open(copy).map_err(failed)?;
        index.read(true).map_err(failed)?;
        // An entry as young as the index may describe a file that was changed right after: git then looks at the file.
        // The new index is younger than all, so such entries lose their stamps.
        let written = written
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        let racy: Vec<IndexEntry> = index
            .iter()
            .filter(|entry| {
                let seconds = u128::from(entry.mtime.seconds().cast_unsigned());
                seconds * 1_000_000_000 + u128::from(entry.mtime.nanoseconds()) >= written
            })
            .collect();
        for entry in racy {
            index
                .add(&IndexEntry {
                    mtime: IndexTime::new(0, 0),
                    file_size: 0,
                    ..entry
                })
                .map_err(failed)?;
        }
        Ok(index)
    }

    /// Puts the changed index in the place of the old one and lets the lock go.
    pub(crate) fn write(mut self) -> Result<(), GitError> {
        self.index
            .write()
            .map_err(|error| GitError::library("write the index of", &self.workdir, error))?;
        fs::rename(&self.copy, &self.lock)
            .and_then(|()| fs::rename(&self.lock, &self.file))
            .map_err(|source| GitError::Io {
                action: "replace",
                path: self.file.clone(),
                source,
            })?;
        self.written = true;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // After a write the lock has become the index; a lock that is there now would be another's.
        if !self.written {
            let _ = fs::remove_file(&self.copy);
            let _ = fs::remove_file(&self.lock);
        }
    }
}

/// A name in the git folder that nobody else has.
pub(crate) fn own_name(what: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("kerf-{what}-{}-{next}", std::process::id())
}
