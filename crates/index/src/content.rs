//! What a file is to the index: text that is looked into, or the reason why it is left out.
//!
//! Nothing but the bytes decides, so that a content is the same in every folder and under every name. Files are
//! opened through the workspace's handle, and only after a look has shown a regular file: a pipe is never waited for
//! and a file of 50 GB never read.
//!
//! A content has up to three parts to play. Its text is what exact search can see of it (see [`Content::text`]), and
//! is indexed by trigrams. Its words and definitions are indexed only when it has no [`Reason`]. What has no text here
//! at all, because it cannot be read, exact search tries to read each time.

use crate::symbols::Language;
use kerf_workspace::{FsError, Kind, RelPath, Stamp, Workspace};
use std::fmt;

/// Longer files are not read, in bytes: they are data. Exact search has the same limit, so nothing is lost by it.
pub(crate) const MAX_BYTES: u64 = crate::grep::MAX_FILE_BYTES;

/// Longer contents have no words and no definitions, in bytes.
const MAX_WORD_BYTES: usize = 2 << 20;

/// How far into a file ripgrep looks before it takes it for text, in bytes of the decoded text.
const BINARY_LOOK: usize = 64 << 10;

/// A content with lines of this length on the average, in bytes, was written by a program for a program.
const MINIFIED_AVERAGE: usize = 500;

/// One line of this length, in bytes, is enough to say so.
const MINIFIED_LINE: usize = 50_000;

/// Shorter contents are never taken for minified, in bytes: one long line does not make them costly.
const MINIFIED_LEAST: usize = 4 << 10;

/// How much of the beginning of a text tells its language, in bytes.
const LANGUAGE_LOOK: usize = 16 << 10;

/// Names a content: the first 16 bytes of its blake3 hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ContentId(pub(crate) [u8; 16]);

/// Why a file is left out of the index, wholly or but for exact search.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// It holds a NUL byte. Exact search sees what ripgrep sees of it: what stands before the NUL.
    Binary,
    /// It is longer than 2 MB. Beyond 64 MB exact search does not read it either.
    TooLarge,
    /// Its lines are so long that a program must have written it.
    Minified,
    /// It cannot be read.
    Unreadable,
    /// It is a named pipe, a socket or a device, or something else that the walk could not look at.
    Special,
    /// It lies deeper than the walk goes.
    TooDeep,
}

/// What was read of a file.
pub(crate) struct Content {
    pub(crate) id: ContentId,
    /// What exact search can find in the file: its bytes, decoded when a byte order mark says UTF-16, and cut at the
    /// first NUL when that is within the first 64 KiB.
    ///
    /// In one pass over lines ripgrep stops at any NUL, in a search over several lines only at one of these. So what
    /// stands behind a later NUL can be found, and is kept.
    pub(crate) text: Vec<u8>,
    /// Why it has no words and no definitions.
    pub(crate) reason: Option<Reason>,
}

/// What came of reading a file.
pub(crate) enum Read {
    /// Its content.
    Content(Content),
    /// No content, and why.
    LeftOut(Reason, Option<String>),
    /// Nothing is there, or no file any more.
    Gone,
    /// It was being written meanwhile. To be looked at again.
    Changing,
}

/// Reads the file that had this stamp.
pub(crate) fn read(ws: &Workspace, path: &RelPath, stamp: Stamp) -> Read {
    let is_same = || match ws.fs().stat(path) {
        Ok(stat) if stat.kind == Kind::File => Ok(stat.stamp() == stamp),
        Ok(_) | Err(FsError::NotFound { .. } | FsError::NotADir { .. }) => Err(Read::Gone),
        Err(error) => Err(Read::LeftOut(Reason::Unreadable, Some(error.to_string()))),
    };
    match is_same() {
        Ok(true) => {}
        Ok(false) => return Read::Changing,
        Err(other) => return other,
    }
    if stamp.len > MAX_BYTES {
        return Read::LeftOut(Reason::TooLarge, None);
    }
    let bytes = match ws.fs().read(path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(FsError::NotFound { .. } | FsError::NotADir { .. }) => return Read::Gone,
        Err(FsError::TooLarge { .. } | FsError::NotAFile { .. }) => return Read::Changing,
        Err(error) => return Read::LeftOut(Reason::Unreadable, Some(error.to_string())),
    };
    match is_same() {
        Ok(true) if bytes.len() as u64 == stamp.len => Read::Content(Content::new(bytes)),
        // Files that the system makes up say nothing of their length.
        Ok(true) if stamp.len == 0 => {
            Read::LeftOut(Reason::Special, Some("its length is not told".to_owned()))
        }
        Ok(_) => Read::Changing,
        Err(other) => other,
    }
}

impl Content {
    /// Takes the bytes of a whole file.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let id = ContentId::of(&bytes);
        let mut text = match utf16(&bytes) {
            Some(decoded) => decoded,
            None => bytes,
        };
        let reason = reason(&text);
        let look = &text[..text.len().min(BINARY_LOOK)];
        if let Some(nul) = memchr::memchr(0, look) {
            text.truncate(nul);
        }
        Self { id, text, reason }
    }

    /// The language that the content has under this name.
    pub(crate) fn language(&self, path: &RelPath) -> Option<Language> {
        let head = &self.text[..self.text.len().min(LANGUAGE_LOOK)];
        Language::of(path.as_path(), &String::from_utf8_lossy(head))
    }
}

