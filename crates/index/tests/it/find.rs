//! Files by name.

use crate::folder::{Folder, rel};
use kerf_index::{FindQuery, SearchError, find_files};
use kerf_workspace::RelPath;
use rstest::rstest;
use std::sync::atomic::AtomicBool;

const FILES: &[(&str, &[u8])] = &[
    ("src/main.rs", b""),
    ("src/main_window.rs", b""),
    ("src/deep/domain.rs", b""),
    ("src/app.ts", b""),
    ("web/app.tsx", b""),
    ("README.md", b""),
    (".github/workflows/main.yml", b""),
    (".git/main", b""),
    (".gitignore", b"out\n"),
    ("out/main.rs", b""),
];

#[rstest]
#[case::name("main.rs", "", &["src/main.rs", "src/deep/domain.rs", "src/main_window.rs"])]
#[case::part("main", "", &["src/main.rs", "src/main_window.rs", ".github/workflows/main.yml", "src/deep/domain.rs"])]
#[case::case("readme", "", &["README.md"])]
#[case::letters("smw", "", &["src/main_window.rs"])]
#[case::path("deep/dom", "", &["src/deep/domain.rs"])]
#[case::glob("*.rs", "", &["src/deep/domain.rs", "src/main.rs", "src/main_window.rs"])]
#[case::glob_path("src/*.rs", "", &["src/main.rs", "src/main_window.rs"])]
#[case::glob_deep("**/app.*", "", &["src/app.ts", "web/app.tsx"])]
#[case::glob_alternatives("*.{ts,tsx}", "", &["src/app.ts", "web/app.tsx"])]
#[case::glob_under("/*.rs", "src", &["src/main.rs", "src/main_window.rs"])]
#[case::under("main", "src/deep", &["src/deep/domain.rs"])]
#[case::ignored_when_named("main", "out", &["out/main.rs"])]
#[case::all("", "src", &["src/app.ts", "src/deep/domain.rs", "src/main.rs", "src/main_window.rs"])]
#[case::none("zzz", "", &[])]
fn finds(#[case] pattern: &str, #[case] under: &str, #[case] expected: &[&str]) {
    let folder = Folder::new(FILES);
    let under = if under.is_empty() {
        RelPath::root()
    } else {
        rel(under)
    };
    let query = FindQuery {
        pattern: pattern.to_owned(),
        under,
        limit: 100,
    };
    let found = folder.find(&query);
    let paths: Vec<_> = found.paths.iter().map(ToString::to_string).collect();
    assert_eq!(paths, expected);
    assert_eq!(found.total, expected.len());
    let one = folder.find(&FindQuery { limit: 1, ..query });
    assert_eq!(
        (one.paths.as_slice(), one.total),
        (&found.paths[..found.paths.len().min(1)], expected.len())
    );
}

#[test]
fn queries_that_cannot_be_answered() {
    let folder = Folder::new(FILES);
    let error = |pattern: &str, under, cancelled| {
        let query = FindQuery {
            pattern: pattern.to_owned(),
            under,
            limit: 9,
        };
        find_files(&folder.workspace(), &query, &AtomicBool::new(cancelled)).unwrap_err()
    };
    assert!(matches!(
        error("a[", RelPath::root(), false),
        SearchError::Glob { .. }
    ));
    assert!(matches!(
        error("a", rel("none"), false),
        SearchError::Under { .. }
    ));
    assert!(matches!(
        error("a", RelPath::root(), true),
        SearchError::Cancelled
    ));
}
