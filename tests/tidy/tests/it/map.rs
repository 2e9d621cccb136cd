//! The documents and tables that must match the code.

use std::collections::BTreeSet;
use tidy::{
    forbid,
    source::words,
    tree::{exists, files, text},
};

const REQUESTS: &str = "crates/protocol/src/request.rs";
const DISPATCH: &str = "crates/engine/src/dispatch.rs";

/// Name on the wire and name of the variant, from the lines `"a/b" AB(Params) -> Answer;` of the table.
fn methods() -> Vec<(String, String)> {
    let text = text(REQUESTS).unwrap_or_default();
    let table = text.split("requests! {").nth(1).unwrap_or_default();
    let rows = table.lines().map(str::trim).take_while(|line| *line != "}");
    let methods: Vec<(String, String)> = rows
        .filter_map(|row| {
            let (name, rest) = row.strip_prefix('"')?.split_once('"')?;
            let (variant, _) = rest.trim().split_once('(')?;
            Some((name.to_owned(), variant.to_owned()))
        })
        .collect();
    assert!(
        methods.len() > 10,
        "the table of requests in {REQUESTS} was not found; mend this test's reading of it"
    );
    methods
}

#[test]
fn every_request_is_answered() {
    let code = text(DISPATCH).unwrap_or_default();
    let wrong = methods().into_iter().filter_map(|(name, variant)| {
        let arm = format!("Request::{variant}");
        words(&code, &arm)
            .next()
            .is_none()
            .then(|| format!("{name}: {DISPATCH} has no {arm}"))
    });
    forbid(wrong, "Answer the request in the table.");
}

#[test]
fn every_request_is_known_to_the_window() {
    if !exists("ui/src/protocol") {
        return;
    }
    let request = text("ui/src/protocol/Request.ts").unwrap_or_default();
    let wrong = methods()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| !request.contains(&format!("\"{name}\"")));
    forbid(
        wrong,
        "ui/src/protocol/Request.ts lacks these: run `cargo xtask types`.",
    );
}

#[test]
fn the_map_names_every_crate() {
    assert!(
        exists("ARCHITECTURE.md"),
        "write ARCHITECTURE.md: the map of the code"
    );
    let map = text("ARCHITECTURE.md").unwrap_or_default();
    let crates: BTreeSet<&str> = files()
        .iter()
        .filter_map(|path| {
            path.strip_prefix("crates/")?
                .split_once('/')
                .map(|(name, _)| name)
        })
        .collect();
    let wrong = crates.into_iter().filter(|name| {
        !["{}/", "crates/{}", "`{}`", "kerf-{}"]
            .iter()
            .any(|form| words(&map, &form.replace("{}", name)).next().is_some())
    });
    forbid(
        wrong.map(|name| format!("crates/{name}")),
        "Give each of these a line in ARCHITECTURE.md.",
    );
}

#[test]
fn the_map_names_nothing_that_is_gone() {
    if !exists("ARCHITECTURE.md") {
        // The test above fails then.
        return;
    }
    let map = text("ARCHITECTURE.md").unwrap_or_default();
    let mut wrong = BTreeSet::new();
    for folder in ["crates/", "tests/", "xtask/", "src-tauri/", "ui/"] {
        for at in words(&map, folder) {
            let rest = &map[at..];
            let end = rest
                .find(|char: char| !(char.is_alphanumeric() || "-_/.".contains(char)))
                .unwrap_or(rest.len());
            let path = rest[..end].trim_end_matches(['/', '.']);
            // A path inside another path, as in `NAME/tests/`, is not from the root.
            if map[..at].ends_with('/') || path.ends_with("dist") {
                continue;
            }
            if !exists(path) {
                wrong.insert(path.to_owned());
            }
        }
    }
    forbid(
        wrong,
        "ARCHITECTURE.md must match the code: these paths are not there.",
    );
}
