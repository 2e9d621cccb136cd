//! Worktrees are made and removed without losing a byte, whatever state the repository is in.

use crate::{
    fixture::Fixture,
    worktree_kit::{Room, git, kill_at, look, tracked_state},
};
use kerf_git::{GitError, Standing};
use rstest::rstest;
use std::{fs, path::PathBuf};

type Make = fn(&Fixture);

fn committed(fixture: &Fixture) {
    fixture.write("a.txt", b"one\ntwo\nthree\n");
    fixture.write("dir/b.txt", b"b\n");
    fixture.stage(&["a.txt", "dir/b.txt"]);
    fixture.commit("first");
}

fn dirty(fixture: &Fixture) {
    committed(fixture);
    fixture.write("a.txt", b"one\r\nTWO \xff\nthree");
}

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
    repo.restore_worktree(&room.place, &mut |_| ()).unwrap();
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
    let made = repo.restore_worktree(&room.place, &mut |_| ()).unwrap();
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
    let back = repo.restore_worktree(&gone.place, &mut |_| ()).unwrap();
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
fn what_is_ignored_is_brought_when_it_is_named_or_can_be_cloned() {
    let fixture = Fixture::new();
    committed(&fixture);
    fixture.write(".gitignore", b".env*\nnode_modules/\nsecret/\n*.bin\n");
    fixture.write(
        ".worktreeinclude",
        b".env\nsecret/*.key\n!secret/b.key\na.txt\n",
    );
    for (name, text) in [
        (".env", "e"),
        (".env.local", "no"),
        ("secret/a.key", "k"),
        ("secret/b.key", "no"),
        ("secret/deep/c.key", "no"),
        ("node_modules/p/index.js", "js"),
        ("x.bin", "no"),
    ] {
        fixture.write(name, text.as_bytes());
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", fixture.ws.join("secret/out.key")).unwrap();
    let repo = fixture.repo();
    let room = Room::new(&fixture);
    // A file system that clones; this one mostly does not.
    let made = repo
        .make_worktree(
            &room.place,
            &|from, to| fs::copy(from, to).map(drop),
            &mut |_| (),
        )
        .unwrap();
    let has = |name: &str| room.place.path.join(name).symlink_metadata().is_ok();
    assert!(
        has(".env") && has("secret/a.key") && has("node_modules/p/index.js"),
        "{:?}",
        made.notes
    );
    for name in [
        ".env.local",
        "secret/b.key",
        "secret/deep/c.key",
        "secret/out.key",
        "x.bin",
    ] {
        assert!(!has(name), "{name} was not asked for");
    }
    if cfg!(unix) {
        assert!(
            made.notes.iter().any(|note| note.contains("out.key")),
            "{:?}",
            made.notes
        );
    }
    let room = Room::new(&fixture);
    let cannot: kerf_git::CloneFile<'_> = &|_, _| Err(std::io::ErrorKind::Unsupported.into());
    let made = repo
        .make_worktree(&room.place, cannot, &mut |_| ())
        .unwrap();
    assert!(!room.place.path.join("node_modules").exists());
    assert!(
        made.notes.iter().any(|note| note.contains("node_modules")),
        "{:?}",
        made.notes
    );
}

/// A disk of its own whose file system clones files; gone when it is dropped.
#[cfg(target_os = "linux")]
struct CloningDisk {
    temp: tempfile::TempDir,
}

#[cfg(target_os = "linux")]
impl CloningDisk {
    /// None, with the reason on standard error: this machine or this user cannot have one.
    fn mount() -> Option<Self> {
        let temp = tempfile::tempdir().unwrap();
        let image = temp.path().join("image");
        fs::File::create(&image)
            .unwrap()
            .set_len(256 << 20)
            .unwrap();
        let at = temp.path().join("disk");
        fs::create_dir(&at).unwrap();
        let (image, at) = (image.to_str().unwrap(), at.to_str().unwrap());
        let steps: [&[&str]; 2] = [
            &["mkfs.btrfs", "--quiet", image],
            &["mount", "-o", "loop", image, at],
        ];
        for words in steps {
            #[expect(clippy::disallowed_methods, reason = "the system's own tools")]
            let done = std::process::Command::new(words[0])
                .args(&words[1..])
                .output();
            let why = match done {
                Ok(done) if done.status.success() => continue,
                Ok(done) => String::from_utf8_lossy(&done.stderr).trim().to_owned(),
                Err(error) => error.to_string(),
            };
            eprintln!("skipped: {} does not work here: {why}", words[0]);
            return None;
        }
        Some(Self { temp })
    }

    fn path(&self) -> PathBuf {
        self.temp.path().join("disk")
    }
}

#[cfg(target_os = "linux")]
impl Drop for CloningDisk {
    fn drop(&mut self) {
        #[expect(clippy::disallowed_methods, reason = "the system's own tool")]
        let done = std::process::Command::new("umount")
            .arg(self.path())
            .status();
        assert!(
            done.is_ok_and(|status| status.success()),
            "it stays mounted"
        );
    }
}

/// The rest of these tests stand in for the file system's clones; here they are real.
#[cfg(target_os = "linux")]
#[test]
fn dependencies_are_cloned_by_a_real_file_system() {
    let Some(disk) = CloningDisk::mount() else {
        return;
    };
    let fixture = Fixture::on(&disk.path());
    fixture.write(".gitignore", b"node_modules\n");
    fixture.stage(&[".gitignore"]);
    fixture.commit("one");
    let big = vec![7_u8; 24 << 20];
    fixture.write("node_modules/p/big.bin", &big);
    let free = || {
        #[expect(clippy::disallowed_methods, reason = "the system's own tool")]
        let done = std::process::Command::new("sh")
            .args(["-c", "sync -f . && df --output=avail -B1 . | tail -1"])
            .current_dir(disk.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&done.stdout).trim().to_owned();
        text.parse::<u64>().unwrap()
    };
    let before = free();
    let room = Room::new(&fixture);
    let made = fixture
        .repo()
        .make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    assert_eq!(made.notes, Vec::<String>::new());
    let cloned = room.place.path.join("node_modules/p/big.bin");
    assert_eq!(fs::read(&cloned).unwrap(), big);
    assert!(
        before.saturating_sub(free()) < big.len() as u64 / 2,
        "it takes no space twice"
    );
    // It is a file of its own all the same.
    fs::write(&cloned, "other").unwrap();
    assert_eq!(
        fs::read(fixture.ws.join("node_modules/p/big.bin")).unwrap(),
        big
    );
}

#[test]
fn an_archive_holds_changed_files_that_worktreeinclude_names() {
    let fixture = Fixture::new();
    fixture.write(".gitignore", b".env*\nlocal/\nnode_modules\n");
    fixture.write(".worktreeinclude", b".env\nlocal/*.conf\n");
    fixture.stage(&[".gitignore", ".worktreeinclude"]);
    fixture.commit("one");
    fixture.write(".env", b"KEY=mine\n");
    fixture.write("local/same.conf", b"same\n");
    let (repo, room) = (fixture.repo(), Room::new(&fixture));
    repo.make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    let path = &room.place.path;
    fs::write(path.join(".env"), "KEY=changed\n").unwrap();
    fs::write(path.join("local/new.conf"), "new\n").unwrap();
    fs::write(path.join(".env.other"), "not named\n").unwrap();
    fs::create_dir_all(path.join("node_modules/p")).unwrap();
    fs::write(path.join("node_modules/p/.env"), "of a dependency\n").unwrap();

    let archive = repo.archive_worktree(&room.place).unwrap();
    let held = git(&fixture.ws, &["ls-tree", "-r", "--name-only", &archive]);
    let held: Vec<&str> = held.lines().collect();
    assert_eq!(
        held,
        [".env", ".gitignore", ".worktreeinclude", "local/new.conf"],
        "what the user has as well needs no archive"
    );
    repo.remove_worktree(&room.place, &mut |_| ()).unwrap();
    repo.restore_worktree(&room.place, &mut |_| ()).unwrap();
    let read = |name: &str| fs::read_to_string(path.join(name)).unwrap();
    assert_eq!(
        (read(".env"), read("local/new.conf")),
        ("KEY=changed\n".to_owned(), "new\n".to_owned())
    );
    // To git it is as ignored as it was.
    assert_eq!(git(path, &["status", "--porcelain"]).trim(), "");
    assert_eq!(fs::read(fixture.ws.join(".env")).unwrap(), b"KEY=mine\n");
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

/// What the child of the tests below does; by itself it does nothing.
#[test]
fn child() {
    crate::worktree_kit::child();
}

#[test]
fn killed_while_it_is_made() {
    let fixture = Fixture::new();
    dirty(&fixture);
    fixture.write("new", b"new");
    let before = (look(&fixture.ws), tracked_state(&fixture.ws));
    let mut steps = 0;
    loop {
        let room = Room::new(&fixture);
        let was_killed = kill_at("make", steps, &fixture, &room);
        let repo = fixture.repo();
        if was_killed {
            repo.unmake_worktree(&room.place).unwrap();
            assert!(
                !room.place.path.exists() && !room.place.objects.exists(),
                "after step {steps}"
            );
            let listed = git(&fixture.ws, &["worktree", "list", "--porcelain"]);
            assert_eq!(
                listed.matches("worktree ").count(),
                1,
                "after step {steps}: {listed}"
            );
            assert_eq!(
                (look(&fixture.ws), tracked_state(&fixture.ws)),
                before,
                "after step {steps}"
            );
            let refs = git(&fixture.ws, &["for-each-ref", "refs/kerf"]);
            assert_eq!(refs, "", "after step {steps}");
            repo.make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
                .unwrap();
            repo.unmake_worktree(&room.place).unwrap();
        } else {
            assert!(steps > 5, "{steps} steps");
            return;
        }
        steps += 1;
    }
}

#[test]
fn killed_while_it_is_removed_or_brought_back() {
    let fixture = Fixture::new();
    dirty(&fixture);
    let before = (look(&fixture.ws), tracked_state(&fixture.ws));
    for work in ["remove", "restore"] {
        let mut steps = 0;
        loop {
            let room = Room::new(&fixture);
            let repo = fixture.repo();
            repo.make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
                .unwrap();
            room.commit("agent", "work", "work");
            fs::write(room.place.path.join("untracked"), "u").unwrap();
            fs::write(room.place.path.join("a.txt"), "changed").unwrap();
            let held = look(&room.place.path);
            if work == "restore" {
                repo.archive_worktree(&room.place).unwrap();
                repo.remove_worktree(&room.place, &mut |_| ()).unwrap();
            }
            let was_killed = kill_at(work, steps, &fixture, &room);
            if work == "remove" {
                // As whoever comes next does: what is archived is taken away to the end.
                repo.remove_worktree(&room.place, &mut |_| ()).unwrap();
                assert_eq!(
                    repo.standing(&room.place),
                    Standing::Gone,
                    "after step {steps}"
                );
            }
            if was_killed || work == "remove" {
                repo.clear_worktree(&room.place).unwrap();
                repo.restore_worktree(&room.place, &mut |_| ()).unwrap();
            }
            assert_eq!(look(&room.place.path), held, "{work}, after step {steps}");
            assert_eq!(
                git(&room.place.path, &["log", "-1", "--format=%s"]).trim(),
                "agent"
            );
            assert_eq!(look(&fixture.ws), before.0, "{work}, after step {steps}");
            assert_eq!(
                tracked_state(&fixture.ws),
                before.1,
                "{work}, after step {steps}"
            );
            if !was_killed {
                assert!(steps > 2, "{steps} steps");
                break;
            }
            steps += 1;
        }
    }
}
