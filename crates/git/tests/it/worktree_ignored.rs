//! What git ignores: brought into a worktree where it is named or can be cloned, and kept in its archive.

use crate::{
    fixture::Fixture,
    worktree_kit::{Room, committed, git},
};
use std::fs;

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

    fn path(&self) -> std::path::PathBuf {
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
    repo.restore_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
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
fn what_an_archive_cannot_hold_is_named_and_counts_as_work() {
    let fixture = Fixture::new();
    fixture.write(".gitignore", b"data/\nbuild/\n");
    fixture.write(".worktreeinclude", b"data/\n");
    fixture.stage(&[".gitignore", ".worktreeinclude"]);
    fixture.commit("one");
    let long = |folder: &std::path::Path, name: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = fs::File::create(path).unwrap();
        file.set_len((64 << 20) + 1).unwrap();
    };
    long(&fixture.ws, "data/same.bin");
    let (repo, room) = (fixture.repo(), Room::new(&fixture));
    repo.make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    let path = &room.place.path;
    assert!(!repo.worktree_work(&room.place).unwrap().is_any());
    long(path, "data/own.bin");
    long(path, "build/not-named.bin");
    fs::write(path.join("data/short.bin"), "s").unwrap();
    let work = repo.worktree_work(&room.place).unwrap();
    assert_eq!(work.unkept, [("data/own.bin".into(), "it is over 64 MB")]);
    assert!(work.is_any() && work.untracked.is_empty());
    // The same length with another byte is another file.
    let mut same = fs::File::options()
        .write(true)
        .open(path.join("data/same.bin"))
        .unwrap();
    std::io::Seek::seek(&mut same, std::io::SeekFrom::End(-1)).unwrap();
    std::io::Write::write_all(&mut same, b"x").unwrap();
    let users = fs::metadata(fixture.ws.join("data/same.bin")).unwrap();
    same.set_modified(users.modified().unwrap()).unwrap();
    let work = repo.worktree_work(&room.place).unwrap();
    assert_eq!(work.unkept.len(), 2, "{:?}", work.unkept);
    // A list does not read that far.
    let work = repo.worktree_at_a_glance(&room.place).unwrap();
    assert_eq!(work.unkept, [("data/own.bin".into(), "it is over 64 MB")]);
}

#[test]
fn a_folder_with_too_much_in_it_hides_nothing_else_and_is_no_work() {
    let fixture = Fixture::new();
    fixture.write(".gitignore", b".env\ncache/\n");
    fixture.write(".worktreeinclude", b".env\n");
    fixture.stage(&[".gitignore", ".worktreeinclude"]);
    fixture.commit("one");
    fixture.write(".env", b"KEY=mine\n");
    let (repo, room) = (fixture.repo(), Room::new(&fixture));
    repo.make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    let path = &room.place.path;
    fs::create_dir(path.join("cache")).unwrap();
    for number in 0..50_001 {
        fs::File::create(path.join(format!("cache/{number}"))).unwrap();
    }
    fs::write(path.join(".env"), "KEY=changed\n").unwrap();
    let work = repo.worktree_work(&room.place).unwrap();
    assert_eq!(work.unseen, [std::path::PathBuf::from("cache")]);
    assert!(!work.is_any(), "{work:?}");
    let archive = repo.archive_worktree(&room.place).unwrap();
    assert_eq!(
        git(&fixture.ws, &["show", &format!("{archive}:.env")]),
        "KEY=changed\n"
    );
    // Where no line leads nobody looks.
    fixture.write(".worktreeinclude", b"/.env\n");
    let work = repo.worktree_work(&room.place).unwrap();
    assert!(work.unseen.is_empty(), "{work:?}");
}

#[cfg(unix)]
#[test]
fn nothing_is_brought_back_through_a_link() {
    let fixture = Fixture::new();
    fixture.write(".gitignore", b".env\nnode_modules\n");
    fixture.write(".worktreeinclude", b".env\n");
    fixture.write("config/app.toml", b"a\n");
    fixture.write("pkg/main.js", b"m\n");
    fixture.stage(&[
        ".gitignore",
        ".worktreeinclude",
        "config/app.toml",
        "pkg/main.js",
    ]);
    fixture.commit("one");
    fixture.write("config/.env", b"KEY=mine\n");
    fixture.write("pkg/node_modules/p/index.js", b"js");
    let (repo, room) = (fixture.repo(), Room::new(&fixture));
    repo.make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    let out = fixture.temp.path().join("out");
    fs::create_dir(&out).unwrap();
    for name in ["config", "pkg"] {
        let at = room.place.path.join(name);
        fs::remove_dir_all(&at).unwrap();
        std::os::unix::fs::symlink(&out, at).unwrap();
    }
    repo.archive_worktree(&room.place).unwrap();
    repo.remove_worktree(&room.place, &mut |_| ()).unwrap();
    let can: kerf_git::CloneFile<'_> = &|from, to| fs::copy(from, to).map(drop);
    let made = repo
        .restore_worktree(&room.place, can, &mut |_| ())
        .unwrap();
    assert_eq!(
        made.notes,
        [
            "config/.env was not brought: config is no folder there",
            "pkg/node_modules was not brought: pkg is no folder there"
        ]
    );
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
    let link = room.place.path.join("config");
    assert_eq!(fs::read_link(link).unwrap(), out);
}

#[test]
fn what_is_brought_back_has_its_dependencies_again() {
    let fixture = Fixture::new();
    fixture.write(".gitignore", b"node_modules\ntarget\nlocal/\n");
    fixture.write(".worktreeinclude", b"local/\n");
    fixture.stage(&[".gitignore", ".worktreeinclude"]);
    fixture.commit("one");
    for (name, text) in [
        ("node_modules/p/index.js", "js"),
        ("target/out", "o"),
        ("local/same.conf", "same"),
        ("local/changed.conf", "the user's"),
    ] {
        fixture.write(name, text.as_bytes());
    }
    let can: kerf_git::CloneFile<'_> = &|from, to| fs::copy(from, to).map(drop);
    let cannot: kerf_git::CloneFile<'_> = &|_, _| Err(std::io::ErrorKind::Unsupported.into());
    let repo = fixture.repo();
    for (clone, uncloned) in [(can, vec![]), (cannot, vec!["node_modules"])] {
        let room = Room::new(&fixture);
        let path = &room.place.path;
        repo.make_worktree(&room.place, clone, &mut |_| ()).unwrap();
        fs::write(path.join("local/changed.conf"), "the worktree's").unwrap();
        repo.archive_worktree(&room.place).unwrap();
        repo.remove_worktree(&room.place, &mut |_| ()).unwrap();
        let made = repo
            .restore_worktree(&room.place, clone, &mut |_| ())
            .unwrap();
        let read = |name: &str| fs::read_to_string(path.join(name)).ok();
        let cloned = uncloned.is_empty();
        assert_eq!(
            (
                read("node_modules/p/index.js").is_some(),
                read("target/out").is_some()
            ),
            (cloned, cloned),
            "{:?}",
            made.notes
        );
        let uncloned: Vec<std::path::PathBuf> = uncloned.iter().map(Into::into).collect();
        assert_eq!(made.uncloned, uncloned);
        assert_eq!(
            (
                read("local/same.conf").as_deref(),
                read("local/changed.conf").as_deref()
            ),
            (Some("same"), Some("the worktree's")),
            "what the archive holds is not written over"
        );
        assert_eq!(git(path, &["status", "--porcelain"]).trim(), "");
    }
}
