//! Stashes: what goes in comes out again, and what does not fit stays in.

use crate::{
    fixture::Fixture,
    worktree_kit::{git, try_git},
};
use kerf_git::{Chosen, GitError, Resolution, Side};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn ready() -> Fixture {
    let fixture = Fixture::named();
    fixture.commit_files(
        "first",
        &[
            ("a", b"one\ntwo\nthree\nfour\nfive\nsix\nseven\n"),
            ("b", b"b\n"),
            ("gone", b"gone\n"),
        ],
    );
    fixture
}

#[test]
fn everything_comes_back_staged_as_it_was() {
    let fixture = ready();
    fixture.write("a", b"ONE\ntwo\nthree\nfour\nfive\nsix\nseven\n");
    fixture.stage(&["a"]);
    fixture.write("a", b"ONE\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n");
    fs::remove_file(fixture.ws.join("gone")).unwrap();
    fixture.write("added", b"added\n");
    fixture.stage(&["added"]);
    fixture.write("sub/untracked", b"untracked\n");
    fixture.write("b", b"staged and taken back\n");
    fixture.stage(&["b"]);
    fixture.write("b", b"b\n");
    let repo = fixture.repo();
    let before = repo.changes().unwrap();
    let stashed = repo.stash(Some("for later"), true).unwrap();
    assert!(stashed.kept);
    let clean = repo.changes().unwrap();
    assert_eq!((clean.staged.len(), clean.unstaged.len()), (0, 0));
    assert_eq!(fixture.read("gone"), "gone\n");
    assert!(!fixture.ws.join("sub").exists());

    let list = repo.stashes().unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].oid, stashed.oid);
    assert!(
        list[0].message.ends_with(": for later"),
        "{}",
        list[0].message
    );

    let out = repo.unstash(&stashed.oid, true).unwrap();
    assert!(!out.kept);
    let after = repo.changes().unwrap();
    assert_eq!(
        (before.staged, before.unstaged),
        (after.staged, after.unstaged)
    );
    assert_eq!(
        fixture.read("a"),
        "ONE\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n"
    );
    assert_eq!(
        fixture.staged("a").as_deref(),
        Some("ONE\ntwo\nthree\nfour\nfive\nsix\nseven\n")
    );
    assert_eq!(
        fixture.staged("b").as_deref(),
        Some("staged and taken back\n")
    );
    assert_eq!(fixture.read("sub/untracked"), "untracked\n");
    assert!(repo.stashes().unwrap().is_empty());
    assert!(matches!(
        repo.unstash(&stashed.oid, true),
        Err(GitError::Unknown { .. })
    ));
}

#[test]
fn untracked_files_stay_unless_they_are_asked_for() {
    let fixture = ready();
    fixture.write(".git/info/exclude", b"*.log\n");
    fixture.write("untracked", b"untracked\n");
    fixture.write("x.log", b"ignored\n");
    git2::Repository::init(fixture.ws.join("inner")).unwrap();
    fixture.write("inner/theirs", b"theirs\n");
    let repo = fixture.repo();
    assert!(repo.stash(None, false).is_err(), "there is nothing");
    fixture.write("b", b"edited\n");
    repo.stash(None, false).unwrap();
    assert_eq!(fixture.read("untracked"), "untracked\n");
    fixture.write("b", b"edited again\n");
    repo.stash(None, true).unwrap();
    assert!(!fixture.ws.join("untracked").exists());
    assert_eq!(fixture.read("x.log"), "ignored\n");
    assert_eq!(fixture.read("inner/theirs"), "theirs\n");
    assert_eq!(repo.stashes().unwrap().len(), 2);
}

#[test]
fn commits_since_are_joined_line_by_line() {
    let fixture = ready();
    fixture.write("a", b"one\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n");
    let repo = fixture.repo();
    let stashed = repo.stash(None, false).unwrap();
    fixture.commit_files(
        "second",
        &[("a", b"ONE\ntwo\nthree\nfour\nfive\nsix\nseven\n")],
    );
    repo.unstash(&stashed.oid, false).unwrap();
    assert_eq!(
        fixture.read("a"),
        "ONE\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n"
    );
    assert_eq!(repo.stashes().unwrap().len(), 1, "it was not to be dropped");
}

