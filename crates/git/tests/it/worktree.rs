//! Worktrees are made and removed without losing a byte, whatever state the repository is in.

use crate::{
    fixture::Fixture,
    worktree_kit::{Room, committed, dirty, git, look, tracked_state},
};
use kerf_git::{GitError, Standing};
use rstest::rstest;
use std::{fs, path::PathBuf};

type Make = fn(&Fixture);

fn staged_then_edited(fixture: &Fixture) {
    committed(fixture);
    fixture.write("a.txt", b"staged\n");
    fixture.stage(&["a.txt"]);
    fixture.write("a.txt", b"edited and longer\n");
}

fn conflicted(fixture: &Fixture) {
    committed(fixture);
    git(&fixture.ws, &["checkout", "-q", "-b", "other"]);
    fixture.write("a.txt", b"theirs\n");
    git(&fixture.ws, &["commit", "-qam", "theirs"]);
    git(&fixture.ws, &["checkout", "-q", "-"]);
    fixture.write("a.txt", b"ours\n");
    git(&fixture.ws, &["commit", "-qam", "ours"]);
    assert!(!crate::worktree_kit::try_git(&fixture.ws, &["merge", "-q", "other"]).0);
}

fn rebasing(fixture: &Fixture) {
    conflicted(fixture);
    git(&fixture.ws, &["merge", "--abort"]);
    assert!(!crate::worktree_kit::try_git(&fixture.ws, &["rebase", "-q", "other"]).0);
}

fn with_submodule(fixture: &Fixture) {
    committed(fixture);
    let other = fixture.temp.path().join("other");
    fs::create_dir(&other).unwrap();
    git(&other, &["init", "-q"]);
    fs::write(other.join("x"), "x").unwrap();
    git(&other, &["add", "."]);
    git(&other, &["commit", "-qm", "x"]);
    let url = other.to_str().unwrap().to_owned();
    git(
        &fixture.ws,
        &[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            &url,
            "sub",
        ],
    );
    git(&fixture.ws, &["commit", "-qm", "sub"]);
}

fn sparse(fixture: &Fixture) {
    committed(fixture);
    git(
        &fixture.ws,
        &["sparse-checkout", "set", "--no-cone", "/a.txt"],
    );
    assert!(!fixture.ws.join("dir").exists());
}

