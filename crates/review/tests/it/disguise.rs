//! Characters that hide or mislead, and what they mean for deciding.

use crate::support::{agent, text};
use kerf_protocol::review::{
    Decision::{Accept, Reject},
    HunkState,
};
use kerf_review::{FileReview, Which, disguises};
use rstest::rstest;
use std::fmt::Write as _;

fn changed(before: &str, after: &str) -> FileReview {
    let mut review = FileReview::new(text(before));
    review.observe(text(after), agent(1));
    review
}

fn is_disguised(line: &str) -> bool {
    let review = changed("a\n", &format!("a\n{line}\n"));
    review.outline("a").hunks[0].disguised
}

#[rstest]
#[case("plain text, tabs\tand “quotes”", false)]
#[case("żółć, Привет, 日本語, العربية", false)]
#[case("👩‍💻 and ❤️", false)]
#[case("bidi \u{202e}", true)]
#[case("zero\u{200b}width", true)]
#[case("tag \u{e0041}", true)]
#[case("escape \u{1b}[31m", true)]
#[case("joined\u{200d}letters", true)]
// Cyrillic `а` in a Latin word, Greek omicron, Armenian `ո`, Cherokee `Ꭺ`.
#[case("\u{430}dmin", true)]
#[case("let t\u{3bf}tal = 1;", true)]
#[case("is_\u{578}k", true)]
#[case("\u{13aa}PI", true)]
// Words of one script, and letters that look like nothing in Latin.
#[case("// сору", false)]
#[case("let Δt = λx;", false)]
#[case("α and x", false)]
#[case("naïve café", false)]
#[case("コードcode", false)]
fn a_line_that_hides_or_misleads_is_told(#[case] line: &str, #[case] disguised: bool) {
    assert_eq!(is_disguised(line), disguised, "{line:?}");
    // Whoever asks for all of it hears the same.
    let review = changed("a\n", &format!("a\n{line}\n"));
    assert_eq!(review.describe("a").hunks[0].disguised, disguised);
}

#[test]
fn such_a_hunk_is_accepted_by_itself_only() {
    let lines: String = (0..30).map(|line| format!("{line}\n")).collect();
    let hidden = lines
        .replace("\n5\n", "\n5 if access\u{202e}\n")
        .replace("\n15\n", "\nfifteen\n")
        .replace("\n25\n", "\n\u{430}dmin\n");
    let mut review = changed(&lines, &hidden);
    let done = review.decide(Accept, &Which::Pending).unwrap();
    assert_eq!((done.hunks, done.held), (1, vec![1, 3]));
    let states = |review: &FileReview| -> Vec<HunkState> {
        let hunks = review.outline("a").hunks;
        hunks.into_iter().map(|hunk| hunk.state).collect()
    };
    assert_eq!(
        states(&review),
        [HunkState::Pending, HunkState::Accepted, HunkState::Pending]
    );
    // What is taken out of the files hides nothing there.
    let mut refused = review.clone();
    let done = refused.decide(Reject, &Which::Pending).unwrap();
    assert_eq!((done.hunks, done.held), (2, vec![]));
    for hunk in [1, 3] {
        let done = review.decide(Accept, &Which::Hunk(hunk)).unwrap();
        assert_eq!((done.hunks, done.held), (1, vec![]));
    }
    assert_eq!(review.pending(), 0);
}

