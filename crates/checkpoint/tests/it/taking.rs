use crate::rig::{names, path, rig, set_modified, summary};
use kerf_checkpoint::{Held, MAX_FILE_BYTES, changes};
use std::{
    fs,
    time::{Duration, SystemTime},
};

#[test]
fn everything_that_is_not_ignored_is_in_it() {
    let rig = rig(
        "//- /.gitignore\n*.log\n//- /a.txt\na\n//- /.hidden/b\nb\n//- /run.sh mode=755\nrun\n\
                   //- /debug.log\nx\n//- /empty\n//- /link link=../outside\n//- /no-files/\n",
    );
    let taken = rig.take(None);
    assert_eq!(
        names(&taken.snapshot),
        [
            ".gitignore",
            ".hidden/b",
            "a.txt",
            "empty",
            "link",
            "run.sh"
        ]
    );
    assert_eq!(taken.excluded, []);
    assert_eq!((taken.read_files, taken.read_bytes), (5, 14));
    assert_eq!(rig.bytes(&taken.snapshot, "a.txt").unwrap(), b"a\n");
    assert_eq!(rig.bytes(&taken.snapshot, "empty").unwrap(), b"");
    assert_eq!(rig.bytes(&taken.snapshot, "link"), None);
    assert_eq!(
        taken.snapshot.files[&path("link")],
        Held::Link {
            target: "../outside".into()
        },
        "kept as written, never followed"
    );
    #[cfg(unix)]
    assert!(matches!(
        taken.snapshot.files[&path("run.sh")],
        Held::File { mode: 0o755, .. }
    ));
}

#[test]
fn a_second_take_reads_nothing() {
    let rig = rig("");
    for n in 0..100 {
        rig.write_old(
            &format!("dir{}/file{n}", n % 7),
            format!("content {n}").as_bytes(),
        );
    }
    let first = rig.take(None);
    assert_eq!(first.read_files, 100);
    let second = rig.take(Some(&first.snapshot));
    assert_eq!((second.read_files, second.read_bytes), (0, 0));
    assert!(second.snapshot.files.ptr_eq(&first.snapshot.files));
    assert_eq!(changes(&first.snapshot, &second.snapshot), []);

    rig.write_old("dir3/file3", b"another, and longer");
    let third = rig.take(Some(&second.snapshot));
    assert_eq!(
        (third.read_files, third.read_bytes),
        (1, 19),
        "the cost follows the change"
    );
    assert_eq!(summary(&second.snapshot, &third.snapshot), ["~dir3/file3"]);
    assert_eq!(
        rig.bytes(&first.snapshot, "dir3/file3").unwrap(),
        b"content 3"
    );
}

#[test]
fn a_young_stamp_proves_nothing() {
    let rig = rig("//- /a\none\n//- /old\none\n");
    rig.age("old");
    let file = rig.folder.join("a");
    // In the future, so that the test does not depend on how fast it runs.
    let modified = SystemTime::now() + Duration::from_secs(60);
    set_modified(&file, modified);
    let first = rig.take(None);
    rig.folder.write("a", "two\n");
    set_modified(&file, modified);
    let second = rig.take(Some(&first.snapshot));
    assert_eq!(
        first.snapshot.files[&path("a")].stamp(),
        second.snapshot.files[&path("a")].stamp(),
        "same length, same time, same file"
    );
    assert_eq!(summary(&first.snapshot, &second.snapshot), ["~a"]);
    assert_eq!(second.read_files, 1, "the old one is not read");
}

#[test]
fn another_stamp_alone_is_no_change() {
    let rig = rig("//- /a\none\n//- /b\none\n");
    let first = rig.take(None);
    rig.age("a");
    rig.folder.remove("b");
    rig.folder.write("b", "one\n");
    let second = rig.take(Some(&first.snapshot));
    assert_eq!(summary(&first.snapshot, &second.snapshot), [] as [&str; 0]);
}

