//! Which hosts the commands of a session may connect to: a list of names, and the one reading of a name.
//!
//! A name is read by `url`: lower case, IDNA as `xn--…`, every spelling of an IP address as that address. What could be
//! read in two ways is refused. An address is on the list only when it was written there.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use url::Host;

/// The longest host and port that are read, in bytes; a name has at most 253.
const MAX_BYTES: usize = 300;
/// The ports of an entry that names none.
const USUAL_PORTS: [u16; 2] = [443, 80];

/// Where a command wants to connect to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    host: Name,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Name {
    /// Normalised, without a dot at its end.
    Domain(String),
    Address(std::net::IpAddr),
}

/// An entry of the list: `host`, `*.host` (all names below it, not itself), each with an optional `:port`. Without a
/// port it means 443 and 80.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPattern {
    name: Name,
    below: bool,
    port: Option<u16>,
}

/// What is wrong with a host, as the user reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    /// Nothing there.
    #[error("write a host, as `example.com` or `*.example.com`")]
    Empty,
    /// A URL, a path, or a user name.
    #[error("write the host alone, without `https://`, user name or path")]
    NotAlone,
    /// The port is no number from 1 to 65535.
    #[error("the port is a number from 1 to 65535")]
    Port,
    /// The name cannot be one.
    #[error("this is no name of a host")]
    Name,
    /// A star at another place than the start, or one that stands for whole top-level domains.
    #[error("a star stands only before a name with a dot, as in `*.example.com`")]
    Star,
}

impl Target {
    /// Reads `host:port`, as a `CONNECT` names it.
    ///
    /// # Errors
    /// When it is not exactly that, or the name could be read in two ways.
    pub fn parse(text: &str) -> Result<Self, BadHost> {
        let (name, port) = split(text)?;
        Ok(Self {
            host: Name::parse(name)?,
            port: port.ok_or(BadHost::Port)?,
        })
    }

    /// The name or address, normalised.
    #[must_use]
    pub fn host(&self) -> String {
        self.host.to_string()
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether an entry without a port means this port too.
    #[must_use]
    pub fn has_usual_port(&self) -> bool {
        USUAL_PORTS.contains(&self.port)
    }

    pub(crate) fn name(&self) -> &Name {
        &self.host
    }

    /// The entry that allows this host at this port, and nothing else.
    #[must_use]
    pub fn pattern(&self) -> HostPattern {
        HostPattern {
            name: self.host.clone(),
            below: false,
            port: Some(self.port),
        }
    }
}

impl HostPattern {
    /// Whether the entry allows `target`.
    #[must_use]
    pub fn matches(&self, target: &Target) -> bool {
        let port = match self.port {
            Some(port) => port == target.port,
            None => USUAL_PORTS.contains(&target.port),
        };
        let name = match (&self.name, &target.host) {
            (Name::Domain(own), Name::Domain(asked)) if self.below => asked
                .strip_suffix(own.as_str())
                .is_some_and(|rest| rest.ends_with('.')),
            (own, asked) => own == asked,
        };
        port && name
    }
}

impl FromStr for HostPattern {
    type Err = BadHost;

    fn from_str(text: &str) -> Result<Self, BadHost> {
        let (name, port) = split(text.trim())?;
        let (below, name) = match name.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, name),
        };
        if name.contains('*') {
            return Err(BadHost::Star);
        }
        let name = Name::parse(name)?;
        match &name {
            Name::Domain(domain) if below && !domain.contains('.') => Err(BadHost::Star),
            Name::Address(_) if below => Err(BadHost::Star),
            _ => Ok(Self { name, below, port }),
        }
    }
}

/// The entries that are in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(BTreeSet<HostPattern>);

impl Hosts {
    /// Adds an entry.
    pub fn insert(&mut self, pattern: HostPattern) {
        self.0.insert(pattern);
    }

    /// The entries.
    pub fn iter(&self) -> impl Iterator<Item = &HostPattern> {
        self.0.iter()
    }

    /// Whether an entry allows `target`. No entries: none.
    #[must_use]
    pub fn permit(&self, target: &Target) -> bool {
        self.0.iter().any(|pattern| pattern.matches(target))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<HostPattern> for Hosts {
    fn from_iter<T: IntoIterator<Item = HostPattern>>(patterns: T) -> Self {
        Self(patterns.into_iter().collect())
    }
}

impl Name {
    fn parse(text: &str) -> Result<Self, BadHost> {
        if text.is_empty() {
            return Err(BadHost::Empty);
        }
        // `url` would take percent signs as an encoding, and controls and spaces away.
        let is_odd = |char: char| {
            char.is_control()
                || char.is_whitespace()
                || "@/\\?#%<>^|\"'`{}$&;,!()=+~".contains(char)
        };
        if text.contains(['@', '/', '\\', '?', '#']) {
            return Err(BadHost::NotAlone);
        }
        if text.contains(is_odd) {
            return Err(BadHost::Name);
        }
        match Host::parse(text).map_err(|_| BadHost::Name)? {
            Host::Ipv4(address) => Ok(Self::Address(address.into())),
            Host::Ipv6(address) => Ok(Self::Address(address.into())),
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(&name);
                let fits = |label: &str| (1..=63).contains(&label.len());
                let plain = name.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte)
                });
                if name.len() <= 253 && plain && name.split('.').all(fits) {
                    Ok(Self::Domain(name.to_owned()))
                } else {
                    Err(BadHost::Name)
                }
            }
        }
    }
}

