//! Commits of what is staged.

use crate::fixture::Fixture;
use kerf_git::{Chosen, GitError, RecordOptions, Side};
use std::{fs, path::Path};

fn with(message: &str) -> RecordOptions<'_> {
    RecordOptions {
        message,
        amend: false,
        without_programs: false,
    }
}

fn amend(message: &str) -> RecordOptions<'_> {
    RecordOptions {
        amend: true,
        ..with(message)
    }
}

fn stage(fixture: &Fixture, path: &str) {
    fixture
        .repo()
        .stage(Path::new(path), Side::Unstaged, Chosen::All)
        .unwrap();
}

#[test]
fn a_commit_holds_what_is_staged_and_nothing_else() {
    let fixture = Fixture::named();
    let first = fixture.commit_files("first", &[("a", b"one\n"), ("b", b"one\n")]);
    fixture.write("a", b"two\n");
    stage(&fixture, "a");
    fixture.write("a", b"three\n");
    fixture.write("b", b"two\n");
    let recorded = fixture
        .repo()
        .record(with("  Change a\n\nWhy.\n\n"))
        .unwrap();
    let head = fixture.git.head().unwrap().peel_to_commit().unwrap();
    assert_eq!(head.id().to_string(), recorded.oid);
    assert_eq!(head.message().unwrap(), "Change a\n\nWhy.\n");
    assert_eq!(head.parent_id(0).unwrap().to_string(), first);
    assert_eq!(head.author().name().unwrap(), "A");
    assert_eq!(fixture.committed("a").as_deref(), Some("two\n"));
    assert_eq!(fixture.committed("b").as_deref(), Some("one\n"));
    let changes = fixture.repo().changes().unwrap();
    assert!(changes.staged.is_empty());
    assert_eq!(changes.unstaged.len(), 2);
}

#[test]
fn amending_takes_the_place_of_the_last_commit() {
    let fixture = Fixture::named();
    let first = fixture.commit_files("first", &[("a", b"one\n")]);
    let second = fixture.commit_files("second", &[("a", b"two\n")]);
    assert_eq!(
        fixture.repo().last_message().unwrap().as_deref(),
        Some("second")
    );
    fixture.write("b", b"forgotten\n");
    stage(&fixture, "b");
    let recorded = fixture.repo().record(amend("second, whole")).unwrap();
    assert_eq!(recorded.replaced.as_deref(), Some(second.as_str()));
    let head = fixture.git.head().unwrap().peel_to_commit().unwrap();
    assert_eq!(head.message().unwrap(), "second, whole\n");
    assert_eq!(head.parent_id(0).unwrap().to_string(), first);
    assert_eq!(fixture.committed("b").as_deref(), Some("forgotten\n"));
    // Its message alone, with nothing staged.
    fixture.repo().record(amend("other words")).unwrap();
    let head = fixture.git.head().unwrap().peel_to_commit().unwrap();
    assert_eq!(head.message().unwrap(), "other words\n");
    assert!(fixture.git.find_commit(second.parse().unwrap()).is_ok());
}

#[test]
fn the_first_commit_and_one_on_no_branch() {
    let fixture = Fixture::named();
    fixture.write("a", b"one\n");
    assert!(
        fixture.repo().record(with("x")).is_err(),
        "nothing is staged"
    );
    stage(&fixture, "a");
    assert!(
        fixture.repo().record(amend("x")).is_err(),
        "there is nothing to amend"
    );
    let first = fixture.repo().record(with("first")).unwrap();
    fixture
        .git
        .set_head_detached(first.oid.parse().unwrap())
        .unwrap();
    fixture.write("a", b"two\n");
    stage(&fixture, "a");
    let second = fixture.repo().record(with("second")).unwrap();
    assert!(fixture.git.head_detached().unwrap());
    assert_eq!(
        fixture.git.head().unwrap().target().unwrap().to_string(),
        second.oid
    );
}

#[test]
fn what_is_only_intended_stays_out() {
    let fixture = Fixture::named();
    fixture.commit_files("first", &[("a", b"one\n")]);
    fixture.commit_files("second", &[("b", b"b\n")]);
    fixture.write("later", b"later\n");
    fixture.write("a", b"two\n");
    fixture.stage(&["later", "a"]);
    let mut index = fixture.git.index().unwrap();
    let mut entry = index.get_path(Path::new("later"), 0).unwrap();
    entry.flags_extended |= git2::IndexEntryExtendedFlag::INTENT_TO_ADD.bits();
    entry.id = fixture.git.blob(b"").unwrap();
    index.add(&entry).unwrap();
    index.write().unwrap();
    fixture.repo().record(with("a alone")).unwrap();
    assert_eq!(fixture.committed("later"), None);
    assert_eq!(fixture.committed("a").as_deref(), Some("two\n"));
    let index = git2::Repository::open(&fixture.ws)
        .unwrap()
        .index()
        .unwrap();
    assert!(
        index.get_path(Path::new("later"), 0).is_some(),
        "it is still intended"
    );
}

#[test]
fn refusals_change_nothing() {
    let hooks = |fixture: &Fixture, name: &str| {
        let hook = fixture.ws.join(".git/hooks").join(name);
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(hook, "#!/bin/sh\n").unwrap();
    };
    for (what, part) in [
        ("message", "message is empty"),
        ("nothing", "nothing is staged"),
        ("author", "git does not know your name"),
        ("hook", "the hook pre-commit"),
        ("signing", "the signing program"),
        ("merge", "a merge is under way"),
        ("rebase", "a rebase is under way"),
        ("lock", "another git"),
    ] {
        let fixture = if what == "author" {
            Fixture::new()
        } else {
            Fixture::named()
        };
        fixture.commit_files("first", &[("a", b"one\n")]);
        if what != "nothing" {
            fixture.write("a", b"two\n");
            fixture.stage(&["a"]);
        }
        let git = fixture.ws.join(".git");
        match what {
            "author" => {
                fixture.append_config("[user]\n\tuseConfigOnly = true\n\tname =\n\temail =\n")
            }
            "hook" => hooks(&fixture, "pre-commit"),
            "signing" => fixture.append_config("[commit]\n\tgpgsign = true\n"),
            "merge" => {
                let head = fixture.git.head().unwrap().target().unwrap();
                fs::write(git.join("MERGE_HEAD"), format!("{head}\n")).unwrap();
            }
            "rebase" => fs::create_dir(git.join("rebase-merge")).unwrap(),
            "lock" => fs::write(git.join("index.lock"), b"").unwrap(),
            _ => {}
        }
        let before = (
            fixture.git.head().unwrap().target(),
            fs::read(git.join("index")).unwrap(),
        );
        let message = if what == "message" { " \n" } else { "second" };
        let error = fixture.repo().record(with(message)).unwrap_err();
        assert!(error.to_string().contains(part), "{what}: {error}");
        let after = (
            fixture.git.head().unwrap().target(),
            fs::read(git.join("index")).unwrap(),
        );
        assert_eq!(before, after, "{what}");
        if matches!(what, "hook" | "signing") {
            assert!(matches!(error, GitError::Programs { .. }));
            let waived = RecordOptions {
                without_programs: true,
                ..with("second")
            };
            let recorded = fixture.repo().record(waived).unwrap();
            assert_eq!(recorded.not_run, [part]);
        }
    }
}
