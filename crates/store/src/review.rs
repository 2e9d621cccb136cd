//! The rows of the review: what is known of its files, decisions, comments that wait.

use crate::{
    Decision, ReviewRow, StoreError,
    row::{Failed, from_json, to_json},
    store::Store,
};
use kerf_protocol::{SessionId, UnixMillis, item::Comment};
use sqlx::SqliteConnection;

impl Store {
    /// What the review knows of a session's files, in the order of their paths.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn review_files(
        &self,
        session_id: SessionId,
    ) -> Result<Vec<(String, ReviewRow)>, StoreError> {
        let mut conn = self.read().await?;
        let id = session_id.to_string();
        let rows = sqlx::query!("select path, origin, proposed, marks from review_file where session_id = ? order by path", id)
            .fetch_all(&mut *conn)
            .await
            .map_err(|error| self.failed(error.into()))?;
        let pair = |path, origin, proposed, marks| {
            (
                path,
                ReviewRow {
                    origin,
                    proposed,
                    marks,
                },
            )
        };
        Ok(rows
            .into_iter()
            .map(|row| pair(row.path, row.origin, row.proposed, row.marks))
            .collect())
    }

    /// The reviews of files that are set aside, in the order of their paths.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn reviews_aside(
        &self,
        session_id: SessionId,
    ) -> Result<Vec<(String, ReviewRow)>, StoreError> {
        let mut conn = self.read().await?;
        let id = session_id.to_string();
        let rows = sqlx::query!("select path, origin, proposed, marks from review_aside where session_id = ? order by path", id)
            .fetch_all(&mut *conn)
            .await
            .map_err(|error| self.failed(error.into()))?;
        let row = |origin, proposed, marks| ReviewRow {
            origin,
            proposed,
            marks,
        };
        Ok(rows
            .into_iter()
            .map(|found| (found.path, row(found.origin, found.proposed, found.marks)))
            .collect())
    }

    /// The commit that the review of a session has seen checked out, in hex.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn review_head(&self, session_id: SessionId) -> Result<Option<String>, StoreError> {
        let mut conn = self.read().await?;
        let id = session_id.to_string();
        sqlx::query_scalar!("select head from review_head where session_id = ?", id)
            .fetch_optional(&mut *conn)
            .await
            .map_err(|error| self.failed(error.into()))
    }

    /// A session's decisions, newest first.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn decisions(&self, session_id: SessionId) -> Result<Vec<Decision>, StoreError> {
        let mut conn = self.read().await?;
        let id = session_id.to_string();
        sqlx::query_as!(
            Decision,
            "select id, created_at, payload from decision where session_id = ? order by id desc",
            id
        )
        .fetch_all(&mut *conn)
        .await
        .map_err(|error| self.failed(error.into()))
    }

    /// A session's comments that wait for the next message, oldest first.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn comments(&self, session_id: SessionId) -> Result<Vec<WaitingComment>, StoreError> {
        let mut conn = self.read().await?;
        let id = session_id.to_string();
        let rows = sqlx::query!(
            r#"select id as "id!", body, around from comment where session_id = ? order by id"#,
            id
        )
        .fetch_all(&mut *conn)
        .await
        .map_err(|error| self.failed(error.into()))?;
        rows.into_iter()
            .map(|row| {
                let comment = from_json(&row.body).map_err(|error| self.failed(error))?;
                Ok(WaitingComment {
                    id: row.id,
                    comment,
                    around: row.around.unwrap_or_default(),
                })
            })
            .collect()
    }
}

/// A comment that waits for the next message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingComment {
    /// Its number: later ones are higher.
    pub id: i64,
    /// The comment.
    pub comment: Comment,
    /// The lines around those that it is about, as its writer gave them; empty: not known.
    pub around: String,
}

pub(crate) async fn put_aside(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    path: &str,
    row: Option<&ReviewRow>,
) -> Result<(), Failed> {
    let id = session_id.to_string();
    let Some(row) = row else {
        sqlx::query!(
            "delete from review_aside where session_id = ? and path = ?",
            id,
            path
        )
        .execute(conn)
        .await?;
        return Ok(());
    };
    let done = sqlx::query!(
        "insert into review_aside (session_id, path, origin, proposed, marks) select id, ?2, ?3, ?4, ?5 from session where id = ?1
         on conflict (session_id, path) do update
             set origin = excluded.origin, proposed = excluded.proposed, marks = excluded.marks",
        id,
        path,
        row.origin,
        row.proposed,
        row.marks
    );
    found(session_id, done.execute(conn).await?.rows_affected())
}

