//! Contents as git keeps them, and whether a file on disk holds one.

use crate::{GitError, MAX_BLOB_BYTES, path_from_git, path_to_git};
use git2::{
    AttrCheckFlags, AttrValue, ErrorCode, Index, IndexEntry, IndexTime, ObjectType, Oid,
    Repository, Tree,
};
use std::{
    fs, io,
    io::Write as _,
    path::{Component, Path, PathBuf},
    time::SystemTime,
};

/// What git keeps of a path: the blob (or a submodule's commit) and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) id: Oid,
    pub(crate) mode: u32,
}

pub(crate) const PLAIN: u32 = 0o100_644;
pub(crate) const EXECUTABLE: u32 = 0o100_755;
pub(crate) const LINK: u32 = 0o120_000;
pub(crate) const SUBMODULE: u32 = 0o160_000;

impl Kept {
    pub(crate) fn of_tree(
        tree: Option<&Tree<'_>>,
        path: &Path,
    ) -> Result<Option<Self>, git2::Error> {
        let Some(tree) = tree else { return Ok(None) };
        match tree.get_path(path) {
            Ok(entry) if entry.kind() == Some(ObjectType::Tree) => Ok(None),
            Ok(entry) => Ok(Some(Self {
                id: entry.id(),
                mode: normal(entry.filemode().cast_unsigned()),
            })),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn of_index(index: &Index, path: &Path) -> Option<Self> {
        // The library panics at a path with `..`.
        let entry = is_tame(path).then(|| index.get_path(path, 0)).flatten()?;
        Some(Self {
            id: entry.id,
            mode: normal(entry.mode),
        })
    }

    /// An entry without a stamp, so that git looks at the file itself.
    pub(crate) fn entry(self, path: Vec<u8>) -> IndexEntry {
        IndexEntry {
            ctime: IndexTime::new(0, 0),
            mtime: IndexTime::new(0, 0),
            dev: 0,
            ino: 0,
            mode: self.mode,
            uid: 0,
            gid: 0,
            file_size: 0,
            id: self.id,
            flags: 0,
            flags_extended: 0,
            path,
        }
    }
}

/// An entry with the stamp of a file that holds its content just now.
pub(crate) fn stamped(mut entry: IndexEntry, metadata: &fs::Metadata) -> IndexEntry {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        // The index has 32 bits for each.
        let low = |wide: u64| u32::try_from(wide & u64::from(u32::MAX)).unwrap_or_default();
        let time = |seconds: i64, nanos: i64| {
            IndexTime::new(
                i32::try_from(seconds).unwrap_or_default(),
                u32::try_from(nanos).unwrap_or_default(),
            )
        };
        entry.mtime = time(metadata.mtime(), metadata.mtime_nsec());
        entry.ctime = time(metadata.ctime(), metadata.ctime_nsec());
        entry.dev = low(metadata.dev());
        entry.ino = low(metadata.ino());
        entry.uid = metadata.uid();
        entry.gid = metadata.gid();
        entry.file_size = low(metadata.len());
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        entry.file_size = 0;
    }
    entry
}

/// Old repositories have modes as 100664.
pub(crate) fn normal(mode: u32) -> u32 {
    match mode & 0o170_000 {
        0o100_000 if mode & 0o100 != 0 => EXECUTABLE,
        0o100_000 => PLAIN,
        kind => kind,
    }
}

/// Sets what the index holds of a path; none: nothing.
pub(crate) fn set_entry(
    index: &mut Index,
    path: &Path,
    name: &[u8],
    kept: Option<Kept>,
) -> Result<(), git2::Error> {
    match kept {
        Some(kept) => index.add(&kept.entry(name.to_vec())),
        None => match index.remove_path(path) {
            Err(error) if error.code() != ErrorCode::NotFound => Err(error),
            _ => Ok(()),
        },
    }
}

/// Tells a file from one that replaced it, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Stamp {
    pub(crate) fn of(metadata: &fs::Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            inode,
        }
    }
}

