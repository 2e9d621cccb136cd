//! The room that checkpoints take: what of the blob store is named by the database, and giving checkpoints up.

#[cfg(doc)]
use super::NewCheckpoint;
use crate::{ReviewRow, StoreError, backup, open, owner, row::Failed, store::Store, writer::Work};
use kerf_protocol::{SessionId, UnixMillis};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use std::{collections::HashMap, path::Path};

/// All that names a blob, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// The checkpoints of all sessions that can be brought back, oldest first.
    pub checkpoints: Vec<NamedCheckpoint>,
    /// What the reviews of all sessions know of files.
    pub reviews: Vec<NamedReview>,
    /// The sessions in which a restore has begun and not ended, with the oldest checkpoint that it needs.
    pub restoring: Vec<(SessionId, i64)>,
    /// What reviews knew in the copies of the database: one of them may have to serve.
    pub in_backups: Vec<ReviewRow>,
}

/// A checkpoint, as far as it names blobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCheckpoint {
    /// Its number.
    pub id: i64,
    /// Its session.
    pub session_id: SessionId,
    /// See [`NewCheckpoint::list`].
    pub list: String,
    /// See [`NewCheckpoint::review`].
    pub review: String,
}

/// What a review knows of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedReview {
    /// Its session.
    pub session_id: SessionId,
    /// What it knows.
    pub row: ReviewRow,
    /// The checkpoint before the first change that Kerf made to the file, or before the turn of it; none: there is none.
    pub since: Option<i64>,
}

impl Store {
    /// All that names a blob. What is queued to be written is waited for.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn named(&self) -> Result<Named, StoreError> {
        let mut conn = self.read().await?;
        let mut named = read(&mut conn).await.map_err(|error| self.failed(error))?;
        drop(conn);
        for copy in backup::all(self.path())? {
            match in_backup(&copy.path).await {
                Ok(rows) => named.in_backups.extend(rows),
                // Then it cannot serve either.
                Err(error) => {
                    tracing::warn!(path = %copy.path.display(), %error, "a backup cannot be read");
                }
            }
        }
        Ok(named)
    }

    /// Whether another process that is alive has a session open.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn is_open_elsewhere(&self) -> Result<bool, StoreError> {
        let own = self.owner()?;
        let mut conn = self.read().await?;
        let others = owner::others(&mut conn, self.path(), &own).await;
        Ok(others.map_err(|error| self.failed(error))?.is_some())
    }

    /// Gives checkpoints up: from then on nothing needs what they hold. The newest of a session and those of a restore that
    /// has not ended are left out.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has a session open, which may be about to bring one of them back; or as
    /// [`Store::commit`].
    pub async fn give_up_checkpoints(
        &self,
        ids: Vec<i64>,
        gone_at: UnixMillis,
    ) -> Result<u64, StoreError> {
        let owner = self.owner()?;
        let given_up = self.submit(Work::GiveUp {
            ids,
            gone_at,
            owner,
        });
        Ok(u64::try_from(given_up.await?).unwrap_or(0))
    }
}

/// In one transaction, so that nothing moves from one table to another meanwhile.
async fn read(conn: &mut SqliteConnection) -> Result<Named, Failed> {
    let mut tx = conn.begin().await?;
    let mut named = Named::default();
    // The first checkpoint of the turn of each.
    let mut turn_begins: HashMap<(String, String), i64> = HashMap::new();
    let mut begins: HashMap<i64, i64> = HashMap::new();
    let checkpoints = sqlx::query!(
        "select id, session_id, turn_id, list, review from checkpoint where gone_at is null order by id"
    );
    for row in checkpoints.fetch_all(&mut *tx).await? {
        if let Some(turn_id) = row.turn_id {
            let turn = (row.session_id.clone(), turn_id);
            let begin = turn_begins.entry(turn).or_insert(row.id);
            begins.insert(row.id, *begin);
        }
        named.checkpoints.push(NamedCheckpoint {
            id: row.id,
            session_id: row.session_id.parse()?,
            list: row.list,
            review: row.review,
        });
    }
    let changes = sqlx::query!(
        r#"select session_id as "session_id!", path as "path!", min(checkpoint_id) as "first!: i64"
           from file_change join checkpoint on checkpoint.id = checkpoint_id group by session_id, path"#
    );
    let changes = changes.fetch_all(&mut *tx).await?;
    let first: HashMap<(String, String), i64> = changes
        .into_iter()
        .map(|row| ((row.session_id, row.path), row.first))
        .collect();
    let reviews = sqlx::query!(
        r#"select session_id as "session_id!", path as "path!", origin as "origin!", proposed as "proposed!", marks as "marks!"
           from review_file
           union all select session_id, path, origin, proposed, marks from review_aside"#
    );
    for row in reviews.fetch_all(&mut *tx).await? {
        let session_id = row.session_id.parse()?;
        let since = first.get(&(row.session_id, row.path));
        named.reviews.push(NamedReview {
            session_id,
            row: ReviewRow {
                origin: row.origin,
                proposed: row.proposed,
                marks: row.marks,
            },
            since: since.map(|since| begins.get(since).copied().unwrap_or(*since)),
        });
    }
    let restoring = sqlx::query!("select session_id, checkpoint_id, undo_id from restoring");
    for row in restoring.fetch_all(&mut *tx).await? {
        let oldest = row.checkpoint_id.min(row.undo_id);
        named.restoring.push((row.session_id.parse()?, oldest));
    }
    tx.commit().await?;
    Ok(named)
}

/// A copy may be of an older schema; the table of reviews is in all of them, that of reviews set aside in newer ones.
async fn in_backup(copy: &Path) -> Result<Vec<ReviewRow>, sqlx::Error> {
    let mut conn = open::options(copy).read_only(true).connect().await?;
    let mut rows: Vec<(String, String, String)> =
        sqlx::query_as("select origin, proposed, marks from review_file")
            .fetch_all(&mut conn)
            .await?;
    let has_aside: bool = sqlx::query_scalar(
        "select exists (select 1 from sqlite_schema where name = 'review_aside')",
    )
    .fetch_one(&mut conn)
    .await?;
    if has_aside {
        let aside = sqlx::query_as("select origin, proposed, marks from review_aside");
        rows.extend(aside.fetch_all(&mut conn).await?);
    }
    conn.close().await?;
    Ok(rows
        .into_iter()
        .map(|(origin, proposed, marks)| ReviewRow {
            origin,
            proposed,
            marks,
        })
        .collect())
}

/// See [`Store::give_up_checkpoints`]; inside the writer's transaction, so that no session is opened meanwhile.
pub(crate) async fn give_up(
    conn: &mut SqliteConnection,
    database: &Path,
    ids: &[i64],
    gone_at: UnixMillis,
    own: &crate::Owner,
) -> Result<i64, Failed> {
    if let Some((session_id, pid)) = owner::others(conn, database, own).await? {
        return Err(StoreError::InUse { session_id, pid }.into());
    }
    let mut given_up = 0;
    for id in ids {
        let done = sqlx::query!(
            "update checkpoint set gone_at = ?2 where id = ?1 and gone_at is null
             and exists (select 1 from checkpoint later where later.session_id = checkpoint.session_id and later.id > ?1)
             and not exists (select 1 from restoring where restoring.session_id = checkpoint.session_id
                             and ?1 >= min(restoring.checkpoint_id, restoring.undo_id))",
            id,
            gone_at
        );
        given_up += done.execute(&mut *conn).await?.rows_affected();
    }
    Ok(i64::try_from(given_up).unwrap_or(i64::MAX))
}
