use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kerf_workspace::{Kind, RealFs, RelPath, Walk, Walked, Workspace};

/// Makes files from paths; a text after `=` is the content.
fn tree(root: &Path, files: &[&str]) {
    for line in files {
        let (path, text) = line.split_once('=').unwrap_or((line, ""));
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn names(walked: &Walked) -> Vec<String> {
    let mut names: Vec<_> = walked
        .files
        .iter()
        .map(|(path, _)| path.to_string())
        .collect();
    names.sort();
    names
}

/// Walks on disk and through the trait; both must agree.
fn both(root: &Path, options: &Walk) -> Vec<String> {
    let ws = Workspace::open(root).unwrap();
    let through = Workspace::with_fs(root.to_path_buf(), Arc::new(RealFs::open(root).unwrap()));
    let (on_disk, through) = (ws.walk(options), through.walk(options));
    assert_eq!(
        names(&on_disk),
        names(&through),
        "the two walks must find the same"
    );
    let sorted = |walked: &Walked| {
        let mut files = walked.files.clone();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        files
    };
    assert_eq!(
        sorted(&on_disk),
        sorted(&through),
        "the two walks must see the same stats"
    );
    for (path, stat) in &on_disk.files {
        assert_eq!(
            ws.fs().stat(path).unwrap(),
            *stat,
            "a walk and a look must give the same stamp: {path}"
        );
    }
    names(&on_disk)
}

fn under(path: &str) -> Walk {
    Walk {
        under: path.parse().unwrap(),
        ..Walk::default()
    }
}

#[test]
fn ignore_rules_count_and_hidden_files_are_found() {
    let temp = tempfile::tempdir().unwrap();
    tree(
        temp.path(),
        &[
            ".gitignore=*.log\n/build/\n!keep.log",
            ".ignore=secret.txt",
            ".kerfignore=!forced.log\nbig/",
            "a.log",
            "keep.log",
            "forced.log",
            "secret.txt",
            "build/out",
            "sub/build/in",
            "sub/.gitignore=*.tmp\n!a.log",
            "sub/a.log",
            "sub/x.tmp",
            "sub/.hidden/f",
            "big/f",
            ".env",
            ".git/config",
            "nested/.git/HEAD",
            "nested/b.log",
            "worktree/.git=gitdir: elsewhere",
            "worktree/f",
            ".kerf-0123456789abcdef.tmp",
        ],
    );
    assert_eq!(
        both(temp.path(), &Walk::default()),
        [
            ".env",
            ".gitignore",
            ".ignore",
            ".kerfignore",
            "forced.log",
            "keep.log",
            "nested/b.log",
            "sub/.gitignore",
            "sub/.hidden/f",
            "sub/a.log",
            "sub/build/in",
            "worktree/f"
        ]
    );
    let visible = both(
        temp.path(),
        &Walk {
            hidden: false,
            ..Walk::default()
        },
    );
    assert_eq!(
        visible,
        [
            "forced.log",
            "keep.log",
            "nested/b.log",
            "sub/a.log",
            "sub/build/in",
            "worktree/f"
        ]
    );
    let all = both(
        temp.path(),
        &Walk {
            ignored: true,
            ..Walk::default()
        },
    );
    assert_eq!(
        all.len(),
        17,
        "everything but what is git's and a save in progress: {all:?}"
    );
}

#[test]
fn without_a_repository_the_rules_reach_everywhere() {
    let temp = tempfile::tempdir().unwrap();
    tree(
        temp.path(),
        &[
            ".gitignore=*.log",
            "a.log",
            "nested/.git/HEAD",
            "nested/b.log",
            "nested/.gitignore=/x",
            "nested/x",
        ],
    );
    assert_eq!(
        both(temp.path(), &Walk::default()),
        [".gitignore", "nested/.gitignore"]
    );
}

#[test]
fn a_part_of_the_folder_is_walked_by_the_rules_above_it() {
    let temp = tempfile::tempdir().unwrap();
    tree(
        temp.path(),
        &[
            ".gitignore=*.log\nvendor/",
            "a/f",
            "a/x.log",
            "a/b/g",
            "ab/f",
            "vendor/v/f",
            "vendor/.gitignore=*.o",
            "vendor/x.o",
        ],
    );
    assert_eq!(both(temp.path(), &under("a")), ["a/b/g", "a/f"]);
    assert_eq!(both(temp.path(), &under("a/b")), ["a/b/g"]);
    assert_eq!(both(temp.path(), &under("a/f")), ["a/f"]);
    assert_eq!(
        both(temp.path(), &under("vendor")),
        ["vendor/.gitignore", "vendor/v/f"],
        "asked for by name"
    );
    let ws = Workspace::open(temp.path()).unwrap();
    let missing = ws.walk(&under("none"));
    assert_eq!((missing.files.len(), missing.skipped.len()), (0, 1));
    assert_eq!(missing.skipped[0].reason, "`none` does not exist");
}

#[test]
#[cfg(unix)]
fn links_are_listed_and_not_followed() {
    use std::os::unix::fs::symlink;
    let temp = tempfile::tempdir().unwrap();
    let ws = temp.path().join("ws");
    tree(temp.path(), &["outside/secret", "ws/d/f"]);
    symlink("../outside", ws.join("out")).unwrap();
    symlink(".", ws.join("d/loop")).unwrap();
    assert_eq!(both(&ws, &Walk::default()), ["d/f", "d/loop", "out"]);
    let walked = Workspace::open(&ws).unwrap().walk(&Walk::default());
    let link = walked
        .files
        .iter()
        .find(|(path, _)| path.to_string() == "out")
        .unwrap();
    assert_eq!(link.1.kind, Kind::Link);
    let through = Workspace::open(&ws).unwrap().walk(&under("out/secret"));
    assert_eq!(
        through.files.len(),
        0,
        "a walk does not start behind a link"
    );
    assert_eq!(through.skipped.len(), 1);
}

#[test]
#[cfg(unix)]
fn strange_entries_are_kept_or_reported() {
    use std::os::unix::ffi::OsStrExt;
    let temp = tempfile::tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"\xff\n");
    fs::write(temp.path().join(name), "").unwrap();
    let pipe = temp.path().join("pipe");
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        pipe,
        rustix::fs::Mode::from_raw_mode(0o644),
    )
    .unwrap();
    tree(
        temp.path(),
        &[
            "deep/er/est/f",
            "bad/.gitignore=a{b\n*.o",
            "bad/x.o",
            "bad/y",
        ],
    );
    let walked = Workspace::open(temp.path()).unwrap().walk(&Walk {
        max_depth: 2,
        ..Walk::default()
    });
    assert_eq!(
        names(&walked),
        ["\\xFF\\n", "bad/.gitignore", "bad/y"],
        "good rules beside a bad one count"
    );
    let mut skipped: Vec<_> = walked
        .skipped
        .iter()
        .map(|s| (s.path.to_string(), s.reason.clone()))
        .collect();
    skipped.sort();
    assert_eq!(skipped.len(), 3, "{skipped:?}");
    assert_eq!(skipped[0].0, "bad/.gitignore");
    assert!(skipped[0].1.contains("rule"), "{skipped:?}");
    assert_eq!(
        skipped[1],
        ("deep/er".to_owned(), "deeper than 2 folders".to_owned())
    );
    assert_eq!(skipped[2].0, "pipe");
}

