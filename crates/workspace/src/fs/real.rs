//! [`Fs`] on disk, by cap-std.
//!
//! Reading takes the whole path in one system call that stays beneath the handle. Everything that writes goes
//! through [`super::place`] and then acts on one name in a folder that is held open.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use super::place::{self, Parents};
use super::{Entry, Fs, FsError, Kind, Save, Stat, save, stat};
use crate::path::RelPath;

/// The files of a folder on disk.
#[derive(Debug)]
pub struct RealFs {
    root: Dir,
}

impl RealFs {
    /// Opens the folder. From here on its handle counts, not its name.
    pub fn open(folder: &Path) -> Result<Self, FsError> {
        let root =
            Dir::open_ambient_dir(folder, ambient_authority()).map_err(|source| FsError::Open {
                folder: folder.to_path_buf(),
                source,
            })?;
        Ok(Self { root })
    }
}

/// The path for cap-std, which has no empty path.
fn at(path: &RelPath) -> &Path {
    if path.is_root() {
        Path::new(".")
    } else {
        path.as_path()
    }
}

impl Fs for RealFs {
    fn stat(&self, path: &RelPath) -> Result<Stat, FsError> {
        let meta = if path.is_root() {
            self.root.dir_metadata()
        } else {
            self.root.symlink_metadata(path.as_path())
        };
        meta.map(|meta| stat::of_handle(&meta))
            .map_err(|error| fail(path, "look at", error))
    }

    fn read(&self, path: &RelPath, max_bytes: u64) -> Result<Vec<u8>, FsError> {
        let not_a_file = |kind: Kind| FsError::NotAFile {
            path: path.clone(),
            what: kind.describe(),
        };
        let mut options = OpenOptions::new();
        options.read(true);
        // Opening a named pipe would otherwise wait for a writer.
        #[cfg(unix)]
        cap_fs_ext::OpenOptionsSyncExt::nonblock(&mut options, true);
        let file = self.root.open_with(at(path), &options).map_err(|error| {
            // A socket cannot be opened at all, nor a folder on Windows; say what it is rather than how that failed.
            match self.root.metadata(at(path)) {
                Ok(meta) if !meta.is_file() => not_a_file(stat::of_entry(&meta).kind),
                _ => fail(path, "read", error),
            }
        })?;
        let io_fail = |error| fail(path, "read", error);
        let meta = file.metadata().map_err(io_fail)?;
        if !meta.is_file() {
            return Err(not_a_file(stat::of_entry(&meta).kind));
        }
        let too_large = |len| FsError::TooLarge {
            path: path.clone(),
            len,
            max: max_bytes,
        };
        if meta.len() > max_bytes {
            return Err(too_large(meta.len()));
        }
        // One byte more than allowed shows that the file has grown since, or that its length was made up.
        let mut bytes =
            Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0).saturating_add(1));
        // As a file of the standard library, because that one reads into room that nobody has cleared before.
        file.into_std()
            .take(max_bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(io_fail)?;
        let len = bytes.len() as u64;
        if len > max_bytes {
            Err(too_large(len))
        } else {
            Ok(bytes)
        }
    }

    fn read_link(&self, path: &RelPath) -> Result<PathBuf, FsError> {
        self.root
            .read_link_contents(at(path))
            .map_err(|error| match self.stat(path) {
                Ok(stat) if stat.kind != Kind::Link => FsError::NotALink { path: path.clone() },
                _ => fail(path, "read the link", error),
            })
    }

    fn list(&self, dir: &RelPath) -> Result<Vec<Entry>, FsError> {
        let io_fail = |error| fail(dir, "list", error);
        let mut entries = Vec::new();
        for entry in self.root.read_dir(at(dir)).map_err(io_fail)? {
            let entry = entry.map_err(io_fail)?;
            match entry.metadata() {
                Ok(meta) => entries.push(Entry {
                    name: entry.file_name(),
                    stat: stat::of_entry(&meta),
                }),
                // It went away between the listing and the look.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(io_fail(error)),
            }
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn save(&self, path: &RelPath, bytes: &[u8], how: &Save) -> Result<Stat, FsError> {
        let place = place::find(&self.root, path, Parents::Make)?;
        let stat = save::save(&place, path, bytes, how)?;
        place.keep();
        Ok(stat)
    }

    fn remove(&self, path: &RelPath) -> Result<(), FsError> {
        let io_fail = |error| fail(path, "remove", error);
        let place = place::find(&self.root, path, Parents::MustExist)?;
        let meta = place.dir.symlink_metadata(place.name).map_err(io_fail)?;
        match stat::of_handle(&meta).kind {
            Kind::File | Kind::Link => {}
            kind => {
                return Err(FsError::NotAFile {
                    path: path.clone(),
                    what: kind.describe(),
                });
            }
        }
        cap_fs_ext::DirExt::remove_file_or_symlink(&place.dir, place.name).map_err(io_fail)?;
        sync(&place.dir).map_err(io_fail)
    }

    fn remove_empty_dirs(&self, dir: &RelPath) -> Result<(), FsError> {
        let mut next = Some(dir.clone());
        while let Some(path) = next.take_if(|path| !path.is_root()) {
            let removed = match place::find(&self.root, &path, Parents::MustExist) {
                Ok(place) => place
                    .dir
                    .remove_dir(place.name)
                    .and_then(|()| sync(&place.dir)),
                Err(FsError::NotFound { .. }) => Ok(()),
                Err(error) => return Err(error),
            };
            match removed {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => return Ok(()),
                Err(error) => return Err(fail(&path, "remove the folder", error)),
            }
            next = path.parent();
        }
        Ok(())
    }

    fn link(&self, path: &RelPath, target: &Path) -> Result<(), FsError> {
        let place = place::find(&self.root, path, Parents::Make)?;
        make_link(&place.dir, target, place.name).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => FsError::Conflict { path: path.clone() },
            _ => fail(path, "make the link", error),
        })?;
        sync(&place.dir).map_err(|error| fail(path, "make the link", error))?;
        place.keep();
        Ok(())
    }

    fn rename(&self, from: &RelPath, to: &RelPath) -> Result<(), FsError> {
        let source = place::find(&self.root, from, Parents::MustExist)?;
        let old = source
            .dir
            .symlink_metadata(source.name)
            .map_err(|error| fail(from, "move", error))?;
        let target = place::find(&self.root, to, Parents::Make)?;
        let io_fail = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => FsError::Conflict { path: to.clone() },
            _ => fail(from, "move", error),
        };
        // `a` to `A` finds the file itself at the new name where case does not count.
        let same_file = target.dir.symlink_metadata(target.name).is_ok_and(|new| {
            use cap_fs_ext::MetadataExt;
            let folded = |name: &std::ffi::OsStr| name.to_string_lossy().to_lowercase();
            (new.dev(), new.ino()) == (old.dev(), old.ino())
                && folded(source.name) == folded(target.name)
        });
        if same_file {
            source
                .dir
                .rename(source.name, &target.dir, target.name)
                .map_err(io_fail)?;
        } else {
            save::move_to_free_name(&source.dir, source.name, &target.dir, target.name)
                .map_err(io_fail)?;
        }
        sync(&target.dir)
            .and_then(|()| sync(&source.dir))
            .map_err(io_fail)?;
        target.keep();
        Ok(())
    }
}

