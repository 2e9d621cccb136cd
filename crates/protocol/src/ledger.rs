//! The ledger: the record of every outbound request, written before its first byte leaves.

use crate::{SessionId, TurnId, UnixMillis};
use serde::{Deserialize, Serialize};

/// Why a request was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Purpose {
    /// A step of a turn.
    Turn,
    /// A summary of the history, when it no longer fits.
    Summary,
    /// A draft of a commit message, which the user asked for.
    CommitMessage,
    /// A draft of a pull request's words, which the user asked for.
    PullDraft,
    /// A pull request that the user opened.
    PullRequest,
    /// The list of an endpoint's models.
    Models,
    /// The search for local servers.
    Discovery,
    /// A connection of a command. What goes through it is counted and not kept: the command encrypts it.
    Command,
}

/// A part of a file inside a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct FileRange {
    /// The path in the workspace, `/` between its parts.
    pub path: String,
    /// The first line, from 1.
    pub first_line: u32,
    /// The last line, inclusive.
    pub last_line: u32,
}

/// What is known of a request before it leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct LedgerEntry {
    /// When.
    #[ts(type = "number")]
    pub at: UnixMillis,
    /// Host and port, as `api.openai.com:443`.
    pub host: String,
    /// Method and path, without the query, as `POST /v1/responses`. A command's connection has `CONNECT` and the tool call's
    /// id.
    pub target: String,
    /// Why.
    pub purpose: Purpose,
    /// The session it belongs to, if any.
    pub session_id: Option<SessionId>,
    /// The turn it belongs to, if any.
    pub turn_id: Option<TurnId>,
    /// The body's length in bytes.
    #[ts(type = "number")]
    pub bytes: u64,
    /// BLAKE3 of the body, in lower-case hexadecimal.
    pub hash: String,
    /// The parts of files that are inside.
    pub files: Vec<FileRange>,
}

/// What went through a command's connection. It is counted, not kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Traffic {
    /// Bytes from the command to the host.
    #[ts(type = "number")]
    pub up: u64,
    /// Bytes from the host to the command.
    #[ts(type = "number")]
    pub down: u64,
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct LedgerRow {
    /// The row's number, from 1, without gaps.
    #[ts(type = "number")]
    pub id: i64,
    /// The folder of the session it belongs to, canonical, as it was then; the paths of `files` are beneath it.
    pub folder: Option<String>,
    /// The request.
    #[serde(flatten)]
    pub entry: LedgerEntry,
    /// What went through the connection of a command, once it has ended. It is no part of the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub traffic: Option<Traffic>,
}

/// What the ledger is added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum TotalBy {
    /// Each file of which a part was sent.
    File,
    /// Each session.
    Session,
    /// Each day, in the machine's time zone.
    Day,
}

/// What went out about one file, in one session or on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct LedgerTotal {
    /// The file's path in its folder, the session's id, or the day as `2026-01-31`.
    pub key: String,
    /// The folder, for files and sessions.
    pub folder: Option<String>,
    /// The session's title, while there is the session.
    pub title: Option<String>,
    /// How many requests.
    #[ts(type = "number")]
    pub requests: u64,
    /// The bytes of these requests, whole: a file's include all that was sent beside it.
    #[ts(type = "number")]
    pub bytes: u64,
    /// When the first left.
    #[ts(type = "number")]
    pub first_at: UnixMillis,
    /// When the last left.
    #[ts(type = "number")]
    pub last_at: UnixMillis,
    /// Where to, each host once.
    pub hosts: Vec<String>,
}

/// What a look at the whole chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct LedgerProof {
    /// How many rows there are.
    #[ts(type = "number")]
    pub rows: u64,
    /// The newest row's number and hash, as `17:` and 64 hexadecimal digits. Who writes it down can prove later that no row up
    /// to this one was changed or taken out. None: there are no rows.
    pub seal: Option<String>,
    /// The first row that was changed or is missing.
    #[ts(type = "number | null")]
    pub broken: Option<i64>,
}

/// See `ledger/list`. What is none restricts nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export)]
pub struct ListLedger {
    /// Only requests of this session.
    pub session_id: Option<SessionId>,
    /// Only requests of sessions in this folder, canonical.
    pub folder: Option<String>,
    /// Only requests with a part of this file, by its path in the folder.
    pub file: Option<String>,
    /// Only requests of this day in the machine's time zone, as `2026-01-31`.
    pub day: Option<String>,
    /// Only requests with this text in the body, as it stands there or as JSON writes it.
    pub text: Option<String>,
    /// Only rows before this number.
    #[ts(type = "number | null")]
    pub before: Option<i64>,
    /// At most so many; none: all.
    pub limit: Option<u32>,
}

/// See `ledger/totals`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct TotalLedger {
    /// What to add up by.
    pub by: TotalBy,
    /// Only of sessions in this folder, canonical; none: of all.
    #[serde(default)]
    pub folder: Option<String>,
}

/// See `ledger/verify`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export)]
pub struct VerifyLedger {
    /// A seal of an earlier look: its row must still be there as it was.
    pub seal: Option<String>,
}

/// A row of the ledger by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct LedgerRef {
    /// The row's number.
    #[ts(type = "number")]
    pub id: i64,
}

/// See `ledger/show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct LedgerBody {
    /// The row.
    pub row: LedgerRow,
    /// The hash of the row before, in hexadecimal; zeros before the first.
    pub previous_hash: String,
    /// This row's hash: BLAKE3 over the row before and this one, as `docs/ledger.md` says.
    pub row_hash: String,
    /// The body as it was sent.
    pub body: String,
}