#[test]
fn what_does_not_fit_changes_nothing_and_is_kept() {
    type Make = fn(&Fixture);
    let cases: [(&str, Make); 4] = [
        ("edited", |fixture| fixture.write("a", b"mine\n")),
        ("staged", |fixture| {
            fixture.write("a", b"mine\n");
            fixture.stage(&["a"]);
            fixture.write("a", b"one\ntwo\nthree\nfour\nfive\nsix\nseven\n");
        }),
        ("untracked", |fixture| fixture.write("untracked", b"mine\n")),
        ("folder", |fixture| {
            fixture.write("untracked/deep", b"mine\n")
        }),
    ];
    for (what, make) in cases {
        let fixture = ready();
        fixture.write("a", b"ONE\ntwo\nthree\nfour\nfive\nsix\nseven\n");
        fixture.write("untracked", b"untracked\n");
        let repo = fixture.repo();
        let stashed = repo.stash(None, true).unwrap();
        make(&fixture);
        let before = (
            fs::read(fixture.ws.join("a")).unwrap(),
            repo.changes().unwrap(),
        );
        let error = repo.unstash(&stashed.oid, true).unwrap_err();
        assert!(
            matches!(&error, GitError::InTheWay { .. }),
            "{what}: {error}"
        );
        let after = (
            fs::read(fixture.ws.join("a")).unwrap(),
            repo.changes().unwrap(),
        );
        assert_eq!(before, after, "{what}");
        assert_eq!(repo.stashes().unwrap().len(), 1, "{what}");
    }
}

#[test]
fn the_library_reads_our_stashes_and_we_read_its() {
    let fixture = ready();
    fixture.write("b", b"edited\n");
    fixture.write("untracked", b"untracked\n");
    fixture.repo().stash(Some("ours"), true).unwrap();
    let mut git = git2::Repository::open(&fixture.ws).unwrap();
    git.stash_pop(0, None).unwrap();
    assert_eq!(
        (
            fixture.read("b").as_str(),
            fixture.read("untracked").as_str()
        ),
        ("edited\n", "untracked\n")
    );
    let who = git2::Signature::now("A", "a@example.org").unwrap();
    let oid = git
        .stash_save(&who, "theirs", Some(git2::StashFlags::INCLUDE_UNTRACKED))
        .unwrap();
    fixture.repo().unstash(&oid.to_string(), true).unwrap();
    assert_eq!(
        (
            fixture.read("b").as_str(),
            fixture.read("untracked").as_str()
        ),
        ("edited\n", "untracked\n")
    );
}

