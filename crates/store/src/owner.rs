//! Who drives a session. An owner is a locked file in the folder `running/` beside the database: the operating
//! system lets go of the lock when the process ends, however it ends, so that no process id has to be trusted.

use crate::{StoreError, Write, open::private_folder, row::Failed, store::Store};
use kerf_protocol::{
    SessionId,
    session::{Session, SessionState},
};
use sqlx::SqliteConnection;
use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};
use uuid::Uuid;

/// A running Kerf, as far as sessions are concerned. Clones are the same owner; it lives as long as one of them.
#[derive(Debug, Clone)]
pub struct Owner(Arc<Locked>);

#[derive(Debug)]
struct Locked {
    token: String,
    path: PathBuf,
    /// Holds the lock; never read.
    _file: File,
}

impl Drop for Locked {
    fn drop(&mut self) {
        // A file that stays behind is unlocked, and goes when somebody asks whether its owner is alive.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Owner {
    fn new(database: &Path) -> Result<Self, StoreError> {
        let token = Uuid::now_v7().to_string();
        let path = lock_path(&folder(database)?, &token);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|error| StoreError::io(&path, "create", error))?;
        file.lock()
            .map_err(|error| StoreError::io(&path, "lock", error))?;
        Ok(Self(Arc::new(Locked {
            token,
            path,
            _file: file,
        })))
    }

    /// Names the owner in the database.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.0.token
    }

    /// The process, to be shown.
    #[must_use]
    pub fn pid(&self) -> u32 {
        std::process::id()
    }
}

/// The right to drive a session. It ends when this is dropped, or with the process. An owner that claims a
/// session twice has one right: the first claim that is dropped ends it.
#[derive(Debug)]
#[must_use]
pub struct Claim {
    store: Store,
    session_id: SessionId,
    owner: Owner,
}

impl Claim {
    /// The session.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.session_id
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let disown = Write::Disown {
            session_id: self.session_id,
            owner: self.owner.clone(),
        };
        // Queued, not awaited: when it is lost, the owner is gone as well and nobody waits for it.
        drop(self.store.enqueue(vec![disown]));
    }
}

impl Store {
    /// This store's owner, the same for all its clones; made when it is first asked for.
    ///
    /// # Errors
    /// When the folder `running/` beside the database cannot be written or has no locks.
    pub fn owner(&self) -> Result<Owner, StoreError> {
        let mut owner = self.owner_slot();
        if let Some(owner) = &*owner {
            return Ok(owner.clone());
        }
        let new = Owner::new(self.path())?;
        *owner = Some(new.clone());
        Ok(new)
    }

    /// Takes the right to drive a session, also from an owner that is gone.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another owner that is alive has it; [`StoreError::NotFound`].
    pub async fn claim(&self, session_id: SessionId, owner: &Owner) -> Result<Claim, StoreError> {
        self.submit(crate::writer::Work::Claim {
            session_id,
            owner: owner.clone(),
        })
        .await?;
        Ok(Claim {
            store: self.clone(),
            session_id,
            owner: owner.clone(),
        })
    }

    /// The sessions that were in the middle of a turn when their Kerf stopped, newest first.
    ///
    /// # Errors
    /// As all reads: see [`StoreError`].
    pub async fn interrupted(&self) -> Result<Vec<Session>, StoreError> {
        let mut conn = self.read().await?;
        let read = async {
            let mut found = crate::session::all(&mut conn, None, true, None).await?;
            found.retain(|session| {
                matches!(session.state, SessionState::Running | SessionState::Waiting)
            });
            let owners = sqlx::query!("select session_id, token from owner")
                .fetch_all(&mut *conn)
                .await?;
            let folder = folder(self.path())?;
            found.retain(|session| {
                let id = session.id.to_string();
                !owners
                    .iter()
                    .any(|row| row.session_id == id && is_alive(&folder, &row.token))
            });
            Ok(found)
        };
        read.await.map_err(|error: Failed| error.at(self.path()))
    }
}

/// See [`Store::claim`]; inside the writer's transaction, so that two processes cannot both be let in.
pub(crate) async fn claim(
    conn: &mut SqliteConnection,
    path: &Path,
    session_id: SessionId,
    owner: &Owner,
) -> Result<(), Failed> {
    let id = session_id.to_string();
    let row = sqlx::query!("select pid, token from owner where session_id = ?", id)
        .fetch_optional(&mut *conn)
        .await?;
    if let Some(row) = row
        && row.token != owner.token()
        && is_alive(&folder(path)?, &row.token)
    {
        let pid = u32::try_from(row.pid).unwrap_or(0);
        return Err(StoreError::InUse { session_id, pid }.into());
    }
    own(conn, session_id, owner).await
}

/// A session that another owner has who is alive, and that owner's process; none: there is none.
pub(crate) async fn others(
    conn: &mut SqliteConnection,
    database: &Path,
    own: &Owner,
) -> Result<Option<(SessionId, u32)>, Failed> {
    let rows = sqlx::query!("select session_id, pid, token from owner")
        .fetch_all(&mut *conn)
        .await?;
    let folder = folder(database)?;
    let alive = rows
        .into_iter()
        .find(|row| row.token != own.token() && is_alive(&folder, &row.token));
    alive
        .map(|row| Ok((row.session_id.parse()?, u32::try_from(row.pid).unwrap_or(0))))
        .transpose()
}

pub(crate) async fn own(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    owner: &Owner,
) -> Result<(), Failed> {
    let (id, pid, token) = (
        session_id.to_string(),
        i64::from(owner.pid()),
        owner.token(),
    );
    let done = sqlx::query!(
        "insert into owner (session_id, pid, token) select id, ?2, ?3 from session where id = ?1
         on conflict (session_id) do update set pid = excluded.pid, token = excluded.token",
        id,
        pid,
        token
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 0 {
        Err(Failed::not_found("session", session_id))
    } else {
        Ok(())
    }
}

pub(crate) async fn disown(
    conn: &mut SqliteConnection,
    session_id: SessionId,
    owner: &Owner,
) -> Result<(), Failed> {
    let (id, token) = (session_id.to_string(), owner.token());
    sqlx::query!(
        "delete from owner where session_id = ? and token = ?",
        id,
        token
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The folder of the locks, beside the database.
pub(crate) fn folder(database: &Path) -> Result<PathBuf, StoreError> {
    let folder = database.with_file_name("running");
    private_folder(&folder)?;
    Ok(folder)
}

fn lock_path(folder: &Path, token: &str) -> PathBuf {
    folder.join(format!("{token}.lock"))
}

fn is_alive(folder: &Path, token: &str) -> bool {
    // The token comes from the database: it must not lead out of the folder.
    let Ok(token) = token.parse::<Uuid>() else {
        return false;
    };
    let path = lock_path(folder, &token.to_string());
    let Ok(file) = File::open(&path) else {
        return false;
    };
    match file.try_lock() {
        Ok(()) => {
            let _ = std::fs::remove_file(&path);
            false
        }
        Err(TryLockError::WouldBlock) => true,
        // Rather ask the user to end the other process than let two drive one session.
        Err(TryLockError::Error(_)) => true,
    }
}
