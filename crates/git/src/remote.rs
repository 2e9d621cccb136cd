//! Remotes, and where a branch goes and comes from: what the settings say, read, not followed.

use crate::{GitError, Repo};
use git2::{ErrorCode, Repository};
use std::collections::{BTreeMap, BTreeSet};

/// So many remotes are told of.
const MAX_REMOTES: usize = 100;
/// A longer address is none.
const MAX_URL_BYTES: usize = 2_048;

/// A remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its name.
    pub name: String,
    /// Where git fetches from, after the rewriting that the settings ask for. It may hold a password.
    pub url: String,
    /// Where git sends to, each of them, rewritten as well.
    pub push_urls: Vec<String>,
}

/// What a branch follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The remote's name; `.` for this repository.
    pub remote: String,
    /// The branch there, as `refs/heads/main`.
    pub branch: String,
}

/// The branch that is checked out, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its short name.
    pub branch: String,
    /// What it follows, if anything.
    pub upstream: Option<Upstream>,
    /// The remote that git would send it to, if the settings tell.
    pub push_remote: Option<String>,
    /// How many commits it has that the upstream has not, as last seen; none without one.
    pub ahead: Option<usize>,
}

impl Repo {
    /// The remotes, by name, with the addresses that git itself goes to. Left out are those without an address, those
    /// with one that git's versions read differently, and those whose name is not UTF-8 or is one that git could take for
    /// a path or a group of others.
    pub fn remotes(&self) -> Result<Vec<Remote>, GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("list the remotes of", &self.workdir, error);
        let said = Said::read(&repo).map_err(failed)?;
        let remotes = said.remotes.iter().filter_map(|(name, of)| {
            (git2::Remote::is_valid_name(name) && !said.groups.contains(name))
                .then(|| of.resolved(name, &said))
                .flatten()
        });
        Ok(remotes.take(MAX_REMOTES).collect())
    }

    /// The branch that is checked out and where it goes; none where `HEAD` is detached or the name is not UTF-8.
    pub fn outgoing(&self) -> Result<Option<Outgoing>, GitError> {
        let ahead = self.ahead_behind()?.map(|(ahead, _)| ahead);
        let repo = self.lock();
        let failed = |error| GitError::library("read `HEAD` of", &self.workdir, error);
        let head = repo.find_reference("HEAD").map_err(failed)?;
        let Some(branch) = head
            .symbolic_target_bytes()
            .and_then(|target| std::str::from_utf8(target).ok())
            .and_then(|target| target.strip_prefix("refs/heads/"))
            .map(str::to_owned)
        else {
            return Ok(None);
        };
        let config = repo.config().and_then(|mut config| config.snapshot());
        let config = config.map_err(failed)?;
        let says = |key: String| match config.get_string(&key) {
            Ok(value) if !value.is_empty() => Ok(Some(value)),
            Ok(_) => Ok(None),
            Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => {
                Ok(None)
            }
            Err(error) => Err(failed(error)),
        };
        let remote = says(format!("branch.{branch}.remote"))?;
        let merge = says(format!("branch.{branch}.merge"))?;
        let push_remote = match says(format!("branch.{branch}.pushRemote"))? {
            Some(name) => Some(name),
            None => match says("remote.pushDefault".to_owned())? {
                Some(name) => Some(name),
                None => remote.clone().or_else(|| only_remote(&repo)),
            },
        };
        Ok(Some(Outgoing {
            branch,
            upstream: remote
                .zip(merge)
                .map(|(remote, branch)| Upstream { remote, branch }),
            push_remote,
            ahead,
        }))
    }
}

/// What the settings say of addresses, in git's own order. The library's remotes are not asked: of several addresses
/// they know the last, and git fetches from the first and sends to all.
#[derive(Default)]
struct Said {
    remotes: BTreeMap<String, Addresses>,
    /// Names that stand for several remotes.
    groups: BTreeSet<String>,
    rewrites: Vec<Rewrite>,
    push_rewrites: Vec<Rewrite>,
}

