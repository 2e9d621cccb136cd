//! The worktrees that sessions work in, and the registry of them.
//!
//! A row is there before anything of a worktree is, and says what is being done to it; git is asked what there is. So
//! whoever is killed in between leaves work that the next look finishes ([`Engine::tidy_worktrees`]). Only folders that
//! have a row and lie beneath Kerf's own folder are ever removed, and what is removed is in the archive first.
//!
//! Whoever makes, removes or tidies a worktree holds its lock, a file that the system lets go of when a process ends.

mod describe;
mod lend;
mod names;
mod passing;
mod set_up;
mod tidy;

use crate::{
    engine::{Engine, now},
    failure::{failure, from_panic, from_store},
    projects::from_git,
};
use describe::{bytes_beneath, in_words};
use kerf_git::{Made, Place, Repo, clone_file};
use kerf_protocol::{
    Code, Failure, SessionId, WorktreeId,
    session::Session,
    worktree::{
        ListWorktrees, ListedWorktree, RemoveWorktree, WorkspaceKind, Worktree, WorktreeRef,
        WorktreeState,
    },
};
use kerf_store::Write;
pub(crate) use lend::lent_to;
use names::{branch_name, slug, tail};
pub(crate) use passing::Passing;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// Where in Kerf's folder of worktrees the locks are.
const LOCKS: &str = ".locks";

impl Engine {
    /// Gives a session that is not stored yet the workspace that it is to have, and stores it.
    pub(crate) async fn settle_session(
        &self,
        mut session: Session,
        workspace: WorkspaceKind,
        number: usize,
        project: &str,
    ) -> Result<Session, Failure> {
        let WorkspaceKind::Worktree { branch } = workspace else {
            let write = Write::Session(session.clone());
            self.store().commit(vec![write]).await.map_err(from_store)?;
            return Ok(session);
        };
        let branch = branch.as_deref().map(branch_name).transpose()?;
        let folder = PathBuf::from(&session.folder);
        let (repo, inner) = blocking(move || repository(&folder)).await?;
        let name = format!("{}-{}", slug(project), tail(session.project_id, 8));
        let path = self
            .worktree_root()?
            .join(name)
            .join(tail(session.task_id, 12))
            .join(number.to_string());
        let mut worktree = begun(&session, session.id, &repo, &path)?;
        worktree.branch = branch;
        let lock = self.lock_worktree(worktree.id)?;
        self.keep_worktree(&worktree).await?;
        let place = place(&worktree);
        let lends = self.lends(&session);
        let made = {
            let place = place.clone();
            blocking(move || make(&repo, &place, &inner, lends)).await
        };
        let (folder, made) = match made {
            Ok(made) => made,
            Err(failure) => {
                self.give_up(&worktree).await;
                return Err(failure);
            }
        };
        tracing::debug!(path = %place.path.display(), "made a worktree");
        session.worktree_of = Some(std::mem::replace(&mut session.folder, text(&folder)?));
        worktree.state = WorktreeState::Ready;
        (worktree.head, worktree.base) = (made.head, Some(made.base));
        worktree.notes = made.notes;
        tracing::debug!(id = %session.id, "the session is about to be in its worktree");
        // Both at once: a worktree without its session would be swept at the next start.
        let writes = vec![Write::Session(session.clone()), Write::Worktree(worktree)];
        self.store().commit(writes).await.map_err(from_store)?;
        tracing::debug!(id = %session.id, "the session is in its worktree");
        drop(lock);
        Ok(session)
    }

