//! Whatever the repository says, nothing runs, nothing hangs, and nothing outside is taken for the repository.

use crate::fixture::Fixture;
use kerf_git::{Chosen, GitError, RecordOptions, Repo, Side};
use std::fs;

/// Every setting that makes git run a program, each of which would leave a marker.
fn arm(fixture: &Fixture) -> std::path::PathBuf {
    let markers = fixture.temp.path().join("markers");
    fs::create_dir(&markers).unwrap();
    let script = fixture.temp.path().join("evil.sh");
    fs::write(
        &script,
        format!("#!/bin/sh\ntouch {}/$$\ncat\n", markers.display()),
    )
    .unwrap();
    make_executable(&script);
    for hook in [
        "pre-commit",
        "post-index-change",
        "post-checkout",
        "fsmonitor-watchman",
        "reference-transaction",
    ] {
        let path = fixture.ws.join(".git/hooks").join(hook);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(&script, &path).unwrap();
        make_executable(&path);
    }
    let evil = script.display();
    let attributes = "* filter=evil diff=evil merge=evil\n";
    let attributes_elsewhere = fixture.temp.path().join("attributes");
    fs::write(&attributes_elsewhere, attributes).unwrap();
    fs::write(
        fixture.ws.join(".git/config.worktree"),
        format!("[core]\n\tfsmonitor = {evil}\n[diff]\n\texternal = {evil}\n"),
    )
    .unwrap();
    let included = fixture.ws.join(".git/included");
    fs::write(
        &included,
        format!("[core]\n\tfsmonitor = {evil}\n\tpager = {evil}\n"),
    )
    .unwrap();
    fixture.append_config(&format!(
        "[extensions]\n\tworktreeConfig = true\n\
         [core]\n\tattributesFile = {2}\n\tfsmonitor = {evil}\n\thooksPath = {0}\n\tsshCommand = {evil}\n\tpager = {evil}\n\teditor = {evil}\n\
         \tgitProxy = {evil}\n\taskPass = {evil}\n\
         [include]\n\tpath = {1}\n\
         [filter \"evil\"]\n\tclean = {evil}\n\tsmudge = {evil}\n\tprocess = {evil}\n\trequired = true\n\
         [diff]\n\texternal = {evil}\n[diff \"evil\"]\n\ttextconv = {evil}\n\tcommand = {evil}\n\
         [merge \"evil\"]\n\tdriver = {evil}\n[gpg]\n\tprogram = {evil}\n[credential]\n\thelper = !{evil}\n\
         [alias]\n\tstatus = !{evil}\n[uploadpack]\n\tpackObjectsHook = {evil}\n\
         [remote \"origin\"]\n\turl = ext::{evil}\n\tpromisor = true\n\tuploadpack = {evil}\n",
        fixture.ws.join(".git/hooks").display(),
        included.display(),
        attributes_elsewhere.display(),
    ));
    fixture.write(".gitattributes", attributes.as_bytes());
    fs::create_dir_all(fixture.ws.join(".git/info")).unwrap();
    fs::write(fixture.ws.join(".git/info/attributes"), attributes).unwrap();
    markers
}

