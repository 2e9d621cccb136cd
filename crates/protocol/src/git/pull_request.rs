//! Pull requests: where one would go, its words as the model proposes them, and opening it as a draft.

use super::command::GitRemote;
use crate::{SessionId, endpoint::KeyPlace};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What speaks at a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum HostKind {
    /// GitHub, or a GitHub Enterprise server.
    GitHub,
    /// GitLab, there or self-hosted.
    GitLab,
}

/// See `git/pull_target`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct FindPullTarget {
    /// The folder.
    pub folder: String,
    /// The remote; none: where the branch goes.
    #[serde(default)]
    pub remote: Option<String>,
}

/// Where a pull request of the branch would go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct PullTarget {
    /// The remote that the branch is pushed to.
    pub remote: GitRemote,
    /// Its host.
    pub host: String,
    /// What speaks there.
    pub kind: HostKind,
    /// The project there, as `ada/tool`.
    pub project: String,
    /// The branch there.
    pub branch: String,
    /// The branch that it would go into.
    pub base: String,
    /// Whether the remote has all commits of the branch, as last seen.
    pub pushed: bool,
    /// The host's program on this machine, `gh` or `glab`, if there is one.
    pub program: Option<String>,
    /// The host that is asked where there is no program.
    pub api: String,
    /// Whether a token for it is kept.
    pub token: bool,
}

/// See `git/draft_pull`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct DraftPull {
    /// The folder.
    pub folder: String,
    /// The task whose words and checks are evidence, and whose endpoint is asked; none: the default endpoint.
    #[serde(default)]
    pub session_id: Option<SessionId>,
    /// The remote.
    pub remote: String,
    /// The branch of the remote that the commits are counted from.
    pub base: String,
}

/// Title and text by the model, for the user to edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct DraftedPull {
    /// The title.
    pub title: String,
    /// The text, Markdown.
    pub body: String,
    /// What the model was not shown, in words. Empty when it saw all.
    pub left_out: String,
}

/// See `git/open_pull`. The token travels only here, to the keyring and to the host that is named.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct OpenPull {
    /// The folder.
    pub folder: String,
    /// The target that the user saw. Nothing is sent when it would be another by now.
    pub target: PullTarget,
    /// The title.
    pub title: String,
    /// The text.
    pub body: String,
    /// A token for the host, to be kept in the keyring; none: the one that is kept.
    #[serde(default)]
    pub token: Option<String>,
}

impl fmt::Debug for OpenPull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenPull")
            .field("target", &self.target)
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}

/// A pull request that was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct OpenedPull {
    /// Its page; none when the host named none of its own.
    pub url: Option<String>,
    /// Its number there.
    #[ts(type = "number")]
    pub number: u64,
    /// Where a token that came along is now.
    pub token: KeyPlace,
}
