//! What of a folder counts as the user's work: files that git tracks, and files that are neither tracked nor ignored.

use crate::{FileKind, GitError, path_from_git, path_to_git};
use git2::{Index, IndexEntry, Oid, Repository};
use std::{
    collections::{HashMap, HashSet},
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};

/// The mode of a submodule in trees and in the index.
pub(super) const SUBMODULE: u32 = 0o160_000;

/// A file or a link.
pub(super) struct Found {
    /// Relative to the folder.
    pub(super) path: PathBuf,
    pub(super) kind: FileKind,
    pub(super) stat: Metadata,
}

/// What was found beneath a folder. All paths are relative to it.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) files: Vec<Found>,
    pub(super) submodules: Vec<(PathBuf, Oid)>,
    /// Repositories of their own that git does not know as submodules, and submodules with something in them.
    pub(super) nested: Vec<PathBuf>,
    /// Ignored files, and ignored folders as one.
    pub(super) ignored: Vec<PathBuf>,
    /// What could not be looked at or is no file, and why.
    pub(super) passed_over: Vec<(PathBuf, String)>,
}

/// The entries of an index by path.
pub(super) struct Tracked {
    entries: HashMap<Vec<u8>, IndexEntry>,
    /// Folders with an entry somewhere beneath them.
    folders: HashSet<Vec<u8>>,
}

impl Tracked {
    pub(super) fn of(index: Option<&Index>) -> Self {
        let (mut entries, mut folders) = (HashMap::new(), HashSet::new());
        for entry in index.iter().flat_map(|index| index.iter()) {
            let mut path = entry.path.as_slice();
            while let Some(end) = path.iter().rposition(|byte| *byte == b'/') {
                path = &path[..end];
                if !folders.insert(path.to_vec()) {
                    break;
                }
            }
            entries.insert(entry.path.clone(), entry);
        }
        Self { entries, folders }
    }

    pub(super) fn entry(&self, path: &[u8]) -> Option<&IndexEntry> {
        self.entries.get(path)
    }
}

/// Lists `folder`, whose ignore rules are those of `repo` (its working tree must be `folder`). Follows no link.
pub(super) fn list(
    repo: &Repository,
    folder: &Path,
    tracked: &Tracked,
) -> Result<Listing, GitError> {
    let mut listing = Listing::default();
    // A folder, and whether all in it is ignored but what is tracked.
    let mut folders = vec![(PathBuf::new(), false)];
    while let Some((at, is_ignored)) = folders.pop() {
        let entries = match fs::read_dir(folder.join(&at)) {
            Ok(entries) => entries,
            Err(source) if at.as_os_str().is_empty() => {
                return Err(GitError::Io {
                    action: "list",
                    path: folder.to_owned(),
                    source,
                });
            }
            Err(error) => {
                listing.passed_over.push((at, error.to_string()));
                continue;
            }
        };
        for entry in entries {
            let looked = entry.and_then(|entry| Ok((entry.file_name(), entry.metadata()?)));
            let (name, stat) = match looked {
                Ok(found) => found,
                // It went away meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    listing.passed_over.push((at.clone(), error.to_string()));
                    continue;
                }
            };
            if is_gits(name.as_encoded_bytes()) {
                continue;
            }
            let path = at.join(name);
            let Some(git) = path_to_git(&path) else {
                listing
                    .passed_over
                    .push((path, "git has no such name".to_owned()));
                continue;
            };
            let known = tracked.entry(&git);
            if stat.is_dir() {
                if let Some(submodule) = known.filter(|entry| entry.mode == SUBMODULE) {
                    if fs::read_dir(folder.join(&path))
                        .is_ok_and(|mut entries| entries.next().is_some())
                    {
                        listing.nested.push(path.clone());
                    }
                    listing.submodules.push((path, submodule.id));
                    continue;
                }
                let holds_tracked = tracked.folders.contains(&git);
                let ignored = is_ignored || ignores(repo, &path, true);
                if ignored && !holds_tracked {
                    listing.ignored.push(path);
                } else if !holds_tracked
                    && folder.join(&path).join(".git").symlink_metadata().is_ok()
                {
                    listing.nested.push(path);
                } else {
                    folders.push((path, ignored));
                }
                continue;
            }
            if known.is_none() && (is_ignored || ignores(repo, &path, false)) {
                listing.ignored.push(path);
                continue;
            }
            match kind(&stat) {
                Some(kind) => listing.files.push(Found { path, kind, stat }),
                None => listing
                    .passed_over
                    .push((path, "it is a pipe, a socket or a device".to_owned())),
            }
        }
    }
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    listing.nested.sort();
    listing.ignored.sort();
    // Submodules that are not there at all are in the index alone.
    for (git, entry) in &tracked.entries {
        if entry.mode == SUBMODULE
            && let Some(path) = path_from_git(git)
            && !listing.submodules.iter().any(|(known, _)| *known == path)
        {
            listing.submodules.push((path, entry.id));
        }
    }
    listing.submodules.sort();
    Ok(listing)
}

/// In doubt a path is not ignored, so that nothing of the user's is passed over.
fn ignores(repo: &Repository, path: &Path, is_folder: bool) -> bool {
    let asked = if is_folder {
        path.join("")
    } else {
        path.to_owned()
    };
    repo.is_path_ignored(&asked).unwrap_or(false)
}

fn kind(stat: &Metadata) -> Option<FileKind> {
    if stat.is_symlink() {
        Some(FileKind::Link)
    } else if !stat.is_file() {
        None
    } else if is_executable(stat) {
        Some(FileKind::Executable)
    } else {
        Some(FileKind::Plain)
    }
}

#[cfg(unix)]
pub(super) fn is_executable(stat: &Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&stat.permissions()) & 0o100 != 0
}

#[cfg(not(unix))]
pub(super) fn is_executable(_stat: &Metadata) -> bool {
    false
}

/// Whether a name is that of git's own folder, also where case does not count.
pub(super) fn is_gits(name: &[u8]) -> bool {
    if cfg!(target_os = "linux") {
        name == b".git"
    } else {
        name.eq_ignore_ascii_case(b".git")
    }
}
