//! What can go wrong in the store. Errors can be cloned, because commits that were grouped can fail together.

use kerf_protocol::SessionId;
use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
};

/// An error of the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The named thing is not in the database.
    #[error("there is no {what} {id}")]
    NotFound {
        /// Its kind: `session`, `turn`, `ledger row` …
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// Another Kerf that is still alive drives the session.
    #[error("session {session_id} is in use by another Kerf, process {pid}")]
    InUse {
        /// The session.
        session_id: SessionId,
        /// That process.
        pid: u32,
    },
    /// The file was written by a newer Kerf. It was not touched.
    #[error("{path} was written by a newer Kerf (schema {found}, this Kerf knows {known}); update Kerf", path = path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The schema's version in the file.
        found: i64,
        /// The newest version that this Kerf knows.
        known: i64,
    },
    /// The file is not Kerf's. It was not touched.
    #[error("{path} is not Kerf's database: {reason}; move it away", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// The file is Kerf's, but its content is broken.
    #[error("the database {path} is damaged: {reason}; keep a copy of it and its -wal file before anything else", path = path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What SQLite found.
        reason: String,
    },
    /// The content is broken, and cannot be set aside because another Kerf has the file open.
    #[error("the database {path} is damaged: {reason}; another Kerf has it open: close that one, then start again", path = path.display())]
    DamagedInUse {
        /// The database file.
        path: PathBuf,
        /// What SQLite found.
        reason: String,
    },
    /// The disk or a quota is full. Nothing of the commit was kept.
    #[error("no space left to write to the database {path}; free some space", path = path.display())]
    Full {
        /// The database file.
        path: PathBuf,
    },
    /// The file or its folder cannot be written.
    #[error("the database {path} cannot be written: it is read-only", path = path.display())]
    ReadOnly {
        /// The database file.
        path: PathBuf,
    },
    /// Another process kept the database locked for longer than the store waits.
    #[error("the database {path} is kept locked by another program", path = path.display())]
    Busy {
        /// The database file.
        path: PathBuf,
    },
    /// What was to be written contradicts what is there.
    #[error("cannot write to the database: {reason}")]
    Invalid {
        /// What does not fit.
        reason: String,
    },
    /// The SQLite that is linked has known defects that lose data.
    #[error("SQLite {found} is linked; Kerf needs {needed} or newer")]
    OldSqlite {
        /// The linked version.
        found: String,
        /// The oldest version that is safe.
        needed: &'static str,
    },
    /// The operating system failed.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: Arc<std::io::Error>,
    },
    /// SQLite failed in a way that nothing above names.
    #[error("the database {path} failed: {source}", path = path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// Why.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The store was closed, or its async runtime ended.
    #[error("the database was already closed")]
    Closed,
}

impl StoreError {
    pub(crate) fn io(path: &Path, action: &'static str, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::StorageFull {
            return Self::Full {
                path: path.to_owned(),
            };
        }
        Self::Io {
            path: path.to_owned(),
            action,
            source: Arc::new(source),
        }
    }

    /// Gives an error of sqlx its place, by SQLite's own result codes.
    pub(crate) fn sqlx(path: &Path, error: sqlx::Error) -> Self {
        let path = path.to_owned();
        let code = error
            .as_database_error()
            .and_then(|e| e.code()?.parse::<u32>().ok());
        let reason = || {
            error
                .as_database_error()
                .map_or_else(|| error.to_string(), |e| e.message().to_owned())
        };
        // The low byte is the primary code; the rest says more, and only for one case it is needed here.
        match code.map(|code| (code & 0xff, code)) {
            Some((5 | 6, _)) => Self::Busy { path },
            Some((8, _)) => Self::ReadOnly { path },
            Some((11, _)) => Self::Damaged {
                path,
                reason: reason(),
            },
            Some((26, _)) => Self::Foreign {
                path,
                reason: reason(),
            },
            // Also where the file that processes share cannot grow, which SQLite calls an error of the disk.
            Some((13, _) | (10, 4874)) => Self::Full { path },
            Some((19, _)) => Self::Invalid { reason: reason() },
            _ => match error {
                sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Damaged {
                    path,
                    reason: error.to_string(),
                },
                sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
                error => Self::Database {
                    path,
                    source: Arc::new(error),
                },
            },
        }
    }

    /// Whether a commit that failed like this says nothing about the next one: only the rows were wrong.
    pub(crate) fn is_of_rows(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. } | Self::InUse { .. } | Self::Invalid { .. }
        )
    }
}
