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
    /// with one that git's versions read differently, and those whose name or address is not UTF-8 or whose name is one
    /// that git could take for a path or a group of others.
    pub fn remotes(&self) -> Result<Vec<Remote>, GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("list the remotes of", &self.workdir, error);
        let said = Said::read(&repo).map_err(failed)?;
        let remotes = said.remotes.keys().filter_map(|name| said.remote(name));
        Ok(remotes.take(MAX_REMOTES).collect())
    }

    /// The remotes that any command of git's asks for objects that are missing here: their names, and where git fetches
    /// from when [`Repo::remotes`] could tell.
    pub fn promisors(&self) -> Result<Vec<(String, Option<String>)>, GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("list the remotes of", &self.workdir, error);
        let said = Said::read(&repo).map_err(failed)?;
        let promisors = said.promisors.iter().map(|name| {
            let url = said.remote(name).map(|remote| remote.url);
            (String::from_utf8_lossy(name).into_owned(), url)
        });
        Ok(promisors.take(MAX_REMOTES).collect())
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
/// they know the last, and git fetches from the first and sends to all. All of it is bytes: git asks no more of it.
#[derive(Default)]
struct Said {
    remotes: BTreeMap<Vec<u8>, Addresses>,
    /// Names that stand for several remotes.
    groups: BTreeSet<Vec<u8>>,
    /// Those that are asked for missing objects.
    promisors: BTreeSet<Vec<u8>>,
    rewrites: Vec<Rewrite>,
    push_rewrites: Vec<Rewrite>,
}

/// The addresses of one remote, as they are written.
#[derive(Default)]
struct Addresses {
    urls: Vec<Vec<u8>>,
    push_urls: Vec<Vec<u8>>,
    /// One is empty or too long.
    odd: bool,
}

/// What stands in the place of the beginnings of addresses.
struct Rewrite {
    base: Vec<u8>,
    beginnings: Vec<Vec<u8>>,
}

impl Said {
    fn read(repo: &Repository) -> Result<Self, git2::Error> {
        let config = repo.config()?;
        let mut said = Self::default();
        let mut entries = config.entries(None)?;
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let value = entry.has_value().then(|| entry.value_bytes());
            said.add(entry.name_bytes(), value.unwrap_or_default());
        }
        Ok(said)
    }

    fn add(&mut self, name: &[u8], value: &[u8]) {
        if let Some(group) = name.strip_prefix(b"remotes.") {
            self.groups.insert(group.to_owned());
        }
        if name == b"extensions.partialclone" {
            self.promisors.insert(value.to_owned());
        }
        let is_dot = |byte: &u8| *byte == b'.';
        let ends = name
            .iter()
            .position(is_dot)
            .zip(name.iter().rposition(is_dot));
        let Some((first, last)) = ends.filter(|(first, last)| first < last) else {
            return;
        };
        let middle = &name[first + 1..last];
        match (&name[..first], &name[last + 1..]) {
            (b"remote", key @ (b"url" | b"pushurl")) => {
                let of = self.remotes.entry(middle.to_owned()).or_default();
                of.odd |= value.is_empty() || value.len() > MAX_URL_BYTES;
                let urls = if key == b"url" {
                    &mut of.urls
                } else {
                    &mut of.push_urls
                };
                urls.push(value.to_owned());
            }
            // With a false value too: one too many is told rather than one too few.
            (b"remote", b"promisor" | b"partialclonefilter") => {
                self.promisors.insert(middle.to_owned());
            }
            (b"url", b"insteadof") => rewrite(&mut self.rewrites, middle, value),
            (b"url", b"pushinsteadof") => rewrite(&mut self.push_rewrites, middle, value),
            _ => {}
        }
    }

    fn remote(&self, name: &[u8]) -> Option<Remote> {
        let of = self.remotes.get(name)?;
        let text = String::from_utf8(name.to_owned()).ok()?;
        (git2::Remote::is_valid_name(&text) && !self.groups.contains(name))
            .then(|| of.resolved(text, self))
            .flatten()
    }
}

impl Addresses {
    /// None: git goes to something that is no text, or reads it in another way.
    fn resolved(&self, name: String, said: &Said) -> Option<Remote> {
        let usual = |url: &Vec<u8>| rewritten(url, &said.rewrites).unwrap_or_else(|| url.clone());
        let url = self.urls.first().filter(|_| !self.odd).map(usual)?;
        let mut push_urls: Vec<Vec<u8>> = self.push_urls.iter().map(usual).collect();
        if push_urls.is_empty() {
            // Where one is rewritten for sending, those that are not are not sent to.
            let rewritten = |url: &Vec<u8>| rewritten(url, &said.push_rewrites);
            push_urls = self.urls.iter().filter_map(rewritten).collect();
        }
        if push_urls.is_empty() {
            push_urls = self.urls.iter().map(usual).collect();
        }
        let text = |bytes| String::from_utf8(bytes).ok();
        Some(Remote {
            name,
            url: text(url)?,
            push_urls: push_urls.into_iter().map(text).collect::<Option<_>>()?,
        })
    }
}

fn rewrite(all: &mut Vec<Rewrite>, base: &[u8], beginning: &[u8]) {
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
fn rewritten(url: &[u8], rewrites: &[Rewrite]) -> Option<Vec<u8>> {
    let mut longest: Option<(&[u8], &[u8])> = None;
    for Rewrite { base, beginnings } in rewrites {
        for beginning in beginnings {
            let longer = longest.is_none_or(|(known, _)| known.len() < beginning.len());
            if longer && url.starts_with(beginning) {
                longest = Some((beginning, base));
            }
        }
    }
    longest.map(|(beginning, base)| [base, &url[beginning.len()..]].concat())
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
