//! Reading the ledger: rows that answer a question, sums, a body, and the proof that nothing was changed.

use super::{Row, stored};
use crate::{
    StoreError,
    row::{Failed, from_json, to_u64},
    store::Store,
};
use kerf_protocol::ledger::{
    LedgerProof, LedgerRow, LedgerTotal, ListLedger, TotalBy, TotalLedger,
};
use sqlx::SqliteConnection;

/// Rows that are read at once while their bodies are looked through.
const PAGE: i64 = 64;

/// A request as it was sent, with its place in the chain.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The row.
    pub row: LedgerRow,
    /// The hash of the row before, in hexadecimal; zeros before the first.
    pub previous_hash: String,
    /// This row's hash, in hexadecimal.
    pub row_hash: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Store {
    /// The ledger's rows, newest first.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn ledger_list(&self, list: &ListLedger) -> Result<Vec<LedgerRow>, StoreError> {
        let mut conn = self.read().await?;
        let rows = match &list.text {
            None => matching(&mut conn, list, list.before, list.limit.map(i64::from)).await,
            Some(text) => containing(&mut conn, list, text).await,
        };
        rows.and_then(|rows| rows.into_iter().map(TryInto::try_into).collect())
            .map_err(|error| self.failed(error))
    }

    /// The ledger added up, what was last sent first.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn ledger_totals(&self, total: &TotalLedger) -> Result<Vec<LedgerTotal>, StoreError> {
        let mut conn = self.read().await?;
        let folder = total.folder.as_deref();
        let sums = match total.by {
            TotalBy::File => by_file(&mut conn, folder).await,
            TotalBy::Session => by_session(&mut conn, folder).await,
            TotalBy::Day => by_day(&mut conn, folder).await,
        };
        sums.map_err(Failed::from)
            .and_then(|sums| sums.into_iter().map(TryInto::try_into).collect())
            .map_err(|error| self.failed(error))
    }

    /// A request with the body as it was sent.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or as all reads.
    pub async fn ledger_show(&self, id: i64) -> Result<Sent, StoreError> {
        let mut conn = self.read().await?;
        let shown = async {
            let (row, hashes, body) = stored(&mut conn, id).await?;
            Ok(Sent {
                row: row.try_into()?,
                previous_hash: hex(&hashes.before),
                row_hash: hex(&hashes.own),
                body,
            })
        };
        shown.await.map_err(|error| self.failed(error))
    }

    /// Recomputes the chain and every body's hash. A row's number with the hash, in lower-case hexadecimal, that it had in
    /// an earlier look must be met.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn ledger_verify(
        &self,
        seal: Option<(i64, String)>,
    ) -> Result<LedgerProof, StoreError> {
        let mut conn = self.read().await?;
        prove(&mut conn, seal)
            .await
            .map_err(|error| self.failed(error))
    }
}

