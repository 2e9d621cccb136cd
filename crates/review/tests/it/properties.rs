//! What holds for every history of a file.

use crate::{
    histories::{any_content, check, decision, lines_of, seen, some_text, split, step, walk},
    support::{agent, bytes_of, proposed, text},
};
use kerf_protocol::review::{Author, Decision, HunkState, LineKind};
use kerf_review::{Content, FileReview, Marks, ReviewError, Saved, Superseded, Which};
use proptest::{collection::vec, prelude::*, sample::Index};

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history(origin in any_content(), steps in vec(step(), 1..14)) {
        let mut review = FileReview::new(origin);
        let mut undos = Vec::new();
        for step in &steps {
            walk(&mut review, step, &mut undos);
            check(&review);
        }
    }

    #[test]
    fn the_last_decisions_can_all_be_taken_back(
        before in some_text(), after in some_text(),
        decisions in vec((any::<Index>(), vec(any::<bool>(), 1..6), decision(), any::<bool>()), 1..8),
    ) {
        let mut review = proposed(text(before), text(after));
        let mut trail = Vec::new();
        for (hunk, choice, decision, by_line) in decisions {
            let hunks = review.describe("f").hunks.len();
            if hunks == 0 {
                return Ok(());
            }
            let hunk = u32::try_from(hunk.index(hunks)).unwrap() + 1;
            let lines = lines_of(&review, hunk, &choice);
            let which = if by_line { Which::Lines { hunk, lines } } else { Which::Hunk(hunk) };
            let before = seen(&review);
            trail.push((before, review.decide(decision, &which).unwrap().undo));
        }
        for (before, undo) in trail.iter().rev() {
            review.undo(undo).unwrap();
            prop_assert_eq!(&seen(&review), before);
        }
    }

    #[test]
    fn edits_of_the_user_alone_leave_nothing_to_review(contents in vec(any_content(), 1..6)) {
        let mut review = FileReview::new(Content::Absent);
        for content in contents {
            review.observe(content.clone(), Author::User);
            prop_assert!(review.is_settled());
            prop_assert_eq!(review.origin(), &content);
        }
    }

    /// Each line of a file is left alone, edited by the agent, or edited by the user, with lines
    /// left alone between.
    #[test]
    fn edits_of_the_user_elsewhere_stay(
        edits in vec((0..3_u8, 0..4_usize), 1..20), user_first in any::<bool>(), crlf in any::<bool>(),
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let make = |agent: bool, user: bool| -> String {
            let mut out = String::new();
            for (at, (who, how)) in edits.iter().enumerate() {
                let name = ["nobody", "agent", "user"][*who as usize];
                let old = format!("old {at}{end}");
                let edited = (*who == 1 && agent) || (*who == 2 && user);
                match (edited, how) {
                    (false, _) => out.push_str(&old),
                    (true, 0) => {}
                    (true, 1) => out.push_str(&format!("{name} {at}{end}")),
                    (true, 2) => out.push_str(&format!("{old}{name} {at} more{end}")),
                    (true, _) => out.push_str(&format!("{name} {at} one{end}{name} {at} two{end}")),
                }
                out.push_str(&format!("between {at}{end}"));
            }
            out
        };
        let mut review = FileReview::new(text(make(false, false)));
        let steps = if user_first { [(false, true), (true, true)] } else { [(true, false), (true, true)] };
        for (step, (by_agent, by_user)) in steps.into_iter().enumerate() {
            let author = if (step == 0) == user_first { Author::User } else { agent(2) };
            review.observe(text(make(by_agent, by_user)), author);
        }
        let file = review.describe("f");
        for hunk in &file.hunks {
            prop_assert_eq!(&hunk.authors, &vec![agent(2)]);
            for line in hunk.lines.iter().filter(|line| line.kind != LineKind::Context) {
                prop_assert!(!line.text.starts_with("user"), "{:?}", line);
            }
        }
        review.decide(Decision::Reject, &Which::Pending).unwrap();
        prop_assert_eq!(review.current(), text(make(false, true)));
    }

    /// Accepting some lines and rejecting the rest leaves the lines that were chosen, and each in its order.
    #[test]
    fn decided_lines_are_exactly_those_chosen(before in some_text(), after in some_text(), choice in vec(any::<bool>(), 1..24), created in any::<bool>()) {
        let mut review = proposed(if created { Content::Absent } else { text(&before) }, text(&after));
        let before = if created { Vec::new() } else { before };
        let (mut stay, mut come): (Vec<bool>, Vec<bool>) = (vec![true; split(&before).len()], vec![false; split(&after).len()]);
        // From the bottom up, since a decision about lines renumbers what is below.
        for hunk in review.describe("f").hunks.into_iter().rev() {
            let lines = lines_of(&review, hunk.hunk, &choice);
            for line in lines.iter().map(|at| &hunk.lines[*at as usize]) {
                match line.kind {
                    LineKind::Removed => stay[line.old.unwrap() as usize - 1] = false,
                    LineKind::Added => come[line.new.unwrap() as usize - 1] = true,
                    LineKind::Context => {}
                }
            }
            if hunk.removed + hunk.added > 0 {
                review.decide(Decision::Accept, &Which::Lines { hunk: hunk.hunk, lines }).unwrap();
            }
        }
        let unchanged = review.current();
        prop_assert_eq!(unchanged, text(&after));
        review.decide(Decision::Reject, &Which::Pending).unwrap();
        prop_assert_eq!(review.current(), review.accepted());
        if review.current().is_absent() {
            prop_assert!(created && !come.contains(&true));
            return Ok(());
        }

        // A last line may have got a line end because another line follows it.
        let clean = |line: &[u8]| line.trim_ascii_end().to_vec();
        let current = bytes_of(&review.current());
        let current: Vec<Vec<u8>> = split(&current).into_iter().map(clean).collect();
        let chosen = |bytes: &[u8], which: &[bool]| -> Vec<Vec<u8>> {
            split(bytes).into_iter().zip(which).filter(|(_, chosen)| **chosen).map(|(line, _)| clean(line)).collect()
        };
        let is_part = |part: &[Vec<u8>]| {
            let mut rest = current.iter();
            part.iter().all(|line| rest.any(|other| other == line))
        };
        let (old, new) = (chosen(&before, &stay), chosen(&after, &come));
        prop_assert!(is_part(&old) && is_part(&new), "{:?} {:?} in {:?}", old, new, current);
        let sorted = |mut lines: Vec<Vec<u8>>| { lines.sort(); lines };
        prop_assert_eq!(sorted(current.clone()), sorted([old, new].concat()));
    }

    /// Marks that were changed at random are refused or make a review that works, but never a panic.
    #[test]
    fn damaged_marks_do_no_harm(
        origin in any_content(), steps in vec(step(), 1..6), contents in any_content(),
        at in any::<Index>(), with in "[0-9]|,|\\[|18446744073709551615|\"accepted\"", swap in any::<bool>(),
    ) {
        let mut review = FileReview::new(origin);
        let mut undos = Vec::new();
        for step in &steps {
            walk(&mut review, step, &mut undos);
        }
        let Saved { origin, proposed, marks } = review.save();
        let mut json = serde_json::to_string(&marks).unwrap();
        let numbers: Vec<(usize, &str)> = json.match_indices(|c: char| c.is_ascii_digit()).collect();
        let at = numbers[at.index(numbers.len())].0;
        json.replace_range(at..=at, &with);
        let Ok(marks) = serde_json::from_str::<Marks>(&json) else { return Ok(()) };
        let proposed = if swap { contents } else { proposed };
        if let Ok(mut loaded) = FileReview::load(Saved { origin, proposed, marks }) {
            loaded.describe("f.md");
            for undo in &undos {
                let _refused_or_not = loaded.undo(undo);
            }
            loaded.observe(text("x\ny"), agent(3));
            prop_assert_eq!(loaded.current(), text("x\ny"));
        }
    }
}