    pub(crate) async fn worktree_list(
        &self,
        ListWorktrees { folder, rows_only }: ListWorktrees,
    ) -> Result<Vec<ListedWorktree>, Failure> {
        self.tidy_worktrees().await?;
        let folder = folder
            .map(|folder| crate::engine::canonical_folder(&folder))
            .transpose()?;
        let mut listed = Vec::new();
        for worktree in self.store().worktrees().await.map_err(from_store)? {
            if folder
                .as_ref()
                .is_some_and(|folder| !folder.starts_with(&worktree.folder))
            {
                continue;
            }
            let session = self.store().session(worktree.session_id).await;
            let looked_at = worktree.clone();
            let (bytes, work) = blocking(move || {
                if rows_only {
                    return Ok((0, Vec::new()));
                }
                let place = place(&looked_at);
                let bytes = bytes_beneath(&place.path) + bytes_beneath(&place.objects);
                let work = match (looked_at.state, open(&looked_at)) {
                    (WorktreeState::Ready, Ok(repo)) => match repo.worktree_at_a_glance(&place) {
                        Ok(work) => in_words(&work),
                        Err(error) => vec![error.to_string()],
                    },
                    (WorktreeState::Ready, Err(failure)) => vec![failure.message],
                    _ => Vec::new(),
                };
                Ok((bytes, work))
            })
            .await?;
            listed.push(ListedWorktree {
                worktree,
                title: session.map(|session| session.title).unwrap_or_default(),
                bytes,
                work,
            });
        }
        Ok(listed)
    }

    pub(crate) async fn worktree_remove(
        &self,
        RemoveWorktree { worktree_id, force }: RemoveWorktree,
    ) -> Result<Worktree, Failure> {
        self.tidy_worktrees().await?;
        let worktree = self
            .store()
            .worktree(worktree_id)
            .await
            .map_err(from_store)?;
        let slot = self.awake().place(worktree.session_id);
        let mut slot = slot.lock().await;
        if slot.as_ref().is_some_and(|live| live.is_running()) {
            return Err(failure(
                Code::Conflict,
                "the session in this worktree is running",
                "Stop it first",
            ));
        }
        let store = self.store();
        // A session that is open here is ours; one that is deleted is nobody's.
        let _claim = match &*slot {
            None if store.session(worktree.session_id).await.is_ok() => {
                let owner = store.owner().map_err(from_store)?;
                let claimed = store.claim(worktree.session_id, &owner).await;
                Some(claimed.map_err(from_store)?)
            }
            _ => None,
        };
        let removed = self.remove_worktree(worktree, force).await?;
        // What it knew of the folder is of no use any more.
        *slot = None;
        Ok(removed)
    }

    /// Removes a worktree in which nobody works.
    pub(crate) async fn remove_worktree(
        &self,
        mut worktree: Worktree,
        force: bool,
    ) -> Result<Worktree, Failure> {
        self.heed_place(&worktree)?;
        let _one = self.tidying().await;
        let lock = self.lock_worktree(worktree.id)?;
        if worktree.state != WorktreeState::Ready {
            return Err(failure(
                Code::NotFound,
                "this worktree is removed already",
                "`kerf worktrees restore` brings it back",
            ));
        }
        let at = worktree.clone();
        let lost = blocking(move || {
            let (repo, place) = (open(&at)?, place(&at));
            repo.may_remove(&place).map_err(from_git)?;
            let work = repo.worktree_work(&place).map_err(from_git)?;
            if work.is_any() && !force {
                return Err(failure(
                    Code::Conflict,
                    format!(
                        "the worktree {} holds work that is nowhere else: {}",
                        at.path,
                        in_words(&work).join("; ")
                    ),
                    "Accept it, commit it to a branch or move it away first; --force removes it, into the archive where that can hold it",
                ));
            }
            repo.archive_worktree(&place).map_err(from_git)?;
            Ok(describe::lost(&work))
        })
        .await?;
        worktree.notes = lost;
        worktree.state = WorktreeState::Removing;
        self.keep_worktree(&worktree).await?;
        let worktree = self.finish_removal(worktree).await?;
        drop(lock);
        Ok(worktree)
    }

    /// Takes away what is archived. The lock is held.
    async fn finish_removal(&self, mut worktree: Worktree) -> Result<Worktree, Failure> {
        let at = worktree.clone();
        blocking(move || {
            let (repo, place) = (open(&at)?, place(&at));
            repo.remove_worktree(&place, &mut |next| {
                tracing::debug!(next, "removing a worktree")
            })
            .map_err(from_git)
        })
        .await?;
        worktree.state = WorktreeState::Archived;
        worktree.removed_at = Some(now());
        self.keep_worktree(&worktree).await?;
        Ok(worktree)
    }

