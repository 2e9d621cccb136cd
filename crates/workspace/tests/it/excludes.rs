//! Rules that lie outside of the folder's own files: the same answers as git's own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use kerf_workspace::{Walk, Workspace};
use rstest::rstest;

/// Names the user's settings of git, where a test has some.
const USERS: &str = "KERF_TEST_GIT_SETTINGS";

/// Runs git, apart from the settings of whoever runs the tests.
#[expect(
    clippy::disallowed_methods,
    reason = "git itself says what is expected"
)]
pub(crate) fn git(folder: &Path, args: &[&str]) -> String {
    let ran = std::process::Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=T", "-c", "user.email=t@example.invalid"])
        .args([
            "-c",
            "init.defaultBranch=main",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(args)
        .env(
            "GIT_CONFIG_GLOBAL",
            std::env::var_os(USERS).unwrap_or_else(|| "/dev/null".into()),
        )
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(ran.status.success(), "git {args:?}: {ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

/// A repository with a commit and an empty file of excludes.
pub(crate) fn repository(at: &Path) {
    fs::create_dir_all(at).unwrap();
    git(at, &["init", "-q"]);
    fs::write(at.join("kept"), "").unwrap();
    git(at, &["add", "-A"]);
    git(at, &["commit", "-q", "-m", "First"]);
}

/// The file that git itself reads the excludes of a folder from.
pub(crate) fn excludes(folder: &Path) -> PathBuf {
    let named = git(folder, &["rev-parse", "--git-path", "info/exclude"]);
    let file = folder.join(named.trim_end());
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    file
}

/// The files that a walk of the folder finds, and those that git does not ignore.
#[track_caller]
fn assert_same(folder: &Path) -> BTreeSet<String> {
    let walked = Workspace::open(folder).unwrap().walk(&Walk::default());
    let found: BTreeSet<String> = walked
        .files
        .iter()
        .map(|(path, _)| path.to_string())
        .collect();
    let listed = git(
        folder,
        &["ls-files", "--cached", "--others", "--exclude-standard"],
    );
    let expected: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
    assert_eq!(found, expected, "{:?}", walked.skipped);
    found
}

/// Has the `.git` file of a folder name its target from where it lies, as newer git can.
fn make_relative(folder: &Path) {
    let text = fs::read_to_string(folder.join(".git")).unwrap();
    let target = text.trim_end().strip_prefix("gitdir: ").unwrap();
    let inside = Path::new(target).strip_prefix(folder.parent().unwrap().canonicalize().unwrap());
    let relative = Path::new("..").join(inside.unwrap());
    fs::write(
        folder.join(".git"),
        format!("gitdir: {}\n", relative.display()),
    )
    .unwrap();
}

/// Makes the layout in an empty folder and says which folder to open.
fn lay_out(layout: &str, base: &Path) -> PathBuf {
    let main = base.join("main");
    if layout != "separate" {
        repository(&main);
    }
    let worktree = || {
        git(&main, &["worktree", "add", "-q", "../tree"]);
        base.join("tree")
    };
    match layout {
        "repository" => main,
        "part" => main.join("part"),
        "worktree" => worktree(),
        "part_of_worktree" => worktree().join("part"),
        "relative_worktree" => {
            let tree = worktree();
            make_relative(&tree);
            tree
        }
        "part_of_relative_worktree" => {
            let tree = worktree();
            make_relative(&tree);
            tree.join("part")
        }
        "submodule" => {
            repository(&base.join("other"));
            git(
                &main,
                &["submodule", "--quiet", "add", "../other", "module"],
            );
            main.join("module")
        }
        "separate" => {
            fs::create_dir(&main).unwrap();
            git(
                &main,
                &["init", "-q", "--separate-git-dir", "../elsewhere.git"],
            );
            main
        }
        "nested" => {
            repository(&main.join("nested"));
            main.join("nested")
        }
        _ => unreachable!("{layout}"),
    }
}

#[rstest]
fn a_walk_goes_by_the_excludes_that_git_goes_by(
    #[values(
        "repository",
        "part",
        "worktree",
        "part_of_worktree",
        "relative_worktree",
        "part_of_relative_worktree",
        "submodule",
        "separate",
        "nested"
    )]
    layout: &str,
) {
    let base = tempfile::tempdir().unwrap();
    let folder = lay_out(layout, base.path());
    fs::create_dir_all(folder.join("deep/out")).unwrap();
    for name in [
        "a",
        "a.left",
        "deep/b",
        "deep/b.left",
        "deep/out/c",
        "!kept.left",
    ] {
        fs::write(folder.join(name), "").unwrap();
    }
    fs::write(excludes(&folder), "*.left\nout/\n!?kept.left\n").unwrap();
    let found = assert_same(&folder);
    assert!(
        found.contains("deep/b") && !found.contains("deep/b.left"),
        "{found:?}"
    );
    assert!(!found.contains("deep/out/c"), "{found:?}");
    // Anchored where the repository begins.
    let anchored = if layout.starts_with("part") {
        "/part/a\n/deep\n"
    } else {
        "/a\n/b\n"
    };
    fs::write(excludes(&folder), anchored).unwrap();
    let found = assert_same(&folder);
    assert!(
        !found.contains("a") && found.contains("deep/b"),
        "{found:?}"
    );
}

#[test]
fn a_nested_repository_goes_by_its_own_excludes() {
    let base = tempfile::tempdir().unwrap();
    let main = base.path().join("main");
    repository(&main);
    repository(&main.join("nested"));
    git(&main, &["worktree", "add", "-q", "tree"]);
    fs::write(excludes(&main), "main.left\ntree.left\n").unwrap();
    fs::write(excludes(&main.join("nested")), "nested.left\n").unwrap();
    for folder in ["", "nested", "tree"] {
        for name in ["main.left", "tree.left", "nested.left"] {
            fs::write(main.join(folder).join(name), "").unwrap();
        }
    }
    let walked = Workspace::open(&main).unwrap().walk(&Walk::default());
    let found: BTreeSet<String> = walked
        .files
        .iter()
        .map(|(path, _)| path.to_string())
        .filter(|path| path.ends_with(".left"))
        .collect();
    // The worktree shares the excludes of its repository.
    let expected = [
        "nested.left",
        "nested/main.left",
        "nested/tree.left",
        "tree/nested.left",
    ];
    assert_eq!(found, expected.map(str::to_owned).into());
    for (folder, own) in [("nested", "nested.left"), ("tree", "tree.left")] {
        let listed = git(
            &main.join(folder),
            &["ls-files", "--others", "--exclude-standard"],
        );
        assert!(!listed.contains(own), "{listed}");
    }
}

/// In a submodule within the folder, and in one within that, the files of rules count, and git's own excludes do not.
#[test]
fn a_submodule_within_the_folder_goes_by_what_ripgrep_goes_by() {
    let base = tempfile::tempdir().unwrap();
    let (main, other) = (base.path().join("main"), base.path().join("other"));
    repository(&main);
    repository(&other);
    repository(&base.path().join("inner"));
    let add = |at: &Path, url: &str, name: &str| {
        git(at, &["submodule", "--quiet", "add", url, name]);
        git(at, &["commit", "-q", "-m", "Add it"]);
    };
    add(
        &other,
        &base.path().join("inner").display().to_string(),
        "deep",
    );
    add(&main, &other.display().to_string(), "module");
    git(
        &main,
        &["submodule", "--quiet", "update", "--init", "--recursive"],
    );
    let folders = [main.clone(), main.join("module"), main.join("module/deep")];
    for folder in &folders {
        for name in [
            "kept.a",
            "main.left",
            "own.left",
            "top.ignored",
            "x.ignored",
        ] {
            fs::write(folder.join(name), "").unwrap();
        }
    }
    fs::write(main.join(".gitignore"), "top.ignored\n").unwrap();
    fs::write(excludes(&main), "main.left\n").unwrap();
    for folder in &folders[1..] {
        fs::write(folder.join(".gitignore"), "x.ignored\n").unwrap();
        fs::write(excludes(folder), "own.left\n").unwrap();
    }
    let walked = Workspace::open(&main).unwrap().walk(&Walk::default());
    let found: BTreeSet<String> = walked
        .files
        .iter()
        .map(|(path, _)| path.to_string())
        .collect();
    let ripgreps = WalkBuilder::new(&main)
        .hidden(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    let expected: BTreeSet<String> = ripgreps
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .map(|entry| {
            let inside = entry.path().strip_prefix(&main).unwrap();
            inside.display().to_string()
        })
        .collect();
    assert_eq!(found, expected, "{:?}", walked.skipped);
    let others = ["--others", "--exclude-standard"];
    for (folder, inside) in folders[1..].iter().zip(["module", "module/deep"]) {
        let in_git = git(folder, &["ls-files", others[0], others[1]]);
        for name in [
            "kept.a",
            "main.left",
            "top.ignored",
            "own.left",
            "x.ignored",
        ] {
            // This is where ripgrep goes another way than git.
            let is_here = in_git.lines().any(|line| line == name) || name == "own.left";
            let is_found = found.contains(&format!("{inside}/{name}"));
            assert_eq!(is_found, is_here, "{inside}/{name}");
        }
    }
}

/// Runs itself where the user's settings of git are those of the test.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test runs itself with other settings"
)]
fn another_value_of_the_users_excludes_counts_with_the_next_walk() {
    let Some(settings) = std::env::var_os(USERS) else {
        let base = tempfile::tempdir().unwrap();
        let settings = base.path().join("settings");
        let name = "excludes::another_value_of_the_users_excludes_counts_with_the_next_walk";
        let inside = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(USERS, &settings)
            .env("GIT_CONFIG_GLOBAL", &settings)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&inside.stdout);
        assert!(
            inside.status.success() && told.contains("1 passed"),
            "{inside:?}"
        );
        return;
    };
    let settings = PathBuf::from(settings);
    let base = settings.parent().unwrap();
    let set = |name: &str| {
        let file = base.join(name);
        fs::write(&file, format!("*.{name}\n")).unwrap();
        let text = format!("[core]\n\texcludesFile = {}\n", file.display());
        fs::write(&settings, text).unwrap();
    };
    set("one");
    let main = base.join("main");
    repository(&main);
    for name in ["a.one", "a.two"] {
        fs::write(main.join(name), "").unwrap();
    }
    let watched = crate::watch::watch(&main);
    assert!(assert_same(&main).contains("a.two"));
    set("two");
    let found = assert_same(&main);
    assert!(
        found.contains("a.one") && !found.contains("a.two"),
        "{found:?}"
    );
    // Who watches is told of neither, and sees it with the next change of a rule.
    fs::write(main.join(".gitignore"), "").unwrap();
    watched.rescan();
    fs::write(main.join("b.two"), "").unwrap();
    let told = watched.until_quiet("c.one");
    assert!(!told.contains("b.two"), "{told:?}");
}

