//! How much a name tells of the file that is meant, and how much a file counts before anything refers to it.

/// A file that tests, shows or measures others.
const TEST: f32 = 0.3;

/// A file that somebody else wrote, or a program.
const FOREIGN: f32 = 0.1;

/// A file that holds no code.
const DATA: f32 = 0.5;

/// Names of folders whose files test others. Sorted.
const TEST_FOLDERS: &[&str] = &[
    "__mocks__",
    "__tests__",
    "bench",
    "benches",
    "benchmarks",
    "e2e",
    "examples",
    "fixtures",
    "mocks",
    "samples",
    "selftests",
    "spec",
    "specs",
    "test",
    "testdata",
    "testing",
    "tests",
];

/// Names of folders whose files come from elsewhere. Sorted.
const FOREIGN_FOLDERS: &[&str] = &[
    "__generated__",
    "bower_components",
    "dist",
    "external",
    "gen",
    "generated",
    "node_modules",
    "site-packages",
    "third-party",
    "third_party",
    "thirdparty",
    "vendor",
    "vendored",
    "vendors",
];

/// Endings of files that hold data or prose. Sorted.
const DATA_ENDINGS: &[&str] = &[
    "adoc", "css", "csv", "html", "ini", "json", "jsonc", "md", "rst", "svg", "toml", "txt", "xml",
    "yaml", "yml",
];

/// Endings, after which a program wrote the file.
const FOREIGN_ENDINGS: &[&str] = &[
    ".lock",
    "-lock.json",
    "-lock.yaml",
    ".min.js",
    ".min.css",
    ".map",
    ".pb.go",
    ".pb.h",
    ".pb.cc",
    "_pb2.py",
    "_pb2_grpc.py",
    ".g.dart",
    ".designer.cs",
];

/// Names up to this length in bytes are mere letters; ones from [`TELLING`] on were made to be told apart.
const SHORT: usize = 3;
const TELLING: usize = 8;

/// How much a single word tells, which standard libraries and other languages have too, against a name of parts.
const WORD: f32 = 0.5;

/// What a file counts by its path, more than 0 and at most 1.
pub(super) fn of_path(path: &str) -> f32 {
    let lower = path.to_ascii_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let in_folder = |known: &[&str]| {
        let mut folders = folders.split('/');
        folders.any(|folder| known.binary_search(&folder).is_ok())
    };
    let in_test_folder = || {
        let is_test = |folder: &str| {
            let (first, last) = (
                folder.split(['-', '_']).next(),
                folder.rsplit(['-', '_']).next(),
            );
            [first, last]
                .iter()
                .any(|part| matches!(part, Some("test" | "tests")))
        };
        in_folder(TEST_FOLDERS) || folders.split('/').any(is_test)
    };
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let is_generated = FOREIGN_ENDINGS.iter().any(|end| name.ends_with(end))
        || [".generated", ".gen", "_generated"]
            .iter()
            .any(|end| stem.ends_with(end));
    let is_test = || {
        ["test", "tests", "conftest"].contains(&stem)
            || stem.starts_with("test_")
            || ["_test", "_tests", ".test", ".spec", "_spec"]
                .iter()
                .any(|end| stem.ends_with(end))
    };
    if is_generated || in_folder(FOREIGN_FOLDERS) {
        FOREIGN
    } else if in_test_folder() || is_test() {
        TEST
    } else if DATA_ENDINGS.binary_search(&ending).is_ok() {
        DATA
    } else {
        1.0
    }
}

/// How much a reference by this name tells, more than 0: less when it is short, when many files define it, and when a
/// large share of all files refer to it.
pub(super) fn of_name(name: &str, definers: usize, referrers: usize, files: usize) -> f32 {
    let told = match name.len() {
        0..=SHORT => 0.125,
        len if len >= TELLING && is_compound(name) => 2.0,
        len => WORD * (len as f32 / TELLING as f32).min(1.0),
    };
    let files = files.max(1) as f32;
    let share = (1.0 + files / referrers.max(1) as f32).ln() / (1.0 + files).ln();
    told * share.clamp(0.0, 1.0) / (definers.max(1) as f32).sqrt()
}

/// Whether a name has several parts, as `parse_header` and `HttpServer` have.
fn is_compound(name: &str) -> bool {
    let bytes = name.trim_matches('_').as_bytes();
    bytes.windows(2).any(|pair| {
        matches!(pair[0], b'_' | b'-')
            || pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("src/main.rs", 1.0)]
    #[case("contest.rs", 1.0)]
    #[case("src/latest/mod.rs", 1.0)]
    #[case("tests/it/main.rs", TEST)]
    #[case("pkg/server_test.go", TEST)]
    #[case("src/App.spec.ts", TEST)]
    #[case("Test/A.java", TEST)]
    #[case("test_app.py", TEST)]
    #[case("crates/test-support/a.rs", TEST)]
    #[case("unit_tests/a.rs", TEST)]
    #[case("src/latest-news/a.rs", 1.0)]
    #[case("vendor/tests/a.rs", FOREIGN)]
    #[case("api/api.pb.go", FOREIGN)]
    #[case("Cargo.lock", FOREIGN)]
    #[case("src/schema.generated.ts", FOREIGN)]
    #[case("README.md", DATA)]
    fn a_path_counts(#[case] path: &str, #[case] weight: f32) {
        assert_eq!(of_path(path), weight);
    }

    #[test]
    fn tables_are_sorted() {
        for table in [TEST_FOLDERS, FOREIGN_FOLDERS, DATA_ENDINGS] {
            assert!(table.is_sorted());
        }
    }

    #[test]
    fn names_that_tell_less_count_less() {
        let all = [
            of_name("parse_header", 1, 2, 100),
            of_name("parse", 1, 2, 100),
            of_name("new", 1, 2, 100),
        ];
        assert!(all.is_sorted_by(|a, b| a > b), "{all:?}");
        assert!(of_name("parse", 1, 2, 100) > of_name("parse", 1, 90, 100));
        assert!(of_name("parse", 1, 2, 100) > of_name("parse", 5, 2, 100));
        for (files, referrers) in [(0, 0), (1, 1), (1, 9), (9, 0)] {
            assert!(of_name("x", 0, referrers, files).is_finite());
        }
    }
}
