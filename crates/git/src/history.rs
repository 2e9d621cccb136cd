//! The log: commits, newest first, page by page; of one path too, across renames.

use crate::{GitError, Repo, content::Kept, content::is_tame, path_from_git, path_to_git};
use git2::{Commit, DiffFindOptions, DiffOptions, ErrorCode, Oid, Repository};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
    path::{Path, PathBuf},
};

/// A message is cut off after so many bytes.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// A page looks at so many commits at most; it then ends early, and the next one goes on.
const MAX_LOOKED_AT: usize = 20_000;
/// Larger commits are not searched for where a file was before.
const MAX_RENAME_DELTAS: usize = 2_000;

/// Where a page ends and the next begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogCursor {
    /// The commit that the log began at, in hex.
    pub from: String,
    /// How many commits were looked at.
    pub seen: usize,
    /// The name that the file had there, for the log of a path.
    pub path: Option<PathBuf>,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its id in hex.
    pub oid: String,
    /// The ids of the commits before it.
    pub parents: Vec<String>,
    /// Who wrote it.
    pub author: String,
    /// Their address.
    pub email: String,
    /// When it was committed, in seconds since 1970.
    pub time: i64,
    /// The message; what is not UTF-8 is replaced.
    pub message: String,
    /// For the log of a path: the name the file had in it.
    pub path: Option<PathBuf>,
}

/// Some commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// Newest first.
    pub entries: Vec<LogEntry>,
    /// Where the next page begins; none at the end.
    pub next: Option<LogCursor>,
}

impl Repo {
    /// The commits that led to the one checked out, or those of them that changed `path`. At most `limit`; `after` is
    /// the `next` of the page before. A shallow repository ends where it was cut.
    pub fn log(
        &self,
        path: Option<&Path>,
        after: Option<&LogCursor>,
        limit: usize,
    ) -> Result<LogPage, GitError> {
        let unknown = |name: String| GitError::Unknown {
            what: "place in the log",
            name,
        };
        if let Some(path) = path
            && !is_tame(path)
        {
            return Err(unknown(path.display().to_string()));
        }
        let repo = self.lock();
        let failed = |error| GitError::library("read the log of", &self.workdir, error);
        let from = match after {
            Some(cursor) => {
                Oid::from_str(&cursor.from).map_err(|_| unknown(cursor.from.clone()))?
            }
            None => match crate::record::last_commit(&repo).map_err(failed)? {
                Some(last) => last.id(),
                None => {
                    return Ok(LogPage {
                        entries: Vec::new(),
                        next: None,
                    });
                }
            },
        };
        let mut path = after
            .and_then(|cursor| cursor.path.clone())
            .or_else(|| path.map(Path::to_owned));
        let walk = Walk::from(&repo, from).map_err(|_| unknown(from.to_string()))?;
        let seen = after.map_or(0, |cursor| cursor.seen);
        let mut entries = Vec::new();
        for (looked_at, commit) in walk.skip(seen).enumerate() {
            if entries.len() >= limit || looked_at >= MAX_LOOKED_AT {
                return Ok(LogPage {
                    entries,
                    next: Some(LogCursor {
                        from: from.to_string(),
                        seen: seen + looked_at,
                        path,
                    }),
                });
            }
            let commit = commit.map_err(failed)?;
            if let Some(path) = &mut path {
                let Some(before) = changed(&repo, &commit, path).map_err(failed)? else {
                    continue;
                };
                entries.push(entry(&commit, Some(path.clone())));
                if let Some(before) = before {
                    *path = before;
                }
            } else {
                entries.push(entry(&commit, None));
            }
        }
        Ok(LogPage {
            entries,
            next: None,
        })
    }
}

/// Commits, newest first, each after those that it led to. Those that are not on this machine are left out: the library's
/// own walk does not begin where one is missing.
struct Walk<'r> {
    repo: &'r Repository,
    /// By time; of the same second, what was found first comes first.
    due: BinaryHeap<(i64, Reverse<usize>, Oid)>,
    seen: HashSet<Oid>,
}

impl<'r> Walk<'r> {
    fn from(repo: &'r Repository, id: Oid) -> Result<Self, git2::Error> {
        let time = repo.find_commit(id)?.time().seconds();
        Ok(Self {
            repo,
            due: BinaryHeap::from([(time, Reverse(0), id)]),
            seen: HashSet::from([id]),
        })
    }
}

impl<'r> Iterator for Walk<'r> {
    type Item = Result<Commit<'r>, git2::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let (_, _, id) = self.due.pop()?;
        let commit = match self.repo.find_commit(id) {
            Ok(commit) => commit,
            Err(error) => return Some(Err(error)),
        };
        for parent in commit.parent_ids() {
            if !self.seen.insert(parent) {
                continue;
            }
            match self.repo.find_commit(parent) {
                Ok(found) => {
                    let order = Reverse(self.seen.len());
                    self.due.push((found.time().seconds(), order, parent));
                }
                Err(error) if error.code() == ErrorCode::NotFound => {}
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(commit))
    }
}

fn entry(commit: &Commit<'_>, path: Option<PathBuf>) -> LogEntry {
    let text = |bytes: &[u8]| {
        String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_MESSAGE_BYTES)]).into_owned()
    };
    let author = commit.author();
    LogEntry {
        oid: commit.id().to_string(),
        parents: commit.parent_ids().map(|id| id.to_string()).collect(),
        author: text(author.name_bytes()),
        email: text(author.email_bytes()),
        time: commit.time().seconds(),
        message: text(commit.message_bytes()),
        path,
    }
}

/// None when the commit left the path alone. Otherwise the name that the file had before, if it was another.
fn changed(
    repo: &Repository,
    commit: &Commit<'_>,
    path: &Path,
) -> Result<Option<Option<PathBuf>>, git2::Error> {
    let tree = commit.tree()?;
    let here = any(&tree, path)?;
    let mut parents = Vec::new();
    for parent in commit.parent_ids() {
        match repo.find_commit(parent) {
            Ok(parent) => parents.push(parent.tree()?),
            Err(error) if error.code() == ErrorCode::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    for parent in &parents {
        if any(parent, path)? == here {
            return Ok(None);
        }
    }
    let [parent] = parents.as_slice() else {
        // The first commit, or a merge that made it other than on each side.
        return Ok((here.is_some() || !parents.is_empty()).then_some(None));
    };
    if Kept::of_tree(Some(parent), path)?.is_some() || Kept::of_tree(Some(&tree), path)?.is_none() {
        return Ok(Some(None));
    }
    let mut options = DiffOptions::new();
    let mut diff = repo.diff_tree_to_tree(Some(parent), Some(&tree), Some(&mut options))?;
    if diff.deltas().len() > MAX_RENAME_DELTAS {
        return Ok(Some(None));
    }
    diff.find_similar(Some(DiffFindOptions::new().renames(true)))?;
    let name = path_to_git(path);
    let before = diff
        .deltas()
        .find(|delta| {
            delta.status() == git2::Delta::Renamed
                && delta.new_file().path_bytes() == name.as_deref()
        })
        .and_then(|delta| path_from_git(delta.old_file().path_bytes()?));
    Ok(Some(before))
}

/// The id of a file or folder in a tree.
fn any(tree: &git2::Tree<'_>, path: &Path) -> Result<Option<Oid>, git2::Error> {
    match tree.get_path(path) {
        Ok(entry) => Ok(Some(entry.id())),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