fn make_executable(path: &std::path::Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[test]
fn no_program_of_the_repository_runs() {
    let fixture = Fixture::new();
    fixture.write("a.txt", b"one\n");
    fixture.write("b.txt", b"two\n");
    fixture.stage(&["a.txt", "b.txt"]);
    fixture.commit("first");
    let markers = arm(&fixture);
    fixture.write("a.txt", b"changed\n");

    let repo = fixture.repo();
    repo.head().unwrap();
    assert!(
        repo.status()
            .unwrap()
            .iter()
            .any(|entry| entry.path.ends_with("a.txt"))
    );
    assert!(
        repo.index_entries(&fixture.ws).unwrap().is_empty(),
        "every path has a filter now, so nothing may be referred to"
    );
    assert!(repo.has_filters("a.txt".as_ref()).unwrap());
    let blob = fixture.git.blob(b"two\n").unwrap().to_string();
    assert_eq!(repo.blob(&blob).unwrap(), b"two\n");
    // A promisor remote is configured, and still nothing is fetched.
    assert!(matches!(
        repo.blob("1234567890123456789012345678901234567890"),
        Err(GitError::NoSuchObject { .. })
    ));
    assert_eq!(fs::read_dir(&markers).unwrap().count(), 0, "a program ran");
}

#[test]
fn no_program_runs_when_a_worktree_is_made_and_removed() {
    let fixture = Fixture::new();
    fixture.write("a.txt", b"one\n");
    fixture.stage(&["a.txt"]);
    fixture.commit("first");
    let markers = arm(&fixture);
    fixture.write("a.txt", b"changed\n");
    let room = crate::worktree_kit::Room::new(&fixture);
    let repo = fixture.repo();
    repo.make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    assert_eq!(
        fs::read(room.place.path.join("a.txt")).unwrap(),
        b"changed\n"
    );
    fs::write(room.place.path.join("a.txt"), "more\n").unwrap();
    assert!(repo.worktree_work(&room.place).unwrap().is_any());
    repo.take_commits(&room.place, Some("kerf/x")).unwrap();
    repo.archive_worktree(&room.place).unwrap();
    repo.remove_worktree(&room.place, &mut |_| ()).unwrap();
    repo.restore_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    assert_eq!(fs::read(room.place.path.join("a.txt")).unwrap(), b"more\n");
    assert_eq!(fs::read_dir(&markers).unwrap().count(), 0, "a program ran");
}

#[test]
fn no_program_of_the_repository_runs_when_kerf_writes() {
    let text = |line: usize| format!("{}\n", "x".repeat(line)).repeat(3);
    let fixture = Fixture::named();
    fixture.commit_files("first", &[("a.txt", text(1).as_bytes()), ("b.txt", b"b\n")]);
    fixture.repo().switch("other", true).unwrap();
    fixture.commit_files("second", &[("a.txt", text(2).as_bytes())]);
    let begun = fixture.repo().branches().unwrap();
    let first = begun
        .iter()
        .find(|branch| !branch.current)
        .unwrap()
        .name
        .clone();
    fixture.write("b.txt", b"stashed\n");
    let stashed = fixture.repo().stash(None, true).unwrap();
    let markers = arm(&fixture);
    fs::write(fixture.ws.join(".gitattributes"), "").unwrap();
    for filtered in [true, false] {
        if !filtered {
            // Without the filters, so that nothing is refused for their sake.
            fs::remove_file(fixture.ws.join(".gitattributes")).unwrap();
            fs::write(fixture.ws.join(".git/info/attributes"), "").unwrap();
            fs::write(fixture.temp.path().join("attributes"), "").unwrap();
        }
        fixture.write("b.txt", b"mine\n");
        let path = std::path::Path::new("b.txt");
        let repo = fixture.repo();
        let _ = repo.diff(path, Side::Unstaged);
        let staged = repo.stage(path, Side::Unstaged, Chosen::All);
        let _ = repo.diff(path, Side::Staged);
        let mut options = RecordOptions {
            message: "third",
            amend: false,
            without_programs: false,
        };
        assert!(matches!(
            repo.record(options),
            Err(GitError::Programs { .. })
        ));
        options.without_programs = true;
        let recorded = repo.record(options);
        let _ = repo.blame(path, 1..=1);
        repo.log(Some(path), None, 10).unwrap();
        let switched = repo.switch(&first, false);
        let taken = repo.unstash(&stashed.oid, true);
        let put = repo.stash(None, true);
        if filtered {
            assert!(
                staged.is_err() && switched.is_err() && taken.is_err(),
                "refused for the filters"
            );
        } else {
            staged.unwrap();
            recorded.unwrap();
            switched.unwrap();
            taken.unwrap();
            put.unwrap();
        }
        assert_eq!(fs::read_dir(&markers).unwrap().count(), 0, "a program ran");
    }
}

#[test]
fn gt6_odd_entries_of_a_tree_are_not_checked_out() {
    let names: [&[u8]; 8] = [
        b".git",
        b".GIT",
        b"git~1",
        ".g\u{200c}it".as_bytes(),
        b"..",
        b".",
        b"../outside",
        b"",
    ];
    for name in names {
        let fixture = Fixture::named();
        fixture.commit_files("first", &[("a.txt", b"one\n")]);
        let odb = fixture.git.odb().unwrap();
        let blob = fixture.git.blob(b"odd\n").unwrap();
        // As a file, and as a folder with a file in it.
        let inner = [b"100644 config\0".as_slice(), blob.as_bytes()].concat();
        let inner = odb.write(git2::ObjectType::Tree, &inner).unwrap();
        for tree in [
            [b"100644 ".as_slice(), name, b"\0", blob.as_bytes()].concat(),
            [b"40000 ".as_slice(), name, b"\0", inner.as_bytes()].concat(),
        ] {
            let tree = odb.write(git2::ObjectType::Tree, &tree).unwrap();
            let who = "A <a@example.org> 1 +0000";
            let commit = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nodd\n");
            let commit = odb
                .write(git2::ObjectType::Commit, commit.as_bytes())
                .unwrap();
            fixture
                .git
                .reference("refs/heads/odd", commit, true, "odd")
                .unwrap();
            let config = fs::read(fixture.ws.join(".git/config")).unwrap();
            let before = paths(fixture.temp.path());
            let result = fixture.repo().switch("odd", false);
            let shown = name.escape_ascii();
            assert!(result.is_err(), "{shown}: {result:?}");
            let after = paths(fixture.temp.path());
            assert_eq!(before, after, "{shown}: something was made");
            assert_eq!(
                fs::read(fixture.ws.join(".git/config")).unwrap(),
                config,
                "{shown}"
            );
        }
    }
}

#[test]
fn object_names_are_data() {
    let fixture = Fixture::new();
    let repo = fixture.repo();
    for name in [
        "",
        "--output=/tmp/x",
        "HEAD",
        "-c",
        "12",
        "../../etc/passwd",
        "zz34567890123456789012345678901234567890",
    ] {
        assert!(
            matches!(repo.blob(name), Err(GitError::NoSuchObject { .. })),
            "{name:?}"
        );
    }
    fixture.write("a", b"a");
    fixture.stage(&["a"]);
    let commit = fixture.commit("first");
    assert!(
        matches!(repo.blob(&commit), Err(GitError::NoSuchObject { .. })),
        "a commit is no file content"
    );
    // A short id must not be padded into the name of another object.
    let oid = fixture.git.blob(b"").unwrap().to_string();
    assert!(repo.blob(&oid).is_ok());
    assert!(repo.blob(&oid[..39]).is_err());
}

#[test]
fn damaged_repositories_are_errors_not_panics() {
    for (file, bytes) in [
        (".git/index", b"DIRC\0\0\0\x02\xff\xff\xff\xff".as_slice()),
        (".git/index", b""),
        (
            ".git/index",
            b"not an index at all, but long enough to be read as one",
        ),
    ] {
        let fixture = Fixture::new();
        fixture.write("a", b"a");
        fixture.stage(&["a"]);
        fs::write(fixture.ws.join(file), bytes).unwrap();
        let repo = fixture.repo();
        match repo.index_entries(&fixture.ws) {
            Ok(entries) => assert!(entries.is_empty(), "{bytes:?}"),
            Err(error) => assert!(matches!(error, GitError::Library { .. }), "{error}"),
        }
    }
    let fixture = Fixture::new();
    fs::write(fixture.ws.join(".git/HEAD"), "\0\0\0").unwrap();
    match Repo::discover(&fixture.ws) {
        Ok(Some(repo)) => assert!(repo.head().is_err()),
        Ok(None) => panic!("it has a repository"),
        Err(error) => assert!(matches!(error, GitError::Unusable { .. }), "{error}"),
    }
}

#[cfg(target_os = "linux")]
#[test]
fn pipes_in_place_of_files_do_not_hang() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let pipe = |path: &std::path::Path| {
        let _ = fs::remove_file(path);
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    };
    for name in ["HEAD", "config", "index", "commondir"] {
        let fixture = Fixture::new();
        pipe(&fixture.ws.join(".git").join(name));
        let error = Repo::discover(&fixture.ws).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    let fixture = Fixture::new();
    fs::remove_dir_all(fixture.ws.join(".git")).unwrap();
    pipe(&fixture.ws.join(".git"));
    assert!(Repo::discover(&fixture.ws).unwrap().is_none());

    let fixture = Fixture::new();
    fixture.write("a", b"a");
    fixture.stage(&["a"]);
    pipe(&fixture.ws.join(".gitattributes"));
    assert!(
        fixture
            .repo()
            .index_entries(&fixture.ws)
            .unwrap()
            .is_empty(),
        "attributes that cannot be read may say anything"
    );
}

/// All paths below a folder.
fn paths(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            all.push(path);
        }
    }
    all.sort();
    all
}

