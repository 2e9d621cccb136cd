//! The rows of checkpoints: what they hold, what Kerf did since, restores that have begun, and what restores hid of a
//! conversation.

mod conversation;
mod room;

pub(crate) use room::give_up;
pub use room::{Named, NamedCheckpoint, NamedReview};

use crate::{
    StoreError,
    row::{Failed, from_json, to_i64, to_json, to_u64},
    store::Store,
};
use kerf_protocol::{ItemId, SessionId, TurnId, UnixMillis};
use sqlx::SqliteConnection;

/// A checkpoint that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCheckpoint {
    /// The turn that it was taken before; none: it was taken before a restore.
    pub turn_id: Option<TurnId>,
    /// The call that it was taken before; none: before the whole turn.
    pub item_id: Option<ItemId>,
    /// What it was taken before, in plain words.
    pub label: String,
    /// What is not in it, in plain words; empty: everything is.
    pub note: String,
    /// When.
    pub created_at: UnixMillis,
    /// How many files it holds.
    pub files: u64,
    /// The blob with the list of its files.
    pub list: String,
    /// The blob with what the review knew of the files.
    pub review: String,
}

/// A checkpoint as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// Its number: later ones are higher.
    pub id: i64,
    /// When what it held was given up; none: it can be brought back.
    pub gone_at: Option<UnixMillis>,
    /// All else.
    pub is: NewCheckpoint,
}

/// What Kerf did to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChanged {
    /// The checkpoint before it.
    pub checkpoint_id: i64,
    /// The file.
    pub path: String,
    /// The name of what it found; none: nothing was there.
    pub before: Option<String>,
    /// The name of what it left.
    pub after: Option<String>,
}

/// A restore that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoring {
    /// What is restored.
    pub checkpoint_id: i64,
    /// What was there before.
    pub undo_id: i64,
    /// Whether the conversation goes back too.
    pub conversation: bool,
    /// The files.
    pub paths: Vec<String>,
}

impl Store {
    /// The checkpoints of a session, oldest first.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn checkpoints(
        &self,
        session_id: SessionId,
    ) -> Result<Vec<StoredCheckpoint>, StoreError> {
        let mut conn = self.read().await?;
        let found = all(&mut conn, session_id).await;
        found.map_err(|error| self.failed(error))
    }

    /// What Kerf did to the files of a session since a checkpoint, oldest first.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn file_changes(
        &self,
        session_id: SessionId,
        since: i64,
    ) -> Result<Vec<FileChanged>, StoreError> {
        let mut conn = self.read().await?;
        let key = session_id.to_string();
        sqlx::query_as!(
            FileChanged,
            "select checkpoint_id, path, before, after from file_change join checkpoint on checkpoint.id = checkpoint_id
             where session_id = ? and checkpoint_id >= ? order by file_change.id",
            key,
            since
        )
        .fetch_all(&mut *conn)
        .await
        .map_err(|error| self.failed(error.into()))
    }

    /// The restore of a session that has begun and not ended.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn restoring(&self, session_id: SessionId) -> Result<Option<Restoring>, StoreError> {
        let mut conn = self.read().await?;
        let found = restoring(&mut conn, session_id).await;
        found.map_err(|error| self.failed(error))
    }

    /// The turns that bringing the conversation back to a checkpoint would hide, in their order.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or as all reads.
    pub async fn would_hide(
        &self,
        session_id: SessionId,
        checkpoint_id: i64,
    ) -> Result<Vec<TurnId>, StoreError> {
        let mut conn = self.read().await?;
        let found = conversation::would_hide(&mut conn, session_id, checkpoint_id).await;
        found.map_err(|error| self.failed(error))
    }
}

async fn all(
    conn: &mut SqliteConnection,
    session_id: SessionId,
) -> Result<Vec<StoredCheckpoint>, Failed> {
    let key = session_id.to_string();
    let rows = sqlx::query!(
        "select id, turn_id, item_id, label, note, created_at, files, list, review, gone_at
         from checkpoint where session_id = ? order by id",
        key
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(StoredCheckpoint {
                id: row.id,
                gone_at: row.gone_at,
                is: NewCheckpoint {
                    turn_id: row.turn_id.map(|id| id.parse()).transpose()?,
                    item_id: row.item_id.map(|id| id.parse()).transpose()?,
                    label: row.label,
                    note: row.note,
                    created_at: row.created_at,
                    files: to_u64(row.files),
                    list: row.list,
                    review: row.review,
                },
            })
        })
        .collect()
}

async fn restoring(
    conn: &mut SqliteConnection,
    session_id: SessionId,
) -> Result<Option<Restoring>, Failed> {
    let key = session_id.to_string();
    let row = sqlx::query!(
        "select checkpoint_id, undo_id, conversation, paths from restoring where session_id = ?",
        key
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Restoring {
            checkpoint_id: row.checkpoint_id,
            undo_id: row.undo_id,
            conversation: row.conversation != 0,
            paths: from_json(&row.paths)?,
        })
    })
    .transpose()
}

pub(crate) async fn put(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    new: &NewCheckpoint,
) -> Result<(), Failed> {
    let key = session_id.to_string();
    let (turn_id, item_id) = (
        new.turn_id.map(|id| id.to_string()),
        new.item_id.map(|id| id.to_string()),
    );
    let files = to_i64(new.files);
    let done = sqlx::query!(
        "insert into checkpoint (session_id, turn_id, item_id, last_turn, label, note, created_at, files, list, review)
         select id, ?2, ?3, (select coalesce(max(ordinal), 0) from turn where turn.session_id = ?1), ?4, ?5, ?6, ?7, ?8, ?9
         from session where id = ?1",
        key,
        turn_id,
        item_id,
        new.label,
        new.note,
        new.created_at,
        files,
        new.list,
        new.review
    );
    if done.execute(conn).await?.rows_affected() == 0 {
        return Err(Failed::not_found("session", session_id));
    }
    Ok(())
}

/// Writes down what Kerf did to a file since the session's last checkpoint. Where there is none, nothing can be restored
/// that it would matter for.
pub(crate) async fn put_change(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    path: &str,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<(), Failed> {
    let key = session_id.to_string();
    sqlx::query!(
        "insert into file_change (checkpoint_id, path, before, after)
         select max(id), ?2, ?3, ?4 from checkpoint where session_id = ?1 having max(id) is not null",
        key,
        path,
        before,
        after
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn begin_restore(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    restoring: &Restoring,
) -> Result<(), Failed> {
    let (key, paths) = (session_id.to_string(), to_json(&restoring.paths)?);
    sqlx::query!(
        "insert into restoring (session_id, checkpoint_id, undo_id, conversation, paths) values (?, ?, ?, ?, ?)",
        key,
        restoring.checkpoint_id,
        restoring.undo_id,
        restoring.conversation,
        paths
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the restore that has begun; the conversation goes back with this, if it was to.
pub(crate) async fn end_restore(
    conn: &mut SqliteConnection,
    session_id: SessionId,
) -> Result<(), Failed> {
    let Some(begun) = restoring(conn, session_id).await? else {
        return Ok(());
    };
    if begun.conversation {
        conversation::go_back(conn, session_id, begun.checkpoint_id, begun.undo_id).await?;
    }
    let key = session_id.to_string();
    sqlx::query!("delete from restoring where session_id = ?", key)
        .execute(conn)
        .await?;
    Ok(())
}