#[test]
fn an_undo_says_why_it_cannot_be_made() {
    let make = || {
        let mut review = proposed(text("a\nb\nc\nd\ne\n"), text("A\nb\nc\nd\nE\n"));
        let undo = review
            .decide(Decision::Accept, &Which::Hunk(1))
            .unwrap()
            .undo;
        (review, undo)
    };
    let gone = Err(ReviewError::Superseded {
        why: Superseded::Gone,
    });
    let again = Err(ReviewError::Superseded {
        why: Superseded::DecidedAgain,
    });
    type Change = fn(&mut FileReview);
    let cases: [(&str, Change, Result<(), ReviewError>); 5] = [
        (
            "edited elsewhere",
            |review| review.observe(text("A\nb\nmore\nc\nd\nE\n"), agent(1)),
            Ok(()),
        ),
        (
            "the user edited elsewhere",
            |review| review.observe(text("top\nA\nb\nc\nd\nE\n"), Author::User),
            Ok(()),
        ),
        (
            "edited",
            |review| review.observe(text("AA\nb\nc\nd\nE\n"), agent(1)),
            gone.clone(),
        ),
        ("settled", FileReview::settle, gone),
        (
            "decided again",
            |review| {
                review.decide(Decision::Reject, &Which::Hunk(1)).unwrap();
            },
            again,
        ),
    ];
    for (name, change, expected) in cases {
        let (mut review, undo) = make();
        change(&mut review);
        let before = review.clone();
        let result = review.undo(&undo).map(|_| ());
        assert_eq!(result, expected, "{name}");
        if expected.is_err() {
            assert_eq!(review, before, "{name}");
        } else {
            assert_eq!(
                review.describe("f").hunks[0].state,
                HunkState::Pending,
                "{name}"
            );
        }
    }
    // An undo of a review that was forgotten does not take effect on its successor.
    let (_, undo) = make();
    let mut other = proposed(text("a\nb\n"), text("x\nb\n"));
    other.decide(Decision::Accept, &Which::Pending).unwrap();
    assert_eq!(
        other.undo(&undo).map(|_| ()),
        Err(ReviewError::Superseded {
            why: Superseded::Gone
        })
    );
}
