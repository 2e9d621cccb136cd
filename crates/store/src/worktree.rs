//! The rows of worktrees.

use crate::row::{Failed, from_json, from_word, to_json, to_word};
use kerf_protocol::{SessionId, WorktreeId, worktree::Worktree};
use sqlx::SqliteConnection;

struct WorktreeRow {
    id: String,
    project_id: String,
    session_id: String,
    folder: String,
    path: String,
    branch: Option<String>,
    state: String,
    head: Option<String>,
    base: Option<String>,
    notes: String,
    made_at: i64,
    removed_at: Option<i64>,
}

/// The columns of [`WorktreeRow`], and the rest of the query.
macro_rules! worktree_rows {
    ($tail:literal $(, $value:expr)*) => {
        sqlx::query_as!(
            WorktreeRow,
            "select id, project_id, session_id, folder, path, branch, state, head, base, notes, made_at, removed_at
             from worktree " + $tail,
            $($value),*
        )
    };
}

impl TryFrom<WorktreeRow> for Worktree {
    type Error = Failed;

    fn try_from(row: WorktreeRow) -> Result<Self, Failed> {
        Ok(Self {
            id: row.id.parse()?,
            project_id: row.project_id.parse()?,
            session_id: row.session_id.parse()?,
            folder: row.folder,
            path: row.path,
            branch: row.branch,
            state: from_word(&row.state)?,
            head: row.head,
            base: row.base,
            notes: from_json(&row.notes)?,
            made_at: row.made_at,
            removed_at: row.removed_at,
        })
    }
}

/// All of them, the oldest first.
pub(crate) async fn all(conn: &mut SqliteConnection) -> Result<Vec<Worktree>, Failed> {
    let rows = worktree_rows!("order by id").fetch_all(conn).await?;
    rows.into_iter().map(Worktree::try_from).collect()
}

pub(crate) async fn one(conn: &mut SqliteConnection, id: WorktreeId) -> Result<Worktree, Failed> {
    let key = id.to_string();
    let row = worktree_rows!("where id = ?", key)
        .fetch_optional(conn)
        .await?;
    row.ok_or_else(|| Failed::not_found("worktree", id))?
        .try_into()
}

/// The worktree that a session works in.
pub(crate) async fn of_session(
    conn: &mut SqliteConnection,
    id: SessionId,
) -> Result<Option<Worktree>, Failed> {
    let key = id.to_string();
    let row = worktree_rows!("where session_id = ? order by id desc limit 1", key)
        .fetch_optional(conn)
        .await?;
    row.map(Worktree::try_from).transpose()
}

pub(crate) async fn put(conn: &mut SqliteConnection, worktree: &Worktree) -> Result<(), Failed> {
    let (id, project_id, session_id) = (
        worktree.id.to_string(),
        worktree.project_id.to_string(),
        worktree.session_id.to_string(),
    );
    let (state, notes) = (to_word(&worktree.state)?, to_json(&worktree.notes)?);
    sqlx::query!(
        "insert into worktree (id, project_id, session_id, folder, path, branch, state, head, base, notes, made_at, removed_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (id) do update set path = excluded.path, branch = excluded.branch, state = excluded.state,
             head = excluded.head, base = excluded.base, notes = excluded.notes, removed_at = excluded.removed_at",
        id,
        project_id,
        session_id,
        worktree.folder,
        worktree.path,
        worktree.branch,
        state,
        worktree.head,
        worktree.base,
        notes,
        worktree.made_at,
        worktree.removed_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn delete(conn: &mut SqliteConnection, id: WorktreeId) -> Result<(), Failed> {
    let key = id.to_string();
    sqlx::query!("delete from worktree where id = ?", key)
        .execute(conn)
        .await?;
    Ok(())
}