#[cfg(unix)]
#[test]
fn modes_links_and_names_come_back() {
    use std::os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _};
    let fixture = ready();
    fs::set_permissions(fixture.ws.join("a"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(fixture.ws.join("b")).unwrap();
    std::os::unix::fs::symlink("/nowhere", fixture.ws.join("b")).unwrap();
    let odd = Path::new(std::ffi::OsStr::from_bytes(b"caf\xe9\n"));
    fs::write(fixture.ws.join(odd), b"odd").unwrap();
    let repo = fixture.repo();
    repo.stage(Path::new("a"), Side::Unstaged, Chosen::All)
        .unwrap();
    let stashed = repo.stash(None, true).unwrap();
    assert_eq!(fixture.read("b"), "b\n");
    assert!(!fixture.ws.join(odd).exists());
    repo.unstash(&stashed.oid, true).unwrap();
    let mode = fs::metadata(fixture.ws.join("a"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0o111);
    assert_eq!(
        fs::read_link(fixture.ws.join("b")).unwrap(),
        Path::new("/nowhere")
    );
    assert_eq!(fs::read(fixture.ws.join(odd)).unwrap(), b"odd");
}

/// As `git stash pop` leaves it, and all of the stash is still in the list.
#[test]
fn what_does_not_merge_is_left_in_conflict_and_the_rest_comes_out() {
    let fixture = ready();
    fixture.write("a", b"ONE\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n");
    fixture.write("b", b"stashed\n");
    fixture.write("gone", b"stashed\n");
    fixture.write("untracked", b"untracked\n");
    fixture.write("met", b"stashed\n");
    let repo = fixture.repo();
    let stashed = repo.stash(None, true).unwrap();
    fs::remove_file(fixture.ws.join("gone")).unwrap();
    git(&fixture.ws, &["rm", "-q", "--cached", "gone"]);
    fixture.commit_files(
        "second",
        &[
            ("a", b"1\ntwo\nthree\nfour\nfive\nsix\nseven\n"),
            ("met", b"committed\n"),
        ],
    );
    let out = repo.unstash(&stashed.oid, true).unwrap();
    assert_eq!(out.conflicts, ["a", "gone", "met"].map(PathBuf::from));
    assert!(out.kept, "what is in conflict is not out");
    assert_eq!(repo.stashes().unwrap()[0].oid, stashed.oid);
    assert_eq!(
        fixture.read("a"),
        "<<<<<<< Updated upstream\n1\n=======\nONE\n>>>>>>> Stashed changes\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n"
    );
    assert_eq!(fixture.read("b"), "stashed\n");
    assert_eq!(fixture.read("gone"), "stashed\n");
    assert_eq!(fixture.read("untracked"), "untracked\n");
    let unmerged = git(&fixture.ws, &["ls-files", "--unmerged"]);
    let stages: Vec<&str> = unmerged
        .lines()
        .filter_map(|line| {
            line.split_once(' ')?
                .1
                .split_once(' ')
                .map(|(_, rest)| rest)
        })
        .collect();
    assert_eq!(
        stages,
        [
            "1\ta", "2\ta", "3\ta", "1\tgone", "3\tgone", "2\tmet", "3\tmet"
        ]
    );

    // Each is a conflict as any other.
    let conflict = repo.conflict(Path::new("a")).unwrap();
    repo.resolve(Path::new("a"), &conflict.token, Resolution::Theirs)
        .unwrap();
    assert_eq!(
        fixture.read("a"),
        "ONE\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n"
    );
    // Until all are resolved, no other is taken out.
    assert!(repo.unstash(&stashed.oid, true).is_err());
}

/// The marks are those that git itself writes.
#[test]
fn a_conflict_looks_as_git_leaves_it() {
    let left = |by_git: bool| {
        let fixture = ready();
        fixture.write("a", b"ONE\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n");
        let repo = fixture.repo();
        let stashed = repo.stash(None, false).unwrap();
        fixture.commit_files("second", &[("a", b"1\ntwo\n3\nfour\nfive\nsix\nseven\n")]);
        if by_git {
            assert!(!try_git(&fixture.ws, &["stash", "pop"]).0);
        } else {
            repo.unstash(&stashed.oid, true).unwrap();
        }
        let unmerged = git(&fixture.ws, &["ls-files", "--unmerged"]);
        let listed = git(&fixture.ws, &["stash", "list"]).lines().count();
        (fixture.read("a"), unmerged, listed)
    };
    assert_eq!(left(false), left(true));
}

#[test]
fn a_binary_file_in_conflict_stays_as_it_is_unless_the_user_changed_it() {
    for edited in [false, true] {
        let fixture = ready();
        fixture.commit_files("binary", &[("bin", b"\0one")]);
        fixture.write("bin", b"\0stashed");
        let repo = fixture.repo();
        let stashed = repo.stash(None, false).unwrap();
        fixture.commit_files("second", &[("bin", b"\0two")]);
        if edited {
            fixture.write("bin", b"\0mine");
        }
        let out = repo.unstash(&stashed.oid, true);
        let on_disk = fs::read(fixture.ws.join("bin")).unwrap();
        if edited {
            assert!(matches!(out, Err(GitError::InTheWay { .. })), "{out:?}");
            assert_eq!(on_disk, b"\0mine");
        } else {
            assert_eq!(out.unwrap().conflicts, [PathBuf::from("bin")]);
            assert_eq!(on_disk, b"\0two");
        }
        assert_eq!(repo.stashes().unwrap().len(), 1);
    }
}
