use super::*;
use proptest::prelude::*;
use rstest::rstest;
use std::path::Path;

fn rel(path: &str) -> RelPath {
    RelPath::new(Path::new(path)).unwrap()
}

fn names(paths: &[&str]) -> Names {
    Names::new(&paths.iter().map(|path| rel(path)).collect::<Vec<_>>())
}

fn found(hits: &NameHits) -> Vec<String> {
    hits.hits.iter().map(|hit| hit.path.to_string()).collect()
}

/// The paths from best to worst; those that do not match are gone.
#[rstest]
#[case("main.rs", &["main.rs", "src/main.rs", "src/main.rs.bak", "src/domain.rs", "mad/air/n.rs"])]
#[case("cfg", &["src/my_cfg.rs", "cfg/x.rs", "src/config.rs", "src/scaffogy.rs"])]
#[case("README", &["README.md", "docs/readme.md"])]
#[case("srclib", &["src/lib.rs", "stir/catch/lib.rs"])]
#[case("lib src", &["src/lib.rs", "stir/catch/lib.rs"])]
#[case("deep/dom", &["x/deep/domain.rs", "deep/x/domain.rs", "deep/adorer/mill.rs"])]
#[case("src/", &["src/z.rs", "web/src/z.rs", "s/rc/z.rs"])]
#[case("über", &["ÜBER.txt", "Über/ü.txt"])]
#[case("main", &["main/main_main.rs", "main/domain.rs", "main/x.rs"])]
#[case("idxnm", &["index/names.rs", "index/src/names.rs"])]
#[case("", &["a", "b/c"])]
fn best_first(#[case] pattern: &str, #[case] expected: &[&str]) {
    let mut paths = expected.to_vec();
    paths.reverse();
    paths.push("zzz.q");
    let hits = names(&paths).find(pattern, &[], 99);
    let without_last = hits.hits.len() - usize::from(pattern.is_empty());
    assert_eq!(found(&hits)[..without_last], *expected, "{hits:?}");
    assert_eq!(hits.total, hits.hits.len());
}

#[test]
fn recent_files_come_first_among_like_ones() {
    let names = names(&[
        "a/main.rs",
        "b/main.rs",
        "c/domain.rs",
        "d/main_x.rs",
        "e/other.rs",
    ]);
    let recent = [
        rel("d/main_x.rs"),
        rel("b/main.rs"),
        rel("gone.rs"),
        rel("c/domain.rs"),
    ];
    let order =
        |pattern: &str, recent: &[RelPath]| found(&names.find(pattern, recent, 99)).join(" ");
    assert_eq!(
        order("main", &[]),
        "a/main.rs b/main.rs d/main_x.rs c/domain.rs"
    );
    assert_eq!(
        order("main", &recent),
        "d/main_x.rs b/main.rs c/domain.rs a/main.rs"
    );
    assert_eq!(
        order("main.rs", &[rel("c/domain.rs")]),
        "a/main.rs b/main.rs c/domain.rs d/main_x.rs"
    );
    // A whole name stays first.
    let bak =
        self::names(&["a/main.rs", "f/main.rs.bak"]).find("main.rs", &[rel("f/main.rs.bak")], 9);
    assert_eq!(found(&bak), ["a/main.rs", "f/main.rs.bak"]);
    assert_eq!(
        order("", &recent),
        "d/main_x.rs b/main.rs c/domain.rs a/main.rs e/other.rs"
    );
}

/// The characters that answer, marked by `[` and `]`.
#[rstest]
#[case("main", "main/src/main.rs", "main/src/[m][a][i][n].rs")]
#[case("smw", "src/main_window.rs", "[s]rc/[m]ain_[w]indow.rs")]
#[case("mw", "mow/main_window.rs", "mow/[m]ain_[w]indow.rs")]
#[case("rs src", "src/x.rs", "[s][r][c]/x.[r][s]")]
#[case("src/ma", "a/src/main.rs", "a/[s][r][c][/][m][a]in.rs")]
#[case("über", "ä/ÜBER.txt", "ä/[Ü][B][E][R].txt")]
#[case("üt", "ä/ÜBER.txt", "ä/[Ü]BER.[t]xt")]
#[case("bt", "ä/ÜBER.txt", "ä/Ü[B]ER.[t]xt")]
#[case("a", "ẞ/ẞa", "ẞ/ẞ[a]")]
fn marks(#[case] pattern: &str, #[case] path: &str, #[case] expected: &str) {
    let hits = names(&[path]).find(pattern, &[], 1);
    let positions = &hits.hits[0].positions;
    let marked: String = path
        .chars()
        .enumerate()
        .map(|(at, char)| {
            if positions.contains(&(at as u32)) {
                format!("[{char}]")
            } else {
                char.to_string()
            }
        })
        .collect();
    assert_eq!(marked, expected);
}

#[test]
fn odd_patterns_are_answered() {
    let names = names(&["a/b.rs", "İ/ß.rs"]);
    for pattern in [
        "/",
        "//",
        "\\",
        "\0",
        "!^a$",
        "ß",
        "İ",
        &"a".repeat(5000),
        &"b ".repeat(400),
    ] {
        let hits = names.find(pattern, &[], 9);
        assert!(hits.total <= 2);
    }
    assert_eq!(
        names.find("b", &[], 0),
        NameHits {
            hits: vec![],
            total: 1
        }
    );
    assert_eq!(names.len(), 2);
    assert_eq!(Names::new(&[]).find("", &[], 9), NameHits::default());
}

fn paths() -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set("[a-cA-C_ä]{1,4}(/[a-cA-C._äÖ]{0,5}[abcö]){0,2}", 0..20)
        .prop_map(|paths| paths.into_iter().collect())
}

proptest! {
    #[test]
    fn finds_what_holds_the_letters_in_order(paths in paths(), pattern in "[abcAB/ö]{1,4}( [abc]{1,2})?", limit in 0_usize..9) {
        let texts: Vec<&str> = paths.iter().map(String::as_str).collect();
        let names = names(&texts);
        let all = names.find(&pattern, &[], 99);
        let parts: Vec<String> = pattern.split_whitespace().map(str::to_lowercase).collect();
        let expected = texts.iter().filter(|path| parts.iter().all(|part| holds_apart(path, part))).count();
        prop_assert_eq!((all.total, all.hits.len()), (expected, expected));
        for hit in &all.hits {
            let text: Vec<char> = hit.path.to_string().to_lowercase().chars().collect();
            prop_assert!(hit.positions.is_sorted());
            let marked: String = hit.positions.iter().map(|&at| text[at as usize]).collect();
            for part in &parts {
                prop_assert!(holds_apart(&marked, part), "{marked} in {}", hit.path);
            }
        }
        let some = names.find(&pattern, &[], limit);
        prop_assert_eq!(some.total, expected);
        prop_assert_eq!(&some.hits[..], &all.hits[..limit.min(expected)]);
    }
}
