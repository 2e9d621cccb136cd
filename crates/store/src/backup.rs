//! Copies of the database, in `backups/` beside it: one before each change of the schema, and one a day.
//!
//! A copy is made by SQLite itself (`vacuum into`), so it holds one moment however much is written meanwhile, and counts only
//! once it was looked through for damage and is on the disk.

use crate::{
    StoreError,
    open::{self, private_folder},
    recover, schema,
    store::Store,
};
use kerf_protocol::UnixMillis;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// How old the newest copy may be before another is made, in milliseconds.
const DAY: UnixMillis = 24 * 60 * 60 * 1000;
/// So many copies of each of the two newest schemas are kept.
const KEPT: usize = 2;

/// A copy of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backup {
    pub(crate) path: PathBuf,
    pub(crate) at: UnixMillis,
    /// The version of its schema.
    pub(crate) schema: i64,
}

impl Store {
    /// When the newest copy was made, if that was within the last day: all of the database was looked through then.
    ///
    /// # Errors
    /// When the folder of the copies cannot be read.
    pub fn backed_up_today(&self) -> Result<Option<UnixMillis>, StoreError> {
        let newest = all(self.path())?.into_iter().next();
        // A clock that was set back makes no copy count that is of a later time.
        Ok(newest
            .map(|newest| newest.at)
            .filter(|at| (0..DAY).contains(&(now() - at))))
    }

    /// Copies the database, unless the newest copy is younger than a day, or there is none and nothing in the database is older
    /// than that. Meant to be called beside other work, some time after
    /// the start: it reads the whole file. Tells whether a copy was made.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the file is broken: from then on the next [`Store::open_or_recover`] goes back to the copy
    /// before. [`StoreError::Full`] and the like leave everything as it was.
    pub async fn back_up_daily(&self) -> Result<bool, StoreError> {
        if self.backed_up_today()?.is_some() {
            return Ok(false);
        }
        if all(self.path())?.is_empty() && !self.is_older_than(DAY).await? {
            return Ok(false);
        }
        let made = make(self.path()).await;
        made.inspect_err(|error| recover::mark(self.path(), error))?;
        Ok(true)
    }
}

impl Store {
    async fn is_older_than(&self, age: UnixMillis) -> Result<bool, StoreError> {
        let mut conn = self.read().await?;
        let oldest: Option<UnixMillis> = sqlx::query_scalar("select min(created_at) from session")
            .fetch_one(&mut *conn)
            .await
            .map_err(|error| StoreError::sqlx(self.path(), error))?;
        Ok(oldest.is_some_and(|oldest| oldest < now() - age))
    }
}

/// Copies the database of any schema, looks the copy through, and removes what is too old.
pub(crate) async fn make(database: &Path) -> Result<Backup, StoreError> {
    let folder = folder(database);
    private_folder(&folder)?;
    let temp = folder.join(format!("{}.tmp", now()));
    let made = copy(database, &temp).await;
    let backup = match made {
        Ok(schema) => {
            let at = now();
            let path = folder.join(format!("kerf-{at}-v{schema}.db"));
            fs::rename(&temp, &path).map_err(|error| StoreError::io(&path, "create", error))?;
            sync(&folder)?;
            Backup { path, at, schema }
        }
        Err(error) => {
            // Half a copy is worth nothing; what cannot be removed is overwritten by nobody and harms nobody.
            let _ = fs::remove_file(&temp);
            return Err(error);
        }
    };
    for old in superseded(all(database)?) {
        if let Err(error) = fs::remove_file(&old.path) {
            tracing::warn!(path = %old.path.display(), %error, "an old backup stays");
        }
    }
    Ok(backup)
}

