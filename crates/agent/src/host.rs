//! What the loop needs from whoever runs it.

use kerf_protocol::{
    ItemId,
    event::EventBody,
    item::FileChange,
    policy::{Answer, Question},
    review::Author,
    rule::RuleOrigin,
};
use kerf_workspace::RelPath;
use std::future::Future;

/// What is about to change, or has changed.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    /// These files and no others.
    Paths(&'a [RelPath]),
    /// Anything in the workspace: a command runs.
    Anything,
}

/// The surroundings of a running turn.
pub trait Host: Send + Sync + 'static {
    /// Appends to the event log and returns at once. Order is kept.
    ///
    /// The host shows an `item.completed` only once the item is on disk.
    fn emit(&self, event: EventBody);

    /// Waits until everything that was emitted so far is on disk.
    fn durable(&self) -> impl Future<Output = Result<(), HostError>> + Send;

    /// Puts a question to the user and waits for the answer.
    fn ask(&self, question: Question) -> impl Future<Output = Result<Answer, Nobody>> + Send;

    /// Keeps a rule that allows something in this folder, because the user answered so. It is on disk when this returns.
    fn keep_rule(&self, text: &str) -> impl Future<Output = Result<RuleOrigin, HostError>> + Send;

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
}

/// The host could not do its part: the disk is full, the database is gone.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct HostError(pub kerf_protocol::Failure);

/// Nobody is there to answer a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody is there to answer")]
pub struct Nobody;
