//! The requests about sessions that need no running turn.

use crate::{
    engine::{Engine, canonical_folder, now},
    failure::{failure, from_store},
    git::whole_folder,
};
use kerf_checkpoint::Record;
use kerf_protocol::{
    Code, Failure, SessionId, TaskId,
    endpoint::{Endpoint, EndpointOrigin, Usage},
    item::ItemStatus,
    policy::Policy,
    request::{
        Archive, ConfigureSession, ListSessions, NewSession, Nothing, Rename, SearchSessions,
        SessionRef,
    },
    session::{Attached, Session, SessionHit, SessionState, Transcript},
    worktree::{WorkspaceKind, WorktreeState},
};
use kerf_store::Write;
use std::path::Path;

impl Engine {
    pub(crate) async fn session_new(&self, new: NewSession) -> Result<Session, Failure> {
        self.begin_session(new, TaskId::new(), 1, String::new())
            .await
    }

    /// Begins a session as an attempt of a task, by its number. One without a title gets it of its first message.
    pub(crate) async fn begin_session(
        &self,
        new: NewSession,
        task_id: TaskId,
        number: usize,
        title: String,
    ) -> Result<Session, Failure> {
        let folder = match new.workspace {
            WorkspaceKind::InPlace => canonical_folder(&new.folder)?,
            // It writes into the repository that the folder is in.
            WorkspaceKind::Worktree { .. } => whole_folder(&new.folder)?,
        };
        let Some(folder) = folder.to_str() else {
            return Err(failure(
                Code::Usage,
                format!("{} has a name that is not UTF-8", folder.display()),
                "Open a folder whose path is UTF-8",
            ));
        };
        let endpoint = self.choose_endpoint(new.endpoint.as_deref()).await?;
        let endpoint = self.with_model(endpoint, new.model).await?;
        let at = now();
        let project = self
            .store()
            .open_project(folder, at)
            .await
            .map_err(from_store)?;
        let session = Session {
            id: SessionId::new(),
            task_id,
            project_id: project.id,
            folder: folder.to_owned(),
            worktree_of: None,
            title,
            endpoint,
            policy: new.policy,
            state: SessionState::Idle,
            archived: false,
            created_at: at,
            updated_at: at,
            usage: Usage::default(),
        };
        self.settle_session(session, new.workspace, number, &project.name)
            .await
    }

    /// The endpoint with a model: the one asked for, the endpoint's own, or the only one that it serves.
    pub(crate) async fn with_model(
        &self,
        mut endpoint: Endpoint,
        model: Option<String>,
    ) -> Result<Endpoint, Failure> {
        if let Some(model) = model.filter(|model| !model.is_empty()) {
            endpoint.model = model;
        }
        if !endpoint.model.is_empty() || endpoint.origin == EndpointOrigin::Practice {
            return Ok(endpoint);
        }
        let (door, target) = self.open_door(endpoint.clone()).await?;
        let mut models = kerf_model::models(&door, &target)
            .await
            .map_err(|error| error.to_failure())?;
        if models.len() == 1 {
            let only = models.remove(0);
            endpoint.context_window = endpoint.context_window.or(only.context_window);
            endpoint.model = only.id;
            return Ok(endpoint);
        }
        let names: Vec<&str> = models
            .iter()
            .take(10)
            .map(|model| model.id.as_str())
            .collect();
        Err(failure(
            Code::Configuration,
            format!("no model is chosen for the endpoint `{}`", endpoint.name),
            format!(
                "Choose one with --model; it serves {}{}",
                names.join(", "),
                if models.len() > 10 { " and more" } else { "" }
            ),
        ))
    }

    pub(crate) async fn session_list(
        &self,
        mut list: ListSessions,
    ) -> Result<Vec<Session>, Failure> {
        if let Some(folder) = &list.folder {
            list.folder = Some(canonical_folder(folder)?.to_string_lossy().into_owned());
        }
        // Sessions whose process died in the middle of a turn are told as interrupted.
        let gone = self.store().interrupted().await.map_err(from_store)?;
        let mut sessions = self.store().sessions(&list).await.map_err(from_store)?;
        for session in &mut sessions {
            if gone.iter().any(|gone| gone.id == session.id) {
                session.state = SessionState::Interrupted;
            }
        }
        Ok(sessions)
    }

    pub(crate) async fn session_show(
        &self,
        SessionRef { session_id }: SessionRef,
    ) -> Result<Transcript, Failure> {
        self.store()
            .transcript(session_id)
            .await
            .map_err(from_store)
    }

