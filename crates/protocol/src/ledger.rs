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
    /// The list of an endpoint's models.
    Models,
    /// The search for local servers.
    Discovery,
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
    /// Method and path, without the query, as `POST /v1/responses`.
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

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct LedgerRow {
    /// The row's number, from 1, without gaps.
    #[ts(type = "number")]
    pub id: i64,
    /// The request.
    #[serde(flatten)]
    pub entry: LedgerEntry,
}
