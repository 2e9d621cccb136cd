//! The rows of projects and sessions.

use crate::row::{Failed, from_json, from_word, to_i64, to_json, to_u64, to_word};
use kerf_protocol::{
    SessionId, TaskId, UnixMillis,
    endpoint::{Endpoint, Usage},
    policy::Policy,
    session::{Session, SessionState},
};
use sqlx::{SqliteConnection, sqlite::SqliteQueryResult};

struct SessionRow {
    id: String,
    task_id: String,
    project_id: String,
    folder: String,
    worktree_of: Option<String>,
    title: String,
    endpoint: String,
    policy: String,
    state: String,
    archived: i64,
    created_at: i64,
    updated_at: i64,
    input_tokens: i64,
    cached_input_tokens: i64,
    cache_write_tokens: i64,
    output_tokens: i64,
    reasoning_tokens: i64,
    estimated: i64,
}

/// The columns of [`SessionRow`], and the rest of the query.
macro_rules! session_rows {
    ($tail:literal, $($value:expr),*) => {
        sqlx::query_as!(
            SessionRow,
            "select id, task_id, project_id, folder, worktree_of, title, endpoint, policy, state, archived, created_at, updated_at,
             input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, estimated
             from session " + $tail,
            $($value),*
        )
    };
}

impl TryFrom<SessionRow> for Session {
    type Error = Failed;

    fn try_from(row: SessionRow) -> Result<Self, Failed> {
        Ok(Self {
            id: row.id.parse()?,
            task_id: row.task_id.parse()?,
            project_id: row.project_id.parse()?,
            folder: row.folder,
            worktree_of: row.worktree_of,
            title: row.title,
            endpoint: from_json(&row.endpoint)?,
            policy: from_json(&row.policy)?,
            state: from_word(&row.state)?,
            archived: row.archived != 0,
            created_at: row.created_at,
            updated_at: row.updated_at,
            usage: Usage {
                input_tokens: to_u64(row.input_tokens),
                cached_input_tokens: to_u64(row.cached_input_tokens),
                cache_write_tokens: to_u64(row.cache_write_tokens),
                output_tokens: to_u64(row.output_tokens),
                reasoning_tokens: to_u64(row.reasoning_tokens),
                estimated: row.estimated != 0,
            },
        })
    }
}

pub(crate) async fn one(conn: &mut SqliteConnection, id: SessionId) -> Result<Session, Failed> {
    let key = id.to_string();
    let row = session_rows!("where id = ?", key)
        .fetch_optional(conn)
        .await?;
    row.ok_or_else(|| Failed::not_found("session", id))?
        .try_into()
}

pub(crate) async fn all(
    conn: &mut SqliteConnection,
    folder: Option<&str>,
    archived: bool,
    limit: Option<u32>,
) -> Result<Vec<Session>, Failed> {
    // To SQLite, a limit below zero is none.
    let limit = limit.map_or(-1, i64::from);
    let rows = session_rows!(
        "where (?1 is null or folder = ?1 or worktree_of = ?1) and (?2 or not archived) order by touched desc limit ?3",
        folder,
        archived,
        limit
    );
    rows.fetch_all(conn)
        .await?
        .into_iter()
        .map(Session::try_from)
        .collect()
}

/// The attempts of a task, the first first.
pub(crate) async fn of_task(
    conn: &mut SqliteConnection,
    task_id: TaskId,
) -> Result<Vec<Session>, Failed> {
    let key = task_id.to_string();
    let rows = session_rows!("where task_id = ? order by number", key);
    rows.fetch_all(conn)
        .await?
        .into_iter()
        .map(Session::try_from)
        .collect()
}