#[test]
fn gt6_odd_entries_of_a_tree_are_names_and_nothing_more() {
    let names: [&[u8]; 11] = [
        b".git",
        b".GIT",
        b"git~1",
        ".g\u{200c}it".as_bytes(),
        b"..",
        b".",
        b"../outside",
        b"a\\..\\b",
        b"CON",
        b"C:x",
        b"",
    ];
    for name in names {
        let fixture = Fixture::new();
        fixture.write("a.txt", b"one\n");
        fixture.stage(&["a.txt"]);
        fixture.commit("first");
        let odb = fixture.git.odb().unwrap();
        let blob = fixture.git.blob(b"odd\n").unwrap();
        let tree = [b"100644 ".as_slice(), name, b"\0", blob.as_bytes()].concat();
        let tree = odb.write(git2::ObjectType::Tree, &tree).unwrap();
        let who = "A <a@example.org> 1 +0000";
        let commit = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nodd\n");
        let commit = odb
            .write(git2::ObjectType::Commit, commit.as_bytes())
            .unwrap();
        let head = fixture.git.find_reference("HEAD").unwrap();
        let branch = head.symbolic_target().unwrap().unwrap().to_owned();
        fixture.git.reference(&branch, commit, true, "odd").unwrap();
        let before = paths(fixture.temp.path());

        let repo = fixture.repo();
        let shown = name.escape_ascii();
        repo.head().unwrap();
        match repo.status() {
            Ok(entries) => assert!(
                entries.iter().any(|entry| entry.path.ends_with("a.txt")),
                "{shown}: {entries:?}"
            ),
            Err(error) => assert!(
                matches!(error, GitError::Library { .. }),
                "{shown}: {error}"
            ),
        }
        repo.index_entries(&fixture.ws).unwrap();
        assert_eq!(
            paths(fixture.temp.path()),
            before,
            "{shown}: something was made"
        );
    }
}

#[test]
fn gt10_a_shallow_repository_is_read_as_far_as_it_goes() {
    let fixture = Fixture::new();
    fixture.write("a.txt", b"one\n");
    fixture.stage(&["a.txt"]);
    let first = fixture.commit("first");
    fixture.write("a.txt", b"two\n");
    // What stands for a large file kept elsewhere is a text as any other.
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n";
    fixture.write("large.bin", pointer);
    fixture.stage(&["a.txt", "large.bin"]);
    let second = fixture.commit("second");
    fs::write(fixture.ws.join(".git/shallow"), format!("{second}\n")).unwrap();
    let object = fixture
        .ws
        .join(".git/objects")
        .join(&first[..2])
        .join(&first[2..]);
    fs::remove_file(object).unwrap();
    fixture.write("a.txt", b"three\n");

    let repo = fixture.repo();
    repo.head().unwrap();
    let changed: Vec<_> = repo
        .status()
        .unwrap()
        .into_iter()
        .map(|entry| entry.path)
        .collect();
    assert_eq!(changed, [std::path::PathBuf::from("a.txt")]);
    let blob = fixture.git.blob(pointer).unwrap().to_string();
    assert_eq!(repo.blob(&blob).unwrap(), pointer);
}