#[cfg(unix)]
#[test]
fn modes_and_kinds_are_changes() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let rig = rig(
        "//- /mode\nx\n//- /to-link\nx\n//- /link link=a\n//- /link2 link=a\n//- /to-dir\nx\n//- /dir/f\nx\n",
    );
    for name in ["mode", "to-link", "to-dir", "dir/f"] {
        rig.age(name);
    }
    let first = rig.take(None);
    fs::set_permissions(rig.folder.join("mode"), fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["to-link", "link", "link2", "to-dir", "dir"] {
        rig.folder.remove(name);
    }
    symlink("x", rig.folder.join("to-link")).unwrap();
    symlink("b", rig.folder.join("link")).unwrap();
    rig.folder.write("link2", "x");
    rig.folder.write("to-dir/f", "x");
    symlink("to-dir", rig.folder.join("dir")).unwrap();
    let second = rig.take(Some(&first.snapshot));
    assert_eq!(
        summary(&first.snapshot, &second.snapshot),
        [
            "+dir",
            "-dir/f",
            "~link",
            "~link2",
            "~mode",
            "-to-dir",
            "+to-dir/f",
            "~to-link"
        ],
        "`dir/f` still leads to a file, but through a link"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn names_are_kept_to_the_byte() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};
    let rig = rig("");
    let long = [b'n'; 255];
    let odd: [&[u8]; 6] = [
        b"new\nline",
        b"\x1b[31m",
        "\u{202e}txt".as_bytes(),
        b"-rf",
        b"\xff\xfe",
        &long,
    ];
    for name in odd {
        fs::write(rig.folder.path().join(OsStr::from_bytes(name)), name).unwrap();
    }
    let first = rig.take(None).snapshot;
    for name in odd {
        let path = kerf_workspace::RelPath::new(Path::new(OsStr::from_bytes(name))).unwrap();
        let Some(Held::File { .. }) = first.files.get(&path) else {
            panic!("{path}")
        };
        let bytes =
            kerf_checkpoint::content(&first.files[&path], &rig.blobs, &crate::rig::no_git).unwrap();
        assert_eq!(bytes.as_deref(), Some(name));
    }
    assert_eq!(
        kerf_checkpoint::Snapshot::from_bytes(&first.to_bytes().unwrap()).unwrap(),
        first
    );
}

#[test]
fn large_files_are_noted_but_not_kept() {
    let rig = rig("");
    let sparse = |name: &str, len: u64| {
        rig.folder.write(name, "");
        fs::File::options()
            .write(true)
            .open(rig.folder.join(name))
            .unwrap()
            .set_len(len)
            .unwrap();
        rig.age(name);
    };
    sparse("limit", MAX_FILE_BYTES);
    sparse("over", MAX_FILE_BYTES + 1);
    sparse("huge", 50 << 30);
    let first = rig.take(None);
    assert_eq!(first.read_files, 1);
    assert!(
        matches!(first.snapshot.files[&path("over")], Held::TooLarge { len, .. } if len == MAX_FILE_BYTES + 1)
    );
    assert_eq!(rig.bytes(&first.snapshot, "huge"), None);
    let second = rig.take(Some(&first.snapshot));
    assert_eq!(summary(&first.snapshot, &second.snapshot), [] as [&str; 0]);
    sparse("over", MAX_FILE_BYTES + 2);
    sparse("huge", 3);
    let third = rig.take(Some(&second.snapshot));
    assert_eq!(
        summary(&second.snapshot, &third.snapshot),
        ["~huge", "~over"]
    );
}

#[test]
fn who_changes_the_ignore_rules_has_deleted_and_created_nothing() {
    let rig = rig("//- /.gitignore\nsecret\n//- /secret\nmine\n//- /kept\nk\n//- /moved\nm\n");
    for name in [".gitignore", "secret", "kept", "moved"] {
        rig.age(name);
    }
    let first = rig.take(None).snapshot;
    assert_eq!(names(&first), [".gitignore", "kept", "moved"]);

    rig.folder.write(".gitignore", "kept\n");
    fs::rename(rig.folder.join("moved"), rig.folder.join("renamed")).unwrap();
    rig.folder.write("made", "new");
    let second = rig.take(Some(&first)).snapshot;
    assert_eq!(
        names(&second),
        [".gitignore", "kept", "made", "renamed", "secret"]
    );
    assert_eq!(
        summary(&first, &second),
        ["~.gitignore", "+made", "-moved", "+renamed"],
        "`kept` is there though ignored, `secret` was there before"
    );
    assert_eq!(
        summary(&second, &first),
        ["~.gitignore", "-made", "+moved", "-renamed"]
    );

    // From now on it is a file like any other.
    rig.folder.write("secret", "changed");
    rig.folder.write("kept", "changed too");
    let third = rig.take(Some(&second)).snapshot;
    assert_eq!(summary(&second, &third), ["~kept", "~secret"]);
    assert_eq!(
        summary(&first, &third),
        ["~.gitignore", "~kept", "+made", "-moved", "+renamed"]
    );
    rig.folder.remove("secret");
    let fourth = rig.take(Some(&third)).snapshot;
    assert_eq!(summary(&second, &fourth), ["~kept", "-secret"]);
}

/// They lie in the repository, which here is somewhere else.
#[test]
fn who_changes_the_excludes_of_git_has_created_nothing() {
    let repository = tempfile::tempdir().unwrap();
    let excludes = repository.path().join("info/exclude");
    fs::create_dir(repository.path().join("info")).unwrap();
    fs::write(&excludes, "secret\n").unwrap();
    let rig = rig("//- /secret\nmine\n//- /kept\nk\n");
    let named = repository.path().display();
    rig.folder.write(".git", format!("gitdir: {named}\n"));
    for name in ["secret", "kept"] {
        rig.age(name);
    }
    let first = rig.take(None).snapshot;
    assert_eq!(names(&first), ["kept"]);
    fs::write(&excludes, "").unwrap();
    rig.folder.write("made", "new");
    let at_once = rig.refresh(&first, &["secret"]);
    assert_eq!(summary(&first, &at_once), [""; 0], "it was there before");
    let second = rig.take(Some(&first)).snapshot;
    assert_eq!(names(&second), ["kept", "made", "secret"]);
    assert_eq!(summary(&first, &second), ["+made"]);
    rig.folder.write("secret", "changed");
    let third = rig.take(Some(&second)).snapshot;
    assert_eq!(summary(&second, &third), ["~secret"]);
}

