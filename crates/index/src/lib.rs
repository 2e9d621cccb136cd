//! Search in a workspace: text by literal or regular expression, and files by name.
//!
//! Every answer comes from a scan of the files as they are now; nothing is stored, so nothing can be stale.
//! A persistent index may later stand behind the same two functions and must then give the same answers.
//! Ranking by meaning, symbols and the session history are not searched here.
//!
//! Start with [`grep`] and [`find_files`]. Both see what the workspace's walk sees: ignore rules hold, hidden
//! files are included (`.github` matters to an agent), `.git` is not.

mod cut;
mod error;
mod files;
mod find;
mod glob;
mod grep;
mod kept;
mod lines;
mod names;
mod pattern;
mod query;
#[allow(dead_code, unused_imports, reason = "nothing is indexed yet")]
mod trigram;
#[allow(
    dead_code,
    unused_imports,
    reason = "the store and the ranking will read it"
)]
mod words;
#[allow(
    dead_code,
    unused_imports,
    reason = "the index that reads symbols comes next"
)]
mod symbols;

pub use error::SearchError;
pub use find::{FindQuery, FoundFiles, find_files};
pub use grep::{Found, GrepQuery, Grepped, grep};
pub use names::{NameHit, NameHits, Names};
pub use query::{
    Case, Key, Known, Mistake, Mode, PathFilter, Pattern, Query, QueryError, Scope, Without,
};
