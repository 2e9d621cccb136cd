//! What is found to be alike: renamed files, and the words of a line.

use crate::support::{proposed, text};
use kerf_protocol::review::Decision::Reject;
use kerf_review::{Content, FileReview, Which, pair_renames, word_marks};

#[test]
fn renames() {
    let body = |words: &[&str]| text(words.join("\n") + "\n");
    let (full, like, other) = (
        body(&["a", "b", "c", "d", "e"]),
        body(&["a", "b", "c", "D", "e"]),
        body(&["v", "w", "x"]),
    );
    let deleted = |content: &Content| proposed(content.clone(), Content::Absent);
    let created = |content: &Content| proposed(Content::Absent, content.clone());
    let mut refused = deleted(&full);
    refused.decide(Reject, &Which::Pending).unwrap();
    type Case = (
        &'static str,
        Vec<(&'static str, FileReview)>,
        Vec<(usize, usize)>,
    );
    let cases: Vec<Case> = vec![
        (
            "the name decides between equals",
            vec![
                ("a/x", deleted(&full)),
                ("b/y", created(&full)),
                ("b/x", created(&full)),
            ],
            vec![(0, 2)],
        ),
        (
            "equal before similar",
            vec![
                ("new", created(&like)),
                ("old", deleted(&full)),
                ("newer", created(&full)),
            ],
            vec![(1, 2)],
        ),
        (
            "the most similar",
            vec![
                ("1", deleted(&other)),
                ("2", deleted(&full)),
                ("3", created(&like)),
            ],
            vec![(1, 2)],
        ),
        (
            "too unlike",
            vec![("old", deleted(&full)), ("new", created(&other))],
            vec![],
        ),
        (
            "empty files",
            vec![("old", deleted(&text(""))), ("new", created(&text("")))],
            vec![],
        ),
        (
            "binary files",
            vec![
                ("old", deleted(&text("\0one"))),
                ("new", created(&text("\0one"))),
            ],
            vec![(0, 1)],
        ),
        (
            "a rejected deletion",
            vec![("old", refused), ("new", created(&full))],
            vec![],
        ),
        (
            "one change only",
            vec![
                ("new", created(&full)),
                ("changed", proposed(full.clone(), other.clone())),
            ],
            vec![],
        ),
    ];
    for (name, reviews, expected) in cases {
        let reviews: Vec<(&str, &FileReview)> = reviews
            .iter()
            .map(|(path, review)| (*path, review))
            .collect();
        assert_eq!(pair_renames(&reviews), expected, "{name}");
    }
}

#[test]
fn words() {
    let cases = [
        ("let a = 1;", "let b = 1;", "let [a] = 1;", "let [b] = 1;"),
        ("same", "same", "same", "same"),
        ("", "all", "", "[all]"),
        ("foo(a, b)", "foo(b)", "foo([a, ]b)", "foo(b)"),
        (
            "größe = 1",
            "größer = 12",
            "[größe] = [1]",
            "[größer] = [12]",
        ),
        ("a  b", "a b", "a[  ]b", "a[ ]b"),
        ("x.y_z()", "x.y_w()", "x.[y_z]()", "x.[y_w]()"),
    ];
    let show = |line: &str, marks: &[std::ops::Range<usize>]| {
        let mut line = line.to_owned();
        for mark in marks.iter().rev() {
            line.insert(mark.end, ']');
            line.insert(mark.start, '[');
        }
        line
    };
    for (old, new, old_marked, new_marked) in cases {
        let marks = word_marks(old, new);
        assert_eq!(
            (show(old, &marks.old), show(new, &marks.new)),
            (old_marked.to_owned(), new_marked.to_owned())
        );
    }
    let long = |word: &str| format!("{}{}", "- ".repeat(3), format!("{word} ").repeat(100_000));
    assert_eq!(word_marks(&long("a"), &long("b")).old, vec![6..200_005]);
}