/// What is at a path of the working tree, compared with what git keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDisk {
    Absent,
    /// Just what git keeps.
    Same(Stamp),
    /// Something else: the user's.
    Other,
}

/// A working tree and how its files become blobs.
pub(crate) struct Files<'a> {
    pub(crate) repo: &'a Repository,
    pub(crate) workdir: &'a Path,
    modes_count: bool,
}

impl<'a> Files<'a> {
    pub(crate) fn of(repo: &'a Repository, workdir: &'a Path) -> Self {
        let modes_count = repo
            .config()
            .and_then(|config| config.get_bool("core.filemode"))
            .unwrap_or(cfg!(unix));
        Self {
            repo,
            workdir,
            modes_count,
        }
    }

    /// Whether the file at `path` holds `kept`. Nothing that is behind a link counts as there.
    pub(crate) fn compare(&self, path: &Path, kept: Kept) -> Result<OnDisk, GitError> {
        let Some(metadata) = self.look(path)? else {
            return Ok(OnDisk::Absent);
        };
        let full = self.workdir.join(path);
        let kind = metadata.file_type();
        let same = if kept.mode == LINK {
            kind.is_symlink() && hash(&target(&full)?) == Some(kept.id)
        } else if !kind.is_file()
            || (self.modes_count && executable(&metadata) != (kept.mode == EXECUTABLE))
        {
            false
        } else {
            let raw = Oid::hash_file(ObjectType::Blob, &full);
            raw.is_ok_and(|id| id == kept.id) || {
                // Only these two are ever taken out on the way in.
                let bytes = read(&full, metadata.len())?;
                let converted =
                    bytes.contains(&b'\r') || bytes.windows(3).any(|part| part == b"$Id");
                converted && self.cleaned(path, &bytes)? == kept.id
            }
        };
        Ok(if same {
            OnDisk::Same(Stamp::of(&metadata))
        } else {
            OnDisk::Other
        })
    }

    /// What git would keep of the file that is at `path` now; its blob is written. None: no file.
    ///
    /// `before` is what the index holds: where the file system knows no modes, its mode stays.
    pub(crate) fn keep(&self, path: &Path, before: Option<Kept>) -> Result<Option<Kept>, GitError> {
        let Some(metadata) = self.look(path)? else {
            return Ok(None);
        };
        let full = self.workdir.join(path);
        let kind = metadata.file_type();
        if kind.is_symlink() {
            let id = self.repo.blob(&target(&full)?);
            let id = id.map_err(|error| self.failed(error))?;
            return Ok(Some(Kept { id, mode: LINK }));
        }
        if !kind.is_file() {
            // A folder where the file was.
            return Ok(None);
        }
        let bytes = read(&full, metadata.len())?;
        let mode = match before {
            Some(before) if !self.modes_count && before.mode == EXECUTABLE => EXECUTABLE,
            _ if self.modes_count && executable(&metadata) => EXECUTABLE,
            _ => PLAIN,
        };
        let id = self.cleaned(path, &bytes)?;
        Ok(Some(Kept { id, mode }))
    }

    /// The blob that git makes of a text: line ends may be others than on disk.
    pub(crate) fn cleaned(&self, path: &Path, bytes: &[u8]) -> Result<Oid, GitError> {
        let write = || {
            let mut writer = self.repo.blob_writer(Some(path))?;
            writer
                .write_all(bytes)
                .map_err(|error| git2::Error::from_str(&error.to_string()))?;
            writer.commit()
        };
        write().map_err(|error| self.failed(error))
    }

    /// Whether the line ends of the file at `name` may differ between blob and disk. In doubt, they may.
    pub(crate) fn may_convert_lines(&self, name: &[u8]) -> bool {
        let configured = self.repo.config().is_ok_and(|config| {
            config
                .get_string("core.autocrlf")
                .is_ok_and(|value| !matches!(value.as_str(), "false" | "input"))
        });
        let Some(path) = path_from_git(name) else {
            return true;
        };
        let says = |attribute: &str| {
            let value = self
                .repo
                .get_attr_bytes(&path, attribute, AttrCheckFlags::FILE_THEN_INDEX);
            !value.is_ok_and(|value| {
                matches!(
                    AttrValue::from_bytes(value),
                    AttrValue::Unspecified | AttrValue::False
                )
            })
        };
        configured || ["text", "eol", "crlf", "ident"].into_iter().any(says)
    }

