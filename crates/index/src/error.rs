//! Why a search was not done.

use crate::QueryError;
use kerf_workspace::RelPath;

/// Why a search was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The regular expression is not valid.
    #[error(
        "the pattern is not a valid regular expression at column {column}: {message}; search for it as literal text, or escape it"
    )]
    Pattern {
        /// The character of the pattern where the mistake is, from 1.
        column: u32,
        /// What is wrong there.
        message: String,
    },
    /// The pattern is empty.
    #[error("the pattern is empty; say what to look for")]
    Empty,
    /// The glob is not valid.
    #[error("the glob `{glob}` is not valid: {message}")]
    Glob {
        /// The glob as given.
        glob: String,
        /// What is wrong.
        message: String,
    },
    /// The folder to search under is missing, or not a folder or file of the workspace.
    #[error("cannot search under `{under}`: {message}")]
    Under {
        /// The path as given.
        under: String,
        /// What is wrong.
        message: String,
    },
    /// A file that was asked for cannot be read.
    #[error("cannot read `{path}`: {message}")]
    File {
        /// The file.
        path: RelPath,
        /// What the system said.
        message: String,
    },
    /// The query is not one.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The search was cancelled.
    #[error("the search was cancelled")]
    Cancelled,
}
