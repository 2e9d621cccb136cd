//! What a path holds at one moment.

use kerf_protocol::review::{MAX_REVIEWED_BYTES, Opaque};
use std::{fmt, sync::Arc};

/// How much of a file is looked at to tell text from binary data.
const LOOKED_AT: usize = 8 * 1024;

/// What a path holds at one moment. Two values are equal when the disk would be the same.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Content {
    /// Nothing.
    Absent,
    /// Text, in any encoding that keeps `\n` one byte. It is reviewed line by line.
    Text {
        /// The file, byte for byte. At most [`MAX_REVIEWED_BYTES`] when it comes from the disk.
        bytes: Arc<[u8]>,
        /// Unix permission bits.
        mode: u32,
    },
    /// Something that is reviewed as a whole.
    Opaque {
        /// Why.
        kind: Opaque,
        /// The hash of the bytes, or of the target of a link. The same function must be used throughout.
        hash: [u8; 32],
        /// The length in bytes.
        len: u64,
        /// Unix permission bits; zero for a link.
        mode: u32,
        /// Where a link points to; none for anything else.
        target: Option<String>,
    },
}

impl Content {
    /// The content of a regular file: text, or opaque when it is binary or longer than
    /// [`MAX_REVIEWED_BYTES`]. `hash` is called for opaque content only.
    pub fn classify(bytes: Arc<[u8]>, mode: u32, hash: impl FnOnce(&[u8]) -> [u8; 32]) -> Self {
        let len = bytes.len() as u64;
        let kind = if len > MAX_REVIEWED_BYTES {
            Opaque::Huge
        } else if is_binary(&bytes) {
            Opaque::Binary
        } else {
            return Self::Text { bytes, mode };
        };
        Self::Opaque {
            kind,
            hash: hash(&bytes),
            len,
            mode,
            target: None,
        }
    }

    /// The content of a symbolic link. `hash` is that of the target.
    pub fn link(target: String, hash: [u8; 32]) -> Self {
        Self::Opaque {
            kind: Opaque::Link,
            hash,
            len: target.len() as u64,
            mode: 0,
            target: Some(target),
        }
    }

    /// Whether there is nothing.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The bytes of a text.
    pub(crate) fn text(&self) -> Option<&Arc<[u8]>> {
        match self {
            Self::Text { bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    /// Whether what was a text would be taken for one again when it is read from the disk.
    pub(crate) fn stays_text(&self) -> bool {
        self.text()
            .is_none_or(|bytes| bytes.len() as u64 <= MAX_REVIEWED_BYTES && !is_binary(bytes))
    }

    /// The permission bits of a regular file.
    pub(crate) fn mode(&self) -> Option<u32> {
        match self {
            Self::Absent
            | Self::Opaque {
                kind: Opaque::Link, ..
            } => None,
            Self::Text { mode, .. } | Self::Opaque { mode, .. } => Some(*mode),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::Text { bytes, mode } => {
                write!(f, "Text({mode:o} {:?})", String::from_utf8_lossy(bytes))
            }
            Self::Opaque {
                kind,
                len,
                mode,
                target,
                ..
            } => {
                write!(f, "Opaque({kind:?} {len} bytes {mode:o} {target:?})")
            }
        }
    }
}

/// NUL bytes, a UTF-16 byte order mark, or more than one control character in ten.
fn is_binary(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) || head.contains(&0) {
        return true;
    }
    // Tabs, line ends, form feeds, backspaces and escape sequences occur in text.
    let odd = head
        .iter()
        .filter(|byte| (**byte < 0x20 && !matches!(byte, 8..=10 | 12 | 13 | 27)) || **byte == 0x7f)
        .count();
    odd * 10 > head.len()
}
