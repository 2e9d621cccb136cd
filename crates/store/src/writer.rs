//! The one place that writes: a task that takes all that is queued, and commits it in one transaction.
//!
//! While the disk flushes, new work queues up and shares the next flush. Work that nobody waits for lingers a
//! moment, so that it shares the flush of what somebody does wait for. Each piece of work is a savepoint:
//! rows that do not fit fail alone. When the transaction itself is lost (a full disk, a defect of the disk),
//! nobody's work is known to be the cause, so each piece is tried again in a transaction of its own.

use crate::{
    Owner, StoreError, Write, checkpoint, ledger, open, owner, project, review, row::Failed,
    session, write,
};
use kerf_protocol::{SessionId, UnixMillis};
use sqlx::{Connection, SqliteConnection};
use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot, watch};

/// At most so many pieces of work share a transaction, so that the first does not wait for ever.
const GROUP: usize = 256;

/// How long work that nobody waits for is held back.
const LINGER: Duration = Duration::from_millis(3);

pub(crate) struct Job {
    pub(crate) work: Work,
    /// Whether somebody waits for it to be on the disk.
    pub(crate) urgent: bool,
    /// Gets the number that the work is about, else 0.
    pub(crate) reply: oneshot::Sender<Result<i64, StoreError>>,
}

pub(crate) enum Work {
    Commit(Vec<Write>),
    Decision {
        writes: Vec<Write>,
        session_id: SessionId,
        created_at: UnixMillis,
        payload: String,
    },
    Delete(SessionId),
    Project {
        path: String,
        now: UnixMillis,
    },
    Claim {
        session_id: SessionId,
        owner: Owner,
    },
    GiveUp {
        ids: Vec<i64>,
        gone_at: UnixMillis,
        owner: Owner,
    },
    Ledger(Box<ledger::New>),
    Close,
}

/// Ends when every store is gone and the queue is empty, or at [`Work::Close`]. Until then `held` keeps others from setting
/// the file aside.
pub(crate) async fn run(
    conn: SqliteConnection,
    held: File,
    path: PathBuf,
    mut queue: mpsc::UnboundedReceiver<Job>,
    progress: watch::Sender<u64>,
) {
    let mut writer = Writer {
        conn: Some(conn),
        path,
    };
    let mut jobs = Vec::new();
    while queue.recv_many(&mut jobs, GROUP).await > 0 {
        linger(&mut jobs, &mut queue).await;
        let rest = match jobs.iter().position(|job| matches!(job.work, Work::Close)) {
            Some(close) => jobs.split_off(close),
            None => Vec::new(),
        };
        let count = jobs.len() as u64;
        let outcomes = writer.group(&jobs).await;
        progress.send_modify(|done| *done += count);
        for (job, outcome) in jobs.drain(..).zip(outcomes) {
            // Nobody may wait for it any more.
            let _ = job.reply.send(outcome);
        }
        if let Some(close) = rest.into_iter().next() {
            let closed = match writer.conn.take() {
                Some(conn) => conn
                    .close()
                    .await
                    .map_err(|error| StoreError::sqlx(&writer.path, error)),
                None => Ok(()),
            };
            // Who waits for the end may want to set the file aside.
            drop(held);
            let _ = close.reply.send(closed.map(|()| 0));
            return;
        }
    }
}

/// Waits for something urgent, for a moment.
async fn linger(jobs: &mut Vec<Job>, queue: &mut mpsc::UnboundedReceiver<Job>) {
    let end = tokio::time::sleep(LINGER);
    tokio::pin!(end);
    while jobs.len() < GROUP && !jobs.iter().any(|job| job.urgent) {
        tokio::select! {
            more = queue.recv() => match more {
                Some(job) => jobs.push(job),
                None => return,
            },
            () = &mut end => return,
        }
    }
}

struct Writer {
    /// None after a transaction was lost: SQLite may have ended it by itself, and sqlx does not know.
    conn: Option<SqliteConnection>,
    path: PathBuf,
}

/// How a transaction was lost.
enum Lost {
    /// At its begin or its end: none of the work was the cause.
    All(StoreError),
    /// In its middle, by one piece of work.
    One(StoreError),
}

