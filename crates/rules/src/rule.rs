//! The text of a rule: a tool, and in brackets what of it is meant.

use crate::{command::CommandPattern, host::HostPattern, path::PathPattern};

/// A longer rule is none, in bytes.
pub(crate) const MAX_BYTES: usize = 4096;

/// A rule as it was read.
#[derive(Debug, Clone)]
pub struct Rule {
    text: String,
    pub(crate) about: About,
}

/// What a rule is about.
#[derive(Debug, Clone)]
pub(crate) enum About {
    Command(CommandPattern),
    Read(PathPattern),
    Edit(PathPattern),
    /// What commands connect to.
    Network(HostPattern),
    Fetch(HostPattern),
    /// A server's tool; none: all of the server's.
    Mcp {
        server: String,
        tool: Option<String>,
    },
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {what}")]
pub struct RuleError {
    /// The character at which it is wrong, from 1.
    pub column: u32,
    /// What is wrong.
    pub what: String,
}

fn error(text: &str, at: usize, what: impl Into<String>) -> RuleError {
    let before = text.get(..at).unwrap_or(text).chars().count();
    RuleError {
        column: u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1),
        what: what.into(),
    }
}

impl Rule {
    /// Reads a rule.
    ///
    /// # Errors
    /// When it is none, with the column.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        if text.len() > MAX_BYTES {
            return Err(error(
                text,
                0,
                format!("a rule has at most {MAX_BYTES} bytes"),
            ));
        }
        let begin = text.len() - text.trim_start().len();
        let trimmed = text.trim();
        let (tool, inner) = match trimmed.find('(') {
            None => (trimmed, None),
            Some(at) => {
                let Some(inner) = trimmed[at + 1..].strip_suffix(')') else {
                    return Err(error(
                        text,
                        begin + trimmed.len(),
                        "`)` is missing at the end",
                    ));
                };
                (&trimmed[..at], Some((begin + at + 1, inner)))
            }
        };
        if tool.is_empty() {
            return Err(error(
                text,
                begin,
                "a rule begins with a tool, as `Bash(git status)`",
            ));
        }
        let about = about(text, begin, tool, inner)?;
        Ok(Self {
            text: trimmed.to_owned(),
            about,
        })
    }

    /// As it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The host of `Network(host)`, as `host` or `*.host`; none when the rule is about something else.
    #[must_use]
    pub fn network_host(&self) -> Option<String> {
        match &self.about {
            About::Network(HostPattern::Any) => Some("*".to_owned()),
            About::Network(HostPattern::Host(host)) => Some(host.clone()),
            About::Network(HostPattern::Beneath(host)) => Some(format!("*.{host}")),
            _ => None,
        }
    }
}

fn about(
    text: &str,
    begin: usize,
    tool: &str,
    inner: Option<(usize, &str)>,
) -> Result<About, RuleError> {
    let path = || match inner {
        None => Ok(PathPattern::Any),
        Some((at, inner)) => PathPattern::parse(inner).map_err(|what| error(text, at, what)),
    };
    let host = |host: Option<(usize, &str)>| match host {
        None => Ok(HostPattern::Any),
        Some((at, inner)) => HostPattern::parse(inner).ok_or_else(|| {
            error(
                text,
                at,
                format!("`{inner}` is no host: write `example.com` or `*.example.com`"),
            )
        }),
    };
    Ok(match tool {
        "Bash" => About::Command(match inner {
            None => CommandPattern::Any,
            Some((at, inner)) => CommandPattern::parse(inner)
                .ok_or_else(|| error(text, at, "it names no command: write `npm run test:*`"))?,
        }),
        "Read" | "Glob" | "Grep" | "LS" | "NotebookRead" => About::Read(path()?),
        "Edit" | "Write" | "MultiEdit" | "NotebookEdit" => About::Edit(path()?),
        "Network" => About::Network(host(inner)?),
        "WebFetch" => About::Fetch(match inner {
            Some((at, inner)) => {
                let Some(domain) = inner.strip_prefix("domain:") else {
                    return Err(error(text, at, "write `domain:example.com`"));
                };
                host(Some((at + "domain:".len(), domain)))?
            }
            None => HostPattern::Any,
        }),
        name if name.starts_with("mcp__") => {
            if let Some((at, _)) = inner {
                return Err(error(
                    text,
                    at,
                    "rules for tools of servers take nothing in brackets",
                ));
            }
            let rest = &name["mcp__".len()..];
            let (server, tool) = rest
                .split_once("__")
                .map_or((rest, None), |(server, tool)| (server, Some(tool)));
            if server.is_empty() || server.contains('*') || tool == Some("") {
                return Err(error(
                    text,
                    begin,
                    "write `mcp__server` or `mcp__server__tool`",
                ));
            }
            About::Mcp {
                server: server.to_owned(),
                tool: tool.filter(|tool| *tool != "*").map(str::to_owned),
            }
        }
        name => {
            return Err(error(
                text,
                begin,
                format!(
                    "`{name}` is no tool that rules know: Bash, Read, Edit, Network, WebFetch or mcp__server__tool"
                ),
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Bash(npm run test:*)")]
    #[case("Bash(git status)")]
    #[case("Bash")]
    #[case("Bash(python -c \"print(1)\")")]
    #[case("Read(./.env)")]
    #[case("Read")]
    #[case("Edit(src/**)")]
    #[case("Write(docs/*.md)")]
    #[case("WebFetch(domain:docs.rs)")]
    #[case("Network(crates.io)")]
    #[case("Network(*.crates.io)")]
    #[case("mcp__github__get_issue")]
    #[case("mcp__github__*")]
    #[case("mcp__github")]
    #[case("  Bash(ls)  ")]
    fn rules_of_the_known_forms_are_read(#[case] text: &str) {
        assert_eq!(Rule::parse(text).unwrap().text(), text.trim());
    }

    #[rstest]
    #[case("", 1)]
    #[case("(x)", 1)]
    #[case("Bash(git status", 16)]
    #[case("Bash(git status) x", 19)]
    #[case("Bash(:*)", 6)]
    #[case("bash(ls)", 1)]
    #[case("  Fly(away)", 3)]
    #[case("Read(../x)", 6)]
    #[case("Read(!x)", 6)]
    #[case("Read(a[)", 6)]
    #[case("Network(http://x)", 9)]
    #[case("WebFetch(docs.rs)", 10)]
    #[case("WebFetch(domain:a b)", 17)]
    #[case("mcp__", 1)]
    #[case("mcp__a__b(c)", 11)]
    #[case("Bäsh(ls", 8)]
    fn what_is_no_rule_says_where(#[case] text: &str, #[case] column: u32) {
        let error = Rule::parse(text).unwrap_err();
        assert_eq!(error.column, column, "{text}: {error}");
    }
}