#[test]
fn rules_above_count_only_within_a_repository() {
    let temp = tempfile::tempdir().unwrap();
    tree(temp.path(), &["home/.gitignore=*", "home/project/f"]);
    let project = temp.path().join("home/project");
    let walk = |folder: &Path| names(&Workspace::open(folder).unwrap().walk(&Walk::default()));
    assert_eq!(
        walk(&project),
        ["f"],
        "a stray rule file above hides nothing"
    );
    fs::create_dir(temp.path().join("home/.git")).unwrap();
    assert_eq!(
        walk(&project),
        ["f"],
        "a repository that ignores the folder has no say in it"
    );
    fs::write(temp.path().join("home/.gitignore"), "*.log").unwrap();
    fs::write(project.join("a.log"), "").unwrap();
    assert_eq!(
        walk(&project),
        ["f"],
        "a part of a repository is walked by its rules"
    );
    fs::create_dir_all(temp.path().join("home/.git/info")).unwrap();
    fs::write(temp.path().join("home/.git/info/exclude"), "f").unwrap();
    assert_eq!(
        walk(&project),
        ["a.log"; 0],
        "the repository's own excludes count too"
    );
}

#[test]
#[cfg(unix)]
fn a_folder_that_took_the_place_of_ours_is_not_walked() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("ws");
    tree(&root, &["ours"]);
    let ws = Workspace::open(&root).unwrap();
    fs::rename(&root, temp.path().join("moved")).unwrap();
    tree(&root, &["theirs"]);
    let walked = ws.walk(&Walk::default());
    assert_eq!(
        (names(&walked).len(), walked.skipped.len()),
        (0, 1),
        "{walked:?}"
    );
}

#[test]
fn a_cancelled_walk_ends() {
    let temp = tempfile::tempdir().unwrap();
    tree(temp.path(), &["a", "b"]);
    let cancel = Some(Arc::new(AtomicBool::new(true)));
    let walked = Workspace::open(temp.path()).unwrap().walk(&Walk {
        cancel,
        under: RelPath::root(),
        ..Walk::default()
    });
    assert_eq!(walked, Walked::default());
}
