//! Who last changed a line, of the text on disk.

use crate::fixture::Fixture;
use std::path::Path;

fn told(fixture: &Fixture, lines: std::ops::RangeInclusive<usize>) -> Vec<(usize, String)> {
    fixture
        .repo()
        .blame(Path::new("a"), lines)
        .unwrap()
        .into_iter()
        .map(|line| {
            assert_eq!(line.commit.is_some(), !line.summary.is_empty());
            (line.line, line.summary)
        })
        .collect()
}

fn expect(summaries: &[&str]) -> Vec<(usize, String)> {
    summaries
        .iter()
        .enumerate()
        .map(|(line, summary)| (line + 1, (*summary).to_owned()))
        .collect()
}

#[test]
fn lines_on_disk_are_found_in_the_history() {
    let fixture = Fixture::named();
    fixture.commit_files("first", &[("a", b"one\ntwo\nthree\nfour\n")]);
    fixture.commit_files("second", &[("a", b"one\nTWO\nthree\nfour\n")]);
    assert_eq!(
        told(&fixture, 1..=4),
        expect(&["first", "second", "first", "first"])
    );
    // A line of mine above, one edited, one gone.
    fixture.write("a", b"mine\none\nTWO\nedited\n");
    assert_eq!(told(&fixture, 1..=99), expect(&["", "first", "second", ""]));
    assert_eq!(told(&fixture, 3..=3), [(3, "second".to_owned())]);
    assert_eq!(told(&fixture, 0..=1), [(1, String::new())]);
    assert!(told(&fixture, 9..=12).is_empty());
    // Other line ends on disk are nobody's change.
    fixture.write("a", b"one\r\nTWO\r\nthree\r\nfour\r\n");
    assert_eq!(
        told(&fixture, 1..=4),
        expect(&["first", "second", "first", "first"])
    );
    fixture.write("a", b"");
    assert!(told(&fixture, 1..=4).is_empty());
}

#[test]
fn files_without_a_past() {
    let fixture = Fixture::named();
    fixture.write("a", b"one\ntwo\n");
    assert_eq!(
        told(&fixture, 1..=2),
        expect(&["", ""]),
        "before the first commit"
    );
    fixture.commit_files("first", &[("b", b"b\n")]);
    assert_eq!(told(&fixture, 1..=2), expect(&["", ""]), "untracked");
    fixture.write("a", b"\0binary");
    assert_eq!(told(&fixture, 1..=2), expect(&[""]));
    for path in ["nowhere", "../x", ".git/config", "b/c", ""] {
        assert!(
            fixture.repo().blame(Path::new(path), 1..=1).is_err(),
            "{path:?}"
        );
    }
    fixture.write("a", &b"line\n".repeat(1_000_000));
    assert!(
        fixture.repo().blame(Path::new("a"), 1..=1).is_err(),
        "too large"
    );
}