/// `сору`, `сору_2` and `ѕеі` look like what a file has in Latin letters; what is prose in their script holds nobody up.
#[rstest]
#[case("copy(a)", "    \u{441}\u{43e}\u{440}\u{443}(a);", Some(("\u{441}\u{43e}\u{440}\u{443}", "copy")))]
#[case("copy_2(a)", "x = \u{441}\u{43e}\u{440}\u{443}_2;", Some(("\u{441}\u{43e}\u{440}\u{443}_2", "copy_2")))]
// A word beside it in a comment, or in another word's place, makes it no prose.
#[case("copy(a)", "\u{441}\u{43e}\u{440}\u{443}(a); // \u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}", Some(("\u{441}\u{43e}\u{440}\u{443}", "copy")))]
#[case("copy(a)", "let \u{441}\u{43e}\u{440}\u{443} = 1;", Some(("\u{441}\u{43e}\u{440}\u{443}", "copy")))]
#[case("copy(a)", "f(b, '\u{441}\u{43e}\u{440}\u{443}, c)", Some(("\u{441}\u{43e}\u{440}\u{443}", "copy")))]
#[case("vo(a)", "\u{3bd}\u{3bf}(a)", Some(("\u{3bd}\u{3bf}", "vo")))]
// The file has no such word, or the one letter is a word of its own.
#[case("paste(a)", "    \u{441}\u{43e}\u{440}\u{443}(a);", None)]
#[case("a(b)", "\u{430}(b)", None)]
// Comments, strings and sentences.
#[case("copy(a)", "    // \u{441}\u{43e}\u{440}\u{443}", None)]
#[case("copy(a)", "# \u{441}\u{43e}\u{440}\u{443}", None)]
#[case("copy(a)", "say(\"\u{441}\u{43e}\u{440}\u{443}\")", None)]
#[case(
    "copy(a)",
    " * \u{44d}\u{442}\u{43e} \u{441}\u{43e}\u{440}\u{443} \u{43c}\u{443}\u{441}\u{43e}\u{440}\u{430}",
    None
)]
#[case(
    "copy(a)",
    "print('\u{43d}\u{435}\u{442} \u{441}\u{43e}\u{440}\u{443}')",
    None
)]
fn a_word_of_another_script_with_a_twin_in_the_file_is_told(
    #[case] there: &str,
    #[case] line: &str,
    #[case] twin: Option<(&str, &str)>,
) {
    let review = changed(&format!("{there}\n"), &format!("{there}\n{line}\n"));
    let outline = review.outline("a");
    let hunk = &outline.hunks[0];
    let told = hunk.twin.as_ref();
    let told = told.map(|twin| (twin.word.as_str(), twin.like.as_str()));
    assert_eq!(told, twin, "{line}");
    assert_eq!(hunk.disguised, twin.is_some());
    assert_eq!(review.describe("a").hunks[0].disguised, twin.is_some());
    // It is accepted by itself, not along with others; and so is one that takes the place of all its twins.
    let replaced = changed(&format!("{there}\n"), &format!("{line}\n"));
    for mut review in [review, replaced] {
        let done = review.decide(Accept, &Which::Pending).unwrap();
        assert_eq!(done.held.is_empty(), twin.is_none(), "{line}");
        let one = review.decide(Accept, &Which::Hunk(1)).unwrap();
        assert_eq!((one.held, review.pending()), (vec![], 0), "{line}");
    }
}

/// The window marks what is told of here: its table is this one.
#[test]
fn the_window_s_table_is_this_one() {
    let (hidden, alike) = disguises();
    let class = |ranges: &[(u32, u32)]| {
        ranges
            .iter()
            .fold(String::new(), |mut class, (first, last)| {
                let _ = write!(class, "\\u{{{first:x}}}");
                if first < last {
                    let _ = write!(class, "-\\u{{{last:x}}}");
                }
                class
            })
    };
    let fresh = format!(
        "/* Generated from crates/review/src/disguise.rs by its tests with KERF_WRITE_TABLES=1. */\n\n\
         /** Characters that are not seen, or turn the order of others. */\n\
         export const HIDDEN =\n  '[{}]';\n\n\
         /** Letters of other scripts that are drawn like Latin ones. */\n\
         export const ALIKE =\n  '[{}]';\n",
        class(&hidden).replace('\\', "\\\\"),
        class(&alike).replace('\\', "\\\\"),
    );
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../ui/src/components/disguise.ts"
    );
    if std::env::var_os("KERF_WRITE_TABLES").is_some() {
        std::fs::write(file, &fresh).unwrap();
    }
    let there = std::fs::read_to_string(file).unwrap();
    assert!(
        there == fresh,
        "ui/src/components/disguise.ts is stale: run this test with KERF_WRITE_TABLES=1"
    );
}