    /// A blob's bytes.
    pub(crate) fn blob(&self, id: Oid) -> Result<Vec<u8>, GitError> {
        let blob = self.repo.find_blob(id);
        Ok(blob.map_err(|error| self.failed(error))?.content().to_vec())
    }

    /// What is at a path, without following a link, not even one on the way.
    pub(crate) fn look(&self, path: &Path) -> Result<Option<fs::Metadata>, GitError> {
        if self.blocked(path)?.is_some() {
            return Ok(None);
        }
        look(&self.workdir.join(path))
    }

    /// The part on the way to `path` that is no folder, if there is one.
    pub(crate) fn blocked(&self, path: &Path) -> Result<Option<PathBuf>, GitError> {
        let mut way = PathBuf::new();
        for part in path.parent().into_iter().flat_map(Path::components) {
            way.push(part);
            match look(&self.workdir.join(&way))? {
                Some(metadata) if metadata.is_dir() => {}
                Some(_) => return Ok(Some(way)),
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    fn failed(&self, error: git2::Error) -> GitError {
        GitError::library("keep a file in", self.workdir, error)
    }
}

/// A path of a tree or an index as a path of this system.
///
/// None for names that no file of a working tree may have: outside of it, or the repository's own folder by any of the
/// spellings that a file system takes for `.git`.
pub(crate) fn tame(name: &[u8]) -> Option<PathBuf> {
    let path = path_from_git(name)?;
    (is_tame(&path) && path_to_git(&path).as_deref() == Some(name)).then_some(path)
}

/// See [`tame`].
pub(crate) fn is_tame(path: &Path) -> bool {
    let mut parts = 0;
    path.components().all(|part| {
        parts += 1;
        let Component::Normal(part) = part else {
            return false;
        };
        let seen: String = part
            .to_string_lossy()
            .chars()
            // What some file systems leave out of names.
            .filter(|c| {
                !matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
            })
            .collect::<String>()
            .to_lowercase();
        let seen = seen.trim_end_matches(['.', ' ']);
        let seen = seen.split(':').next().unwrap_or(seen);
        seen != ".git" && !seen.starts_with("git~") && !(cfg!(windows) && seen.contains('\\'))
    }) && parts > 0
}

fn look(full: &Path) -> Result<Option<fs::Metadata>, GitError> {
    match fs::symlink_metadata(full) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(source) => Err(GitError::Io {
            action: "look at",
            path: full.to_owned(),
            source,
        }),
    }
}

fn hash(bytes: &[u8]) -> Option<Oid> {
    Oid::hash_object(ObjectType::Blob, bytes).ok()
}

fn read(full: &Path, len: u64) -> Result<Vec<u8>, GitError> {
    if len > MAX_BLOB_BYTES {
        return Err(GitError::Refused {
            action: "read",
            path: full.to_owned(),
            why: format!("it is larger than the {MAX_BLOB_BYTES} bytes that are read"),
        });
    }
    fs::read(full).map_err(|source| GitError::Io {
        action: "read",
        path: full.to_owned(),
        source,
    })
}

/// A link's target as git keeps it.
fn target(full: &Path) -> Result<Vec<u8>, GitError> {
    let target = fs::read_link(full).map_err(|source| GitError::Io {
        action: "read the link",
        path: full.to_owned(),
        source,
    })?;
    #[cfg(unix)]
    let bytes = std::os::unix::ffi::OsStrExt::as_bytes(target.as_os_str()).to_vec();
    #[cfg(not(unix))]
    let bytes = target.to_string_lossy().replace('\\', "/").into_bytes();
    Ok(bytes)
}

fn executable(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o100 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}
