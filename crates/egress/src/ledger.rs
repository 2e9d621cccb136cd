//! The hook for the record of what leaves.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use kerf_protocol::ledger::{LedgerEntry, Traffic};
use std::error::Error;

/// Where requests are recorded before they leave.
pub trait Ledger: Send + Sync {
    /// Records a request with its whole body and returns its row's number. Durable when it returns.
    ///
    /// # Errors
    /// When it could not be made durable. The request is then not sent.
    fn record<'a>(
        &'a self,
        entry: LedgerEntry,
        body: &'a Bytes,
    ) -> BoxFuture<'a, Result<i64, LedgerError>>;

    /// Hears what went through the tunnel that has this row, when it has ended. Returns at once.
    fn ended(&self, _row: i64, _traffic: Traffic) {}
}

/// Why a request could not be recorded.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LedgerError(Box<dyn Error + Send + Sync>);

impl LedgerError {
    /// From the error of whatever keeps the ledger, or from a message.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}
