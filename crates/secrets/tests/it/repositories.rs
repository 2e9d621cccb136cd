//! Ordinary code of others: the sources that Kerf itself is built from, as cargo keeps them.

use kerf_secrets::Vault;
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Rust, C, documents and tests; 400,000 lines in all.
const SOURCES: &[&str] = &["tokio", "rustls", "libgit2-sys", "tantivy", "sqlx-core"];
/// A larger file is no text that anybody wrote, in bytes.
const MAX_FILE: u64 = 1_000_000;

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// The folders of a package's versions.
fn versions(registry: &Path, name: &str) -> Vec<PathBuf> {
    let is_it = |path: &PathBuf| {
        let rest = path
            .file_name()
            .and_then(|of| of.to_str()?.strip_prefix(name));
        rest.and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_digit()))
    };
    entries(registry)
        .iter()
        .flat_map(|index| entries(index))
        .filter(is_it)
        .collect()
}

fn texts(folder: PathBuf) -> Vec<String> {
    let (mut texts, mut folders) = (Vec::new(), vec![folder]);
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            let Ok(meta) = fs::symlink_metadata(&path) else {
                continue;
            };
            if meta.is_dir() {
                folders.push(path);
            } else if meta.is_file() && meta.len() <= MAX_FILE {
                texts.extend(fs::read_to_string(path));
            }
        }
    }
    texts
}

#[test]
fn se3_ordinary_code_of_others_is_left_as_it_is() {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let registry = home.unwrap_or_default().join("registry/src");
    let (mut lines, mut concealed, mut reported) = (0, Vec::new(), 0);
    for name in SOURCES {
        let found = versions(&registry, name);
        if found.is_empty() {
            eprintln!(
                "skipped 1: the sources of {name} are not in {}",
                registry.display()
            );
            return;
        }
        for text in found.into_iter().flat_map(texts) {
            let mut vault = Vault::new([7; 32]);
            let result = vault.conceal(&text);
            lines += text.lines().count();
            reported += result.warnings.len();
            concealed.extend(result.found.iter().map(|finding| {
                format!(
                    "{name}: {} as {}",
                    &text[finding.range.clone()],
                    finding.rule
                )
            }));
            let shown = result.text.into_owned();
            assert_eq!(vault.restore(&shown), text, "in {name}");
        }
    }
    assert!(lines > 300_000, "{lines} lines");
    assert_eq!(concealed, [""; 0], "in {lines} lines");
    assert!(reported <= lines / 10_000, "{reported} in {lines} lines");
}
