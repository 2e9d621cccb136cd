//! The folder of the store on disk: who may write it, whether it can be trusted, and how it is set aside.

use super::{StoreError, disk::Disk, document::Shape};
use std::{
    ffi::OsStr,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};
use tantivy::{Index, index::IndexSettings, store::Compressor};

const CONTENTS: &str = "contents";
const FOLDERS: &str = "folders";
const ASIDE: &str = "aside";
const LOCK: &str = "writer.lock";
/// Within the contents; tantivy leaves files alone that it did not make.
const VERSION: &str = "kerf-version";

/// The folders and files of one place.
#[derive(Debug, Clone)]
pub(super) struct Place {
    root: PathBuf,
}

impl Place {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn contents(&self) -> PathBuf {
        self.root.join(CONTENTS)
    }

    pub(super) fn folders(&self) -> PathBuf {
        self.root.join(FOLDERS)
    }

    /// Becomes the one that writes, until the file is dropped. `None` when another process is.
    pub(super) fn lock(&self) -> io::Result<Option<File>> {
        fs::create_dir_all(&self.root)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.root.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Makes an empty index. Nothing may be in its place.
    pub(super) fn create(&self, shape: &Shape) -> Result<Index, StoreError> {
        let folder = self.contents();
        fs::create_dir_all(&folder)?;
        let settings = IndexSettings {
            docstore_compression: Compressor::Lz4,
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let index = Index::builder()
            .schema(shape.schema.clone())
            .settings(settings)
            .open_or_create(Disk::open(&folder)?)?;
        Shape::register(&index);
        // Last, so that an index with this file was made to its end.
        crate::listing::save(&folder.join(VERSION), Shape::version().as_bytes())?;
        Ok(index)
    }

    /// Opens the index and checks every byte of it that counts. `None` when there is none.
    ///
    /// The check reads the whole index; what has passed it tantivy can be trusted with, which does not expect damage
    /// within a file.
    pub(super) fn open(&self, shape: &Shape) -> Result<Option<Index>, StoreError> {
        let folder = self.contents();
        match fs::read(folder.join(VERSION)) {
            Ok(version) if version == Shape::version().as_bytes() => {}
            Ok(_) => return Err(StoreError::damaged("it was made by another version")),
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_empty(&folder) => {
                return Ok(None);
            }
            Err(error) => return Err(StoreError::damaged(error)),
        }
        let index = Index::open(Disk::open(&folder)?)?;
        Shape::register(&index);
        if index.schema() != shape.schema {
            return Err(StoreError::damaged("it has other fields"));
        }
        for name in live_files(&index, &folder)? {
            if !index
                .directory()
                .validate_checksum(Path::new(&name))
                .map_err(StoreError::damaged)?
            {
                return Err(StoreError::damaged(format!(
                    "`{name}` is not as it was written"
                )));
            }
        }
        Ok(Some(index))
    }

    /// Moves the index out of the way. Only for the one that writes.
    pub(super) fn set_aside(&self) -> io::Result<()> {
        let contents = self.contents();
        for number in 0.. {
            let aside = self.root.join(format!("{CONTENTS}.{number}.{ASIDE}"));
            if aside.exists() {
                continue;
            }
            return match fs::rename(&contents, &aside) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => other,
            };
        }
        Ok(())
    }

    /// Removes what was set aside, now or earlier. What cannot be removed now can be the next time.
    pub(super) fn remove_aside(&self) {
        let Ok(entries) = fs::read_dir(&self.root) else {
            return;
        };
        for entry in entries.flatten() {
            if Path::new(&entry.file_name()).extension() == Some(OsStr::new(ASIDE)) {
                drop(fs::remove_dir_all(entry.path()));
            }
        }
    }

    /// The bytes of all files of the index.
    pub(super) fn bytes(&self) -> u64 {
        let files = fs::read_dir(self.contents()).into_iter().flatten();
        files
            .flatten()
            .filter_map(|entry| entry.metadata().ok())
            .map(|meta| meta.len())
            .sum()
    }
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

/// The names of the files that belong to a segment in use.
fn live_files(index: &Index, folder: &Path) -> Result<Vec<String>, StoreError> {
    let segments: Vec<String> = index
        .searchable_segment_ids()?
        .iter()
        .map(|id| id.uuid_string())
        .collect();
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let Ok(name) = entry?.file_name().into_string() else {
            continue;
        };
        let segment = name.split('.').next().unwrap_or_default();
        if segments.iter().any(|known| known == segment) {
            names.push(name);
        }
    }
    Ok(names)
}
