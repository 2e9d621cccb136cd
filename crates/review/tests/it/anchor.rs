//! Comments find their lines again.

use crate::support::{agent, text};
use kerf_protocol::review::{Author, Decision};
use kerf_review::{Commented, FileReview, Which};
use rstest::rstest;

const CODE: &str =
    "fn a() {\n    one();\n}\n\nfn b() {\n    one();\n}\n\nfn c() {\n    one();\n}\n";

fn commented(first: u32, last: u32, excerpt: &str) -> Commented<'_> {
    Commented {
        first,
        last,
        excerpt,
    }
}

/// Where it is after the user's edit, and after the agent's, of which the review shows what it took away.
#[rstest]
#[case::nothing(CODE.to_owned(), Some((6, 6)), Some((6, 6)))]
#[case::lines_above(format!("// top\n// more\n{CODE}"), Some((8, 8)), Some((8, 8)))]
// Equal lines are nearer now to where it was.
#[case::many_lines_above(
    format!("{}{CODE}", "fn z() {\n    one();\n}\n\n".repeat(5)),
    Some((26, 26)),
    Some((26, 26))
)]
#[case::the_function_moved(
    "fn b() {\n    one();\n}\n\nfn a() {\n    one();\n}\n".to_owned(),
    Some((2, 2)),
    Some((2, 2))
)]
#[case::changed(CODE.replace("one();", "two();"), None, Some((6, 6)))]
#[case::gone(String::new(), None, Some((1, 1)))]
fn a_comment_goes_with_its_line(
    #[case] after: String,
    #[case] by_user: Option<(u32, u32)>,
    #[case] by_agent: Option<(u32, u32)>,
) {
    let review = FileReview::new(text(CODE));
    let about = commented(6, 6, "    one();");
    let around = review.around(about);
    for (author, place) in [(agent(2), by_agent), (Author::User, by_user)] {
        let mut review = review.clone();
        review.observe(text(&after), author);
        assert_eq!(review.find_commented(about, &around), place, "{author:?}");
    }
}

#[test]
fn a_comment_on_several_lines_and_on_removed_ones() {
    let mut review = FileReview::new(text(CODE));
    review.observe(
        text(CODE.replace("fn b() {\n    one();", "fn b() {\n    two();\n    three();")),
        agent(1),
    );
    let several = commented(6, 7, "    two();\n    three();");
    let removed = commented(6, 6, "    one();");
    // In the text as proposed line 6 is another one: the removed one is meant.
    let (around_several, around_removed) = (review.around(several), review.around(removed));
    assert!(!around_several.removed && around_removed.removed);
    let mut later = review.clone();
    let now = format!(
        "// top\n{}",
        CODE.replace("fn b() {\n    one();", "fn b() {\n    two();\n    three();")
    );
    later.observe(text(&now), Author::User);
    assert_eq!(later.find_commented(several, &around_several), Some((7, 8)));
    assert_eq!(later.find_commented(removed, &around_removed), Some((7, 7)));
    // What is rejected is still shown, and so is the comment; when the change is settled, it is gone.
    later.decide(Decision::Reject, &Which::Pending).unwrap();
    assert_eq!(later.find_commented(several, &around_several), Some((7, 8)));
    later.settle();
    assert_eq!(later.find_commented(several, &around_several), None);
    assert_eq!(later.find_commented(removed, &around_removed), None);
}

#[test]
fn a_comment_without_lines_stays_where_it_is() {
    let review = FileReview::new(text("a\n"));
    let about = commented(70, 71, "");
    assert_eq!(
        review.find_commented(about, &review.around(about)),
        Some((70, 71))
    );
    // Numbers beyond the text are nobody's mistake but the caller's.
    let beyond = commented(u32::MAX, u32::MAX, "a");
    assert_eq!(
        review.find_commented(beyond, &review.around(beyond)),
        Some((1, 1))
    );
}
