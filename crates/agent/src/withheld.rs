//! What is withheld from a model, and by what: rules on reading, `.kerfignore` files, and names that say that all of a file
//! is a secret.
//!
//! Whatever puts a file's content into a request asks here. Commands do not get to see what `.kerfignore` and rules that
//! deny withhold ([`withheld`]); files with secret names they may use where they are.

use crate::rules;
use kerf_index::MayShow;
use kerf_protocol::rule::RuleVerdict;
use kerf_rules::Rules;
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
pub enum WithheldBy {
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
    /// The folder's own, and behind it those of the user's folder that it was made of.
    ignored: Arc<[(PathBuf, KerfIgnore)]>,
}

/// What commands must not read: in the workspace, and in the user's folder that it was made of, which they could read as
/// well.
pub fn withheld(
    workspace: &Workspace,
    made_of: Option<&Workspace>,
    rules: &Arc<Rules>,
) -> Vec<kerf_sandbox::Withheld> {
    let by = |workspace: &Workspace, made_of, rules: Arc<Rules>| kerf_sandbox::Withheld {
        root: workspace.root().to_owned(),
        by: Arc::new(Guard::new(workspace, made_of, Arc::default(), rules)),
    };
    let mut all = vec![by(workspace, made_of, Arc::clone(rules))];
    if let Some(made_of) = made_of {
        let there = rules.in_folder(&made_of.root().to_string_lossy());
        all.push(by(made_of, None, Arc::new(there)));
    }
    all
}

impl Guard {
    /// `made_of` is the user's folder when the workspace is a worktree: what is withheld there for a `.kerfignore` of its
    /// own, which no commit may hold, is withheld here too. `show` are the whole paths that the user allowed although
    /// their names say that they hold secrets.
    pub fn new(
        workspace: &Workspace,
        made_of: Option<&Workspace>,
        show: Arc<[PathBuf]>,
        rules: Arc<Rules>,
    ) -> Self {
        let folders = [Some(workspace), made_of].into_iter().flatten();
        let ignored = folders.map(|folder| (folder.root().to_owned(), KerfIgnore::new(folder)));
        Self {
            workspace: workspace.clone(),
            show,
            rules,
            ignored: ignored.collect(),
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
    pub fn check(&self, path: &RelPath) -> Result<(), WithheldBy> {
        let real = rules::real(&self.workspace, path);
        self.check_user_s(path, real.as_ref())?;
        let Some(reason) = by_name(path).or_else(|| real.as_ref().and_then(by_name)) else {
            return Ok(());
        };
        if [Some(path), real.as_ref()]
            .into_iter()
            .flatten()
            .any(|path| self.is_shown(path))
        {
            return Ok(());
        }
        Err(WithheldBy::Secret {
            path: path.clone(),
            reason,
        })
    }

    /// Whether the names in a folder may be listed, also of one that a link leads to.
    ///
    /// # Errors
    /// When it is withheld.
    pub(crate) fn check_folder(&self, path: &RelPath) -> Result<(), WithheldBy> {
        self.check_user_s(path, rules::real(&self.workspace, path).as_ref())
    }

    /// Whether the user withholds what is at a path, which really is at another one.
    fn check_user_s(&self, path: &RelPath, real: Option<&RelPath>) -> Result<(), WithheldBy> {
        let is_dir = |path: &RelPath| {
            let stat = self.workspace.fs().stat(path);
            stat.is_ok_and(|stat| stat.kind == Kind::Dir)
        };
        let said = rules::read(&self.rules, path, real, is_dir(real.unwrap_or(path)));
        if holds_back(said.verdict) {
            return Err(WithheldBy::Rule {
                path: path.clone(),
                rule: said.rule,
            });
        }
        let mut places = [Some(path), real].into_iter().flatten();
        match places.find_map(|path| self.ignored_by(path, is_dir(path))) {
            None => Ok(()),
            Some(by) => Err(WithheldBy::Ignored {
                path: path.clone(),
                by,
            }),
        }
    }

    /// Which `.kerfignore` withholds a path.
    fn ignored_by(&self, path: &RelPath, is_dir: bool) -> Option<IgnoredBy> {
        self.ignored.iter().find_map(|(root, ignored)| {
            let by = ignored.withholds(path, is_dir)?;
            let is_own = root == self.workspace.root();
            Some(if is_own {
                by
            } else {
                by.seen_from_elsewhere(root)
            })
        })
    }

    /// Whether the user withholds a file, so that not even its name is told. No link on the way is followed.
    pub(crate) fn is_kept_quiet(&self, path: &RelPath) -> bool {
        holds_back(rules::read(&self.rules, path, None, false).verdict)
            || self.ignored_by(path, false).is_some()
    }

    /// Whether the content of a file is withheld from searches. A search follows no link.
    pub fn hides(&self, path: &RelPath) -> bool {
        self.is_kept_quiet(path) || (by_name(path).is_some() && !self.is_shown(path))
    }

    /// What a map may show of a file.
    pub(crate) fn may_show(&self, path: &RelPath) -> MayShow {
        if self.is_kept_quiet(path) {
            MayShow::Nothing
        } else if self.hides(path) {
            MayShow::Name
        } else {
            MayShow::Lines
        }
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
        let of_rules = self.rules.denied_reads_version();
        let of_files = self.ignored.iter().map(|(_, ignored)| ignored.version());
        let all: Vec<Option<u64>> = [of_rules].into_iter().chain(of_files).collect();
        if all.iter().all(Option::is_none) {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        all.hash(&mut hasher);
        Some(hasher.finish())
    }

    fn withholds(&self, path: &Path, is_dir: bool) -> bool {
        let Some(inside) = self.inside(path) else {
            return false;
        };
        let mut ignored = self.ignored.iter();
        ignored.any(|(_, ignored)| ignored.withholds_itself(&inside, is_dir).is_some())
            || self
                .rules
                .denies_reading(&rules::slashes(inside.as_path()), is_dir)
    }

    fn names(&self, folder: &Path, name: &str) -> bool {
        self.rules.denied_reads_name(name)
            || self.inside(folder).is_some_and(|folder| {
                let mut ignored = self.ignored.iter();
                ignored.any(|(_, ignored)| ignored.names(&folder, name))
            })
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

    /// A worktree's commands could read the folder that it was made of, where the same is withheld; and what that
    /// folder's own `.kerfignore` withholds is withheld in the worktree.
    #[test]
    fn a_worktree_and_the_user_s_folder_withhold_the_same() {
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
        assert!(said(own, "worktree/keys", true) && said(own, "worktree/mine", false));
        assert!(said(own, "worktree/a/mine", false) && !said(own, "users/mine", false));
        assert!(said(users, "users/keys", true) && said(users, "users/mine", false));
        assert!(!said(users, "users/keys", false) && !said(users, "worktree/keys", true));
        assert!(users.by.version().is_some() && users.by.names(&users.root, "keys"));
    }
}