/// Writes the copy and tells its schema's version.
async fn copy(database: &Path, to: &Path) -> Result<i64, StoreError> {
    let sql = |error| StoreError::sqlx(database, error);
    let mut conn = open::options(database)
        .read_only(true)
        .connect()
        .await
        .map_err(sql)?;
    let schema = schema::version(&mut conn).await.map_err(sql)?;
    let name = to.to_str().ok_or_else(|| StoreError::Io {
        path: to.to_owned(),
        action: "create",
        source: std::sync::Arc::new(std::io::Error::other("its name is not Unicode")),
    })?;
    sqlx::query("vacuum into ?")
        .bind(name)
        .execute(&mut conn)
        .await
        .map_err(sql)?;
    conn.close().await.map_err(sql)?;
    if let Some(reason) = damage(to).await {
        return Err(StoreError::Damaged {
            path: database.to_owned(),
            reason,
        });
    }
    private_file(to)?;
    let io = |error| StoreError::io(to, "write", error);
    File::open(to)
        .and_then(|file| file.sync_all())
        .map_err(io)?;
    Ok(schema)
}

/// What is wrong with a database.
pub(crate) async fn damage(path: &Path) -> Option<String> {
    let looked = async {
        let options = open::options(path).read_only(true);
        let mut conn = SqliteConnection::connect_with(&options).await?;
        let found: String = sqlx::query_scalar("pragma integrity_check(1)")
            .fetch_one(&mut conn)
            .await?;
        conn.close().await?;
        Ok::<_, sqlx::Error>(found)
    };
    match looked.await {
        Ok(found) if found == "ok" => None,
        Ok(found) => Some(found),
        Err(error) => Some(error.to_string()),
    }
}

/// All copies, newest first.
pub(crate) fn all(database: &Path) -> Result<Vec<Backup>, StoreError> {
    let folder = folder(database);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io(&folder, "read", error)),
    };
    let mut found: Vec<Backup> = entries
        .filter_map(|entry| named(&entry.ok()?.path()))
        .collect();
    found.sort_by_key(|backup| std::cmp::Reverse(backup.at));
    Ok(found)
}

/// The copy of a file name like `kerf-1790000000000-v3.db`.
fn named(path: &Path) -> Option<Backup> {
    let (at, schema) = path
        .file_name()?
        .to_str()?
        .strip_prefix("kerf-")?
        .strip_suffix(".db")?
        .split_once("-v")?;
    Some(Backup {
        at: at.parse().ok()?,
        schema: schema.parse().ok()?,
        path: path.to_owned(),
    })
}

/// What need not be kept of copies that come newest first.
fn superseded(all: Vec<Backup>) -> Vec<Backup> {
    let mut schemas: Vec<i64> = all.iter().map(|backup| backup.schema).collect();
    schemas.sort_unstable_by(|a, b| b.cmp(a));
    schemas.dedup();
    let kept = |schema: &i64| schemas.iter().take(2).any(|other| other == schema);
    let mut counts = std::collections::BTreeMap::new();
    all.into_iter()
        .filter(|backup| {
            let count = counts.entry(backup.schema).or_insert(0);
            *count += 1;
            *count > KEPT || !kept(&backup.schema)
        })
        .collect()
}

fn folder(database: &Path) -> PathBuf {
    database.with_file_name("backups")
}

/// For the user alone, as the database itself.
fn private_file(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
            .map_err(|error| StoreError::io(path, "make private", error))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// A new name is on the disk. Windows needs nothing for that.
pub(crate) fn sync(folder: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| StoreError::io(folder, "write", error))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

pub(crate) fn now() -> UnixMillis {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| {
            UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_copies_and_the_last_before_a_change_of_the_schema_stay() {
        let backup = |at, schema| Backup {
            path: format!("kerf-{at}-v{schema}.db").into(),
            at,
            schema,
        };
        let all = [
            (9, 3),
            (8, 3),
            (7, 3),
            (6, 2),
            (5, 2),
            (4, 2),
            (3, 1),
            (2, 3),
        ];
        let gone = superseded(
            all.into_iter()
                .map(|(at, schema)| backup(at, schema))
                .collect(),
        );
        assert_eq!(
            gone.into_iter().map(|backup| backup.at).collect::<Vec<_>>(),
            [7, 4, 3, 2]
        );
        assert_eq!(
            named(Path::new("x/kerf-12-v3.db")).map(|backup| (backup.at, backup.schema)),
            Some((12, 3))
        );
        for other in ["kerf.db", "12.tmp", "kerf-12.db", "kerf-x-v3.db"] {
            assert_eq!(named(Path::new(other)), None, "{other}");
        }
    }
}