    pub(crate) async fn worktree_restore(
        &self,
        WorktreeRef { worktree_id }: WorktreeRef,
    ) -> Result<Worktree, Failure> {
        self.tidy_worktrees().await?;
        // Says so when there is no such worktree.
        self.store()
            .worktree(worktree_id)
            .await
            .map_err(from_store)?;
        let _one = self.tidying().await;
        let lock = self.lock_worktree(worktree_id)?;
        let mut worktree = self
            .store()
            .worktree(worktree_id)
            .await
            .map_err(from_store)?;
        self.heed_place(&worktree)?;
        if worktree.state != WorktreeState::Archived {
            return Err(failure(Code::Conflict, "this worktree is there", ""));
        }
        let session = self.store().session(worktree.session_id).await;
        // One that is deleted runs no command.
        let lends = session.is_ok_and(|session| self.lends(&session));
        let at = worktree.clone();
        let made = blocking(move || {
            let (repo, place) = (open(&at)?, place(&at));
            let step = &mut |next| tracing::debug!(next, "bringing a worktree back");
            let mut made = repo
                .restore_worktree(&place, &clone_file, step)
                .map_err(from_git)?;
            if lends {
                lend::make_room(&place.path, &mut made);
            }
            Ok(made)
        })
        .await?;
        worktree.notes = made.notes;
        worktree.state = WorktreeState::Ready;
        worktree.removed_at = None;
        self.keep_worktree(&worktree).await?;
        drop(lock);
        Ok(worktree)
    }

    /// Takes away what there is of a worktree that was not made, and its row. While something stays the row does too: by
    /// it the next look finds what is left.
    async fn give_up(&self, worktree: &Worktree) {
        if let Err(failure) = self.unmake(worktree).await {
            let (id, message) = (worktree.id, failure.message);
            tracing::warn!(%id, message, "something of a worktree that was not made stays until the next look");
        }
    }

    /// Takes away a worktree that nobody has worked in, and then its row. The lock is held.
    async fn unmake(&self, worktree: &Worktree) -> Result<(), Failure> {
        let at = worktree.clone();
        blocking(move || open(&at)?.unmake_worktree(&place(&at)).map_err(from_git)).await?;
        self.forget_worktree(worktree.id).await
    }

    /// Forgets a worktree of which nothing is left. The lock is held.
    async fn forget_worktree(&self, id: WorktreeId) -> Result<(), Failure> {
        let forget = Write::ForgetWorktree(id);
        let forgotten = self.store().commit(vec![forget]).await;
        forgotten.map_err(from_store)?;
        self.remove_lock(id);
        Ok(())
    }

    fn remove_lock(&self, id: WorktreeId) {
        let lock = self.lock_of(id);
        if let Err(error) = fs::remove_file(&lock) {
            tracing::warn!(%error, path = %lock.display(), "the lock of a worktree that is gone stays");
        }
    }

    async fn keep_worktree(&self, worktree: &Worktree) -> Result<(), Failure> {
        let (id, state) = (worktree.id, worktree.state);
        tracing::debug!(%id, ?state, "the registry is about to say");
        let write = Write::Worktree(worktree.clone());
        self.store().commit(vec![write]).await.map_err(from_store)?;
        tracing::debug!(%id, ?state, "the registry says");
        Ok(())
    }

    /// Kerf's folder of worktrees, canonical: git compares paths by their text.
    fn worktree_root(&self) -> Result<PathBuf, Failure> {
        let root = self.home().worktrees();
        fs::create_dir_all(&root)
            .and_then(|()| root.canonicalize())
            .map_err(|error| no_place(&root, &error))
    }