/// What is opened may be of somebody who wants the walk to hang, or to take all of the memory.
#[cfg(unix)]
#[rstest]
#[case::pipe("sub/.gitignore", "pipe")]
#[case::endless("sub/.ignore", "/dev/zero")]
#[case::endless_own("sub/.kerfignore", "/dev/zero")]
#[case::too_long("sub/.gitignore", "sparse")]
#[case::excludes("sub/.git/info/exclude", "pipe")]
#[case::dot_git("sub/.git", "sparse")]
fn rules_that_cannot_be_read_keep_one_folder_from_being_walked(
    #[case] rules: &str,
    #[case] what: &str,
) {
    let base = tempfile::tempdir().unwrap();
    let root = base.path();
    fs::create_dir_all(root.join("sub/deep")).unwrap();
    for name in ["a", "sub/b", "sub/deep/c"] {
        fs::write(root.join(name), "").unwrap();
    }
    let put = |path: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match what {
            "pipe" => {
                let mode = rustix::fs::Mode::from_raw_mode(0o644);
                rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).unwrap();
            }
            "sparse" => fs::File::create(path).unwrap().set_len(50 << 30).unwrap(),
            target => std::os::unix::fs::symlink(target, path).unwrap(),
        }
    };
    put(rules);
    let workspace = Workspace::open(root).unwrap();
    let look = |under: &str| {
        let walked = workspace.walk(&Walk {
            under: under
                .parse()
                .unwrap_or_else(|_| kerf_workspace::RelPath::root()),
            ..Walk::default()
        });
        let files: Vec<_> = walked
            .files
            .iter()
            .map(|(path, _)| path.to_string())
            .collect();
        (files, walked.skipped)
    };
    let (files, skipped) = look("");
    assert_eq!(files, ["a"]);
    assert_eq!(skipped.len(), 1, "{skipped:?}");
    assert_eq!(skipped[0].path.to_string(), "sub");
    let name = rules.strip_prefix("sub/").unwrap();
    let told = format!("its ignore rules cannot be read: `{name}` is ");
    assert!(skipped[0].reason.starts_with(&told), "{skipped:?}");
    for under in ["sub", "sub/deep"] {
        let (files, skipped) = look(under);
        assert_eq!((files.len(), skipped.len()), (0, 1), "{skipped:?}");
    }
    // And in the folder itself nothing is found, and the reason is told.
    put(name);
    let (files, skipped) = look("");
    assert_eq!((files.len(), skipped.len()), (0, 1), "{skipped:?}");
}
