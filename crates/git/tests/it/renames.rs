//! Files that were moved: one change of two names, staged and taken out by file and by hunk, as git itself sees it.

use crate::fixture::Fixture;
use kerf_git::{Chosen, GitError, Side};
use std::{fs, path::Path, process::Command};

const OLD: &str = "src/old.rs";
const NEW: &str = "lib/new.rs";

fn lines(edits: &[(usize, &str)]) -> String {
    let line = |at| match edits.iter().find(|(edited, _)| *edited == at) {
        Some((_, text)) => format!("{text}\n"),
        None => format!("line {at}\n"),
    };
    (0..40).map(line).collect()
}

/// A file that was moved and edited in two places, beside one that came and one that went.
fn moved() -> Fixture {
    let fixture = Fixture::named();
    let gone = "something else\n".repeat(20);
    fixture.commit_files(
        "first",
        &[(OLD, lines(&[]).as_bytes()), ("gone.txt", gone.as_bytes())],
    );
    fs::remove_file(fixture.ws.join(OLD)).unwrap();
    fs::remove_file(fixture.ws.join("gone.txt")).unwrap();
    fixture.write(NEW, lines(&[(2, "two"), (30, "thirty")]).as_bytes());
    fixture.write("fresh.txt", b"nothing like it\n");
    fixture
}

fn renames(fixture: &Fixture, side: Side) -> Vec<(String, String)> {
    let repo = fixture.repo();
    let changes = repo.changes().unwrap();
    let list = match side {
        Side::Staged => changes.staged,
        Side::Unstaged => changes.unstaged,
    };
    let found = repo.renames(&list, side).unwrap();
    let text = |path: &Path| path.to_str().unwrap().replace('\\', "/");
    found
        .iter()
        .map(|(from, to)| (text(from), text(to)))
        .collect()
}

/// What git says is staged.
#[expect(clippy::disallowed_methods, reason = "git itself is what a user has")]
fn git_says(fixture: &Fixture) -> String {
    let said = Command::new("git")
        .args(["diff", "--cached", "--find-renames", "--name-status"])
        .current_dir(&fixture.ws)
        .output()
        .unwrap();
    assert!(said.status.success(), "{said:?}");
    String::from_utf8(said.stdout).unwrap()
}

fn stage(fixture: &Fixture, side: Side, hunks: &[usize]) {
    let repo = fixture.repo();
    let diff = repo
        .diff_renamed(Path::new(NEW), Path::new(OLD), side)
        .unwrap();
    let chosen = Chosen::Hunks {
        token: &diff.token,
        hunks,
    };
    repo.stage_renamed(Path::new(NEW), Path::new(OLD), side, chosen)
        .unwrap();
}

#[test]
fn a_move_is_told_once_and_differs_by_its_edits_alone() {
    let fixture = moved();
    let pair = (OLD.to_owned(), NEW.to_owned());
    assert_eq!(renames(&fixture, Side::Unstaged), [pair]);
    assert_eq!(renames(&fixture, Side::Staged), []);
    let diff = fixture
        .repo()
        .diff_renamed(Path::new(NEW), Path::new(OLD), Side::Unstaged)
        .unwrap();
    let changed: Vec<usize> = diff.hunks.iter().map(|hunk| hunk.lines.len()).collect();
    assert_eq!(changed, [7, 8], "a line for another, with what is around");
    let other = fixture
        .repo()
        .diff_renamed(Path::new("fresh.txt"), Path::new(OLD), Side::Unstaged);
    assert!(matches!(other, Err(GitError::Unknown { .. })), "{other:?}");
}

