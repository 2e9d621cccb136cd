//! The search against the simplest one that can be written.

use crate::folder::{Folder, lines, pattern};
use kerf_index::GrepQuery;
use proptest::prelude::*;
use regex::bytes::{Regex, RegexBuilder};

/// Every line that the expression matches, as `path:line:column:text`.
fn slow(files: &[(&str, &[u8])], regex: &Regex) -> Vec<String> {
    let mut found = Vec::new();
    for (path, content) in files {
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        for (number, line) in content.split(|&byte| byte == b'\n').enumerate() {
            if content.is_empty()
                && files
                    .iter()
                    .any(|(name, whole)| name == path && whole.is_empty())
            {
                continue;
            }
            if let Some(at) = regex.find(line) {
                let column = String::from_utf8_lossy(&line[..at.start()]).chars().count() + 1;
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                found.push(format!(
                    "{path}:{}:{column}:{}",
                    number + 1,
                    String::from_utf8_lossy(line)
                ));
            }
        }
    }
    found
}

/// Text over few letters, so that matches are frequent; no NUL, no byte order mark.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => Just(b'a'), 4 => Just(b'b'), 2 => Just(b'\n'), 1 => Just(b'\r'), 1 => Just(b' '), 1 => Just(0xc3), 1 => Just(0xa4)];
    prop::collection::vec(byte, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn same_as_line_by_line(
        contents in prop::collection::vec(content(), 1..6),
        text in prop::sample::select(vec!["a", "ab", "a+b?", "^a", "b$", "^$", "b.a", "(a|bb) ", "[^a]b", "\\bab\\b", "", "A", "ä", "x*"]),
        ignore_case: bool,
        multi_line: bool,
    ) {
        prop_assume!(!text.is_empty());
        let names: Vec<String> = (0..contents.len()).map(|n| format!("{n}.txt")).collect();
        let files: Vec<_> = names.iter().zip(&contents).map(|(name, content)| (name.as_str(), content.as_slice())).collect();
        let regex = RegexBuilder::new(text).case_insensitive(ignore_case).build().unwrap();
        // These patterns never match a line end, so searching lines together must make no difference.
        let multi_line = multi_line && text != "[^a]b" && text != "b.a";
        let query = GrepQuery { ignore_case, multi_line, limit: 10_000, ..pattern(text) };
        let found = Folder::new(&files).grep(&query);
        prop_assert_eq!(lines(&found), slow(&files, &regex));
    }
}