impl Writer {
    async fn group(&mut self, jobs: &[Job]) -> Vec<Result<i64, StoreError>> {
        if jobs.is_empty() {
            return Vec::new();
        }
        let error = match self.transaction(jobs).await {
            Ok(outcomes) => return outcomes,
            Err(Lost::One(_)) if jobs.len() > 1 => {
                let mut outcomes = Vec::with_capacity(jobs.len());
                for job in jobs {
                    outcomes.push(match self.transaction(std::slice::from_ref(job)).await {
                        Ok(mut outcome) => outcome.pop().unwrap_or(Err(StoreError::Closed)),
                        Err(Lost::One(error) | Lost::All(error)) => Err(error),
                    });
                }
                return outcomes;
            }
            Err(Lost::One(error) | Lost::All(error)) => error,
        };
        tracing::warn!(%error, "a commit failed");
        jobs.iter().map(|_| Err(error.clone())).collect()
    }

    async fn transaction(&mut self, jobs: &[Job]) -> Result<Vec<Result<i64, StoreError>>, Lost> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => open::writer(&self.path).await.map_err(Lost::All)?,
        };
        let outcomes = transaction(&mut conn, &self.path, jobs).await?;
        self.conn = Some(conn);
        Ok(outcomes)
    }
}

async fn transaction(
    conn: &mut SqliteConnection,
    path: &Path,
    jobs: &[Job],
) -> Result<Vec<Result<i64, StoreError>>, Lost> {
    let all = |error| Lost::All(StoreError::sqlx(path, error));
    let one = |error| Lost::One(StoreError::sqlx(path, error));
    let mut tx = conn.begin_with("begin immediate").await.map_err(all)?;
    let mut outcomes = Vec::with_capacity(jobs.len());
    if let [job] = jobs {
        match apply(&mut tx, path, &job.work)
            .await
            .map_err(|error| error.at(path))
        {
            Ok(number) => outcomes.push(Ok(number)),
            Err(error) if error.is_of_rows() => {
                tx.rollback().await.map_err(one)?;
                return Ok(vec![Err(error)]);
            }
            Err(error) => return Err(Lost::One(error)),
        }
    } else {
        for job in jobs {
            let mut savepoint = tx.begin().await.map_err(one)?;
            match apply(&mut savepoint, path, &job.work)
                .await
                .map_err(|error| error.at(path))
            {
                Ok(number) => {
                    savepoint.commit().await.map_err(one)?;
                    outcomes.push(Ok(number));
                }
                Err(error) if error.is_of_rows() => {
                    savepoint.rollback().await.map_err(one)?;
                    outcomes.push(Err(error));
                }
                Err(error) => return Err(Lost::One(error)),
            }
        }
    }
    tx.commit().await.map_err(all)?;
    Ok(outcomes)
}

async fn apply(conn: &mut SqliteConnection, path: &Path, work: &Work) -> Result<i64, Failed> {
    match work {
        Work::Commit(writes) => write::all(conn, writes).await?,
        Work::Decision {
            writes,
            session_id,
            created_at,
            payload,
        } => {
            write::all(conn, writes).await?;
            return review::decide(conn, *session_id, *created_at, payload).await;
        }
        Work::Delete(id) => session::delete(conn, *id).await?,
        Work::Project { path, now } => project::open(conn, path, *now).await?,
        Work::Claim { session_id, owner } => owner::claim(conn, path, *session_id, owner).await?,
        Work::GiveUp {
            ids,
            gone_at,
            owner,
        } => return checkpoint::give_up(conn, path, ids, *gone_at, owner).await,
        Work::Ledger(new) => return ledger::append(conn, new).await,
        Work::Close => {}
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(path: &str) -> Job {
        Job {
            urgent: true,
            work: Work::Project {
                path: path.to_owned(),
                now: 1,
            },
            reply: oneshot::channel().0,
        }
    }

    #[tokio::test]
    async fn a_full_disk_is_told_and_the_next_commit_works() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kerf.db");
        let mut writer = Writer {
            conn: Some(open::open(&path).await.unwrap()),
            path: path.clone(),
        };
        let limit = async |writer: &mut Writer| {
            let conn = writer.conn.as_mut().unwrap();
            sqlx::query("pragma max_page_count = 1")
                .execute(conn)
                .await
                .unwrap();
        };
        let large = "x".repeat(100_000);

        limit(&mut writer).await;
        let outcomes = writer.group(&[job(&large)]).await;
        assert!(
            matches!(&outcomes[..], [Err(StoreError::Full { path: full })] if *full == path),
            "{outcomes:?}"
        );
        let outcomes = writer.group(&[job("small")]).await;
        assert!(matches!(outcomes[..], [Ok(0)]), "{outcomes:?}");

        // In a group, the transaction is lost to all; each is tried again, by now on a disk with space.
        limit(&mut writer).await;
        let outcomes = writer
            .group(&[job("before"), job(&large), job("after")])
            .await;
        assert!(
            matches!(outcomes[..], [Ok(0), Ok(0), Ok(0)]),
            "{outcomes:?}"
        );
    }
}
