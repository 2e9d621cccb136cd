//! Rules that lie outside of the folder's own files: the same answers as git's own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kerf_workspace::{Walk, Workspace};
use rstest::rstest;

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
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
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
