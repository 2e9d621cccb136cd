//! An opened folder: the value that the rest of Kerf passes around.
//!
//! It holds the folder's real name and the [`Fs`] beneath it, turns what a model or a user typed into a [`RelPath`],
//! and walks the folder by its ignore rules. It caches nothing and watches nothing; see [`crate::watch`] for that.
//! Start with [`Workspace::open`].

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::fs::{Fs, FsError, RealFs};
use crate::path::{Escaped, PathError, RelPath};
use crate::walk::{Walk, Walked, is_in_place, on_disk, rules_elsewhere, through_fs};

/// An opened folder. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workspace {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    /// The folder as the user named it, when that differs from its real name.
    given: Option<PathBuf>,
    fs: Arc<dyn Fs>,
    on_disk: bool,
}

impl Workspace {
    /// Opens a folder on disk.
    ///
    /// The name is resolved once, here; from then on everything goes through the directory handle, so that moving
    /// the folder does not make Kerf write elsewhere.
    pub fn open(folder: &Path) -> Result<Self, FsError> {
        let fail = |source| FsError::Open {
            folder: folder.to_path_buf(),
            source,
        };
        let root = plain(folder.canonicalize().map_err(fail)?);
        let given = normalise(&std::path::absolute(folder).map_err(fail)?);
        let fs = RealFs::open(&root)?;
        let given = (given != root).then_some(given);
        Ok(Self {
            inner: Arc::new(Inner {
                root,
                given,
                fs: Arc::new(fs),
                on_disk: true,
            }),
        })
    }

    /// A workspace over another [`Fs`], as tests use it. `root` is only a name then.
    pub fn with_fs(root: PathBuf, fs: Arc<dyn Fs>) -> Self {
        Self {
            inner: Arc::new(Inner {
                root,
                given: None,
                fs,
                on_disk: false,
            }),
        }
    }

    /// The folder's real, absolute name. For showing and for child processes; files are opened through [`Self::fs`].
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    /// Whether this is a folder on disk, not one of a test.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.inner.on_disk
    }

    /// The rules on what is ignored that lie in no file of the folder: the excludes of its repository, the user's own, and
    /// where it is a part of a repository the rule files above it; in the form of their files. Another answer than before
    /// means that other files may be ignored.
    pub fn rules_elsewhere(&self) -> Vec<u8> {
        if self.inner.on_disk {
            rules_elsewhere(self.root())
        } else {
            Vec::new()
        }
    }

    /// The files of the folder.
    pub fn fs(&self) -> &dyn Fs {
        &*self.inner.fs
    }

    /// What a model or a user typed, as a path inside the folder. The file need not exist.
    ///
    /// Relative or absolute, `/` between names, on Windows also `\`. A `..` is taken by name alone and may stand
    /// anywhere as long as the result is inside. `.` and the folder's own name give [`RelPath::root`].
    /// Errors: empty, NUL, a leading `~`, a network or device path, and whatever ends outside.
    pub fn resolve(&self, text: &str) -> Result<RelPath, PathError> {
        let shown = || Escaped(text.as_ref()).to_string();
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.contains('\0') {
            return Err(PathError::Nul { path: shown() });
        }
        if text.starts_with('~') {
            return Err(PathError::Home { path: shown() });
        }
        // Refused on every system: on Unix these would be strange relative names, which nobody means.
        if text.starts_with(r"\\")
            || text.starts_with(r"\??\")
            || cfg!(windows) && text.starts_with("//")
        {
            return Err(PathError::Namespace { path: shown() });
        }
        let path = Path::new(text);
        let outside = || PathError::Outside {
            path: shown(),
            root: Escaped(self.root().as_os_str()).to_string(),
        };
        // `C:name` is relative to a folder that only the other process knows, `\name` to a drive.
        if !path.is_absolute()
            && matches!(
                path.components().next(),
                Some(Component::Prefix(_) | Component::RootDir)
            )
        {
            return Err(outside());
        }
        let whole = normalise(&self.root().join(path));
        let inside = std::iter::once(self.root())
            .chain(self.inner.given.as_deref())
            .find_map(|root| strip(&whole, root))
            .ok_or_else(outside)?;
        if inside.as_os_str().is_empty() {
            Ok(RelPath::root())
        } else {
            RelPath::new(&inside)
        }
    }

    /// Whether the folder's name still leads to the folder that was opened. It does not once that one was moved or
    /// removed, also when another one took its place. Then walks fail, and everything else goes on with the open folder.
    pub fn is_in_place(&self) -> bool {
        !self.inner.on_disk || is_in_place(self).unwrap_or(false)
    }

    /// All files and links by the ignore rules; see [`Walk`]. Problems are collected, never fatal.
    ///
    /// Names and stats only: content is read through [`Self::fs`], which checks again that it is inside.
    pub fn walk(&self, options: &Walk) -> Walked {
        if self.inner.on_disk {
            on_disk(self, options).walked
        } else {
            through_fs(self.fs(), options)
        }
    }
}

/// Takes `.` and `..` away by name alone. A `..` at the top stays at the top.
fn normalise(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                // At the file system's root there is nothing to pop, and `/..` is `/`.
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

/// The rest of `path` beneath `root`, name by name; names are compared without ASCII case on Windows.
fn strip(path: &Path, root: &Path) -> Option<PathBuf> {
    if !cfg!(windows) {
        return path.strip_prefix(root).ok().map(Path::to_path_buf);
    }
    let mut rest = path.components();
    for expected in root.components() {
        let found = rest.next()?;
        if !found.as_os_str().eq_ignore_ascii_case(expected.as_os_str()) {
            return None;
        }
    }
    Some(rest.as_path().to_path_buf())
}

/// Windows gives real names as `\\?\C:\…`; the plain form is what programs and people expect.
pub(crate) fn plain(path: PathBuf) -> PathBuf {
    if !cfg!(windows) {
        return path;
    }
    let Some(text) = path.to_str() else {
        return path;
    };
    match text.strip_prefix(r"\\?\") {
        Some(rest) if rest.as_bytes().get(1) == Some(&b':') => PathBuf::from(rest),
        _ => path,
    }
}
