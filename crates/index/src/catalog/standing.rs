//! How much a file counts among equal ones, as far as its path tells.

/// What a path says of its file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Standing {
    /// It tests, or is there for tests.
    pub(crate) is_test: bool,
    /// From 0 to 1: less for what nobody wrote by hand or wrote elsewhere, and for what only talks about code.
    pub(crate) weight: f32,
}

const TEST_FOLDERS: &[&str] = &[
    "__tests__",
    "fixtures",
    "mocks",
    "selftests",
    "spec",
    "specs",
    "test",
    "testdata",
    "testing",
    "tests",
];

/// Folders of what was made by a program or taken from elsewhere.
const FOREIGN_FOLDERS: &[&str] = &[
    "3rdparty",
    "bower_components",
    "build",
    "dist",
    "external",
    "generated",
    "i18n",
    "l10n",
    "locale",
    "locales",
    "node_modules",
    "out",
    "site-packages",
    "target",
    "third-party",
    "third_party",
    "translations",
    "vendor",
    "vendored",
];

/// Ends of names of such files.
const FOREIGN_ENDS: &[&str] = &[
    ".g.dart",
    ".generated.ts",
    ".lock",
    ".map",
    ".min.css",
    ".min.js",
    ".pb.cc",
    ".pb.go",
    ".pb.h",
    ".po",
    ".pot",
    ".snap",
    ".svg",
    "-lock.json",
    "-lock.yaml",
    "_generated.go",
    "_generated.rs",
    "_pb2.py",
    "go.sum",
];

const FOREIGN: f32 = 0.3;

/// A header says what there is, its source what it does.
const HEADER: f32 = 0.85;

/// Ends of names of files that hold data, and of texts for people.
const DATA_ENDS: &[&str] = &[".csv", ".json", ".log", ".tsv", ".xml", ".yaml", ".yml"];
const PROSE_ENDS: &[&str] = &[".adoc", ".md", ".rst", ".txt"];

impl Standing {
    /// Of a path in its text form.
    pub(crate) fn of(path: &str) -> Self {
        let is_test_name = is_test_name(path);
        let path = path.to_ascii_lowercase();
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let has = |list: &[&str]| folders.split('/').any(|folder| list.contains(&folder));
        let ends = |list: &[&str]| list.iter().any(|end| name.ends_with(end));
        let mut weight = 1.0;
        if has(FOREIGN_FOLDERS) || ends(FOREIGN_ENDS) {
            weight *= FOREIGN;
        }
        if ends(DATA_ENDS) {
            weight *= 0.6;
        } else if ends(PROSE_ENDS) {
            weight *= 0.7;
        } else if name.ends_with(".h") {
            weight *= HEADER;
        }
        if name.starts_with("changelog")
            || name.starts_with("license")
            || name.starts_with("copying")
        {
            weight *= 0.6;
        }
        Self {
            is_test: is_test_name || has(TEST_FOLDERS),
            weight,
        }
    }

    /// What a score is multiplied by.
    pub(crate) fn factor(self, wants_tests: bool) -> f32 {
        if self.is_test && !wants_tests {
            self.weight * 0.6
        } else {
            self.weight
        }
    }
}

/// Whether the last name is one that tests have: `test_x.py`, `x_test.go`, `x.spec.ts`, `XTest.java`.
fn is_test_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let is_test = |word: &str| ["test", "tests", "spec", "Test", "Tests", "Spec"].contains(&word);
    let mut words = stem.split(['.', '_', '-']);
    words.next().is_some_and(is_test)
        || words.next_back().is_some_and(is_test)
        || ["Test", "Tests", "Spec"].iter().any(|end| {
            stem.strip_suffix(end)
                .is_some_and(|before| before.ends_with(|c: char| c.is_ascii_lowercase()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("src/money.rs", false, 1.0)]
    #[case("src/latest.rs", false, 1.0)]
    #[case("src/contest/x.rs", false, 1.0)]
    #[case("tests/it/money.rs", true, 1.0)]
    #[case("src/money_test.go", true, 1.0)]
    #[case("src/test_money.py", true, 1.0)]
    #[case("src/tests.rs", true, 1.0)]
    #[case("src/money.spec.ts", true, 1.0)]
    #[case("src/MoneyTest.java", true, 1.0)]
    #[case("src/MONEYTEST.java", false, 1.0)]
    #[case("vendor/x/money.go", false, FOREIGN)]
    #[case("Cargo.lock", false, FOREIGN)]
    #[case("web/app.min.js", false, FOREIGN)]
    #[case("README.md", false, 0.7)]
    #[case("include/money.h", false, HEADER)]
    fn paths_tell(#[case] path: &str, #[case] is_test: bool, #[case] weight: f32) {
        assert_eq!(Standing::of(path), Standing { is_test, weight });
    }
}
