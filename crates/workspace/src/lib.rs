//! An opened folder: the only place where Kerf touches the user's files.
//!
//! Paths are checked lexically ([`path`]), files are opened beneath a directory handle so that no path can
//! leave the folder ([`fs`]), and a save either happens whole or not at all.
//! On top of that stand the forms in which a model changes text: exact replacements ([`edit`]) and patches
//! ([`patch`]), both planned first and then written all or none ([`write`]).
//!
//! It knows no review, no session and no policy; those decide whether to call it.
//! Start with [`Workspace`].

pub mod edit;
pub mod folder;
pub mod fs;
mod leftover;
pub mod patch;
pub mod path;
pub mod text;
mod walk;
pub mod watch;
pub mod write;

pub use folder::Workspace;
pub use fs::{Entry, Expect, Fs, FsError, Kind, RealFs, Save, Stamp, Stat};
pub use leftover::remove_leftovers;
pub use path::{PathError, RelPath};
pub use text::{LineEnding, TextFile};
pub use walk::{IgnoredBy, KerfIgnore, OWN_IGNORE_FILE, Skipped, Walk, Walked};
pub use watch::{Changes, Mark, SleepClock, Told, WatchError, WatchEvent, Watcher, Watching};
pub use write::FileWrite;
