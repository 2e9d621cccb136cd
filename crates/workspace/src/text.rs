//! The text of a file, with all that is needed to write it back byte for byte.
//!
//! A file is UTF-8, UTF-16 or Windows-1252, or it is not text. Every decoding here is one to one, so that
//! encoding an unchanged text gives the bytes that were read, and a change of one word changes the bytes of
//! that word alone. Line ends stay in the text as they are in the file; a line ends with `\n`, `\r\n` or `\r`.
//!
//! It does no I/O and makes no change; see [`crate::edit`] and [`crate::patch`] for those.
//! Start with [`TextFile::decode`].

use encoding_rs::{Encoding as Table, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::fmt;

/// How many bytes are looked at to guess an encoding that no byte order mark tells.
const GUESS_BYTES: usize = 64 * 1024;

/// Text of a file with all that is needed to write it back byte for byte.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextFile {
    /// The text, without the byte order mark. Line ends are as in the file.
    pub text: String,
    /// How the text is written in the file.
    pub encoding: Encoding,
    /// Whether the file starts with a byte order mark.
    pub bom: bool,
}

/// How a text is written as bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
    /// Windows-1252, of which printable Latin-1 is a part; every byte stands for one character.
    Windows1252,
}

/// What ends a line.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LineEnding {
    /// `\n`
    Lf,
    /// `\r\n`
    CrLf,
    /// `\r`
    Cr,
}

/// Why the bytes of a file cannot be shown and edited as text.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotText {
    /// It has NUL bytes or more control characters than text has.
    #[error("the file is binary: it has a control character at byte {offset}")]
    Binary {
        /// Where the first such character starts, counted from 0.
        offset: usize,
    },
    /// It announces an encoding by a byte order mark, but is not valid in it.
    #[error("the file starts with a byte order mark of {encoding} but is not valid {encoding}")]
    Invalid {
        /// The announced encoding.
        encoding: Encoding,
    },
}

/// A character that the encoding of a file does not have.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{character}` (U+{:04X}) on line {line} cannot be written in {encoding}, the encoding of this file; \
     use another character, or write the whole file anew as UTF-8", *.character as u32
)]
pub struct Unencodable {
    /// The first character that cannot be written.
    pub character: char,
    /// The line that holds it, counted from 1.
    pub line: u32,
    /// The encoding of the file.
    pub encoding: Encoding,
}

impl TextFile {
    /// A text to be written to a new file: UTF-8 without a byte order mark.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            encoding: Encoding::Utf8,
            bom: false,
        }
    }

    /// Finds the encoding of `bytes` and decodes them.
    ///
    /// A byte order mark decides. Without one it is UTF-16 when nearly every other byte is zero, UTF-8 when the
    /// bytes are valid UTF-8 without NUL, and Windows-1252 when they have hardly any control character.
    pub fn decode(bytes: &[u8]) -> Result<TextFile, NotText> {
        for encoding in [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be] {
            if let Some(rest) = bytes.strip_prefix(encoding.mark()) {
                let text = encoding.decode(rest).ok_or(NotText::Invalid { encoding })?;
                return match text.contains('\0') {
                    true => Err(NotText::Binary {
                        offset: encoding.mark().len() + zero_offset(rest, encoding),
                    }),
                    false => Ok(TextFile {
                        text,
                        encoding,
                        bom: true,
                    }),
                };
            }
        }
        if let Some(encoding) = guess_utf16(bytes)
            && let Some(text) = encoding.decode(bytes)
            && !text.contains('\0')
        {
            return Ok(TextFile {
                text,
                encoding,
                bom: false,
            });
        }
        if let Some(offset) = bytes.iter().position(|&byte| byte == 0) {
            return Err(NotText::Binary { offset });
        }
        if let Some(text) = Encoding::Utf8.decode(bytes) {
            return Ok(TextFile {
                text,
                encoding: Encoding::Utf8,
                bom: false,
            });
        }
        let mut strange = bytes
            .iter()
            .enumerate()
            .filter(|&(_, &byte)| is_strange(byte));
        if let Some((offset, _)) = strange.next()
            && (1 + strange.count()) * 50 > bytes.len()
        {
            return Err(NotText::Binary { offset });
        }
        let encoding = Encoding::Windows1252;
        let text = encoding
            .decode(bytes)
            .ok_or(NotText::Invalid { encoding })?;
        Ok(TextFile {
            text,
            encoding,
            bom: false,
        })
    }

    /// Writes `text` as this file is written: the same encoding, and a byte order mark when the file has one.
    pub fn encode(&self, text: &str) -> Result<Vec<u8>, Unencodable> {
        let mut bytes = if self.bom {
            self.encoding.mark().to_vec()
        } else {
            Vec::new()
        };
        match self.encoding {
            Encoding::Utf8 => bytes.extend_from_slice(text.as_bytes()),
            Encoding::Utf16Le => bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Encoding::Utf16Be => bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            Encoding::Windows1252 => {
                let (encoded, _, lossy) = WINDOWS_1252.encode(text);
                if lossy {
                    return Err(self.first_unencodable(text));
                }
                bytes.extend_from_slice(&encoded);
            }
        }
        Ok(bytes)
    }

    /// The first line end of the file; `\n` when it has none.
    pub fn line_ending(&self) -> LineEnding {
        first_ending(&self.text).unwrap_or(LineEnding::Lf)
    }

    fn first_unencodable(&self, text: &str) -> Unencodable {
        let mut buffer = [0; 4];
        let found = text
            .char_indices()
            .find(|(_, c)| WINDOWS_1252.encode(c.encode_utf8(&mut buffer)).2);
        let (offset, character) = found.unwrap_or((0, char::REPLACEMENT_CHARACTER));
        Unencodable {
            character,
            line: line_number(text, offset),
            encoding: self.encoding,
        }
    }
}

