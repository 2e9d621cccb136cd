//! Commits of given contents: what is in them, and what stays out.

use crate::fixture::Fixture;
use kerf_git::{CommitFile, FileContent, FileKind, GitError, Repo};

fn content(text: &str) -> FileContent {
    FileContent {
        bytes: text.as_bytes().to_vec(),
        kind: FileKind::Plain,
    }
}

fn change(path: &str, before: Option<&str>, after: Option<&str>) -> CommitFile {
    CommitFile {
        path: path.into(),
        before: before.map(content),
        after: after.map(content),
    }
}

fn named() -> (Fixture, Repo) {
    let fixture = Fixture::new();
    fixture.append_config("[user]\n\tname = A\n\temail = a@example.org\n");
    for (path, text) in [
        ("a.txt", "one\ntwo\nthree\nfour\nfive\n"),
        ("gone.txt", "gone\n"),
        ("other.txt", "other\n"),
    ] {
        fixture.write(path, text.as_bytes());
    }
    fixture.stage(&["a.txt", "gone.txt", "other.txt"]);
    fixture.commit("first");
    let repo = Repo::discover(&fixture.ws).unwrap().unwrap();
    (fixture, repo)
}

fn committed(fixture: &Fixture, path: &str) -> Option<String> {
    let tree = fixture.git.head().unwrap().peel_to_tree().unwrap();
    let entry = tree.get_path(path.as_ref()).ok()?;
    let blob = fixture.git.find_blob(entry.id()).unwrap();
    Some(String::from_utf8(blob.content().to_vec()).unwrap())
}

#[test]
fn a_commit_holds_the_changes_and_nothing_else() {
    let (fixture, repo) = named();
    // What is on disk is not what is committed.
    fixture.write("a.txt", b"one\nTWO\nthree\nfour\nFIVE\n");
    fixture.write("other.txt", b"not yet\n");
    fixture.write("new/file.txt", b"new\n");
    std::fs::remove_file(fixture.ws.join("gone.txt")).unwrap();
    let id = repo
        .commit(
            "Change some\n\nWhy.",
            &[
                change(
                    "a.txt",
                    Some("one\ntwo\nthree\nfour\nfive\n"),
                    Some("one\nTWO\nthree\nfour\nfive\n"),
                ),
                change("gone.txt", Some("gone\n"), None),
                change("new/file.txt", None, Some("new\n")),
            ],
        )
        .unwrap();
    let head = fixture.git.head().unwrap().peel_to_commit().unwrap();
    assert_eq!(head.id().to_string(), id);
    assert_eq!(head.message().unwrap(), "Change some\n\nWhy.");
    assert_eq!(head.parent_count(), 1);
    assert_eq!(
        committed(&fixture, "a.txt").as_deref(),
        Some("one\nTWO\nthree\nfour\nfive\n")
    );
    assert_eq!(committed(&fixture, "gone.txt"), None);
    assert_eq!(
        committed(&fixture, "new/file.txt").as_deref(),
        Some("new\n")
    );
    assert_eq!(committed(&fixture, "other.txt").as_deref(), Some("other\n"));
    // The rest is still to be committed, and nothing is staged.
    let status: Vec<(String, bool)> = repo
        .status()
        .unwrap()
        .into_iter()
        .map(|entry| (entry.path.display().to_string(), entry.staged))
        .collect();
    assert_eq!(
        status,
        [("a.txt".to_owned(), false), ("other.txt".to_owned(), false)]
    );
}

#[test]
fn lines_that_the_user_had_changed_before_stay_out() {
    let (fixture, repo) = named();
    let users = "ONE\ntwo\nthree\nfour\nfive\n";
    let both = "ONE\ntwo\nthree\nfour\nFIVE\n";
    repo.commit("Change", &[change("a.txt", Some(users), Some(both))])
        .unwrap();
    assert_eq!(
        committed(&fixture, "a.txt").as_deref(),
        Some("one\ntwo\nthree\nfour\nFIVE\n")
    );
}

