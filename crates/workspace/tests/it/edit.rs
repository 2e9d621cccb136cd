//! Exact replacements: what is found, what line ends come out, and what an error tells.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use kerf_workspace::{
    TextFile,
    edit::{EditError, Replacement, Why, replace},
};
use proptest::prelude::*;
use rstest::rstest;

fn one(old: &str, new: &str) -> Replacement {
    Replacement {
        old: old.to_owned(),
        new: new.to_owned(),
        all: false,
    }
}

fn all(old: &str, new: &str) -> Replacement {
    Replacement {
        all: true,
        ..one(old, new)
    }
}

#[rstest]
#[case::a_word("one two", &[one("two", "2")], "one 2")]
#[case::in_order("a", &[one("a", "b"), one("b", "c")], "c")]
#[case::all_places("x x x", &[all("x", "yx")], "yx yx yx")]
#[case::all_without_overlap("aaaaa", &[all("aa", "b")], "bba")]
#[case::removed("a\nb\nc\n", &[one("b\n", "")], "a\nc\n")]
#[case::no_final_newline("a\nb", &[one("b", "c")], "a\nc")]
#[case::crlf("a\r\nb\r\nc\r\n", &[one("a\nb\n", "a\nx\ny\n")], "a\r\nx\r\ny\r\nc\r\n")]
#[case::crlf_given_too("a\r\nb\r\n", &[one("a\r\nb", "a\r\nc\nd")], "a\r\nc\r\nd\r\n")]
#[case::crlf_given_for_lf("a\nb\n", &[one("a\r\nb", "c\r\nd")], "c\nd\n")]
#[case::cr("a\rb\r", &[one("a\nb", "a\nx\nb")], "a\rx\rb\r")]
#[case::mixed_lines_keep_theirs("a\r\nb\nc\r\nd\n", &[one("a\nb\nc\nd", "a\nB\nc\nd")], "a\r\nB\nc\r\nd\n")]
#[case::mixed_lines_with_one_more("a\r\nb\nc\r\n", &[one("a\nb\nc\n", "a\nnew\nb\nc\n")], "a\r\nnew\r\nb\nc\r\n")]
#[case::new_lines_in_the_middle_of_a_line("a\nfoo bar\r\nb\n", &[one("bar", "x\ny")], "a\nfoo x\r\ny\r\nb\n")]
#[case::new_lines_in_the_last_line("a\r\nb", &[one("b", "x\ny")], "a\r\nx\r\ny")]
#[case::first_line_ends_of_the_file("a", &[one("a", "b\nc\n")], "b\nc\n")]
#[case::all_in_mixed_lines("a\r\na\n", &[all("a\n", "b\nb\n")], "b\r\nb\r\nb\nb\n")]
#[case::line_ends_themselves("a\r\nb\r\n", &[all("\r\n", "\n")], "a\nb\n")]
#[case::a_line_end_of_one_line("a\r\nb\n", &[one("a\r\n", "a\n")], "a\nb\n")]
fn replaces(#[case] text: &str, #[case] edits: &[Replacement], #[case] after: &str) {
    assert_eq!(replace(&TextFile::new(text), edits).unwrap(), after);
}

#[rstest]
#[case::none(&[], "there is no edit to apply")]
#[case::empty(&[one("", "x")], "edit 1: `old` is empty; give the text to be replaced, or write the whole file with write_file")]
#[case::same(&[one("one", "1"), one("x", "x")], "edit 2: `old` and `new` are the same")]
#[case::same_line_ends(&[one("one\n", "one\r\n")], "ok")]
#[case::not_unique(&[one("t", "T")], "edit 1: `old` is in the file 3 times, on lines 2, 3, 5; add lines around it")]
#[case::overlapping(&[one("aa", "b")], "edit 1: `old` is in the file 2 times, on line 4;")]
#[case::nothing_like_it(&[one("zebra crossing", "b")], "edit 1: `old` is not in the file, and nothing like it either")]
fn errors(#[case] edits: &[Replacement], #[case] message: &str) {
    let file = TextFile::new("one\ntwo\nthree\naaa\nt\n");
    let told = replace(&file, edits).map_or_else(|error| error.to_string(), |_| "ok".to_owned());
    assert!(told.starts_with(message), "{told}");
}