impl Encoding {
    /// The byte order mark. Windows-1252 has none.
    fn mark(self) -> &'static [u8] {
        match self {
            Encoding::Utf8 => b"\xEF\xBB\xBF",
            Encoding::Utf16Le => b"\xFF\xFE",
            Encoding::Utf16Be => b"\xFE\xFF",
            Encoding::Windows1252 => b"",
        }
    }

    /// None when the bytes are not valid in this encoding.
    fn decode(self, bytes: &[u8]) -> Option<String> {
        if self == Encoding::Utf8 {
            return std::str::from_utf8(bytes).ok().map(str::to_owned);
        }
        let table: &'static Table = match self {
            Encoding::Utf16Le => UTF_16LE,
            Encoding::Utf16Be => UTF_16BE,
            Encoding::Utf8 | Encoding::Windows1252 => WINDOWS_1252,
        };
        table
            .decode_without_bom_handling_and_without_replacement(bytes)
            .map(String::from)
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16Le => "UTF-16LE",
            Encoding::Utf16Be => "UTF-16BE",
            Encoding::Windows1252 => "Windows-1252",
        })
    }
}

impl LineEnding {
    /// The characters of this line end.
    pub fn as_str(self) -> &'static str {
        match self {
            LineEnding::Lf => "\n",
            LineEnding::CrLf => "\r\n",
            LineEnding::Cr => "\r",
        }
    }
}

/// One line of a text, and what ends it: `""` only on a last line without an end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) body: &'a str,
    pub(crate) ending: &'a str,
}

/// The lines of `text`. A line end at the end of the text starts no further line.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let bytes = rest.as_bytes();
        let body = bytes
            .iter()
            .position(|&b| b == b'\n' || b == b'\r')
            .unwrap_or(bytes.len());
        let ending = match bytes.get(body..body + 2) {
            Some(b"\r\n") => 2,
            _ => usize::from(body < bytes.len()),
        };
        let line = Line {
            body: &rest[..body],
            ending: &rest[body..body + ending],
        };
        rest = &rest[body + ending..];
        Some(line)
    })
}

/// The first line end of `text`.
pub(crate) fn first_ending(text: &str) -> Option<LineEnding> {
    let bytes = text.as_bytes();
    let at = bytes
        .iter()
        .position(|&byte| byte == b'\n' || byte == b'\r')?;
    Some(match (bytes[at], bytes.get(at + 1)) {
        (b'\n', _) => LineEnding::Lf,
        (_, Some(b'\n')) => LineEnding::CrLf,
        _ => LineEnding::Cr,
    })
}

/// The last line end of `text`.
pub(crate) fn last_ending(text: &str) -> Option<LineEnding> {
    let bytes = text.as_bytes();
    let at = bytes
        .iter()
        .rposition(|&byte| byte == b'\n' || byte == b'\r')?;
    Some(
        match (bytes[at], at.checked_sub(1).map(|before| bytes[before])) {
            (b'\r', _) => LineEnding::Cr,
            (_, Some(b'\r')) => LineEnding::CrLf,
            _ => LineEnding::Lf,
        },
    )
}

/// The number of the line, from 1, that holds the byte at `offset` (which may be the length of the text).
pub(crate) fn line_number(text: &str, offset: usize) -> u32 {
    let bytes = text.as_bytes();
    let ends = (0..offset.min(bytes.len()))
        .filter(|&i| bytes[i] == b'\n' || (bytes[i] == b'\r' && bytes.get(i + 1) != Some(&b'\n')));
    u32::try_from(ends.count())
        .unwrap_or(u32::MAX)
        .saturating_add(1)
}

/// UTF-16 shows itself without a mark when one half of the pairs is mostly zero and the other hardly ever.
fn guess_utf16(bytes: &[u8]) -> Option<Encoding> {
    if bytes.len() < 4 || !bytes.len().is_multiple_of(2) {
        return None;
    }
    let pairs = &bytes[..bytes.len().min(GUESS_BYTES)];
    let zeros = |half: usize| {
        pairs
            .iter()
            .skip(half)
            .step_by(2)
            .filter(|&&byte| byte == 0)
            .count()
    };
    let (first, second, count) = (zeros(0), zeros(1), pairs.len() / 2);
    let strong = |zero: usize, other: usize| other * 20 <= count && zero * 10 >= count * 7;
    let encoding = match (strong(second, first), strong(first, second)) {
        (true, false) => Encoding::Utf16Le,
        (false, true) => Encoding::Utf16Be,
        _ => return None,
    };
    let other = usize::from(encoding == Encoding::Utf16Be);
    let mut units = pairs
        .chunks_exact(2)
        .map(|pair| (pair[other], pair[1 - other]));
    // A run of small little-endian numbers looks the same but for the control characters.
    (!units.any(|(low, high)| high == 0 && is_control(low))).then_some(encoding)
}

fn is_control(byte: u8) -> bool {
    byte == 0x7F || byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B)
}

/// Control characters and the five bytes that Windows-1252 gives no character.
fn is_strange(byte: u8) -> bool {
    is_control(byte) || matches!(byte, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D)
}

fn zero_offset(bytes: &[u8], encoding: Encoding) -> usize {
    match encoding {
        Encoding::Utf16Le | Encoding::Utf16Be => {
            bytes
                .chunks_exact(2)
                .position(|pair| pair == [0, 0])
                .unwrap_or(0)
                * 2
        }
        Encoding::Utf8 | Encoding::Windows1252 => {
            bytes.iter().position(|&byte| byte == 0).unwrap_or(0)
        }
    }
}
