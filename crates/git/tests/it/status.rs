use crate::fixture::Fixture;
use kerf_git::{Change, StatusEntry};
use std::{fs, path::Path};

fn entry(path: &str, change: Change, staged: bool) -> StatusEntry {
    StatusEntry {
        path: path.into(),
        from: None,
        change,
        staged,
    }
}

#[test]
fn every_kind_of_difference() {
    let fixture = Fixture::new();
    let tracked = [
        "clean",
        "edited",
        "staged",
        "gone",
        "gone-staged",
        "moved",
        "dir/clash",
    ];
    for name in tracked {
        fixture.write(
            name,
            format!("the content of {name}, long enough to be found again\n").as_bytes(),
        );
    }
    fixture.write(".gitignore", b"*.log\n");
    fixture.stage(&tracked);
    fixture.stage(&[".gitignore"]);
    fixture.commit("first");

    fixture.write("edited", b"other");
    fixture.write("staged", b"other");
    fixture.write("new-staged", b"new");
    fixture.write("half", b"new");
    fixture.write("untracked/-rf", b"new");
    fixture.write("debug.log", b"ignored");
    fs::remove_file(fixture.ws.join("gone")).unwrap();
    fs::remove_file(fixture.ws.join("gone-staged")).unwrap();
    fs::rename(fixture.ws.join("moved"), fixture.ws.join("to")).unwrap();
    fixture.stage(&["staged", "new-staged", "half", "to"]);
    let mut index = fixture.git.index().unwrap();
    index.remove_path(Path::new("gone-staged")).unwrap();
    index.remove_path(Path::new("moved")).unwrap();
    let side = index.get_path(Path::new("dir/clash"), 0).unwrap();
    index.remove_path(Path::new("dir/clash")).unwrap();
    for stage in 1..=3 {
        let side = git2::IndexEntry {
            path: side.path.clone(),
            flags: (side.flags & 0x0fff) | (stage << 12),
            ..side
        };
        index.add(&side).unwrap();
    }
    index.write().unwrap();
    fixture.write("half", b"newer");

    let mut renamed = entry("to", Change::Renamed, true);
    renamed.from = Some("moved".into());
    assert_eq!(
        fixture.repo().status().unwrap(),
        [
            entry("dir/clash", Change::Conflicted, false),
            entry("edited", Change::Modified, false),
            entry("gone", Change::Deleted, false),
            entry("gone-staged", Change::Deleted, true),
            entry("half", Change::Added, false),
            entry("new-staged", Change::Added, true),
            entry("staged", Change::Modified, true),
            renamed,
            entry("untracked/-rf", Change::Untracked, false),
        ]
    );
}

#[test]
fn looking_writes_nothing() {
    let fixture = Fixture::new();
    fixture.write("a", b"content");
    fixture.stage(&["a"]);
    fixture.commit("first");
    // Same bytes, another stamp: a refresh would rewrite the index.
    fs::write(fixture.ws.join("a"), b"content").unwrap();
    let before = fs::read(fixture.ws.join(".git/index")).unwrap();
    let repo = fixture.repo();
    assert_eq!(repo.status().unwrap(), []);
    repo.index_entries(&fixture.ws).unwrap();
    assert_eq!(fs::read(fixture.ws.join(".git/index")).unwrap(), before);
    assert!(!fixture.ws.join(".git/index.lock").exists());
}

#[test]
fn a_repository_without_a_commit_has_a_status() {
    let fixture = Fixture::new();
    assert_eq!(fixture.repo().status().unwrap(), []);
    fixture.write("a", b"content");
    assert_eq!(
        fixture.repo().status().unwrap(),
        [entry("a", Change::Untracked, false)]
    );
    fixture.stage(&["a"]);
    assert_eq!(
        fixture.repo().status().unwrap(),
        [entry("a", Change::Added, true)]
    );
}
