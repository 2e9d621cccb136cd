//! Files that no tool reads into the conversation: their names say that all of them is a secret.

use crate::rules;
use kerf_protocol::rule::RuleVerdict;
use kerf_rules::{PathAt, Rules};
use kerf_secrets::Reason;
use kerf_workspace::{RelPath, Workspace};
use std::{path::PathBuf, sync::Arc};

/// Why a tool does not read a file.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Withheld {
    #[error(
        "`{path}` is withheld from the model: {reason}. Commands may use the file where it is. \
         Only the user can allow reading it, with its whole path under `show` in `[secrets]` of Kerf's config.toml"
    )]
    Secret { path: RelPath, reason: Reason },
    #[error("`{path}` is not read: the rule {rule} holds it back. Only the user can change rules")]
    Rule { path: RelPath, rule: String },
}

/// Tells which files are withheld.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    workspace: Workspace,
    show: Arc<[PathBuf]>,
    rules: Arc<Rules>,
}

impl Guard {
    /// `show` are the whole paths that the user allowed.
    pub(crate) fn new(workspace: Workspace, show: Arc<[PathBuf]>, rules: Arc<Rules>) -> Self {
        Self {
            workspace,
            show,
            rules,
        }
    }

    /// Whether a file may be read, also one that a link leads to.
    ///
    /// # Errors
    /// When it is withheld.
    pub(crate) fn check(&self, path: &RelPath) -> Result<(), Withheld> {
        let said = rules::read(&self.rules, &self.workspace, path);
        if holds_back(said.verdict) {
            return Err(Withheld::Rule {
                path: path.clone(),
                rule: said.rule,
            });
        }
        let real = self
            .workspace
            .root()
            .join(path.as_path())
            .canonicalize()
            .ok();
        let behind_link = real
            .as_deref()
            .and_then(|real| real.strip_prefix(self.workspace.root()).ok())
            .and_then(|inside| kerf_secrets::withheld(&inside.to_string_lossy()));
        let Some(reason) = by_name(path).or(behind_link) else {
            return Ok(());
        };
        if self.is_shown(path) || real.is_some_and(|real| self.show.contains(&real)) {
            return Ok(());
        }
        Err(Withheld::Secret {
            path: path.clone(),
            reason,
        })
    }

    /// Whether the content of a file that a search found is withheld. A search follows no link.
    pub(crate) fn hides(&self, path: &RelPath) -> bool {
        let named = path.as_path().to_string_lossy();
        let said = self.rules.read(PathAt {
            named: &named,
            real: None,
        });
        holds_back(said.verdict) || (by_name(path).is_some() && !self.is_shown(path))
    }

    fn is_shown(&self, path: &RelPath) -> bool {
        self.show
            .contains(&self.workspace.root().join(path.as_path()))
    }
}

/// Looking calls run beside each other and put no question: what a rule asks about is not read.
fn holds_back(verdict: Option<RuleVerdict>) -> bool {
    matches!(verdict, Some(RuleVerdict::Deny | RuleVerdict::Ask))
}

fn by_name(path: &RelPath) -> Option<Reason> {
    kerf_secrets::withheld(&path.to_string())
}