/// The addresses of one remote, as they are written.
#[derive(Default)]
struct Addresses {
    urls: Vec<String>,
    push_urls: Vec<String>,
    /// One is empty, too long or no text.
    odd: bool,
}

/// What stands in the place of the beginnings of addresses.
struct Rewrite {
    base: String,
    beginnings: Vec<String>,
}

impl Said {
    fn read(repo: &Repository) -> Result<Self, git2::Error> {
        let config = repo.config()?;
        let mut said = Self::default();
        let mut entries = config.entries(None)?;
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let Ok(name) = std::str::from_utf8(entry.name_bytes()) else {
                continue;
            };
            let value = entry.has_value().then(|| entry.value_bytes());
            let value = value.and_then(|bytes| std::str::from_utf8(bytes).ok());
            said.add(name, value.unwrap_or_default());
        }
        Ok(said)
    }

    fn add(&mut self, name: &str, value: &str) {
        if let Some(group) = name.strip_prefix("remotes.") {
            self.groups.insert(group.to_owned());
        }
        let Some((section, rest)) = name.split_once('.') else {
            return;
        };
        let Some((middle, last)) = rest.rsplit_once('.') else {
            return;
        };
        match (section, last) {
            ("remote", "url" | "pushurl") => {
                let of = self.remotes.entry(middle.to_owned()).or_default();
                of.odd |= value.is_empty() || value.len() > MAX_URL_BYTES;
                let urls = if last == "url" {
                    &mut of.urls
                } else {
                    &mut of.push_urls
                };
                urls.push(value.to_owned());
            }
            ("url", "insteadof") => rewrite(&mut self.rewrites, middle, value),
            ("url", "pushinsteadof") => rewrite(&mut self.push_rewrites, middle, value),
            _ => {}
        }
    }
}

impl Addresses {
    fn resolved(&self, name: &str, said: &Said) -> Option<Remote> {
        let usual = |url: &String| rewritten(url, &said.rewrites).unwrap_or_else(|| url.clone());
        let url = self.urls.first().filter(|_| !self.odd).map(usual)?;
        let mut push_urls: Vec<String> = self.push_urls.iter().map(usual).collect();
        if push_urls.is_empty() {
            // Where one is rewritten for sending, those that are not are not sent to.
            let rewritten = |url: &String| rewritten(url, &said.push_rewrites);
            push_urls = self.urls.iter().filter_map(rewritten).collect();
        }
        if push_urls.is_empty() {
            push_urls = self.urls.iter().map(usual).collect();
        }
        Some(Remote {
            name: name.to_owned(),
            url,
            push_urls,
        })
    }
}

fn rewrite(all: &mut Vec<Rewrite>, base: &str, beginning: &str) {
    let beginning = beginning.to_owned();
    match all.iter_mut().find(|rewrite| rewrite.base == base) {
        Some(rewrite) => rewrite.beginnings.push(beginning),
        None => all.push(Rewrite {
            base: base.to_owned(),
            beginnings: vec![beginning],
        }),
    }
}

/// The address with its beginning replaced: the longest one that is known, of those the first.
fn rewritten(url: &str, rewrites: &[Rewrite]) -> Option<String> {
    let mut longest: Option<(&str, &str)> = None;
    for Rewrite { base, beginnings } in rewrites {
        for beginning in beginnings {
            let longer = longest.is_none_or(|(known, _)| known.len() < beginning.len());
            if longer && url.starts_with(beginning) {
                longest = Some((beginning, base));
            }
        }
    }
    longest.map(|(beginning, base)| format!("{base}{}", &url[beginning.len()..]))
}

/// `origin`, else the one that there is.
fn only_remote(repo: &Repository) -> Option<String> {
    let names = repo.remotes().ok()?;
    let names: Vec<String> = names
        .iter()
        .filter_map(|name| name.ok().flatten().map(str::to_owned))
        .collect();
    if names.iter().any(|name| name == "origin") {
        return Some("origin".to_owned());
    }
    match names.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}
