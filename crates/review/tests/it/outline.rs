//! The outline of a file and the lines that are read by it, against the file described at once.

use crate::{
    histories::{any_content, decision, some_text, step, walk},
    support::{proposed, text},
};
use kerf_protocol::review::{FileOutline, HunkLine, HunkOutline, LineKind, ReviewFile};
use kerf_review::{Content, FileReview, Which, revise};
use proptest::{collection::vec, prelude::*};

/// The kind and numbers of each line, as a page works them out from an outline.
fn laid_out(hunk: &HunkOutline) -> Vec<(LineKind, Option<u32>, Option<u32>)> {
    let (mut old, mut new) = (hunk.old, hunk.new);
    let mut lines = Vec::new();
    for (kind, count) in [
        (LineKind::Context, hunk.above),
        (LineKind::Removed, hunk.removed),
        (LineKind::Added, hunk.added),
        (LineKind::Context, hunk.below),
    ] {
        for _ in 0..count {
            let (before, after) = (kind != LineKind::Added, kind != LineKind::Removed);
            lines.push((kind, before.then_some(old), after.then_some(new)));
            (old, new) = (old + u32::from(before), new + u32::from(after));
        }
    }
    lines
}

/// Reads all hunks, a few lines at a time, and puts them together.
fn read(review: &FileReview, by: u32) -> ReviewFile {
    let outline = review.outline("f.md");
    let mut file = review.describe("f.md");
    let mut parts = review.parts("f.md");
    assert_eq!(parts.content(), outline.content);
    for (hunk, outline) in file.hunks.iter_mut().zip(&outline.hunks) {
        let laid_out = laid_out(outline);
        hunk.lines.clear();
        loop {
            let first = u32::try_from(hunk.lines.len()).unwrap();
            let part = parts
                .read(outline.hunk, first, by, usize::MAX)
                .expect("it is in the outline");
            hunk.header = part.header;
            hunk.authors = part.authors;
            if part.lines.is_empty() {
                break;
            }
            hunk.lines.extend(part.lines);
        }
        let seen = |line: &HunkLine| (line.kind, line.old, line.new);
        assert_eq!(hunk.lines.iter().map(seen).collect::<Vec<_>>(), laid_out);
        (hunk.hunk, hunk.id, hunk.state) = (outline.hunk, outline.id, outline.state);
        (hunk.removed, hunk.added) = (outline.removed, outline.added);
    }
    file
}

fn revised(review: &FileReview) -> FileOutline {
    let mut outline = review.outline("f.md");
    revise(&mut outline);
    outline
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_in_parts_is_what_is_described(
        origin in any_content(), steps in vec(step(), 1..10), by in 1..5_u32,
    ) {
        let mut review = FileReview::new(origin);
        let mut undos = Vec::new();
        for step in &steps {
            walk(&mut review, step, &mut undos);
            prop_assert_eq!(read(&review, by), review.describe("f.md"));
        }
    }

    /// Equal numbers stand for equal files: what a page holds by them is right.
    #[test]
    fn a_revision_names_the_outline_and_a_content_the_lines(
        origin in any_content(), steps in vec(step(), 2..10),
    ) {
        let mut review = FileReview::new(origin);
        let mut undos = Vec::new();
        let mut seen: Vec<(FileOutline, ReviewFile)> = Vec::new();
        for step in &steps {
            walk(&mut review, step, &mut undos);
            let (outline, file) = (revised(&review), review.describe("f.md"));
            for (before, was) in &seen {
                prop_assert_eq!(before.revision == outline.revision, before == &outline);
                if before.content == outline.content {
                    let lines = |file: &ReviewFile| -> Vec<_> {
                        file.hunks.iter().map(|hunk| hunk.lines.clone()).collect()
                    };
                    prop_assert_eq!(lines(was), lines(&file));
                }
            }
            seen.push((outline, file));
        }
    }

    /// Who decides a hunk need not read its lines again.
    #[test]
    fn a_decision_about_a_hunk_leaves_the_content(
        before in some_text(), after in some_text(), decision in decision(),
    ) {
        let mut review = proposed(text(before), text(after));
        let was = revised(&review);
        prop_assume!(!was.hunks.is_empty());
        review.decide(decision, &Which::Hunk(1)).unwrap();
        let now = revised(&review);
        prop_assert_eq!(was.content, now.content);
        prop_assert_ne!(was.revision, now.revision);
    }
}

