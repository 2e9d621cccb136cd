//! A session to be tested, and the host that records it.

use bytes::Bytes;
use kerf_agent::{
    Agent, Connected, Control, Host, HostError, NetworkCall, Nobody, Scope, Setup, TurnEnd,
    UserInput,
};
use kerf_egress::{Allowed, BoxFuture, Egress, Ledger, LedgerError};
use kerf_model::{Door, Target};
use kerf_protocol::{
    Code, Failure, ItemId, SessionId, TurnId,
    endpoint::{Usage, Wire},
    event::EventBody,
    item::{ChangeKind, FileChange, Item, ItemBody, ItemStatus, ToolCall},
    ledger::LedgerEntry,
    policy::{Answer, ApproveMode, Policy, Question, SandboxMode},
    review::Author,
    rule::RuleOrigin,
    session::{Turn as StoredTurn, TurnState},
};
use kerf_sandbox::Sandbox;
use kerf_test_support::{Fixture, ModelServer, Script, Seen, Turn};
use kerf_workspace::RelPath;
use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What the host was told, in order.
#[expect(clippy::large_enum_variant, reason = "most of them are events")]
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Event(EventBody),
    /// With what the files held at that moment; none: anything may change.
    Before(Option<Held>),
    Durable,
    After(Option<Held>, Author),
}

/// Path and content; none: no file.
pub(crate) type Held = Vec<(String, Option<Vec<u8>>)>;

/// What the user does when asked.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    Answer(Answer),
    Nobody,
    /// Never answers.
    Nothing,
}

/// Which of the host's duties fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fail {
    Before,
    Durable,
    After,
}

type Hook = Box<dyn FnMut(&EventBody) + Send>;
type Connect = fn(NetworkCall) -> Option<Connected>;

#[derive(Default)]
struct State {
    log: Vec<Entry>,
    says: VecDeque<Say>,
    questions: Vec<Question>,
    rules: Vec<String>,
    map: Option<String>,
    fail: Option<Fail>,
    hook: Option<Hook>,
    /// What gives commands their network.
    connect: Option<Connect>,
    /// Items as a store would hold them: in the order in which they were first written.
    items: Vec<Item>,
    begun: Vec<Item>,
    /// What the folder held when a command began.
    tree: BTreeMap<String, Vec<u8>>,
}

/// A host that keeps everything in memory.
pub(crate) struct RecordingHost {
    folder: PathBuf,
    state: Mutex<State>,
}

impl RecordingHost {
    pub(crate) fn new(folder: &Path) -> Arc<Self> {
        Arc::new(Self {
            folder: folder.to_owned(),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the next question that nothing else was said to. Without any, nobody is there.
    pub(crate) fn say(&self, say: Say) {
        self.state().says.push_back(say);
    }

    pub(crate) fn fail(&self, fail: Fail) {
        self.state().fail = Some(fail);
    }

    pub(crate) fn heal(&self) {
        self.state().fail = None;
    }

    /// Calls `hook` at each event, before anything else happens.
    pub(crate) fn on_event(&self, hook: impl FnMut(&EventBody) + Send + 'static) {
        self.state().hook = Some(Box::new(hook));
    }

    /// Gives commands a network from now on.
    pub(crate) fn connect(&self, connect: Connect) {
        self.state().connect = Some(connect);
    }

    pub(crate) fn log(&self) -> Vec<Entry> {
        self.state().log.clone()
    }

    pub(crate) fn events(&self) -> Vec<EventBody> {
        let events = self.log().into_iter().filter_map(|entry| match entry {
            Entry::Event(event) => Some(event),
            _ => None,
        });
        events.collect()
    }

    /// The rules that were kept.
    pub(crate) fn kept_rules(&self) -> Vec<String> {
        self.state().rules.clone()
    }

    /// The map that is to be kept.
    pub(crate) fn map(&self) -> Option<String> {
        self.state().map.clone()
    }

    pub(crate) fn questions(&self) -> Vec<Question> {
        self.state().questions.clone()
    }

    /// The finished calls in the order in which they ended.
    pub(crate) fn calls(&self) -> Vec<(ToolCall, ItemStatus)> {
        let calls = self.events().into_iter().filter_map(|event| match event {
            EventBody::ItemCompleted {
                item:
                    Item {
                        body: ItemBody::ToolCall(call),
                        status,
                        ..
                    },
            } => Some((call, status)),
            _ => None,
        });
        calls.collect()
    }

    /// The turns as a store would hold them now.
    pub(crate) fn turns(&self) -> Vec<StoredTurn> {
        let state = self.state();
        let mut turns: Vec<StoredTurn> = Vec::new();
        for item in &state.items {
            if turns.last().is_none_or(|turn| turn.id != item.turn_id) {
                turns.push(StoredTurn {
                    id: item.turn_id,
                    state: TurnState::Completed,
                    created_at: item.created_at,
                    usage: Usage::default(),
                    items: Vec::new(),
                });
            }
            if let Some(turn) = turns.last_mut() {
                turn.items.push(item.clone());
            }
        }
        turns
    }

    fn held(&self, scope: Scope<'_>) -> Option<Held> {
        let Scope::Paths(paths) = scope else {
            return None;
        };
        let read = |path: &RelPath| std::fs::read(self.folder.join(path.as_path())).ok();
        Some(
            paths
                .iter()
                .map(|path| (path.to_string(), read(path)))
                .collect(),
        )
    }

    fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(path);
                } else if let Ok(bytes) = std::fs::read(&path) {
                    let name = path.strip_prefix(&self.folder).unwrap();
                    found.insert(name.display().to_string(), bytes);
                }
            }
        }
        found
    }

    fn failing(&self, what: Fail) -> Result<(), HostError> {
        if self.state().fail == Some(what) {
            return Err(HostError(broken()));
        }
        Ok(())
    }
}

