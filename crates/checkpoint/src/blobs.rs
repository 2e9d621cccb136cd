//! The content-addressed store: one compressed file a content, named by its hash.
//!
//! ```text
//! DIR/ab/cdef…   the content whose hash begins with ab
//! DIR/new/       files being written; whatever is a day old there was left by a crash
//! DIR/collector, DIR/names, DIR/meanwhile: see `collect.rs`
//! ```
//! A blob is a header (4 bytes of magic, the content's length and the rest's length as 8 bytes each, little endian) and a
//! zstd frame. A file under a final name is whole: it was written and flushed under another name first. Several
//! processes may share a store.

use crate::{Batch, CheckpointError, Hash};
use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// The most bytes one blob may have before compression.
pub const MAX_BLOB_BYTES: u64 = 256 * 1024 * 1024;

const MAGIC: [u8; 4] = *b"KfB1";
const HEADER_BYTES: usize = 20;
/// Good compression at about the speed of the disk.
pub(crate) const ZSTD_LEVEL: i32 = 3;
const CRASH_LITTER_AGE: Duration = Duration::from_secs(86_400);

/// The store. Threads and processes may use one folder at the same time.
#[derive(Debug)]
pub struct Blobs {
    dir: PathBuf,
    new: PathBuf,
}

impl Blobs {
    /// Opens the store in `dir` and makes the folder when it is not there; only its owner may look into it.
    pub fn open(dir: &Path) -> Result<Self, CheckpointError> {
        let store = Self {
            dir: dir.to_owned(),
            new: dir.join("new"),
        };
        private_dir(&store.new)?;
        remove_older(&store.new, CRASH_LITTER_AGE, |_| true);
        Ok(store)
    }

    /// The store's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Stores a content; when this returns it is on disk for good. Storing it again costs one look.
    /// To store many, use a [`Batch`].
    ///
    /// Errors: [`CheckpointError::TooLarge`] above [`MAX_BLOB_BYTES`]; [`CheckpointError::Io`], and then nothing of it is
    /// left behind.
    pub fn put(&self, bytes: &[u8]) -> Result<Hash, CheckpointError> {
        let batch = Batch::new(self)?;
        let hash = batch.add(bytes)?;
        batch.commit()?;
        Ok(hash)
    }

    /// Stores many contents and flushes once. The hashes are in the order of the contents.
    pub fn put_all<'a>(
        &self,
        contents: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Vec<Hash>, CheckpointError> {
        let batch = Batch::new(self)?;
        let hashes = contents
            .into_iter()
            .map(|bytes| batch.add(bytes))
            .collect::<Result<_, _>>()?;
        batch.commit()?;
        Ok(hashes)
    }

