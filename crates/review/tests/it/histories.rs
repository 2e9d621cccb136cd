//! Random histories of a file, and what is checked at each of their steps.

use crate::support::{agent, link, with_mode};
use kerf_protocol::review::{Author, Decision, Hunk, HunkState, LineKind, ReviewFile};
use kerf_review::{Content, FileReview, Marks, Outcome, ReviewError, Saved, Undo, Which};
use proptest::{collection::vec, prelude::*, sample::Index};

/// One thing that happens to a file.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Somebody puts this in its place.
    Put(Content, Author),
    /// Somebody replaces some of its lines.
    Splice(Index, usize, Vec<u8>, Author),
    Mode(u32, Author),
    All(Decision),
    Hunk(Index, Decision),
    Lines(Index, Vec<bool>, Decision),
    /// The user puts this in the place of what a hunk adds.
    Edit(Index, String),
    /// Takes back an earlier decision, not only the last.
    Undo(Index),
    /// Stores the review and takes it up again.
    Restart,
    Settle,
}

fn line() -> impl Strategy<Value = &'static [u8]> {
    // Few different lines, so that diffs are ambiguous.
    prop::sample::select(vec![
        b"a\n".as_slice(),
        b"b\n",
        b"c\n",
        b"}\n",
        b"\n",
        b"a\r\n",
        b"\r\n",
        b"\xff\xc3\n",
        b"    x = 1\n",
        b"    x = 2\n",
    ])
}

pub(crate) fn some_text() -> impl Strategy<Value = Vec<u8>> {
    (
        vec(line(), 0..12),
        prop::sample::select(vec![b"".as_slice(), b"", b"", b"a", b"end", b"\xff"]),
    )
        .prop_map(|(lines, tail)| [lines.concat().as_slice(), tail].concat())
}

pub(crate) fn any_content() -> impl Strategy<Value = Content> {
    let mode = prop::sample::select(vec![0o644, 0o755]);
    prop_oneof![
        8 => (some_text(), mode.clone()).prop_map(|(bytes, mode)| with_mode(bytes, mode)),
        2 => Just(Content::Absent),
        1 => (vec(any::<u8>(), 0..3), mode).prop_map(|(bytes, mode)| with_mode([b"\0".as_slice(), &bytes].concat(), mode)),
        1 => prop::sample::select(vec!["here", "there"]).prop_map(link),
    ]
}

fn author() -> impl Strategy<Value = Author> {
    prop_oneof![3 => (0..4_u8).prop_map(agent), 2 => Just(Author::User)]
}

pub(crate) fn decision() -> impl Strategy<Value = Decision> {
    prop::sample::select(vec![Decision::Accept, Decision::Reject])
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (any_content(), author()).prop_map(|(content, author)| Step::Put(content, author)),
        8 => (any::<Index>(), 0..4_usize, some_text(), author()).prop_map(|(at, len, lines, author)| Step::Splice(at, len, lines, author)),
        1 => (prop::sample::select(vec![0o644, 0o755, 0o600]), author()).prop_map(|(mode, author)| Step::Mode(mode, author)),
        1 => decision().prop_map(Step::All),
        4 => (any::<Index>(), decision()).prop_map(|(hunk, decision)| Step::Hunk(hunk, decision)),
        4 => (any::<Index>(), vec(any::<bool>(), 1..12), decision()).prop_map(|(hunk, lines, decision)| Step::Lines(hunk, lines, decision)),
        3 => (any::<Index>(), version()).prop_map(|(hunk, text)| Step::Edit(hunk, text)),
        2 => any::<Index>().prop_map(Step::Undo),
        1 => Just(Step::Restart),
        1 => Just(Step::Settle),
    ]
}

/// A text as an editor gives it.
pub(crate) fn version() -> impl Strategy<Value = String> {
    let lines = prop::sample::select(vec![
        "a\n",
        "b\n",
        "}\n",
        "\n",
        "mine\n",
        "mine\r\n",
        "\u{fffd}\u{fffd}\n",
    ]);
    (vec(lines, 0..5), prop::sample::select(vec!["", "", "mine"]))
        .prop_map(|(lines, tail)| lines.concat() + tail)
}

