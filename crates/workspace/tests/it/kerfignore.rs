use std::fs;
use std::path::Path;
use std::sync::Arc;

use kerf_workspace::{KerfIgnore, RealFs, Workspace};
use rstest::rstest;

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What withholds a path, on disk and through the trait; both must agree.
fn by(root: &Path, path: &str) -> Option<String> {
    let (path, is_dir) = match path.strip_suffix('/') {
        Some(folder) => (folder, true),
        None => (path, false),
    };
    let through = Workspace::with_fs(root.to_path_buf(), Arc::new(RealFs::open(root).unwrap()));
    let answers = [Workspace::open(root).unwrap(), through].map(|workspace| {
        let ignored = KerfIgnore::new(&workspace);
        let by = ignored.withholds(&path.parse().unwrap(), is_dir);
        by.map(|by| by.to_string())
    });
    assert_eq!(answers[0], answers[1], "{path}");
    answers[0].clone()
}

#[rstest]
#[case::a_name("a.key", Some("the line `*.key` of `.kerfignore`"))]
#[case::below("sub/deep/a.key", Some("the line `*.key` of `.kerfignore`"))]
#[case::taken_back("open.key", None)]
#[case::a_folder("vault/", Some("the line `/vault/` of `.kerfignore`"))]
#[case::in_a_folder("vault/a/b", Some("the line `/vault/` of `.kerfignore`"))]
#[case::taken_back_in_a_folder("vault/open", Some("the line `/vault/` of `.kerfignore`"))]
#[case::a_file_of_a_folder_s_name("vault", None)]
#[case::anchored("sub/vault/a", None)]
#[case::nested("sub/local.txt", Some("the line `local.txt` of `sub/.kerfignore`"))]
#[case::nested_elsewhere("local.txt", None)]
#[case::taken_back_by_another("sub/again.key", Some("the line `*.key` of `.kerfignore`"))]
#[case::only_git_ignores("a.log", None)]
#[case::taken_back_from_git("b.log", None)]
#[case::nothing("src/a.rs", None)]
#[case::missing("none/none.key", Some("the line `*.key` of `.kerfignore`"))]
#[case::the_root(".", None)]
fn each_file_withholds_what_its_own_lines_say(#[case] path: &str, #[case] expected: Option<&str>) {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().canonicalize().unwrap();
    let lines = "\u{feff}*.key\n!open.key\n/vault/\n!/vault/open\n!b.log\n# a.rs\n";
    put(&root, ".kerfignore", lines);
    put(&root, "sub/.kerfignore", "local.txt\n!again.key\n");
    put(&root, ".gitignore", "*.log\n");
    assert_eq!(by(&root, path).as_deref(), expected, "{path}");
}

/// The folder is a part of a larger repository, whose rules reach into it.
#[test]
fn files_above_count_in_a_repository() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().canonicalize().unwrap();
    put(&root, ".kerfignore", "*.key\n");
    fs::create_dir_all(root.join("part")).unwrap();
    let workspace = Workspace::open(&root.join("part")).unwrap();
    let key = "a.key".parse().unwrap();
    assert_eq!(KerfIgnore::new(&workspace).withholds(&key, false), None);
    assert_eq!(KerfIgnore::new(&workspace).version(), None);
    fs::create_dir(root.join(".git")).unwrap();
    assert!(KerfIgnore::new(&workspace).withholds(&key, false).is_some());
    let version = KerfIgnore::new(&workspace).version();
    put(&root, ".kerfignore", "*.key\n*.pem\n");
    assert!(version.is_some() && KerfIgnore::new(&workspace).version() != version);
}

/// Whether the repository ignores the folder, and so whether its rules count, is in files that have no end.
#[rstest]
#[case::endless(".gitignore", Some("/dev/zero"))]
#[case::a_pipe(".gitignore", None)]
#[case::on_the_way("between/.ignore", None)]
#[case::excludes(".git/info/exclude", Some("/dev/zero"))]
#[cfg(unix)]
fn a_repository_above_that_cannot_be_read_withholds_the_folder(
    #[case] file: &str,
    #[case] target: Option<&str>,
) {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().canonicalize().unwrap();
    let inside = root.join("between/part");
    fs::create_dir_all(&inside).unwrap();
    fs::create_dir_all(root.join(".git/info")).unwrap();
    let by = || {
        let ignored = KerfIgnore::new(&Workspace::open(&inside).unwrap());
        let by = ignored.withholds(&"a".parse().unwrap(), false);
        (by.map(|by| by.to_string()), ignored.version())
    };
    assert_eq!(by(), (None, None));
    let file = root.join(file);
    match target {
        Some(target) => std::os::unix::fs::symlink(target, file).unwrap(),
        None => {
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mkfifoat(rustix::fs::CWD, &file, mode).unwrap();
        }
    }
    let (said, version) = by();
    let said = said.unwrap();
    assert!(said.contains("ignore rules cannot be read"), "{said}");
    assert!(version.is_some());
}

#[rstest]
#[case::endless("/dev/zero", true)]
#[case::missing("/none", false)]
#[case::a_folder("/dev", false)]
#[cfg(unix)]
fn what_cannot_be_read_withholds_its_folder(#[case] target: &str, #[case] withheld: bool) {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().canonicalize().unwrap();
    fs::create_dir(root.join("sub")).unwrap();
    std::os::unix::fs::symlink(target, root.join("sub/.kerfignore")).unwrap();
    let ignored = KerfIgnore::new(&Workspace::open(&root).unwrap());
    let by = |path: &str| ignored.withholds(&path.parse().unwrap(), false);
    let said = by("sub/a").map(|by| by.to_string());
    assert_eq!(said.is_some(), withheld, "{said:?}");
    assert!(said.is_none_or(|said| said.contains("`sub/.kerfignore`, which cannot be read")));
    assert_eq!(by("a"), None);
}

#[test]
fn names_are_those_of_lines_that_count_there() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().canonicalize().unwrap();
    put(&root, ".kerfignore", "a\n!/Target/keys\n");
    put(&root, "sub/.kerfignore", "node_modules/x\n");
    let ignored = KerfIgnore::new(&Workspace::open(&root).unwrap());
    let names = |folder: &str, name| ignored.names(&folder.parse().unwrap(), name);
    assert!(names(".", "target") && names("sub", "target"));
    assert!(names("sub", "node_modules") && !names(".", "node_modules"));
}