#[test]
fn a_file_that_is_too_large_to_be_shown_is_not_read_for_a_move() {
    let fixture = moved();
    let big = vec![0; 5 << 20];
    fixture.commit_files("big", &[("big", &big), ("large", &big), ("small", b"s\n")]);
    fs::rename(fixture.ws.join("big"), fixture.ws.join("other")).unwrap();
    // Either end can be the large one.
    fs::remove_file(fixture.ws.join("large")).unwrap();
    fixture.write("little", b"s\n");
    fs::remove_file(fixture.ws.join("small")).unwrap();
    let pairs = [(OLD, NEW), ("small", "little")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    let sorted = |side| {
        let mut found = renames(&fixture, side);
        found.sort_by_key(|(from, _)| from == "small");
        found
    };
    assert_eq!(sorted(Side::Unstaged), pairs);
    let repo = fixture.repo();
    let asked = repo.diff_renamed(Path::new("other"), Path::new("big"), Side::Unstaged);
    assert!(matches!(asked, Err(GitError::Unknown { .. })), "{asked:?}");
    let all = ["big", "other", "large", "small", "little", OLD, NEW].map(str::to_owned);
    repo.stage_all(&all, Side::Unstaged).unwrap();
    assert_eq!(sorted(Side::Staged), pairs);
}

#[test]
fn a_hunk_takes_the_move_with_it_and_the_last_one_back_ends_it() {
    let fixture = moved();
    stage(&fixture, Side::Unstaged, &[1]);
    assert_eq!(fixture.staged(OLD), None);
    assert_eq!(fixture.staged(NEW).unwrap(), lines(&[(30, "thirty")]));
    assert!(git_says(&fixture).ends_with(&format!("\t{OLD}\t{NEW}\n")));
    let pair = (OLD.to_owned(), NEW.to_owned());
    assert_eq!(renames(&fixture, Side::Staged), [pair]);
    // What is left is a change of the new file.
    let rest = fixture.repo().diff(Path::new(NEW), Side::Unstaged).unwrap();
    assert_eq!(rest.hunks.len(), 1);
    fixture
        .repo()
        .stage(Path::new(NEW), Side::Unstaged, Chosen::All)
        .unwrap();
    assert_eq!(
        fixture.staged(NEW).unwrap(),
        lines(&[(2, "two"), (30, "thirty")])
    );

    // Out again: one hunk leaves the move, and all that is left ends it.
    stage(&fixture, Side::Staged, &[0]);
    assert_eq!(fixture.staged(NEW).unwrap(), lines(&[(30, "thirty")]));
    assert_eq!(fixture.staged(OLD), None);
    stage(&fixture, Side::Staged, &[0]);
    assert_eq!(
        (fixture.staged(NEW), fixture.staged(OLD)),
        (None, Some(lines(&[])))
    );
    assert_eq!(git_says(&fixture), "");
    assert_eq!(fixture.read(NEW), lines(&[(2, "two"), (30, "thirty")]));
}

#[test]
fn both_names_are_staged_whole_and_taken_out_whole() {
    let fixture = moved();
    let names = [OLD, NEW];
    fixture.repo().stage_all(&names, Side::Unstaged).unwrap();
    assert!(git_says(&fixture).ends_with(&format!("\t{OLD}\t{NEW}\n")));
    fixture.repo().stage_all(&names, Side::Staged).unwrap();
    assert_eq!(git_says(&fixture), "");
    // The same in one, as of a pure move, which has no hunks.
    let repo = fixture.repo();
    let (new, old) = (Path::new(NEW), Path::new(OLD));
    repo.stage_renamed(new, old, Side::Unstaged, Chosen::All)
        .unwrap();
    assert!(git_says(&fixture).ends_with(&format!("\t{OLD}\t{NEW}\n")));
    repo.stage_renamed(new, old, Side::Staged, Chosen::All)
        .unwrap();
    assert_eq!(git_says(&fixture), "");
}

#[test]
fn what_is_not_as_shown_is_left_alone() {
    let fixture = moved();
    let repo = fixture.repo();
    let (new, old) = (Path::new(NEW), Path::new(OLD));
    let diff = repo.diff_renamed(new, old, Side::Unstaged).unwrap();
    let chosen = Chosen::Hunks {
        token: &diff.token,
        hunks: &[0],
    };
    fixture.write(NEW, lines(&[(2, "three")]).as_bytes());
    let stale = repo.stage_renamed(new, old, Side::Unstaged, chosen);
    assert!(matches!(stale, Err(GitError::Stale { .. })), "{stale:?}");
    // The old file is there again: two files are no move.
    fixture.write(OLD, lines(&[]).as_bytes());
    let stale = repo.stage_renamed(new, old, Side::Unstaged, Chosen::All);
    assert!(matches!(stale, Err(GitError::Stale { .. })), "{stale:?}");
    assert_eq!(renames(&fixture, Side::Unstaged), []);
    assert_eq!(git_says(&fixture), "");
}
