use super::*;
use kerf_workspace::RelPath;
use proptest::prelude::*;
use rstest::rstest;
use std::path::Path;

const KNOWN: Known<'static> = Known {
    languages: &[
        &["rust", "rs"],
        &["typescript", "ts"],
        &["c"],
        &["python", "py"],
    ],
    kinds: &[&["function", "fn"], &["struct"], &["method"]],
};

const REGEX: Mode = Mode::Regex {
    ignore_case: false,
    multi_line: false,
};

fn read(text: &str) -> Result<Query, QueryError> {
    Query::parse(text, Mode::Words, &KNOWN)
}

/// The query in its own writing: filters by their first names, what is excluded last.
#[rstest]
#[case::words("retry  after\ttimeout", "retry after timeout")]
#[case::phrase(r#"a "b c" d"#, r#"a d "b c""#)]
#[case::phrase_escapes(r#""say \"hi\" \n C:\\""#, r#""say \"hi\" \\n C:\\""#)]
#[case::phrase_then_word(r#""a b"c"#, r#"c "a b""#)]
#[case::quote_inside(r#"it"s 5"x"#, r#"it"s 5"x"#)]
#[case::empty_phrase(r#""" a"#, "a")]
#[case::excluded(r#"-old new -"b c" -path:test"#, r#"new -old -"b c" -path:test"#)]
#[case::dashes("--flag -> - a-b -(x)", "--flag -> - a-b -(x)")]
#[case::filters(
    "x language:RS kind:fn symbol:A::b reference:c file:main path:src/**/*.rs",
    "x sym:A::b ref:c file:main path:src/**/*.rs lang:rust kind:function"
)]
#[case::any_of("lang:rs lang:ts", "lang:rust lang:typescript")]
#[case::settings("x hidden:yes case:smart hidden:no", "x hidden:no case:smart")]
#[case::quoted_values(r#"path:"a b" lang:"rust" x"#, r#"x path:"a b" lang:rust"#)]
#[case::colons("std::fs http://x foo:bar a:b: path::join file:///x kind: :kind", "")]
#[case::regex(r"/fn \w+\(/ x", r"x /fn \w+\(/")]
#[case::regex_flags(r"/a\/b/im -/c d/", r"/a\/b/im -/c d/")]
#[case::regex_then("/a/ /b/i", "/a/ /b/i")]
#[case::paths_are_text("/usr/bin /api/users/ // //i x", "/usr/bin /api/users/ // //i x")]
#[case::sums(
    "sum:1 find:x base:64 title:x math:pi cast:x",
    "sum:1 find:x base:64 title:x math:pi cast:x"
)]
fn reads_and_shows(#[case] text: &str, #[case] expected: &str) {
    let shown = read(text).map(|query| query.to_string());
    if expected.is_empty() {
        // `kind:` with nothing behind it is the one of these that is no text.
        assert_eq!(
            shown.unwrap_err().mistake,
            Mistake::NoValue { key: Key::Kind }
        );
        let rest = text.replace(" kind:", "");
        assert_eq!(read(&rest).unwrap().words.join(" "), rest);
    } else {
        assert_eq!(shown.as_deref(), Ok(expected));
    }
}

