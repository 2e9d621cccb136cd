//! The rows of rules and of trust: what the user allowed for a folder, and which contents of it the user has seen.

use crate::row::{Failed, from_word, to_word};
use kerf_protocol::{
    UnixMillis,
    rule::{RuleVerdict, Trust, TrustKind, TrustPin},
};
use sqlx::SqliteConnection;

/// A rule as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRule {
    /// Its number; no number is used twice.
    pub id: i64,
    /// The folder, canonical.
    pub folder: String,
    /// What it says.
    pub verdict: RuleVerdict,
    /// As it is written.
    pub text: String,
    /// When the user gave it.
    pub made_at: UnixMillis,
}

pub(crate) async fn put(
    conn: &mut SqliteConnection,
    folder: &str,
    verdict: RuleVerdict,
    text: &str,
    made_at: UnixMillis,
) -> Result<(), Failed> {
    let verdict = to_word(&verdict)?;
    sqlx::query!(
        "insert into rule (folder, verdict, text, made_at) values (?, ?, ?, ?)
         on conflict (folder, verdict, text) do nothing",
        folder,
        verdict,
        text,
        made_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn revoke(conn: &mut SqliteConnection, id: i64) -> Result<(), Failed> {
    let done = sqlx::query!("delete from rule where id = ?", id)
        .execute(conn)
        .await?;
    if done.rows_affected() == 0 {
        return Err(Failed::not_found("rule", id));
    }
    Ok(())
}

pub(crate) async fn of_folder(
    conn: &mut SqliteConnection,
    folder: &str,
) -> Result<Vec<StoredRule>, Failed> {
    let rows = sqlx::query!(
        "select id, folder, verdict, text, made_at from rule where folder = ? order by id",
        folder
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(StoredRule {
                id: row.id,
                folder: row.folder,
                verdict: from_word(&row.verdict)?,
                text: row.text,
                made_at: row.made_at,
            })
        })
        .collect()
}

pub(crate) async fn put_trust(
    conn: &mut SqliteConnection,
    folder: &str,
    pin: &TrustPin,
    made_at: UnixMillis,
) -> Result<(), Failed> {
    let kind = to_word(&pin.kind)?;
    sqlx::query!(
        "insert into trust (folder, kind, name, hash, made_at) values (?, ?, ?, ?, ?)
         on conflict (folder, kind, name) do update set hash = excluded.hash, made_at = excluded.made_at",
        folder,
        kind,
        pin.name,
        pin.hash,
        made_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn forget_trust(conn: &mut SqliteConnection, folder: &str) -> Result<(), Failed> {
    sqlx::query!("delete from trust where folder = ?", folder)
        .execute(conn)
        .await?;
    Ok(())
}

/// The trust in a folder, or in all of them.
pub(crate) async fn trusts(
    conn: &mut SqliteConnection,
    folder: Option<&str>,
) -> Result<Vec<Trust>, Failed> {
    let rows = sqlx::query!(
        "select folder, kind, name, hash, made_at from trust
         where ?1 is null or folder = ?1 order by folder, kind, name",
        folder
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Trust {
                folder: row.folder,
                pin: TrustPin {
                    kind: from_word::<TrustKind>(&row.kind)?,
                    name: row.name,
                    hash: row.hash,
                },
                made_at: row.made_at,
            })
        })
        .collect()
}

/// The commands that sessions of a folder ran, with how often, the last first.
pub(crate) async fn commands(
    conn: &mut SqliteConnection,
    folder: &str,
    limit: u32,
) -> Result<Vec<(String, u32)>, Failed> {
    let rows = sqlx::query!(
        r#"select item.body ->> '$.arguments.command' as "command!: String", count(*) as "times!: u32"
         from item
         join turn on turn.id = item.turn_id
         join session on session.id = turn.session_id
         where session.folder = ? and item.type = 'tool_call' and item.body ->> '$.tool' = 'run_command'
           and json_type(item.body, '$.arguments.command') = 'text'
         group by 1 order by max(item.ordinal) desc limit ?"#,
        folder,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.command, row.times))
        .collect())
}