#[cfg(unix)]
fn links_and_modes(fixture: &Fixture) {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    committed(fixture);
    fixture.write("run.sh", b"#!/bin/sh\n");
    fs::set_permissions(fixture.ws.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fixture.write("read-only", b"r\n");
    fs::set_permissions(
        fixture.ws.join("read-only"),
        fs::Permissions::from_mode(0o444),
    )
    .unwrap();
    symlink("a.txt", fixture.ws.join("inside")).unwrap();
    symlink("/etc/passwd", fixture.ws.join("outside")).unwrap();
    symlink("nowhere", fixture.ws.join("broken")).unwrap();
    git(&fixture.ws, &["add", "."]);
    git(&fixture.ws, &["commit", "-qm", "links"]);
    symlink("dir", fixture.ws.join("to-a-folder")).unwrap();
}

#[cfg(unix)]
fn odd_names(fixture: &Fixture) {
    use std::os::unix::ffi::OsStrExt as _;
    committed(fixture);
    for name in [
        &b"new\nline"[..],
        b"-rf",
        b"--output=x",
        b"\xff\xfe",
        b"git~1",
        b"a\\b",
        b"CON",
        b" ",
        "\u{202e}rtl".as_bytes(),
    ] {
        fs::write(fixture.ws.join(std::ffi::OsStr::from_bytes(name)), name).unwrap();
    }
    fs::write(fixture.ws.join("n".repeat(255)), "long").unwrap();
}

#[rstest]
#[case::clean(committed)]
#[case::dirty(dirty)]
#[case::untracked(|f: &Fixture| { committed(f); f.write("new/deep/file", b"new"); })]
#[case::staged(|f: &Fixture| { committed(f); f.write("a.txt", b"staged\n"); f.write("n", b"n"); f.stage(&["a.txt", "n"]); })]
#[case::staged_then_edited(staged_then_edited)]
#[case::deleted(|f: &Fixture| { committed(f); fs::remove_file(f.ws.join("a.txt")).unwrap(); })]
#[case::sparse(sparse)]
#[case::submodule(with_submodule)]
#[case::detached(|f: &Fixture| { committed(f); git(&f.ws, &["checkout", "-q", "--detach"]); })]
#[case::unborn(|f: &Fixture| { f.write("a.txt", b"a"); f.write("b.txt", b"b"); f.stage(&["a.txt"]); })]
#[case::index_lock(|f: &Fixture| { dirty(f); fs::write(f.ws.join(".git/index.lock"), "").unwrap(); })]
#[case::merge(conflicted)]
#[case::rebase(rebasing)]
#[case::nested_repository(|f: &Fixture| { committed(f); git(&f.ws, &["init", "-q", "inner"]); f.write("inner/x", b"x"); })]
#[cfg_attr(unix, case::links_and_modes(links_and_modes))]
#[cfg_attr(unix, case::odd_names(odd_names))]
#[case::ignored(|f: &Fixture| { committed(f); f.write(".gitignore", b"out/\n*.log\n"); f.write("out/x", b"x"); f.write("a.log", b"l"); })]
#[case::line_ends(|f: &Fixture| { f.write(".gitattributes", b"* text eol=crlf\n"); f.write("a.txt", b"a\r\nb\r\n"); f.stage(&[".gitattributes", "a.txt"]); f.commit("x"); f.write("a.txt", b"a\nB\r\n"); })]
#[case::branch_in_another_worktree(|f: &Fixture| { committed(f); git(&f.ws, &["worktree", "add", "-q", "../linked", "-b", "elsewhere"]); })]
fn states(#[case] make: Make) {
    let fixture = Fixture::new();
    make(&fixture);
    let room = Room::new(&fixture);
    let repo = fixture.repo();
    let before = (look(&fixture.ws), tracked_state(&fixture.ws));
    let made = repo
        .make_worktree(
            &room.place,
            &|_, _| Err(std::io::ErrorKind::Unsupported.into()),
            &mut |_| (),
        )
        .unwrap();

    let mut expected = before.0.clone();
    expected.retain(|name, _| {
        !["\"inner", "\"out/", "\"a.log", "\"sub/"]
            .iter()
            .any(|gone| name.starts_with(gone))
    });
    let found = look(&room.place.path);
    assert_eq!(
        found, expected,
        "it begins as the folder is; {:?}",
        made.notes
    );
    assert_eq!(
        (look(&fixture.ws), tracked_state(&fixture.ws)),
        before,
        "the folder is as it was"
    );
    assert_eq!(repo.standing(&room.place), Standing::Whole);
    let (_, said) =
        crate::worktree_kit::try_git(&room.place.path, &["status", "--porcelain=v1", "-uall"]);
    let (_, wanted) =
        crate::worktree_kit::try_git(&fixture.ws, &["status", "--porcelain=v1", "-uall"]);
    let lines = |text: &str| {
        // A merge is not under way in the worktree, and what is no part of it is not told of.
        let mut lines: Vec<String> = text
            .lines()
            .filter(|line| !line.contains("inner/"))
            .map(|line| line.replace("AA ", " M ").replace("UU ", " M "))
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&said), lines(&wanted), "git sees the same");
    assert!(
        !repo.worktree_work(&room.place).unwrap().is_any(),
        "nothing was done in it yet"
    );

    // Work, and away with it.
    fs::write(room.place.path.join("a.txt"), "the agent's\n").unwrap();
    fs::create_dir_all(room.place.path.join("brand/new")).unwrap();
    fs::write(room.place.path.join("brand/new/file"), b"\0\xff").unwrap();
    let work = repo.worktree_work(&room.place).unwrap();
    assert_eq!(
        (&work.uncommitted[..], &work.untracked[..]),
        (
            &[PathBuf::from("a.txt")][..],
            &[PathBuf::from("brand/new/file")][..]
        )
    );
    let held = look(&room.place.path);
    repo.may_remove(&room.place).unwrap();
    repo.archive_worktree(&room.place).unwrap();
    repo.remove_worktree(&room.place, &mut |_| ()).unwrap();
    assert_eq!(repo.standing(&room.place), Standing::Gone);
    assert_eq!(
        (look(&fixture.ws), tracked_state(&fixture.ws)),
        before,
        "the folder is as it was"
    );
    repo.restore_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    // Git keeps of a mode whether a file can be run.
    let modes = |mut found: std::collections::BTreeMap<String, String>| {
        found
            .values_mut()
            .for_each(|what| *what = what.replace("file 444", "file 644"));
        found
    };
    assert_eq!(
        modes(look(&room.place.path)),
        modes(held),
        "all of it is back"
    );
    assert!(crate::worktree_kit::try_git(&room.place.path, &["status"]).0);
    if repo.head().unwrap().commit.is_some() {
        // Before the first commit git calls the worktree's own name for what is to come strange.
        git(&fixture.ws, &["fsck"]);
    }
}