/// They lie above the folder, which here is a part of a repository.
#[test]
fn who_changes_the_rules_above_a_part_has_created_nothing() {
    let folder = kerf_test_support::Fixture::new(
        "//- /.gitignore\npart/secret\n//- /part/secret\nmine\n//- /part/kept\nk\n",
    );
    let folder = folder.git();
    let part = kerf_workspace::Workspace::open(&folder.join("part")).unwrap();
    let rig = crate::rig::Rig::over(folder, part);
    for name in ["part/secret", "part/kept"] {
        rig.age(name);
    }
    let first = rig.take(None).snapshot;
    assert_eq!(names(&first), ["kept"]);
    rig.folder.write(".gitignore", "");
    let followed = kerf_checkpoint::follow(
        &rig.ws,
        &rig.blobs,
        &first,
        (&[], &kerf_checkpoint::Unsure::default()),
        None,
        &std::sync::atomic::AtomicBool::new(false),
    );
    assert_eq!(followed.unwrap(), None, "only a whole snapshot tells");
    let second = rig.take(Some(&first)).snapshot;
    assert_eq!(names(&second), ["kept", "secret"]);
    assert_eq!(summary(&first, &second), [""; 0], "it was there before");
}

#[test]
fn a_refresh_looks_at_nothing_else() {
    let rig = rig(
        "//- /.gitignore\n.env\n//- /.env\nmine\n//- /a\na\n//- /b\nb\n//- /dir/c\nc\n//- /dir/d\nd\n",
    );
    let first = rig.take(None).snapshot;
    rig.folder.write("a", "changed");
    rig.folder.write("b", "changed");
    rig.folder.write("new/e", "new");
    rig.folder.write("other", "new");
    rig.folder.remove("dir/c");
    let cases: [(&[&str], &[&str]); 9] = [
        (&[], &[]),
        (&["a"], &["~a"]),
        (&["a", "b", "nowhere", "no/where"], &["~a", "~b"]),
        (&["new/e"], &["+new/e"]),
        (&["new"], &["+new/e"]),
        (&["dir"], &["-dir/c"]),
        (&["dir/c"], &["-dir/c"]),
        (&["dir/d"], &[]),
        (&[".git/config"], &[]),
    ];
    for (paths, expected) in cases {
        assert_eq!(
            summary(&first, &rig.refresh(&first, paths)),
            expected,
            "{paths:?}"
        );
    }
    let root = kerf_workspace::RelPath::root();
    let cancel = std::sync::atomic::AtomicBool::new(false);
    let all =
        kerf_checkpoint::refresh(&rig.ws, &rig.blobs, &first, &[root], None, &cancel).unwrap();
    assert_eq!(
        summary(&first, &all),
        ["~a", "~b", "-dir/c", "+new/e", "+other"]
    );

    // The way to protect an ignored file that is about to be written.
    let before = rig.refresh(&first, &[".env"]);
    rig.folder.write(".env", "written by the agent");
    let after = rig.take(Some(&before)).snapshot;
    assert!(summary(&before, &after).contains(&"~.env".to_owned()));
    assert_eq!(rig.bytes(&before, ".env").unwrap(), b"mine\n");
}

#[cfg(unix)]
#[test]
fn a_refresh_sees_folders_become_files_and_links() {
    let rig = rig("//- /dir/a\na\n//- /dir/b\nb\n//- /file\nf\n//- /else/a\nx\n");
    let first = rig.take(None).snapshot;
    rig.folder.remove("dir");
    std::os::unix::fs::symlink("else", rig.folder.join("dir")).unwrap();
    rig.folder.remove("file");
    rig.folder.write("file/inside", "new");
    for paths in [
        &["dir/a", "file/inside"] as &[&str],
        &["dir", "file"],
        &["dir/b", "dir", "file/inside", "file"],
    ] {
        assert_eq!(
            summary(&first, &rig.refresh(&first, paths)),
            ["+dir", "-dir/a", "-dir/b", "-file", "+file/inside"],
            "{paths:?}"
        );
    }
}

#[test]
fn a_refresh_does_not_hide_a_later_change() {
    let rig = rig("//- /a\none\n");
    rig.age("a");
    let first = rig.take(None).snapshot;
    rig.folder.write("a", "two\n");
    let modified = fs::metadata(rig.folder.join("a"))
        .unwrap()
        .modified()
        .unwrap();
    let second = rig.refresh(&first, &["a"]);
    rig.folder.write("a", "six\n");
    set_modified(&rig.folder.join("a"), modified);
    let third = rig.take(Some(&second)).snapshot;
    assert_eq!(summary(&second, &third), ["~a"]);
}