pub(crate) async fn put_head(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    head: &str,
) -> Result<(), Failed> {
    let id = session_id.to_string();
    let done = sqlx::query!(
        "insert into review_head (session_id, head) select id, ?2 from session where id = ?1
         on conflict (session_id) do update set head = excluded.head",
        id,
        head
    );
    found(session_id, done.execute(conn).await?.rows_affected())
}

pub(crate) async fn move_comment(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    number: i64,
    comment: &Comment,
) -> Result<(), Failed> {
    let (id, body) = (session_id.to_string(), to_json(comment)?);
    // One that was sent meanwhile is not moved any more.
    sqlx::query!(
        "update comment set body = ?3 where session_id = ?1 and id = ?2",
        id,
        number,
        body
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn put_file(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    path: &str,
    row: Option<&ReviewRow>,
) -> Result<(), Failed> {
    let id = session_id.to_string();
    let Some(row) = row else {
        sqlx::query!(
            "delete from review_file where session_id = ? and path = ?",
            id,
            path
        )
        .execute(conn)
        .await?;
        return Ok(());
    };
    let done = sqlx::query!(
        "insert into review_file (session_id, path, origin, proposed, marks) select id, ?2, ?3, ?4, ?5 from session where id = ?1
         on conflict (session_id, path) do update
             set origin = excluded.origin, proposed = excluded.proposed, marks = excluded.marks",
        id,
        path,
        row.origin,
        row.proposed,
        row.marks
    );
    found(session_id, done.execute(conn).await?.rows_affected())
}

/// Writes a new decision, and tells its number.
pub(crate) async fn decide(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    created_at: UnixMillis,
    payload: &str,
) -> Result<i64, Failed> {
    let id = session_id.to_string();
    let done = sqlx::query!(
        "insert into decision (session_id, created_at, payload) select id, ?2, ?3 from session where id = ?1",
        id,
        created_at,
        payload
    );
    let done = done.execute(conn).await?;
    found(session_id, done.rows_affected())?;
    Ok(done.last_insert_rowid())
}

pub(crate) async fn replace(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    id: i64,
    created_at: UnixMillis,
    payload: &str,
) -> Result<(), Failed> {
    let session = session_id.to_string();
    let done = sqlx::query!(
        "update decision set created_at = ?3, payload = ?4 where session_id = ?1 and id = ?2",
        session,
        id,
        created_at,
        payload
    );
    let done = done.execute(conn).await?;
    if done.rows_affected() == 0 {
        Err(Failed::not_found("decision", id))
    } else {
        Ok(())
    }
}

pub(crate) async fn forget(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    id: i64,
) -> Result<(), Failed> {
    let session = session_id.to_string();
    let done = sqlx::query!(
        "delete from decision where session_id = ? and id = ?",
        session,
        id
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 0 {
        Err(Failed::not_found("decision", id))
    } else {
        Ok(())
    }
}

pub(crate) async fn put_comment(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    comment: &Comment,
    around: &str,
) -> Result<(), Failed> {
    let (id, body) = (session_id.to_string(), to_json(comment)?);
    let done = sqlx::query!(
        "insert into comment (session_id, body, around) select id, ?2, ?3 from session where id = ?1",
        id,
        body,
        around
    );
    found(session_id, done.execute(conn).await?.rows_affected())
}

pub(crate) async fn drop_comments(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    comments: &[Comment],
) -> Result<(), Failed> {
    let id = session_id.to_string();
    for comment in comments {
        let body = to_json(comment)?;
        sqlx::query!(
            "delete from comment where id = (select min(id) from comment where session_id = ? and body = ?)",
            id,
            body
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

fn found(id: SessionId, rows: u64) -> Result<(), Failed> {
    if rows == 0 {
        Err(Failed::not_found("session", id))
    } else {
        Ok(())
    }
}