#[test]
fn many_places_are_not_all_listed() {
    let error = replace(&TextFile::new("x\n".repeat(5000)), &[one("x", "y")]).unwrap_err();
    assert_eq!(
        error,
        EditError::NotUnique {
            index: 0,
            count: 5000,
            lines: (1..=10).collect()
        }
    );
    assert!(
        error
            .to_string()
            .contains("5000 times, on lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and more"),
        "{error}"
    );
}

#[test]
fn nothing_is_applied_when_one_edit_fails() {
    let file = TextFile::new("one two");
    assert!(matches!(
        replace(&file, &[one("one", "1"), one("one", "2")]),
        Err(EditError::NotFound { index: 1, .. })
    ));
}

const SOURCE: &str = "fn first() {\n\tlet name = \"value\";\n}\n\nfn second(a: u32, b: u32) -> u32 {\n    \
    let text = “quoted” – dash;  \n    a + b\n}\nlet json = \"{\\\"key\\\": 1}\\n\";\n";

#[rstest]
#[case::indentation("      a + b\n}", "x", 7, Why::Indentation)]
#[case::file_has_tabs("    let name = \"value\";", "x", 2, Why::Tabs { in_file: true })]
#[case::file_has_spaces("\ta + b", "x", 7, Why::Tabs { in_file: false })]
#[case::space_inside("fn second(a:u32, b:u32)", "x", 5, Why::Space)]
#[case::line_end("dash;\n    a + b", "x", 6, Why::TrailingSpace)]
#[case::line_breaks("fn first() { let name", "x", 1, Why::LineBreaks)]
#[case::blank_lines_around("\n\nfn first() {", "x", 1, Why::LineBreaks)]
#[case::quotes("let text = \"quoted”", "x", 6, Why::Punctuation { file: Some('“'), given: Some('"') })]
#[case::dashes("“quoted” - dash", "x", 6, Why::Punctuation { file: Some('–'), given: Some('-') })]
#[case::invisible("a +\u{200B} b", "x", 7, Why::Punctuation { file: Some('b'), given: Some('\u{200B}') })]
#[case::letters("FN SECOND(", "x", 5, Why::Case)]
#[case::line_numbers("     7\t    a + b\n     8\t}", "x", 7, Why::LineNumbers)]
#[case::line_numbers_with_bars("7|    a + b\n8|}", "x", 7, Why::LineNumbers)]
#[case::escaped_too_often(
    "fn first() {\\n\\tlet name = \\\"value\\\";",
    "x",
    1,
    Why::OverEscaped
)]
#[case::escaped_too_little("{\"key\": 1}\n", "x", 9, Why::UnderEscaped)]
#[case::already_there("a: i64, c: i64", "a: u32, b: u32", 5, Why::AlreadyApplied)]
#[case::already_there_but_for_white_space("a:u32,b:u32", "a: u32, b: u32", 5, Why::AlreadyApplied)]
fn tells_why_it_is_not_found(
    #[case] old: &str,
    #[case] new: &str,
    #[case] line: u32,
    #[case] why: Why,
) {
    // The same answer in a file with other line ends.
    for text in [SOURCE.to_owned(), SOURCE.replace('\n', "\r\n")] {
        let error = replace(&TextFile::new(text), &[one(old, new)]).unwrap_err();
        let EditError::NotFound {
            nearest: Some(nearest),
            ..
        } = &error
        else {
            panic!("{error}")
        };
        assert_eq!((nearest.line, &nearest.why), (line, &why), "{error}");
        assert!(
            error
                .to_string()
                .contains(&format!("nearest is line {line}, where {why}:\n")),
            "{error}"
        );
    }
}

