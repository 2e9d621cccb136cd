//! Opening a session in this process: its rows, its folder, its review, and what was going on when it last stopped.

use crate::{
    desk::{Beside, Desk},
    engine::Engine,
    failure::{failure, from_fs, from_panic, from_store},
    host::SessionHost,
    interrupted::Interrupted,
    log::EventLog,
    placeholder_key,
    withheld::made_of_folder,
    worktrees::{lent_to, place},
};
use kerf_agent::{Agent, Control, Setup, UserInstructions};
use kerf_git::{Repo, Standing};
use kerf_index::Index;
use kerf_model::{Door, Target};
use kerf_protocol::{
    Code, Failure, SessionId,
    event::EventBody,
    policy::{Policy, SandboxMode},
    session::{Session, Transcript, Turn},
};
use kerf_sandbox::{Commits, Lent};
use kerf_store::Claim;
use kerf_workspace::{RelPath, Workspace};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::{Mutex as AsyncMutex, watch};

/// Instructions of the user's above this size are cut anyway.
const MAX_USER_INSTRUCTIONS: u64 = 1024 * 1024;

/// Whoever holds it takes a turn.
pub(crate) type SharedAgent = Arc<AsyncMutex<Agent<SessionHost>>>;

/// A session that is open in this process.
pub(crate) struct Live {
    pub(crate) host: Arc<SessionHost>,
    session: Mutex<Session>,
    /// Made at the first message: the review of a session needs no endpoint and no key. Made again after a turn that
    /// failed inside Kerf.
    agent: AsyncMutex<Option<SharedAgent>>,
    /// The shape that the last answer must have.
    output_schema: Mutex<Option<serde_json::Value>>,
    /// Whether the user's set-up command has nothing to do here any more.
    pub(crate) set_up: AtomicBool,
    /// What the user changed since the agent was made; the next turn begins with it.
    changed: Mutex<Option<Changed>>,
    opened: Opened,
    control: Mutex<Option<Control>>,
    /// Whether what is in `control` is no turn: none may begin just now.
    pub(crate) paused: AtomicBool,
    pub(crate) idle: watch::Sender<bool>,
    /// Whether a restore of this process did not come to its end.
    pub(crate) half_restored: AtomicBool,
    /// Keeps other processes from driving the session.
    _claim: Claim,
}

/// What the user can change between turns.
struct Changed {
    policy: Policy,
    /// The way to another model.
    way: Option<(Door, Target)>,
}

/// What the agent starts from.
struct Opened {
    workspace: Workspace,
    /// The user's folder that it was made of, when it is a worktree.
    made_of: Option<Workspace>,
    /// Where commits of commands go, when they do not go into the repository.
    commits: Option<Commits>,
    /// Folders of dependencies that commands see in the worktree.
    lent: Vec<Lent>,
    user_instructions: Option<UserInstructions>,
    /// None: the agent has them, or they are to be read again.
    turns: Mutex<Option<Vec<Turn>>>,
}