/// What a failing host says.
pub(crate) fn broken() -> Failure {
    Failure {
        code: Code::Storage,
        message: "the disk is full".to_owned(),
        hint: "Make room".to_owned(),
    }
}

fn flush(state: &mut State) {
    let begun = std::mem::take(&mut state.begun);
    state.items.extend(begun);
}

impl Host for RecordingHost {
    fn emit(&self, event: EventBody) {
        let mut state = self.state();
        let hook = state.hook.take();
        drop(state);
        if let Some(mut hook) = hook {
            hook(&event);
            let mut state = self.state();
            state.hook.get_or_insert(hook);
        }
        state = self.state();
        match &event {
            EventBody::ItemStarted { item }
                if matches!(item.body, ItemBody::ToolCall(_) | ItemBody::Approval { .. }) =>
            {
                state.begun.push(item.clone());
            }
            EventBody::ApprovalRequested { .. } => flush(&mut state),
            EventBody::ItemCompleted { item } => {
                state.begun.retain(|begun| begun.id != item.id);
                match state.items.iter_mut().find(|known| known.id == item.id) {
                    Some(known) => *known = item.clone(),
                    None => state.items.push(item.clone()),
                }
            }
            _ => {}
        }
        state.log.push(Entry::Event(event));
    }

    async fn durable(&self) -> Result<(), HostError> {
        let mut state = self.state();
        flush(&mut state);
        state.log.push(Entry::Durable);
        drop(state);
        self.failing(Fail::Durable)
    }

    async fn ask(&self, question: Question) -> Result<Answer, Nobody> {
        let say = {
            let mut state = self.state();
            state.questions.push(question);
            state.says.pop_front()
        };
        match say {
            Some(Say::Answer(answer)) => Ok(answer),
            Some(Say::Nothing) => std::future::pending().await,
            Some(Say::Nobody) | None => Err(Nobody),
        }
    }

    fn network(&self, call: NetworkCall) -> Option<Connected> {
        let connect = self.state().connect?;
        connect(call)
    }

    async fn keep_rule(&self, text: &str) -> Result<RuleOrigin, HostError> {
        self.state().rules.push(text.to_owned());
        Ok(RuleOrigin::Answer { id: 1, made_at: 1 })
    }

    async fn keep_map(&self, map: &str) -> Result<(), HostError> {
        self.state().map = Some(map.to_owned());
        Ok(())
    }

