//! The way of one request: allowed, recorded, sent; and of its answer, piece by piece.

use crate::allowed::Origin;
use crate::client::Clients;
use crate::{Allowed, EgressError, Ledger, LocalOnly};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use kerf_protocol::ledger::{FileRange, LedgerEntry, Purpose};
use kerf_protocol::{SessionId, TurnId, UnixMillis};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;
use url::Url;

/// Headers that decide where a request goes or how long it is. Somebody else's value would make the ledger lie.
const OWN_HEADERS: [HeaderName; 9] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::ACCEPT_ENCODING,
    header::PROXY_AUTHORIZATION,
];

/// The door. Clones share the connections, the list and the ledger.
#[derive(Clone)]
pub struct Egress {
    allowed: Arc<Allowed>,
    ledger: Arc<dyn Ledger>,
    clients: Arc<Clients>,
    local_only: LocalOnly,
}

/// A request that wants to leave.
pub struct Outbound {
    /// The method.
    pub method: Method,
    /// Where to. A fragment is not sent.
    pub url: Url,
    /// Headers besides those of HTTP itself. Mark keys with `set_sensitive`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body, already final: these bytes are recorded and these bytes leave.
    pub body: Bytes,
    /// What the ledger says of it.
    pub about: About,
    /// How long to wait.
    pub timeouts: Timeouts,
}

/// Why a request is made and what is inside, for the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Why.
    pub purpose: Purpose,
    /// The session it belongs to, if any.
    pub session_id: Option<SessionId>,
    /// The turn it belongs to, if any.
    pub turn_id: Option<TurnId>,
    /// The parts of files that are inside.
    pub files: Vec<FileRange>,
}

/// How long to wait for each part of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection: name, TCP and TLS. Few different values: each has connections of its own.
    pub connect: Duration,
    /// From the start until the head of the answer; connecting and sending are part of it.
    pub first_byte: Duration,
    /// Between two pieces of the answer, however small.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(120),
        }
    }
}

/// An answer whose head has come. Dropping it closes the connection, unless it was read to its end.
pub struct Inbound {
    /// The status; also 4xx and 5xx are answers, not errors.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The request's row in the ledger.
    pub ledger_id: i64,
    host: String,
    idle: Duration,
    /// Nothing more after an error: what follows a gap is not the answer.
    response: Option<reqwest::Response>,
}

impl Egress {
    /// A door to these hosts. Opens nothing and reads nothing yet.
    ///
    /// # Errors
    /// None today; making it may come to need the system.
    pub fn new(allowed: Allowed, ledger: Arc<dyn Ledger>) -> Result<Self, EgressError> {
        Ok(Self {
            allowed: Arc::new(allowed),
            ledger,
            clients: Arc::default(),
            local_only: LocalOnly::default(),
        })
    }

    /// The same door under a switch that others hold too.
    #[must_use]
    pub fn under(self, local_only: LocalOnly) -> Self {
        Self { local_only, ..self }
    }

    /// The same door with another list: ledger and open connections are shared with this one.
    #[must_use]
    pub fn with_allowed(&self, allowed: Allowed) -> Self {
        Self {
            allowed: Arc::new(allowed),
            ..self.clone()
        }
    }

    /// The hosts that may be reached.
    #[must_use]
    pub fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    /// Sends a request, once, and returns when the head of its answer is there. Dropping the future closes the
    /// connection.
    ///
    /// # Errors
    /// See [`EgressError`]; [`EgressError::nothing_left`] tells which ones come before the first byte.
    pub async fn send(&self, request: Outbound) -> Result<Inbound, EgressError> {
        let Outbound {
            method,
            url,
            headers,
            body,
            about,
            timeouts,
        } = request;
        let origin = self.allowed.origin(&url)?;
        if self.local_only.is_on() && !origin.loopback {
            return Err(EgressError::LocalOnly {
                host: origin.to_string(),
            });
        }
        let headers = own_headers_only(headers)?;
        let client = self.clients.get(&origin, timeouts.connect).await?;
        let entry = entry(&origin, &method, &url, about, &body);
        tracing::debug!(host = %origin, target = entry.target, bytes = entry.bytes, "request");
        let recorded = self.ledger.record(entry, &body).await;
        let host = origin.to_string();
        let ledger_id = recorded.map_err(|source| EgressError::Ledger {
            host: host.clone(),
            source,
        })?;

        let mut outgoing = reqwest::Request::new(method, url);
        *outgoing.headers_mut() = headers;
        if !body.is_empty() {
            *outgoing.body_mut() = Some(body.into());
        }
        let answered = timeout(timeouts.first_byte, client.execute(outgoing)).await;
        let response = match answered {
            Err(_) => {
                return Err(EgressError::FirstByte {
                    host,
                    after: timeouts.first_byte,
                });
            }
            Ok(Err(error)) => {
                return Err(EgressError::before_answer(&error, host, timeouts.connect));
            }
            Ok(Ok(response)) => response,
        };
        tracing::debug!(
            host,
            status = response.status().as_u16(),
            ledger_id,
            "answer"
        );
        accept(response, host, timeouts.idle, ledger_id)
    }

