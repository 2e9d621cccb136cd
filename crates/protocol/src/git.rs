//! The repository of a folder as the user works with it: changes staged and unstaged, commits, branches, stashes, history.
//!
//! Paths are relative to the root of the working tree, `/` between their parts; what is not UTF-8 is replaced, and such a
//! file can only be looked at.

pub mod command;
pub mod conflict;
pub mod pull_request;

use crate::{SessionId, review::HunkLine};
use serde::{Deserialize, Serialize};

/// Which of the two differences of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum StageSide {
    /// Between the last commit and the index.
    Staged,
    /// Between the index and the file.
    Unstaged,
}

/// How a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ChangedHow {
    /// New in the index.
    Added,
    /// Another content, mode or kind.
    Modified,
    /// Not there any more.
    Deleted,
    /// There was the same, or much of it, at another path that is gone.
    Renamed,
    /// On disk only, and not ignored.
    Untracked,
    /// A merge left more than one version.
    Conflicted,
}

/// A file that is not committed as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ChangedPath {
    /// Where it is.
    pub path: String,
    /// How it differs.
    pub how: ChangedHow,
    /// Where it was, when it was renamed. That path is staged with it, and listed nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub from: Option<String>,
}

/// Everything that is not committed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct WorkingChanges {
    /// Whether the folder is in a repository at all. Without one, all else is empty.
    pub repository: bool,
    /// The branch; none where a commit is checked out without one.
    pub branch: Option<String>,
    /// The last commit's id; none before the first.
    pub commit: Option<String>,
    /// The last commit's message, to amend it.
    pub last_message: Option<String>,
    /// Whether the last commit is in the branch's upstream.
    pub pushed: bool,
    /// What git must end first, as `a merge`.
    pub under_way: Option<String>,
    /// What `git commit` would run and Kerf does not, in words.
    pub programs: Vec<String>,
    /// What the next commit would hold, by path.
    pub staged: Vec<ChangedPath>,
    /// What it would not, by path.
    pub unstaged: Vec<ChangedPath>,
    /// How many more there are than are listed.
    pub more: u32,
}

/// A file of a repository, on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ChangeRef {
    /// The folder.
    pub folder: String,
    /// The file.
    pub path: String,
    /// Where it was, when it was renamed.
    #[serde(default)]
    #[ts(optional)]
    pub from: Option<String>,
    /// The side.
    pub side: StageSide,
}

/// How a file differs, in hunks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ChangeDiff {
    /// The file.
    pub path: String,
    /// Names both texts; given back to stage hunks.
    pub token: String,
    /// From the top of the file down.
    pub hunks: Vec<ChangeHunk>,
    /// What the hunks do not tell: another mode, no text, too large. Empty otherwise.
    pub note: String,
}

/// Lines that changed together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct ChangeHunk {
    /// Where it is, as `@@ -1,3 +1,4 @@`.
    pub header: String,
    /// The lines, with up to three of context on each side.
    pub lines: Vec<HunkLine>,
}

/// See `git/stage`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct StageChange {
    /// The folder.
    pub folder: String,
    /// The files; of a renamed one both paths, unless some of its hunks are meant.
    pub paths: Vec<String>,
    /// Where they are taken from: `unstaged` stages, `staged` unstages.
    pub from: StageSide,
    /// Some hunks of a single file, counted from 0; none: all of each file.
    #[serde(default)]
    pub hunks: Option<StageHunks>,
}

/// Hunks of a file as it was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct StageHunks {
    /// The token of the diff.
    pub token: String,
    /// Where the file was, when it was renamed: the rename is staged with any hunk of it.
    #[serde(default)]
    #[ts(optional)]
    pub renamed_from: Option<String>,
    /// Which hunks, counted from 0.
    pub hunks: Vec<u32>,
}

/// See `git/commit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct CommitStaged {
    /// The folder.
    pub folder: String,
    /// The message.
    pub message: String,
    /// Whether it takes the place of the last commit.
    #[serde(default)]
    pub amend: bool,
    /// The user's word to go without the hooks and the signing that git would run.
    #[serde(default)]
    pub without_programs: bool,
}

/// A commit of what was staged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct StagedCommitted {
    /// The commit's id.
    pub oid: String,
    /// The commit whose place it took.
    pub replaced: Option<String>,
    /// What git would have run and was not, in words.
    pub not_run: Vec<String>,
}

