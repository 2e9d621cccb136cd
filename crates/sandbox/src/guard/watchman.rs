//! Knows the folders that commands write to, and what in them is kept.

use super::{
    Guard, secrets,
    survey::{Found, Survey},
};
use crate::{Finding, SandboxError, Withheld};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ffi::OsString,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::Read,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Names at the top of a writable folder whose contents name programs that others run later.
const SETTINGS: &[&str] = &[
    ".git",
    ".vscode",
    ".idea",
    ".husky",
    ".envrc",
    ".kerf",
    ".claude",
    ".codex",
    ".cursor",
    ".mcp.json",
];

/// Nested repositories that are kept. Each costs a mount, and its folders one each.
const REPOSITORIES: usize = 128;

/// Files with a name elsewhere that are kept.
const SHARED: usize = 64;

/// Withheld files and folders that are hidden, and `.kerfignore` files that are kept, in all. Each costs a mount or two.
const WITHHELD: usize = 256;

/// Folders whose state is remembered between commands.
const REMEMBERED: usize = 16;

/// The longest file that says where a repository is, in bytes.
const POINTER_BYTES: u64 = 8 * 1024;

/// What is remembered of the folders that commands write to.
#[derive(Debug, Default)]
pub(crate) struct Watchman {
    /// What the user of this crate wants hidden as well.
    hidden: Vec<PathBuf>,
    surveys: Mutex<HashMap<PathBuf, Survey>>,
}

/// What folders held before a command.
#[derive(Debug, Default)]
pub(crate) struct Before {
    found: Vec<(PathBuf, Found)>,
    /// Folders of which not everything could be seen, so that rule files in them may not have been.
    unseen: Vec<PathBuf>,
}

impl Watchman {
    pub(crate) fn new(hidden: Vec<PathBuf>) -> Self {
        Self {
            hidden,
            ..Self::default()
        }
    }

    /// The rules for a command that works in `roots`, which are canonical, and may write there or not.
    ///
    /// # Errors
    /// When more is withheld than can be hidden.
    pub(crate) fn rules(
        &self,
        roots: &[PathBuf],
        writes: bool,
        withheld: &[Withheld],
    ) -> Result<(Guard, Before), SandboxError> {
        let mut guard = Guard {
            hidden: self.hidden_places(roots),
            ..Guard::default()
        };
        let written = if writes { roots } else { &[] };
        let mut asked: Vec<(PathBuf, Option<&Withheld>)> =
            written.iter().map(|root| (root.clone(), None)).collect();
        for one in withheld {
            let Ok(root) = one.root.canonicalize() else {
                continue;
            };
            match asked.iter_mut().find(|(known, _)| *known == root) {
                Some((_, by)) => *by = Some(one),
                None => asked.push((root, Some(one))),
            }
        }
        let mut before = Before::default();
        // With the folder that they were found in.
        let mut places = BTreeMap::new();
        let mut rule_files = BTreeMap::new();
        let all = self.look(&asked);
        let mut withholding = all
            .iter()
            .filter_map(|(_, by, found)| Some((by.as_ref()?, found)));
        let has_rules = withholding
            .any(|(by, found)| by.by.version().is_some() || !found.rule_files.is_empty());
        for (root, by, found) in all {
            if let Some(by) = by {
                if found.is_unseen && has_rules {
                    return Err(too_much(
                        &root,
                        "not all that is withheld can be found in the many folders of",
                    ));
                }
                if found.is_unseen {
                    before.unseen.push(root.clone());
                }
                let elsewhere = by.by.places();
                let elsewhere = elsewhere.iter().filter_map(|path| path.canonicalize().ok());
                let of_root = |path| (path, root.clone());
                places.extend(found.withheld.iter().cloned().chain(elsewhere).map(of_root));
                let files = found.rule_files.iter().map(|(path, _)| path.clone());
                rule_files.extend(files.map(of_root));
            }
            if written.contains(&root) {
                guard.keep(&root, &found, roots);
                before.found.push((root, found));
            }
        }
        let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
        places.retain(|place, _| {
            let holds = |folder: &PathBuf| folder.starts_with(place);
            !asked.iter().any(|(root, _)| holds(root))
                && !roots.iter().any(holds)
                && home.as_ref().is_none_or(|home| !holds(home))
        });
        let count = places.len() + rule_files.len();
        if count > WITHHELD {
            let mut counts: BTreeMap<&Path, usize> = BTreeMap::new();
            for root in places.values().chain(rule_files.values()) {
                *counts.entry(root.as_path()).or_default() += 1;
            }
            let most = counts.into_iter().max_by_key(|(_, count)| *count);
            let (root, most) = most.unwrap_or((Path::new(""), count));
            let most = if most == count { "" } else { ", most of them" };
            let what = format!("{count} files and folders are withheld one by one{most} in");
            return Err(too_much(root, &what));
        }
        // They say what is withheld, so a command must not write them.
        let mut kept = BTreeSet::new();
        for file in rule_files.keys() {
            add(&mut kept, file, written);
        }
        guard
            .kept
            .extend(kept.into_iter().map(PathBuf::into_os_string));
        guard.withheld = places.into_keys().map(PathBuf::into_os_string).collect();
        Ok((guard, before))
    }