    async fn before_change(&self, _: ItemId, scope: Scope<'_>) -> Result<(), HostError> {
        let held = self.held(scope);
        let tree = self.tree();
        let mut state = self.state();
        state.log.push(Entry::Before(held));
        state.tree = tree;
        drop(state);
        self.failing(Fail::Before)
    }

    async fn after_change(
        &self,
        scope: Scope<'_>,
        author: Author,
    ) -> Result<Vec<FileChange>, HostError> {
        let held = self.held(scope);
        let after = self.tree();
        let before = {
            let mut state = self.state();
            state.log.push(Entry::After(held, author));
            std::mem::replace(&mut state.tree, after.clone())
        };
        self.failing(Fail::After)?;
        let mut changes = Vec::new();
        let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for path in names {
            let kind = match (before.get(path), after.get(path)) {
                (None, _) => ChangeKind::Created,
                (_, None) => ChangeKind::Deleted,
                (old, new) if old == new => continue,
                _ => ChangeKind::Modified,
            };
            changes.push(FileChange {
                path: path.clone(),
                kind,
            });
        }
        Ok(changes)
    }
}

/// A ledger in memory.
#[derive(Default)]
struct Sent(Mutex<Vec<LedgerEntry>>);

impl Ledger for Sent {
    fn record<'a>(
        &'a self,
        entry: LedgerEntry,
        _: &'a Bytes,
    ) -> BoxFuture<'a, Result<i64, LedgerError>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(entry);
        Box::pin(async { Ok(1) })
    }
}

/// A session over a folder and a scripted server.
pub(crate) struct Rig {
    pub(crate) fixture: Fixture,
    pub(crate) server: ModelServer,
    pub(crate) host: Arc<RecordingHost>,
    pub(crate) agent: Agent<RecordingHost>,
    pub(crate) wire: Wire,
    session_id: SessionId,
    ledger: Arc<Sent>,
}

impl Rig {
    /// A session that may do everything unasked, with no isolation.
    pub(crate) fn new(tree: &str, script: Script) -> Self {
        Self::on(Wire::Chat, tree, script)
    }

    pub(crate) fn on(wire: Wire, tree: &str, script: Script) -> Self {
        Self::with_history(wire, Fixture::new(tree), script, &[])
    }

    pub(crate) fn with_history(
        wire: Wire,
        fixture: Fixture,
        script: Script,
        turns: &[StoredTurn],
    ) -> Self {
        let server = ModelServer::start(script);
        let host = RecordingHost::new(fixture.path());
        let session_id = SessionId::new();
        let ledger = Arc::<Sent>::default();
        let agent = Agent::new(
            setup(&fixture, &server, wire, session_id, &ledger),
            Arc::clone(&host),
            turns,
        );
        Self {
            fixture,
            server,
            host,
            agent,
            wire,
            session_id,
            ledger,
        }
    }

    fn setup(&self) -> Setup {
        setup(
            &self.fixture,
            &self.server,
            self.wire,
            self.session_id,
            &self.ledger,
        )
    }