    /// What is stored and, when the session is open in this process, what is going on beyond it.
    pub(crate) async fn session_attach(
        &self,
        SessionRef { session_id }: SessionRef,
    ) -> Result<Attached, Failure> {
        let live = self.awake().get(session_id).await;
        // First: what is done in between is then in the transcript as well, and is told again by an event.
        let going_on = live.as_ref().map(|live| live.host.log.going_on());
        let mut transcript = self
            .store()
            .transcript(session_id)
            .await
            .map_err(from_store)?;
        let Some(going_on) = going_on else {
            return Ok(Attached {
                transcript,
                seq: 0,
                context: None,
                running: false,
            });
        };
        for item in going_on.items {
            let turn = transcript
                .turns
                .iter_mut()
                .find(|turn| turn.id == item.turn_id);
            let Some(turn) = turn else { continue };
            match turn.items.iter_mut().find(|known| known.id == item.id) {
                // A question is stored as it waits; a call, as it began: what it has said so far is in the log alone.
                Some(known) if known.status == ItemStatus::Running => *known = item,
                Some(_) => {}
                None => turn.items.push(item),
            }
        }
        Ok(Attached {
            transcript,
            seq: going_on.seq,
            context: going_on.context,
            running: live.is_some_and(|live| live.is_taking_turn()),
        })
    }

    /// What a session runs with from its next turn on.
    pub(crate) async fn session_configure(
        &self,
        change: ConfigureSession,
    ) -> Result<Session, Failure> {
        let live = self.live(change.session_id).await?;
        let mut session = self
            .store()
            .session(change.session_id)
            .await
            .map_err(from_store)?;
        let mut way = None;
        if change.endpoint.is_some() || change.model.is_some() {
            let name = change.endpoint.as_deref().unwrap_or(&session.endpoint.name);
            let endpoint = self.choose_endpoint(Some(name)).await?;
            session.endpoint = self.with_model(endpoint, change.model).await?;
            way = Some(self.open_door(session.endpoint.clone()).await?);
        }
        session.policy = change.policy.unwrap_or(session.policy);
        let write = Write::Configured {
            id: session.id,
            endpoint: session.endpoint.clone(),
            policy: session.policy,
        };
        self.store().commit(vec![write]).await.map_err(from_store)?;
        live.configured(&session, way);
        Ok(session)
    }

    pub(crate) async fn session_search(
        &self,
        mut search: SearchSessions,
    ) -> Result<Vec<SessionHit>, Failure> {
        if let Some(folder) = &search.folder {
            search.folder = Some(canonical_folder(folder)?.to_string_lossy().into_owned());
        }
        self.store().search(&search).await.map_err(from_store)
    }

    pub(crate) async fn session_rename(
        &self,
        Rename { session_id, title }: Rename,
    ) -> Result<Nothing, Failure> {
        let title = title.trim().to_owned();
        if title.is_empty() {
            return Err(failure(Code::Usage, "the title is empty", ""));
        }
        let write = Write::Title {
            id: session_id,
            title: title.clone(),
        };
        let done = self.change(session_id, write).await?;
        if let Some(live) = self.awake().get(session_id).await {
            live.renamed(&title);
        }
        Ok(done)
    }

    pub(crate) async fn session_archive(
        &self,
        Archive {
            session_id,
            archived,
        }: Archive,
    ) -> Result<Nothing, Failure> {
        self.change(
            session_id,
            Write::Archived {
                id: session_id,
                archived,
            },
        )
        .await
    }

    async fn change(&self, session_id: SessionId, write: Write) -> Result<Nothing, Failure> {
        // Says so when there is no such session.
        self.store().session(session_id).await.map_err(from_store)?;
        self.store().commit(vec![write]).await.map_err(from_store)?;
        Ok(Nothing {})
    }

    pub(crate) async fn session_delete(
        &self,
        SessionRef { session_id }: SessionRef,
    ) -> Result<Nothing, Failure> {
        let place = self.awake().place(session_id);
        let mut slot = place.lock().await;
        if slot.as_ref().is_some_and(|live| live.is_running()) {
            return Err(failure(
                Code::Conflict,
                "the session is running",
                "Stop it first",
            ));
        }
        let store = self.store();
        // Says so when there is no such session.
        store.session(session_id).await.map_err(from_store)?;
        // A session that is open here is ours already; a second claim would end the first when it is dropped.
        let _claim = match &*slot {
            Some(_) => None,
            None => {
                let owner = store.owner().map_err(from_store)?;
                // Says so when another Kerf drives it.
                Some(store.claim(session_id, &owner).await.map_err(from_store)?)
            }
        };
        // Its worktree goes first, or stays with it: what is in there may be nowhere else.
        if let Some(worktree) = store.worktree_of(session_id).await.map_err(from_store)?
            && worktree.state == WorktreeState::Ready
            && Path::new(&worktree.path).exists()
        {
            self.remove_worktree(worktree, false).await?;
        }
        store.delete(session_id).await.map_err(from_store)?;
        *slot = None;
        let mut record = Record::at(self.home().record(session_id));
        if let Err(error) = record.remove() {
            tracing::warn!(%error, "a file of the deleted session stays");
        }
        Ok(Nothing {})
    }

    /// What the file allows the agent to do is not taken over: that is for the user to say.
    pub(crate) async fn session_import(
        &self,
        mut transcript: Transcript,
    ) -> Result<Session, Failure> {
        transcript.session.policy = Policy::default();
        self.store()
            .import(transcript, now())
            .await
            .map_err(from_store)
    }
}
