//! Finds the folder in which something is to be written, and holds it open.
//!
//! A write happens in two steps: get a handle on the parent folder, then act on a single name in it. The names
//! above are opened one by one and never through a link, so what was checked is what is held. A link among them is
//! resolved beneath the root first and the search starts again at the top with its real place; hence a link to
//! `.git` is recognised as such, and a link that leads out is an error.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

use cap_fs_ext::DirExt;
use cap_std::fs::Dir;

use super::FsError;
use super::real::{fail, sync};
use crate::path::{RelPath, is_git_name};

/// A name in an open folder, ready to be written.
pub(super) struct Place<'a> {
    pub(super) dir: Dir,
    pub(super) name: &'a OsStr,
    made: Made,
}

/// What to do about missing parents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Parents {
    Make,
    MustExist,
}

/// Folders made on the way; removed again unless the write succeeds.
struct Made {
    folders: Vec<(Dir, OsString)>,
}

impl Drop for Made {
    fn drop(&mut self) {
        for (dir, name) in self.folders.drain(..).rev() {
            // Someone may have put a file there meanwhile; then the folder is theirs.
            if let Err(error) = dir.remove_dir(&name) {
                tracing::debug!(%error, "a folder made for a failed save stays");
            }
        }
    }
}

impl Place<'_> {
    /// The write succeeded: the folders made for it stay.
    pub(super) fn keep(mut self) {
        self.made.folders.clear();
    }
}

/// How often a search may meet a link, a missing folder or a change by someone else before it gives up.
const MAX_DETOURS: usize = 300;

pub(super) fn find<'a>(
    root: &Dir,
    path: &'a RelPath,
    parents: Parents,
) -> Result<Place<'a>, FsError> {
    let protected = || FsError::Protected { path: path.clone() };
    let name = path.file_name().ok_or_else(|| FsError::NotAFile {
        path: path.clone(),
        what: "the workspace folder itself",
    })?;
    if path.is_protected() {
        return Err(protected());
    }
    let io_fail = |error| fail(path, "open the folder of", error);
    let mut names: VecDeque<OsString> = path
        .parent()
        .iter()
        .flat_map(RelPath::names)
        .map(OsStr::to_owned)
        .collect();
    let mut here = PathBuf::new();
    let mut dir = root.try_clone().map_err(io_fail)?;
    let mut made = Made {
        folders: Vec::new(),
    };
    let mut detours = 0;
    while let Some(next) = names.pop_front() {
        let error = match dir.open_dir_nofollow(&next) {
            Ok(below) => {
                dir = below;
                here.push(next);
                continue;
            }
            Err(error) => error,
        };
        detours += 1;
        if detours > MAX_DETOURS {
            return Err(FsError::Io {
                path: path.clone(),
                action: "open the folder of",
                source: error,
            });
        }
        if error.kind() == io::ErrorKind::NotFound {
            if parents == Parents::MustExist {
                return Err(FsError::NotFound { path: path.clone() });
            }
            match dir.create_dir(&next) {
                Ok(()) => {
                    made.folders
                        .push((dir.try_clone().map_err(io_fail)?, next.clone()));
                    sync(&dir).map_err(io_fail)?;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(fail(path, "make a folder for", error)),
            }
            names.push_front(next);
            continue;
        }
        let is_link = dir
            .symlink_metadata(&next)
            .is_ok_and(|meta| meta.file_type().is_symlink());
        if !is_link {
            return Err(io_fail(error));
        }
        let real = root.canonicalize(here.join(&next)).map_err(io_fail)?;
        if real.iter().any(is_git_name) {
            return Err(protected());
        }
        for name in real.iter().rev() {
            names.push_front(name.to_owned());
        }
        here.clear();
        dir = root.try_clone().map_err(io_fail)?;
    }
    Ok(Place { dir, name, made })
}
