//! Opening the file: whose it is, whether this Kerf can read it, who may read it.
//!
//! SQLite changes a file as soon as it is allowed to write to it. So the header is read first, by hand, and
//! a file that may belong to somebody else is looked at through a connection that cannot write.

use crate::{
    StoreError, backup,
    schema::{self, APPLICATION_ID},
};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

/// Earlier ones can corrupt a database in WAL mode.
const OLDEST_SQLITE: &str = "3.51.3";
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Locked by all that have the database open.
const IN_USE: &str = "in-use.lock";
/// The -wal file is cut to this length, in bytes, when a checkpoint has emptied it.
const WAL_KEPT: &str = "16777216";

/// What the first bytes of the file say.
enum Header {
    /// Nothing was ever written.
    Empty,
    Kerf {
        wal: bool,
    },
    /// In WAL mode and of no known owner: the header of a new database may still be in the -wal file.
    Unclear,
}

pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .synchronous(SqliteSynchronous::Full)
        .row_buffer_size(512)
        .disable_statement_logging()
}

/// A connection that writes.
pub(crate) async fn writer(path: &Path) -> Result<SqliteConnection, StoreError> {
    let options = options(path)
        .pragma("journal_size_limit", WAL_KEPT)
        .pragma("secure_delete", "fast");
    SqliteConnection::connect_with(&options)
        .await
        .map_err(|error| StoreError::sqlx(path, error))
}

/// Opens the database for writing, and makes or upgrades it where that is needed. For who holds [`lock`].
pub(crate) async fn open(path: &Path) -> Result<SqliteConnection, StoreError> {
    let header = prepare(path)?;
    if matches!(header, Header::Unclear) {
        look(path).await?;
    }
    make_private(path)?;
    let mut conn = writer(path).await?;
    let sql = |error| StoreError::sqlx(path, error);
    let (sqlite, found): (String, i64) =
        sqlx::query_as("select sqlite_version(), user_version from pragma_user_version")
            .fetch_one(&mut conn)
            .await
            .map_err(sql)?;
    if numbers(&sqlite) < numbers(OLDEST_SQLITE) {
        return Err(StoreError::OldSqlite {
            found: sqlite,
            needed: OLDEST_SQLITE,
        });
    }
    let known = schema::newest();
    if found > known {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    if found < known || !matches!(header, Header::Kerf { wal: true }) {
        drop(conn);
        conn = upgrade(path).await?;
    }
    Ok(conn)
}

/// Lets one process at a time open the database or change what its file is. Held until the file is dropped.
pub(crate) async fn lock(path: &Path) -> Result<File, StoreError> {
    let (file, lock) = lock_file(path, "opening.lock")?;
    tokio::task::spawn_blocking(move || file.lock().map(|()| file))
        .await
        .map_err(|_| StoreError::Closed)?
        .map_err(|error| StoreError::io(&lock, "lock", error))
}

/// Keeps others from setting the database aside until the file is dropped.
pub(crate) async fn hold(path: &Path) -> Result<File, StoreError> {
    let (file, lock) = lock_file(path, IN_USE)?;
    tokio::task::spawn_blocking(move || file.lock_shared().map(|()| file))
        .await
        .map_err(|_| StoreError::Closed)?
        .map_err(|error| StoreError::io(&lock, "lock", error))
}

/// Keeps others from opening the database until the file is dropped; none: somebody has it open.
pub(crate) fn hold_alone(path: &Path) -> Result<Option<File>, StoreError> {
    let (file, lock) = lock_file(path, IN_USE)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(StoreError::io(&lock, "lock", error)),
    }
}

fn lock_file(path: &Path, name: &str) -> Result<(File, PathBuf), StoreError> {
    let lock = crate::owner::folder(path)?.join(name);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&lock)
        .map_err(|error| StoreError::io(&lock, "lock", error))?;
    Ok((file, lock))
}

/// One process at a time, by [`lock`]: the change to WAL mode does not wait for others, it fails.
async fn upgrade(path: &Path) -> Result<SqliteConnection, StoreError> {
    let sql = |error| StoreError::sqlx(path, error);
    let mut conn = writer(path).await?;
    let found = schema::version(&mut conn).await.map_err(sql)?;
    conn.close().await.map_err(sql)?;
    // An empty database has nothing to lose; another process may have changed the schema meanwhile.
    if (1..schema::newest()).contains(&found) {
        backup::make(path).await?;
    }
    let wal = options(path).journal_mode(SqliteJournalMode::Wal);
    SqliteConnection::connect_with(&wal)
        .await
        .map_err(sql)?
        .close()
        .await
        .map_err(sql)?;
    let mut conn = writer(path).await?;
    schema::migrate(&mut conn).await.map_err(sql)?;
    Ok(conn)
}

/// Whose an unclear file is, without a chance to change it.
async fn look(path: &Path) -> Result<(), StoreError> {
    let sql = |error| StoreError::sqlx(path, error);
    let mut conn = SqliteConnection::connect_with(&options(path).read_only(true))
        .await
        .map_err(sql)?;
    let (id, tables): (i64, i64) = sqlx::query_as(
        "select application_id, (select count(*) from sqlite_schema) from pragma_application_id",
    )
    .fetch_one(&mut conn)
    .await
    .map_err(sql)?;
    conn.close().await.map_err(sql)?;
    if id == APPLICATION_ID || (id == 0 && tables == 0) {
        Ok(())
    } else {
        Err(foreign(path, "it is a database of another program"))
    }
}

/// Makes sure that the file is there, and reads its header.
fn prepare(path: &Path) -> Result<Header, StoreError> {
    let mut file = match OpenOptions::new().read(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => create(path)?,
        Err(error) => return Err(StoreError::io(path, "open", error)),
    };
    let io = |error| StoreError::io(path, "read", error);
    if !file.metadata().map_err(io)?.is_file() {
        return Err(foreign(path, "it is not a file"));
    }
    let mut bytes = Vec::with_capacity(100);
    file.by_ref()
        .take(100)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.is_empty() {
        return Ok(Header::Empty);
    }
    if bytes.len() < 100 || !bytes.starts_with(b"SQLite format 3\0") {
        return Err(foreign(path, "it is not a SQLite database"));
    }
    let wal = bytes[18] == 2;
    let id = i64::from(u32::from_be_bytes([
        bytes[68], bytes[69], bytes[70], bytes[71],
    ]));
    match (id, wal) {
        (APPLICATION_ID, wal) => Ok(Header::Kerf { wal }),
        (0, true) => Ok(Header::Unclear),
        _ => Err(foreign(path, "it is a database of another program")),
    }
}

fn create(path: &Path) -> Result<File, StoreError> {
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    // SQLite gives the -wal and -shm files the mode of this one.
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map_err(|error| StoreError::io(path, "create", error))
}

/// A folder for the user alone, where it is new. On Windows the user's own data folder is private already.
pub(crate) fn private_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|error| StoreError::io(folder, "create", error))
}

/// The file was there before and others may read it: not any more.
fn make_private(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let io = |error| StoreError::io(path, "make private", error);
        let mut permissions = std::fs::metadata(path).map_err(io)?.permissions();
        if permissions.mode() & 0o077 != 0 {
            permissions.set_mode(0o600);
            std::fs::set_permissions(path, permissions).map_err(io)?;
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn foreign(path: &Path, reason: &str) -> StoreError {
    StoreError::Foreign {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

fn numbers(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect()
}