    /// What the ledger was told, in order.
    pub(crate) fn sent(&self) -> Vec<LedgerEntry> {
        self.ledger
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The same with a context window of so many tokens.
    pub(crate) fn window(self, tokens: u64) -> Self {
        self.window_over(tokens, &[])
    }

    pub(crate) fn window_over(self, tokens: u64, history: &[StoredTurn]) -> Self {
        let mut setup = self.setup();
        setup.target.endpoint.context_window = Some(tokens);
        let agent = Agent::new(setup, Arc::clone(&self.host), history);
        Self { agent, ..self }
    }

    /// The same as if taken up in another process, which has kept this map.
    pub(crate) fn with_map(self, map: Option<String>) -> Self {
        let mut setup = self.setup();
        setup.map = map;
        let agent = Agent::new(setup, Arc::clone(&self.host), &self.host.turns());
        Self { agent, ..self }
    }

    /// Asserts that a session taken up from `turns` and what came after sends the same request as this one.
    pub(crate) async fn assert_replays(&mut self, history: &[StoredTurn]) {
        let turns = [history, &self.host.turns()].concat();
        let last = |rig: &Self| rig.server.requests().last().unwrap().json();
        assert_eq!(self.turn("compare").await, TurnEnd::Completed);
        let live = last(self);
        let mut setup = self.setup();
        setup.policy = self.agent.setup_mut().policy;
        let host = RecordingHost::new(self.fixture.path());
        let mut again = Agent::new(setup, host, &turns);
        let end = again
            .run_turn(TurnId::new(), says("compare"), &Control::new())
            .await;
        assert_eq!(end, TurnEnd::Completed);
        let replayed = last(self);
        // The messages first, because they are what is read when this fails.
        for part in ["messages", "input"] {
            assert_eq!(format!("{:#}", live[part]), format!("{:#}", replayed[part]));
        }
        assert_eq!(live, replayed);
    }

    pub(crate) fn policy(mut self, sandbox: SandboxMode, approve: ApproveMode) -> Self {
        self.agent.setup_mut().policy = Policy { sandbox, approve };
        self
    }

    /// A session that asks before each change.
    pub(crate) fn asking(self) -> Self {
        self.policy(SandboxMode::Off, ApproveMode::Ask)
    }

    pub(crate) async fn turn(&mut self, text: &str) -> TurnEnd {
        self.turn_with(text, &Control::new()).await
    }

    pub(crate) async fn turn_with(&mut self, text: &str, control: &Control) -> TurnEnd {
        self.agent
            .run_turn(TurnId::new(), says(text), control)
            .await
    }

    /// What the server's request of this number said.
    pub(crate) fn seen(&self, number: usize) -> Seen {
        self.server.requests()[number].seen()
    }

    /// The results that the last request carried.
    pub(crate) fn results(&self) -> Vec<String> {
        let last = self.server.requests().last().unwrap().seen();
        // Chat has no field for it, so a failure is told in front of the text.
        let plain = |output: String| {
            output
                .strip_prefix("Error: ")
                .map(str::to_owned)
                .unwrap_or(output)
        };
        last.results
            .into_iter()
            .map(|(_, output)| plain(output))
            .collect()
    }

    pub(crate) fn result_at(&self, index: usize) -> String {
        self.results().swap_remove(index)
    }

    /// The result of the only call of a session.
    pub(crate) fn result(&self) -> String {
        let results = self.results();
        assert_eq!(results.len(), 1, "{results:?}");
        results.into_iter().next().unwrap()
    }
}

fn setup(
    fixture: &Fixture,
    server: &ModelServer,
    wire: Wire,
    session_id: SessionId,
    ledger: &Arc<Sent>,
) -> Setup {
    kerf_egress::install_crypto();
    let base = server.base_url().parse().unwrap();
    let allowed = Allowed::none().with(&base).unwrap();
    Setup {
        session_id,
        workspace: fixture.workspace(),
        made_of: None,
        index: None,
        sandbox: Sandbox::new(env!("CARGO_BIN_EXE_agent-sandbox-helper").into()),
        door: Door::Egress(Egress::new(allowed, Arc::<Sent>::clone(ledger)).unwrap()),
        target: Target {
            endpoint: server.endpoint(wire),
            key: None,
        },
        rules: Arc::new(kerf_rules::Rules::new(
            &fixture.path().canonicalize().unwrap().to_string_lossy(),
            None,
            Vec::new(),
        )),
        commits: None,
        lent: Vec::new(),
        policy: Policy {
            sandbox: SandboxMode::Off,
            approve: ApproveMode::Auto,
        },
        map: None,
        user_instructions: None,
        output_schema: None,
        set_up: None,
        placeholder_key: [7; 32],
        show: Arc::default(),
    }
}

pub(crate) fn says(text: &str) -> UserInput {
    UserInput {
        text: text.to_owned(),
        ..UserInput::default()
    }
}

/// A script of these turns, with "Done." for whatever comes after.
pub(crate) fn script(turns: impl IntoIterator<Item = Turn>) -> Script {
    turns
        .into_iter()
        .fold(Script::new(), Script::turn)
        .otherwise(Turn::text("Done."))
}

/// The failure of a turn.
pub(crate) fn failure(end: TurnEnd) -> Failure {
    match end {
        TurnEnd::Failed(failure) => failure,
        other => panic!("the turn did not fail: {other:?}"),
    }
}