impl ContentId {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
        Self(id)
    }

    /// The two halves, as the index keeps them.
    pub(crate) fn halves(self) -> (u64, u64) {
        let whole = u128::from_be_bytes(self.0);
        ((whole >> 64) as u64, whole as u64)
    }

    pub(crate) fn from_halves(high: u64, low: u64) -> Self {
        Self((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binary => "binary",
            Self::TooLarge => "too large",
            Self::Minified => "minified",
            Self::Unreadable => "cannot be read",
            Self::Special => "not a regular file",
            Self::TooDeep => "too deep",
        })
    }
}

/// Why a text has no words that anybody wrote.
fn reason(text: &[u8]) -> Option<Reason> {
    if memchr::memchr(0, text).is_some() {
        return Some(Reason::Binary);
    }
    if text.len() > MAX_WORD_BYTES {
        return Some(Reason::TooLarge);
    }
    if text.len() < MINIFIED_LEAST {
        return None;
    }
    let (mut lines, mut longest, mut begin) = (1, 0, 0);
    for end in memchr::memchr_iter(b'\n', text) {
        lines += 1;
        longest = longest.max(end - begin);
        begin = end + 1;
    }
    longest = longest.max(text.len() - begin);
    (text.len() / lines > MINIFIED_AVERAGE || longest > MINIFIED_LINE).then_some(Reason::Minified)
}

/// The text of UTF-16 with a byte order mark, as UTF-8; what is not valid becomes U+FFFD.
fn utf16(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mark, rest) = bytes.split_at_checked(2)?;
    let unit: fn([u8; 2]) -> u16 = match mark {
        [0xFF, 0xFE] => u16::from_le_bytes,
        [0xFE, 0xFF] => u16::from_be_bytes,
        _ => return None,
    };
    let (pairs, odd) = rest.as_chunks::<2>();
    let mut text = String::with_capacity(rest.len());
    text.extend(
        char::decode_utf16(pairs.iter().copied().map(unit))
            .map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)),
    );
    // Half a character at the end; a searcher may make one or two of it, and more trigrams do no harm.
    if !odd.is_empty() {
        text.extend([char::REPLACEMENT_CHARACTER; 2]);
    }
    Some(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::empty(b"", None, b"")]
    #[case::text(b"fn main() {}\n", None, b"fn main() {}\n")]
    #[case::latin1(b"\xe4\xf6\n", None, b"\xe4\xf6\n")]
    #[case::little_endian(b"\xff\xfeh\0\xe4\0", None, "hä".as_bytes())]
    #[case::big_endian(b"\xfe\xff\0h\0\xe4", None, "hä".as_bytes())]
    #[case::half_a_character(b"\xff\xfeh\0x", None, "h\u{fffd}\u{fffd}".as_bytes())]
    #[case::lone_surrogate(b"\xff\xfe\0\xd8h\0", None, "\u{fffd}h".as_bytes())]
    #[case::binary(b"\x7fELF\0hello", Some(Reason::Binary), b"\x7fELF")]
    #[case::utf16_binary(b"\xff\xfeh\0\0\0i\0", Some(Reason::Binary), b"h")]
    fn is(#[case] bytes: &[u8], #[case] reason: Option<Reason>, #[case] text: &[u8]) {
        let content = Content::new(bytes.to_vec());
        assert_eq!((content.reason, content.text.as_slice()), (reason, text));
        assert_eq!(content.id, ContentId::of(bytes), "named by its bytes");
    }

    #[test]
    fn limits() {
        let of = |bytes: Vec<u8>| {
            let content = Content::new(bytes);
            (content.reason, content.text.len())
        };
        let lines = |len: usize| b"0123456789abcde\n".repeat(len / 16);
        let max = MAX_WORD_BYTES;
        assert_eq!(of(lines(max)), (None, max));
        assert_eq!(of(lines(max + 16)), (Some(Reason::TooLarge), max + 16));
        assert_eq!(of(vec![b'x'; 4000]), (None, 4000), "short enough to read");
        assert_eq!(of(vec![b'x'; 5000]), (Some(Reason::Minified), 5000));
        let mut one_long = lines(1 << 20);
        one_long.extend(vec![b'x'; MINIFIED_LINE + 1]);
        assert_eq!(of(one_long).0, Some(Reason::Minified));
        let mut early = lines(BINARY_LOOK);
        let mut late = early.clone();
        early[BINARY_LOOK - 1] = 0;
        late.extend(b"\0after");
        assert_eq!(of(early), (Some(Reason::Binary), BINARY_LOOK - 1));
        let all = late.len();
        assert_eq!(of(late), (Some(Reason::Binary), all), "found over lines");
    }

    #[test]
    fn ids_survive_being_halved() {
        let id = ContentId::of(b"x");
        let (high, low) = id.halves();
        assert_eq!(ContentId::from_halves(high, low), id);
    }
}
