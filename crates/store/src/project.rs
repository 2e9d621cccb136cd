//! The rows of projects.

use crate::row::Failed;
use kerf_protocol::{ProjectId, UnixMillis, project::Project};
use sqlx::SqliteConnection;
use std::path::Path;

pub(crate) async fn at(conn: &mut SqliteConnection, path: &str) -> Result<Project, Failed> {
    let row = sqlx::query!(
        "select id, path, name, opened_at from project where path = ?",
        path
    )
    .fetch_optional(conn)
    .await?;
    let row = row.ok_or_else(|| Failed::not_found("project", path))?;
    Ok(Project {
        id: row.id.parse()?,
        path: row.path,
        name: row.name,
        opened_at: row.opened_at,
    })
}

/// The projects that are listed, the one that was last opened first.
pub(crate) async fn listed(conn: &mut SqliteConnection) -> Result<Vec<Project>, Failed> {
    let rows = sqlx::query!(
        "select id, path, name, opened_at from project where listed = 1
         order by opened_at desc, rowid desc"
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Project {
                id: row.id.parse()?,
                path: row.path,
                name: row.name,
                opened_at: row.opened_at,
            })
        })
        .collect()
}

pub(crate) async fn unlist(conn: &mut SqliteConnection, id: ProjectId) -> Result<(), Failed> {
    let text = id.to_string();
    let done = sqlx::query!("update project set listed = 0 where id = ?", text)
        .execute(conn)
        .await?;
    if done.rows_affected() == 0 {
        return Err(Failed::not_found("project", &text));
    }
    Ok(())
}

pub(crate) async fn open(
    conn: &mut SqliteConnection,
    path: &str,
    now: UnixMillis,
) -> Result<(), Failed> {
    let id = ProjectId::new().to_string();
    // The root of a file system has no last part.
    let name = Path::new(path)
        .file_name()
        .map_or_else(|| path.into(), |name| name.to_string_lossy());
    let name = name.as_ref();
    sqlx::query!(
        "insert into project (id, path, name, opened_at) values (?, ?, ?, ?)
         on conflict (path) do update set opened_at = excluded.opened_at, listed = 1",
        id,
        path,
        name,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