#[test]
fn few_bytes_are_a_line_at_least() {
    let review = proposed(text(""), text("first\nsecond\nthird\n"));
    let mut parts = review.parts("f");
    let mut read = |first, count, bytes| -> Option<Vec<String>> {
        let part = parts.read(1, first, count, bytes)?;
        Some(part.lines.into_iter().map(|line| line.text).collect())
    };
    assert_eq!(read(0, 9, 0), Some(vec!["first".to_owned()]));
    assert_eq!(
        read(0, 9, 11),
        Some(vec!["first".to_owned(), "second".to_owned()])
    );
    assert_eq!(read(2, u32::MAX, 99), Some(vec!["third".to_owned()]));
    assert_eq!(read(u32::MAX, u32::MAX, 99), Some(Vec::new()));
    for hunk in [0, 2, u32::MAX] {
        assert!(parts.read(hunk, 0, 9, 99).is_none());
    }
}

#[test]
fn tells_what_cannot_be_seen_without_the_lines() {
    for (before, after, disguised, ends_only) in [
        ("one\n", "two\n", false, false),
        ("one\n", "tw\to\n", false, false),
        ("one\n", "zwölf\n", false, false),
        ("o\u{200b}ne\n", "one\n", true, false),
        ("é\none\n", "é\ntwo\n", false, false),
        ("one\n", "o\u{1b}ne\n", true, false),
        ("one\r\n", "one\n", false, true),
        ("a\r\nb\r\n", "a\nc\n", false, false),
        ("one\n", "one", false, false),
    ] {
        let review = proposed(text(before), text(after));
        let outline = review.outline("f");
        assert_eq!(
            outline.hunks[0].disguised, disguised,
            "{before:?} to {after:?}"
        );
        let part = review.parts("f").read(1, 0, 9, 999).unwrap();
        assert_eq!(part.ends_only, ends_only, "{before:?} to {after:?}");
    }
}

#[test]
fn a_deleted_file_is_read_too() {
    let review = proposed(text("one\ntwo\n"), Content::Absent);
    assert_eq!(read(&review, 1), review.describe("f.md"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Read a few at a time, the lines around are all of the proposed text, and those of no hunk have the numbers that
    /// follow from the outline.
    #[test]
    fn the_lines_around_are_those_of_the_proposed_text(origin in any_content(), steps in vec(step(), 1..10), by in 1_u32..5) {
        let mut review = FileReview::new(origin);
        let mut undos = Vec::new();
        for step in &steps {
            walk(&mut review, step, &mut undos);
        }
        let outline = review.outline("f");
        let parts = review.parts("f");
        let mut lines: Vec<HunkLine> = Vec::new();
        loop {
            let first = u32::try_from(lines.len()).unwrap() + 1;
            let more = parts.around(first, by, 3);
            if more.is_empty() {
                break;
            }
            lines.extend(more);
        }
        prop_assert_eq!(lines.len(), outline.lines as usize);
        for (at, line) in lines.iter().enumerate() {
            prop_assert_eq!(line.new, Some(u32::try_from(at).unwrap() + 1));
        }
        if outline.lines == 0 {
            return Ok(());
        }
        let described = review.describe("f");
        let mut known: Vec<HunkLine> = described.hunks.iter().flat_map(|hunk| hunk.lines.clone()).filter(|line| line.new.is_some()).collect();
        known.sort_by_key(|line| line.new);
        for line in known {
            prop_assert_eq!(&lines[line.new.unwrap() as usize - 1], &line);
        }
        // Between two hunks both numbers run on.
        for (above, below) in outline.hunks.iter().zip(outline.hunks.iter().skip(1)) {
            let (old, new) = (above.old + above.above + above.removed + above.below, above.new + above.above + above.added + above.below);
            prop_assert_eq!(i64::from(below.new) - i64::from(new), i64::from(below.old) - i64::from(old));
            for number in new..below.new {
                prop_assert_eq!(lines[number as usize - 1].old, Some(old + number - new));
            }
        }
    }
}

#[test]
fn a_hunk_that_differs_in_white_space_only_says_so() {
    let alone = |before: &str, after: &str| {
        let outline = proposed(text(before), text(after)).outline("f");
        outline
            .hunks
            .iter()
            .map(|hunk| hunk.space_only)
            .collect::<Vec<_>>()
    };
    for (before, after, expected) in [
        ("a b\n", "a  b\n", true),
        ("  if x {\n", "\tif x {\n", true),
        ("a\n", "a\r\n", true),
        ("a\nb\n", "a\n\n\nb\n", true),
        ("f(a,\n  b)\n", "f(a, b)\n", true),
        ("a\n", "b\n", false),
        ("a\nz\n", "a\nmore\nz\n", false),
        // What is no white space of ASCII can be seen or is hidden, and is never folded.
        ("a b\n", "a\u{a0}b\n", false),
        ("a b\n", "a\u{200b} b\n", false),
    ] {
        assert_eq!(alone(before, after), [expected], "{before:?} {after:?}");
    }
    // A file that comes or goes is more than white space.
    for (before, after) in [(Content::Absent, text("\n")), (text("\n"), Content::Absent)] {
        assert!(!proposed(before, after).outline("f").hunks[0].space_only);
    }
}
