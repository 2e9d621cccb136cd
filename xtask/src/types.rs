//! The TypeScript of the protocol, generated from its Rust types and committed.

use crate::{Done, run};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

pub(crate) fn run(arguments: &[String]) -> Done {
    if arguments.iter().any(|argument| argument == "--check") {
        check()
    } else {
        generate(&committed())
    }
}

fn committed() -> PathBuf {
    run::root().join("ui/src/protocol")
}

fn generate(folder: &Path) -> Done {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .map_err(|error| format!("{} cannot be emptied: {error}", folder.display()))?;
    }
    run::run(run::cargo().env("TS_RS_EXPORT_DIR", folder).args([
        "test",
        "--quiet",
        "--package",
        "kerf-protocol",
        "--lib",
        "export_bindings",
    ]))
}

/// Fails when the committed files are not what the types say.
pub(crate) fn check() -> Done {
    let fresh = run::target().join("types");
    generate(&fresh)?;
    let (fresh, old) = (files(&fresh)?, files(&committed())?);
    let stale: Vec<&str> = fresh
        .keys()
        .chain(old.keys())
        .filter(|name| fresh.get(*name) != old.get(*name))
        .map(String::as_str)
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!(
        "generated types are stale: {}; run `cargo xtask types`",
        stale.join(", ")
    ))
}

/// The files below a folder by their relative paths.
pub(crate) fn files(folder: &Path) -> Result<BTreeMap<String, String>, String> {
    let unreadable =
        |error: std::io::Error| format!("{} cannot be read: {error}", folder.display());
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .unwrap_or(&path)
                    .to_string_lossy()
                    .into_owned();
                all.insert(name, fs::read_to_string(&path).map_err(unreadable)?);
            }
        }
    }
    Ok(all)
}
