//! The patch format of `*** Begin Patch`: adds, deletes, moves and changes files by showing the lines around.
//!
//! A patch is parsed ([`parse_patch`]), then planned against a workspace ([`plan_patch`]), which reads and
//! writes nothing: either all of it fits, or an error names the first part that does not, with its line in the
//! patch and the nearest place in the file. What was planned is written by [`crate::write::write_all`].
//!
//! The format has no line numbers. A part is found by its unchanged and removed lines, first exactly, then with
//! less and less regard to white space and punctuation; the file's own text is kept for unchanged lines.

mod apply;
mod parse;
mod plan;

pub use parse::parse_patch;
pub use plan::plan_patch;

use crate::{
    edit::nearest::{self, Nearest},
    fs::FsError,
    path::PathError,
    text::{NotText, Unencodable},
};

/// A parsed patch, not yet held against any file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Patch {
    /// In the order of the text.
    pub ops: Vec<PatchOp>,
}

/// What a patch does to one file. `line` is where it starts in the patch, counted from 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PatchOp {
    /// Makes a new file.
    Add {
        /// The path as it was written.
        path: String,
        /// The whole text of the file, with `\n` after each line.
        text: String,
        /// The line in the patch.
        line: u32,
    },
    /// Deletes a file.
    Delete {
        /// The path as it was written.
        path: String,
        /// The line in the patch.
        line: u32,
    },
    /// Changes a file.
    Update {
        /// The path as it was written.
        path: String,
        /// Where the changed file goes.
        move_to: Option<String>,
        /// The changes, from the top of the file to its end; never empty.
        chunks: Vec<Chunk>,
        /// The line in the patch.
        line: u32,
    },
}

/// One change in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chunk {
    /// A line of the file after which the change is to be looked for: the text after `@@`.
    pub context: Option<String>,
    /// The lines, in order.
    pub lines: Vec<ChunkLine>,
    /// Whether the change must be at the end of the file.
    pub end_of_file: bool,
    /// Where the change starts in the patch, counted from 1.
    pub line: u32,
}

/// A line of a change, without its mark.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChunkLine {
    /// Stands in the file and stays.
    Keep(String),
    /// Stands in the file and goes.
    Remove(String),
    /// Comes in.
    Add(String),
}

/// Why a patch was not understood or does not fit. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// The text is not a patch.
    #[error("patch line {line}: {problem}")]
    Syntax {
        /// The line in the patch, counted from 1.
        line: u32,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The patch changes nothing.
    #[error("No files were modified: the patch changes nothing")]
    Empty,
    /// A path is not one inside the workspace.
    #[error("patch line {line}: {source}")]
    Path {
        /// The line in the patch, counted from 1.
        line: u32,
        /// What is wrong with the path.
        source: PathError,
    },
    /// The file system would not let a file be read.
    #[error("patch line {line}: {source}")]
    Fs {
        /// The line in the patch, counted from 1.
        line: u32,
        /// What it said.
        source: FsError,
    },
    /// A file is not as the operation needs it.
    #[error("patch line {line}: `{path}` {problem}")]
    Target {
        /// The line in the patch, counted from 1.
        line: u32,
        /// The path as it was written.
        path: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A file that is to be changed is not text.
    #[error("patch line {line}: `{path}` cannot be patched: {source}")]
    NotText {
        /// The line in the patch, counted from 1.
        line: u32,
        /// The path as it was written.
        path: String,
        /// Why it is not text.
        source: NotText,
    },
    /// The changed text cannot be written in the encoding of its file.
    #[error("patch line {line}: `{path}`: {source}")]
    Unencodable {
        /// The line in the patch, counted from 1.
        line: u32,
        /// The path as it was written.
        path: String,
        /// The character.
        source: Unencodable,
    },
    /// The lines of a change are not in the file.
    #[error("patch line {line}: {problem} `{path}`{}", nearest::told(.nearest.as_deref()))]
    NoMatch {
        /// The line in the patch, counted from 1.
        line: u32,
        /// The path as it was written.
        path: String,
        /// What was looked for.
        problem: String,
        /// The place that nearly matches.
        nearest: Option<Box<Nearest>>,
    },
}
