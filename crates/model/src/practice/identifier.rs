//! Whole identifiers in text.

/// Whether `c` can stand inside an identifier of the usual languages.
fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// Whether all of `text` is one identifier.
pub(super) fn is_identifier(text: &str) -> bool {
    text.chars()
        .next()
        .is_some_and(|c| is_part(c) && !c.is_numeric())
        && text.chars().all(is_part)
}

/// Where `name` stands in `text` as a whole identifier, as byte offsets.
pub(super) fn occurrences(text: &str, name: &str) -> Vec<usize> {
    text.match_indices(name)
        .map(|(at, _)| at)
        .filter(|at| {
            let before = text[..*at].chars().next_back();
            let after = text[at + name.len()..].chars().next();
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
        .collect()
}

/// Whether this part of `text` stands nowhere else in it, not even overlapping itself.
fn is_only(text: &str, low: usize, high: usize) -> bool {
    let part = &text[low..high];
    text.find(part) == Some(low) && text.rfind(part) == Some(low)
}

/// A replacement as `edit_file` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) old: String,
    pub(super) new: String,
    pub(super) all: bool,
}

/// The edits, each on the result of the one before, that rename `from` to `to` in `text` wherever it is a whole
/// identifier. The characters around it are part of an edit, so that it also spares longer names which stand in
/// parts of the file that were not read.
pub(super) fn edits(text: &str, from: &str, to: &str) -> Vec<Edit> {
    let mut text = text.to_owned();
    let mut edits = Vec::new();
    while let Some(at) = occurrences(&text, from).first().copied() {
        let end = at + from.len();
        let before = text[..at].chars().next_back();
        let after = text[end..].chars().next();
        let edit = match (before, after) {
            (Some(before), Some(after)) => Edit {
                old: format!("{before}{from}{after}"),
                new: format!("{before}{to}{after}"),
                all: true,
            },
            // At an edge of the text as much goes along as makes it the only match.
            _ => {
                let (mut low, mut high) = (at, end);
                while !is_only(&text, low, high) && (low, high) != (0, text.len()) {
                    low -= text[..low].chars().next_back().map_or(0, char::len_utf8);
                    high += text[high..].chars().next().map_or(0, char::len_utf8);
                }
                Edit {
                    old: text[low..high].to_owned(),
                    new: format!("{}{to}{}", &text[low..at], &text[end..high]),
                    all: false,
                }
            }
        };
        text = if edit.all {
            text.replace(&edit.old, &edit.new)
        } else {
            text.replacen(&edit.old, &edit.new, 1)
        };
        edits.push(edit);
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn apply(text: &str, edits: &[Edit]) -> String {
        edits.iter().fold(text.to_owned(), |text, edit| {
            let count = text.matches(&edit.old).count();
            assert!(
                count == 1 || (edit.all && count > 1),
                "{edit:?} in {text:?}"
            );
            text.replace(&edit.old, &edit.new)
        })
    }

    #[rstest::rstest]
    #[case("foo", "bar")]
    #[case("foo foo foo foo", "bar bar bar bar")]
    #[case("foobar xfoo foo_ foo(foo)", "foobar xfoo foo_ bar(bar)")]
    #[case("foobar foo", "foobar bar")]
    #[case("foo foobar", "bar foobar")]
    #[case(
        "fn foo() {}\nfoo.foo;\n// éfoo foo",
        "fn bar() {}\nbar.bar;\n// éfoo bar"
    )]
    #[case("nothing", "nothing")]
    #[case("fooé\nfooé\nfoo", "fooé\nfooé\nbar")]
    fn renames_whole_identifiers(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(apply(text, &edits(text, "foo", "bar")), expected);
    }

    proptest! {
        #[test]
        fn every_whole_identifier_and_nothing_else(text in "(foo|o|x|_|é| |\\(|\n){0,24}") {
            let done = apply(&text, &edits(&text, "foo", "bar"));
            prop_assert!(occurrences(&done, "foo").is_empty());
            let mut expected = text.clone();
            for at in occurrences(&text, "foo").into_iter().rev() {
                expected.replace_range(at..at + 3, "bar");
            }
            prop_assert_eq!(done, expected);
        }
    }
}
