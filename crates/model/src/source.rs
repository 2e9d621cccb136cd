//! Where the bytes of an answer come from, and what is no answer at all.

use crate::{
    error::ErrorKind,
    retry::retry_after,
    vendor_error::{self, Fault},
};
use bytes::Bytes;
use http::header;
use kerf_egress::{Egress, EgressError, Inbound, Outbound};
use std::time::{Duration, SystemTime};
use tokio::time::timeout;

/// The most bytes read of an answer that is an error.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// Where an answer's bytes come from.
pub(crate) enum Source {
    Net(Box<Inbound>),
    /// Bytes that are there already.
    Here(std::vec::IntoIter<Bytes>),
}

impl Source {
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        match self {
            Self::Net(inbound) => inbound.chunk().await.map_err(from_egress),
            Self::Here(chunks) => {
                tokio::task::yield_now().await;
                Ok(chunks.next())
            }
        }
    }

    /// Sorts out answers with status 200 that say themselves that they are no stream of events.
    pub(crate) async fn expect_events(&mut self) -> Result<(), Fault> {
        let Self::Net(inbound) = self else {
            return Ok(());
        };
        let kind = inbound
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        if kind.starts_with("text/html") {
            return Err(ErrorKind::NotThisApi {
                reason: "an HTML page, perhaps a log-in page of this network".to_owned(),
            }
            .into());
        }
        if !kind.starts_with("application/json") {
            return Ok(());
        }
        let mut body = Vec::new();
        while body.len() < MAX_ERROR_BODY
            && let Some(chunk) = self.chunk().await?
        {
            body.extend_from_slice(&chunk);
        }
        match serde_json::from_slice(&body) {
            Ok(json) if vendor_error::is_error(&json) => Err(vendor_error::from_body(&json)),
            _ => Err(ErrorKind::NotThisApi {
                reason: "JSON instead of a stream of events".to_owned(),
            }
            .into()),
        }
    }

    /// Reads to the end so that the connection can be used again, but does not wait for it.
    pub(crate) async fn drain(&mut self) {
        let end = async { while let Ok(Some(_)) = self.chunk().await {} };
        // Not reaching the end only costs the connection.
        timeout(Duration::from_millis(50), end).await.ok();
    }
}

/// Sends a request; an answer that is an error becomes a fault.
pub(crate) async fn open(egress: &Egress, outbound: Outbound) -> Result<Source, Fault> {
    let mut inbound = egress.send(outbound).await.map_err(from_egress)?;
    if inbound.status.is_success() {
        return Ok(Source::Net(Box::new(inbound)));
    }
    let mut body = Vec::new();
    // The status alone is enough when its explanation does not come whole.
    while body.len() < MAX_ERROR_BODY
        && let Ok(Some(chunk)) = inbound.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(MAX_ERROR_BODY);
    let fault = vendor_error::from_status(inbound.status.as_u16(), &String::from_utf8_lossy(&body));
    let wait = retry_after(&inbound.headers, SystemTime::now()).or(fault.wait);
    Err(Fault { wait, ..fault })
}

fn from_egress(error: EgressError) -> Fault {
    use EgressError as E;
    let at = |host: &str, reason: &str| format!("`{host}`: {reason}");
    match error {
        E::BadUrl { .. } | E::BadHeader { .. } => ErrorKind::NotConfigured {
            what: error.to_string(),
        }
        .into(),
        E::NotAllowed { .. } | E::LocalOnly { .. } => ErrorKind::NotAllowed {
            message: error.to_string(),
        }
        .into(),
        E::Ledger { source, .. } => ErrorKind::Ledger {
            message: source.to_string(),
        }
        .into(),
        E::Client { host, reason } | E::Tls { host, reason } => ErrorKind::Unreachable {
            reason: at(&host, &reason),
        }
        .into(),
        E::Connect { host, reason } | E::NoAnswer { host, reason } => {
            Fault::again(ErrorKind::Unreachable {
                reason: at(&host, &reason),
            })
        }
        E::FirstByte { host, after } => ErrorKind::TimedOut {
            reason: format!("`{host}` sent no first byte for {} s", after.as_secs()),
        }
        .into(),
        E::Idle { host, after } => ErrorKind::TimedOut {
            reason: format!("`{host}` sent nothing more for {} s", after.as_secs()),
        }
        .into(),
        E::Body { host, reason } => Fault::again(ErrorKind::BrokeOff {
            reason: at(&host, &reason),
        }),
        E::Redirect { host, to, status } => ErrorKind::NotThisApi {
            reason: format!("`{host}` redirects to `{to}` (status {status})"),
        }
        .into(),
        E::Encoded { host, encoding } => ErrorKind::NotThisApi {
            reason: format!("`{host}` sent its answer as `{encoding}`"),
        }
        .into(),
        E::TooLarge { host, max } => ErrorKind::TooLarge {
            reason: format!("`{host}` sent more than {max} bytes"),
        }
        .into(),
    }
}
