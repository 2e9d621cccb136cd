//! Files by name.

use crate::{SearchError, files, fuzzy::Letters, glob::Glob};
use kerf_workspace::{RelPath, Workspace};
use std::{cmp::Reverse, sync::atomic::AtomicBool};

/// Which files to look for, and where.
#[derive(Debug, Clone)]
pub struct FindQuery {
    /// A glob when it holds one of `* ? [ {` (see [`GrepQuery::glob`](crate::GrepQuery::glob)), otherwise letters
    /// that the path holds in this order; case and spaces do not count.
    /// Empty: all files.
    pub pattern: String,
    /// The folder to search.
    pub under: RelPath,
    /// At most this many paths are returned.
    pub limit: usize,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundFiles {
    /// Best first; by path for a glob.
    pub paths: Vec<RelPath>,
    /// All files that match, also those beyond the limit.
    pub total: usize,
}

/// Finds files by name. Links are left out.
///
/// # Errors
/// See [`SearchError`].
pub fn find_files(
    ws: &Workspace,
    query: &FindQuery,
    cancel: &AtomicBool,
) -> Result<FoundFiles, SearchError> {
    let pattern = query.pattern.trim();
    let is_glob = pattern.contains(['*', '?', '[', '{']);
    let glob = if is_glob {
        Some(Glob::new(pattern, &query.under)?)
    } else {
        None
    };
    let mut files = files::list(ws, &query.under, None, cancel)?.files;
    if let Some(glob) = glob {
        files.retain(|path| glob.matches(path));
    }
    let mut paths = if is_glob || pattern.is_empty() {
        by_path(files)
    } else {
        by_score(files, pattern)
    };
    let total = paths.len();
    paths.truncate(query.limit);
    Ok(FoundFiles { paths, total })
}

fn by_path(mut files: Vec<RelPath>) -> Vec<RelPath> {
    files.sort_unstable();
    files
}

fn by_score(files: Vec<RelPath>, pattern: &str) -> Vec<RelPath> {
    let letters = Letters::new(pattern);
    let score = |path: RelPath| Some((Reverse(letters.score(&path.to_string())?), path));
    let mut scored: Vec<_> = files.into_iter().filter_map(score).collect();
    scored.sort_unstable();
    scored.into_iter().map(|(_, path)| path).collect()
}
