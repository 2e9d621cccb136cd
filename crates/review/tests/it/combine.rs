//! Changes of several contents made into one.

use crate::{histories::some_text, support::text};
use kerf_protocol::review::Decision;
use kerf_review::{Clash, Content, FileReview, Span, Which, combine};
use proptest::{collection::vec, prelude::*, sample::Index};
use rstest::rstest;

fn lines(all: &str) -> Content {
    text(all.replace(' ', "\n") + "\n")
}

fn span(first: u32, last: u32) -> Clash {
    Clash::Lines(vec![Span { first, last }])
}

#[rstest]
#[case::different_lines("a b c d", &["A b c d", "a b c D"], Ok("A b c D"))]
#[case::put_in("a b c", &["x a b c", "a b c y"], Ok("x a b c y"))]
#[case::the_same_once("a b c", &["a X c", "a X c"], Ok("a X c"))]
#[case::the_same_and_more("a b c d e", &["a X c d e", "a X c d E"], Ok("a X c d E"))]
#[case::deleted_and_changed("a b c d", &["b c d", "a b c D"], Ok("b c D"))]
#[case::overlap("a b c", &["a X c", "a Y c"], Err(span(2, 2)))]
#[case::adjoining("a b c d", &["a X c d", "a b Y d"], Err(span(2, 3)))]
#[case::put_in_at_one_place("a b", &["a x b", "a y b"], Err(span(1, 1)))]
#[case::deleted_and_changed_within("a b c d", &["a d", "a b C d"], Err(span(2, 3)))]
#[case::three("a b c d e", &["A b c d e", "a b C d e", "a b c d E"], Ok("A b C d E"))]
fn by_lines(#[case] base: &str, #[case] texts: &[&str], #[case] expected: Result<&str, Clash>) {
    let texts: Vec<Content> = texts.iter().map(|text| lines(text)).collect();
    let expected = expected.map(lines);
    assert_eq!(combine(&lines(base), &texts), expected);
    let turned: Vec<Content> = texts.into_iter().rev().collect();
    assert_eq!(combine(&lines(base), &turned), expected);
}

#[test]
fn whole_files() {
    let (a, b) = (lines("a"), lines("b"));
    let gone = Content::Absent;
    assert_eq!(combine(&a, &[gone.clone(), a.clone()]), Ok(gone.clone()));
    assert_eq!(combine(&a, &[gone.clone(), b.clone()]), Err(Clash::Whole));
    assert_eq!(
        combine(&gone, &[a.clone(), b.clone()]),
        Err(Clash::Whole),
        "both made it"
    );
    assert_eq!(combine(&gone, &[a.clone(), a.clone()]), Ok(a.clone()));
    let Content::Text { bytes, .. } = a.clone() else {
        unreachable!()
    };
    let runs = Content::Text { bytes, mode: 0o755 };
    let Ok(Content::Text { bytes, mode }) = combine(&a, &[runs, lines("x a")]) else {
        panic!("a mode and a line are different things");
    };
    assert_eq!((&bytes[..], mode), (&b"x\na\n"[..], 0o755));
}

/// A review of a change, with some of its hunks accepted.
fn taken(base: &Content, after: &Content, choice: &[bool]) -> Content {
    let mut review = crate::support::proposed(base.clone(), after.clone());
    let hunks = u32::try_from(review.describe("f").hunks.len()).unwrap();
    for (hunk, _) in (1..=hunks)
        .zip(choice.iter().cycle())
        .filter(|(_, chosen)| **chosen)
    {
        review.decide(Decision::Accept, &Which::Hunk(hunk)).unwrap();
    }
    FileReview::accepted(&review)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_taken_is_the_base_and_all_of_one_is_that_one(base in some_text(), after in some_text()) {
        let (base, after) = (text(base), text(after));
        prop_assert_eq!(combine(&base, &[]), Ok(base.clone()));
        let none = taken(&base, &after, &[false]);
        prop_assert_eq!(combine(&base, &[none]), Ok(base.clone()));
        let all = taken(&base, &after, &[true]);
        prop_assert_eq!(combine(&base, std::slice::from_ref(&all)), Ok(after.clone()));
        prop_assert_eq!(combine(&base, &[all.clone(), base.clone(), all]), Ok(after));
    }

    #[test]
    fn the_order_does_not_matter(
        base in some_text(), others in vec((some_text(), vec(any::<bool>(), 1..4)), 1..4), turn in any::<Index>(),
    ) {
        let base = text(base);
        let mut texts: Vec<Content> =
            others.into_iter().map(|(after, choice)| taken(&base, &text(after), &choice)).collect();
        let one = combine(&base, &texts);
        let by = turn.index(texts.len());
        texts.rotate_left(by);
        prop_assert_eq!(&combine(&base, &texts), &one);
        texts.reverse();
        prop_assert_eq!(combine(&base, &texts), one);
    }

    /// The hunks of one attempt, given as if each were an attempt, are that attempt again.
    #[test]
    fn hunks_that_are_apart_make_the_whole(base in some_text(), after in some_text()) {
        let (base, after) = (text(base), text(after));
        let mut review = crate::support::proposed(base.clone(), after.clone());
        let hunks = u32::try_from(review.describe("f").hunks.len()).unwrap();
        let mut each = Vec::new();
        for hunk in 1..=hunks {
            let done = review.decide(Decision::Accept, &Which::Hunk(hunk)).unwrap();
            each.push(review.accepted());
            review.undo(&done.undo).unwrap();
        }
        match combine(&base, &each) {
            Ok(found) => prop_assert_eq!(found, after),
            // A missing line end at the end of a text makes the last line part of what comes after it.
            Err(_) => prop_assert!(!ends(&base) || !ends(&after)),
        }
    }

    /// Lines of the base that nobody changed are all there, and every line that was put in is too.
    #[test]
    fn no_line_is_lost(base in vec("[a-c]", 0..12), marks in vec(0_u8..3, 12)) {
        let base: Vec<String> = base.iter().enumerate().map(|(at, line)| format!("{at} {line}")).collect();
        let base_text = lines_of(&base);
        let edit = |who: u8| -> Content {
            let edited: Vec<String> = base.iter().zip(&marks).map(|(line, mark)| if *mark == who { format!("{line}{who}") } else { line.clone() }).collect();
            lines_of(&edited)
        };
        let both: Vec<String> = base.iter().zip(&marks).map(|(line, mark)| if *mark == 0 { line.clone() } else { format!("{line}{mark}") }).collect();
        match combine(&base_text, &[edit(1), edit(2)]) {
            Ok(found) => prop_assert_eq!(found, lines_of(&both)),
            Err(Clash::Lines(spans)) => prop_assert!(!spans.is_empty()),
            Err(Clash::Whole) => prop_assert!(false, "texts have lines"),
        }
    }
}

fn lines_of(lines: &[String]) -> Content {
    text(
        lines
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>(),
    )
}

fn ends(content: &Content) -> bool {
    matches!(content, Content::Text { bytes, .. } if bytes.last().is_none_or(|byte| *byte == b'\n'))
}
