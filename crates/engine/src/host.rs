//! What the agent needs from the engine: the log, the user's answers, and the desk.

mod look;

use crate::{
    comments::{Comments, sent},
    desk::Desk,
    engine::now,
    failure::{from_panic, from_store, to_host},
    indexes::Indexed,
    log::EventLog,
    network::SessionHosts,
};
use kerf_agent::{Connected, Host, HostError, NetworkCall, Nobody, Scope};
use kerf_egress::Tunnels;
use kerf_index::Change;
use kerf_protocol::{
    Failure, ItemId, QuestionId, SessionId, TurnId,
    event::EventBody,
    item::{FileChange, Item, ItemBody, ItemStatus},
    policy::{Answer, Losses, Question},
    review::Author,
    rule::{RuleOrigin, RuleVerdict},
};
use kerf_store::{Store, Write};
use kerf_workspace::RelPath;
use look::Looking;
pub(crate) use look::shortened;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::{Mutex as AsyncMutex, RwLock, oneshot};

pub(crate) struct SessionHost {
    session_id: SessionId,
    pub(crate) log: Arc<EventLog>,
    pub(crate) desk: Arc<Mutex<Desk>>,
    folder: String,
    store: Store,
    /// Whether somebody can answer.
    pub(crate) attended: bool,
    /// One decision at a time: each is written before the next is made.
    pub(crate) deciding: AsyncMutex<()>,
    pub(crate) comments: Comments,
    questions: Mutex<HashMap<QuestionId, oneshot::Sender<Answer>>>,
    jobs: Mutex<Jobs>,
    /// The look at the folder that a turn began with. What writes waits for it.
    looking: AsyncMutex<Option<Looking>>,
    /// Held while a look has stored contents that nothing names yet.
    naming: Arc<RwLock<()>>,
    /// The index of the folder, once a turn has needed it, with what the system tells of the folder.
    indexed: OnceLock<Arc<Indexed>>,
    /// The door for commands.
    tunnels: Tunnels,
    /// The hosts that they may connect to.
    pub(crate) hosts: SessionHosts,
}

/// Commands of the running turn that go on in the background. Nobody tells when they change a file, so what changes is
/// looked for before anybody else may change something, and at the end of the turn. Between turns it is the user's.
#[derive(Default)]
struct Jobs {
    turn_id: Option<TurnId>,
    /// The command that began last and has not ended.
    begun: Option<ItemId>,
    /// The call that began last, and its command if it runs one.
    call: Option<(ItemId, Option<String>)>,
    /// The files that a command is known to take away, with their sizes.
    doomed: Option<(ItemId, Vec<(RelPath, u64)>)>,
    /// The command whose end was not waited for.
    job: Option<Author>,
}

impl Jobs {
    /// Whether somebody may be changing something.
    fn has_any(&self) -> bool {
        self.begun.is_some() || self.job.is_some()
    }

    /// Who may have changed something since the last look.
    fn at_it(&mut self) -> Option<Author> {
        if let (Some(turn_id), Some(item_id)) = (self.turn_id, self.begun.take()) {
            self.job = Some(Author::Command { turn_id, item_id });
        }
        self.job
    }
}

impl SessionHost {
    pub(crate) fn new(
        session_id: SessionId,
        log: EventLog,
        desk: Desk,
        folder: String,
        store: Store,
        attended: bool,
        tunnels: Tunnels,
    ) -> Self {
        Self {
            session_id,
            naming: Arc::default(),
            folder,
            store,
            log: Arc::new(log),
            desk: Arc::new(Mutex::new(desk)),
            attended,
            deciding: AsyncMutex::default(),
            comments: Comments::default(),
            questions: Mutex::default(),
            jobs: Mutex::default(),
            looking: AsyncMutex::default(),
            indexed: OnceLock::new(),
            tunnels,
            hosts: SessionHosts::default(),
        }
    }

    /// Shares the engine's lock for what is stored before it is named.
    pub(crate) fn sharing(mut self, naming: Arc<RwLock<()>>) -> Self {
        self.naming = naming;
        self
    }

    /// Tells an index from now on what the agent changes.
    pub(crate) fn follow(&self, indexed: &Arc<Indexed>) {
        // A session has one folder, so a second one is the same.
        let _known = self.indexed.set(Arc::clone(indexed));
    }

    /// A search that follows a change finds it, however late the system tells of it.
    fn tell_index(&self, scope: &Owned, found: &[FileChange]) {
        let Some(indexed) = self.indexed.get() else {
            return;
        };
        let paths = match scope {
            Owned::Paths(paths) => paths.clone(),
            Owned::Anything => found
                .iter()
                .filter_map(|change| change.path.parse().ok())
                .collect(),
        };
        indexed.handle().changed(Change::Paths(paths));
    }

