//! What the tests share: a ledger in memory, a door, a request.

use bytes::Bytes;
use kerf_egress::{
    About, Allowed, BoxFuture, Egress, EgressError, Inbound, Ledger, LedgerError, Outbound,
    Timeouts,
};
use kerf_protocol::ledger::{LedgerEntry, Purpose};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::Url;

/// A hook that a test calls at the moment of recording.
type Hook = Box<dyn Fn() -> Result<(), LedgerError> + Send + Sync>;

#[derive(Default)]
pub(crate) struct MemLedger {
    pub(crate) rows: Mutex<Vec<(LedgerEntry, Bytes)>>,
    pub(crate) hook: Option<Hook>,
}

impl MemLedger {
    pub(crate) fn count(&self) -> usize {
        self.rows.lock().expect("no panic").len()
    }
}

impl Ledger for MemLedger {
    fn record<'a>(
        &'a self,
        entry: LedgerEntry,
        body: &'a Bytes,
    ) -> BoxFuture<'a, Result<i64, LedgerError>> {
        Box::pin(async move {
            // Whatever a real ledger does takes a while.
            tokio::task::yield_now().await;
            if let Some(hook) = &self.hook {
                hook()?;
            }
            let mut rows = self.rows.lock().expect("no panic");
            rows.push((entry, body.clone()));
            Ok(i64::try_from(rows.len()).expect("few rows"))
        })
    }
}

pub(crate) fn url(text: &str) -> Url {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A door to these base URLs.
pub(crate) fn door(bases: &[&str]) -> (Egress, Arc<MemLedger>) {
    door_with(bases, MemLedger::default())
}

pub(crate) fn door_with(bases: &[&str], ledger: MemLedger) -> (Egress, Arc<MemLedger>) {
    let allowed = bases.iter().fold(Allowed::none(), |allowed, base| {
        allowed.with(&url(base)).expect("a base URL")
    });
    let ledger = Arc::new(ledger);
    let keeper: Arc<dyn Ledger> = Arc::<MemLedger>::clone(&ledger);
    (Egress::new(allowed, keeper).expect("a door"), ledger)
}

/// A model request to the Chat API under this base URL.
pub(crate) fn chat(base: &str) -> Outbound {
    post(&format!("{base}/chat/completions"))
}

pub(crate) fn post(address: &str) -> Outbound {
    let body = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    Outbound {
        method: http::Method::POST,
        url: url(address),
        headers: vec![
            (
                http::header::CONTENT_TYPE,
                "application/json".parse().expect("a value"),
            ),
            (
                http::header::AUTHORIZATION,
                "Bearer canary-key".parse().expect("a value"),
            ),
        ],
        body: Bytes::from_static(body.as_bytes()),
        about: About {
            purpose: Purpose::Turn,
            session_id: None,
            turn_id: None,
            files: Vec::new(),
        },
        timeouts: Timeouts::default(),
    }
}

/// All times are long but these.
pub(crate) fn soon() -> Duration {
    Duration::from_millis(50)
}

/// Sends, and reads the answer to its end.
pub(crate) async fn exchange(egress: &Egress, request: Outbound) -> Result<String, EgressError> {
    egress.send(request).await?.text(64 << 20).await
}

/// Sends and wants the error, wherever it comes.
pub(crate) async fn failure(egress: &Egress, request: Outbound) -> EgressError {
    match exchange(egress, request).await {
        Ok(text) => panic!("no error but {text:?}"),
        Err(error) => error,
    }
}

/// Reads to the end or the error.
pub(crate) async fn drain(inbound: &mut Inbound) -> (Vec<u8>, Result<(), EgressError>) {
    let mut bytes = Vec::new();
    loop {
        match inbound.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (bytes, Ok(())),
            Err(error) => return (bytes, Err(error)),
        }
    }
}