/// Rows before `before`, newest first. The text is not looked for.
async fn matching(
    conn: &mut SqliteConnection,
    list: &ListLedger,
    before: Option<i64>,
    limit: Option<i64>,
) -> Result<Vec<Row>, Failed> {
    let session = list.session_id.map(|id| id.to_string());
    let limit = limit.unwrap_or(-1);
    Ok(sqlx::query_as!(
        Row,
        r#"select ledger.id as "id!", at, host, target, purpose, session_id, turn_id, bytes, hash, files,
               coalesce(ledger.folder, session.folder) as "folder?: String", up as "up?", down as "down?"
           from ledger left join session on session.id = ledger.session_id
               left join traffic on traffic.ledger_id = ledger.id
           where (?1 is null or session_id = ?1)
               and (?2 is null or coalesce(ledger.folder, session.folder) = ?2)
               and (?3 is null or exists (select 1 from json_each(files) as part where part.value ->> '$.path' = ?3))
               and (?4 is null or date(at / 1000, 'unixepoch', 'localtime') = ?4)
               and (?5 is null or ledger.id < ?5)
           order by ledger.id desc limit ?6"#,
        session,
        list.folder,
        list.file,
        list.day,
        before,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Those of the rows whose body holds the text. Bodies are JSON, where a quote or a line's end is written otherwise.
async fn containing(
    conn: &mut SqliteConnection,
    list: &ListLedger,
    text: &str,
) -> Result<Vec<Row>, Failed> {
    let json = serde_json::Value::from(text).to_string();
    let needles = [text, &json[1..json.len() - 1]];
    let limit = list.limit.map_or(usize::MAX, |limit| limit as usize);
    let (mut found, mut before) = (Vec::new(), list.before);
    loop {
        let page = matching(conn, list, before, Some(PAGE)).await?;
        let Some(last) = page.last() else {
            return Ok(found);
        };
        before = Some(last.id);
        for row in page {
            let (_, _, body) = stored(conn, row.id).await?;
            let body = String::from_utf8_lossy(&body);
            if needles.iter().any(|needle| body.contains(needle)) {
                found.push(row);
                if found.len() >= limit {
                    return Ok(found);
                }
            }
        }
    }
}

struct Sum {
    key: String,
    folder: Option<String>,
    title: Option<String>,
    requests: i64,
    bytes: i64,
    first_at: i64,
    last_at: i64,
    hosts: String,
}

impl TryFrom<Sum> for LedgerTotal {
    type Error = Failed;

    fn try_from(sum: Sum) -> Result<Self, Failed> {
        Ok(Self {
            key: sum.key,
            folder: sum.folder,
            title: sum.title,
            requests: to_u64(sum.requests),
            bytes: to_u64(sum.bytes),
            first_at: sum.first_at,
            last_at: sum.last_at,
            hosts: from_json(&sum.hosts)?,
        })
    }
}

/// A request that holds several parts of a file counts once.
async fn by_file(
    conn: &mut SqliteConnection,
    folder: Option<&str>,
) -> Result<Vec<Sum>, sqlx::Error> {
    sqlx::query_as!(
        Sum,
        r#"with sent as (
               select distinct ledger.id, at, host, bytes, part.value ->> '$.path' as path,
                   coalesce(ledger.folder, session.folder) as place
               from ledger left join session on session.id = ledger.session_id, json_each(files) as part
               where ?1 is null or coalesce(ledger.folder, session.folder) = ?1)
           select path as "key!: String", place as "folder?: String", null as "title?: String",
               count(*) as "requests!: i64", sum(bytes) as "bytes!: i64",
               min(at) as "first_at!: i64", max(at) as "last_at!: i64",
               json_group_array(distinct host) as "hosts!: String"
           from sent group by place, path order by max(id) desc, path"#,
        folder
    )
    .fetch_all(conn)
    .await
}

async fn by_session(
    conn: &mut SqliteConnection,
    folder: Option<&str>,
) -> Result<Vec<Sum>, sqlx::Error> {
    sqlx::query_as!(
        Sum,
        r#"select session_id as "key!: String", coalesce(ledger.folder, session.folder) as "folder?: String",
               session.title as "title?: String", count(*) as "requests!: i64", sum(bytes) as "bytes!: i64",
               min(at) as "first_at!: i64", max(at) as "last_at!: i64",
               json_group_array(distinct host) as "hosts!: String"
           from ledger left join session on session.id = ledger.session_id
           where session_id is not null and (?1 is null or coalesce(ledger.folder, session.folder) = ?1)
           group by session_id order by max(ledger.id) desc"#,
        folder
    )
    .fetch_all(conn)
    .await
}

async fn by_day(
    conn: &mut SqliteConnection,
    folder: Option<&str>,
) -> Result<Vec<Sum>, sqlx::Error> {
    sqlx::query_as!(
        Sum,
        r#"select date(at / 1000, 'unixepoch', 'localtime') as "key!: String", null as "folder?: String",
               null as "title?: String", count(*) as "requests!: i64", sum(bytes) as "bytes!: i64",
               min(at) as "first_at!: i64", max(at) as "last_at!: i64",
               json_group_array(distinct host) as "hosts!: String"
           from ledger left join session on session.id = ledger.session_id
           where ?1 is null or coalesce(ledger.folder, session.folder) = ?1
           group by 1 order by max(ledger.id) desc"#,
        folder
    )
    .fetch_all(conn)
    .await
}

async fn prove(
    conn: &mut SqliteConnection,
    seal: Option<(i64, String)>,
) -> Result<LedgerProof, Failed> {
    let (rows, newest) = sqlx::query!(
        r#"select count(*) as "rows!: i64", coalesce(max(id), 0) as "newest!: i64" from ledger"#
    )
    .fetch_one(&mut *conn)
    .await
    .map(|row| (to_u64(row.rows), row.newest))?;
    let mut proof = LedgerProof {
        rows,
        seal: None,
        broken: None,
    };
    let mut before = vec![0; 32];
    // A seal of a row beyond the newest shows that the end was cut off.
    let end = seal.as_ref().map_or(newest, |(id, _)| newest.max(*id));
    for id in 1..=end {
        let (row, hashes, body) = match stored(conn, id).await {
            Ok(stored) => stored,
            Err(Failed::Row(_) | Failed::Store(_)) => {
                proof.broken = Some(id);
                return Ok(proof);
            }
            Err(error) => return Err(error),
        };
        let own = row.chained(&before);
        let sealed = seal
            .as_ref()
            .is_none_or(|(sealed, hash)| *sealed != id || *hash == hex(&own));
        let whole = sealed
            && hashes.before == before
            && hashes.own == own
            && row.hash == blake3::hash(&body).to_hex().as_str();
        if !whole {
            proof.broken = Some(id);
            return Ok(proof);
        }
        before = hashes.own;
    }
    proof.seal = (newest > 0).then(|| format!("{newest}:{}", hex(&before)));
    Ok(proof)
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
