//! Files that change as a whole.

use crate::support::{agent, hash, link, proposed, render, text, with_mode};
use kerf_protocol::review::{Author, Decision::*, MAX_REVIEWED_BYTES, Opaque};
use kerf_review::{Content, FileReview, ReviewError, Which};
use rstest::rstest;
use std::sync::Arc;

fn binary(bytes: &str) -> Content {
    text(format!("\0{bytes}"))
}

fn huge() -> Content {
    let bytes: Arc<[u8]> = vec![b'a'; usize::try_from(MAX_REVIEWED_BYTES).unwrap() + 1].into();
    Content::classify(bytes, 0o644, |_| [7; 32])
}

/// Origin, what the agent made of it, and what is shown.
#[rstest]
#[case::created(
    Content::Absent,
    text("a\n"),
    "Created\n@1 pending -0 +1 tool0 \"\"\n+. 1 a\n"
)]
#[case::created_empty(Content::Absent, text(""), "Created\n@1 pending -0 +0 tool0 \"\"\n")]
#[case::deleted(
    text("a\nb"),
    Content::Absent,
    "Deleted\n@1 pending -2 +0 tool0 \"\"\n-1 . a\n-2 . b$\n"
)]
#[case::deleted_empty(text(""), Content::Absent, "Deleted\n@1 pending -0 +0 tool0 \"\"\n")]
#[case::mode(
    text("a\n"),
    with_mode("a\n", 0o755),
    "Mode (mode 644 → 755)\n@1 pending -0 +0 tool0 \"mode 644 → 755\"\n"
)]
#[case::emptied(
    text("a\n"),
    text(""),
    "Modified\n@1 pending -1 +0 tool0 \"\"\n-1 . a\n"
)]
#[case::binary(
    binary("1"),
    binary("22"),
    "Modified Binary (binary of 2 bytes → binary of 3 bytes)\n@1 pending -0 +0 tool0 \"binary of 2 bytes → binary of 3 bytes\"\n"
)]
#[case::binary_mode(
    binary("1"),
    with_mode("\x001", 0o755),
    "Mode Binary (mode 644 → 755)\n@1 pending -0 +0 tool0 \"mode 644 → 755\"\n"
)]
#[case::binary_created(
    Content::Absent,
    binary(""),
    "Created Binary (binary of 1 byte)\n@1 pending -0 +0 tool0 \"binary of 1 byte\"\n"
)]
#[case::binary_deleted(
    binary(""),
    Content::Absent,
    "Deleted Binary (binary of 1 byte)\n@1 pending -0 +0 tool0 \"binary of 1 byte\"\n"
)]
#[case::replaced(
    text("a\n"),
    binary("1"),
    "Replaced Binary (text of 2 bytes → binary of 2 bytes)\n@1 pending -0 +0 tool0 \"text of 2 bytes → binary of 2 bytes\"\n"
)]
#[case::link_to_text(
    link("a\nb"),
    text("a\n"),
    "Replaced Link (link to \"a\\nb\" → text of 2 bytes)\n@1 pending -0 +0 tool0 \"link to \\\"a\\\\nb\\\" → text of 2 bytes\"\n"
)]
#[case::link(
    link("a"),
    link("b"),
    "Modified Link (link to \"a\" → link to \"b\")\n@1 pending -0 +0 tool0 \"link to \\\"a\\\" → link to \\\"b\\\"\"\n"
)]
#[case::huge(
    text("a\n"),
    huge(),
    "Replaced Huge (text of 2 bytes → file of 8388 kB)\n@1 pending -0 +0 tool0 \"text of 2 bytes → file of 8388 kB\"\n"
)]
fn whole(#[case] before: Content, #[case] after: Content, #[case] shown: &str) {
    let review = proposed(before.clone(), after.clone());
    assert_eq!(render(&review.describe("f")), shown);
    assert_eq!(
        (review.current(), review.accepted(), review.pending()),
        (after.clone(), before.clone(), 1)
    );

    let mut accepted = review.clone();
    assert_eq!(
        accepted.decide(Accept, &Which::Hunk(1)).unwrap().write,
        None
    );
    assert_eq!(accepted.accepted(), after);
    accepted.settle();
    assert_eq!((accepted.is_settled(), accepted.origin()), (true, &after));

    let mut rejected = review.clone();
    let outcome = rejected.decide(Reject, &Which::Hunk(1)).unwrap();
    assert_eq!(outcome.write, Some(before.clone()));
    let mut forgotten = rejected.clone();
    forgotten.settle();
    assert_eq!(
        (forgotten.is_settled(), forgotten.origin()),
        (true, &before)
    );
    assert_eq!(
        rejected.undo(&outcome.undo).unwrap().write,
        Some(after.clone())
    );
    assert_eq!(rejected, review);

    // Whoever puts it back, there is nothing left to review.
    for author in [agent(1), Author::User] {
        let mut back = review.clone();
        back.observe(before.clone(), author);
        assert!(back.is_settled(), "{back:?}");
    }
}

