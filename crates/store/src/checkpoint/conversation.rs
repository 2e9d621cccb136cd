//! Bringing a conversation back: which turns and items a restore hides, and which it shows again.
//!
//! Nothing is destroyed. A span says from which restore to which other one something was hidden, so that the conversation
//! of every checkpoint is known, and a restore is undone by another one.

use crate::row::Failed;
use kerf_protocol::{SessionId, TurnId};
use sqlx::SqliteConnection;
use std::collections::{HashMap, HashSet};

/// A turn, or an item of the turn that a checkpoint was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Unit {
    turn_id: String,
    item_id: Option<String>,
}

/// When something was hidden: from behind this checkpoint to that one.
#[derive(Debug, Clone, Copy)]
struct Span {
    since: i64,
    until: Option<i64>,
}

impl Span {
    fn is_open(self) -> bool {
        self.until.is_none()
    }

    /// Whether it was hidden when this checkpoint was taken.
    fn covers(self, checkpoint_id: i64) -> bool {
        self.since < checkpoint_id && self.until.is_none_or(|until| until >= checkpoint_id)
    }
}

/// How a conversation must change to be as it was at a checkpoint.
#[derive(Debug, Default, PartialEq, Eq)]
struct Way {
    hide: Vec<Unit>,
    show: Vec<Unit>,
}

/// `units` in their order, each with whether it had begun when the checkpoint was taken.
fn way(units: Vec<(Unit, bool)>, spans: &HashMap<Unit, Vec<Span>>, checkpoint_id: i64) -> Way {
    let mut way = Way::default();
    for (unit, begun) in units {
        let spans = spans.get(&unit).map_or(&[][..], Vec::as_slice);
        let hidden = spans.iter().any(|span| span.is_open());
        let wanted = begun && !spans.iter().any(|span| span.covers(checkpoint_id));
        match (hidden, wanted) {
            (true, true) => way.show.push(unit),
            (false, false) => way.hide.push(unit),
            _ => {}
        }
    }
    way
}

async fn way_to(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    checkpoint_id: i64,
) -> Result<Way, Failed> {
    let key = session_id.to_string();
    let checkpoint = sqlx::query!(
        "select turn_id, item_id, last_turn from checkpoint where session_id = ? and id = ?",
        key,
        checkpoint_id
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or_else(|| Failed::not_found("checkpoint", checkpoint_id))?;
    let mut spans: HashMap<Unit, Vec<Span>> = HashMap::new();
    let rows = sqlx::query!(
        "select turn_id, item_id, since, until from hidden where session_id = ?",
        key
    );
    for row in rows.fetch_all(&mut *conn).await? {
        let (unit, span) = (
            Unit {
                turn_id: row.turn_id,
                item_id: row.item_id,
            },
            Span {
                since: row.since,
                until: row.until,
            },
        );
        spans.entry(unit).or_default().push(span);
    }
    let turns = sqlx::query!(
        "select ordinal, id from turn where session_id = ? order by ordinal",
        key
    )
    .fetch_all(&mut *conn)
    .await?;
    // A turn that is not known was never begun: all there is came before it.
    let its_turn = checkpoint.turn_id.as_ref().map(|id| {
        let found = turns.iter().find(|turn| turn.id == *id);
        found.map_or(checkpoint.last_turn + 1, |turn| turn.ordinal)
    });
    let mut units: Vec<(Unit, bool)> = Vec::new();
    let mut whole: HashSet<&str> = HashSet::new();
    for turn in &turns {
        let begun = match (its_turn, &checkpoint.item_id) {
            (None, _) => turn.ordinal <= checkpoint.last_turn,
            (Some(its), None) => turn.ordinal < its,
            (Some(its), Some(_)) => turn.ordinal <= its,
        };
        if begun {
            whole.insert(&turn.id);
        }
        let unit = Unit {
            turn_id: turn.id.clone(),
            item_id: None,
        };
        units.push((unit, begun));
    }
    // Of other turns, only what was hidden can have to change.
    let mut items: Vec<(Unit, bool)> = spans
        .keys()
        .filter(|unit| {
            unit.item_id.is_some()
                && (checkpoint.item_id.is_none()
                    || Some(&unit.turn_id) != checkpoint.turn_id.as_ref())
        })
        .map(|unit| (unit.clone(), whole.contains(unit.turn_id.as_str())))
        .collect();
    if let (Some(turn_id), Some(item_id)) = (&checkpoint.turn_id, &checkpoint.item_id) {
        let rows = sqlx::query!(
            "select ordinal, id from item where turn_id = ? order by ordinal",
            turn_id
        )
        .fetch_all(&mut *conn)
        .await?;
        let at = rows.iter().position(|row| row.id == *item_id);
        let begun = at.unwrap_or(rows.len());
        items.extend(rows.into_iter().enumerate().map(|(place, row)| {
            let unit = Unit {
                turn_id: turn_id.clone(),
                item_id: Some(row.id),
            };
            (unit, place < begun)
        }));
    }
    units.extend(items);
    Ok(way(units, &spans, checkpoint_id))
}

pub(super) async fn would_hide(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    checkpoint_id: i64,
) -> Result<Vec<TurnId>, Failed> {
    let way = way_to(conn, session_id, checkpoint_id).await?;
    let mut turns: Vec<TurnId> = Vec::new();
    for unit in way.hide {
        let id = unit.turn_id.parse()?;
        if !turns.contains(&id) {
            turns.push(id);
        }
    }
    Ok(turns)
}

pub(super) async fn go_back(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    checkpoint_id: i64,
    undo_id: i64,
) -> Result<(), Failed> {
    let key = session_id.to_string();
    let Way { hide, show } = way_to(conn, session_id, checkpoint_id).await?;
    for Unit { turn_id, item_id } in hide {
        sqlx::query!(
            "insert into hidden (session_id, turn_id, item_id, since) values (?, ?, ?, ?)",
            key,
            turn_id,
            item_id,
            undo_id
        )
        .execute(&mut *conn)
        .await?;
    }
    for Unit { turn_id, item_id } in show {
        sqlx::query!(
            "update hidden set until = ?3 where turn_id = ?1 and item_id is ?2 and until is null",
            turn_id,
            item_id,
            undo_id
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str) -> Unit {
        Unit {
            turn_id: name.to_owned(),
            item_id: None,
        }
    }

    #[test]
    fn what_was_hidden_then_is_hidden_again() {
        let mut spans: HashMap<Unit, Vec<Span>> = HashMap::new();
        // Hidden by the restore behind checkpoint 5, which the one behind 8 took back.
        let span = Span {
            since: 5,
            until: Some(8),
        };
        spans.insert(unit("b"), vec![span]);
        for (checkpoint_id, hidden) in [(4, false), (5, false), (6, true), (8, true), (9, false)] {
            let units = vec![(unit("a"), true), (unit("b"), true), (unit("c"), false)];
            let mut expected = vec![unit("c")];
            if hidden {
                expected.insert(0, unit("b"));
            }
            let way = way(units, &spans, checkpoint_id);
            assert_eq!((way.hide, way.show), (expected, vec![]), "{checkpoint_id}");
        }
        let open = Span {
            since: 5,
            until: None,
        };
        spans.insert(unit("b"), vec![open]);
        for (checkpoint_id, shown) in [(5, true), (6, false)] {
            let way = way(vec![(unit("b"), true)], &spans, checkpoint_id);
            assert_eq!(way.show.len(), usize::from(shown), "{checkpoint_id}");
        }
    }
}