pub(crate) fn split(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

pub(crate) fn lines_of(review: &FileReview, hunk: u32, choice: &[bool]) -> Vec<u32> {
    let lines = review.describe("f").hunks[hunk as usize - 1].lines.len();
    (0..lines)
        .filter(|at| choice[at % choice.len()])
        .map(|at| u32::try_from(at).unwrap())
        .collect()
}

/// All that can be seen of a review.
pub(crate) fn seen(
    review: &FileReview,
) -> (Content, Content, Content, kerf_protocol::review::ReviewFile) {
    (
        review.origin().clone(),
        review.accepted(),
        review.current(),
        review.describe("f"),
    )
}

fn restart(review: &FileReview) -> FileReview {
    let Saved {
        origin,
        proposed,
        marks,
    } = review.save();
    let marks: Marks = serde_json::from_str(&serde_json::to_string(&marks).unwrap()).unwrap();
    FileReview::load(Saved {
        origin,
        proposed,
        marks,
    })
    .expect("what was saved loads")
}

/// Does one step, and checks what holds for that step.
pub(crate) fn walk(review: &mut FileReview, step: &Step, undos: &mut Vec<Undo>) {
    let before = seen(review);
    let hunk = |review: &FileReview, index: &Index| -> Option<u32> {
        let hunks = review.describe("f").hunks.len();
        (hunks > 0).then(|| u32::try_from(index.index(hunks)).unwrap() + 1)
    };
    let observe = |review: &mut FileReview, content: Content, author: Author| {
        let was_settled = review.is_settled();
        review.observe(content.clone(), author);
        assert_eq!(
            review.current(),
            content,
            "the review holds what is on disk"
        );
        if author == Author::User {
            assert!(
                !was_settled || review.is_settled(),
                "the user's edits alone are not under review"
            );
        }
    };
    let outcome = match step {
        Step::Put(content, author) => return observe(review, content.clone(), *author),
        Step::Splice(at, len, new, author) => {
            let Content::Text { bytes, mode } = review.current() else {
                return;
            };
            let mut lines = split(&bytes);
            let start = at.index(lines.len() + 1);
            let end = (start + len).min(lines.len());
            lines.splice(start..end, [new.as_slice()]);
            return observe(review, with_mode(lines.concat(), mode), *author);
        }
        Step::Mode(mode, author) => {
            let Content::Text { bytes, .. } = review.current() else {
                return;
            };
            return observe(review, with_mode(bytes, *mode), *author);
        }
        Step::All(decision) => review.decide(*decision, &Which::Pending),
        Step::Hunk(index, decision) => {
            let Some(hunk) = hunk(review, index) else {
                return;
            };
            let outcome = review.decide(*decision, &Which::Hunk(hunk));
            for (before, after) in before.3.hunks.iter().zip(review.describe("f").hunks) {
                let state = after.state;
                assert_eq!(
                    kerf_protocol::review::Hunk {
                        state: before.state,
                        ..after
                    },
                    *before,
                    "no hunk is renumbered"
                );
                assert!(
                    state == before.state || before.hunk == hunk,
                    "no other hunk is decided"
                );
            }
            outcome
        }
        Step::Lines(index, choice, decision) => {
            let Some(hunk) = hunk(review, index) else {
                return;
            };
            let lines = lines_of(review, hunk, choice);
            let outcome = review.decide(*decision, &Which::Lines { hunk, lines });
            if let Err(error) = &outcome {
                assert!(matches!(error, ReviewError::NotByLine { .. }), "{error}");
            }
            outcome
        }
        Step::Edit(index, version) => {
            let Some(hunk) = hunk(review, index) else {
                return;
            };
            let outcome = review.edit(hunk, version);
            if let Err(error) = &outcome {
                assert!(matches!(error, ReviewError::NotEdited { .. }), "{error}");
            }
            others_stay(&before.3, review, hunk);
            outcome
        }
        Step::Undo(index) => {
            if undos.is_empty() {
                return;
            }
            let outcome = review.undo(&undos[index.index(undos.len())]);
            if let Err(error) = &outcome {
                assert!(matches!(error, ReviewError::Superseded { .. }), "{error}");
            }
            outcome
        }
        Step::Restart => {
            *review = restart(review);
            assert_eq!(seen(review), before, "a restart changes nothing");
            return;
        }
        Step::Settle => {
            let pending = review.pending();
            review.settle();
            assert_eq!(
                (review.current(), review.accepted()),
                (before.2, before.1.clone()),
                "settling writes nothing"
            );
            assert_eq!(
                *review.origin(),
                before.1,
                "the origin is what was accepted"
            );
            assert!(review.pending() <= pending && review.is_settled() == (review.pending() == 0));
            return;
        }
    };
    let Ok(Outcome { write, undo, .. }) = outcome else {
        assert_eq!(seen(review), before, "what is refused changes nothing");
        return;
    };
    assert_eq!(
        write,
        (review.current() != before.2).then(|| review.current()),
        "what is to be written is what differs"
    );
    assert_eq!(*review.origin(), before.0, "decisions leave the origin");

    let after = seen(review);
    let mut back = review.clone();
    let undo: Undo = serde_json::from_str(&serde_json::to_string(&undo).unwrap()).unwrap();
    let undone = back
        .undo(&undo)
        .expect("a decision can be taken back at once");
    assert_eq!(seen(&back), before, "an undo restores all that is seen");
    assert_eq!(undone.write.is_some(), write.is_some());
    back.undo(&undone.undo)
        .expect("an undo can be taken back at once");
    assert_eq!(seen(&back), after, "taking back an undo decides again");
    undos.push(undo);
}

/// The other hunks are what they were: the same numbers, lines and authors.
pub(crate) fn others_stay(before: &ReviewFile, review: &FileReview, edited: u32) {
    let after = review.describe("f");
    assert_eq!(before.hunks.len(), after.hunks.len());
    for (before, after) in before.hunks.iter().zip(&after.hunks) {
        let changed = |hunk: &Hunk| -> Vec<(LineKind, String)> {
            let lines = hunk
                .lines
                .iter()
                .filter(|line| line.kind != LineKind::Context);
            lines.map(|line| (line.kind, line.text.clone())).collect()
        };
        if before.hunk != edited {
            assert_eq!(
                (before.id, before.state, &before.authors, changed(before)),
                (after.id, after.state, &after.authors, changed(after))
            );
        }
    }
}

/// What holds for a review at any time.
pub(crate) fn check(review: &FileReview) {
    assert_eq!(restart(review), *review, "a stored review is the same");
    let file = review.describe("f");
    let current = review.current();
    assert_eq!(file.hunks.is_empty(), review.is_settled());
    let pending = file
        .hunks
        .iter()
        .filter(|hunk| hunk.state == HunkState::Pending)
        .count();
    assert_eq!(pending, review.pending() as usize);
    let numbers: Vec<u32> = file.hunks.iter().map(|hunk| hunk.hunk).collect();
    assert_eq!(
        numbers,
        (1..=u32::try_from(numbers.len()).unwrap()).collect::<Vec<_>>()
    );
    let shown: Vec<u32> = file
        .hunks
        .iter()
        .flat_map(|hunk| hunk.lines.iter().filter_map(|line| line.new))
        .collect();
    assert!(
        shown.is_sorted_by(|a, b| a < b),
        "each line is shown once, in order"
    );
    for hunk in &file.hunks {
        assert!(!hunk.authors.is_empty(), "somebody made it");
        let of = |kind| {
            u32::try_from(hunk.lines.iter().filter(|line| line.kind == kind).count()).unwrap()
        };
        assert_eq!(
            (hunk.added, hunk.removed),
            (of(LineKind::Added), of(LineKind::Removed))
        );
    }

    let mut agreed = review.clone();
    let outcome = agreed.decide(Decision::Accept, &Which::Pending).unwrap();
    assert_eq!(
        (outcome.write, outcome.hunks as usize),
        (None, pending),
        "accepting writes nothing"
    );
    assert_eq!(
        (agreed.accepted(), agreed.current(), agreed.pending()),
        (current.clone(), current, 0)
    );
    let mut refused = review.clone();
    refused.decide(Decision::Reject, &Which::Pending).unwrap();
    assert_eq!(
        (refused.current(), refused.accepted()),
        (review.accepted(), review.accepted())
    );

    for (decision, expected) in [
        (Decision::Accept, review.save().proposed),
        (Decision::Reject, review.origin().clone()),
    ] {
        let mut all = review.clone();
        for hunk in &numbers {
            all.decide(decision, &Which::Hunk(*hunk)).unwrap();
        }
        assert_eq!(
            (all.current(), all.accepted()),
            (expected.clone(), expected)
        );
    }
}
