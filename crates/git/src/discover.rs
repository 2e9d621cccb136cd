//! Which repository a folder belongs to.
//!
//! The library's own search would take a bare repository that lies somewhere in the tree, or a working tree that
//! `core.worktree` names. So the search is done here: only a `.git` counts, the working tree is always the folder that
//! holds it, and the library is merely told where the repository is.
//!
//! A `.git` file, a `.git` link or a `commondir` may point at a repository elsewhere: that is how linked worktrees and
//! submodules look, and a forged one cannot be told from them. Then branch names and objects of that other repository
//! can be read, by the rights of the user who runs Kerf. Nobody may derive trust from it: trust belongs to the folder.

use crate::{GitError, Repo};
use git2::Repository;
use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Mutex,
};

/// A `.git` file holds one line with a path.
const MAX_GITFILE_BYTES: u64 = 8 * 1024;

impl Repo {
    /// The repository whose working tree is `folder` or the nearest folder above it that has one; none for a folder
    /// without git, a bare repository, and a folder inside a repository's own data.
    ///
    /// Runs nothing, fetches nothing, writes nothing, and does not ask who owns the repository.
    ///
    /// Errors: [`GitError::Unusable`] when there is a `.git` that cannot be read, so that nobody mistakes an outer
    /// repository for the one of this folder.
    pub fn discover(folder: &Path) -> Result<Option<Repo>, GitError> {
        let folder = canonical(folder)?;
        for dir in folder.ancestors() {
            let dot_git = dir.join(".git");
            let kind = match fs::metadata(&dot_git) {
                Ok(metadata) => metadata.file_type(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                // A loop of links, or a folder that may not be searched: nothing to be found here.
                Err(error) => {
                    tracing::debug!(path = %dot_git.display(), %error, "passed over");
                    continue;
                }
            };
            let git_dir = if kind.is_dir() {
                if !dot_git.join("HEAD").exists() {
                    continue;
                }
                canonical(&dot_git)?
            } else if kind.is_file() {
                follow_gitfile(dir, &dot_git)?
            } else {
                continue;
            };
            if folder.starts_with(&git_dir) {
                return Ok(None);
            }
            return open(dir, &dot_git, git_dir);
        }
        Ok(None)
    }
}

/// Reads the line `gitdir: PATH` of a `.git` file.
fn follow_gitfile(dir: &Path, gitfile: &Path) -> Result<PathBuf, GitError> {
    let unusable = |reason: &str| GitError::Unusable {
        path: gitfile.to_owned(),
        reason: reason.to_owned(),
    };
    let mut text = Vec::new();
    fs::File::open(gitfile)
        .and_then(|file| file.take(MAX_GITFILE_BYTES).read_to_end(&mut text))
        .map_err(|source| GitError::Io {
            action: "read",
            path: gitfile.to_owned(),
            source,
        })?;
    let target = text
        .strip_prefix(b"gitdir:")
        .and_then(|rest| crate::path_from_git(rest.trim_ascii()))
        .ok_or_else(|| unusable("it does not say `gitdir: PATH`"))?;
    let git_dir = canonical(&dir.join(&target)).map_err(|_| {
        unusable(&format!(
            "it points to `{}`, which is not there",
            target.display()
        ))
    })?;
    if !git_dir.join("HEAD").is_file() {
        return Err(unusable(&format!(
            "it points to `{}`, which is not a repository",
            target.display()
        )));
    }
    Ok(git_dir)
}

fn open(dir: &Path, dot_git: &Path, git_dir: PathBuf) -> Result<Option<Repo>, GitError> {
    let unusable = |reason: String| GitError::Unusable {
        path: dot_git.to_owned(),
        reason,
    };
    // The library opens these without asking what they are; opening a pipe would wait for ever.
    for name in ["HEAD", "config", "config.worktree", "commondir", "index"] {
        match fs::metadata(git_dir.join(name)) {
            Ok(metadata) if !metadata.is_file() => {
                return Err(unusable(format!("its `{name}` is not a file")));
            }
            _ => {}
        }
    }
    // Opened as bare, so that the library looks for no working tree of its own; it gets this one.
    let repo = Repository::open_bare(&git_dir)
        .and_then(|repo| {
            repo.set_workdir(dir, false)?;
            Ok(repo)
        })
        .map_err(|error| unusable(error.message().to_owned()))?;
    if !claims(&repo, &git_dir, dir).map_err(|error| unusable(error.message().to_owned()))? {
        return Ok(None);
    }
    Ok(Some(Repo {
        inner: Mutex::new(repo),
        workdir: dir.to_owned(),
        git_dir,
    }))
}

/// Whether the configuration agrees that `dir` is the working tree. A bare repository has none, and one whose
/// `core.worktree` is elsewhere is not this folder's. Linked worktrees do not obey these two settings.
fn claims(repo: &Repository, git_dir: &Path, dir: &Path) -> Result<bool, git2::Error> {
    if git_dir.join("commondir").exists() {
        return Ok(true);
    }
    let config = repo.config()?.snapshot()?;
    if config.get_bool("core.bare").unwrap_or(false) {
        return Ok(false);
    }
    let Ok(worktree) = config.get_path("core.worktree") else {
        return Ok(true);
    };
    Ok(fs::canonicalize(git_dir.join(worktree)).is_ok_and(|named| named == dir))
}

pub(crate) fn canonical(path: &Path) -> Result<PathBuf, GitError> {
    fs::canonicalize(path).map_err(|source| GitError::Io {
        action: "find",
        path: path.to_owned(),
        source,
    })
}
