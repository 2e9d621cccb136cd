//! The review of one file: what was there, what was proposed, what was decided, line by line.
//!
//! This is a pure algebra: no input or output, no clock, no threads. The caller tells a [`FileReview`] what
//! the disk holds and who put it there, and passes the user's decisions in; the review answers with
//! what to show and with what to write. It never reads or writes a file itself.
//!
//! Start at [`FileReview`]. [`Content`] is what a path can hold; `changes` has the list of changes
//! that everything else works on, `observe` explains how an edit on disk becomes a change, and
//! `decide`, `edit` and `undo` how a change is accepted, rejected, reworded and taken back. `committed` says what a
//! commit that was made elsewhere agrees to. `combine` merges what was taken of several.

mod anchor;
mod around;
mod aside;
mod changes;
mod combine;
mod committed;
mod content;
mod decide;
mod describe;
mod disguise;
mod edit;
mod file;
mod header;
mod lines;
mod merge;
mod notebook;
mod observe;
mod rename;
mod save;
mod split;
mod summary;
mod twins;
mod undo;
mod words;

pub use anchor::{Around, Commented};
pub use combine::{Clash, Span, combine};
pub use content::Content;
pub use decide::{Outcome, ReviewError, Superseded, Which};
pub use describe::{Parts, revise};
pub use disguise::{CodePoints, disguises};
pub use file::FileReview;
pub use notebook::notebook;
pub use rename::pair_renames;
pub use save::{Marks, Saved};
pub use undo::Undo;
pub use words::{WordMarks, word_marks};
