//! Branches, and switching between them.

use crate::fixture::Fixture;
use git2::WorktreeAddOptions;
use kerf_git::{GitError, Repo};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// `main` and `other`, which differ in what `other` calls them.
fn two() -> Fixture {
    let fixture = Fixture::named();
    fixture.git.set_head("refs/heads/main").unwrap();
    fixture.commit_files(
        "first",
        &[
            ("same", b"same\n"),
            ("edited", b"main\n"),
            ("gone/deep", b"x\n"),
            ("file", b"f\n"),
        ],
    );
    fixture.repo().switch("other", true).unwrap();
    let mut index = fixture.git.index().unwrap();
    index.read(true).unwrap();
    for path in ["gone/deep", "file"] {
        fs::remove_file(fixture.ws.join(path)).unwrap();
        index.remove_path(Path::new(path)).unwrap();
    }
    index.write().unwrap();
    fs::remove_dir(fixture.ws.join("gone")).unwrap();
    fixture.commit_files(
        "second",
        &[
            ("edited", b"other\n"),
            ("made/new", b"new\n"),
            ("file/inside", b"i\n"),
        ],
    );
    fixture.repo().switch("main", false).unwrap();
    fixture
}

fn files(fixture: &Fixture) -> Vec<String> {
    let mut all = Vec::new();
    let mut folders = vec![fixture.ws.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with(".git") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let path = path.strip_prefix(&fixture.ws).unwrap();
                all.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    all.sort();
    all
}

#[test]
fn a_switch_brings_the_files_of_the_branch() {
    let fixture = two();
    let repo = fixture.repo();
    assert_eq!(files(&fixture), ["edited", "file", "gone/deep", "same"]);
    let done = repo.switch("other", false).unwrap();
    assert_eq!((done.branch.as_str(), done.files), ("other", 5));
    assert_eq!(
        files(&fixture),
        ["edited", "file/inside", "made/new", "same"]
    );
    assert_eq!(fixture.read("edited"), "other\n");
    assert!(!fixture.ws.join("gone").exists(), "no empty folder stays");
    let changes = repo.changes().unwrap();
    assert_eq!((changes.staged.len(), changes.unstaged.len()), (0, 0));
    repo.switch("main", false).unwrap();
    assert_eq!(files(&fixture), ["edited", "file", "gone/deep", "same"]);
    let left: Vec<_> = fs::read_dir(fixture.ws.join(".git"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("kerf") || name.contains("lock"))
        .collect();
    assert_eq!(left, [""; 0], "nothing is left in the git folder");
}

#[test]
fn what_is_not_committed_comes_along() {
    let fixture = two();
    fixture.write("same", b"edited\n");
    fixture.write("staged", b"staged\n");
    fixture.stage(&["staged"]);
    fixture.write("untracked", b"untracked\n");
    let before = fixture.repo().changes().unwrap();
    fixture.repo().switch("other", false).unwrap();
    let after = fixture.repo().changes().unwrap();
    assert_eq!(
        (before.staged, before.unstaged),
        (after.staged, after.unstaged)
    );
    assert_eq!(fixture.read("same"), "edited\n");
    assert_eq!(fixture.staged("staged").as_deref(), Some("staged\n"));
    // What is already as the branch has it is in nobody's way.
    fixture.repo().switch("main", false).unwrap();
    fixture.write("edited", b"other\n");
    fixture.write("made/new", b"new\n");
    fixture.repo().switch("other", false).unwrap();
    assert!(
        !fixture
            .repo()
            .changes()
            .unwrap()
            .unstaged
            .iter()
            .any(|changed| changed.path.ends_with("edited"))
    );
}

#[test]
fn every_file_in_the_way_is_named_and_stays() {
    let fixture = two();
    fixture.write(".git/info/exclude", b"made/\n");
    fixture.write("edited", b"mine\n");
    fixture.write("made/new", b"ignored, and still mine\n");
    fs::remove_file(fixture.ws.join("file")).unwrap();
    fixture.write("file/unknown/deep", b"mine\n");
    let repo = fixture.repo();
    let before = files(&fixture);
    let error = repo.switch("other", false).unwrap_err();
    let GitError::InTheWay { paths, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(paths, &["edited", "file", "made/new"].map(PathBuf::from));
    assert_eq!(files(&fixture), before);
    assert_eq!(fixture.branch(), "main");
    assert_eq!(fixture.read("edited"), "mine\n");

    let fixture = two();
    fixture.repo().switch("other", false).unwrap();
    fixture.write("file/unknown/deep", b"mine\n");
    let error = fixture.repo().switch("main", false).unwrap_err();
    assert!(
        matches!(&error, GitError::InTheWay { paths, .. } if paths == &[PathBuf::from("file/unknown/deep")]),
        "{error}"
    );
}

#[test]
fn staged_bytes_are_in_the_way_too() {
    let fixture = two();
    fixture.write("edited", b"only staged\n");
    fixture.stage(&["edited"]);
    fixture.write("edited", b"main\n");
    let error = fixture.repo().switch("other", false).unwrap_err();
    assert!(
        matches!(&error, GitError::InTheWay { paths, .. } if paths == &[PathBuf::from("edited")]),
        "{error}"
    );
    assert_eq!(fixture.staged("edited").as_deref(), Some("only staged\n"));

    // Staged under a name that the branch has a file of.
    let fixture = two();
    fixture.repo().switch("other", false).unwrap();
    let fixture_file = fixture.ws.join("gone/deep/er");
    fixture.write("gone/deep/er", b"only staged\n");
    fixture.stage(&["gone/deep/er"]);
    fs::remove_file(fixture_file).unwrap();
    fs::remove_dir_all(fixture.ws.join("gone")).unwrap();
    let error = fixture.repo().switch("main", false).unwrap_err();
    assert!(
        matches!(&error, GitError::InTheWay { paths, .. } if paths == &[PathBuf::from("gone/deep/er")]),
        "{error}"
    );
    assert_eq!(
        fixture.staged("gone/deep/er").as_deref(),
        Some("only staged\n")
    );
}

#[test]
fn branches_are_listed_made_and_deleted() {
    let fixture = two();
    let repo = fixture.repo();
    repo.create_branch("feature/x", Some("other")).unwrap();
    let names: Vec<_> = repo
        .branches()
        .unwrap()
        .into_iter()
        .map(|branch| (branch.name, branch.current))
        .collect();
    assert!(
        names.contains(&("feature/x".to_owned(), false))
            && names.contains(&("main".to_owned(), true))
    );
    let refused = |result: Result<(), GitError>, part: &str| {
        let error = result.unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    };
    for name in [
        "",
        "-c",
        "--output=/tmp/x",
        "a..b",
        "a b",
        "HEAD",
        "x.lock",
        "a\\b",
        "@{1}",
    ] {
        refused(repo.create_branch(name, None), "no such name");
        assert!(repo.switch(name, true).is_err(), "{name:?}");
        assert!(repo.switch(name, false).is_err(), "{name:?}");
        assert!(repo.delete_branch(name).is_err(), "{name:?}");
    }
    refused(repo.create_branch("main", None), "one already");
    refused(
        repo.create_branch("y", Some("nowhere")),
        "no branch `nowhere`",
    );
    refused(repo.delete_branch("main").map(drop), "checked out");
    refused(
        repo.delete_branch("other").map(drop),
        "`main` has not all of its commits, and other branches or tags have the rest",
    );
    repo.switch("other", false).unwrap();
    let tip = repo.delete_branch("feature/x").unwrap();
    assert_eq!(
        fixture.git.head().unwrap().target().unwrap().to_string(),
        tip
    );
    assert!(repo.delete_branch("feature/x").is_err());

    let linked = fixture.temp.path().join("linked");
    fixture
        .git
        .worktree("elsewhere", &linked, Some(&WorktreeAddOptions::new()))
        .unwrap();
    refused(repo.delete_branch("elsewhere").map(drop), "checked out");
    refused(
        repo.switch("elsewhere", false).map(drop),
        "another working tree",
    );
    let there = Repo::discover(&linked).unwrap().unwrap();
    refused(
        there.switch("other", false).map(drop),
        "another working tree",
    );
    there.switch("main", false).unwrap();
}

#[test]
fn a_branch_with_commits_nowhere_else_names_them() {
    let fixture = two();
    let repo = fixture.repo();
    repo.switch("other", false).unwrap();
    let mut ids = vec![fixture.git.head().unwrap().target().unwrap().to_string()];
    let long = "x".repeat(200);
    for message in [
        "third\n\nwith more",
        "fourth \u{202e}",
        "fifth",
        &long,
        "seventh",
    ] {
        ids.push(fixture.commit_files(message, &[("edited", message.as_bytes())]));
    }
    repo.switch("main", false).unwrap();
    let refused = repo.delete_branch("other").unwrap_err().to_string();
    for (id, subject) in
        ids[1..]
            .iter()
            .zip(["third”", "fourth", "fifth”", &long[..72], "seventh”"])
    {
        assert!(
            refused.contains(&format!("{} “{subject}", &id[..7])),
            "{refused}"
        );
    }
    assert!(
        !refused.contains(&long[..73]) && !refused.contains("with more"),
        "{refused}"
    );
    assert!(
        refused.contains(" and 1 more would be on no branch") && !refused.contains(&ids[0][..7]),
        "{refused}"
    );
    // What another branch has stays.
    let kept = git2::Oid::from_str(&ids[4]).unwrap();
    let kept = fixture.git.find_commit(kept).unwrap();
    fixture.git.branch("kept", &kept, false).unwrap();
    fixture.git.set_head_detached(kept.id()).unwrap();
    let tip = fixture.git.find_branch("other", git2::BranchType::Local);
    let tip = tip.unwrap().get().target().unwrap();
    let follows = "[remote \"r\"]\n\turl = x\n\tfetch = +refs/heads/*:refs/remotes/r/*\n[branch \"other\"]\n\tremote = r\n\tmerge = refs/heads/main\n";
    fixture.append_config(follows);
    let first = fixture.git.find_branch("main", git2::BranchType::Local);
    let first = first.unwrap().get().target().unwrap();
    let seen = fixture
        .git
        .reference("refs/remotes/r/main", first, false, "");
    seen.unwrap();
    let refused = fixture
        .repo()
        .delete_branch("other")
        .unwrap_err()
        .to_string();
    let expected = format!(
        "neither what is checked out nor its upstream has all of its commits, and without it {} “seventh” would be on no branch;",
        &tip.to_string()[..7]
    );
    assert!(refused.contains(&expected), "{refused}");
    assert!(
        repo.branches()
            .unwrap()
            .iter()
            .any(|branch| branch.name == "other")
    );
}

#[test]
fn of_very_many_commits_it_is_said_that_there_may_be_more() {
    let fixture = two();
    let git = &fixture.git;
    let other = git.find_branch("other", git2::BranchType::Local).unwrap();
    let mut last = other.get().peel_to_commit().unwrap();
    let (author, tree) = (last.author().to_owned(), last.tree().unwrap());
    for _ in 0..1_000 {
        let name = Some("refs/heads/other");
        let id = git.commit(name, &author, &author, "more", &tree, &[&last]);
        last = git.find_commit(id.unwrap()).unwrap();
    }
    let refused = fixture
        .repo()
        .delete_branch("other")
        .unwrap_err()
        .to_string();
    assert!(refused.contains(" and at least 995 more"), "{refused}");
}

#[test]
fn a_branch_of_a_remote_is_followed() {
    let fixture = two();
    let at = fixture
        .git
        .find_branch("other", git2::BranchType::Local)
        .unwrap()
        .get()
        .target()
        .unwrap();
    fixture.append_config(
        "[remote \"origin\"]\n\turl = nowhere\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n",
    );
    fixture
        .git
        .reference("refs/remotes/origin/topic", at, true, "")
        .unwrap();
    let repo = fixture.repo();
    repo.switch("topic", false).unwrap();
    let topic = repo
        .branches()
        .unwrap()
        .into_iter()
        .find(|branch| branch.name == "topic")
        .unwrap();
    assert!(topic.current);
    assert_eq!(topic.upstream.as_deref(), Some("origin/topic"));
    assert_eq!(fixture.read("edited"), "other\n");
}

#[test]
fn commits_on_no_branch_are_not_left() {
    let fixture = two();
    let at = fixture.git.head().unwrap().target().unwrap();
    fixture.git.set_head_detached(at).unwrap();
    fixture.repo().switch("other", false).unwrap();
    fixture.repo().switch("main", false).unwrap();
    fixture.git.set_head_detached(at).unwrap();
    let lonely = fixture.commit_files("on no branch", &[("mine", b"mine\n")]);
    let error = fixture.repo().switch("other", false).unwrap_err();
    assert!(error.to_string().contains("on no branch"), "{error}");
    fixture.repo().switch("saved", true).unwrap();
    assert_eq!(
        fixture.git.head().unwrap().target().unwrap().to_string(),
        lonely
    );
    fixture.repo().switch("other", false).unwrap();
}

#[test]
fn before_the_first_commit() {
    let fixture = Fixture::named();
    fixture.write("a", b"a\n");
    fixture.stage(&["a"]);
    fixture.repo().switch("begin", true).unwrap();
    assert_eq!(fixture.branch(), "begin");
    assert_eq!(fixture.staged("a").as_deref(), Some("a\n"));
    assert!(fixture.repo().branches().unwrap().is_empty());
    assert!(fixture.repo().create_branch("x", None).is_err());
    assert!(fixture.repo().stash(None, true).is_err());
}