#[cfg(unix)]
fn make_link(dir: &Dir, target: &Path, name: &std::ffi::OsStr) -> io::Result<()> {
    dir.symlink_contents(target, name)
}

#[cfg(windows)]
fn make_link(dir: &Dir, target: &Path, name: &std::ffi::OsStr) -> io::Result<()> {
    if dir.metadata(target).is_ok_and(|meta| meta.is_dir()) {
        dir.symlink_dir(target, name)
    } else {
        dir.symlink_file(target, name)
    }
}

/// Makes the entries of a folder durable.
#[cfg(unix)]
pub(super) fn sync(dir: &Dir) -> io::Result<()> {
    // The handle itself may be good for looking up names only, so the folder is opened once more for reading.
    match dir.open(".")?.sync_all() {
        // Some network and user-space file systems cannot do this for a folder; there is nothing better to do there.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// Windows writes its folders by journal and offers no call for this.
#[cfg(windows)]
pub(super) fn sync(_dir: &Dir) -> io::Result<()> {
    Ok(())
}

/// The error that the system gave, in the words of [`FsError`].
pub(super) fn fail(path: &RelPath, action: &'static str, error: io::Error) -> FsError {
    let path = path.clone();
    match error.kind() {
        io::ErrorKind::NotFound => FsError::NotFound { path },
        io::ErrorKind::NotADirectory => FsError::NotADir { path },
        // cap-std reports an escape with this kind; a refusal by the system carries the system's code.
        io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
            FsError::Escapes { path }
        }
        _ => FsError::Io {
            path,
            action,
            source: error,
        },
    }
}
