//! Files that are no text, or that cannot be read.

use super::{Indexed, same, wait};
use crate::folder::{Folder, pattern, rel};
use kerf_index::{Change, GrepQuery, Reason};
use std::collections::BTreeMap;

#[test]
fn texts_of_all_kinds_are_found() {
    let long = b"x".repeat(20 << 20);
    let folder = Folder::new(&[
        ("latin1", b"sch\xf6n hello\n"),
        ("utf16", b"\xff\xfeh\0e\0l\0l\0o\0 \0\xe4\0"),
        ("binary", b"hello\0hello"),
        ("empty", b""),
        ("minified.js", &b"hello;".repeat(2000)),
        ("one-line", &long),
        ("large", &b"0123456789 hello\n".repeat(200_000)),
    ]);
    let indexed = Indexed::of(&folder);
    // At once: files this young are read once more after a while, and count as unread meanwhile.
    let status = indexed.index.status();
    assert_eq!(status.files, 7);
    let expected = [
        (Reason::Binary, 1),
        (Reason::TooLarge, 2),
        (Reason::Minified, 1),
    ];
    assert_eq!(status.left_out, BTreeMap::from(expected));
    let left_out = indexed.index.left_out(2);
    assert_eq!(
        (left_out[0].path.clone(), left_out[0].reason),
        (rel("binary"), Reason::Binary)
    );
    assert_eq!(left_out.len(), 2);
    for text in ["hello", "sch", "\u{e4}", "xxxx", r"(?-u)\xf6n", "6789 hel"] {
        for multi_line in [false, true] {
            same(
                &folder,
                &indexed.index,
                &GrepQuery {
                    multi_line,
                    limit: 5,
                    ..pattern(text)
                },
            );
        }
    }
}

#[test]
fn noise_is_searched_but_costs_the_index_nothing() {
    // Bytes without an order, and without a NUL.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8 | 1
    })
    .take(8 << 20)
    .chain(*b"\nhello")
    .collect();
    let folder = Folder::new(&[("noise", &noise), ("a", b"hello")]);
    let indexed = Indexed::of(&folder);
    assert_eq!(same(&folder, &indexed.index, &pattern("^hello")).total, 2);
    let status = wait(&indexed.index);
    assert_eq!(
        (status.contents, status.left_out),
        (1, BTreeMap::from([(Reason::TooLarge, 1)]))
    );
}

#[cfg(unix)]
#[test]
fn what_is_no_text_is_left_alone() {
    use std::{fs, os::unix::fs::symlink};
    let folder = Folder::new(&[
        ("a", b"hello"),
        ("line\nend", b"hello"),
        ("loop/x", b"hello"),
    ]);
    symlink("/dev/zero", folder.path().join("zero")).unwrap();
    symlink("..", folder.path().join("loop/up")).unwrap();
    symlink("a", folder.path().join("link")).unwrap();
    fifo(&folder.path().join("pipe"));
    let sparse = fs::File::create(folder.path().join("sparse")).unwrap();
    // Some file systems have a lower limit; a file of 1 GB would not be read either.
    sparse
        .set_len(50 << 30)
        .or_else(|_| sparse.set_len(1 << 30))
        .unwrap();
    let mut deep = rel("deep");
    for _ in 0..250 {
        deep = deep.join("d".as_ref());
    }
    folder.write(&deep.join("x".as_ref()).to_string(), b"hello");
    let indexed = Indexed::of(&folder);
    let found = same(&folder, &indexed.index, &pattern("hello"));
    assert_eq!(found.total, 3);
    assert_eq!(found.skipped.len(), 3, "{:?}", found.skipped);
    same(
        &folder,
        &indexed.index,
        &GrepQuery {
            under: rel("deep/d/d/d"),
            ..pattern("hello")
        },
    );
    let mut half = rel("deep");
    for _ in 0..100 {
        half = half.join("d".as_ref());
    }
    assert_eq!(
        same(
            &folder,
            &indexed.index,
            &GrepQuery {
                under: half,
                ..pattern("hello")
            }
        )
        .total,
        1
    );
    let status = wait(&indexed.index);
    assert_eq!(status.contents_read, 3);
    let expected = [
        (Reason::TooLarge, 1),
        (Reason::Special, 1),
        (Reason::TooDeep, 1),
    ];
    assert_eq!(status.left_out, BTreeMap::from(expected));
    // A pipe that comes and goes.
    fs::remove_file(folder.path().join("pipe")).unwrap();
    fifo(&folder.path().join("loop/pipe"));
    indexed
        .index
        .changed(Change::Paths(vec![rel("pipe"), rel("loop/pipe")]));
    same(&folder, &indexed.index, &pattern("hello"));
}

/// Makes a named pipe, which the standard library cannot.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "the test's own surroundings")]
fn fifo(path: &std::path::Path) {
    let made = std::process::Command::new("mkfifo")
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_is_told_of_until_it_can() {
    use std::{fs, os::unix::fs::PermissionsExt};
    let folder = Folder::new(&[("a", b"hello"), ("b", b"hello")]);
    let set = |mode| {
        fs::set_permissions(folder.path().join("b"), fs::Permissions::from_mode(mode)).unwrap()
    };
    set(0);
    if fs::read(folder.path().join("b")).is_ok() {
        // Root reads everything.
        return;
    }
    let indexed = Indexed::of(&folder);
    let found = same(&folder, &indexed.index, &pattern("nothing"));
    assert_eq!(found.skipped.len(), 1);
    assert_eq!(
        indexed.index.status().left_out,
        BTreeMap::from([(Reason::Unreadable, 1)])
    );
    set(0o644);
    indexed.index.changed(Change::Everything);
    assert_eq!(same(&folder, &indexed.index, &pattern("hello")).total, 2);
    assert_eq!(wait(&indexed.index).left_out, BTreeMap::new());
}
