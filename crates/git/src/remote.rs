//! Remotes, and where a branch goes and comes from: what the settings say, read, not followed.

use crate::{GitError, Repo};
use git2::{ErrorCode, Repository};

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
    /// Where git sends to: each of them.
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
    /// The remotes, by name. Those without an address, and those whose name is not UTF-8, are left out.
    pub fn remotes(&self) -> Result<Vec<Remote>, GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("list the remotes of", &self.workdir, error);
        let names = repo.remotes().map_err(failed)?;
        let mut remotes = Vec::new();
        for name in names.iter().take(MAX_REMOTES) {
            let Ok(Some(name)) = name else { continue };
            let Ok(remote) = repo.find_remote(name) else {
                continue;
            };
            let text = |bytes: &[u8]| {
                (!bytes.is_empty() && bytes.len() <= MAX_URL_BYTES)
                    .then(|| std::str::from_utf8(bytes).ok().map(str::to_owned))
                    .flatten()
            };
            let Some(url) = text(remote.url_bytes()) else {
                continue;
            };
            let last = match remote.pushurl_bytes() {
                Some(bytes) => text(bytes),
                None => Some(url.clone()),
            };
            let Some(last) = last else { continue };
            let mut push_urls = other_push_urls(&repo, name).map_err(failed)?;
            push_urls.push(last);
            remotes.push(Remote {
                name: name.to_owned(),
                url,
                push_urls,
            });
        }
        Ok(remotes)
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

/// The addresses before the last one that git sends to as well. The library tells of the last alone.
fn other_push_urls(repo: &Repository, name: &str) -> Result<Vec<String>, git2::Error> {
    let config = repo.config()?;
    let all = |key: &str| -> Result<Vec<String>, git2::Error> {
        let mut values = Vec::new();
        let mut entries = config.multivar(key, None)?;
        while let Some(entry) = entries.next() {
            let value = String::from_utf8_lossy(entry?.value_bytes()).into_owned();
            values.push(value);
        }
        Ok(values)
    };
    let mut urls = all(&format!("remote.{name}.pushurl"))?;
    if urls.is_empty() {
        urls = all(&format!("remote.{name}.url"))?;
    }
    urls.pop();
    urls.truncate(MAX_REMOTES);
    Ok(urls)
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
