//! Full-text search in what was said and done.

use crate::{StoreError, row::Failed, store::Store};
use kerf_protocol::{item::ItemBody, request::SearchSessions, session::SessionHit};
use sqlx::SqliteConnection;

/// Of a tool's output, so many bytes can be searched.
const OUTPUT_BYTES: usize = 16 * 1024;
/// Stand around a match in a snippet. No indexed text has them.
const MARKS: [char; 2] = ['\u{E000}', '\u{E001}'];

impl Store {
    /// Finds words in messages, tool calls and titles, best first. All words must be in one place, and the
    /// last one may be the beginning of a word. Every string is a valid query; one without words finds nothing.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn search(&self, search: &SearchSessions) -> Result<Vec<SessionHit>, StoreError> {
        let Some(query) = query(&search.query) else {
            return Ok(Vec::new());
        };
        let mut conn = self.read().await?;
        hits(&mut conn, &query, search.folder.as_deref(), search.limit)
            .await
            .map_err(|error| self.failed(error))
    }
}

async fn hits(
    conn: &mut SqliteConnection,
    query: &str,
    folder: Option<&str>,
    limit: u32,
) -> Result<Vec<SessionHit>, Failed> {
    // A title belongs to the session's first turn.
    let rows = sqlx::query!(
        r#"select session.id as "session_id!", session.title as "title!", turn.id as "turn_id!",
               snippet(words, 0, char(57344), char(57345), '…', 24) as "snippet!: String",
               coalesce(item.created_at, session.created_at) as "at!: i64"
           from words
               left join item on item.ordinal = words.rowid
               join turn on turn.ordinal = coalesce(
                   (select ordinal from turn as own where own.id = item.turn_id),
                   (select min(first.ordinal) from session as titled join turn as first on first.session_id = titled.id
                    where titled.number = -words.rowid))
               join session on session.id = turn.session_id
           where words match ?1 and (?2 is null or session.folder = ?2)
               and (item.id is null or not exists
                   (select 1 from hidden where hidden.turn_id = turn.id and hidden.until is null
                    and (hidden.item_id is null or hidden.item_id = item.id)))
           order by words.rank limit ?3"#,
        query,
        folder,
        limit
    )
    .fetch_all(conn)
    .await?;
    let hit = |row: Row| {
        Ok(SessionHit {
            session_id: row.0.parse()?,
            title: row.1,
            turn_id: row.2.parse()?,
            snippet: row.3,
            at: row.4,
        })
    };
    rows.into_iter()
        .map(|row| hit((row.session_id, row.title, row.turn_id, row.snippet, row.at)))
        .collect()
}

type Row = (String, String, String, String, i64);

/// What can be searched of an item.
pub(crate) fn words(body: &ItemBody) -> Option<String> {
    let text = match body {
        ItemBody::UserMessage { text, comments, .. } => comments
            .iter()
            .fold(text.clone(), |text, comment| text + "\n" + &comment.text),
        ItemBody::AgentMessage { text } => text.clone(),
        ItemBody::ToolCall(call) => {
            format!(
                "{}\n{}",
                call.title,
                &call.output[..call.output.floor_char_boundary(OUTPUT_BYTES)]
            )
        }
        ItemBody::Reasoning { .. }
        | ItemBody::Plan { .. }
        | ItemBody::Approval { .. }
        | ItemBody::Summary { .. }
        | ItemBody::Error { .. } => return None,
    };
    Some(text.replace(MARKS, " "))
}

pub(crate) async fn put(
    conn: &mut SqliteConnection,
    ordinal: i64,
    words: &str,
) -> Result<(), Failed> {
    sqlx::query!(
        "insert or replace into words (rowid, text) values (?, ?)",
        ordinal,
        words
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A query in the language of FTS5 that only says: these words, the last one as a prefix.
fn query(text: &str) -> Option<String> {
    let words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c == '\0')
        .filter(|word| word.contains(char::is_alphanumeric))
        .map(|word| format!("\"{}\"", word.replace('"', "\"\"")))
        .collect();
    if words.is_empty() {
        None
    } else {
        Some(words.join(" ") + "*")
    }
}
