//! The lossless text form of a file name: what cannot be shown as it is becomes an escape.
//!
//! Names come from repositories that nobody vetted, so a name may hold a line break, a terminal sequence or marks
//! that reverse the reading order. All of these are written as escapes, and an escape can always be read back.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Write};

use super::PathError;

/// A file name or path shown so that it is safe to print and can be read back. Separators are left as they are.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a OsStr);

impl fmt::Display for Escaped<'_> {
    #[cfg(not(windows))]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.as_encoded_bytes().utf8_chunks() {
            for c in chunk.valid().chars() {
                write_char(f, c)?;
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02X}")?;
            }
        }
        Ok(())
    }

    #[cfg(windows)]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use std::os::windows::ffi::OsStrExt;
        for unit in char::decode_utf16(self.0.encode_wide()) {
            match unit {
                // A separator can only be in a whole path here, never in a name.
                Ok('\\') => f.write_char('/')?,
                Ok(c) => write_char(f, c)?,
                Err(lone) => write!(f, "\\u{{{:x}}}", lone.unpaired_surrogate())?,
            }
        }
        Ok(())
    }
}

fn write_char(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '\\' => f.write_str("\\\\"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        c if c.is_control() || is_invisible(c) => write!(f, "\\u{{{:x}}}", u32::from(c)),
        c => f.write_char(c),
    }
}

/// Characters that show nothing or change how their neighbours are shown.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Reads the text form back. Separators are left in place; an escaped separator or NUL is refused.
pub(super) fn unescape(text: &str) -> Result<OsString, PathError> {
    let mut name = Units::default();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let at = text.len() - rest.len();
        let broken = || PathError::Escape {
            text: text.to_owned(),
            at,
        };
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            name.push(c);
            continue;
        }
        let kind = rest.chars().next().ok_or_else(broken)?;
        rest = &rest[kind.len_utf8()..];
        match kind {
            // On Windows a name cannot hold it, and pushing it would make a separator of it.
            '\\' if cfg!(windows) => return Err(broken()),
            '\\' => name.push('\\'),
            'n' => name.push('\n'),
            'r' => name.push('\r'),
            't' => name.push('\t'),
            'x' => {
                let digits = rest
                    .get(..2)
                    .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                let byte = digits
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                    .ok_or_else(broken)?;
                if !name.push_byte(byte) {
                    return Err(broken());
                }
                rest = &rest[2..];
            }
            'u' => {
                let (digits, after) = rest
                    .strip_prefix('{')
                    .and_then(|inner| inner.split_once('}'))
                    .ok_or_else(broken)?;
                let valid = (1..=6).contains(&digits.len())
                    && digits.bytes().all(|b| b.is_ascii_hexdigit());
                let code = u32::from_str_radix(digits, 16)
                    .ok()
                    .filter(|_| valid)
                    .ok_or_else(broken)?;
                if !name.push_code(code) {
                    return Err(broken());
                }
                rest = after;
            }
            _ => return Err(broken()),
        }
    }
    Ok(name.finish())
}

/// A name under construction, in the units of the operating system.
#[derive(Default)]
struct Units {
    #[cfg(not(windows))]
    units: Vec<u8>,
    #[cfg(windows)]
    units: Vec<u16>,
}

impl Units {
    #[cfg(not(windows))]
    fn push(&mut self, c: char) {
        self.units
            .extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    #[cfg(windows)]
    fn push(&mut self, c: char) {
        self.units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }

    /// A raw byte; only those that cannot be part of ASCII, so that no separator is smuggled in.
    fn push_byte(&mut self, byte: u8) -> bool {
        #[cfg(not(windows))]
        if !byte.is_ascii() {
            self.units.push(byte);
            return true;
        }
        let _ = byte;
        false
    }

    /// A character by its code; on Windows also half of a surrogate pair.
    fn push_code(&mut self, code: u32) -> bool {
        if let Some(c) = char::from_u32(code) {
            if matches!(c, '/' | '\\' | '\0') {
                return false;
            }
            self.push(c);
            return true;
        }
        #[cfg(windows)]
        if let Ok(unit) = u16::try_from(code) {
            self.units.push(unit);
            return true;
        }
        false
    }

    #[cfg(not(windows))]
    fn finish(self) -> OsString {
        use std::os::unix::ffi::OsStringExt;
        OsString::from_vec(self.units)
    }

    #[cfg(windows)]
    fn finish(self) -> OsString {
        use std::os::windows::ffi::OsStringExt;
        OsString::from_wide(&self.units)
    }
}
