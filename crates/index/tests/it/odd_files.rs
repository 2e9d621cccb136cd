//! Files that a search must neither follow, nor wait for, nor fall over.
#![cfg(unix)]

use crate::folder::{Folder, lines, pattern, rel};
use kerf_index::GrepQuery;
use std::{
    ffi::OsStr,
    fs::{self, File, Permissions},
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
    process::Command,
};

#[test]
fn odd_files_neither_block_nor_lead_out() {
    let outside = Folder::new(&[("secret", b"needle\n")]);
    let folder = Folder::new(&[("a", b"needle\n"), ("z", b"needle\n")]);
    #[expect(clippy::disallowed_methods, reason = "the test's own surroundings")]
    let made = Command::new("mkfifo")
        .arg(folder.path().join("fifo"))
        .status()
        .unwrap();
    assert!(made.success());
    let _socket = UnixListener::bind(folder.path().join("socket")).unwrap();
    symlink(outside.path().join("secret"), folder.path().join("link")).unwrap();
    symlink(outside.path(), folder.path().join("folder")).unwrap();
    symlink("/dev/zero", folder.path().join("device")).unwrap();
    symlink(".", folder.path().join("loop")).unwrap();
    symlink("nowhere", folder.path().join("broken")).unwrap();
    let grepped = folder.grep(&pattern("needle"));
    assert_eq!(lines(&grepped), ["a:1:1:needle", "z:1:1:needle"]);
    for under in ["fifo", "link", "folder", "device"] {
        let query = GrepQuery {
            under: rel(under),
            ..pattern("needle")
        };
        let found = kerf_index::grep(&folder.workspace(), &query, &false.into());
        assert!(
            found.is_err() || found.is_ok_and(|grepped| grepped.total == 0),
            "{under}"
        );
    }
}

#[test]
fn names_and_contents_may_be_anything() {
    let folder = Folder::new(&[
        ("line\nend", b"needle\n"),
        ("-rf", b"needle\n"),
        ("esc\x1b[31m", b"needle\n"),
    ]);
    fs::write(
        folder.path().join(OsStr::from_bytes(b"bad\xff")),
        b"\xff\xfe needle \xff\n",
    )
    .unwrap();
    fs::write(folder.path().join("bad utf-8"), b"\xc3 needle \xe2\x82\n").unwrap();
    let found = lines(&folder.grep(&pattern("needle")));
    assert_eq!(
        found[..2],
        ["-rf:1:1:needle", "bad utf-8:1:3:\u{fffd} needle \u{fffd}"]
    );
    assert!(
        found.iter().any(|line| line.starts_with("line\\nend:")),
        "{found:?}"
    );
    assert!(!found.concat().contains('\x1b'), "{found:?}");
}

#[test]
fn unreadable_and_huge_files_are_told() {
    let folder = Folder::new(&[("a", b"needle\n"), ("closed", b"needle\n")]);
    File::create(folder.path().join("huge"))
        .unwrap()
        .set_len(50 << 30)
        .unwrap();
    fs::set_permissions(folder.path().join("closed"), Permissions::from_mode(0o000)).unwrap();
    let grepped = folder.grep(&pattern("needle"));
    let skipped: Vec<_> = grepped
        .skipped
        .iter()
        .map(|(path, _)| path.to_string())
        .collect();
    if File::open(folder.path().join("closed")).is_ok() {
        // Root reads everything.
        assert_eq!(skipped, ["huge"]);
    } else {
        assert_eq!(skipped, ["closed", "huge"]);
    }
    assert_eq!(lines(&grepped)[0], "a:1:1:needle");
}

/// As ripgrep: what comes before the first NUL of a block is text, the rest is not looked at.
#[test]
fn a_late_nul_ends_the_search_of_a_file() {
    let mut late = b"needle 1\n".repeat(20_000);
    late.extend_from_slice(b"\0\nneedle 2\n");
    let folder = Folder::new(&[
        ("late", &late),
        ("early", b"needle\n\0\n"),
        ("line", &b"x".repeat(3 << 20)),
    ]);
    let found = lines(&folder.grep(&GrepQuery {
        limit: 100_000,
        ..pattern("needle")
    }));
    assert!(found.iter().all(|line| !line.contains("needle 2")));
    assert!(found.iter().any(|line| line.starts_with("late:1:1:")));
}