pub(crate) async fn put(conn: &mut SqliteConnection, session: &Session) -> Result<(), Failed> {
    let (id, task_id, project_id) = (
        session.id.to_string(),
        session.task_id.to_string(),
        session.project_id.to_string(),
    );
    let (endpoint, policy, state) = (
        to_json(&session.endpoint)?,
        to_json(&session.policy)?,
        to_word(&session.state)?,
    );
    let (input, cached) = (
        to_i64(session.usage.input_tokens),
        to_i64(session.usage.cached_input_tokens),
    );
    let (written, output) = (
        to_i64(session.usage.cache_write_tokens),
        to_i64(session.usage.output_tokens),
    );
    let reasoning = to_i64(session.usage.reasoning_tokens);
    sqlx::query!(
        "insert into session (id, task_id, project_id, folder, worktree_of, title, endpoint, policy, state, archived, created_at, updated_at,
             touched, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, estimated)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (select coalesce(max(touched), 0) + 1 from session), ?, ?, ?, ?, ?, ?)
         on conflict (id) do update set task_id = excluded.task_id, project_id = excluded.project_id, folder = excluded.folder,
             worktree_of = excluded.worktree_of, title = excluded.title, endpoint = excluded.endpoint, policy = excluded.policy, state = excluded.state,
             archived = excluded.archived, created_at = excluded.created_at, updated_at = excluded.updated_at,
             touched = iif(updated_at = excluded.updated_at, touched, excluded.touched),
             input_tokens = excluded.input_tokens, cached_input_tokens = excluded.cached_input_tokens,
             cache_write_tokens = excluded.cache_write_tokens, output_tokens = excluded.output_tokens,
             reasoning_tokens = excluded.reasoning_tokens, estimated = excluded.estimated",
        id,
        task_id,
        project_id,
        session.folder,
        session.worktree_of,
        session.title,
        endpoint,
        policy,
        state,
        session.archived,
        session.created_at,
        session.updated_at,
        input,
        cached,
        written,
        output,
        reasoning,
        session.usage.estimated
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_state(
    conn: &mut SqliteConnection,
    id: SessionId,
    state: SessionState,
    updated_at: UnixMillis,
) -> Result<(), Failed> {
    let (key, state) = (id.to_string(), to_word(&state)?);
    let done = sqlx::query!(
        "update session set state = ?2, updated_at = ?3, touched = (select max(touched) + 1 from session) where id = ?1",
        key,
        state,
        updated_at
    );
    found(id, done.execute(conn).await?)
}

pub(crate) async fn set_title(
    conn: &mut SqliteConnection,
    id: SessionId,
    title: &str,
) -> Result<(), Failed> {
    let key = id.to_string();
    found(
        id,
        sqlx::query!("update session set title = ?2 where id = ?1", key, title)
            .execute(conn)
            .await?,
    )
}

pub(crate) async fn put_map(
    conn: &mut SqliteConnection,
    id: SessionId,
    map: &str,
) -> Result<(), Failed> {
    let key = id.to_string();
    sqlx::query!(
        "insert into session_map (session_id, map) values (?, ?) on conflict (session_id) do nothing",
        key,
        map
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn map(
    conn: &mut SqliteConnection,
    id: SessionId,
) -> Result<Option<String>, Failed> {
    let key = id.to_string();
    let row = sqlx::query_scalar!("select map from session_map where session_id = ?", key);
    Ok(row.fetch_optional(conn).await?)
}

pub(crate) async fn configure(
    conn: &mut SqliteConnection,
    id: SessionId,
    chosen: &Endpoint,
    policy: Policy,
) -> Result<(), Failed> {
    let (key, endpoint, policy) = (id.to_string(), to_json(chosen)?, to_json(&policy)?);
    found(
        id,
        sqlx::query!(
            "update session set endpoint = ?2, policy = ?3 where id = ?1",
            key,
            endpoint,
            policy
        )
        .execute(conn)
        .await?,
    )
}

pub(crate) async fn set_archived(
    conn: &mut SqliteConnection,
    id: SessionId,
    archived: bool,
) -> Result<(), Failed> {
    let key = id.to_string();
    found(
        id,
        sqlx::query!(
            "update session set archived = ?2 where id = ?1",
            key,
            archived
        )
        .execute(conn)
        .await?,
    )
}

pub(crate) async fn add_usage(
    conn: &mut SqliteConnection,
    id: SessionId,
    usage: &Usage,
) -> Result<(), Failed> {
    let key = id.to_string();
    let (input, cached) = (
        to_i64(usage.input_tokens),
        to_i64(usage.cached_input_tokens),
    );
    let (written, output) = (
        to_i64(usage.cache_write_tokens),
        to_i64(usage.output_tokens),
    );
    let reasoning = to_i64(usage.reasoning_tokens);
    let done = sqlx::query!(
        "update session set input_tokens = input_tokens + ?2, cached_input_tokens = cached_input_tokens + ?3,
             cache_write_tokens = cache_write_tokens + ?4, output_tokens = output_tokens + ?5,
             reasoning_tokens = reasoning_tokens + ?6, estimated = estimated or ?7
         where id = ?1",
        key,
        input,
        cached,
        written,
        output,
        reasoning,
        usage.estimated
    );
    found(id, done.execute(conn).await?)
}

pub(crate) async fn delete(conn: &mut SqliteConnection, id: SessionId) -> Result<(), Failed> {
    let key = id.to_string();
    found(
        id,
        sqlx::query!("delete from session where id = ?", key)
            .execute(conn)
            .await?,
    )
}

pub(crate) fn found(id: SessionId, done: SqliteQueryResult) -> Result<(), Failed> {
    if done.rows_affected() == 0 {
        Err(Failed::not_found("session", id))
    } else {
        Ok(())
    }
}
