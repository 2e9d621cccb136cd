//! What the review desk shows beside the lines of hunks, and takes from the user: versions of their own, lines around,
//! pictures, notebooks as cells.

use crate::{SessionId, review::HunkLine, scope::Scope};
use serde::{Deserialize, Serialize};

/// See `review/edit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct EditHunk {
    /// The session.
    pub session_id: SessionId,
    /// The file.
    pub path: String,
    /// The hunk's number in its file, from 1.
    pub hunk: u32,
    /// The hunk's id as it was shown; with another one there, nothing is done.
    #[ts(type = "number")]
    pub id: u64,
    /// The lines in the place of those that the hunk adds, each with its end. Ends may all be `\n`: a line that is as
    /// proposed keeps its bytes and its end, another ends as the one that it stands for. Empty: no lines.
    pub text: String,
}

/// See `review/around`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ReadAround {
    /// The session.
    pub session_id: SessionId,
    /// The file.
    pub path: String,
    /// Its [`FileOutline::content`](crate::review::FileOutline::content).
    #[ts(type = "number")]
    pub content: u64,
    /// The number of the first line in the proposed text, from 1.
    pub first: u32,
    /// How many lines; fewer at the end of the file, or when they are long.
    pub count: u32,
    /// What is looked at.
    #[serde(default)]
    #[ts(as = "Option<Scope>", optional)]
    pub scope: Scope,
}

/// Lines of the proposed text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct AroundLines {
    /// The lines, in order; up to [`MAX_LINES_BYTES`](crate::review::MAX_LINES_BYTES), and at least one if there is one.
    pub lines: Vec<HunkLine>,
    /// Whether the file is no longer so: the outline tells what is now.
    pub stale: bool,
}

/// A file of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct FileRef {
    /// The session.
    pub session_id: SessionId,
    /// The file.
    pub path: String,
    /// What is looked at. Of a turn it is all that the task made of the file: it is decided as one.
    #[serde(default)]
    #[ts(as = "Option<Scope>", optional)]
    pub scope: Scope,
}

/// A larger picture is not shown, in bytes.
pub const MAX_PICTURE_BYTES: u64 = 8 * 1024 * 1024;

/// A picture with more pixels is not shown: it would take four bytes for each when it is drawn.
pub const MAX_PICTURE_PIXELS: u64 = 64 * 1024 * 1024;

/// The picture that a file was and is proposed to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Pictures {
    /// What was there before; none when there was no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Picture>,
    /// What is proposed; none when the file is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Picture>,
}

/// A file that is meant to be a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Picture {
    /// Its size in bytes.
    #[ts(type = "number")]
    pub bytes: u64,
    /// How wide it is, in pixels, when its bytes say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// How high it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// What can be drawn.
    pub drawn: Drawn,
}

/// Whether and as what a picture can be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum Drawn {
    /// It can.
    Yes {
        /// `image/png` and so on, as its bytes say.
        media_type: String,
        /// The bytes in base64.
        data: String,
    },
    /// It is none of the kinds that are drawn.
    NoPicture,
    /// It is larger than [`MAX_PICTURE_BYTES`] or [`MAX_PICTURE_PIXELS`].
    TooLarge,
    /// Its bytes were not kept.
    NotKept,
    /// It is a drawing that may never be done.
    Endless {
        /// The part because of which that is so.
        part: String,
    },
}

/// A notebook under review.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Notebook {
    /// Why it cannot be shown as cells; empty when it can.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unreadable: String,
    /// The language of its code, as it says itself.
    pub language: String,
    /// The cells that changed, from the top down, and how many are the same between them.
    pub cells: Vec<NotebookCell>,
    /// How many more changed cells there are.
    #[serde(default)]
    pub more: u32,
}

/// What became of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum CellChange {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its source changed, and perhaps what it put out.
    Source,
    /// Only what it put out, or what it says about itself, changed.
    Output,
}

/// A cell of a notebook that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct NotebookCell {
    /// `code`, `markdown` or `raw`.
    pub kind: String,
    /// What became of it.
    pub change: CellChange,
    /// Its place before, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u32>,
    /// Its place as proposed, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
    /// How many cells above it, up to the one before it here, are the same.
    pub same_above: u32,
    /// Its source with what changed in it, as far as it is sent.
    pub lines: Vec<HunkLine>,
    /// How many more lines it has.
    #[serde(default)]
    pub more_lines: u32,
    /// What it had put out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_before: Option<CellOutput>,
    /// What it puts out as proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_after: Option<CellOutput>,
    /// Whether what it put out is another.
    pub output_differs: bool,
}

/// What a cell put out. The outputs themselves are not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct CellOutput {
    /// How many outputs.
    pub count: u32,
    /// Their size in the file, in bytes.
    #[ts(type = "number")]
    pub bytes: u64,
}