    /// The content with this hash, checked against it.
    ///
    /// Errors: [`CheckpointError::Missing`], [`CheckpointError::Damaged`], [`CheckpointError::Io`].
    pub fn get(&self, hash: &Hash) -> Result<Vec<u8>, CheckpointError> {
        let path = self.path(hash);
        let mut stored = Vec::new();
        match fs::File::open(&path).and_then(|mut file| file.read_to_end(&mut stored)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(CheckpointError::Missing { hash: *hash });
            }
            Err(source) => return Err(io_error("read", &path)(source)),
        }
        let damaged = |reason: &str| CheckpointError::Damaged {
            hash: *hash,
            reason: reason.to_owned(),
        };
        let (header, frame) = stored
            .split_first_chunk()
            .ok_or_else(|| damaged("it is cut short"))?;
        let (len, rest) =
            lengths_in(header).ok_or_else(|| damaged("it does not begin like a blob"))?;
        if frame.len() as u64 != rest {
            return Err(damaged("its length on disk is another"));
        }
        let bytes = decompress(frame, len).map_err(|reason| damaged(&reason))?;
        if Hash::of(&bytes) != *hash {
            return Err(damaged("its bytes have changed"));
        }
        Ok(bytes)
    }

    /// Whether a content with this hash is stored. It is not read: damage shows in [`Blobs::get`].
    pub fn has(&self, hash: &Hash) -> bool {
        self.path(hash).is_file()
    }

    /// The size of all blobs on disk, in bytes.
    pub fn size(&self) -> Result<u64, CheckpointError> {
        let mut total = 0;
        for shard in list(&self.dir)? {
            if shard.path() == self.new || !shard.path().is_dir() {
                continue;
            }
            for blob in list(&shard.path())? {
                // Another process may have collected it since it was listed.
                total += blob.metadata().map_or(0, |metadata| metadata.len());
            }
        }
        Ok(total)
    }

    pub(crate) fn path(&self, hash: &Hash) -> PathBuf {
        let hex = hash.to_string();
        self.dir.join(&hex[..2]).join(&hex[2..])
    }

    /// Where files are before they have their final name.
    pub(crate) fn new_dir(&self) -> &Path {
        &self.new
    }

    /// Whether a blob of this content is there in its full length. A file that was cut short is not taken for one, so
    /// that storing the content again repairs it.
    pub(crate) fn seems_whole(&self, hash: &Hash, len: u64) -> bool {
        let mut header = [0; HEADER_BYTES];
        fs::File::open(self.path(hash))
            .and_then(|mut file| {
                file.read_exact(&mut header)?;
                Ok(file.metadata()?.len() - HEADER_BYTES as u64)
            })
            .is_ok_and(|rest| lengths_in(&header) == Some((len, rest)))
    }
}

/// Removes the files of a folder that are so old and whose names count: litter of crashes. What cannot be removed now is
/// for the next time.
pub fn remove_older(dir: &Path, age: Duration, counts: impl Fn(&str) -> bool) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let modified = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok();
        if counts(&entry.file_name().to_string_lossy())
            && modified.and_then(|modified| modified.elapsed().ok()) > Some(age)
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes a folder that only its owner may look into, unless it is there.
pub(crate) fn private_dir(dir: &Path) -> Result<(), CheckpointError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(dir)
        .map_err(io_error("make the folder", dir))
}

/// The bytes of a blob's file for a content.
pub(crate) fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let frame = zstd::bulk::compress(bytes, ZSTD_LEVEL)?;
    let mut stored = Vec::with_capacity(HEADER_BYTES + frame.len());
    stored.extend(MAGIC);
    stored.extend((bytes.len() as u64).to_le_bytes());
    stored.extend((frame.len() as u64).to_le_bytes());
    stored.extend(frame);
    Ok(stored)
}

/// The length of the content and that of the frame.
fn lengths_in(header: &[u8; HEADER_BYTES]) -> Option<(u64, u64)> {
    let (magic, lengths) = header.split_first_chunk()?;
    let (len, rest) = lengths.split_first_chunk()?;
    let len = u64::from_le_bytes(*len);
    let rest = u64::from_le_bytes(rest.try_into().ok()?);
    (*magic == MAGIC && len <= MAX_BLOB_BYTES).then_some((len, rest))
}

/// At most `len` bytes are ever made, whatever the frame claims.
fn decompress(frame: &[u8], len: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    zstd::stream::read::Decoder::with_buffer(frame)
        .and_then(|decoder| decoder.take(len + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("it cannot be decompressed ({error})"))?;
    if bytes.len() as u64 == len {
        Ok(bytes)
    } else {
        Err("its length is another".to_owned())
    }
}

pub(crate) fn list(dir: &Path) -> Result<Vec<fs::DirEntry>, CheckpointError> {
    fs::read_dir(dir)
        .and_then(Iterator::collect)
        .map_err(io_error("list", dir))
}

pub(crate) fn io_error(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> CheckpointError {
    let path = path.to_owned();
    move |source| CheckpointError::Io {
        action,
        path,
        source,
    }
}
