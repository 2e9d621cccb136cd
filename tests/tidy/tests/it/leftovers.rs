//! What should not be left in the tree.

use tidy::{
    forbid,
    source::words,
    tree::{files, rust, shipped, text},
};

/// Other people's rules, kept byte for byte.
const GITLEAKS: &str = "crates/secrets/rules/gitleaks.toml";

#[test]
fn nothing_is_left_undone() {
    // Written in two halves, so that this file does not find itself.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("X", "XX"),
    ];
    let mut wrong = Vec::new();
    let is_ours = |path: &str| {
        !path.ends_with(".lock")
            && !path.ends_with("lock.json")
            && path != GITLEAKS
            // Made by chance.
            && !path.starts_with("fuzz/corpus/")
    };
    for path in files().iter().filter(|path| is_ours(path)) {
        let Some(text) = text(path) else { continue };
        for (index, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| words(line, mark).next().is_some()) {
                wrong.push(format!("{path}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    for source in rust() {
        for call in ["todo!", "unimplemented!", "dbg!"] {
            wrong.extend(source.find(call).map(|at| source.place(at)));
        }
    }
    forbid(
        wrong,
        "Do it now, or say in the documentation what is missing.",
    );
}

#[test]
fn no_test_is_switched_off() {
    let wrong = rust().iter().flat_map(|source| {
        ["#[ignore", "#[should_panic"]
            .iter()
            .flat_map(|word| source.find(word).map(|at| source.place(at)))
            .collect::<Vec<_>>()
    });
    forbid(
        wrong,
        "A test runs always, and asserts what it expects. Mend it or delete it.",
    );
}

#[test]
fn the_product_does_not_panic_without_a_reason() {
    let mut wrong = Vec::new();
    for source in shipped() {
        for call in [
            ".unwrap()",
            ".expect(",
            "panic!(",
            "unreachable!(",
            ".unwrap_err()",
            ".expect_err(",
        ] {
            let found = source
                .find_in_product(call)
                .filter(|at| !source.is_explained_at(*at));
            wrong.extend(found.map(|at| source.place(at)));
        }
    }
    forbid(
        wrong,
        "Return an error; or, if it cannot fail, say why in a `//` comment on the line or the one above.",
    );
}

/// Folders of the machines that Kerf is built on. In two halves, so that this file does not find itself.
const MACHINES: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];
/// Where people's folders are.
const PEOPLE: [&str; 2] = [concat!("/ho", "me/"), concat!("/Us", "ers/")];
/// People who live in examples and tests only.
const INVENTED: [&str; 7] = ["ada", "alice", "bob", "me", "u", "user", "you"];

/// Whether the line has a path in one of the folders, and what comes after the folder makes it a real one.
fn names_path(line: &str, folders: &[&str], is_real: impl Fn(&str) -> bool) -> bool {
    folders.iter().any(|folder| {
        line.match_indices(folder).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let goes_on =
                before.is_some_and(|char| char.is_alphanumeric() || "_-.$})~*".contains(char));
            !goes_on && is_real(&line[at + folder.len()..])
        })
    })
}

#[test]
fn no_path_of_a_machine_is_left() {
    let is_person = |rest: &str| {
        let name = rest
            .split(|char: char| !char.is_alphanumeric())
            .next()
            .unwrap_or_default();
        !name.is_empty() && !INVENTED.contains(&name)
    };
    let mut wrong = Vec::new();
    for path in files() {
        let Some(text) = text(path) else { continue };
        for (index, line) in text.lines().enumerate() {
            if names_path(line, &MACHINES, |_| true) || names_path(line, &PEOPLE, is_person) {
                wrong.push(format!("{path}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    forbid(
        wrong,
        "Make the path relative, or take it from the environment; in examples the user is `ada`.",
    );
}