impl Opened {
    fn turns(&self) -> MutexGuard<'_, Option<Vec<Turn>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    pub(crate) fn is_running(&self) -> bool {
        self.control().is_some()
    }

    /// Whether a turn goes on.
    pub(crate) fn is_taking_turn(&self) -> bool {
        self.is_running() && !self.paused.load(Ordering::Relaxed)
    }

    /// The user gave the session a name, so that no first message does.
    pub(crate) fn renamed(&self, title: &str) {
        title.clone_into(&mut self.session().title);
    }

    /// The session goes on with another policy, and by another way when there is one.
    pub(crate) fn configured(&self, session: &Session, way: Option<(Door, Target)>) {
        let mut known = self.session();
        known.endpoint = session.endpoint.clone();
        known.policy = session.policy;
        let mut changed = self.changed();
        let way = way.or_else(|| changed.take()?.way);
        let policy = session.policy;
        *changed = Some(Changed { policy, way });
    }

    /// Gives the agent what the user changed.
    pub(crate) fn bring_up_to_date(&self, setup: &mut Setup) {
        if let Some(Changed { policy, way }) = self.changed().take() {
            setup.policy = policy;
            if let Some((door, target)) = way {
                setup.door = door;
                setup.target = target;
            }
        }
    }

    fn changed(&self) -> MutexGuard<'_, Option<Changed>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the agent: what it remembers is not to be trusted, or not the conversation any more. The next one starts from
    /// what is on disk.
    pub(crate) async fn forget_agent(&self) {
        let mut agent = self.agent.lock().await;
        *agent = None;
        *self.opened.turns() = None;
    }

    pub(crate) fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where commits of commands go, and the folders of dependencies that commands see.
    pub(crate) fn reach(&self) -> (Option<Commits>, Vec<Lent>) {
        (self.opened.commits.clone(), self.opened.lent.clone())
    }

    pub(crate) fn output_schema(&self) -> MutexGuard<'_, Option<serde_json::Value>> {
        self.output_schema
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn control(&self) -> MutexGuard<'_, Option<Control>> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Opens a session. Nothing is left of one that cannot be opened.
    pub(crate) async fn wake(&self, session_id: SessionId) -> Result<Live, Failure> {
        let store = self.store();
        // Trying the sandbox out starts a process; the rest of the opening goes on beside it.
        let sandbox = self.sandbox().clone();
        let probe = tokio::task::spawn_blocking(move || {
            sandbox.isolation(SandboxMode::WorkspaceWrite);
        });
        let owner = store.owner().map_err(from_store)?;
        let claim = store.claim(session_id, &owner).await.map_err(from_store)?;
        let Transcript {
            mut session,
            mut turns,
        } = self.stored(session_id).await?;
        let interrupted = Interrupted::mark(session_id, &mut turns);
        let workspace = open_folder(&session.folder)?;
        let made_of = made_of_folder(session.worktree_of.as_deref().map(Path::new))?;
        // What is wrong with the endpoint is told when it is needed.
        if let Ok(endpoint) = self.endpoint_now(session.endpoint.clone()) {
            session.endpoint = endpoint;
        }
        let rows = store.review_files(session_id).await.map_err(from_store)?;
        let checkpoints = store.checkpoints(session_id).await.map_err(from_store)?;
        let unfinished = self.unfinished(session_id, &checkpoints).await?;
        // Then the conversation may become another one.
        let turns_stay = unfinished.is_none();
        let beside = self.beside(&session).await?;
        let (aside, head) = self.aside(session_id).await?;
        let commits = self.commits_of(&session).await?;
        let lent = lent_to(&session).await?;
        let home = self.home().clone();
        let instructions = self.home().instructions();
        let at = workspace.clone();
        // Opening the desk reads the contents under review; only sessions with a review pay for it.
        let (mut desk, writes, user_instructions) = tokio::task::spawn_blocking(move || {
            remove_leftovers(&at, rows.iter().map(|(path, _)| path.as_str()));
            let last_list = checkpoints.last().map(|last| last.is.list.as_str());
            let mut desk = Desk::open(session_id, at, &home, rows, last_list, beside)?;
            desk.remember(aside, head)?;
            let mut writes = interrupted.found_by(&mut desk)?;
            if let Some(unfinished) = unfinished {
                writes.extend(unfinished.go_on(session_id, &mut desk)?);
            }
            Ok::<_, Failure>((desk, writes, user_instructions(&instructions)))
        })
        .await
        .map_err(from_panic)??;
        // All at once: who is killed before this finds the session as it was.
        if !writes.is_empty() {
            store.commit(writes).await.map_err(from_store)?;
        }
        if let Err(failure) = desk.remove_record() {
            tracing::warn!(
                message = failure.message,
                "a file that is not needed any more stays"
            );
        }
        let last_seq = store.last_seq(session_id).await.map_err(from_store)?;
        let host = SessionHost::new(
            session_id,
            EventLog::new(
                session_id,
                session.created_at,
                store.clone(),
                last_seq,
                self.windows(),
            ),
            desk,
            session.users_folder().to_owned(),
            store.clone(),
            self.options().attended,
            self.tunnels(),
        );
        let host = Arc::new(host.sharing(self.naming()));
        probe.await.map_err(from_panic)?;
        host.log.emit(EventBody::SessionStarted {
            folder: session.folder.clone(),
            endpoint: session.endpoint.clone(),
            policy: session.policy,
            isolation: self.sandbox().isolation(session.policy.sandbox),
            resumed: !turns.is_empty(),
        });
        Ok(Live {
            agent: AsyncMutex::default(),
            output_schema: Mutex::default(),
            changed: Mutex::default(),
            set_up: AtomicBool::new(false),
            opened: Opened {
                workspace,
                made_of,
                commits,
                lent,
                user_instructions,
                turns: Mutex::new(turns_stay.then_some(turns)),
            },
            host,
            session: Mutex::new(session),
            control: Mutex::new(None),
            paused: AtomicBool::new(false),
            half_restored: AtomicBool::new(false),
            idle: watch::Sender::new(true),
            _claim: claim,
        })
    }

    /// The agent of a session, with the way to its endpoint.
    pub(crate) async fn agent(&self, live: &Live) -> Result<SharedAgent, Failure> {
        let mut made = live.agent.lock().await;
        if let Some(agent) = &*made {
            return Ok(Arc::clone(agent));
        }
        let session = live.session().clone();
        let endpoint = self.endpoint_now(session.endpoint.clone())?;
        let (door, target) = self.open_door(endpoint).await?;
        let placeholder_key = self.placeholder_key(session.id).await?;
        let show = self.settings()?.secrets.show.into();
        let setup = Setup {
            session_id: session.id,
            workspace: live.opened.workspace.clone(),
            made_of: live.opened.made_of.clone(),
            index: self.index_for(live, &session.folder).await,
            sandbox: self.sandbox().clone(),
            door,
            target,
            commits: live.opened.commits.clone(),
            lent: live.opened.lent.clone(),
            policy: session.policy,
            rules: Arc::new(self.rules_for(&session).await?),
            map: self
                .store()
                .session_map(session.id)
                .await
                .map_err(from_store)?,
            user_instructions: live.opened.user_instructions.clone(),
            output_schema: live.output_schema().clone(),
            placeholder_key,
            set_up: None,
            show,
        };
        // From here on the agent has the history.
        let known = live.opened.turns().take();
        let turns = match known {
            Some(turns) => turns,
            None => self.stored(session.id).await?.turns,
        };
        let agent = Agent::new(setup, Arc::clone(&live.host), &turns);
        let agent = Arc::new(AsyncMutex::new(agent));
        *made = Some(Arc::clone(&agent));
        Ok(agent)
    }

    pub(crate) async fn placeholder_key(&self, session_id: SessionId) -> Result<[u8; 32], Failure> {
        let file = self.home().placeholder_key();
        tokio::task::spawn_blocking(move || placeholder_key::of_session(&file, session_id))
            .await
            .map_err(from_panic)?
    }

    /// The index of the session's folder, which hears from the host what the agent changes. Work goes on without one.
    async fn index_for(&self, live: &Live, folder: &str) -> Option<Index> {
        let (engine, folder) = (self.clone(), PathBuf::from(folder));
        let opened = tokio::task::spawn_blocking(move || engine.indexed(&folder))
            .await
            .map_err(from_panic);
        match opened.and_then(|opened| opened) {
            Ok(indexed) => {
                live.host.follow(&indexed);
                Some(indexed.handle())
            }
            Err(failure) => {
                tracing::warn!(message = failure.message, "the folder has no index");
                None
            }
        }
    }

    /// The user's folder of a session that works in a worktree.
    pub(crate) async fn beside(&self, session: &Session) -> Result<Option<Beside>, Failure> {
        let Some(folder) = session.worktree_of.clone() else {
            return Ok(None);
        };
        let known = self.store().worktree_of(session.id).await;
        let Some(worktree) = known.map_err(from_store)? else {
            return Ok(None);
        };
        let branch = worktree.branch.clone();
        Ok(Some(Beside::new(folder, place(&worktree), branch)))
    }

    /// Where commits in a session's worktree go. Without its repository there are none.
    async fn commits_of(&self, session: &Session) -> Result<Option<Commits>, Failure> {
        let known = self.store().worktree_of(session.id).await;
        let Some(worktree) = known.map_err(from_store)? else {
            return Ok(None);
        };
        tokio::task::spawn_blocking(move || {
            let repo = Repo::discover(Path::new(&worktree.folder)).ok()??;
            let place = place(&worktree);
            (repo.standing(&place) == Standing::Whole).then(|| {
                let room = repo.commit_room(&place);
                Commits {
                    git_dir: room.git_dir,
                    objects: room.objects,
                    common_dir: room.common_dir,
                }
            })
        })
        .await
        .map_err(from_panic)
    }

    async fn stored(&self, session_id: SessionId) -> Result<Transcript, Failure> {
        let stored = self.store().transcript(session_id).await;
        stored.map_err(from_store)
    }
}

