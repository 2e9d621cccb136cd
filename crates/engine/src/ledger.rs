//! The ledger: the hook of `egress`, which has a row in the store before a request's first byte leaves, and the requests that
//! read it.

use crate::{
    engine::{Engine, canonical_folder},
    failure::{failure, from_store},
};
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use kerf_egress::{Ledger, LedgerError};
use kerf_protocol::{
    Code, Failure,
    ledger::{
        LedgerBody, LedgerEntry, LedgerProof, LedgerRef, LedgerRow, LedgerTotal, ListLedger,
        TotalLedger, Traffic, VerifyLedger,
    },
};
use kerf_store::{Sent, Store, Write};

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

    fn ended(&self, ledger_id: i64, traffic: Traffic) {
        // Already queued; the row itself was on the disk before, and says that there was a connection.
        drop(self.0.enqueue(vec![Write::Traffic { ledger_id, traffic }]));
    }
}

impl Engine {
    pub(crate) async fn ledger_list(
        &self,
        mut list: ListLedger,
    ) -> Result<Vec<LedgerRow>, Failure> {
        list.folder = list.folder.map(as_recorded);
        self.store().ledger_list(&list).await.map_err(from_store)
    }

    pub(crate) async fn ledger_show(
        &self,
        LedgerRef { id }: LedgerRef,
    ) -> Result<LedgerBody, Failure> {
        let Sent {
            row,
            previous_hash,
            row_hash,
            body,
        } = self.store().ledger_show(id).await.map_err(from_store)?;
        Ok(LedgerBody {
            row,
            previous_hash,
            row_hash,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    pub(crate) async fn ledger_totals(
        &self,
        mut total: TotalLedger,
    ) -> Result<Vec<LedgerTotal>, Failure> {
        total.folder = total.folder.map(as_recorded);
        self.store().ledger_totals(&total).await.map_err(from_store)
    }

    pub(crate) async fn ledger_verify(&self, verify: VerifyLedger) -> Result<LedgerProof, Failure> {
        let seal = verify.seal.as_deref().map(read_seal).transpose()?;
        self.store().ledger_verify(seal).await.map_err(from_store)
    }
}

/// The folder as sessions name it. One that is gone is taken by the name it is asked for.
fn as_recorded(folder: String) -> String {
    canonical_folder(&folder).map_or(folder, |path| path.to_string_lossy().into_owned())
}

/// A row's number and hash, as [`LedgerProof::seal`] writes them.
fn read_seal(seal: &str) -> Result<(i64, String), Failure> {
    let parts = seal.trim().split_once(':').and_then(|(id, hash)| {
        let id = id.parse().ok().filter(|id| *id > 0)?;
        let whole = hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
        whole.then(|| (id, hash.to_ascii_lowercase()))
    });
    parts.ok_or_else(|| {
        failure(
            Code::Usage,
            format!("`{seal}` is no seal of the ledger"),
            "A seal is a row's number, a colon and 64 hexadecimal digits, as `kerf ledger verify` prints it",
        )
    })
}