#[rstest]
#[case::one_line(
    "fn secnod(a: u32, b: u32) -> u32 {",
    5,
    "fn second(a: u32, b: u32) -> u32 {"
)]
#[case::a_block(
    "fn first() {\n\tlet nome = \"value\";\n}",
    1,
    "\tlet name = \"value\";"
)]
fn tells_what_is_similar(#[case] old: &str, #[case] line: u32, #[case] differs: &str) {
    let error = replace(&TextFile::new(SOURCE), &[one(old, "x")]).unwrap_err();
    let EditError::NotFound {
        nearest: Some(nearest),
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(nearest.line, line);
    let Why::Similar { percent, file, .. } = &nearest.why else {
        panic!("{error}")
    };
    assert!(*percent > 80 && file == differs, "{error}");
}

/// A text that was to be shortened is no sign that it was.
#[test]
fn a_shorter_text_is_not_taken_for_applied() {
    let file = TextFile::new("keep this line\nother words\n");
    let error = replace(
        &file,
        &[one("keep this line\nwrong words\n", "keep this line\n")],
    )
    .unwrap_err();
    assert!(
        matches!(error, EditError::NotFound { nearest: Some(n), .. } if matches!(n.why, Why::Similar { .. }))
    );
}

#[test]
fn a_miss_in_a_huge_file_is_cut_short() {
    let mut text: String = (0..60_000)
        .map(|nth| format!("value_{nth} = {nth}\n"))
        .collect();
    text.push_str(&"x".repeat(100_000));
    let old: String = (500..900)
        .map(|nth| format!("value_{nth} =  {nth};\n"))
        .collect();
    let error = replace(&TextFile::new(text), &[one(&old, "x")]).unwrap_err();
    assert!(
        error.to_string().len() < 4000,
        "{}",
        error.to_string().len()
    );
}

fn unix(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The place in `text` of the place `at` in its form with `\n` alone.
fn offset(text: &str, at: usize) -> usize {
    (0..=text.len())
        .find(|&end| {
            !text[..end].ends_with('\r') && unix(&text[..end]).len() == at
                || !text.contains('\n') && end == at
        })
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_the_edited_place_changes(
        lines in prop::collection::vec(("[a-z]{0,4}", any::<bool>()), 1..12),
        // A lone `\r` is not mixed with the others: before a `\n` it would not be one any more.
        endings in prop::sample::select(vec![["\n", "\r\n"], ["\r\n", "\r\n"], ["\r", "\r"]]),
        from in any::<prop::sample::Index>(),
        len in 1..12usize,
        new in "([a-z]{0,3}\n?){0,4}",
    ) {
        let text: String = lines.iter().map(|(line, other)| format!("{line}{}", endings[usize::from(*other)])).collect();
        let lf = unix(&text);
        let start = from.index(lf.len());
        let end = (start + len).min(lf.len());
        let old = &lf[start..end];
        prop_assume!(old != new && lf.find(old) == Some(start) && lf.rfind(old) == Some(start));
        let after = replace(&TextFile::new(text.clone()), &[one(old, &new)]).unwrap();
        prop_assert_eq!(unix(&after), format!("{}{new}{}", &lf[..start], &lf[end..]));
        let (above, below) = (&text[..offset(&text, start)], &text[offset(&text, end)..]);
        prop_assert!(after.starts_with(above) && after.ends_with(below), "{after:?} from {text:?}");
        let known: Vec<&str> = endings.into_iter().filter(|ending| text.contains(ending)).collect();
        prop_assert!(!known.contains(&"\r\n") || known.contains(&"\n") || !after.replace("\r\n", "").contains('\n'));
    }

    #[test]
    fn a_miss_never_panics(text in "[ab \t\n\r\"'“é\\\\1:|]{0,60}", old in "[ab \t\n\r\"'“é\\\\1:|]{1,20}", new in "[ab \n]{0,6}") {
        let result = replace(&TextFile::new(text.clone()), &[one(&old, &new)]);
        prop_assert!(result.is_ok() || !result.unwrap_err().to_string().is_empty());
    }
}