/// The folder of a session. It may have gone since.
fn open_folder(folder: &str) -> Result<Workspace, Failure> {
    if !Path::new(folder).is_dir() {
        return Err(failure(
            Code::NotFound,
            format!("the folder of this session, {folder}, is not there any more"),
            "Put it back to go on; `kerf sessions show` needs no folder",
        ));
    }
    Workspace::open(Path::new(folder)).map_err(from_fs)
}

/// Removes what a power cut left of saves. A file is under review before it is saved, so that these are all the folders
/// in which there may be any.
fn remove_leftovers<'a>(workspace: &Workspace, paths: impl Iterator<Item = &'a str>) {
    let folders: BTreeSet<RelPath> = paths
        .filter_map(|path| path.parse::<RelPath>().ok()?.parent())
        .collect();
    for folder in folders {
        match kerf_workspace::remove_leftovers(workspace, &folder) {
            Ok(removed) if removed.is_empty() => {}
            Ok(removed) => {
                tracing::info!(%folder, files = removed.len(), "removed what was left of saves")
            }
            Err(error) => tracing::warn!(%folder, %error, "what was left of saves may stay"),
        }
    }
}

fn user_instructions(path: &Path) -> Option<UserInstructions> {
    let meta = std::fs::metadata(path).ok()?;
    if !meta.is_file() || meta.len() > MAX_USER_INSTRUCTIONS {
        return None;
    }
    let text = std::fs::read_to_string(path).ok()?;
    Some(UserInstructions {
        path: path.display().to_string(),
        text,
    })
}
