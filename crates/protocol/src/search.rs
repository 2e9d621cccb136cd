//! Search in a project: what can be asked, what is found, and how its index stands.

use crate::UnixMillis;
use serde::{Deserialize, Serialize};

/// See `search/run`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Search {
    /// The folder to search.
    pub folder: String,
    /// What to look for, read as `mode` says. Words follow the grammar of `docs/search.md`.
    pub query: String,
    /// How the query is read.
    #[serde(default)]
    pub mode: SearchMode,
    /// Where to look, and how.
    #[serde(default)]
    pub within: SearchWithin,
    /// At most so many hits.
    pub limit: u32,
    /// Files that are open or were used lately, the last one first: they come before their equals.
    #[serde(default)]
    pub recent: Vec<String>,
    /// Ends an earlier search of the same name that still runs: for fronts that search as one types.
    #[serde(default)]
    pub instead_of: Option<String>,
}

/// How a query is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum SearchMode {
    /// Ranked text, with filters and phrases inside the query.
    #[default]
    Words,
    /// The query is the text, as it is.
    Exact,
    /// The query is a regular expression in Rust's syntax.
    Regex,
    /// The query is the name of a definition: `parse`, `Parser::parse`.
    Symbol,
    /// The query is letters of a path in their order, or a glob.
    Path,
}

/// Where to look, and how. Filters inside the query count as well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(default)]
#[ts(export)]
pub struct SearchWithin {
    /// Only files whose path holds one of these parts, or fits one of these globs.
    pub paths: Vec<String>,
    /// Only files of these languages.
    pub languages: Vec<String>,
    /// Files and folders whose names begin with a dot, too.
    pub hidden: bool,
    /// Upper and lower case are the same, in exact text and regular expressions.
    pub ignore_case: bool,
    /// A match of a regular expression may span lines.
    pub multi_line: bool,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct SearchAnswer {
    /// Best first; exact text and regular expressions by path and line.
    pub hits: Vec<SearchHit>,
    /// All hits, also those beyond the limit, as far as they were counted.
    #[ts(type = "number")]
    pub total: u64,
    /// Files with a hit, as far as they were counted.
    #[ts(type = "number")]
    pub files: u64,
    /// Whether there are more than `hits` holds.
    pub more: bool,
    /// What could not be searched, and why.
    pub skipped: Vec<SkippedFile>,
    /// Why the files were read one by one instead of by the index, if they were.
    pub scanned: Option<String>,
    /// How long it took, in microseconds.
    #[ts(type = "number")]
    pub micros: u64,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct SearchHit {
    /// The file, from the project's folder.
    pub path: String,
    /// The line, from 1; 1 for a file that was found by its name.
    pub line: u32,
    /// The character of the line, from 1.
    pub column: u32,
    /// The line, cut around the match when it is long; the path for a file.
    pub text: String,
    /// What to mark in `text`: from and to in UTF-16 units, the end not included, in order.
    pub marks: Vec<[u32; 2]>,
    /// How well it fits, larger is better; 0 where nothing is ranked.
    pub score: f32,
    /// What was found.
    pub kind: HitKind,
    /// The definition that was found, or the one around the line: `Parser::parse`.
    pub symbol: Option<String>,
    /// What kind of definition that is: `function`, `struct`.
    pub symbol_kind: Option<String>,
    /// The last line of the definition, or of the match.
    pub last_line: u32,
}

/// What a hit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum HitKind {
    /// A line of a file.
    Text,
    /// A definition.
    Definition,
    /// A place that names a definition.
    Reference,
    /// A file, by its name.
    File,
}

/// A file or folder that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct SkippedFile {
    /// The path.
    pub path: String,
    /// Why, in plain words.
    pub reason: String,
}

/// How the index of a folder stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct IndexStatus {
    /// The folder.
    pub folder: String,
    /// What it does.
    pub state: IndexState,
    /// Files that are searched through the index.
    #[ts(type = "number")]
    pub files: u64,
    /// Their bytes.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Files that are listed but not in the index, by reason. Exact search reads them all the same.
    pub left_out: Vec<LeftOut>,
    /// What the index takes on disk, in bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// When the last change was taken in.
    #[ts(type = "number | null")]
    pub changed_at: Option<UnixMillis>,
    /// What the user should know: the disk is full, changes are looked for from time to time only.
    pub note: Option<String>,
}

/// What an index does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum IndexState {
    /// It reads what it does not know yet. Searches answer meanwhile.
    Building {
        /// Files that were read.
        #[ts(type = "number")]
        files_done: u64,
        /// Files to read.
        #[ts(type = "number")]
        files_total: u64,
        /// Bytes that were read.
        #[ts(type = "number")]
        bytes_done: u64,
        /// Bytes to read.
        #[ts(type = "number")]
        bytes_total: u64,
        /// The time left, in milliseconds, once it can be told.
        #[ts(type = "number | null")]
        left_ms: Option<u64>,
    },
    /// It holds all there is.
    Ready,
    /// It was stopped, or cannot be kept; searches read the files.
    Off,
}

/// Files that are not in the index for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct LeftOut {
    /// The reason, in plain words.
    pub reason: String,
    /// How many.
    #[ts(type = "number")]
    pub files: u64,
}

/// See `index/left_out`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ListLeftOut {
    /// The folder.
    pub folder: String,
    /// At most so many.
    pub limit: u32,
}

/// See `project/read`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ReadLines {
    /// The project's folder.
    pub folder: String,
    /// The file in it.
    pub path: String,
    /// The first line wanted, from 1.
    pub first_line: u32,
    /// The last line wanted; at most 500 lines are given.
    pub last_line: u32,
}

/// Lines of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct FileLines {
    /// The first line that is given, from 1.
    pub first_line: u32,
    /// The lines without their ends; more than 1,000 characters are cut.
    pub lines: Vec<String>,
    /// How many lines the file has.
    pub total: u32,
}
