//! Histories and what is shown of them. The pictures are in `snapshots/`.

use crate::support::{agent, proposed, render, text, with_mode};
use kerf_protocol::review::{Author, Decision::*};
use kerf_review::{Content, FileReview, Which};

const CODE: &str = "\
use std::fmt;

/// A point.
struct Point {
    x: i32,
    y: i32,
}

impl<T> Show for Point {
    fn show(&self) -> String {
        let x = self.x;
        let y = self.y;
        format!(\"{x} {y}\")
    }

    pub(crate) async fn hide(&self) {
        drop(self);
    }
}

const ZERO: i32 = 0;
";

const PROSE: &str = "\
Title
=====

# First

Some text
over two lines.

```sh
# no heading of a function, but of this text
```

## Second

More text.
";

fn lines(
    review: &mut FileReview,
    decision: kerf_protocol::review::Decision,
    hunk: u32,
    lines: &[u32],
) {
    review
        .decide(
            decision,
            &Which::Lines {
                hunk,
                lines: lines.to_vec(),
            },
        )
        .unwrap();
}

/// Asserts what is shown, with what would be on disk and what is accepted when `texts` is set.
fn shows(name: &str, path: &str, review: &FileReview, texts: bool) {
    let mut picture = render(&review.describe(path));
    if texts {
        picture += &format!(
            "current  {:?}\naccepted {:?}\norigin   {:?}\n",
            review.current(),
            review.accepted(),
            review.origin()
        );
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, picture);
    });
}

#[test]
fn headers_and_context() {
    let after = CODE
        .replace("    y: i32,\n", "    y: i32,\n    z: i32,\n")
        .replace(
            "let x = self.x;\n        let y = self.y;",
            "let (x, y) = (self.x, self.y);",
        )
        .replace("        drop(self);\n", "")
        .replace("ZERO: i32 = 0", "ZERO: i32 = 1");
    shows(
        "headers_in_code",
        "src/point.rs",
        &proposed(text(CODE), text(after)),
        false,
    );

    let after = PROSE
        .replace("over two lines", "on two lines")
        .replace("More text", "No more text");
    shows(
        "headers_in_prose",
        "README.md",
        &proposed(text(PROSE), text(after)),
        false,
    );

    let before = "class A:\n    def one(self):\n        # top\n        return 1\n\n    def two(self):\n        return 2\n\nx = 1\ny = 2\n";
    let after = before
        .replace("return 1", "return 11")
        .replace("return 2", "return 22")
        .replace("y = 2", "y = 3");
    shows(
        "headers_in_python",
        "a.py",
        &proposed(text(before), text(after)),
        false,
    );
}

#[test]
fn line_ends() {
    let review = proposed(text("a\r\nb\r\nc"), text("a\r\nB\r\nc\r\n"));
    shows("crlf_and_no_final_newline", "f", &review, true);
    let review = proposed(text(b"one\n\xff\n"), text(b"one\n\xff\xfe\n"));
    shows("not_utf8", "f", &review, false);
    // The last line of the origin stays although a line comes after it now: it gets a line end like
    // the others.
    let mut review = proposed(text("a\r\nb"), text("a\r\nB\r\nc"));
    lines(&mut review, Accept, 1, &[3]);
    review.decide(Reject, &Which::Pending).unwrap();
    shows("line_end_put_in", "f", &review, true);
    // The line that stays got a line end from a line that is gone again: it keeps what is on disk.
    let mut review = proposed(text("x\n\nend"), text("\n\n"));
    lines(&mut review, Reject, 2, &[0]);
    assert_eq!(review.current(), text("\nend\n\n"));
    review.observe(text("\nend\n"), agent(1));
    assert_eq!(review.current(), text("\nend\n"));
    // What is accepted lacks a final line end, and a line that waits to be taken away came after it.
    let mut review = proposed(text("let a = 1;\ny"), text("let a = 2;"));
    lines(&mut review, Accept, 1, &[0, 2]);
    review.settle();
    assert_eq!(review.current(), text("let a = 2;"));
    assert_eq!(FileReview::load(review.save()).unwrap(), review);
    shows("last_line_settled", "f", &review, true);
}

