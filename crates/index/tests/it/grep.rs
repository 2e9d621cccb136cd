//! What text search finds, and how it is told.

use crate::folder::{Folder, lines, pattern, rel};
use kerf_index::{GrepQuery, SearchError, grep};
use rstest::rstest;
use std::sync::atomic::AtomicBool;

const FILES: &[(&str, &[u8])] = &[
    ("src/main.rs", b"fn main() {\n    println!(\"hello\");\n}\n"),
    (
        "src/lib.rs",
        b"/// Says hello, Hello!\npub fn hello() {}\r\n",
    ),
    (
        "docs/a.md",
        "f\u{fc}nf \u{e4}pfel hello\nlast line hello".as_bytes(),
    ),
    (".github/ci.yml", b"run: hello\n"),
    (".git/config", b"hello\n"),
    (".gitignore", b"target/\n*.log\n"),
    ("target/out.txt", b"hello\n"),
    ("x.log", b"hello\n"),
    ("utf16le.txt", b"\xff\xfeh\0e\0l\0l\0o\0\n\0"),
    ("utf16be.txt", b"\xfe\xff\0h\0e\0l\0l\0o"),
    ("bom.txt", b"\xef\xbb\xbfhello\n"),
    ("binary.bin", b"\0\x01hello\n"),
    ("latin1.txt", b"\xe4\xf6 hello\n"),
];

#[rstest]
#[case::all(pattern("hello"), &[
    ".github/ci.yml:1:6:run: hello", "bom.txt:1:1:hello", "docs/a.md:1:12:fünf äpfel hello", "docs/a.md:2:11:last line hello",
    "latin1.txt:1:4:\u{fffd}\u{fffd} hello", "src/lib.rs:1:10:/// Says hello, Hello!", "src/lib.rs:2:8:pub fn hello() {}",
    "src/main.rs:2:15:    println!(\"hello\");", "utf16be.txt:1:1:hello", "utf16le.txt:1:1:hello"])]
#[case::expression(pattern(r"^\s+print\w+!"), &["src/main.rs:2:1:    println!(\"hello\");"])]
#[case::case(GrepQuery { ignore_case: true, ..pattern("HELLO, h") }, &["src/lib.rs:1:10:/// Says hello, Hello!"])]
#[case::literal(GrepQuery { literal: true, ..pattern("hello() {") }, &["src/lib.rs:2:8:pub fn hello() {}"])]
#[case::literal_case(GrepQuery { literal: true, ignore_case: true, ..pattern("FN MAIN()") }, &["src/main.rs:1:1:fn main() {"])]
#[case::under_folder(GrepQuery { under: rel("docs"), ..pattern("last") }, &["docs/a.md:2:1:last line hello"])]
#[case::under_file(GrepQuery { under: rel("src/main.rs"), ..pattern("main") }, &["src/main.rs:1:4:fn main() {"])]
#[case::under_ignored(GrepQuery { under: rel("target"), ..pattern("hello") }, &["target/out.txt:1:1:hello"])]
#[case::glob(GrepQuery { glob: Some("*.rs".into()), ..pattern("fn") }, &["src/lib.rs:2:5:pub fn hello() {}", "src/main.rs:1:1:fn main() {"])]
#[case::glob_alternatives(GrepQuery { glob: Some("*.{md,yml}".into()), ..pattern("^[rl].*hello") }, &[".github/ci.yml:1:1:run: hello", "docs/a.md:2:1:last line hello"])]
#[case::glob_from_root(GrepQuery { glob: Some("./src/l*".into()), under: rel("src"), ..pattern("pub") }, &["src/lib.rs:2:1:pub fn hello() {}"])]
#[case::glob_from_under(GrepQuery { glob: Some("/l*.rs".into()), under: rel("src"), ..pattern("pub") }, &["src/lib.rs:2:1:pub fn hello() {}"])]
#[case::glob_out(GrepQuery { glob: Some("!*.rs".into()), ..pattern("hello$") }, &[
    ".github/ci.yml:1:6:run: hello", "bom.txt:1:1:hello", "docs/a.md:1:12:fünf äpfel hello", "docs/a.md:2:11:last line hello",
    "latin1.txt:1:4:\u{fffd}\u{fffd} hello", "utf16be.txt:1:1:hello", "utf16le.txt:1:1:hello"])]
#[case::one_a_line(pattern("l"), &[
    ".github/ci.yml:1:8:run: hello", ".gitignore:2:3:*.log", "bom.txt:1:3:hello", "docs/a.md:1:10:fünf äpfel hello",
    "docs/a.md:2:1:last line hello", "latin1.txt:1:6:\u{fffd}\u{fffd} hello", "src/lib.rs:1:12:/// Says hello, Hello!",
    "src/lib.rs:2:10:pub fn hello() {}", "src/main.rs:2:10:    println!(\"hello\");", "utf16be.txt:1:3:hello", "utf16le.txt:1:3:hello"])]