/// The host and the port behind its last colon. An IPv6 address stands in brackets.
fn split(text: &str) -> Result<(&str, Option<u16>), BadHost> {
    if text.len() > MAX_BYTES {
        return Err(BadHost::Name);
    }
    if text.contains("://") {
        return Err(BadHost::NotAlone);
    }
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (text, None),
    };
    if name.contains(':') && !(name.starts_with('[') && name.ends_with(']')) {
        return Err(BadHost::Port);
    }
    let port = port.map(|port| {
        let digits =
            (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = digits.then(|| port.parse().ok()).flatten();
        port.filter(|port| *port != 0).ok_or(BadHost::Port)
    });
    Ok((name, port.transpose()?))
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(name) => f.write_str(name),
            Self::Address(std::net::IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.below { "*." } else { "" };
        write!(f, "{star}{}", self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entries_are_read_one_way_or_not_at_all() {
        for (text, shown) in [
            ("crates.io", Ok("crates.io")),
            (" Crates.IO ", Ok("crates.io")),
            ("*.crates.io", Ok("*.crates.io")),
            ("crates.io:8443", Ok("crates.io:8443")),
            ("crates.io.", Ok("crates.io")),
            ("bücher.example", Ok("xn--bcher-kva.example")),
            ("192.0.2.1", Ok("192.0.2.1")),
            ("[2001:db8::1]:443", Ok("[2001:db8::1]:443")),
            ("0xc0.0.2.1", Ok("192.0.2.1")),
            ("", Err(BadHost::Empty)),
            ("*", Err(BadHost::Star)),
            ("*.", Err(BadHost::Empty)),
            ("*.io", Err(BadHost::Star)),
            ("*.192.0.2.1", Err(BadHost::Star)),
            ("a.*.io", Err(BadHost::Star)),
            ("https://crates.io", Err(BadHost::NotAlone)),
            ("crates.io/api", Err(BadHost::NotAlone)),
            ("me@crates.io", Err(BadHost::NotAlone)),
            ("crates.io:0", Err(BadHost::Port)),
            ("crates.io:65536", Err(BadHost::Port)),
            ("crates.io:+80", Err(BadHost::Port)),
            ("crates.io:", Err(BadHost::Port)),
            ("2001:db8::1", Err(BadHost::Port)),
            ("crates..io", Err(BadHost::Name)),
            ("crates.io..", Err(BadHost::Name)),
            (".crates.io", Err(BadHost::Name)),
            ("crates io", Err(BadHost::Name)),
            ("crates.io\0", Err(BadHost::Name)),
            ("crates%2eio", Err(BadHost::Name)),
            ("256.0.0.1", Err(BadHost::Name)),
        ] {
            let read = text.parse::<HostPattern>().map(|entry| entry.to_string());
            assert_eq!(read, shown.map(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_widened() {
        let hosts: Hosts = ["crates.io", "*.example.org", "git.example.com:22"]
            .iter()
            .map(|entry| entry.parse().expect("an entry"))
            .collect();
        for (target, allowed) in [
            ("crates.io:443", true),
            ("CRATES.io.:80", true),
            ("crates.io:22", false),
            ("static.crates.io:443", false),
            ("crates.io.evil.test:443", false),
            ("evilcrates.io:443", false),
            ("a.example.org:443", true),
            ("a.b.example.org:443", true),
            ("example.org:443", false),
            ("evilexample.org:443", false),
            ("git.example.com:22", true),
            ("git.example.com:443", false),
        ] {
            let target = Target::parse(target).expect("a target");
            assert_eq!(hosts.permit(&target), allowed, "{target}");
            assert!(!Hosts::default().permit(&target), "an empty list is none");
        }
    }

    proptest! {
        /// Reading what was read gives the same, so that what is shown is what is meant.
        #[test]
        fn what_is_shown_is_what_is_meant(text in "\\PC{0,40}|[a-z0-9*.:\\[\\]-]{0,30}") {
            if let Ok(entry) = text.parse::<HostPattern>() {
                prop_assert_eq!(entry.to_string().parse::<HostPattern>(), Ok(entry));
            }
        }
    }
}
