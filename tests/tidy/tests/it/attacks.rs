//! The table of attacks names tests that there are.

use attacks::Test;
use tidy::{
    forbid,
    source::{Source, words},
    tree::{exists, rust, text},
    workspace::{folder, metadata},
};

/// Whether the package has a function of this name, in the module or the file that the name says.
fn is_there(package: &str, name: &str) -> bool {
    let Some(package) = metadata()
        .workspace_packages()
        .into_iter()
        .find(|member| member.name.as_str() == package)
    else {
        return false;
    };
    let place = format!("{}/", folder(package));
    let mut modules: Vec<&str> = name.split("::").collect();
    let Some(function) = modules.pop() else {
        return false;
    };
    let function = format!("fn {function}(");
    let is_in = |source: &Source, module: &str| {
        let path = source.path().trim_end_matches(".rs");
        let declares = |form: &str| {
            let words_of = form.replace("{}", module);
            words(source.code(), &words_of).next().is_some()
        };
        path.split('/').any(|part| part == module) || declares("mod {}")
    };
    rust()
        .iter()
        .filter(|source| source.path().starts_with(&place))
        .filter(|source| source.code().contains(&function))
        .any(|source| modules.iter().all(|module| is_in(source, module)))
}

#[test]
fn each_attack_names_tests_that_there_are() {
    let rows = attacks::rows().unwrap_or_else(|error| panic!("tests/attacks/table.txt, {error}"));
    let mut wrong = Vec::new();
    for row in &rows {
        for test in &row.tests {
            let found = match test {
                Test::Rust { package, name } => is_there(package, name),
                Test::Interface { file, name } => {
                    let path = format!("ui/{file}");
                    exists(&path)
                        && text(&path).is_some_and(|text| text.replace('\\', "").contains(name))
                }
            };
            if !found {
                wrong.push(format!("{}: {test}", row.id));
            }
        }
    }
    forbid(
        wrong,
        "tests/attacks/table.txt names tests that are gone or called otherwise.",
    );
}

/// Names that say themselves which row they hold, as `sb20_cancelling_kills_everything`.
#[test]
fn each_test_that_is_named_after_an_attack_is_in_its_row() {
    let rows = attacks::rows().unwrap_or_else(|error| panic!("tests/attacks/table.txt, {error}"));
    let mut wrong = Vec::new();
    for source in rust() {
        for (at, _) in source.code().match_indices("fn ") {
            let rest = &source.code()[at + "fn ".len()..];
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            let id = name.split('_').next().unwrap_or_default();
            let Some(row) = rows.iter().find(|row| row.id.eq_ignore_ascii_case(id)) else {
                continue;
            };
            let is_named = row.tests.iter().any(|test| match test {
                Test::Rust { name: full, .. } => full.rsplit("::").next() == Some(name),
                Test::Interface { .. } => false,
            });
            if !is_named {
                wrong.push(format!("{}: {}", row.id, source.place(at)));
            }
        }
    }
    forbid(
        wrong,
        "Put these tests into their row of tests/attacks/table.txt.",
    );
}
