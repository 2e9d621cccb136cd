//! Files by name.

use crate::{SearchError, files, glob::Glob, names::Names};
use kerf_workspace::{RelPath, Workspace};
use std::sync::atomic::AtomicBool;

/// Which files to look for, and where.
#[derive(Debug, Clone)]
pub struct FindQuery {
    /// A glob when it holds one of `* ? [ {` (see [`GrepQuery::glob`](crate::GrepQuery::glob)), otherwise parts of
    /// names as [`Names::find`](crate::Names::find) takes them.
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
    if is_glob || pattern.is_empty() {
        files.sort_unstable();
        let total = files.len();
        files.truncate(query.limit);
        return Ok(FoundFiles {
            paths: files,
            total,
        });
    }
    let found = Names::new(&files).find(pattern, &[], query.limit);
    Ok(FoundFiles {
        paths: found.hits.into_iter().map(|hit| hit.path).collect(),
        total: found.total,
    })
}
