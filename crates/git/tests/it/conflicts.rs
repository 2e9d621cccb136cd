//! Files in conflict: told by the index, resolved whole or in parts, and put back; no byte of the user's goes.

use crate::fixture::Fixture;
use git2::{IndexEntry, IndexTime};
use kerf_git::{GitError, Part, Resolution};
use std::path::Path;

const MARKED: &str = "top\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> topic\nend\n";

fn stage(fixture: &Fixture, path: &str, versions: [Option<&str>; 3]) {
    let mut index = fixture.git.index().unwrap();
    index.read(true).unwrap();
    for number in 0..=3 {
        if index.get_path(Path::new(path), number).is_some() {
            index.remove(Path::new(path), number).unwrap();
        }
    }
    for (number, text) in (1_u16..).zip(versions) {
        let Some(text) = text else { continue };
        let id = fixture.git.blob(text.as_bytes()).unwrap();
        index
            .add(&IndexEntry {
                ctime: IndexTime::new(0, 0),
                mtime: IndexTime::new(0, 0),
                dev: 0,
                ino: 0,
                mode: 0o100_644,
                uid: 0,
                gid: 0,
                file_size: 0,
                id,
                flags: number << 12,
                flags_extended: 0,
                path: path.as_bytes().to_vec(),
            })
            .unwrap();
    }
    index.write().unwrap();
}

fn in_conflict() -> Fixture {
    let fixture = Fixture::named();
    fixture.commit_files("first", &[("a.txt", b"top\nwas\nend\n"), ("other", b"o\n")]);
    fixture.write("a.txt", MARKED.as_bytes());
    stage(
        &fixture,
        "a.txt",
        [
            Some("top\nwas\nend\n"),
            Some("top\nours\nend\n"),
            Some("top\ntheirs\nend\n"),
        ],
    );
    fixture
}

fn has_conflicts(fixture: &Fixture) -> bool {
    let mut index = fixture.git.index().unwrap();
    index.read(true).unwrap();
    index.has_conflicts()
}

#[test]
fn a_conflict_is_told_in_parts_resolved_and_put_back() {
    let path = Path::new("a.txt");
    for (resolution, text) in [
        (Resolution::Ours, "top\nours\nend\n"),
        (Resolution::Theirs, "top\ntheirs\nend\n"),
        (Resolution::File, MARKED),
        (Resolution::Text("top\nboth\nend\n"), "top\nboth\nend\n"),
    ] {
        let fixture = in_conflict();
        let repo = fixture.repo();
        let told = repo.conflict(path).unwrap();
        assert_eq!(
            told.parts.as_deref().unwrap(),
            [
                Part::Merged("top\n".to_owned()),
                Part::Open {
                    base: "was\n".to_owned(),
                    ours: "ours\n".to_owned(),
                    theirs: "theirs\n".to_owned(),
                },
                Part::Merged("end\n".to_owned()),
            ]
        );
        repo.resolve(path, &told.token, resolution).unwrap();
        assert!(!has_conflicts(&fixture));
        assert_eq!(fixture.read("a.txt"), text);
        assert_eq!(fixture.staged("a.txt").as_deref(), Some(text));
        assert!(matches!(repo.conflict(path), Err(GitError::Unknown { .. })));

        repo.unresolve(path, &told).unwrap();
        assert_eq!(repo.conflict(path).unwrap(), told);
        assert_eq!(fixture.read("a.txt"), MARKED);
    }
}

#[test]
fn what_is_not_as_it_was_shown_is_left_alone() {
    let fixture = in_conflict();
    let repo = fixture.repo();
    let path = Path::new("a.txt");
    let told = repo.conflict(path).unwrap();
    fixture.write("a.txt", b"edited by hand\n");
    let stale = repo.resolve(path, &told.token, Resolution::Ours);
    assert!(matches!(stale, Err(GitError::Stale { .. })), "{stale:?}");
    assert_eq!(fixture.read("a.txt"), "edited by hand\n");

    let told = repo.conflict(path).unwrap();
    repo.resolve(path, &told.token, Resolution::Theirs).unwrap();
    // Edited on: putting the conflict back would take that away.
    fixture.write("a.txt", b"edited on\n");
    let stale = repo.unresolve(path, &told);
    assert!(matches!(stale, Err(GitError::Stale { .. })), "{stale:?}");
    assert_eq!(fixture.read("a.txt"), "edited on\n");
    assert!(!has_conflicts(&fixture));
}

#[test]
fn a_side_that_deleted_the_file_is_taken_whole_and_undone() {
    let fixture = in_conflict();
    let repo = fixture.repo();
    let path = Path::new("a.txt");
    fixture.write("a.txt", b"top\ntheirs\nend\n");
    stage(
        &fixture,
        "a.txt",
        [Some("top\nwas\nend\n"), None, Some("top\ntheirs\nend\n")],
    );
    let told = repo.conflict(path).unwrap();
    assert_eq!((told.ours.clone(), told.parts.clone()), (None, None));
    repo.resolve(path, &told.token, Resolution::Ours).unwrap();
    assert!(!fixture.ws.join("a.txt").exists());
    assert_eq!(fixture.staged("a.txt"), None);
    repo.unresolve(path, &told).unwrap();
    assert_eq!(fixture.read("a.txt"), "top\ntheirs\nend\n");
    assert_eq!(repo.conflict(path).unwrap(), told);
}

#[test]
fn bytes_that_are_no_text_are_taken_whole() {
    let fixture = in_conflict();
    let path = Path::new("a.txt");
    stage(
        &fixture,
        "a.txt",
        [Some("\0one"), Some("\0two"), Some("\0three")],
    );
    let repo = fixture.repo();
    let told = repo.conflict(path).unwrap();
    assert_eq!(told.parts, None);
    repo.resolve(path, &told.token, Resolution::Theirs).unwrap();
    assert_eq!(fixture.read("a.txt"), "\0three");
}

#[test]
fn names_outside_of_the_folder_are_in_no_conflict() {
    let repo = in_conflict().repo();
    for name in ["../a.txt", ".git/config", "", "/etc/passwd", "other"] {
        let told = repo.conflict(Path::new(name));
        assert!(
            matches!(told, Err(GitError::Unknown { .. })),
            "{name}: {told:?}"
        );
    }
}