#[test]
fn what_has_no_lines_is_not_decided_by_line() {
    let cases = [
        (text("a\n"), Content::Absent),
        (binary("1"), binary("2")),
        (text(""), with_mode("", 0o600)),
        (Content::Absent, text("")),
    ];
    for (before, after) in cases {
        let mut review = proposed(before, after);
        let unchanged = review.clone();
        let error = review
            .decide(
                Accept,
                &Which::Lines {
                    hunk: 1,
                    lines: vec![0],
                },
            )
            .unwrap_err();
        assert!(
            matches!(error, ReviewError::NotByLine { hunk: 1, .. }),
            "{error}"
        );
        assert_eq!(review, unchanged);
    }
    let mut review = proposed(text("a\n"), text("b\n"));
    let none = |hunk| ReviewError::NoHunk { hunk, hunks: 1 };
    assert_eq!(review.decide(Accept, &Which::Hunk(0)), Err(none(0)));
    assert_eq!(
        review.decide(
            Accept,
            &Which::Lines {
                hunk: 2,
                lines: vec![]
            }
        ),
        Err(none(2))
    );
    let lines = Which::Lines {
        hunk: 1,
        lines: vec![0, 2],
    };
    assert_eq!(
        review.decide(Accept, &lines),
        Err(ReviewError::NoLine {
            hunk: 1,
            line: 2,
            lines: 2
        })
    );
}

#[test]
fn a_whole_change_goes_on() {
    // Each: origin, then who made what of it; the last content is pending against this origin, made
    // by so many, or settled.
    type Steps = Vec<(Content, Author)>;
    let cases: Vec<(Content, Steps, Content, usize)> = vec![
        (
            binary("1"),
            vec![(binary("2"), agent(0)), (binary("3"), agent(1))],
            binary("1"),
            2,
        ),
        (
            binary("1"),
            vec![(binary("2"), agent(0)), (binary("3"), Author::User)],
            binary("1"),
            2,
        ),
        (
            binary("1"),
            vec![(binary("2"), Author::User), (binary("3"), agent(1))],
            binary("2"),
            1,
        ),
        (
            text("a\n"),
            vec![(text("b\n"), agent(0)), (Content::Absent, agent(1))],
            text("a\n"),
            2,
        ),
        (
            text("a\n"),
            vec![(Content::Absent, agent(0)), (text("a\nb\n"), agent(1))],
            text("a\n"),
            1,
        ),
        (
            text("a\n"),
            vec![(Content::Absent, agent(0)), (link("b"), agent(1))],
            text("a\n"),
            2,
        ),
        (
            Content::Absent,
            vec![(text("a\n"), agent(0)), (text("a\nb\n"), Author::User)],
            Content::Absent,
            2,
        ),
        (
            Content::Absent,
            vec![(text("a\n"), agent(0)), (Content::Absent, Author::User)],
            Content::Absent,
            0,
        ),
        (
            Content::Absent,
            vec![(text("a\n"), agent(0)), (text(""), agent(0))],
            Content::Absent,
            1,
        ),
    ];
    for (origin, steps, base, authors) in cases {
        let mut review = FileReview::new(origin);
        for (content, author) in &steps {
            review.observe(content.clone(), *author);
        }
        let file = review.describe("f");
        assert_eq!(review.origin(), &base, "{steps:?}");
        assert_eq!(
            file.hunks
                .iter()
                .map(|hunk| hunk.authors.len())
                .collect::<Vec<_>>(),
            if authors == 0 { vec![] } else { vec![authors] },
            "{steps:?}"
        );
    }
}

#[test]
fn modes() {
    let mut review = proposed(with_mode("a\n", 0o644), with_mode("b\n", 0o755));
    review.decide(Accept, &Which::Hunk(1)).unwrap();
    assert_eq!(review.accepted(), with_mode("a\n", 0o755));
    // The user's own mode is not under review, and the lines stay pending.
    review.observe(with_mode("b\n", 0o700), Author::User);
    assert_eq!(
        (review.origin(), review.pending()),
        (&with_mode("a\n", 0o700), 1)
    );
    review.observe(with_mode("b\n", 0o600), agent(1));
    review.observe(with_mode("b\n", 0o700), agent(1));
    assert_eq!(
        review.describe("f").hunks.len(),
        1,
        "a mode that was put back is no change"
    );
}

#[test]
fn text_and_binary_are_told_apart() {
    let cases: [(&[u8], Option<Opaque>); 9] = [
        (b"", None),
        (b"text\twith\x1b[1mcolour\x0c\r\n", None),
        (b"\xef\xbb\xbfwith a mark", None),
        (b"latin \xe4\xf6\xfc", None),
        (b"nul \0", Some(Opaque::Binary)),
        (b"\xff\xfea\0b\0", Some(Opaque::Binary)),
        (b"\xfe\xff", Some(Opaque::Binary)),
        (b"\x01\x02\x03abcdef", Some(Opaque::Binary)),
        (b"one \x01 in a sentence", None),
    ];
    for (bytes, expected) in cases {
        let kind = match Content::classify(bytes.into(), 0o644, hash) {
            Content::Opaque { kind, .. } => Some(kind),
            _ => None,
        };
        assert_eq!(kind, expected, "{}", bytes.escape_ascii());
    }
}
