//! What is withheld from a model, and by what: rules on reading, `.kerfignore` files, and names that say that all of a file
//! is a secret.
//!
//! Whatever puts a file's content into a request asks here. Commands do not get to see what `.kerfignore` and rules that
//! deny withhold ([`withheld`]); files with secret names they may use where they are.

use crate::rules;
use kerf_protocol::rule::RuleVerdict;
use kerf_rules::{PathAt, Rules};
use kerf_sandbox::Withhold;
use kerf_secrets::Reason;
use kerf_workspace::{IgnoredBy, KerfIgnore, Kind, RelPath, Workspace};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why a tool does not read a file.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Withheld {
    /// Its name says that it holds secrets.
    #[error(
        "`{path}` is withheld from the model: {reason}. Commands may use the file where it is. \
         Only the user can allow reading it, with its whole path under `show` in `[secrets]` of Kerf's config.toml"
    )]
    Secret {
        /// The file.
        path: RelPath,
        /// What it holds.
        reason: Reason,
    },
    /// A rule denies it, or asks about it.
    #[error("`{path}` is not read: the rule {rule} holds it back. Only the user can change rules")]
    Rule {
        /// The file.
        path: RelPath,
        /// The rule, and whose it is.
        rule: String,
    },
    /// A `.kerfignore` says so.
    #[error(
        "`{path}` is withheld from the model and from commands by {by}. \
         Only the user can change that: go on without it, or say what you would need of it"
    )]
    Ignored {
        /// The file.
        path: RelPath,
        /// What says so.
        by: IgnoredBy,
    },
}

/// Tells what is withheld in a folder. Made anew for each use: what it has read of a `.kerfignore` may have changed since.
#[derive(Debug, Clone)]
pub struct Guard {
    workspace: Workspace,
    show: Arc<[PathBuf]>,
    rules: Arc<Rules>,
    ignored: Arc<KerfIgnore>,
}

/// What commands must not read: in the workspace, and in the user's folder that it was made of, which they could read as
/// well.
pub fn withheld(
    workspace: &Workspace,
    made_of: Option<&Workspace>,
    rules: &Arc<Rules>,
) -> Vec<kerf_sandbox::Withheld> {
    let guard = |workspace: &Workspace, rules: Arc<Rules>| kerf_sandbox::Withheld {
        root: workspace.root().to_owned(),
        by: Arc::new(Guard::new(workspace.clone(), Arc::default(), rules)),
    };
    let mut all = vec![guard(workspace, Arc::clone(rules))];
    if let Some(made_of) = made_of {
        let there = rules.in_folder(&made_of.root().to_string_lossy());
        all.push(guard(made_of, Arc::new(there)));
    }
    all
}