    #[cfg(test)]
    pub(crate) fn trusting(self, root: reqwest::Certificate) -> Self {
        let clients = Clients::trusting(root);
        Self {
            clients: Arc::new(clients),
            ..self
        }
    }

    #[cfg(test)]
    pub(crate) fn has_read_roots(&self) -> bool {
        self.clients.read_roots()
    }
}

fn own_headers_only(headers: Vec<(HeaderName, HeaderValue)>) -> Result<HeaderMap, EgressError> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, mut value) in headers {
        if OWN_HEADERS.contains(&name) {
            return Err(EgressError::BadHeader {
                name: name.to_string(),
            });
        }
        // A forgotten mark would let a key into some debug output.
        if name == header::AUTHORIZATION
            || name == header::COOKIE
            || name.as_str().ends_with("api-key")
        {
            value.set_sensitive(true);
        }
        map.append(name, value);
    }
    Ok(map)
}

fn entry(origin: &Origin, method: &Method, url: &Url, about: About, body: &Bytes) -> LedgerEntry {
    let About {
        purpose,
        session_id,
        turn_id,
        files,
    } = about;
    LedgerEntry {
        at: now(),
        host: origin.to_string(),
        target: format!("{method} {}", url.path()),
        purpose,
        session_id,
        turn_id,
        bytes: body.len() as u64,
        hash: blake3::hash(body).to_hex().to_string(),
        files,
    }
}

/// The time now; a clock that stands before 1970 counts as 1970.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX)
}

fn accept(
    response: reqwest::Response,
    host: String,
    idle: Duration,
    ledger_id: i64,
) -> Result<Inbound, EgressError> {
    let status = response.status();
    if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
        let to = redirect_target(&response);
        return Err(EgressError::Redirect {
            host,
            to,
            status: status.as_u16(),
        });
    }
    let encoding = response.headers().get(header::CONTENT_ENCODING);
    if let Some(encoding) =
        encoding.filter(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        let encoding = encoding.to_str().unwrap_or("something unreadable");
        let encoding = encoding.chars().take(40).collect();
        return Err(EgressError::Encoded { host, encoding });
    }
    let headers = response.headers().clone();
    Ok(Inbound {
        status,
        headers,
        ledger_id,
        host,
        idle,
        response: Some(response),
    })
}

/// The host that a redirect names. Not the rest of the address, which may carry a token.
fn redirect_target(response: &reqwest::Response) -> String {
    let location = response
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok());
    let target = location.and_then(|location| response.url().join(location).ok());
    match target.as_ref().map(Origin::of) {
        Some(Ok(origin)) => origin.to_string(),
        Some(Err(_)) => "an address that Kerf cannot use".to_owned(),
        None => "no readable address".to_owned(),
    }
}

impl Inbound {
    /// The next piece of the body as it came, or `None` at its end. What is not asked for is not read, so a slow
    /// caller slows the server down instead of filling memory.
    ///
    /// # Errors
    /// [`EgressError::Idle`] or [`EgressError::Body`]; after one, every further call is an error too.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, EgressError> {
        let Some(response) = &mut self.response else {
            let reason = "an earlier piece of it was lost".to_owned();
            return Err(EgressError::Body {
                host: self.host.clone(),
                reason,
            });
        };
        let error = match timeout(self.idle, response.chunk()).await {
            Ok(Ok(chunk)) => return Ok(chunk),
            Ok(Err(error)) => EgressError::in_answer(&error, self.host.clone()),
            Err(_) => EgressError::Idle {
                host: self.host.clone(),
                after: self.idle,
            },
        };
        self.response = None;
        Err(error)
    }

    /// The whole body as text; bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// [`EgressError::TooLarge`] when it is longer than `max_bytes`, and those of [`Inbound::chunk`].
    pub async fn text(mut self, max_bytes: usize) -> Result<String, EgressError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if bytes.len() + chunk.len() > max_bytes {
                return Err(EgressError::TooLarge {
                    host: self.host,
                    max: max_bytes,
                });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress")
            .field("allowed", &self.allowed)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Outbound {
    /// Neither headers nor body: they hold keys and the user's files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("path", &self.url.path())
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound")
            .field("host", &self.host)
            .field("status", &self.status)
            .field("ledger_id", &self.ledger_id)
            .finish_non_exhaustive()
    }
}
