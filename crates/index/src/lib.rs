//! Search in a workspace: text by literal or regular expression, and files by name.
//!
//! [`grep`] and [`find_files`] scan the files as they are now. An [`Index`] gives the same answers sooner: it keeps,
//! outside of the folder, which trigrams each content has, and looks only into files that may match. It is a cache:
//! what it does not hold is scanned, what is damaged is built anew, and every hit is verified in the file itself.
//!
//! Start with [`Index::open`], or with [`grep`] where nothing is to be kept. All see what the workspace's walk sees:
//! ignore rules hold, hidden files are included when asked for (`.github` matters to an agent), `.git` is not.

mod background;
mod catalog;
mod content;
mod cut;
mod error;
mod exact;
mod files;
mod find;
mod glob;
mod grep;
mod index;
mod kept;
mod lines;
mod listing;
mod map;
mod matcher;
mod names;
mod pattern;
mod query;
mod search;
mod store;
mod symbols;
mod trigram;
mod words;

use kerf_workspace::RelPath;

pub use content::Reason;
pub use error::SearchError;
pub use find::{FindQuery, FoundFiles, find_files};
pub use grep::{Found, GrepQuery, Grepped, grep, grep_without};
pub use index::{Change, Event, Index, LeftOut, Phase, Status};
pub use map::{Focus, Map, MayShow};
pub use names::{NameHit, NameHits, Names};
pub use query::{
    Case, Key, Known, Mistake, Mode, PathFilter, Pattern, Query, QueryError, Scope, Without,
};
pub use search::{Answer, Definition, Hit, HitKind, Wanted};

/// Tells which files a search passes over as if they were not there.
pub type Hides<'a> = &'a (dyn Fn(&RelPath) -> bool + Sync);
