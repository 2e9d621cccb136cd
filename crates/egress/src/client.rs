//! The HTTP clients behind the door, made when they are first needed.

use crate::EgressError;
use crate::allowed::{LOCALHOST, Origin};
use crate::error::root;
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long an unused connection is kept, so that the next step of a turn needs no new one.
const KEEP_IDLE: Duration = Duration::from_secs(90);
/// How often the system asks a silent peer whether it is still there, so that a pulled cable is noticed.
const PROBE: Duration = Duration::from_secs(30);

/// Chooses *ring* as the crypto provider of this process. Once is enough; again does nothing.
pub fn install_crypto() {
    // The error says that a provider is already chosen.
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
}

/// Clients by what has to differ between them; each has its own pool of connections.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    made: Mutex<HashMap<Kind, reqwest::Client>>,
    /// Roots that tests trust besides the system's.
    extra_roots: Vec<reqwest::Certificate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    /// Whether it needs the system's trusted roots. Reading them costs tens of milliseconds, which a session with
    /// a local server shall not pay.
    roots: bool,
    /// Whether it goes past every proxy.
    direct: bool,
    connect: Duration,
}

impl Clients {
    pub(crate) async fn get(
        self: &Arc<Self>,
        origin: &Origin,
        connect: Duration,
    ) -> Result<reqwest::Client, EgressError> {
        // A proxy may itself be reached by TLS, also for plain requests.
        let roots =
            origin.tls || (!origin.loopback && proxy_by_tls(|name| std::env::var(name).ok()));
        let kind = Kind {
            roots,
            direct: origin.loopback,
            connect,
        };
        if let Some(client) = self
            .made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&kind)
        {
            return Ok(client.clone());
        }
        let failed = |reason| EgressError::Client {
            host: origin.to_string(),
            reason,
        };
        let client = if roots {
            // Reads files, so not on the runtime's own threads.
            let clients = Arc::clone(self);
            let built = tokio::task::spawn_blocking(move || clients.build(kind)).await;
            built.map_err(|error| failed(error.to_string()))?
        } else {
            self.build(kind)
        };
        let client = client.map_err(|error| failed(root(&error)))?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(made.entry(kind).or_insert(client).clone())
    }

    fn build(&self, kind: Kind) -> Result<reqwest::Client, reqwest::Error> {
        install_crypto();
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(kind.connect)
            .pool_idle_timeout(KEEP_IDLE)
            .tcp_nodelay(true)
            .tcp_keepalive(PROBE)
            .resolve_to_addrs(
                "localhost",
                &LOCALHOST.map(|address| SocketAddr::new(address, 0)),
            );
        if kind.direct {
            builder = builder.no_proxy();
        }
        builder = if kind.roots {
            builder.tls_certs_merge(self.extra_roots.iter().cloned())
        } else {
            builder.tls_backend_preconfigured(trusting_nobody())
        };
        builder.build()
    }

    #[cfg(test)]
    pub(crate) fn trusting(root: reqwest::Certificate) -> Self {
        Self {
            extra_roots: vec![root],
            ..Self::default()
        }
    }

    #[cfg(test)]
    pub(crate) fn read_roots(&self) -> bool {
        self.made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .any(|kind| kind.roots)
    }
}

/// A TLS configuration for a client that never speaks TLS: it costs nothing and lets nothing through.
fn trusting_nobody() -> ClientConfig {
    ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

/// Whether a proxy that is itself an `https` server may be in the way of a plain request.
fn proxy_by_tls(variable: impl Fn(&str) -> Option<String>) -> bool {
    let names = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    let is_tls = |value: String| {
        value
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("https:")
    };
    names.iter().any(|name| variable(name).is_some_and(is_tls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_by_tls_needs_the_roots() {
        let with = |name: &'static str, value: &'static str| {
            proxy_by_tls(move |asked| (asked == name).then(|| value.to_owned()))
        };
        assert!(with("ALL_PROXY", "HTTPS://proxy:3128"));
        assert!(with("http_proxy", "https://proxy"));
        assert!(!with("http_proxy", "http://proxy"));
        assert!(!with("HTTPS_PROXY", "https://proxy"));
    }
}