    /// What the command made that others should not follow unseen. Looks again.
    pub(crate) fn findings(&self, before: &Before) -> Vec<Finding> {
        let roots: Vec<PathBuf> = before.found.iter().map(|(root, _)| root.clone()).collect();
        let asked: Vec<_> = roots.iter().map(|root| (root.clone(), None)).collect();
        let after = self.look(&asked);
        let unseen = before.unseen.iter().cloned().map(Finding::Unseen);
        let mut findings: Vec<Finding> = unseen.collect();
        for ((_, before), (_, _, after)) in before.found.iter().zip(&after) {
            for (path, id) in &after.repositories {
                match before.repositories.get(path) {
                    None => findings.push(Finding::Repository(path.clone())),
                    Some(old) if old != id => findings.push(Finding::Replaced(path.clone())),
                    Some(_) => {}
                }
            }
            let gone = before.repositories.keys();
            findings.extend(
                gone.filter(|path| !after.repositories.contains_key(*path))
                    .map(|path| Finding::Replaced(path.clone())),
            );
            for (path, target) in &after.links {
                if before.links.get(path) != Some(target) && leads_out(path, target, &roots) {
                    findings.push(Finding::Link {
                        path: path.clone(),
                        target: target.clone(),
                    });
                }
            }
        }
        findings
    }

