//! Files that a merge, a rebase, a cherry-pick or a stash left in conflict, and how each conflict ends.

use serde::{Deserialize, Serialize};

/// A file of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ConflictRef {
    /// The folder.
    pub folder: String,
    /// The file.
    pub path: String,
}

/// A version of a file, by its blob in the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct FileVersion {
    /// The blob's id.
    pub oid: String,
    /// Its mode as git writes it, in decimal.
    pub mode: u32,
}

/// A file in conflict. Which versions there are is told by the index; marks inside of the file mean nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct FileConflict {
    /// The file.
    pub path: String,
    /// As it was before both sides; none: it was not.
    pub base: Option<FileVersion>,
    /// As the branch has it that is checked out, in a rebase the one that is rebased onto; none: deleted there.
    pub ours: Option<FileVersion>,
    /// As the other side has it; none: deleted there.
    pub theirs: Option<FileVersion>,
    /// The file on disk; none: there is none.
    pub file: Option<FileVersion>,
    /// The text in parts, from the top down; none where only whole versions can be taken: no text, too long, deleted.
    pub parts: Option<Vec<ConflictPart>>,
    /// Names all of it; given back to resolve.
    pub token: String,
}

/// A part of a text that two sides changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum ConflictPart {
    /// Both agree, or one alone changed it.
    Merged {
        /// The text.
        text: String,
    },
    /// Both changed it.
    Open {
        /// As it was.
        base: String,
        /// As one side has it.
        ours: String,
        /// As the other has it.
        theirs: String,
    },
}

/// See `git/resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ResolveConflict {
    /// The folder.
    pub folder: String,
    /// The file.
    pub path: String,
    /// How.
    pub how: Resolution,
}

/// How a conflict ends, or begins anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[ts(export)]
pub enum Resolution {
    /// One side's version, whole; where it is deleted there, the file goes.
    Ours {
        /// The token of what was shown.
        token: String,
    },
    /// The other side's.
    Theirs {
        /// The token of what was shown.
        token: String,
    },
    /// The file as it is on disk.
    File {
        /// The token of what was shown.
        token: String,
    },
    /// A text, put together from the parts, or written.
    Text {
        /// The token of what was shown.
        token: String,
        /// The text, with line ends as the versions have them.
        text: String,
    },
    /// Puts a conflict back that was resolved, and the file as it was before.
    Undo {
        /// The conflict as it was told; its parts do not count.
        conflict: FileConflict,
    },
}
