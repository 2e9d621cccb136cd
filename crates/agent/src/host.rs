//! What the loop needs from whoever runs it.

use kerf_protocol::{
    ItemId, TurnId,
    event::EventBody,
    item::FileChange,
    policy::{Answer, Losses, NetworkLevel, Question},
    review::Author,
    rule::RuleOrigin,
};
use kerf_rules::Rules;
use kerf_sandbox::Network;
use kerf_workspace::RelPath;
use std::{future::Future, sync::Arc};
use tokio::sync::{mpsc, oneshot};

/// What is about to change, or has changed.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// These files and no others.
    Paths(&'a [RelPath]),
    /// Anything in the workspace: a command runs.
    Anything,
}

/// A command that may get a network.
#[derive(Debug)]
pub struct NetworkCall {
    /// The turn.
    pub turn_id: TurnId,
    /// The tool call.
    pub item_id: ItemId,
    /// Whether secrets are in the command: then no list counts, and each host is asked about.
    pub has_secrets: bool,
    /// What the rules say about hosts.
    pub rules: Arc<Rules>,
    /// Where to ask about hosts that no list names; none: they are refused.
    pub ask: Option<mpsc::Sender<HostQuestion>>,
}

/// A host that a running command wants to connect to and that no list names.
#[derive(Debug)]
pub struct HostQuestion {
    /// Host and port.
    pub host: String,
    /// The rule that "always for this project" would keep; none: there is no such answer.
    pub rule: Option<String>,
    /// The rule because of which it is asked, in plain words; none: no list names it.
    pub because: Option<String>,
    /// Where the answer goes. Dropped: nobody is there to answer.
    pub reply: oneshot::Sender<HostAnswer>,
}

/// The user's word about a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostAnswer {
    /// For this command.
    Once,
    /// For the rest of the session.
    ForSession,
    /// No, with the reason as a phrase.
    No(String),
}

/// The network of a command.
#[derive(Debug)]
pub struct Connected {
    /// Where its connections go.
    pub network: Arc<dyn Network>,
    /// What the user is told of it.
    pub level: NetworkLevel,
}

/// The surroundings of a running turn.
pub trait Host: Send + Sync + 'static {
    /// Appends to the event log and returns at once. Order is kept.
    ///
    /// The host shows an `item.completed` only once the item is on disk.
    fn emit(&self, event: EventBody);

    /// The model is about to be asked, so that for some time nothing is changed. Returns at once.
    fn asks(self: &Arc<Self>) {}

    /// Waits until everything that was emitted so far is on disk.
    fn durable(&self) -> impl Future<Output = Result<(), HostError>> + Send;

    /// Puts a question to the user and waits for the answer.
    fn ask(&self, question: Question) -> impl Future<Output = Result<Answer, Nobody>> + Send;

    /// Keeps a rule that allows something in this folder, because the user answered so. It is on disk when this returns.
    fn keep_rule(&self, text: &str) -> impl Future<Output = Result<RuleOrigin, HostError>> + Send;

    /// Keeps the map that the session begins with, for [`Setup::map`](crate::Setup::map) when it goes on in another
    /// process. It is on disk when this returns.
    fn keep_map(&self, map: &str) -> impl Future<Output = Result<(), HostError>> + Send;

    /// The files that a command in this folder of the workspace would take away or write over, as far as its words tell;
    /// none: none are known, or nobody is there to be asked about them.
    fn would_lose(
        &self,
        _item_id: ItemId,
        _command: &str,
        _cwd: &str,
    ) -> impl Future<Output = Option<Losses>> + Send {
        async { None }
    }

    /// Keeps what is needed to take the coming change back. Nothing is changed when this fails, or when its future is
    /// dropped, which stops the work soon.
    fn before_change(
        &self,
        item_id: ItemId,
        scope: Scope<'_>,
    ) -> impl Future<Output = Result<(), HostError>> + Send;

    /// Finds what changed since [`Host::before_change`] and puts it down to `author`.
    fn after_change(
        &self,
        scope: Scope<'_>,
        author: Author,
    ) -> impl Future<Output = Result<Vec<FileChange>, HostError>> + Send;

    /// The network of a command that is about to run; none: it has none.
    fn network(&self, _call: NetworkCall) -> Option<Connected> {
        None
    }
}

/// The host could not do its part: the disk is full, the database is gone.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct HostError(pub kerf_protocol::Failure);

/// Nobody is there to answer a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody is there to answer")]
pub struct Nobody;