    /// Looks through folders, and at what is withheld in those that come with somebody to ask. The rule files of one may
    /// count in those before it.
    fn look<'a>(
        &self,
        folders: &[(PathBuf, Option<&'a Withheld>)],
    ) -> Vec<(PathBuf, Option<&'a Withheld>, Found)> {
        // A look that panicked leaves folders that are read again.
        let mut surveys = self.surveys.lock().unwrap_or_else(PoisonError::into_inner);
        if surveys.len() > REMEMBERED {
            surveys.clear();
        }
        let mut elsewhere = DefaultHasher::new();
        let mut all: Vec<_> = folders
            .iter()
            .rev()
            .filter(|(root, _)| root.is_dir())
            .map(|(root, withheld)| {
                let survey = surveys.entry(root.clone()).or_default();
                let by = withheld.map(|withheld| &*withheld.by);
                let found = survey.look(root, by, elsewhere.finish());
                found.rule_files.hash(&mut elsewhere);
                (root.clone(), *withheld, found)
            })
            .collect();
        all.reverse();
        all
    }

    /// What exists of the secret places, without those that a writable folder is or that hold the whole home.
    fn hidden_places(&self, roots: &[PathBuf]) -> Vec<OsString> {
        let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
        let places = self.hidden.iter().cloned().chain(secrets::of_this_user());
        let places: BTreeSet<PathBuf> = places
            // Most are not there, and this costs less than to resolve each.
            .filter(|place| place.symlink_metadata().is_ok())
            .filter_map(|place| place.canonicalize().ok())
            .filter(|place| !roots.contains(place) && place.parent().is_some())
            .filter(|place| home.as_ref().is_none_or(|home| !home.starts_with(place)))
            .collect();
        places.into_iter().map(PathBuf::into_os_string).collect()
    }
}

impl Guard {
    /// Adds what `found` and the settings at the top of `root` ask for.
    fn keep(&mut self, root: &Path, found: &Found, roots: &[PathBuf]) {
        let mut kept = BTreeSet::new();
        for name in SETTINGS {
            let path = root.join(name);
            match path.symlink_metadata() {
                // Perhaps it stands for nothing only as long as another command runs.
                Ok(meta) if meta.is_dir() && is_empty(&path) => self.held.push(path.into()),
                Ok(_) => add(&mut kept, &path, roots),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    self.held.push(path.into());
                }
                // A folder that cannot be entered is one where nothing can be made.
                Err(_) => {}
            }
        }
        // Those nearest to the top first.
        let mut repositories: Vec<&PathBuf> = found.repositories.keys().collect();
        repositories.sort_by_key(|path| path.components().count());
        for path in repositories.into_iter().take(REPOSITORIES) {
            if !self.held.iter().any(|held| path == Path::new(held)) {
                add(&mut kept, path, roots);
            }
        }
        self.kept
            .extend(kept.into_iter().map(PathBuf::into_os_string));
        self.shared
            .extend(found.shared.iter().take(SHARED).map(OsString::from));
    }
}