#[case::lines(GrepQuery { multi_line: true, ..pattern(r"\{\n    print") }, &["src/main.rs:1:11:fn main() {\n    println!(\"hello\");"])]
#[case::lines_apart(GrepQuery { multi_line: true, glob: Some("*.md".into()), ..pattern("hello") }, &["docs/a.md:1:12:fünf äpfel hello", "docs/a.md:2:11:last line hello"])]
#[case::nothing(pattern("goodbye"), &[])]
fn finds(#[case] query: GrepQuery, #[case] expected: &[&str]) {
    let grepped = Folder::new(FILES).grep(&query);
    assert_eq!(lines(&grepped), expected);
    assert_eq!((grepped.total, grepped.truncated), (expected.len(), false));
    assert_eq!(grepped.skipped, []);
}

#[test]
fn the_first_by_path_are_kept_and_all_are_counted() {
    let files: Vec<(String, String)> = (0..300)
        .map(|n| (format!("{n:03}.txt"), "x\n".repeat(n % 5)))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_bytes()))
        .collect();
    let folder = Folder::new(&files);
    let all = folder.grep(&pattern("x"));
    assert_eq!((all.total, all.files, all.truncated), (600, 240, false));
    for limit in [0, 1, 7, 599, 600, 601] {
        let some = folder.grep(&GrepQuery {
            limit,
            ..pattern("x")
        });
        assert_eq!(some.found, all.found[..limit.min(600)]);
        assert_eq!(
            (some.total, some.files, some.truncated),
            (600, 240, limit < 600)
        );
    }
}

#[test]
fn every_match_has_its_own_lines_around_it() {
    let folder = Folder::new(&[("a", b"1\nhit 2\nhit 3\n4\n5\n6\n7\n8\nhit 9\n10")]);
    for multi_line in [false, true] {
        let grepped = folder.grep(&GrepQuery {
            context: 2,
            multi_line,
            ..pattern("hit")
        });
        let around: Vec<_> = grepped
            .found
            .iter()
            .map(|found| (found.line, found.before.join(","), found.after.join(",")))
            .collect();
        let expected = [(2, "1", "hit 3,4"), (3, "1,hit 2", "4,5"), (9, "7,8", "10")];
        assert_eq!(
            around,
            expected.map(|(line, before, after)| (line, before.to_owned(), after.to_owned()))
        );
    }
    // The limit takes nothing away from what is kept.
    let first = folder.grep(&GrepQuery {
        context: 2,
        limit: 1,
        ..pattern("hit")
    });
    assert_eq!(
        (first.found[0].after.join(",").as_str(), first.total),
        ("hit 3,4", 3)
    );
}

#[rstest]
#[case("a(b", 2)]
#[case("ä[z", 2)]
#[case("x{2", 2)]
#[case("[z-a]", 2)]
#[case("a**(", 4)]
#[case(r"\p{Nope}", 1)]
#[case("*a", 1)]
#[case(r"a\nb", 2)]
#[case("x{999999}{999999}", 1)]
fn mistakes_are_told_by_column(#[case] text: &str, #[case] expected: u32) {
    let folder = Folder::new(&[]);
    match grep(&folder.workspace(), &pattern(text), &AtomicBool::new(false)) {
        Err(SearchError::Pattern { column, message }) => {
            assert_eq!(column, expected, "{message}");
            assert!(
                !message.is_empty() && message.lines().count() == 1,
                "{message}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_queries_that_cannot_be_answered() {
    let workspace = Folder::new(&[("a", b"")]);
    let error = |query: GrepQuery| {
        grep(&workspace.workspace(), &query, &AtomicBool::new(false)).unwrap_err()
    };
    assert!(matches!(error(pattern("")), SearchError::Empty));
    assert!(matches!(
        error(GrepQuery {
            glob: Some("a[".into()),
            ..pattern("a")
        }),
        SearchError::Glob { .. }
    ));
    assert!(matches!(
        error(GrepQuery {
            under: rel("none"),
            ..pattern("a")
        }),
        SearchError::Under { .. }
    ));
    assert!(matches!(
        error(GrepQuery {
            literal: true,
            ..pattern("a\nb")
        }),
        SearchError::Pattern { column: 2, .. }
    ));
    let cancelled = grep(
        &workspace.workspace(),
        &pattern("a"),
        &AtomicBool::new(true),
    );
    assert!(matches!(cancelled, Err(SearchError::Cancelled)));
}

#[test]
fn a_long_line_is_cut_around_the_match() {
    let line = format!("{}needle{}\n", "ä".repeat(5000), "ö".repeat(5000));
    let grepped = Folder::new(&[("min.js", line.as_bytes())]).grep(&pattern("needle"));
    let found = &grepped.found[0];
    assert_eq!((found.line, found.column), (1, 5001));
    assert!(
        found.text.contains("äneedleö") && found.text.starts_with('…') && found.text.ends_with('…')
    );
    assert_eq!(found.text.chars().count(), 502);
}