#[test]
fn commits_in_it_write_only_beside_the_repository() {
    let fixture = Fixture::new();
    dirty(&fixture);
    let room = Room::new(&fixture);
    let repo = fixture.repo();
    repo.make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    let before = tracked_state(&fixture.ws);
    let head = room.commit("agent", "work.txt", "work\n");
    assert_eq!(tracked_state(&fixture.ws), before);
    assert!(
        !crate::worktree_kit::try_git(&fixture.ws, &["cat-file", "-e", &head]).0,
        "it is not in the repository yet"
    );
    assert_eq!(
        repo.take_commits(&room.place, Some("kerf/x"))
            .unwrap()
            .as_deref(),
        Some(head.as_str())
    );
    assert_eq!(git(&fixture.ws, &["rev-parse", "kerf/x"]).trim(), head);
    assert_eq!(
        repo.worktree_work(&room.place).unwrap().commits,
        0,
        "a branch has it"
    );
    // Without a branch it is nowhere else, and the archive keeps it.
    git(&fixture.ws, &["branch", "-qD", "kerf/x"]);
    let work = repo.worktree_work(&room.place).unwrap();
    assert_eq!(work.commits, 1);
    repo.archive_worktree(&room.place).unwrap();
    repo.remove_worktree(&room.place, &mut |_| ()).unwrap();
    let made = repo
        .restore_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    assert_eq!(made.head.as_deref(), Some(head.as_str()));
    assert_eq!(
        git(&room.place.path, &["log", "-1", "--format=%s"]).trim(),
        "agent"
    );
}

#[test]
fn the_first_commit_of_all_can_be_made_in_it() {
    let fixture = Fixture::new();
    fixture.write("a.txt", b"a");
    let room = Room::new(&fixture);
    let repo = fixture.repo();
    repo.make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    let head = room.commit("first", "b.txt", "b");
    assert_eq!(
        repo.take_commits(&room.place, Some("kerf/first"))
            .unwrap()
            .as_deref(),
        Some(head.as_str())
    );
    assert_eq!(git(&fixture.ws, &["rev-parse", "kerf/first"]).trim(), head);
    assert!(
        repo.head().unwrap().commit.is_none(),
        "the user's own branch is as it was"
    );
}

