//! Paths inside a workspace, checked by their text alone.
//!
//! A [`RelPath`] cannot be absolute, cannot climb with `..` and holds no NUL, so joining it to a folder stays in
//! that folder as far as names go. What the names lead to on disk (links) is the business of [`crate::fs`].
//! The bytes of a name are kept exactly, also where they are not UTF-8; the text form escapes them without loss.
//!
//! Start with [`RelPath::new`], and with [`crate::Workspace::resolve`] for text that a model or a user typed.

mod escape;
mod protected;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use escape::Escaped;
pub(crate) use protected::is_git_name;

/// A normalised path inside a workspace: relative, no `.` or `..`, and never empty except for [`RelPath::root`].
///
/// The bytes of every name are kept exactly. The text form (`Display`, `FromStr`, serde) has `/` between the names
/// and escapes `\`, control characters, characters that hide or reorder text, and bytes that are not UTF-8
/// (`\n`, `\u{202e}`, `\xFF`), so that it is lossless and safe to print. The root is written `.`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelPath(PathBuf);

/// Why a text or a path does not name a place inside the workspace.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PathError {
    /// Nothing was given, or only `.` where a file must be named.
    #[error("the path is empty; name a file or folder inside the workspace")]
    Empty,
    /// A NUL byte, which no file name can hold.
    #[error("`{path}` holds a NUL byte, which no file name can hold")]
    Nul {
        /// The path, escaped.
        path: String,
    },
    /// An absolute path where only a relative one can stand.
    #[error("`{path}` is absolute; give a path relative to the workspace")]
    Absolute {
        /// The path, escaped.
        path: String,
    },
    /// A `..` where the path must already be normalised.
    #[error("`{path}` climbs with `..`; give a path inside the workspace")]
    Climbs {
        /// The path, escaped.
        path: String,
    },
    /// The path leads out of the workspace.
    #[error("`{path}` is outside the workspace `{root}`; only files inside it can be used")]
    Outside {
        /// The path as given, escaped.
        path: String,
        /// The workspace folder, escaped.
        root: String,
    },
    /// A leading `~`, which only a shell would expand.
    #[error(
        "`{path}` starts with `~`, which is not expanded here; write `./{path}` if a file is really called that"
    )]
    Home {
        /// The path, escaped.
        path: String,
    },
    /// A Windows network or device path (`\\server\share`, `\\?\`, `\??\`).
    #[error("`{path}` is a network or device path; give a path relative to the workspace")]
    Namespace {
        /// The path, escaped.
        path: String,
    },
    /// A name that this operating system would take for something else.
    #[error("`{path}` cannot be used: {why}")]
    Reserved {
        /// The path, escaped.
        path: String,
        /// What is wrong with the name.
        why: &'static str,
    },
    /// The text form of a path with a broken escape.
    #[error("`{text}` has a broken escape at byte {at}; write a `\\` in a name as `\\\\`")]
    Escape {
        /// The text, as given.
        text: String,
        /// Where the escape starts, in bytes from 0.
        at: usize,
    },
}

impl RelPath {
    /// The workspace folder itself.
    pub fn root() -> Self {
        Self(PathBuf::new())
    }

    /// Checks a relative path; `.` parts and doubled separators are dropped.
    ///
    /// Errors: absolute, `..`, NUL, nothing left, and on Windows names that it would take for something else
    /// (`NUL`, `a:stream`, a trailing dot).
    pub fn new(path: &Path) -> Result<Self, PathError> {
        let shown = || Escaped(path.as_os_str()).to_string();
        if path.as_os_str().as_encoded_bytes().contains(&0) {
            return Err(PathError::Nul { path: shown() });
        }
        let mut clean = PathBuf::new();
        for component in path.components() {
            match component {
                Component::Normal(name) => {
                    if let Some(why) = reserved(name) {
                        return Err(PathError::Reserved { path: shown(), why });
                    }
                    clean.push(name);
                }
                Component::CurDir => {}
                Component::ParentDir => return Err(PathError::Climbs { path: shown() }),
                Component::RootDir | Component::Prefix(_) => {
                    return Err(PathError::Absolute { path: shown() });
                }
            }
        }
        if clean.as_os_str().is_empty() {
            return Err(PathError::Empty);
        }
        Ok(Self(clean))
    }

    /// The relative path for the standard library; empty for the root.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// Whether this is the workspace folder itself.
    pub fn is_root(&self) -> bool {
        self.0.as_os_str().is_empty()
    }

