use super::*;
use crate::{
    Withhold,
    guard::{
        kept::{SETTINGS, is_empty},
        survey::settle,
    },
};
use rstest::rstest;
use std::{fs, os::unix::fs::symlink};

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
    let roots = ["worktree", "users"].map(|name| base.path().canonicalize().unwrap().join(name));
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