#[test]
fn each_part_has_its_place() {
    let query = read(r#"w "p h" /r/i sym:S ref:R file:f path:p lang:c kind:struct -w2 -"p2" -/r2/ -path:p2 -lang:py -kind:fn hidden:yes case:no"#).unwrap();
    let pattern = |text: &str, ignore_case| Pattern {
        text: text.into(),
        ignore_case,
        multi_line: false,
    };
    let list = |text: &str| vec![text.to_owned()];
    let scope = |path, language, kind| Scope {
        paths: list(path),
        languages: list(language),
        kinds: list(kind),
    };
    let expected = Query {
        words: list("w"),
        phrases: list("p h"),
        patterns: vec![pattern("r", true)],
        symbols: list("S"),
        references: list("R"),
        files: list("f"),
        within: scope("p", "c", "struct"),
        without: Without {
            words: list("w2"),
            phrases: list("p2"),
            patterns: vec![pattern("r2", false)],
            scope: scope("p2", "python", "function"),
        },
        hidden: Some(true),
        case: Some(Case::No),
    };
    assert_eq!(query, expected);
}

#[rstest]
#[case::exact(Mode::Exact, r#"-a "b" path:x"#, r#""-a \"b\" path:x""#)]
#[case::exact_blank(Mode::Exact, "  ", r#""  ""#)]
#[case::regex(REGEX, r#"a -b "c""#, r#"/a -b "c"/"#)]
#[case::regex_slash(REGEX, r"a/b\/c\\", r"/a\/b\/c\\/")]
#[case::symbol(Mode::Symbol, "parse  http lang:rs", r#"sym:"parse http" lang:rust"#)]
#[case::symbol_slash(Mode::Symbol, "/x/", "sym:/x/")]
#[case::path(Mode::Path, "src/ma rs -test", r#"file:"src/ma rs" -path:test"#)]
#[case::path_slash(Mode::Path, "/src/", "file:/src/")]
#[case::path_quoted(Mode::Path, r#""a b""#, r#"file:"a b""#)]
#[case::path_glob(Mode::Path, "*.rs", "path:*.rs")]
fn a_mode_says_what_free_text_is(#[case] mode: Mode, #[case] text: &str, #[case] expected: &str) {
    let query = Query::parse(text, mode, &KNOWN).unwrap();
    assert_eq!(query.to_string(), expected);
    assert_eq!(read(expected), Ok(query));
}

#[rstest]
#[case("", 1, "the query is empty; say what to look for")]
#[case("  ", 1, "the query is empty; say what to look for")]
#[case("hidden:yes", 1, "the query is empty; say what to look for")]
#[case(
    "-a -path:x",
    1,
    "the query only excludes; say what to look for as well"
)]
#[case(
    r#"ä "b"#,
    3,
    r#"the quote has no end; close it with `"`, or write `\"` for a quote inside"#
)]
#[case(
    r#"a path:"b\""#,
    8,
    r#"the quote has no end; close it with `"`, or write `\"` for a quote inside"#
)]
#[case(
    "ä /b",
    3,
    "the regular expression has no end; close it with `/`, or put the text in quotes"
)]
#[case(
    "/a b/c d",
    6,
    "after the `/` of a regular expression only `i` and `m` can stand; put a blank before `c`, or write `\\/`"
)]
#[case(
    "ä /b(c/",
    5,
    "the pattern is not a valid regular expression: unclosed group; escape it, or search for it in quotes"
)]
#[case(
    r"/a\n/",
    3,
    "the pattern is not a valid regular expression: a line never holds a line end; search with `multi_line`; escape it, or search for it in quotes"
)]
#[case("x lang:rst", 8, "`rst` is not a known language; did you mean `rust`?")]
#[case(
    "x -lang:typ",
    9,
    "`typ` is not a known language; did you mean `typescript`?"
)]
#[case("lang:klingon", 6, "`klingon` is not a known language")]
#[case(
    "kind:functoin",
    6,
    "`functoin` is not a known kind of definition; did you mean `function`?"
)]
#[case(
    "a langs:rust",
    3,
    "`langs:` is not a filter; write `lang:`, or put the text in quotes"
)]
#[case(
    "ptah:x",
    1,
    "`ptah:` is not a filter; write `path:`, or put the text in quotes"
)]
#[case(
    "hiden:yes",
    1,
    "`hiden:` is not a filter; write `hidden:`, or put the text in quotes"
)]
#[case(
    "Lang:rust",
    1,
    "`Lang:` is not a filter; write `lang:`, or put the text in quotes"
)]
#[case(
    "a path: b",
    3,
    "`path:` needs a value right behind it; put it in quotes to search for it as text"
)]
#[case(
    r#"a lang:"""#,
    3,
    "`lang:` needs a value right behind it; put it in quotes to search for it as text"
)]
#[case("a hidden:maybe", 10, "`hidden:` takes `yes` or `no`, not `maybe`")]
#[case("a case:x", 8, "`case:` takes `yes`, `no` or `smart`, not `x`")]
#[case(
    "a path:b[",
    8,
    "the glob `b[` is not valid: unclosed character class; missing ']'"
)]
#[case(
    "a -sym:b",
    3,
    "`sym:` cannot be excluded; exclude words, quotes, `path:`, `lang:` or `kind:`"
)]
fn mistakes_are_told_by_column(#[case] text: &str, #[case] column: u32, #[case] message: &str) {
    let error = read(text).unwrap_err();
    assert_eq!(
        (error.column, error.mistake.to_string().as_str()),
        (column, message)
    );
}

