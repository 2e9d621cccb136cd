//! Reviews that are set aside and taken up again.

use crate::support::{agent, text};
use kerf_protocol::review::{Author, Decision, HunkState};
use kerf_review::{FileReview, Which};
use rstest::rstest;

const BEFORE: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
const AFTER: &str = "1\ntwo\n3\n4\n5\n6\n7\neight\n9\n";

/// Two hunks, of which the first is accepted.
fn reviewed() -> FileReview {
    let mut review = FileReview::new(text(BEFORE));
    review.observe(text(AFTER), agent(1));
    review.decide(Decision::Accept, &Which::Hunk(1)).unwrap();
    review
}

#[rstest]
#[case::as_they_were(AFTER.to_owned(), true)]
#[case::with_more_elsewhere(AFTER.replace("5\n", "5\nfive and a half\n"), true)]
#[case::below_a_new_head(format!("0\n{AFTER}"), true)]
#[case::one_of_the_two(AFTER.replace("eight", "8"), false)]
#[case::edited(AFTER.replace("eight", "EIGHT"), false)]
#[case::not_at_all(BEFORE.to_owned(), false)]
fn hunks_that_come_back_are_reviewed_as_before(#[case] back: String, #[case] taken: bool) {
    let before = reviewed();
    let mut review = before.clone();
    // `git stash`, and `git stash pop`.
    review.observe(text(BEFORE), Author::User);
    assert!(review.has_lost(&before));
    review.observe(text(&back), Author::User);
    assert_eq!(review.take_up(&before), taken);
    assert_eq!(review.current(), text(&back));
    let states: Vec<HunkState> = review
        .outline("a")
        .hunks
        .into_iter()
        .map(|hunk| hunk.state)
        .collect();
    let expected: &[HunkState] = if taken {
        &[HunkState::Accepted, HunkState::Pending]
    } else {
        &[]
    };
    assert_eq!(states, expected);
    assert!(!review.take_up(&before), "it is taken up once");
}

#[test]
fn an_edit_elsewhere_loses_nothing() {
    let before = reviewed();
    let mut review = before.clone();
    review.observe(text(AFTER.replace("5\n", "five\n")), Author::User);
    assert!(!review.has_lost(&before));
    let mut same = review.clone();
    assert!(!same.take_up(&before) && same == review);
}
