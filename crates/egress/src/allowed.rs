//! Which hosts may be reached.

use crate::EgressError;
use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use url::{Host, Url};

/// The servers that may be reached: scheme, host and port, each exactly as written in a base URL.
///
/// Hosts are compared as `url` normalises them: lower case, IDNA as `xn--…`, every spelling of an IP address as
/// that address. Nothing is widened: a name does not allow its subdomains nor the same name with a final dot, a
/// name does not allow its address, and `https` does not allow `http`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    origins: BTreeSet<Origin>,
    local_only: bool,
}

/// Local-only mode, for every door that has this switch: on, no host but this computer is reached, from the next request on.
/// Clones are the same switch. It begins off.
#[derive(Debug, Clone, Default)]
pub struct LocalOnly(Arc<AtomicBool>);

impl LocalOnly {
    /// Turns the mode on or off.
    pub fn set(&self, on: bool) {
        self.0.store(on, Ordering::SeqCst);
    }

    /// Whether the mode is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Scheme, host and port of a URL that was checked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Origin {
    pub(crate) tls: bool,
    host: String,
    port: u16,
    pub(crate) loopback: bool,
}

impl Allowed {
    /// Nothing may be reached.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Allows the server of this base URL too; its path does not matter.
    ///
    /// # Errors
    /// [`EgressError::BadUrl`] when it is no `http` or `https` URL, or carries a user name or password.
    pub fn with(mut self, base: &Url) -> Result<Self, EgressError> {
        self.origins.insert(Origin::of(base)?);
        Ok(self)
    }

    /// From now on refuses every host that is not this computer, whatever else was or will be allowed.
    #[must_use]
    pub fn local_only(mut self) -> Self {
        self.local_only = true;
        self
    }

    /// Whether the URL may be reached.
    ///
    /// # Errors
    /// [`EgressError::NotAllowed`], [`EgressError::LocalOnly`], or [`EgressError::BadUrl`].
    pub fn permits(&self, url: &Url) -> Result<(), EgressError> {
        self.origin(url).map(|_| ())
    }

    pub(crate) fn origin(&self, url: &Url) -> Result<Origin, EgressError> {
        let origin = Origin::of(url)?;
        if self.local_only && !origin.loopback {
            return Err(EgressError::LocalOnly {
                host: origin.to_string(),
            });
        }
        if !self.origins.contains(&origin) {
            return Err(EgressError::NotAllowed {
                host: origin.to_string(),
            });
        }
        Ok(origin)
    }
}

impl Origin {
    pub(crate) fn of(url: &Url) -> Result<Self, EgressError> {
        // The URL itself is not shown: what is wrong with it may be a password inside.
        let bad = |reason| EgressError::BadUrl { reason };
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(bad("its scheme is neither `https` nor `http`")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad(
                "it has a user name or password before the host; set the key of the endpoint instead",
            ));
        }
        let host = url.host().ok_or_else(|| bad("it names no host"))?;
        let port = url.port_or_known_default().filter(|port| *port != 0);
        let port = port.ok_or_else(|| bad("it names no port that could be reached"))?;
        let loopback = match &host {
            // Kerf resolves this one name itself. A name like `x.localhost` goes to the system's resolver, which
            // may send it anywhere.
            Host::Domain(name) => *name == "localhost",
            Host::Ipv4(address) => is_loopback((*address).into()),
            Host::Ipv6(address) => is_loopback((*address).into()),
        };
        Ok(Self {
            tls,
            host: host.to_string(),
            port,
            loopback,
        })
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// What `localhost` means, whatever a resolver says.
pub(crate) const LOCALHOST: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

impl fmt::Display for Origin {
    /// Host and port.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
