//! The review: what changed between what the user has accepted and what is on disk.

use crate::{ItemId, SessionId, TurnId, scope::ScopeBase};
use serde::{Deserialize, Serialize};

/// Who made a line what it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ts_rs::TS,
)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum Author {
    /// A tool of the agent.
    Tool {
        /// The turn.
        turn_id: TurnId,
        /// The tool call.
        item_id: ItemId,
    },
    /// A command that the agent ran.
    Command {
        /// The turn.
        turn_id: TurnId,
        /// The tool call.
        item_id: ItemId,
    },
    /// The user, or a program of the user's.
    User,
}

/// What was decided about a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum HunkState {
    /// Nothing: it is on disk and waits.
    Pending,
    /// Accepted: it is on disk to stay.
    Accepted,
    /// Rejected: it is no longer on disk.
    Rejected,
}

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Decision {
    /// Keep it.
    Accept,
    /// Take it back.
    Reject,
}

/// How a file as a whole changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FileStatus {
    /// It is new.
    Created,
    /// Its text changed.
    Modified,
    /// It is gone.
    Deleted,
    /// It has another name; see `renamed_from`.
    Renamed,
    /// Only its mode changed.
    Mode,
    /// It was and is something else: text, binary, a link.
    Replaced,
}

/// What a line of a hunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum LineKind {
    /// Unchanged; there for orientation.
    Context,
    /// Taken away.
    Removed,
    /// Put in.
    Added,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct HunkLine {
    /// What it is.
    pub kind: LineKind,
    /// Its number before, from 1; none for an added line.
    pub old: Option<u32>,
    /// Its number as proposed, from 1; none for a removed line.
    pub new: Option<u32>,
    /// The line without its end. Bytes that are not UTF-8 are replaced by U+FFFD: for display only.
    pub text: String,
    /// Whether the line has no line end (the last line of a file without a final newline).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_newline: bool,
}

/// Consecutive changed lines of a hunk that somebody made what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct MadeLines {
    /// The first of them among the hunk's lines, from 0.
    pub first: u32,
    /// How many.
    pub count: u32,
    /// Who.
    pub author: Author,
}

/// Lines that changed together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Hunk {
    /// Its number in its file, from 1.
    pub hunk: u32,
    /// Names it in its file for as long as its lines stay what they are: numbers move when others come or go.
    #[ts(type = "number")]
    pub id: u64,
    /// What was decided.
    pub state: HunkState,
    /// The enclosing function or heading, when one is found.
    pub header: String,
    /// How many lines are added.
    pub added: u32,
    /// How many lines are removed.
    pub removed: u32,
    /// Who made it, without repetition, oldest first.
    pub authors: Vec<Author>,
    /// Who made each of the changed lines, in their order. Empty where there are none, or nobody is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<MadeLines>>", optional)]
    pub made_by: Vec<MadeLines>,
    /// As in [`HunkOutline`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disguised: bool,
    /// The lines, with up to three lines of context on each side. Empty when the file has no lines to show.
    pub lines: Vec<HunkLine>,
}

/// Why a file's content is not shown line by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Opaque {
    /// It is not text.
    Binary,
    /// It is a symbolic link.
    Link,
    /// It is larger than [`MAX_REVIEWED_BYTES`].
    Huge,
}

/// The largest text that is reviewed line by line, in bytes. A larger file is one hunk with a summary.
pub const MAX_REVIEWED_BYTES: u64 = 8 * 1024 * 1024;

/// A file of the review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ReviewFile {
    /// The path in the workspace, `/` between its parts.
    pub path: String,
    /// The path that it had before, for a renamed file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
    /// How it changed.
    pub status: FileStatus,
    /// Why its content is not shown line by line, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<Opaque>,
    /// One line about content that is not shown: sizes, link targets, modes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The hunks, from the top of the file down.
    pub hunks: Vec<Hunk>,
}

/// The review of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Review {
    /// The files in the order of their paths.
    pub files: Vec<ReviewFile>,
}

/// A word that is written wholly in another script and looks like a Latin word of the same file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Twin {
    /// The word. It cannot be told from the other by looking.
    pub word: String,
    /// The Latin word.
    pub like: String,
}

/// A hunk without its texts. Its lines are up to three of context, those removed, those added, and context again, so
/// that each line's kind and numbers follow from what is here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct HunkOutline {
    /// Its number in its file, from 1.
    pub hunk: u32,
    /// As in [`Hunk`].
    #[ts(type = "number")]
    pub id: u64,
    /// What was decided.
    pub state: HunkState,
    /// The number before of its first line that has one, from 1.
    pub old: u32,
    /// The number as proposed of its first line that has one, from 1.
    pub new: u32,
    /// How many lines of context are above.
    pub above: u32,
    /// How many lines are removed.
    pub removed: u32,
    /// How many lines are added.
    pub added: u32,
    /// How many lines of context are below.
    pub below: u32,
    /// Whether a line that is removed or added holds characters that are hidden, turn the order of others, or look like
    /// those of another script. Such a hunk is accepted by itself only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disguised: bool,
    /// A word of it because of which it is disguised, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub twin: Option<Twin>,
    /// Whether the lines that are removed and added differ in white space only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub space_only: bool,
}