    /// The path of `name` in this folder. `name` is one name, as a directory listing gives it.
    ///
    /// # Panics
    /// When `name` is not a single name (empty, `.`, `..`, with a separator or NUL), because the result could then
    /// leave the folder. Text from outside goes through [`RelPath::new`] instead.
    pub fn join(&self, name: &OsStr) -> Self {
        assert!(
            is_single_name(name),
            "`{}` is not one file name",
            Escaped(name)
        );
        Self(self.0.join(name))
    }

    /// The folder that holds this path; `None` for the root.
    pub fn parent(&self) -> Option<RelPath> {
        self.0.parent().map(|parent| Self(parent.to_path_buf()))
    }

    /// The last name; `None` for the root.
    pub fn file_name(&self) -> Option<&OsStr> {
        self.0.file_name()
    }

    /// The names from the top down; none for the root.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &OsStr> {
        self.0.iter()
    }

    /// Whether this is `folder` or lies beneath it, name by name (`ab/c` is not beneath `a`).
    pub fn starts_with(&self, folder: &RelPath) -> bool {
        self.0.starts_with(&folder.0)
    }

    /// Whether this is a `.git` or lies beneath one, by any name that some file system takes for `.git`:
    /// another case, characters that are ignored, the short name `git~1`, trailing dots, a stream suffix.
    ///
    /// Such places may be read but not changed through [`crate::Fs`].
    pub fn is_protected(&self) -> bool {
        self.names().any(is_git_name)
    }

    /// A path made of names that came from a directory listing and need no second check.
    pub(crate) fn from_listing(path: &Path) -> Self {
        Self(path.to_path_buf())
    }
}

/// Whether `name` is exactly one ordinary component, so that joining it goes one level down.
fn is_single_name(name: &OsStr) -> bool {
    let mut components = Path::new(name).components();
    let first = components.next();
    matches!(first, Some(Component::Normal(only)) if only == name)
        && components.next().is_none()
        && !name.as_encoded_bytes().contains(&0)
}

/// Names that Windows resolves to something other than a file of that name.
fn reserved(name: &OsStr) -> Option<&'static str> {
    if !cfg!(windows) {
        return None;
    }
    windows_reserved(name.as_encoded_bytes())
}

/// The Windows rules as a pure function, so that they are tested everywhere.
fn windows_reserved(name: &[u8]) -> Option<&'static str> {
    if name.ends_with(b".") || name.ends_with(b" ") {
        return Some("Windows drops a trailing dot or space from a name");
    }
    if name
        .iter()
        .any(|byte| byte.is_ascii_control() || b"<>:\"|?*".contains(byte))
    {
        return Some("Windows allows no control character and none of `<>:\"|?*` in a name");
    }
    let stem = name
        .split(|byte| *byte == b'.')
        .next()
        .unwrap_or(name)
        .trim_ascii_end();
    let device = match stem.len() {
        3 => [&b"CON"[..], b"PRN", b"AUX", b"NUL"]
            .iter()
            .any(|known| stem.eq_ignore_ascii_case(known)),
        4 => {
            [&b"COM"[..], b"LPT"]
                .iter()
                .any(|known| stem[..3].eq_ignore_ascii_case(known))
                && stem[3].is_ascii_digit()
        }
        6 | 7 => [&b"CONIN$"[..], b"CONOUT$"]
            .iter()
            .any(|known| stem.eq_ignore_ascii_case(known)),
        _ => false,
    };
    device.then_some("Windows takes this name for a device")
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for (n, name) in self.names().enumerate() {
            if n > 0 {
                f.write_str("/")?;
            }
            Escaped(name).fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelPath({self})")
    }
}

impl FromStr for RelPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if text == "." {
            return Ok(Self::root());
        }
        let path: OsString = escape::unescape(text)?;
        Self::new(Path::new(&path))
    }
}

impl Serialize for RelPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RelPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_names_that_mean_something_else_are_known() {
        for name in [
            "NUL",
            "nul.txt",
            "con",
            "COM1",
            "lpt9.log",
            "CONOUT$",
            "a.",
            "a ",
            "file:stream",
            "a?b",
            "a\u{1}",
            "aux .c",
        ] {
            assert!(
                windows_reserved(name.as_bytes()).is_some(),
                "{name} must be refused on Windows"
            );
        }
        for name in [
            "null",
            "COM",
            "COMX",
            "console",
            ".hidden",
            "a.b",
            "lpt",
            "ünïcode",
        ] {
            assert_eq!(
                windows_reserved(name.as_bytes()),
                None,
                "{name} is an ordinary name"
            );
        }
    }

    #[test]
    fn joining_a_climbing_name_is_a_bug_in_the_caller() {
        let joined = std::panic::catch_unwind(|| RelPath::root().join(OsStr::new("../x")));
        assert!(
            joined.is_err(),
            "a name that climbs must never become a path"
        );
    }
}