#[test]
fn what_git_says_counts() {
    let fixture = Fixture::new();
    committed(&fixture);
    let repo = fixture.repo();
    let locked = Room::new(&fixture);
    repo.make_worktree(&locked.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    git(
        &fixture.ws,
        &[
            "worktree",
            "lock",
            "--reason",
            "mine",
            locked.place.path.to_str().unwrap(),
        ],
    );
    let refused = repo.may_remove(&locked.place).unwrap_err();
    assert!(
        matches!(&refused, GitError::NotRemoved { why, .. } if why.contains("mine")),
        "{refused}"
    );

    // By hand: what git still has goes to the archive.
    let gone = Room::new(&fixture);
    repo.make_worktree(&gone.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    let head = gone.commit("kept", "x", "x");
    fs::remove_dir_all(&gone.place.path).unwrap();
    assert_eq!(repo.standing(&gone.place), Standing::FolderGone);
    repo.archive_worktree(&gone.place).unwrap();
    repo.remove_worktree(&gone.place, &mut |_| ()).unwrap();
    let back = repo
        .restore_worktree(&gone.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    assert_eq!(
        (back.head, fs::read(gone.place.path.join("x")).unwrap()),
        (Some(head), b"x".to_vec())
    );

    let pruned = Room::new(&fixture);
    repo.make_worktree(&pruned.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    git(
        &fixture.ws,
        &[
            "worktree",
            "remove",
            "--force",
            pruned.place.path.to_str().unwrap(),
        ],
    );
    assert_eq!(repo.standing(&pruned.place), Standing::Gone);

    let moved = Room::new(&fixture);
    repo.make_worktree(&moved.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    let to = fixture.temp.path().canonicalize().unwrap().join("mine-now");
    git(
        &fixture.ws,
        &[
            "worktree",
            "move",
            moved.place.path.to_str().unwrap(),
            to.to_str().unwrap(),
        ],
    );
    assert_eq!(repo.standing(&moved.place), Standing::Moved(to.clone()));
    assert!(repo.may_remove(&moved.place).is_err());
    assert!(to.join("a.txt").exists());
}

#[test]
fn a_repository_in_it_is_not_removed() {
    let fixture = Fixture::new();
    committed(&fixture);
    let room = Room::new(&fixture);
    let repo = fixture.repo();
    repo.make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    git(&room.place.path, &["init", "-q", "inner"]);
    let refused = repo.archive_worktree(&room.place).unwrap_err();
    assert!(refused.to_string().contains("inner"), "{refused}");
}

#[test]
fn a_shallow_clone_is_no_less() {
    let fixture = Fixture::new();
    committed(&fixture);
    fixture.write("a.txt", b"second\n");
    fixture.stage(&["a.txt"]);
    fixture.commit("second");
    let url = format!("file://{}", fixture.ws.display());
    git(
        fixture.temp.path(),
        &["clone", "-q", "--depth", "1", &url, "shallow"],
    );
    let ws = fixture.temp.path().canonicalize().unwrap().join("shallow");
    let repo = kerf_git::Repo::discover(&ws).unwrap().unwrap();
    let room = Room::new(&fixture);
    repo.make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    assert_eq!(look(&room.place.path), look(&ws));
    assert!(!repo.worktree_work(&room.place).unwrap().is_any());
}

#[test]
fn eight_at_once() {
    let fixture = Fixture::new();
    dirty(&fixture);
    let rooms: Vec<Room> = (0..8).map(|_| Room::new(&fixture)).collect();
    std::thread::scope(|scope| {
        for room in &rooms {
            let ws = &fixture.ws;
            scope.spawn(move || {
                let repo = kerf_git::Repo::discover(ws).unwrap().unwrap();
                repo.make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
                    .unwrap();
            });
        }
    });
    for room in &rooms {
        assert_eq!(look(&room.place.path), look(&fixture.ws));
    }
}

#[test]
fn ids_are_no_paths() {
    let fixture = Fixture::new();
    committed(&fixture);
    for id in ["", "../x", "a/b", "--output=x", "a b"] {
        let mut room = Room::new(&fixture);
        room.place.id = id.to_owned();
        assert!(
            fixture
                .repo()
                .make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
                .is_err(),
            "{id:?}"
        );
        assert!(!room.place.path.exists());
    }
}