/// A file of the review without its texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct FileOutline {
    /// As in [`ReviewFile`], and so are the next four.
    pub path: String,
    /// The path that it had before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
    /// How it changed.
    pub status: FileStatus,
    /// Why its content is not shown line by line, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<Opaque>,
    /// One line about content that is not shown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Names all that is here: with anything else in it, it is another number. Below 2⁵³.
    #[ts(type = "number")]
    pub revision: u64,
    /// Names the lines, whatever was decided about them: other lines have another number. Below 2⁵³.
    #[ts(type = "number")]
    pub content: u64,
    /// How many lines the proposed text has; none when it is not shown line by line.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lines: u32,
    /// The hunks, from the top of the file down.
    pub hunks: Vec<HunkOutline>,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// The review of a session without its texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Outline {
    /// All files under review, in the order of their paths.
    pub paths: Vec<String>,
    /// Those of them that are not as the asker knows them, in the same order.
    pub files: Vec<FileOutline>,
    /// What the files are compared with, where that is a commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<ScopeBase>,
}

/// Lines of a hunk that somebody wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct WantedLines {
    /// The file.
    pub path: String,
    /// Its [`FileOutline::content`].
    #[ts(type = "number")]
    pub content: u64,
    /// The hunk's number in its file, from 1.
    pub hunk: u32,
    /// The first line, from 0.
    pub first: u32,
    /// How many lines; fewer at the end of the hunk.
    pub count: u32,
}

/// Lines of a hunk, and what stands above them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct HunkPart {
    /// The file.
    pub path: String,
    /// Its [`FileOutline::content`].
    #[ts(type = "number")]
    pub content: u64,
    /// The hunk's number in its file, from 1.
    pub hunk: u32,
    /// The enclosing function or heading, when one is found.
    pub header: String,
    /// Who made the hunk, without repetition, oldest first.
    pub authors: Vec<Author>,
    /// Who made each of the changed lines among those that are here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<MadeLines>>", optional)]
    pub made_by: Vec<MadeLines>,
    /// Whether the lines that are removed and added differ by nothing but their ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends_only: bool,
    /// Which of the hunk's lines is the first one here, from 0.
    pub first: u32,
    /// The lines.
    pub lines: Vec<HunkLine>,
}

/// About how many bytes of lines are sent at once. What is more than that is asked for again.
pub const MAX_LINES_BYTES: usize = 256 * 1024;

/// Lines of the review.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct HunkParts {
    /// What was wanted, in the order in which it was; up to [`MAX_LINES_BYTES`], and always at least a line.
    pub parts: Vec<HunkPart>,
    /// Whether something that was wanted is no longer so: the outline tells what is now.
    pub stale: bool,
}

/// What a decision is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum Target {
    /// Every pending hunk of the session.
    All,
    /// Every pending hunk of a file.
    File {
        /// The file.
        path: String,
    },
    /// Every pending hunk in which a turn had a hand.
    Turn {
        /// The turn.
        turn_id: TurnId,
        /// Only those of this file.
        #[serde(default)]
        path: Option<String>,
    },
    /// A hunk.
    Hunk {
        /// The file.
        path: String,
        /// The hunk's number in its file, from 1.
        hunk: u32,
        /// The hunk's id as it was shown; with another one there, nothing is decided. None: whatever is there.
        #[serde(default)]
        #[ts(type = "number | null")]
        id: Option<u64>,
    },
    /// Some lines of a hunk.
    Lines {
        /// The file.
        path: String,
        /// The hunk's number in its file, from 1.
        hunk: u32,
        /// As for a hunk.
        #[serde(default)]
        #[ts(type = "number | null")]
        id: Option<u64>,
        /// Indices into the hunk's `lines`, from 0; context lines among them are ignored.
        lines: Vec<u32>,
    },
}

/// A decision and how to take it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Decided {
    /// The session.
    pub session_id: SessionId,
    /// Names the decision for an undo. Later decisions have higher numbers.
    #[ts(type = "number")]
    pub decision_id: i64,
    /// How many hunks it decided.
    pub hunks: u32,
    /// Those that were to be accepted with others and still wait, because they hold characters that are hidden or look
    /// like others: each is accepted by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<HeldHunk>>", optional)]
    pub held: Vec<HeldHunk>,
    /// The files that were written, in the order of their paths.
    pub written: Vec<String>,
}

/// A hunk that was not decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct HeldHunk {
    /// The file.
    pub path: String,
    /// The hunk's number in its file, from 1.
    pub hunk: u32,
}
