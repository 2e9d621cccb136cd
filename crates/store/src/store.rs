//! The store itself: one connection that writes, a few that read.

use crate::{
    Owner, StoreError, StoredRule, Write, open,
    pack::Bases,
    project,
    row::Failed,
    rule, session, transcript, worktree,
    writer::{self, Job, Work},
};
use kerf_protocol::{
    SessionId, TaskId, UnixMillis, WorktreeId,
    project::Project,
    request::ListSessions,
    rule::Trust,
    session::{Session, Transcript},
    worktree::Worktree,
};
use sqlx::{Sqlite, SqlitePool, pool::PoolConnection, sqlite::SqlitePoolOptions};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{mpsc, oneshot, watch};

/// Reads that can go on at the same time.
const READERS: u32 = 4;

/// An open database. Clones are cheap and the same.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    jobs: mpsc::UnboundedSender<Job>,
    /// How many jobs were ever queued.
    queued: AtomicU64,
    /// How many of them are done.
    done: watch::Receiver<u64>,
    readers: SqlitePool,
    owner: Mutex<Option<Owner>>,
    bases: Bases,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database, and makes or upgrades it where that is needed. Folders that are missing are made.
    ///
    /// # Errors
    /// [`StoreError::Foreign`], [`StoreError::Newer`] and [`StoreError::Damaged`] leave the file as it is.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        // An absolute path cannot be taken for a URI by SQLite, and stays right when the working folder changes.
        let path =
            std::path::absolute(path).map_err(|error| StoreError::io(path, "find", error))?;
        // Whoever found the file damaged has to be alone with it, and waits here for those who are about to find out.
        let opening = open::lock(&path).await?;
        let held = open::hold(&path).await?;
        let conn = open::open(&path).await?;
        drop(opening);
        let (jobs, queue) = mpsc::unbounded_channel();
        let (progress, done) = watch::channel(0);
        tokio::spawn(writer::run(conn, held, path.clone(), queue, progress));
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .idle_timeout(Duration::from_secs(60))
            .connect_lazy_with(open::options(&path).pragma("query_only", "on"));
        let inner = Inner {
            path,
            jobs,
            queued: AtomicU64::new(0),
            done,
            readers,
            owner: Mutex::default(),
            bases: Bases::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Waits for all that is queued, and closes the file. Clones fail with [`StoreError::Closed`] from then on.
    ///
    /// # Errors
    /// When the file cannot be closed properly; what was acknowledged is there all the same.
    pub async fn close(self) -> Result<(), StoreError> {
        self.inner.readers.close().await;
        self.submit(Work::Close).await.map(drop)
    }

    /// Writes all or nothing. It is on the disk when this returns. Commits that wait at the same time share
    /// one flush of the disk; one that fails takes none of the others with it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and [`StoreError::Invalid`] for rows that do not fit; all that a disk can do.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.submit(Work::Commit(writes)).await.map(drop)
    }

    /// As [`Store::commit`], but already queued when this returns: every later commit and read comes after it.
    /// The future is done when it is on the disk; it can be dropped.
    /// It may wait some milliseconds for others to share the flush with.
    pub fn enqueue(
        &self,
        writes: Vec<Write>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        let queued = self.queue(Work::Commit(writes), false);
        async { queued.await.map(drop) }
    }

    /// As [`Store::enqueue`], but at once, together with all that was queued before.
    pub fn flush(
        &self,
        writes: Vec<Write>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        let queued = self.queue(Work::Commit(writes), true);
        async { queued.await.map(drop) }
    }

    /// Writes a decision together with what belongs to it, and tells its number.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit_decision(
        &self,
        writes: Vec<Write>,
        session_id: SessionId,
        created_at: UnixMillis,
        payload: String,
    ) -> Result<i64, StoreError> {
        self.submit(Work::Decision {
            writes,
            session_id,
            created_at,
            payload,
        })
        .await
    }

    /// Deletes a session with all that belongs to it. The ledger keeps its rows.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or as [`Store::commit`].
    pub async fn delete(&self, id: SessionId) -> Result<(), StoreError> {
        self.submit(Work::Delete(id)).await.map(drop)
    }

    /// The project of a folder, new or known, opened now. `path` is the folder's canonical path.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn open_project(&self, path: &str, now: UnixMillis) -> Result<Project, StoreError> {
        self.submit(Work::Project {
            path: path.to_owned(),
            now,
        })
        .await?;
        let mut conn = self.read().await?;
        project::at(&mut conn, path)
            .await
            .map_err(|error| self.failed(error))
    }

    /// The projects that the user opened and did not take off the list, the one that was last opened first.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn projects(&self) -> Result<Vec<Project>, StoreError> {
        let mut conn = self.read().await?;
        let listed = project::listed(&mut conn).await;
        listed.map_err(|error| self.failed(error))
    }

    /// The user's rules for a folder, by its canonical path, in the order in which they were given.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn rules(&self, folder: &str) -> Result<Vec<StoredRule>, StoreError> {
        let mut conn = self.read().await?;
        let rules = rule::of_folder(&mut conn, folder).await;
        rules.map_err(|error| self.failed(error))
    }

    /// What the user trusts of a folder, or of all folders.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn trusts(&self, folder: Option<&str>) -> Result<Vec<Trust>, StoreError> {
        let mut conn = self.read().await?;
        let trusts = rule::trusts(&mut conn, folder).await;
        trusts.map_err(|error| self.failed(error))
    }

    /// The commands that sessions of a folder asked to run, with how often, the last first.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn commands(
        &self,
        folder: &str,
        limit: u32,
    ) -> Result<Vec<(String, u32)>, StoreError> {
        let mut conn = self.read().await?;
        let commands = rule::commands(&mut conn, folder, limit).await;
        commands.map_err(|error| self.failed(error))
    }

    /// A session.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or as all reads.
    pub async fn session(&self, id: SessionId) -> Result<Session, StoreError> {
        let mut conn = self.read().await?;
        session::one(&mut conn, id)
            .await
            .map_err(|error| self.failed(error))
    }

    /// Sessions; the one that was last added to comes first.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn sessions(&self, list: &ListSessions) -> Result<Vec<Session>, StoreError> {
        let mut conn = self.read().await?;
        let found =
            session::all(&mut conn, list.folder.as_deref(), list.archived, list.limit).await;
        found.map_err(|error| self.failed(error))
    }

    /// The attempts of a task, the first first.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn attempts(&self, id: TaskId) -> Result<Vec<Session>, StoreError> {
        let mut conn = self.read().await?;
        let found = session::of_task(&mut conn, id).await;
        found.map_err(|error| self.failed(error))
    }

    /// The worktrees that Kerf made, the oldest first.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn worktrees(&self) -> Result<Vec<Worktree>, StoreError> {
        let mut conn = self.read().await?;
        let found = worktree::all(&mut conn).await;
        found.map_err(|error| self.failed(error))
    }

    /// A worktree.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or as all reads.
    pub async fn worktree(&self, id: WorktreeId) -> Result<Worktree, StoreError> {
        let mut conn = self.read().await?;
        let found = worktree::one(&mut conn, id).await;
        found.map_err(|error| self.failed(error))
    }

    /// The worktree that a session works in, if it does.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn worktree_of(&self, id: SessionId) -> Result<Option<Worktree>, StoreError> {
        let mut conn = self.read().await?;
        let found = worktree::of_session(&mut conn, id).await;
        found.map_err(|error| self.failed(error))
    }

    /// A session with its turns and their items, in the order in which they were first written.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or as all reads.
    pub async fn transcript(&self, id: SessionId) -> Result<Transcript, StoreError> {
        let mut conn = self.read().await?;
        transcript::transcript(&mut conn, id)
            .await
            .map_err(|error| self.failed(error))
    }

    /// The map that a session begins with, when it has one.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn session_map(&self, id: SessionId) -> Result<Option<String>, StoreError> {
        let mut conn = self.read().await?;
        let map = session::map(&mut conn, id).await;
        map.map_err(|error| self.failed(error))
    }

    /// The highest event number among a session's items; 0 when it has none.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn last_seq(&self, id: SessionId) -> Result<u64, StoreError> {
        let mut conn = self.read().await?;
        transcript::last_seq(&mut conn, id)
            .await
            .map_err(|error| self.failed(error))
    }

    /// Queues work, and gives the future of its outcome.
    pub(crate) fn submit(
        &self,
        work: Work,
    ) -> impl Future<Output = Result<i64, StoreError>> + Send + use<> {
        self.queue(work, true)
    }

    fn queue(
        &self,
        work: Work,
        urgent: bool,
    ) -> impl Future<Output = Result<i64, StoreError>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        // Counted first: a read that sees the job counted waits for it, and one that does not was earlier.
        self.inner.queued.fetch_add(1, Ordering::SeqCst);
        // When the writer is gone, the reply goes with the job, and the answer says so.
        drop(self.inner.jobs.send(Job {
            work,
            urgent,
            reply,
        }));
        async { answer.await.unwrap_or(Err(StoreError::Closed)) }
    }

    /// A connection to read with, after all that was queued before.
    pub(crate) async fn read(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        let queued = self.inner.queued.load(Ordering::SeqCst);
        let mut done = self.inner.done.clone();
        done.wait_for(|done| *done >= queued)
            .await
            .map_err(|_| StoreError::Closed)?;
        self.inner
            .readers
            .acquire()
            .await
            .map_err(|error| StoreError::sqlx(self.path(), error))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.inner.path
    }

    pub(crate) fn bases(&self) -> &Bases {
        &self.inner.bases
    }

    pub(crate) fn owner_slot(&self) -> MutexGuard<'_, Option<Owner>> {
        self.inner
            .owner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn failed(&self, error: Failed) -> StoreError {
        error.at(self.path())
    }
}
