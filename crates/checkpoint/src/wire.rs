//! A snapshot as bytes, to be kept by the store.
//!
//! ```text
//! 4 bytes of magic, then a zstd frame with a checksum: the snapshot as JSON
//! ```
//! JSON because it names its fields, so that a later version can read what an earlier one wrote; compressed it is about
//! 60 bytes a file, half of which is the hash.

use crate::{CheckpointError, Content, Snapshot, blobs::ZSTD_LEVEL};
use std::io::{self, Read as _};

/// The most bytes that a snapshot may have before compression: some millions of files.
pub const MAX_SNAPSHOT_BYTES: u64 = 1024 * 1024 * 1024;

const MAGIC: [u8; 4] = *b"KfS1";

impl Snapshot {
    /// The snapshot as bytes for [`Snapshot::from_bytes`].
    ///
    /// Errors: [`CheckpointError::TooLarge`] above [`MAX_SNAPSHOT_BYTES`] before compression.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CheckpointError> {
        let mut counted = Counted {
            inner: zstd::Encoder::new(MAGIC.to_vec(), ZSTD_LEVEL).map_err(unwritable)?,
            len: 0,
        };
        counted.inner.include_checksum(true).map_err(unwritable)?;
        let mut buffered = io::BufWriter::with_capacity(64 * 1024, counted);
        serde_json::to_writer(&mut buffered, self).map_err(|error| unwritable(error.into()))?;
        let counted = buffered
            .into_inner()
            .map_err(|error| unwritable(error.into_error()))?;
        if counted.len > MAX_SNAPSHOT_BYTES {
            return Err(CheckpointError::TooLarge {
                len: counted.len,
                max: MAX_SNAPSHOT_BYTES,
            });
        }
        counted.inner.finish().map_err(unwritable)
    }

    /// Reads what [`Snapshot::to_bytes`] wrote. Never makes more than [`MAX_SNAPSHOT_BYTES`] of it.
    ///
    /// Errors: [`CheckpointError::NotASnapshot`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let frame = bytes
            .strip_prefix(&MAGIC)
            .ok_or_else(|| damaged("it does not begin like one"))?;
        let decoder = zstd::stream::read::Decoder::with_buffer(frame).map_err(damaged)?;
        // The parser reads to the end, where the checksum is.
        let json = io::BufReader::with_capacity(64 * 1024, decoder.take(MAX_SNAPSHOT_BYTES));
        let snapshot: Snapshot = serde_json::from_reader(json).map_err(damaged)?;
        snapshot.check()?;
        Ok(snapshot)
    }

    /// Whether what was read may be used as a snapshot.
    pub(crate) fn check(&self) -> Result<(), CheckpointError> {
        let ids = self.files.values().filter_map(|held| match held.content() {
            Some(Content::Git(id)) => Some(id),
            _ => None,
        });
        if !ids.chain(self.git_ids.values()).all(|id| is_git_id(id)) {
            return Err(damaged("a git id in it is none"));
        }
        if self.files.keys().any(|path| path.is_root()) {
            return Err(damaged("it calls the folder itself a file"));
        }
        Ok(())
    }
}

fn is_git_id(id: &str) -> bool {
    matches!(id.len(), 40 | 64)
        && id
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn damaged(reason: impl ToString) -> CheckpointError {
    CheckpointError::NotASnapshot {
        reason: reason.to_string(),
    }
}

/// Writing to memory fails only when there is none.
fn unwritable(source: io::Error) -> CheckpointError {
    CheckpointError::Io {
        action: "write",
        path: "a checkpoint".into(),
        source,
    }
}

struct Counted<W> {
    inner: W,
    len: u64,
}

impl<W: io::Write> io::Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A link's target as text, without loss: `\` is doubled, and a byte that is not UTF-8 becomes `\xHH`.
pub(crate) mod target {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use std::{
        borrow::Cow,
        ffi::OsString,
        fmt::Write as _,
        path::{Path, PathBuf},
    };

    pub(crate) fn serialize<S: Serializer>(
        target: &Path,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut text = String::new();
        for chunk in target.as_os_str().as_encoded_bytes().utf8_chunks() {
            text.push_str(&chunk.valid().replace('\\', r"\\"));
            for byte in chunk.invalid() {
                // Writing to a string cannot fail.
                let _ = write!(text, r"\x{byte:02x}");
            }
        }
        serializer.serialize_str(&text)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<PathBuf, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| D::Error::custom("a link's target has a broken escape"))
    }

    fn parse(text: &str) -> Option<PathBuf> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, escape)) = rest.split_once('\\') {
            bytes.extend_from_slice(before.as_bytes());
            rest = if let Some(after) = escape.strip_prefix('\\') {
                bytes.push(b'\\');
                after
            } else {
                let hex = escape.strip_prefix('x')?;
                bytes.push(u8::from_str_radix(hex.get(..2)?, 16).ok()?);
                &hex[2..]
            };
        }
        bytes.extend_from_slice(rest.as_bytes());
        from_bytes(bytes).map(PathBuf::from)
    }

    #[cfg(unix)]
    #[expect(
        clippy::unnecessary_wraps,
        reason = "elsewhere not all bytes are a name"
    )]
    fn from_bytes(bytes: Vec<u8>) -> Option<OsString> {
        Some(std::os::unix::ffi::OsStringExt::from_vec(bytes))
    }

    /// Windows allows targets with half a surrogate pair; such a link is not worth unsafe code and is an error here.
    #[cfg(not(unix))]
    fn from_bytes(bytes: Vec<u8>) -> Option<OsString> {
        String::from_utf8(bytes).ok().map(OsString::from)
    }
}
