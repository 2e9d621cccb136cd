//! The ledger hook of `egress`: a row in the store before a request's first byte leaves.

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use kerf_egress::{Ledger, LedgerError};
use kerf_protocol::ledger::LedgerEntry;
use kerf_store::Store;

pub(crate) struct StoreLedger(pub(crate) Store);

impl Ledger for StoreLedger {
    fn record<'a>(
        &'a self,
        entry: LedgerEntry,
        body: &'a Bytes,
    ) -> BoxFuture<'a, Result<i64, LedgerError>> {
        let body = body.clone();
        async move {
            self.0
                .append_ledger(entry, body)
                .await
                .map_err(LedgerError::new)
        }
        .boxed()
    }
}
