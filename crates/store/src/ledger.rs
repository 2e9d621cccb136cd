//! The ledger's rows: numbered without gaps, and each chained to the one before by a hash.

mod read;

use crate::{
    StoreError,
    pack::{pack, unpack},
    row::{Failed, from_json, from_word, to_i64, to_json, to_u64, to_word},
    store::Store,
    writer::Work,
};
use kerf_protocol::ledger::{LedgerEntry, LedgerRow, Traffic};
use sqlx::SqliteConnection;

pub use read::Sent;

/// A row to be added, with its body already packed.
pub(crate) struct New {
    entry: LedgerEntry,
    body: Vec<u8>,
    base: Option<i64>,
}

struct Row {
    id: i64,
    at: i64,
    host: String,
    target: String,
    purpose: String,
    session_id: Option<String>,
    turn_id: Option<String>,
    bytes: i64,
    hash: String,
    files: String,
    folder: Option<String>,
    up: Option<i64>,
    down: Option<i64>,
}

impl TryFrom<Row> for LedgerRow {
    type Error = Failed;

    fn try_from(row: Row) -> Result<Self, Failed> {
        let entry = LedgerEntry {
            at: row.at,
            host: row.host,
            target: row.target,
            purpose: from_word(&row.purpose)?,
            session_id: row.session_id.as_deref().map(str::parse).transpose()?,
            turn_id: row.turn_id.as_deref().map(str::parse).transpose()?,
            bytes: to_u64(row.bytes),
            hash: row.hash,
            files: from_json(&row.files)?,
        };
        let traffic = row.up.zip(row.down).map(|(up, down)| Traffic {
            up: to_u64(up),
            down: to_u64(down),
        });
        Ok(Self {
            id: row.id,
            folder: row.folder,
            entry,
            traffic,
        })
    }
}

impl Row {
    fn new(id: i64, entry: &LedgerEntry, folder: Option<String>) -> Result<Self, Failed> {
        Ok(Self {
            id,
            at: entry.at,
            host: entry.host.clone(),
            target: entry.target.clone(),
            purpose: to_word(&entry.purpose)?,
            session_id: entry.session_id.map(|id| id.to_string()),
            turn_id: entry.turn_id.map(|id| id.to_string()),
            bytes: to_i64(entry.bytes),
            hash: entry.hash.clone(),
            files: to_json(&entry.files)?,
            folder,
            up: None,
            down: None,
        })
    }

    /// BLAKE3 over the row before and this one's columns, each text behind its length. The body is in it by its hash.
    /// A folder comes last and only where there is one: rows from before the ledger kept folders have none.
    fn chained(&self, before: &[u8]) -> Vec<u8> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(before);
        for number in [self.id, self.at, self.bytes] {
            hasher.update(&number.to_le_bytes());
        }
        let (session, turn) = (
            self.session_id.as_deref().unwrap_or_default(),
            self.turn_id.as_deref().unwrap_or_default(),
        );
        let texts = [
            &self.host,
            &self.target,
            &self.purpose,
            session,
            turn,
            &self.hash,
            &self.files,
        ];
        for text in texts.into_iter().chain(self.folder.as_deref()) {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finalize().as_bytes().to_vec()
    }
}

impl Store {
    /// Adds a row with the body as it is sent, and tells its number. It is on the disk when this returns.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn append_ledger(
        &self,
        entry: LedgerEntry,
        body: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<i64, StoreError> {
        let session = entry.session_id;
        let base = session.and_then(|session| self.bases().get(session));
        let pack =
            move || pack(body.as_ref(), base.as_deref()).map(|(packed, base)| (packed, base, body));
        let packed = tokio::task::spawn_blocking(pack)
            .await
            .map_err(|_| StoreError::Closed)?;
        let (packed, base, body) = packed
            .map_err(|error| StoreError::io(self.path(), "pack a request's body for", error))?;
        let length = packed.len();
        let id = self
            .submit(Work::Ledger(Box::new(New {
                entry,
                body: packed,
                base,
            })))
            .await?;
        if let (Some(session), None) = (session, base) {
            self.bases()
                .put(session, id, body.as_ref().to_vec(), length);
        }
        Ok(id)
    }
}

pub(crate) async fn append(conn: &mut SqliteConnection, new: &New) -> Result<i64, Failed> {
    let last = sqlx::query!(r#"select id as "id!", row_hash from ledger order by id desc limit 1"#)
        .fetch_optional(&mut *conn)
        .await?;
    let (id, before) = last.map_or_else(|| (1, vec![0; 32]), |last| (last.id + 1, last.row_hash));
    let session = new.entry.session_id.map(|id| id.to_string());
    // Paths in a worktree are those of the user's folder.
    let folder = sqlx::query_scalar!(
        r#"select coalesce(worktree_of, folder) as "folder!" from session where id = ?"#,
        session
    )
    .fetch_optional(&mut *conn)
    .await?;
    let row = Row::new(id, &new.entry, folder)?;
    let hash = row.chained(&before);
    sqlx::query!(
        "insert into ledger (id, at, host, target, purpose, session_id, turn_id, bytes, hash, files, folder, prev_hash, row_hash, base, body)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row.id,
        row.at,
        row.host,
        row.target,
        row.purpose,
        row.session_id,
        row.turn_id,
        row.bytes,
        row.hash,
        row.files,
        row.folder,
        before,
        hash,
        new.base,
        new.body
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Keeps what went through a connection. One that is told again stays as it was first told.
pub(crate) async fn put_traffic(
    conn: &mut SqliteConnection,
    id: i64,
    traffic: Traffic,
) -> Result<(), Failed> {
    let (up, down) = (to_i64(traffic.up), to_i64(traffic.down));
    sqlx::query!(
        "insert into traffic (ledger_id, up, down) values (?, ?, ?) on conflict do nothing",
        id,
        up,
        down
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct Hashes {
    before: Vec<u8>,
    own: Vec<u8>,
}

async fn stored(conn: &mut SqliteConnection, id: i64) -> Result<(Row, Hashes, Vec<u8>), Failed> {
    let found = sqlx::query!(
        "select row.id, row.at, row.host, row.target, row.purpose, row.session_id, row.turn_id, row.bytes, row.hash, row.files,
             row.folder, row.prev_hash, row.row_hash, row.body,
             base.body as \"base_body?\", base.bytes as \"base_bytes?\", up as \"up?\", down as \"down?\"
         from ledger as row left join ledger as base on base.id = row.base
             left join traffic on traffic.ledger_id = row.id where row.id = ?",
        id
    )
    .fetch_optional(conn)
    .await?
    .ok_or_else(|| Failed::not_found("ledger row", id))?;
    let damaged = |error| {
        Failed::Row(format!(
            "the body of ledger row {id} cannot be unpacked: {error}"
        ))
    };
    let base = match (found.base_body, found.base_bytes) {
        (Some(body), Some(bytes)) => unpack(&body, &[], to_u64(bytes)).map_err(damaged)?,
        _ => Vec::new(),
    };
    let body = unpack(&found.body, &base, to_u64(found.bytes)).map_err(damaged)?;
    let row = Row {
        id: found.id,
        at: found.at,
        host: found.host,
        target: found.target,
        purpose: found.purpose,
        session_id: found.session_id,
        turn_id: found.turn_id,
        bytes: found.bytes,
        hash: found.hash,
        files: found.files,
        folder: found.folder,
        up: found.up,
        down: found.down,
    };
    Ok((
        row,
        Hashes {
            before: found.prev_hash,
            own: found.row_hash,
        },
        body,
    ))
}
