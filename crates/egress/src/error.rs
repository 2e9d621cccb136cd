//! Why a request did not leave, or its answer did not come.

use crate::LedgerError;
use std::error::Error;
use std::io;
use std::time::Duration;

/// A failed request. Hosts are shown as `host:port`; no message holds a header, a body, a path or a query.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The URL cannot be used. Nothing left.
    #[error("this address cannot be used: {reason}")]
    BadUrl {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A header that only this crate may set. Nothing left.
    #[error("the header `{name}` is set by Kerf itself; remove it from the endpoint's headers")]
    BadHeader {
        /// The header's name.
        name: String,
    },
    /// The host is not on the list. Nothing left.
    #[error(
        "`{host}` is not among the servers that Kerf may reach; add an endpoint with that address to allow it"
    )]
    NotAllowed {
        /// Host and port.
        host: String,
    },
    /// Only this computer may be reached, and the host is elsewhere. Nothing left.
    #[error(
        "`{host}` is not on this computer, and local-only mode is on; choose a local endpoint, or turn the mode off"
    )]
    LocalOnly {
        /// Host and port.
        host: String,
    },
    /// The ledger could not record the request, so it was not sent. Nothing left.
    #[error(
        "the request to `{host}` was not sent, because it could not be recorded in the ledger: {source}"
    )]
    Ledger {
        /// Host and port.
        host: String,
        /// What the ledger said.
        source: LedgerError,
    },
    /// The HTTP client itself could not be made. Nothing left.
    #[error(
        "cannot prepare a connection to `{host}`: {reason}; check the proxy settings and the system's certificates"
    )]
    Client {
        /// Host and port.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// No connection: refused, no such name, unreachable, timed out, or the proxy refused.
    #[error(
        "cannot connect to `{host}`: {reason}; check that the server is running and that the address, network and proxy are right"
    )]
    Connect {
        /// Host and port.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The server's certificate is not trusted, or no common version of TLS was found.
    #[error(
        "the connection to `{host}` is not safe, so nothing was sent: {reason}; if the certificate is your own, add its root to the system's trusted roots"
    )]
    Tls {
        /// Host and port.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The answer did not begin in time.
    #[error(
        "`{host}` has not begun to answer after {after:?}; try again, or allow more time if the model is still loading"
    )]
    FirstByte {
        /// Host and port.
        host: String,
        /// How long was waited.
        after: Duration,
    },
    /// The connection broke before an answer, or what came is not HTTP.
    #[error(
        "`{host}` gave no proper answer: {reason}; check that it is a model server, and try again"
    )]
    NoAnswer {
        /// Host and port.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The server pointed to another place. The request is not repeated there.
    #[error(
        "`{host}` redirects to `{to}`, which is not followed; if you trust that place, put its address into the endpoint"
    )]
    Redirect {
        /// Host and port that were asked.
        host: String,
        /// Host and port that it named, or a phrase when it named none.
        to: String,
        /// The status, as 307.
        status: u16,
    },
    /// The answer stopped coming.
    #[error("`{host}` has sent nothing more for {after:?} in the middle of its answer; try again")]
    Idle {
        /// Host and port.
        host: String,
        /// How long was waited.
        after: Duration,
    },
    /// The answer broke off.
    #[error("the answer of `{host}` broke off: {reason}; try again")]
    Body {
        /// Host and port.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The answer is compressed although none was asked for.
    #[error(
        "`{host}` sent its answer as `{encoding}`, which was not asked for; check for a proxy in between"
    )]
    Encoded {
        /// Host and port.
        host: String,
        /// The content coding.
        encoding: String,
    },
    /// The answer is longer than the caller takes.
    #[error("the answer of `{host}` is longer than {max} bytes; check that it is a model server")]
    TooLarge {
        /// Host and port.
        host: String,
        /// The limit in bytes.
        max: usize,
    },
}

impl EgressError {
    /// Whether it is certain that no byte of the request left this computer for the host.
    #[must_use]
    pub fn nothing_left(&self) -> bool {
        match self {
            Self::BadUrl { .. }
            | Self::BadHeader { .. }
            | Self::NotAllowed { .. }
            | Self::LocalOnly { .. }
            | Self::Ledger { .. }
            | Self::Client { .. }
            | Self::Connect { .. }
            | Self::Tls { .. } => true,
            Self::FirstByte { .. }
            | Self::NoAnswer { .. }
            | Self::Redirect { .. }
            | Self::Idle { .. }
            | Self::Body { .. }
            | Self::Encoded { .. }
            | Self::TooLarge { .. } => false,
        }
    }

    /// What the HTTP client said before an answer came.
    pub(crate) fn before_answer(error: &reqwest::Error, host: String, connect: Duration) -> Self {
        if let Some(tls) = find::<rustls::Error>(error) {
            return Self::Tls {
                host,
                reason: tls_reason(tls),
            };
        }
        if error.is_connect() && error.is_timeout() {
            return Self::Connect {
                host,
                reason: format!("no connection after {connect:?}"),
            };
        }
        if error.is_connect() {
            return Self::Connect {
                host,
                reason: root(error),
            };
        }
        Self::NoAnswer {
            host,
            reason: root(error),
        }
    }

    /// What the HTTP client said in the middle of an answer.
    pub(crate) fn in_answer(error: &reqwest::Error, host: String) -> Self {
        Self::Body {
            host,
            reason: root(error),
        }
    }
}

fn tls_reason(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(reason) => {
            format!("its certificate is not valid ({reason})")
        }
        other => other.to_string(),
    }
}

/// The innermost cause, which is the one that a user can act upon.
pub(crate) fn root(error: &(dyn Error + 'static)) -> String {
    chain(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|cause| cause.downcast_ref::<T>())
}

/// An error and its causes from the outside in. An `io::Error` hides the error that it wraps from `source`.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        wrapped
            .map(|wrapped| wrapped as &(dyn Error + 'static))
            .or_else(|| error.source())
    })
}