/// A branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct GitBranch {
    /// Its short name.
    pub name: String,
    /// Whether it is a remote's, as last seen.
    pub remote: bool,
    /// Whether it is checked out here.
    pub current: bool,
    /// Whether another working tree has it checked out.
    pub elsewhere: bool,
    /// Its last commit's id.
    pub commit: String,
    /// When that was made, in seconds since 1970.
    #[ts(type = "number")]
    pub time: i64,
    /// The first line of that commit's message.
    pub summary: String,
    /// The branch that it follows.
    pub upstream: Option<String>,
}

/// See `git/switch`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SwitchBranch {
    /// The folder.
    pub folder: String,
    /// The branch.
    pub name: String,
    /// Whether it is made first, at the last commit.
    #[serde(default)]
    pub create: bool,
}

/// A branch of a folder's repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct BranchRef {
    /// The folder.
    pub folder: String,
    /// The branch.
    pub name: String,
}

/// A branch that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct DeletedBranch {
    /// Its last commit: the branch can be made again there.
    pub commit: String,
}

/// A switch that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct SwitchedBranch {
    /// The branch.
    pub branch: String,
    /// How many files differ between the two.
    pub files: u32,
}

/// A stash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct GitStash {
    /// Its commit's id, which names it.
    pub oid: String,
    /// What was said of it.
    pub message: String,
    /// When it was made, in seconds since 1970.
    #[ts(type = "number")]
    pub time: i64,
}

/// See `git/stash`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct SaveStash {
    /// The folder.
    pub folder: String,
    /// What to say of it.
    #[serde(default)]
    pub message: Option<String>,
    /// Whether files that git does not know go along.
    #[serde(default)]
    pub untracked: bool,
}

/// See `git/unstash`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct TakeStash {
    /// The folder.
    pub folder: String,
    /// The stash.
    pub oid: String,
    /// Whether it leaves the list once it is out.
    #[serde(default)]
    pub drop: bool,
}

/// What came of stashing, or of taking a stash out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct GitStashed {
    /// The stash.
    pub oid: String,
    /// How many files changed.
    pub files: u32,
    /// Whether it is in the list.
    pub kept: bool,
    /// The files that it left in conflict, ordered; it is in the list then.
    #[serde(default)]
    pub conflicts: Vec<String>,
}

/// See `git/log`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct ReadLog {
    /// The folder.
    pub folder: String,
    /// Only commits that changed this file or folder.
    #[serde(default)]
    pub path: Option<String>,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<CommitCursor>,
    /// At most so many; 200 at the most.
    pub limit: u32,
}

/// Where a page of the log ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct CommitCursor {
    /// The commit that the log began at.
    pub from: String,
    /// How many commits were looked at.
    pub seen: u32,
    /// The file's name there.
    pub path: Option<String>,
}

/// Some commits, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct CommitPage {
    /// The commits.
    pub commits: Vec<GitCommit>,
    /// Where the next page begins; none at the end.
    pub next: Option<CommitCursor>,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct GitCommit {
    /// Its id.
    pub oid: String,
    /// The ids of the commits before it.
    pub parents: Vec<String>,
    /// Who wrote it.
    pub author: String,
    /// Their address.
    pub email: String,
    /// When it was committed, in seconds since 1970.
    #[ts(type = "number")]
    pub time: i64,
    /// The message.
    pub message: String,
    /// The file's name in it, for the log of a file.
    pub path: Option<String>,
}

/// See `git/blame`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct BlameLines {
    /// The folder.
    pub folder: String,
    /// The file.
    pub path: String,
    /// The first line, from 1.
    pub first_line: u32,
    /// The last line, inclusive; 2,000 lines at the most.
    pub last_line: u32,
}

/// Who last changed a line of the file on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct LineBlame {
    /// Which line, from 1.
    pub line: u32,
    /// The commit; none: it is not committed, and the rest is empty.
    pub commit: Option<String>,
    /// Who wrote that.
    pub author: String,
    /// When, in seconds since 1970.
    #[ts(type = "number")]
    pub time: i64,
    /// The first line of its message.
    pub summary: String,
}

/// See `git/draft_message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct DraftMessage {
    /// The folder whose staged changes are described.
    pub folder: String,
    /// The session whose endpoint is asked; none: the default endpoint.
    #[serde(default)]
    pub session_id: Option<SessionId>,
}

/// A text by the model, for the user to edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct DraftedMessage {
    /// The text.
    pub text: String,
    /// What the model was not shown, in words: withheld or large files. Empty when it saw all.
    pub left_out: String,
}