impl Guard {
    /// `show` are the whole paths that the user allowed although their names say that they hold secrets.
    pub fn new(workspace: Workspace, show: Arc<[PathBuf]>, rules: Arc<Rules>) -> Self {
        let ignored = Arc::new(KerfIgnore::new(&workspace));
        Self {
            workspace,
            show,
            rules,
            ignored,
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        self.workspace.root()
    }

    /// Whether a file may be read, also one that a link leads to.
    ///
    /// # Errors
    /// When it is withheld.
    pub fn check(&self, path: &RelPath) -> Result<(), Withheld> {
        self.check_folder(path)?;
        let real = self.real(path);
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

    /// Whether the names in a folder may be listed, also of one that a link leads to.
    ///
    /// # Errors
    /// When it is withheld.
    pub(crate) fn check_folder(&self, path: &RelPath) -> Result<(), Withheld> {
        let said = rules::read(&self.rules, &self.workspace, path);
        if holds_back(said.verdict) {
            return Err(Withheld::Rule {
                path: path.clone(),
                rule: said.rule,
            });
        }
        let is_dir = |path: &RelPath| {
            let stat = self.workspace.fs().stat(path);
            stat.is_ok_and(|stat| stat.kind == Kind::Dir)
        };
        let real = self.real(path);
        let real = real
            .as_deref()
            .and_then(|real| real.strip_prefix(self.workspace.root()).ok())
            .and_then(|inside| RelPath::new(inside).ok())
            .filter(|real| real != path);
        let by = [Some(path), real.as_ref()]
            .into_iter()
            .flatten()
            .find_map(|path| self.ignored.withholds(path, is_dir(path)));
        match by {
            None => Ok(()),
            Some(by) => Err(Withheld::Ignored {
                path: path.clone(),
                by,
            }),
        }
    }

    /// Whether the content of a file that a search found is withheld. A search follows no link.
    pub fn hides(&self, path: &RelPath) -> bool {
        let named = path.as_path().to_string_lossy();
        let said = self.rules.read(PathAt {
            named: &named,
            real: None,
        });
        holds_back(said.verdict)
            || (by_name(path).is_some() && !self.is_shown(path))
            || self.ignored.withholds(path, false).is_some()
    }

    fn real(&self, path: &RelPath) -> Option<PathBuf> {
        let whole = self.workspace.root().join(path.as_path());
        whole.canonicalize().ok()
    }

    fn is_shown(&self, path: &RelPath) -> bool {
        self.show
            .contains(&self.workspace.root().join(path.as_path()))
    }

    /// A whole path as one of the folder.
    fn inside(&self, path: &Path) -> Option<RelPath> {
        let inside = path.strip_prefix(self.workspace.root()).ok()?;
        if inside.as_os_str().is_empty() {
            return Some(RelPath::root());
        }
        RelPath::new(inside).ok()
    }
}

impl Withhold for Guard {
    fn version(&self) -> Option<u64> {
        match (self.rules.denied_reads_version(), self.ignored.version()) {
            (None, None) => None,
            both => {
                let mut hasher = DefaultHasher::new();
                both.hash(&mut hasher);
                Some(hasher.finish())
            }
        }
    }

    fn withholds(&self, path: &Path, is_dir: bool) -> bool {
        let Some(inside) = self.inside(path) else {
            return false;
        };
        self.ignored.withholds_itself(&inside, is_dir).is_some()
            || self
                .rules
                .denies_reading(&rules::slashes(inside.as_path()), is_dir)
    }

    fn names(&self, folder: &Path, name: &str) -> bool {
        self.rules.denied_reads_name(name)
            || self
                .inside(folder)
                .is_some_and(|folder| self.ignored.names(&folder, name))
    }

    fn places(&self) -> Vec<PathBuf> {
        let places = self.rules.denied_places();
        places.into_iter().map(PathBuf::from).collect()
    }
}

/// Looking calls run beside each other and put no question: what a rule asks about is not read.
fn holds_back(verdict: Option<RuleVerdict>) -> bool {
    matches!(verdict, Some(RuleVerdict::Deny | RuleVerdict::Ask))
}

fn by_name(path: &RelPath) -> Option<Reason> {
    kerf_secrets::withheld(&path.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kerf_protocol::rule::RuleOrigin;
    use kerf_rules::{Entry, Rule};
    use std::fs;

    /// A worktree's commands could read the folder that it was made of, where the same is withheld.
    #[test]
    fn commands_are_kept_from_the_user_s_folder_too() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        for folder in ["users/keys", "worktree"] {
            fs::create_dir_all(base.join(folder)).unwrap();
        }
        fs::write(base.join("users/.kerfignore"), "mine\n").unwrap();
        let open = |name: &str| Workspace::open(&base.join(name)).unwrap();
        let entry = Entry {
            verdict: RuleVerdict::Deny,
            origin: RuleOrigin::Settings,
            rule: Rule::parse("Read(./keys/**)").unwrap(),
        };
        let worktree = open("worktree");
        let rules = Rules::new(&worktree.root().to_string_lossy(), None, vec![entry]);
        let all = withheld(&worktree, Some(&open("users")), &Arc::new(rules));
        let [own, users] = all.as_slice() else {
            panic!("{all:?}");
        };
        assert_eq!(users.root, base.join("users"));
        let said = |by: &kerf_sandbox::Withheld, path: &str, is_dir| {
            by.by.withholds(&base.join(path), is_dir)
        };
        assert!(said(own, "worktree/keys", true) && !said(own, "worktree/mine", false));
        assert!(said(users, "users/keys", true) && said(users, "users/mine", false));
        assert!(!said(users, "users/keys", false) && !said(users, "worktree/keys", true));
        assert!(users.by.version().is_some() && users.by.names(&users.root, "keys"));
    }
}
