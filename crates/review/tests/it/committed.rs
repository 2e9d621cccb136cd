//! What a commit that was made elsewhere settles.

use crate::support::{agent, text};
use kerf_protocol::review::{Decision, HunkState};
use kerf_review::{Content, FileReview, Which};
use proptest::prelude::*;
use rstest::rstest;

fn changed(before: &str, after: &str) -> FileReview {
    let mut review = FileReview::new(text(before));
    review.observe(text(after), agent(1));
    review
}

const BEFORE: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
const AFTER: &str = "1\ntwo\n3\n4\n5\n5.5\n6\n8\n9\n";

#[rstest]
#[case::all_of_it(BEFORE, AFTER, AFTER, 0)]
#[case::nothing_of_it(BEFORE, AFTER, BEFORE, 3)]
#[case::one_of_three(BEFORE, AFTER, "1\ntwo\n3\n4\n5\n6\n7\n8\n9\n", 2)]
#[case::two_of_three(BEFORE, AFTER, "1\ntwo\n3\n4\n5\n6\n8\n9\n", 1)]
#[case::with_more_of_the_user_s(BEFORE, AFTER, "0\n1\ntwo\n3\n4\n5\n6\n7\n8\n9\n10\n", 2)]
#[case::otherwise(BEFORE, AFTER, "1\nzwei\n3\n4\n5\n5,5\n6\n7\n8\n9\n", 3)]
// Which of the equal lines was committed cannot be told, so none is taken for it.
#[case::one_of_equal_lines("a\nx\nb\n", "a\nx\nx\nx\nb\n", "a\nx\nx\nb\n", 1)]
#[case::a_gone_line_that_repeats("a\nx\nx\nb\n", "a\nx\nb\n", "a\nx\nx\nb\n", 1)]
#[case::no_final_line_end("a\nb", "a\nc", "a\nc", 0)]
fn what_the_commit_holds_leaves_the_review(
    #[case] before: &str,
    #[case] after: &str,
    #[case] committed: &str,
    #[case] left: u32,
) {
    let mut review = changed(before, after);
    let all = review.pending();
    let settled = review.settle_committed(&text(committed));
    assert_eq!((review.pending(), settled), (left, left < all));
    assert_eq!(review.current(), text(after), "the disk is right as it is");
}

#[test]
fn created_and_deleted_files_are_committed_too() {
    let mut created = FileReview::new(Content::Absent);
    created.observe(text("new\n"), agent(1));
    assert!(!created.clone().settle_committed(&Content::Absent));
    assert!(created.settle_committed(&text("new\n")));
    assert!(created.is_settled());

    let mut deleted = FileReview::new(text("old\n"));
    deleted.observe(Content::Absent, agent(1));
    assert!(!deleted.clone().settle_committed(&text("old\n")));
    assert!(deleted.settle_committed(&Content::Absent));
    assert!(deleted.is_settled() && deleted.current().is_absent());
}

#[test]
fn accepted_parts_settle_and_rejected_ones_stay_rejected() {
    let mut review = changed(BEFORE, AFTER);
    review.decide(Decision::Accept, &Which::Hunk(1)).unwrap();
    review.decide(Decision::Reject, &Which::Hunk(2)).unwrap();
    let disk = review.current();
    // `git commit -a`: what is on disk, without what was rejected.
    assert!(review.settle_committed(&disk));
    let states: Vec<HunkState> = review
        .outline("a")
        .hunks
        .into_iter()
        .map(|hunk| hunk.state)
        .collect();
    assert_eq!(states, [HunkState::Rejected]);
    assert_eq!(review.current(), disk);
}

proptest! {
    /// Lines that occur once: exactly what was committed is settled. The disk never changes.
    #[test]
    fn exactly_what_was_committed_settles(
        edits in prop::collection::vec((0_u8..4, any::<bool>()), 1..20),
    ) {
        let (mut before, mut after, mut committed) = (String::new(), String::new(), String::new());
        let (mut left, mut all) = (0, 0);
        for (at, (kind, commit)) in edits.iter().enumerate() {
            let same = format!("same {at}\n");
            let (old, new) = match kind {
                0 => (String::new(), format!("put in {at}\n")),
                1 => (format!("taken out {at}\n"), String::new()),
                2 => (format!("old {at}\n"), format!("new {at}\nand {at}\n")),
                _ => (String::new(), String::new()),
            };
            let changes = u32::from(old != new);
            all += changes;
            left += if *commit { 0 } else { changes };
            before.extend([&same, &old].map(String::as_str));
            after.extend([&same, &new].map(String::as_str));
            committed.extend([&same, if *commit { &new } else { &old }].map(String::as_str));
        }
        let mut review = changed(&before, &after);
        prop_assert_eq!(review.pending(), all);
        review.settle_committed(&text(&committed));
        prop_assert_eq!(review.pending(), left);
        prop_assert_eq!(review.current(), text(&after));
        // It can be stored and taken up again.
        prop_assert_eq!(FileReview::load(review.save()).unwrap(), review);
    }

    /// Any texts at all, with lines that repeat: the disk does not change, and a commit of nothing settles nothing.
    #[test]
    fn whatever_is_committed_the_disk_stays(
        texts in prop::array::uniform3(prop::collection::vec(0_u8..3, 0..12)),
    ) {
        let [before, after, committed] = texts.map(|lines| {
            lines.iter().map(|line| format!("{line}\n")).collect::<String>()
        });
        let mut review = changed(&before, &after);
        let all = review.pending();
        let mut untouched = review.clone();
        if before != after {
            prop_assert!(!untouched.settle_committed(&text(&before)), "{before:?} {after:?}");
        }
        review.settle_committed(&text(&committed));
        prop_assert_eq!(review.current(), text(&after));
        prop_assert!(review.pending() <= all);
        prop_assert_eq!(FileReview::load(review.save()).unwrap(), review);
    }
}