#[test]
fn decided_by_line() {
    let make = || {
        proposed(
            text("top\nlet a = 1;\nlet b = 2;\nend\n"),
            text("top\nlet a = 10;\nlet b = 20;\nlet c = 30;\nend\n"),
        )
    };
    let cases: [(&str, &[u32]); 4] = [
        ("pair_accepted", &[1, 3]),
        ("second_pair_accepted", &[2, 4]),
        ("added_line_accepted", &[0, 5]),
        ("removed_line_accepted", &[1]),
    ];
    for (name, chosen) in cases {
        let mut review = make();
        lines(&mut review, Accept, 1, chosen);
        shows(&format!("lines_{name}"), "f", &review, true);
    }
    let mut review = make();
    lines(&mut review, Accept, 1, &[1, 3]);
    lines(&mut review, Reject, 2, &[2]);
    review.decide(Accept, &Which::Pending).unwrap();
    shows("lines_decided_in_three_steps", "f", &review, true);

    let mut review = proposed(Content::Absent, text("one\ntwo\nthree\n"));
    lines(&mut review, Accept, 1, &[1]);
    shows("lines_of_a_created_file", "f", &review, true);
    review.decide(Reject, &Which::Pending).unwrap();
    shows("lines_of_a_created_file_rejected", "f", &review, true);
}

#[test]
fn edits_upon_edits() {
    let before = "a\nb\nc\nd\ne\nf\n";
    let start = || proposed(text(before), text("a\nB\nc\nd\nE\nf\n"));
    type Case = (&'static str, fn(&mut FileReview));
    let cases: [Case; 12] = [
        ("agent_again_at_the_same_place", |review| {
            review.observe(text("a\nB1\nB2\nc\nd\nE\nf\n"), agent(1))
        }),
        ("agent_beside_its_own_edit", |review| {
            review.observe(text("a\nB\nC\nd\nE\nf\n"), agent(1))
        }),
        ("agent_takes_back", |review| {
            review.observe(text("a\nb\nc\nd\nE\nf\n"), agent(1))
        }),
        ("user_in_a_pending_hunk", |review| {
            review.observe(text("a\nB by user\nc\nd\nE\nf\n"), Author::User)
        }),
        ("user_beside_a_pending_hunk", |review| {
            review.observe(text("a\nB\nC by user\nd\nE\nf\n"), Author::User)
        }),
        ("user_takes_back", |review| {
            review.observe(text("a\nb\nc\nd\nE\nf\n"), Author::User)
        }),
        ("user_deletes_what_is_between", |review| {
            review.observe(text("a\nB\nE\nf\n"), Author::User)
        }),
        ("user_edits_over_two_hunks", |review| {
            review.observe(text("a\nuser\nf\n"), Author::User)
        }),
        ("agent_in_an_accepted_hunk", |review| {
            review.decide(Accept, &Which::Hunk(1)).unwrap();
            review.observe(text("a\nB again\nc\nd\nE\nf\n"), agent(1));
        }),
        ("user_in_an_accepted_hunk", |review| {
            review.decide(Accept, &Which::Hunk(1)).unwrap();
            review.observe(text("a\nB by user\nc\nd\nE\nf\n"), Author::User);
        }),
        ("agent_tries_again_what_was_rejected", |review| {
            review.decide(Reject, &Which::Hunk(1)).unwrap();
            review.observe(text("a\nB\nc\nd\nE\nf\n"), agent(1));
        }),
        ("mode_and_lines", |review| {
            review.observe(with_mode("a\nB\nc\nd\nE\nf\n", 0o755), agent(3));
            review.decide(Reject, &Which::Hunk(1)).unwrap();
        }),
    ];
    for (name, act) in cases {
        let mut review = start();
        act(&mut review);
        shows(name, "f", &review, true);
    }
    // The user puts a line back that the agent took away: there is nothing to review, and it is there once.
    let mut review = proposed(text("x\ngone\ny\n"), text("x\ny\n"));
    review.observe(text("x\ngone\ny\n"), Author::User);
    assert!(review.is_settled());
    assert_eq!(review.origin(), &text("x\ngone\ny\n"));
}

#[test]
fn large_files() {
    // One line in twenty is edited twice, decided one by one, and taken back. A quadratic loop
    // would take minutes.
    let make = |word: &str| -> String {
        (0..100_000)
            .map(|at| {
                if at % 20 == 10 {
                    format!("{word} {at}\n")
                } else {
                    format!("    line {at}\n")
                }
            })
            .collect()
    };
    let mut review = proposed(text(make("old")), text(make("new")));
    review.observe(text(make("newer")), agent(1));
    assert_eq!(review.pending(), 5000);
    for hunk in 1..=5000 {
        assert_eq!(
            review.decide(Accept, &Which::Hunk(hunk)).unwrap().write,
            None
        );
    }
    let outcome = review.undo(&review.clone().decide(Reject, &Which::Hunk(7)).unwrap().undo);
    assert!(outcome.is_err(), "the undo belongs to another state");
    assert_eq!(review.describe("f").hunks.len(), 5000);
    let saved = review.save();
    assert_eq!(FileReview::load(saved).unwrap(), review);
    assert_eq!(review.accepted(), text(make("newer")));
}