    /// Tells of an item that is done as it begins.
    pub(crate) fn tell(&self, turn_id: TurnId, status: ItemStatus, body: ItemBody) {
        let item = Item {
            id: ItemId::new(),
            turn_id,
            created_at: now(),
            status,
            step: 0,
            part: 0,
            body,
        };
        self.emit(EventBody::ItemStarted { item: item.clone() });
        self.emit(EventBody::ItemCompleted { item });
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds what commands in the background changed.
    async fn look_after_jobs(&self, stop: &Stop) -> Result<(), Failure> {
        let Some(author) = self.jobs().at_it() else {
            return Ok(());
        };
        let stop = stop.flag();
        self.at_desk(move |desk| desk.after_anything(author, &stop))
            .await
            .map(drop)
    }

    /// Tells the index of files that are not as they were.
    pub(crate) fn wrote(&self, paths: Vec<RelPath>) {
        self.tell_index(&Owned::Paths(paths), &[]);
    }

    /// The turn is over: what changes from now on is the user's.
    pub(crate) async fn end_turn(&self) {
        self.stop_look_meanwhile().await;
        self.looked_soon().await;
        let looked = match self.look_after_jobs(&Stop::default()).await {
            Ok(()) => self.log.durable().await,
            Err(failure) => Err(failure),
        };
        let looked = match looked {
            Ok(()) => self.with_desk(Desk::clear_record).await,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = looked {
            tracing::warn!(
                message = failure.message,
                "changes of a job may be missing in the review"
            );
        }
        *self.jobs() = Jobs::default();
    }

    /// Hands in an answer. False: no such question waits.
    pub(crate) fn answer(&self, question: QuestionId, answer: Answer) -> bool {
        let waiting = self
            .questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&question);
        waiting.is_some_and(|waiting| waiting.send(answer).is_ok())
    }

    /// Works at the desk, off the runtime. What came of it is written in the log's order, and is on disk at the next
    /// barrier.
    pub(crate) async fn at_desk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk) -> Result<(T, Vec<Write>), Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let log = Arc::clone(&self.log);
        self.with_desk(move |desk| {
            let (value, writes) = work(desk)?;
            log.keep(writes);
            Ok(value)
        })
        .await
    }

    /// The same for what no turn waits for: it is on disk when this returns.
    pub(crate) async fn decide_at_desk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk) -> Result<(T, Vec<Write>), Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let log = Arc::clone(&self.log);
        let (value, written) = self
            .with_desk(move |desk| {
                let (value, writes) = work(desk)?;
                Ok((value, log.write(writes)))
            })
            .await?;
        written.await?;
        Ok(value)
    }

    /// The work queues its writes before it lets go of the desk, so that a later row is never behind an earlier one.
    async fn with_desk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let desk = Arc::clone(&self.desk);
        let indexed = self.indexed.get().cloned();
        tokio::task::spawn_blocking(move || {
            // A panic at the desk poisons it; its state is then not to be trusted, and the session fails.
            let mut desk = desk.lock().map_err(|_| poisoned())?;
            if let Some(indexed) = &indexed {
                desk.told_by(indexed);
            }
            work(&mut desk)
        })
        .await
        .map_err(from_panic)?
    }
}

/// A question that waits. Afterwards the turn goes on, also when nobody wants the answer any more.
struct Waits<'a> {
    host: &'a SessionHost,
    question: QuestionId,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let questions = &self.host.questions;
        let mut questions = questions.lock().unwrap_or_else(PoisonError::into_inner);
        questions.remove(&self.question);
        drop(questions);
        self.host.log.running();
    }
}

fn poisoned() -> Failure {
    crate::failure::failure(
        kerf_protocol::Code::Internal,
        "the review of this session failed inside Kerf",
        "Start Kerf again; the session goes on from what is on disk",
    )
}

/// Stops work at the desk when it is dropped.
#[derive(Default)]
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[derive(Clone)]
enum Owned {
    Paths(Vec<RelPath>),
    Anything,
}

fn owned(scope: Scope<'_>) -> Owned {
    match scope {
        Scope::Paths(paths) => Owned::Paths(paths.to_vec()),
        Scope::Anything => Owned::Anything,
    }
}

impl Host for SessionHost {
    fn asks(self: &Arc<Self>) {
        self.look_meanwhile();
    }

