//! The rows of turns and items: what makes a session's transcript.

use crate::{
    TurnHead,
    row::{Failed, from_json, from_word, to_i64, to_json, to_u64, to_word},
    search,
    session::{found, one},
};
use kerf_protocol::{
    SessionId, TurnId,
    item::Item,
    session::{Transcript, Turn},
};
use sqlx::{Connection, SqliteConnection};
use std::collections::HashMap;

pub(crate) async fn transcript(
    conn: &mut SqliteConnection,
    id: SessionId,
) -> Result<Transcript, Failed> {
    // One transaction: turns and items of the same moment.
    let mut tx = conn.begin().await?;
    let session = one(&mut tx, id).await?;
    let key = id.to_string();
    let rows = sqlx::query!(
        "select id, state, created_at, usage from turn
         where session_id = ? and not exists
             (select 1 from hidden where hidden.turn_id = turn.id and hidden.item_id is null and hidden.until is null)
         order by ordinal",
        key
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut turns = Vec::with_capacity(rows.len());
    let mut places = HashMap::with_capacity(rows.len());
    for row in rows {
        let id: TurnId = row.id.parse()?;
        places.insert(row.id, turns.len());
        let (state, usage) = (from_word(&row.state)?, from_json(&row.usage)?);
        turns.push(Turn {
            id,
            state,
            created_at: row.created_at,
            usage,
            items: Vec::new(),
        });
    }
    let rows = sqlx::query!(
        "select item.turn_id, item.body
         from turn join item on item.turn_id = turn.id where turn.session_id = ? and not exists
             (select 1 from hidden where hidden.turn_id = turn.id and hidden.item_id = item.id and hidden.until is null)
         order by item.ordinal",
        key
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    for row in rows {
        let Some(turn) = places
            .get(&row.turn_id)
            .and_then(|place| turns.get_mut(*place))
        else {
            continue;
        };
        turn.items.push(from_json(&row.body)?);
    }
    Ok(Transcript { session, turns })
}

pub(crate) async fn last_seq(conn: &mut SqliteConnection, id: SessionId) -> Result<u64, Failed> {
    let key = id.to_string();
    let row = sqlx::query!(
        r#"select max((select max(seq) from item where turn_id = turn.id)) as "seq: i64" from turn where session_id = ?"#,
        key
    )
    .fetch_one(conn)
    .await?;
    Ok(row.seq.map_or(0, to_u64))
}

pub(crate) async fn put_turn(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    turn: &TurnHead,
) -> Result<(), Failed> {
    let (session, id) = (session_id.to_string(), turn.id.to_string());
    let (state, usage) = (to_word(&turn.state)?, to_json(&turn.usage)?);
    let done = sqlx::query!(
        "insert into turn (id, session_id, state, created_at, usage) select ?2, id, ?3, ?4, ?5 from session where id = ?1
         on conflict (id) do update set state = excluded.state, created_at = excluded.created_at, usage = excluded.usage
         where session_id = excluded.session_id",
        session,
        id,
        state,
        turn.created_at,
        usage
    );
    found(session_id, done.execute(conn).await?)
}

pub(crate) async fn put_item(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    seq: u64,
    item: &Item,
) -> Result<(), Failed> {
    let (session, id, turn_id) = (
        session_id.to_string(),
        item.id.to_string(),
        item.turn_id.to_string(),
    );
    let (seq, status, body) = (to_i64(seq), to_word(&item.status)?, to_json(item)?);
    let row = sqlx::query!(
        r#"insert into item (id, turn_id, seq, created_at, status, body)
           select ?3, id, ?4, ?5, ?6, ?7 from turn where id = ?2 and session_id = ?1
           on conflict (id) do update set seq = max(seq, excluded.seq), created_at = excluded.created_at,
               status = excluded.status, body = excluded.body
           where turn_id = excluded.turn_id
           returning ordinal as "ordinal!: i64""#,
        session,
        turn_id,
        id,
        seq,
        item.created_at,
        status,
        body
    )
    .fetch_optional(&mut *conn)
    .await?;
    let row =
        row.ok_or_else(|| Failed::not_found("turn", format!("{turn_id} in session {session}")))?;
    match search::words(&item.body) {
        Some(words) => search::put(conn, row.ordinal, &words).await,
        None => Ok(()),
    }
}
