//! The log.

use crate::fixture::Fixture;
use kerf_git::LogCursor;
use std::{fs, path::Path};

fn summaries(fixture: &Fixture, path: Option<&str>, limit: usize) -> Vec<String> {
    let repo = fixture.repo();
    let mut all = Vec::new();
    let mut after: Option<LogCursor> = None;
    loop {
        let page = repo
            .log(path.map(Path::new), after.as_ref(), limit)
            .unwrap();
        assert!(page.entries.len() <= limit);
        all.extend(page.entries.into_iter().map(|entry| entry.message));
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

#[test]
fn pages_hold_every_commit_once() {
    let fixture = Fixture::named();
    assert!(
        summaries(&fixture, None, 3).is_empty(),
        "before the first commit"
    );
    for number in 0..7 {
        fixture.commit_files(
            &format!("commit {number}"),
            &[("a", format!("{number}\n").as_bytes())],
        );
    }
    let all = summaries(&fixture, None, 100);
    assert_eq!(all.len(), 7);
    for limit in [1, 2, 3, 7, 8] {
        assert_eq!(summaries(&fixture, None, limit), all, "{limit}");
    }
    let page = fixture.repo().log(None, None, 1).unwrap();
    assert_eq!(
        (
            page.entries[0].author.as_str(),
            page.entries[0].email.as_str()
        ),
        ("A", "a@example.org")
    );
    for from in [
        "",
        "HEAD",
        "--all",
        "0000000000000000000000000000000000000000",
    ] {
        let cursor = LogCursor {
            from: from.to_owned(),
            seen: 0,
            path: None,
        };
        assert!(
            fixture.repo().log(None, Some(&cursor), 1).is_err(),
            "{from:?}"
        );
    }
}

#[test]
fn the_log_of_a_path_follows_its_names() {
    let fixture = Fixture::named();
    let text = "a text that is long enough to be known again\n".repeat(5);
    fixture.commit_files("made", &[("old", text.as_bytes()), ("other", b"1\n")]);
    fixture.commit_files("other only", &[("other", b"2\n")]);
    fixture.commit_files("edited", &[("old", format!("{text}more\n").as_bytes())]);
    fs::rename(fixture.ws.join("old"), fixture.ws.join("new")).unwrap();
    let mut index = fixture.git.index().unwrap();
    index.remove_path(Path::new("old")).unwrap();
    index.add_path(Path::new("new")).unwrap();
    index.write().unwrap();
    fixture.commit("moved");
    fixture.commit_files(
        "edited again",
        &[("new", format!("{text}more and more\n").as_bytes())],
    );
    let expected = ["edited again", "moved", "edited", "made"];
    for limit in [1, 2, 10] {
        assert_eq!(summaries(&fixture, Some("new"), limit), expected, "{limit}");
    }
    assert_eq!(
        summaries(&fixture, Some("old"), 10),
        ["moved", "edited", "made"],
        "gone, and still with a past"
    );
    assert!(summaries(&fixture, Some("never"), 10).is_empty());
    assert!(
        fixture
            .repo()
            .log(Some(Path::new("../x")), None, 1)
            .is_err()
    );
}

#[test]
fn a_shallow_log_ends_where_it_was_cut() {
    let fixture = Fixture::named();
    let first = fixture.commit_files("first", &[("a", b"1\n")]);
    let second = fixture.commit_files("second", &[("a", b"2\n")]);
    fixture.commit_files("third", &[("a", b"3\n")]);
    fs::write(fixture.ws.join(".git/shallow"), format!("{second}\n")).unwrap();
    fs::remove_file(
        fixture
            .ws
            .join(".git/objects")
            .join(&first[..2])
            .join(&first[2..]),
    )
    .unwrap();
    assert_eq!(summaries(&fixture, None, 10), ["third", "second"]);
    assert_eq!(summaries(&fixture, Some("a"), 10), ["third", "second"]);
}