#[test]
fn line_ends_are_committed_as_git_keeps_them() {
    let (fixture, _) = named();
    fixture.write(".gitattributes", b"* text=auto\n");
    let repo = Repo::discover(&fixture.ws).unwrap().unwrap();
    let files = [change(
        "a.txt",
        Some("one\r\ntwo\r\nthree\r\nfour\r\nfive\r\n"),
        Some("one\r\nTWO\r\nthree\r\nfour\r\nfive\r\n"),
    )];
    repo.commit("Change", &files).unwrap();
    assert_eq!(
        committed(&fixture, "a.txt").as_deref(),
        Some("one\nTWO\nthree\nfour\nfive\n")
    );
}

#[test]
fn the_first_commit_of_a_repository() {
    let fixture = Fixture::new();
    fixture.append_config("[user]\n\tname = A\n\temail = a@example.org\n");
    let repo = Repo::discover(&fixture.ws).unwrap().unwrap();
    repo.commit("First", &[change("a", None, Some("a\n"))])
        .unwrap();
    assert_eq!(committed(&fixture, "a").as_deref(), Some("a\n"));
}

#[test]
fn what_is_in_the_way_is_told_and_nothing_changes() {
    let conflict = [change("a.txt", Some("mine\n"), Some("yours\n"))];
    let nothing = [change("other.txt", Some("other\n"), Some("other\n"))];
    let staged = [change("other.txt", Some("other\n"), Some("new\n"))];
    let filtered = [change("large.bin", None, Some("x"))];
    for (what, files, part) in [
        ("conflict", &conflict, "same lines"),
        ("nothing", &nothing, "holds all of it"),
        ("staged", &staged, "staged"),
        ("filtered", &filtered, "filter"),
    ] {
        let (fixture, repo) = named();
        if what == "staged" {
            fixture.write("other.txt", b"staged\n");
            fixture.stage(&["other.txt"]);
        }
        fixture.write(".gitattributes", b"*.bin filter=lfs\n");
        let before = fixture.git.head().unwrap().target();
        let status = repo.status().unwrap();
        let error = repo.commit("Change", files).unwrap_err();
        assert!(
            matches!(&error, GitError::NotCommitted { why, .. } if why.contains(part)),
            "{what}: {error}"
        );
        assert_eq!(fixture.git.head().unwrap().target(), before, "{what}");
        assert_eq!(repo.status().unwrap(), status, "{what}");
    }
}

#[test]
fn programs_that_do_not_run_are_named() {
    let (fixture, repo) = named();
    assert!(repo.commit_programs().is_empty());
    std::fs::create_dir_all(fixture.git.commondir().join("hooks")).unwrap();
    std::fs::write(
        fixture.git.commondir().join("hooks/pre-commit"),
        "#!/bin/sh\ntouch ran\nexit 1\n",
    )
    .unwrap();
    fixture.append_config("[commit]\n\tgpgsign = true\n");
    let repo_again = Repo::discover(&fixture.ws).unwrap().unwrap();
    assert_eq!(
        repo_again.commit_programs(),
        ["the hook pre-commit", "the signing program"]
    );
    repo.commit("Change", &[change("a", None, Some("a\n"))])
        .unwrap();
    assert!(!fixture.ws.join("ran").exists());
}

#[test]
fn commits_ahead_of_the_upstream_are_counted() {
    let (fixture, repo) = named();
    assert_eq!(repo.ahead_behind().unwrap(), None);
    let head = fixture.git.head().unwrap();
    let (name, at) = (head.shorthand().unwrap().to_owned(), head.target().unwrap());
    fixture
        .git
        .reference("refs/remotes/origin/main", at, true, "")
        .unwrap();
    fixture.append_config(&format!(
        "[remote \"origin\"]\n\turl = nowhere\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch \"{name}\"]\n\tremote = origin\n\tmerge = refs/heads/main\n"
    ));
    repo.commit("Change", &[change("a", None, Some("a\n"))])
        .unwrap();
    let repo = Repo::discover(&fixture.ws).unwrap().unwrap();
    assert_eq!(repo.ahead_behind().unwrap(), Some((1, 0)));
}