    /// Whether a worktree lies where Kerf makes them: nothing else is ever touched, whatever a row says.
    fn heed_place(&self, worktree: &Worktree) -> Result<(), Failure> {
        if Path::new(&worktree.path).starts_with(self.worktree_root()?) {
            return Ok(());
        }
        Err(failure(
            Code::Denied,
            format!("{} is not in Kerf's folder of worktrees", worktree.path),
            "Remove it yourself with git worktree remove",
        ))
    }

    fn lock_of(&self, id: WorktreeId) -> PathBuf {
        self.home().worktrees().join(LOCKS).join(id.to_string())
    }

    fn lock_worktree(&self, id: WorktreeId) -> Result<File, Failure> {
        let path = self.lock_of(id);
        let file = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| File::create(&path))
            .map_err(|error| no_place(&path, &error))?;
        file.try_lock().map_err(|_| {
            failure(
                Code::Conflict,
                "another Kerf is at work on this worktree",
                "Wait until it is done",
            )
        })?;
        Ok(file)
    }
}

/// The row of a worktree of which nothing is there yet.
fn begun(
    session: &Session,
    session_id: SessionId,
    repo: &Repo,
    path: &Path,
) -> Result<Worktree, Failure> {
    Ok(Worktree {
        id: WorktreeId::new(),
        project_id: session.project_id,
        session_id,
        folder: text(repo.workdir())?,
        path: text(path)?,
        branch: None,
        state: WorktreeState::Creating,
        head: None,
        base: None,
        notes: Vec::new(),
        made_at: now(),
        removed_at: None,
    })
}

/// Makes a worktree, and says which folder of it is the one that was opened. What there is of one that fails is for
/// [`Engine::give_up`].
fn make(repo: &Repo, place: &Place, inner: &Path, lends: bool) -> Result<(PathBuf, Made), Failure> {
    let made = repo.make_worktree(place, &clone_file, &mut |next| {
        tracing::debug!(next, "making a worktree");
    });
    // A folder of the project that git tracks nothing in.
    let made = made.and_then(|mut made| {
        let folder = place.path.join(inner);
        fs::create_dir_all(&folder).map_err(|source| kerf_git::GitError::Io {
            action: "make the folder",
            path: folder.clone(),
            source,
        })?;
        if lends {
            lend::make_room(&place.path, &mut made);
        }
        Ok((folder, made))
    });
    made.map_err(from_git)
}

/// The repository of a worktree, by the user's folder.
fn open(worktree: &Worktree) -> Result<Repo, Failure> {
    let found = Repo::discover(Path::new(&worktree.folder)).map_err(from_git)?;
    found.ok_or_else(|| {
        failure(
            Code::NotFound,
            format!("{} is no git repository any more", worktree.folder),
            "Put it back; until then nothing is done to its worktrees",
        )
    })
}

/// The repository of a folder, and the folder's path in its working tree.
fn repository(folder: &Path) -> Result<(Repo, PathBuf), Failure> {
    let Some(repo) = Repo::discover(folder).map_err(from_git)? else {
        return Err(failure(
            Code::Usage,
            format!(
                "{} is in no git repository, so no worktree can be made of it",
                folder.display()
            ),
            "Work in place, or make one with `git init`",
        ));
    };
    let inner = folder
        .strip_prefix(repo.workdir())
        .map(Path::to_owned)
        .unwrap_or_default();
    Ok((repo, inner))
}

/// A worktree as git's part of Kerf knows it.
pub(crate) fn place(worktree: &Worktree) -> Place {
    Place {
        id: worktree.id.to_string(),
        path: PathBuf::from(&worktree.path),
        objects: PathBuf::from(format!("{}.objects", worktree.path)),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(from_panic)?
}

fn no_place(path: &Path, error: &std::io::Error) -> Failure {
    failure(
        Code::Storage,
        format!("{} cannot be used for worktrees: {error}", path.display()),
        "Check the disk and the permissions of Kerf's data folder; `kerf doctor` names it",
    )
}

fn text(path: &Path) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        failure(
            Code::Usage,
            format!("{} has a name that is not UTF-8", path.display()),
            "Open a folder whose path is UTF-8",
        )
    })
}
