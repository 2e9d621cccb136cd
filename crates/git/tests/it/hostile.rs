//! Whatever the repository says, nothing runs, nothing hangs, and nothing outside is taken for the repository.

use crate::fixture::Fixture;
use kerf_git::{GitError, Repo};
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
    let included = fixture.ws.join(".git/included");
    fs::write(
        &included,
        format!("[core]\n\tfsmonitor = {evil}\n\tpager = {evil}\n"),
    )
    .unwrap();
    fixture.append_config(&format!(
        "[core]\n\tfsmonitor = {evil}\n\thooksPath = {0}\n\tsshCommand = {evil}\n\tpager = {evil}\n\teditor = {evil}\n\
         \tgitProxy = {evil}\n\taskPass = {evil}\n\
         [include]\n\tpath = {1}\n\
         [filter \"evil\"]\n\tclean = {evil}\n\tsmudge = {evil}\n\tprocess = {evil}\n\trequired = true\n\
         [diff]\n\texternal = {evil}\n[diff \"evil\"]\n\ttextconv = {evil}\n\tcommand = {evil}\n\
         [merge \"evil\"]\n\tdriver = {evil}\n[gpg]\n\tprogram = {evil}\n[credential]\n\thelper = !{evil}\n\
         [alias]\n\tstatus = !{evil}\n[uploadpack]\n\tpackObjectsHook = {evil}\n\
         [remote \"origin\"]\n\turl = ext::{evil}\n\tpromisor = true\n\tuploadpack = {evil}\n",
        fixture.ws.join(".git/hooks").display(),
        included.display(),
    ));
    let attributes = "* filter=evil diff=evil merge=evil\n";
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
