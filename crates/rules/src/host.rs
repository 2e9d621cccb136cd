//! Hosts in rules: `crates.io` is that host, `*.crates.io` every one beneath it.

/// Which hosts a rule means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostPattern {
    /// All.
    Any,
    /// This one.
    Host(String),
    /// Those beneath this one, and not it.
    Beneath(String),
}

impl HostPattern {
    /// None: it is no host's name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "*" {
            return Some(Self::Any);
        }
        match text.strip_prefix("*.") {
            Some(rest) => normal(rest).map(Self::Beneath),
            None => normal(text).map(Self::Host),
        }
    }

    pub(crate) fn matches(&self, host: &str) -> bool {
        let Some(host) = normal(host) else {
            return false;
        };
        match self {
            Self::Any => true,
            Self::Host(own) => *own == host,
            Self::Beneath(own) => host
                .strip_suffix(own.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        }
    }
}

/// In lower case, without the dot at the end; an optional port stays. Names of other scripts are given in ASCII form.
fn normal(host: &str) -> Option<String> {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => {
            (name.strip_suffix('.').unwrap_or(name), Some(port))
        }
        _ => (host.as_str(), None),
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let is_address = name.starts_with('[') && name.ends_with(']') || name.contains("::");
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is_name = name.len() <= 253 && name.split('.').all(is_label);
    if !is_port
        || !(is_name || is_address)
        || name
            .chars()
            .any(|char| char.is_control() || char.is_whitespace())
    {
        return None;
    }
    Some(match port {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("crates.io", "crates.io", true)]
    #[case("crates.io", "CRATES.IO.", true)]
    #[case("crates.io", "index.crates.io", false)]
    #[case("crates.io", "crates.io.evil.example", false)]
    #[case("crates.io", "evilcrates.io", false)]
    #[case("*.crates.io", "index.crates.io", true)]
    #[case("*.crates.io", "a.b.crates.io", true)]
    #[case("*.crates.io", "crates.io", false)]
    #[case("*.crates.io", "evilcrates.io", false)]
    #[case("*.crates.io", ".crates.io", false)]
    #[case("crates.io", "crates.io\0.evil.example", false)]
    #[case("crates.io", "user@crates.io", false)]
    #[case("*", "anything.example", true)]
    #[case("localhost:8080", "localhost:8080", true)]
    #[case("localhost:8080", "localhost", false)]
    fn a_host_is_matched_whole(#[case] rule: &str, #[case] host: &str, #[case] expected: bool) {
        assert_eq!(HostPattern::parse(rule).unwrap().matches(host), expected);
    }

    #[rstest]
    #[case("")]
    #[case("a b")]
    #[case("http://crates.io")]
    #[case("crates.io/path")]
    #[case("*crates.io")]
    #[case("a.*.io")]
    #[case("*.")]
    #[case("crates.io:port")]
    fn what_is_no_host_is_no_rule(#[case] rule: &str) {
        assert_eq!(HostPattern::parse(rule), None);
    }
}
