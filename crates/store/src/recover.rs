//! The way back from a damaged database: it is set aside, whole, and the newest good copy takes its place.

use crate::{
    StoreError,
    backup::{self, now, sync},
    open,
    store::Store,
};
use kerf_protocol::UnixMillis;
use sqlx::ConnectOptions;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What was done about a damaged database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// What was wrong.
    pub reason: String,
    /// The folder where the damaged files are now, untouched.
    pub set_aside: PathBuf,
    /// When the copy was made that serves now. None: there was no good one, so the database begins empty.
    pub backup_at: Option<UnixMillis>,
    /// The titles of the sessions in which something happened after that, as far as the damaged file can still be read.
    pub sessions: Vec<String>,
    /// How many requests the ledger has lost, as far as that can still be read.
    pub requests: Option<u64>,
}

impl Store {
    /// As [`Store::open`], but a database that is damaged is set aside first, and the newest good copy put in its place.
    /// A file that is no database of Kerf's is set aside only where there are copies: without them nothing shows that there ever
    /// was one.
    ///
    /// # Errors
    /// As [`Store::open`]; [`StoreError::DamagedInUse`] as long as somebody has the damaged file open; and when it cannot be
    /// set aside, or the copy not be put in its place.
    pub async fn open_or_recover(path: &Path) -> Result<(Self, Option<Recovery>), StoreError> {
        let path =
            std::path::absolute(path).map_err(|error| StoreError::io(path, "find", error))?;
        let reason = match marked(&path) {
            Some(reason) => reason,
            None => match Self::open(&path).await {
                Ok(store) => return Ok((store, None)),
                Err(StoreError::Damaged { reason, .. }) => reason,
                Err(StoreError::Foreign { reason, .. }) if !backup::all(&path)?.is_empty() => {
                    reason
                }
                Err(error) => return Err(error),
            },
        };
        let lock = open::lock(&path).await?;
        // Another Kerf that was waiting for the same lock may have been first.
        let still = marked(&path).is_some() || backup::damage(&path).await.is_some();
        let recovery = if still {
            // Who has it open would go on writing to the file that was set aside.
            let Some(_alone) = open::hold_alone(&path)? else {
                return Err(StoreError::DamagedInUse { path, reason });
            };
            Some(recover(&path, reason).await?)
        } else {
            None
        };
        drop(lock);
        Ok((Self::open(&path).await?, recovery))
    }

    /// Looks for damage in the whole file. Takes long when it is large.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first thing that is wrong: from then on the next [`Store::open_or_recover`] goes back to
    /// the last copy. All others say that nothing is known of the file.
    pub async fn check(&self) -> Result<(), StoreError> {
        let looked = async {
            let mut conn = self.read().await?;
            let found: Option<String> = sqlx::query_scalar("pragma integrity_check(1)")
                .fetch_optional(&mut *conn)
                .await
                .map_err(|error| StoreError::sqlx(self.path(), error))?;
            match found {
                Some(reason) if reason != "ok" => Err(StoreError::Damaged {
                    path: self.path().to_owned(),
                    reason,
                }),
                _ => Ok(()),
            }
        };
        looked.await.inspect_err(|error| mark(self.path(), error))
    }
}

/// Notes that the file was found damaged, if it was, so that the next start does something about it.
pub(crate) fn mark(database: &Path, found: &StoreError) {
    let StoreError::Damaged { reason, .. } = found else {
        return;
    };
    let path = mark_of(database);
    if let Err(error) = fs::write(&path, reason) {
        tracing::error!(path = %path.display(), %error, reason, "the damage cannot be noted for the next start");
    }
}

fn marked(database: &Path) -> Option<String> {
    fs::read_to_string(mark_of(database)).ok()
}

fn mark_of(database: &Path) -> PathBuf {
    beside(database, ".damaged")
}

/// The file whose name is the database's with something behind it.
fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

async fn recover(database: &Path, reason: String) -> Result<Recovery, StoreError> {
    let mut good = None;
    for copy in backup::all(database)? {
        match backup::damage(&copy.path).await {
            None => {
                good = Some(copy);
                break;
            }
            Some(reason) => {
                tracing::warn!(path = %copy.path.display(), reason, "a backup is damaged too");
            }
        }
    }
    let aside = database.with_file_name("damaged").join(now().to_string());
    open::private_folder(&aside)?;
    // The copy is whole on the disk before anything moves, so that a crash in between leaves one of the two in place.
    let ready = beside(database, ".restored");
    if let Some(copy) = &good {
        let io = |error| StoreError::io(&copy.path, "copy", error);
        fs::copy(&copy.path, &ready).map_err(io)?;
        fs::File::open(&ready)
            .and_then(|file| file.sync_all())
            .map_err(io)?;
    }
    // The database first: without it, what else is there belongs to nothing.
    for suffix in ["", "-wal", "-shm"] {
        let (from, to) = (
            beside(database, suffix),
            beside(&aside.join("kerf.db"), suffix),
        );
        match fs::rename(&from, &to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io(&from, "set aside", error)),
        }
    }
    if good.is_some() {
        fs::rename(&ready, database).map_err(|error| StoreError::io(database, "restore", error))?;
    }
    let mark = mark_of(database);
    match fs::remove_file(&mark) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StoreError::io(&mark, "remove", error));
        }
        _ => {}
    }
    if let Some(folder) = database.parent() {
        sync(folder)?;
    }
    let damaged = aside.join("kerf.db");
    let backup_at = good.as_ref().map(|copy| copy.at);
    let kept = match &good {
        Some(_) => newest_request(database).await.unwrap_or(0),
        None => 0,
    };
    Ok(Recovery {
        reason,
        sessions: sessions_since(&damaged, backup_at.unwrap_or(0)).await,
        requests: newest_request(&damaged)
            .await
            .map(|newest| newest.saturating_sub(kept)),
        set_aside: aside,
        backup_at,
    })
}

/// Titles that can still be read; what follows the first broken page cannot.
async fn sessions_since(damaged: &Path, since: UnixMillis) -> Vec<String> {
    let Ok(mut conn) = open::options(damaged).read_only(true).connect().await else {
        return Vec::new();
    };
    sqlx::query_scalar("select title from session where updated_at >= ? order by updated_at desc")
        .bind(since)
        .fetch_all(&mut conn)
        .await
        .unwrap_or_default()
}

async fn newest_request(database: &Path) -> Option<u64> {
    let mut conn = open::options(database)
        .read_only(true)
        .connect()
        .await
        .ok()?;
    let newest: Option<i64> = sqlx::query_scalar("select max(id) from ledger")
        .fetch_one(&mut conn)
        .await
        .ok()?;
    Some(newest.map_or(0, crate::row::to_u64))
}