#[rstest]
#[case(Mode::Exact, "", 1, Mistake::Empty)]
#[case(REGEX, "", 1, Mistake::Empty)]
#[case(REGEX, "ä(b", 2, Mistake::Regex { message: "unclosed group".into() })]
#[case(Mode::Symbol, "a -b", 3, Mistake::NotExcluded { what: "a symbol" })]
fn mistakes_of_other_modes(
    #[case] mode: Mode,
    #[case] text: &str,
    #[case] column: u32,
    #[case] mistake: Mistake,
) {
    assert_eq!(
        Query::parse(text, mode, &KNOWN),
        Err(QueryError { column, mistake })
    );
}

#[test]
fn filters_come_apart_too() {
    let mut query = Query::parse(r#"a -b "c""#, Mode::Exact, &KNOWN).unwrap();
    query.add(Key::Language, "rs", false, &KNOWN).unwrap();
    query.add(Key::Path, "a b", true, &KNOWN).unwrap();
    assert_eq!(query.to_string(), r#""a -b \"c\"" lang:rust -path:"a b""#);
    let error = query.add(Key::Kind, "thing", false, &KNOWN).unwrap_err();
    assert!(matches!(
        error,
        QueryError {
            column: 1,
            mistake: Mistake::Kind { .. }
        }
    ));
}

#[rstest]
#[case("path:main", &["src/main.rs", "web/Main.ts"])]
#[case("path:src/m", &["src/main.rs"])]
#[case("path:/w", &["web/Main.ts", "web/lib.min.js"])]
#[case("path:*.rs", &["src/main.rs", "tests/it/a.rs"])]
#[case("path:./src/*.rs", &["src/main.rs"])]
#[case("path:tests/**", &["tests/it/a.rs"])]
#[case("path:web path:tests", &["tests/it/a.rs", "web/Main.ts", "web/lib.min.js"])]
#[case("path:web -path:*.min.js", &["web/Main.ts"])]
#[case("x -path:web", &["src/main.rs", "tests/it/a.rs"])]
#[case("path:!*.rs", &[])]
fn paths(#[case] text: &str, #[case] expected: &[&str]) {
    let filter = PathFilter::new(&read(text).unwrap()).unwrap();
    let all = [
        "src/main.rs",
        "tests/it/a.rs",
        "web/Main.ts",
        "web/lib.min.js",
    ];
    let kept: Vec<_> = all
        .into_iter()
        .filter(|path| filter.matches(&RelPath::new(Path::new(path)).unwrap()))
        .collect();
    assert_eq!(kept, expected);
}

fn modes() -> impl Strategy<Value = Mode> {
    prop_oneof![
        4 => Just(Mode::Words),
        1 => Just(Mode::Exact),
        1 => Just(REGEX),
        1 => Just(Mode::Regex { ignore_case: true, multi_line: true }),
        1 => Just(Mode::Symbol),
        1 => Just(Mode::Path),
    ]
}

fn queries() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        "[a-zé/\\\\\"*:.(-]{1,6}",
        "-?(path|lang|kind|sym|file|case|hidden|langs|foo):(rs|c|fn|yes|no|x|\"a b\"|\"|[*\\[{!:/\\\\\"]{1,3})?",
        "-?\"[a \\\\\"]{0,5}\"?",
        "-?/[a \\\\/(*]{0,5}/[im]{0,3}",
        any::<String>(),
    ];
    prop::collection::vec((token, " ?"), 0..8).prop_map(|tokens| {
        tokens
            .into_iter()
            .map(|(token, gap)| token + &gap)
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn what_is_shown_reads_as_the_same(text in queries(), mode in modes()) {
        match Query::parse(&text, mode, &KNOWN) {
            Ok(query) => {
                prop_assert_eq!(read(&query.to_string()), Ok(query.clone()), "shown as {}", query);
                prop_assert!(PathFilter::new(&query).is_ok());
            }
            Err(error) => {
                let len = text.chars().count() as u32;
                prop_assert!((1..=len + 1).contains(&error.column), "{error:?}");
                prop_assert!(error.to_string().lines().count() >= 1);
            }
        }
    }
}