fn too_much(root: &Path, what: &str) -> SandboxError {
    SandboxError::TooMuchWithheld {
        root: root.to_owned(),
        what: what.to_owned(),
        advice: "name whole folders (`keys/`) in `.kerfignore` and in rules on reading, or open a folder beneath",
    }
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Adds what `path` leads to, and the folders that it names when it is a file in the place of a repository.
fn add(kept: &mut BTreeSet<PathBuf>, path: &Path, roots: &[PathBuf]) {
    // What lies elsewhere cannot be written anyhow.
    let mut keep = |path: &Path| -> Option<PathBuf> {
        let path = path.canonicalize().ok()?;
        if roots
            .iter()
            .any(|root| path.starts_with(root) && path != *root)
        {
            kept.insert(path.clone());
        }
        Some(path)
    };
    let Some(real) = keep(path) else { return };
    if path.file_name().is_none_or(|name| name != ".git") {
        return;
    }
    let folder = if real.is_file() {
        let target = pointer(&real, "gitdir:");
        let Some(folder) = target.and_then(|target| keep(&real.parent()?.join(target))) else {
            return;
        };
        folder
    } else {
        real
    };
    if let Some(target) = pointer(&folder.join("commondir"), "") {
        keep(&folder.join(target));
    }
}

/// The path that the file at `path` holds behind `mark`.
fn pointer(path: &Path, mark: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    // A FIFO in its place would be waited for.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .ok()?
        .take(POINTER_BYTES)
        .read_to_end(&mut bytes)
        .ok()?;
    let said = bytes.strip_prefix(mark.as_bytes())?.trim_ascii();
    (!said.is_empty()).then(|| PathBuf::from(std::ffi::OsStr::from_bytes(said)))
}

/// Whether the link at `path` leads out of `roots`. One that leads nowhere yet is judged by what it says.
fn leads_out(path: &Path, target: &Path, roots: &[PathBuf]) -> bool {
    let real = path.canonicalize().unwrap_or_else(|_| {
        let mut real = path.parent().unwrap_or(path).to_owned();
        for part in target.components() {
            match part {
                std::path::Component::ParentDir => {
                    real.pop();
                }
                std::path::Component::CurDir => {}
                other => real.push(other),
            }
        }
        real
    });
    !roots.iter().any(|root| real.starts_with(root))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Withhold, guard::survey::settle};
    use rstest::rstest;
    use std::os::unix::fs::symlink;

    /// A folder made ready by `make`, and what of it is kept.
    fn kept(make: impl FnOnce(&Path)) -> Vec<String> {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().canonicalize().unwrap().join("ws");
        fs::create_dir(&root).unwrap();
        make(&root);
        let roots = [root.clone()];
        let (guard, _) = Watchman::default().rules(&roots, true, &[]).unwrap();
        let name = |path: &OsString| {
            let path = Path::new(path).strip_prefix(&root).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let held: Vec<_> = guard.held.iter().map(name).collect();
        let kept: Vec<_> = guard.kept.iter().map(name).collect();
        for setting in SETTINGS {
            let there = root
                .join(setting)
                .symlink_metadata()
                .is_ok_and(|meta| !meta.is_dir() || !is_empty(&root.join(setting)));
            assert_eq!(
                held.contains(&(*setting).to_owned()),
                !there,
                "{setting} is {held:?}"
            );
        }
        kept
    }

    fn folder(root: &Path, name: &str) {
        fs::create_dir_all(root.join(name)).unwrap();
    }

    fn file(root: &Path, name: &str, text: &str) {
        folder(root, Path::new(name).parent().unwrap().to_str().unwrap());
        fs::write(root.join(name), text).unwrap();
    }

    #[rstest]
    #[case::nothing(|_: &Path| {}, &[])]
    #[case::a_repository(|root: &Path| folder(root, ".git/hooks"), &[".git"])]
    #[case::an_empty_one(|root: &Path| folder(root, ".git"), &[])]
    #[case::a_nested_one(|root: &Path| folder(root, "a/b/.git"), &["a/b/.git"])]
    #[case::settings(|root: &Path| { folder(root, ".vscode/x"); file(root, ".envrc", "x"); }, &[".envrc", ".vscode"])]
    #[case::a_worktree_of_elsewhere(|root: &Path| file(root, ".git", "gitdir: /nowhere/.git/worktrees/x\n"), &[".git"])]
    #[case::a_repository_beside(|root: &Path| { folder(root, "data/x.git"); file(root, ".git", "gitdir: data/x.git"); }, &[".git", "data/x.git"])]
    #[case::a_common_folder(
        |root: &Path| { file(root, "data/x/commondir", "../all\n"); folder(root, "data/all"); file(root, ".git", "gitdir: data/x"); },
        &[".git", "data/all", "data/x"]
    )]
    #[case::a_link(|root: &Path| { folder(root, "real"); symlink("real", root.join(".git")).unwrap(); }, &["real"])]
    #[case::a_link_out(|root: &Path| symlink("/etc", root.join(".vscode")).unwrap(), &[])]
    #[case::a_link_to_all(|root: &Path| symlink(".", root.join(".git")).unwrap(), &[])]
    #[case::a_link_to_itself(|root: &Path| symlink(".git", root.join(".git")).unwrap(), &[])]
    #[case::no_pointer(|root: &Path| file(root, ".git", "gitdir:\n"), &[".git"])]
    fn what_is_kept(#[case] make: fn(&Path), #[case] expected: &[&str]) {
        assert_eq!(kept(make), expected);
    }

    /// Withholds what a root's `.kerfignore` names in another root, and what ends with `.key`.
    #[derive(Debug)]
    struct NamedIn(PathBuf);

    impl Withhold for NamedIn {
        fn version(&self) -> Option<u64> {
            None
        }

        fn withholds(&self, path: &Path, _is_dir: bool) -> bool {
            let lines = fs::read_to_string(self.0.join(".kerfignore")).unwrap_or_default();
            let name = path.file_name().unwrap().to_str().unwrap();
            name.ends_with(".key") || lines.lines().any(|line| line == name)
        }

        fn names(&self, _folder: &Path, _name: &str) -> bool {
            false
        }

        fn places(&self) -> Vec<PathBuf> {
            Vec::new()
        }
    }

    /// Two folders, of which the second one's rules count in both.
    fn two() -> (tempfile::TempDir, [PathBuf; 2], [Withheld; 2]) {
        let base = tempfile::tempdir().unwrap();
        let roots =
            ["worktree", "users"].map(|name| base.path().canonicalize().unwrap().join(name));
        let withheld = roots.clone().map(|root| {
            fs::create_dir_all(root.join("sub")).unwrap();
            let by = std::sync::Arc::new(NamedIn(roots[1].clone()));
            Withheld { root, by }
        });
        (base, roots, withheld)
    }

    #[test]
    fn rules_of_one_folder_that_count_in_another_are_noticed_when_they_change() {
        let (_base, [worktree, users], withheld) = two();
        let watchman = Watchman::default();
        for root in [&worktree, &users] {
            file(root, "sub/plain", "");
            settle(root);
        }
        let roots = [worktree.clone()];
        let closed = || watchman.rules(&roots, true, &withheld).unwrap().0.withheld;
        assert_eq!(closed(), Vec::<OsString>::new());
        let all = [&users, &worktree].map(|root| root.join("sub/plain").into_os_string());
        file(&users, ".kerfignore", "plain");
        assert_eq!(closed(), all);
        // In its place, which changes no folder.
        file(&users, ".kerfignore", "another");
        assert_eq!(closed(), Vec::<OsString>::new());
    }

    #[test]
    fn the_folder_with_the_most_is_named() {
        let (_base, [worktree, users], withheld) = two();
        file(&worktree, "one.key", "");
        for number in 0..WITHHELD {
            file(&users, &format!("sub/{number}.key"), "");
            file(&users, "sub/open", "");
        }
        let refused = Watchman::default().rules(&[worktree], true, &withheld);
        let said = refused.unwrap_err().to_string();
        let told = format!(
            "257 files and folders are withheld one by one, most of them in `{}`",
            users.display()
        );
        assert!(said.contains(&told), "{said}");
    }

    /// Where rules may be that nobody has seen, commands run, and that is told; where some are known, they do not.
    #[test]
    fn what_could_not_be_seen_is_told() {
        let (_base, [worktree, users], withheld) = two();
        for number in 0..20_000 {
            fs::create_dir(users.join(number.to_string())).unwrap();
        }
        let watchman = Watchman::default();
        let rules = || watchman.rules(std::slice::from_ref(&worktree), true, &withheld);
        let (_, before) = rules().unwrap();
        assert_eq!(watchman.findings(&before), [Finding::Unseen(users.clone())]);
        file(&worktree, "sub/.kerfignore", "x");
        let said = rules().unwrap_err().to_string();
        assert!(said.contains("many folders"), "{said}");
        fs::remove_file(worktree.join("sub/.kerfignore")).unwrap();
        for number in 0..100 {
            fs::remove_dir(users.join(number.to_string())).unwrap();
        }
        let (_, before) = rules().unwrap();
        assert_eq!(watchman.findings(&before), []);
    }

    #[test]
    fn the_home_itself_is_never_hidden() {
        let home = std::env::home_dir().unwrap();
        let data = tempfile::tempdir().unwrap();
        let hidden = vec![home.clone(), "/".into(), data.path().to_owned()];
        let (guard, _) = Watchman::new(hidden).rules(&[], true, &[]).unwrap();
        let data = data.path().canonicalize().unwrap().into_os_string();
        assert!(guard.hidden.contains(&data));
        assert!(!guard.hidden.contains(&home.into_os_string()));
        assert!(!guard.hidden.contains(&"/".into()));
    }
}
