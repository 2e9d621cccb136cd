//! What the index lets a checkpoint refer to: never a blob whose bytes are not the file's.

use crate::fixture::{Fixture, set_modified, stat, write_old};
use kerf_git::{GitError, IndexEntry};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// The entries that describe their files now, each checked against the file's bytes.
fn usable(fixture: &Fixture) -> BTreeSet<String> {
    let repo = fixture.repo();
    let entries = repo.index_entries(&fixture.ws).unwrap();
    let describes = |entry: &&IndexEntry| {
        let (len, mtime_ns, ino) = stat(&fixture.ws.join(&entry.path));
        entry.describes(len, mtime_ns, ino)
    };
    let good: Vec<_> = entries.iter().filter(describes).collect();
    for entry in &good {
        assert_eq!(
            repo.blob(&entry.oid).unwrap(),
            fs::read(fixture.ws.join(&entry.path)).unwrap(),
            "{:?}",
            entry.path
        );
    }
    good.into_iter()
        .map(|entry| entry.path.to_str().unwrap().to_owned())
        .collect()
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[test]
fn clean_files_are_named_and_changed_ones_are_not() {
    let fixture = Fixture::new();
    for name in ["same", "edited", "longer", "dir/same", "weird\n\u{1b}name"] {
        fixture.write(name, b"content");
    }
    fixture.write("untracked", b"content");
    fixture.stage(&["same", "edited", "longer", "dir/same", "weird\n\u{1b}name"]);
    fs::write(fixture.ws.join("edited"), b"CONTENT").unwrap();
    fixture.write("longer", b"content and more");
    assert_eq!(
        usable(&fixture),
        names(["dir/same", "same", "weird\n\u{1b}name"])
    );
}

#[cfg(unix)]
#[test]
fn links_modes_and_names_that_are_no_utf8() {
    use std::os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _};
    let fixture = Fixture::new();
    let name = Path::new(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    write_old(&fixture.ws.join(name), b"x");
    fs::set_permissions(fixture.ws.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("target", fixture.ws.join("link")).unwrap();
    let mut index = fixture.git.index().unwrap();
    index.add_path(name).unwrap();
    index.add_path(Path::new("link")).unwrap();
    index.write().unwrap();
    let entries = fixture.repo().index_entries(&fixture.ws).unwrap();
    let paths: Vec<_> = entries
        .iter()
        .map(|entry| (entry.path.as_path(), entry.mode))
        .collect();
    assert_eq!(
        paths,
        [(name, 0o100_755)],
        "exact bytes; a link has no content"
    );
}

#[test]
fn entries_are_relative_to_the_folder_that_was_asked_for() {
    let fixture = Fixture::new();
    for name in ["a/x", "a/b/y", "ab/z"] {
        fixture.write(name, b"content");
    }
    fixture.stage(&["a/x", "a/b/y", "ab/z"]);
    let repo = fixture.repo();
    let under = |folder: &str| -> Vec<PathBuf> {
        let entries = repo.index_entries(&fixture.ws.join(folder)).unwrap();
        entries.into_iter().map(|entry| entry.path).collect()
    };
    assert_eq!(under("a"), [Path::new("b/y"), Path::new("x")]);
    assert_eq!(under("a/b"), [Path::new("y")]);
    assert!(matches!(
        repo.index_entries(fixture.temp.path()),
        Err(GitError::Outside { .. })
    ));
}

#[test]
fn racy_and_flagged_entries_are_left_out() {
    let fixture = Fixture::new();
    for name in ["racy", "assumed", "skipped", "intended", "good"] {
        fixture.write(name, b"content");
    }
    set_modified(
        &fixture.ws.join("racy"),
        SystemTime::now() + Duration::from_secs(3600),
    );
    fixture.stage(&["racy", "assumed", "skipped", "intended", "good"]);
    let mut index = fixture.git.index().unwrap();
    for (name, flags, extended) in [
        ("assumed", git2::IndexEntryFlag::VALID.bits(), 0),
        (
            "skipped",
            0,
            git2::IndexEntryExtendedFlag::SKIP_WORKTREE.bits(),
        ),
        (
            "intended",
            0,
            git2::IndexEntryExtendedFlag::INTENT_TO_ADD.bits(),
        ),
    ] {
        let mut entry = index.get_path(Path::new(name), 0).unwrap();
        entry.flags |= flags;
        entry.flags_extended |= extended;
        index.add(&entry).unwrap();
    }
    index.write().unwrap();
    assert_eq!(usable(&fixture), names(["good"]));
}

#[test]
fn an_entry_as_young_as_the_index_is_racy() {
    let fixture = Fixture::new();
    fixture.write("a", b"content");
    fixture.stage(&["a"]);
    let (_, mtime_ns, _) = stat(&fixture.ws.join("a"));
    let index_is_from = |nanos: i128| {
        let nanos = u64::try_from(nanos).unwrap();
        set_modified(
            &fixture.ws.join(".git/index"),
            SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos),
        );
    };
    index_is_from(mtime_ns);
    assert_eq!(usable(&fixture), names([]));
    index_is_from(mtime_ns + 1);
    assert_eq!(usable(&fixture), names(["a"]));
}

#[test]
fn conflicted_paths_are_left_out() {
    let fixture = Fixture::new();
    fixture.write("a", b"content");
    fixture.write("b", b"content");
    fixture.stage(&["a", "b"]);
    let mut index = fixture.git.index().unwrap();
    let entry = index.get_path(Path::new("a"), 0).unwrap();
    index.remove_path(Path::new("a")).unwrap();
    for stage in 1..=3 {
        let mut side = clone(&entry);
        side.flags = (side.flags & 0x0fff) | (stage << 12);
        index.add(&side).unwrap();
    }
    index.write().unwrap();
    assert_eq!(usable(&fixture), names(["b"]));
}

fn clone(entry: &git2::IndexEntry) -> git2::IndexEntry {
    git2::IndexEntry {
        path: entry.path.clone(),
        ..*entry
    }
}

/// Files whose blob was made under a conversion. The stat fields match; the bytes must not be taken for the file's.
#[rstest::rstest]
#[case::text_auto("* text=auto\n", "", &["lf", "binary"])]
#[case::eol_crlf("*.txt text eol=crlf\n", "", &["lf", "binary", "crlf"])]
#[case::autocrlf_true("", "[core]\n\tautocrlf = true\n", &["lf", "binary"])]
#[case::autocrlf_input("", "[core]\n\tautocrlf = input\n", &["lf", "binary"])]
#[case::ident("* ident\n", "", &[])]
#[case::filter("*.txt filter=lfs\n", "", &["lf", "binary", "crlf"])]
#[case::macros("[attr]big filter=lfs\n*.txt big\n", "", &["lf", "binary", "crlf"])]
#[case::unset("* filter=lfs\n* -filter -ident\n", "", &["lf", "binary", "crlf", "crlf.txt", "id.txt"])]
#[case::encoding("*.txt working-tree-encoding=UTF-16\n", "", &["lf", "binary", "crlf"])]
#[case::nothing("*.txt diff\n", "", &["lf", "binary", "crlf", "crlf.txt", "id.txt"])]
fn converted_files_are_left_out(
    #[case] attributes: &str,
    #[case] config: &str,
    #[case] expected: &[&str],
) {
    let fixture = Fixture::new();
    fixture.append_config(config);
    fixture.write(".gitattributes", attributes.as_bytes());
    fixture.write("lf", b"a\nb\n");
    fixture.write("binary", b"\0\r\n\x01");
    fixture.write("crlf", b"a\r\nb\r\n");
    fixture.write("crlf.txt", b"a\r\nb\r\n");
    fixture.write("id.txt", b"$Id: something$\n");
    // The library must read the settings again.
    let git = git2::Repository::open(&fixture.ws).unwrap();
    let mut index = git.index().unwrap();
    for name in ["lf", "binary", "crlf", "crlf.txt", "id.txt"] {
        index.add_path(Path::new(name)).unwrap();
    }
    index.write().unwrap();

    let mut found = usable(&fixture);
    // What is left out in doubt may change; what must be there is listed, and `usable` has compared all bytes.
    found.remove("id.txt");
    let expected: BTreeSet<_> = expected.iter().map(|name| (*name).to_owned()).collect();
    let without_id: BTreeSet<_> = expected
        .iter()
        .filter(|name| *name != "id.txt")
        .cloned()
        .collect();
    assert_eq!(found, without_id);

    // The setting is gone, the stat fields still match: git calls the file clean, but the bytes differ.
    fs::remove_file(fixture.ws.join(".gitattributes")).unwrap();
    usable(&fixture);
}

#[test]
fn attributes_of_a_subfolder_and_of_the_repository_count() {
    let fixture = Fixture::new();
    for name in ["a/x", "a/b/y", "c/z"] {
        fixture.write(name, b"content");
    }
    fixture.stage(&["a/x", "a/b/y", "c/z"]);
    assert_eq!(usable(&fixture), names(["a/b/y", "a/x", "c/z"]));
    fixture.write("a/.gitattributes", b"b/* filter=x\n");
    assert_eq!(usable(&fixture), names(["a/x", "c/z"]));
    assert!(fixture.repo().has_filters(Path::new("a/b/y")).unwrap());
    assert!(!fixture.repo().has_filters(Path::new("c/z")).unwrap());
    fs::create_dir_all(fixture.ws.join(".git/info")).unwrap();
    fs::write(fixture.ws.join(".git/info/attributes"), "z filter=x\n").unwrap();
    assert_eq!(usable(&fixture), names(["a/x"]));
    let mine = fixture.temp.path().join("mine");
    fs::write(&mine, "x filter=x\n").unwrap();
    fixture.append_config(&format!("[core]\n\tattributesFile = {}\n", mine.display()));
    assert_eq!(usable(&fixture), names([]));
}

#[test]
fn objects_that_are_not_here_are_not_named() {
    let fixture = Fixture::new();
    fixture.write("a", b"content a");
    fixture.write("b", b"content b");
    fixture.stage(&["a", "b"]);
    let oid = fixture
        .git
        .index()
        .unwrap()
        .get_path(Path::new("a"), 0)
        .unwrap()
        .id
        .to_string();
    fs::remove_file(
        fixture
            .ws
            .join(".git/objects")
            .join(&oid[..2])
            .join(&oid[2..]),
    )
    .unwrap();
    assert_eq!(usable(&fixture), names(["b"]));
}
