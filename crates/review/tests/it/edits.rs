//! The user's own version of a hunk.

use crate::{
    histories::{others_stay, seen, some_text, split, version},
    support::{agent, bytes_of, proposed, text},
};
use kerf_protocol::review::{Author, Decision, HunkState, LineKind};
use kerf_review::{Content, FileReview, ReviewError, Which};
use proptest::{prelude::*, sample::Index};

/// The added lines of a hunk as an editor shows them: ends are all `\n`.
fn shown(review: &FileReview, hunk: u32) -> String {
    let file = review.describe("f");
    let lines = &file.hunks[hunk as usize - 1].lines;
    let added = lines.iter().filter(|line| line.kind == LineKind::Added);
    added.fold(String::new(), |text, line| {
        text + &line.text + if line.no_newline { "" } else { "\n" }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_text_is_an_acceptance(before in some_text(), after in some_text(), created in any::<bool>()) {
        let review = proposed(if created { Content::Absent } else { text(before) }, text(after));
        for hunk in 1..=u32::try_from(review.describe("f").hunks.len()).unwrap() {
            let (mut edited, mut accepted) = (review.clone(), review.clone());
            let outcome = edited.edit(hunk, &shown(&review, hunk)).unwrap();
            prop_assert_eq!(outcome.write, None, "not a byte is another");
            accepted.decide(Decision::Accept, &Which::Hunk(hunk)).unwrap();
            prop_assert_eq!(seen(&edited), seen(&accepted));
        }
    }

    #[test]
    fn an_edit_and_its_undo_leave_nothing(
        before in some_text(), after in some_text(), hunk in any::<Index>(), version in version(), first in prop::option::of(prop::sample::select(vec![Decision::Accept, Decision::Reject])),
    ) {
        let mut review = proposed(text(before), text(after));
        let file = review.describe("f");
        if file.hunks.is_empty() {
            return Ok(());
        }
        let hunk = u32::try_from(hunk.index(file.hunks.len())).unwrap() + 1;
        let decided = first.map(|first| review.decide(first, &Which::Hunk(hunk)).unwrap().undo);
        let was = seen(&review);
        let Ok(outcome) = review.edit(hunk, &version) else {
            prop_assert_eq!(seen(&review), was);
            return Ok(());
        };
        others_stay(&was.3, &review, hunk);
        prop_assert_ne!(review.describe("f").hunks[hunk as usize - 1].state, HunkState::Pending);
        review.undo(&outcome.undo).unwrap();
        prop_assert_eq!(seen(&review), was);
        // What was decided before the edit can be taken back as well.
        if let Some(undo) = decided {
            review.undo(&undo).unwrap();
            prop_assert_eq!(review.pending() as usize, file.hunks.len());
        }
    }

    /// The lines of the version are in the file where the hunk's were, in order, whatever their ends.
    #[test]
    fn the_version_is_what_is_then_on_disk(before in some_text(), after in some_text(), hunk in any::<Index>(), version in version()) {
        let mut review = proposed(text(&before), text(&after));
        let file = review.describe("f");
        if file.hunks.is_empty() {
            return Ok(());
        }
        let at = hunk.index(file.hunks.len());
        if review.edit(u32::try_from(at).unwrap() + 1, &version).is_err() {
            return Ok(());
        }
        let hunk = &file.hunks[at];
        let added: Vec<usize> = hunk.lines.iter().filter(|line| line.kind == LineKind::Added).map(|line| line.new.unwrap() as usize - 1).collect();
        let start = added.first().copied().unwrap_or_else(|| {
            let above = hunk.lines.iter().take_while(|line| line.kind == LineKind::Context).last();
            above.map_or(file.hunks[..at].iter().flat_map(|hunk| &hunk.lines).filter_map(|line| line.new).max().unwrap_or(0), |line| line.new.unwrap()) as usize
        });
        let current = bytes_of(&review.current());
        let plain = |line: &[u8]| String::from_utf8_lossy(line).trim_end_matches(['\r', '\n']).to_owned();
        let mut expected: Vec<String> = split(&after).into_iter().map(plain).collect();
        expected.splice(start..start + added.len(), split(version.as_bytes()).into_iter().map(plain));
        prop_assert_eq!(split(&current).into_iter().map(plain).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn lines_keep_their_bytes_and_ends_and_authors() {
    let before = b"top\r\nold\r\nend\r\n";
    let after = b"top\r\ncaf\xe9\r\nplain\nlast\r\nend\r\n";
    let mut review = proposed(text(before), text(after));
    let outcome = review
        .edit(1, "caf\u{fffd}\nplain, and mine\nlast\nmore\n")
        .unwrap();
    let expected = b"top\r\ncaf\xe9\r\nplain, and mine\nlast\r\nmore\r\nend\r\n";
    assert_eq!(outcome.write, Some(text(expected)));
    assert_eq!(review.accepted(), text(expected));
    let hunk = &review.describe("f").hunks[0];
    assert_eq!(
        (hunk.state, &hunk.authors),
        (HunkState::Accepted, &vec![agent(0), Author::User])
    );

    // What cannot be typed is not written over.
    let mut review = proposed(text(before), text(after));
    let failure = review.edit(1, "a caf\u{fffd}\nplain\nlast\n").unwrap_err();
    assert!(failure.to_string().contains("UTF-8"), "{failure}");
    assert_eq!(review.pending(), 1);
}

#[test]
fn the_end_of_the_file_is_as_the_user_wrote_it() {
    let mut review = proposed(text("a\nb\n"), text("a\nB\n"));
    assert_eq!(review.edit(1, "B!").unwrap().write, Some(text("a\nB!")));
    let mut review = proposed(text("a\nb"), text("a\nB"));
    assert_eq!(review.edit(1, "B!\n").unwrap().write, Some(text("a\nB!\n")));
    // In the middle of it lines always end.
    let mut review = proposed(text("a\nb\nc\n"), text("a\nB\nc\n"));
    assert_eq!(
        review.edit(1, "B!").unwrap().write,
        Some(text("a\nB!\nc\n"))
    );
}

#[test]
fn a_version_that_is_what_was_there_is_a_rejection_and_no_lines_are_a_version_too() {
    let mut review = proposed(text("a\nb\nc\n"), text("a\nB\nc\n"));
    let outcome = review.edit(1, "b\n").unwrap();
    assert_eq!(
        (outcome.write, review.describe("f").hunks[0].state),
        (Some(text("a\nb\nc\n")), HunkState::Rejected)
    );

    let mut review = proposed(text("a\nb\nc\n"), text("a\nB\nc\n"));
    let outcome = review.edit(1, "").unwrap();
    assert_eq!(outcome.write, Some(text("a\nc\n")));
    assert_eq!(review.describe("f").hunks[0].state, HunkState::Accepted);
}

#[test]
fn what_has_no_lines_to_edit_is_refused() {
    for (name, mut review, hunk, version, why) in [
        (
            "a deletion",
            proposed(text("a\n"), Content::Absent),
            1,
            "b\n",
            "a deletion",
        ),
        (
            "a binary",
            proposed(text("a\n"), text("\0")),
            1,
            "b\n",
            "as a whole",
        ),
        (
            "a new file without lines",
            proposed(Content::Absent, text("a\n")),
            1,
            "",
            "reject it instead",
        ),
        (
            "not a text",
            proposed(text("a\n"), text("b\n")),
            1,
            "\0\n",
            "no text",
        ),
    ] {
        let before = review.clone();
        let failure = review.edit(hunk, version).unwrap_err();
        assert!(failure.to_string().contains(why), "{name}: {failure}");
        assert_eq!(review, before, "{name}");
    }
    let mut review = proposed(text("a\n"), text("b\n"));
    assert!(matches!(
        review.edit(2, "x"),
        Err(ReviewError::NoHunk { hunks: 1, .. })
    ));
}

#[test]
fn the_agent_s_next_edit_of_the_same_lines_is_a_new_proposal_against_the_user_s() {
    let mut review = proposed(text("a\nb\nc\n"), text("a\nB\nc\n"));
    let undo = review.edit(1, "mine\n").unwrap().undo;
    review.observe(text("a\nagain\nc\n"), agent(2));
    let file = review.describe("f");
    assert_eq!(file.hunks.len(), 1);
    assert_eq!(
        (file.hunks[0].state, &file.hunks[0].authors),
        (HunkState::Pending, &vec![agent(2)])
    );
    // The edit cannot be taken back over that, and a rejection gives the user's line.
    assert!(matches!(
        review.undo(&undo),
        Err(ReviewError::Superseded { .. })
    ));
    review.decide(Decision::Reject, &Which::Pending).unwrap();
    assert_eq!(review.current(), text("a\nmine\nc\n"));
}