    fn emit(&self, event: EventBody) {
        match &event {
            EventBody::TurnStarted { turn_id, .. } => self.jobs().turn_id = Some(*turn_id),
            EventBody::ItemStarted { item } => {
                if let ItemBody::ToolCall(call) = &item.body {
                    let command = call.arguments["command"].as_str().map(str::to_owned);
                    self.jobs().call = Some((item.id, command));
                }
            }
            _ => {}
        }
        let comments = match &event {
            EventBody::ItemCompleted { item } => match &item.body {
                ItemBody::UserMessage { comments, .. } => comments.clone(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        self.log.emit(event);
        // Behind the message: a crash between the two sends them twice, and never loses them.
        self.log.keep(sent(self.session_id, &comments));
        self.comments.arrived(&comments);
    }

    async fn durable(&self) -> Result<(), HostError> {
        self.log.durable().await.map_err(to_host)
    }

    async fn ask(&self, question: Question) -> Result<Answer, Nobody> {
        if !self.attended {
            return Err(Nobody);
        }
        let (sender, receiver) = oneshot::channel();
        self.questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(question.id, sender);
        let _waits = Waits {
            host: self,
            question: question.id,
        };
        receiver.await.map_err(|_| Nobody)
    }

    fn network(&self, mut call: NetworkCall) -> Option<Connected> {
        call.ask = call.ask.filter(|_| self.attended);
        self.hosts.network(self.session_id, &self.tunnels, call)
    }

    async fn keep_rule(&self, text: &str) -> Result<RuleOrigin, HostError> {
        let made_at = now();
        let write = Write::Rule {
            folder: self.folder.clone(),
            verdict: RuleVerdict::Allow,
            text: text.to_owned(),
            made_at,
        };
        let from_store = |error| to_host(from_store(error));
        self.store.commit(vec![write]).await.map_err(from_store)?;
        let kept = self.store.rules(&self.folder).await.map_err(from_store)?;
        let id = kept.iter().rev().find(|rule| rule.text == text);
        Ok(RuleOrigin::Answer {
            // It was written just now; whoever took it back since has no use for its number.
            id: id.map_or(0, |rule| rule.id),
            made_at,
        })
    }

    async fn keep_map(&self, map: &str) -> Result<(), HostError> {
        let write = Write::SessionMap {
            session_id: self.session_id,
            map: map.to_owned(),
        };
        let done = self.store.commit(vec![write]).await;
        done.map(drop).map_err(|error| to_host(from_store(error)))
    }

    async fn would_lose(&self, item_id: ItemId, command: &str, cwd: &str) -> Option<Losses> {
        let doomed = kerf_rules::destroys(command);
        if doomed.is_empty() {
            return None;
        }
        let cwd = cwd.to_owned();
        let found = self.with_desk(move |desk| Ok(desk.losses(&cwd, &doomed)));
        match found.await {
            Ok((losses, files)) => {
                self.jobs().doomed = Some((item_id, files));
                // Where nobody can be asked, the checkpoint before the command holds them.
                let asks = self.attended && (losses.count > 0 || losses.others);
                asks.then_some(losses)
            }
            Err(failure) => {
                tracing::warn!(
                    message = failure.message,
                    "what a command takes away is not known"
                );
                self.attended.then(|| Losses {
                    others: true,
                    ..Losses::default()
                })
            }
        }
    }

    async fn before_change(&self, item_id: ItemId, scope: Scope<'_>) -> Result<(), HostError> {
        // A look at a large folder takes long, and goes on at the desk when nobody waits for it any more.
        let stop = Stop::default();
        self.looked_for_call().await;
        self.look_after_jobs(&stop).await.map_err(to_host)?;
        let scope = owned(scope);
        let before = self.before(item_id, &scope);
        let doomed = self.jobs().doomed.take();
        let doomed = doomed.filter(|(id, _)| *id == item_id);
        let doomed = doomed.map_or_else(Vec::new, |(_, files)| files);
        let command = match (&scope, self.jobs().turn_id) {
            (Owned::Anything, Some(turn_id)) => Some(Author::Command { turn_id, item_id }),
            _ => None,
        };
        let flag = stop.flag();
        self.at_desk(move |desk| {
            let writes = match scope {
                Owned::Paths(paths) => desk.before_paths(&paths, &before, &flag)?,
                Owned::Anything => {
                    // A turn is always told to have begun.
                    let author = command.unwrap_or(Author::User);
                    desk.before_anything(author, &before, &doomed, &flag)?
                }
            };
            Ok(((), writes))
        })
        .await
        .map_err(to_host)?;
        if command.is_some() {
            self.jobs().begun = Some(item_id);
        }
        Ok(())
    }

    async fn after_change(
        &self,
        scope: Scope<'_>,
        author: Author,
    ) -> Result<Vec<FileChange>, HostError> {
        let scope = owned(scope);
        self.jobs().begun.take_if(
            |begun| matches!(author, Author::Command { item_id, .. } if item_id == *begun),
        );
        let job = self.jobs().job;
        let about = scope.clone();
        let found = self
            .at_desk(move |desk| match scope {
                Owned::Paths(paths) => desk.after_paths(&paths, author),
                Owned::Anything => {
                    let found = desk.after_anything(author, &AtomicBool::new(false))?;
                    // The command has ended, and a job in the background goes on.
                    if let Some(job) = job {
                        desk.record(job)?;
                    }
                    Ok(found)
                }
            })
            .await
            .map_err(to_host)?;
        self.tell_index(&about, &found);
        Ok(found)
    }
}
