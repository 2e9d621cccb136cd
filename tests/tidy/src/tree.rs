//! The files of the repository that git tracks or would track.

use crate::source::Source;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Folders that hold build results or other people's code, wherever they are.
const SKIPPED: [&str; 3] = [".git", "target", "node_modules"];

/// The repository's root.
#[must_use]
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        // Cargo says where the package is now; it may have been built elsewhere.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        manifest
            .ancestors()
            .nth(2)
            .map(Path::to_owned)
            .unwrap_or_default()
    })
}

/// The paths of all files below the root, with `/`, in order.
#[must_use]
pub fn files() -> &'static [String] {
    static FILES: OnceLock<Vec<String>> = OnceLock::new();
    FILES.get_or_init(|| {
        let ignored = ignored();
        let mut all = Vec::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            for (name, is_folder) in list(&folder) {
                let path = if folder.is_empty() {
                    name.clone()
                } else {
                    format!("{folder}/{name}")
                };
                if SKIPPED.contains(&name.as_str()) || ignored.contains(&path) {
                    continue;
                }
                if is_folder {
                    folders.push(path);
                } else {
                    all.push(path);
                }
            }
        }
        all.sort();
        all
    })
}

/// Whether a file or a folder with this path from the root is there.
#[must_use]
pub fn exists(path: &str) -> bool {
    root().join(path).exists()
}

/// A file's text; none when it is no UTF-8 or holds a NUL, which makes it binary.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn text(path: &str) -> Option<String> {
    let bytes = fs::read(root().join(path))
        .unwrap_or_else(|error| panic!("{path} cannot be read: {error}"));
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
}

/// All Rust files, with their test parts marked.
#[must_use]
pub fn rust() -> &'static [Source] {
    static RUST: OnceLock<Vec<Source>> = OnceLock::new();
    RUST.get_or_init(|| {
        let rust = files().iter().filter(|path| path.ends_with(".rs"));
        let mut sources: Vec<Source> = rust
            .map(|path| Source::new(path, text(path).unwrap_or_default()))
            .collect();
        // A file whose module stands under `#[cfg(test)]` in another file is a test, and so are those below it.
        let modules: BTreeSet<String> = sources
            .iter()
            .flat_map(|source| source.test_modules().to_vec())
            .collect();
        for source in &mut sources {
            let below = |module: &String| {
                let folder = module.trim_end_matches(".rs");
                source.path() == *module
                    || source
                        .path()
                        .strip_prefix(folder)
                        .is_some_and(|rest| rest.starts_with('/'))
            };
            if modules.iter().any(below) {
                source.set_test();
            }
        }
        sources
    })
}

/// The Rust files under the `src` folder of a crate of the product: `crates/*` without `crates/test-support`,
/// which exists for tests alone, and the desktop shell.
pub fn shipped() -> impl Iterator<Item = &'static Source> {
    rust().iter().filter(|source| {
        let mut parts = source.path().split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("crates"), Some(name), Some("src")) => name != "test-support",
            (Some("src-tauri"), Some("src"), Some(_)) => true,
            _ => false,
        }
    })
}

fn list(folder: &str) -> Vec<(String, bool)> {
    let unreadable = |error| -> ! { panic!("the folder `{folder}` cannot be read: {error}") };
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| unreadable(error));
    entries
        .map(|entry| {
            let entry = entry.unwrap_or_else(|error| unreadable(error));
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            (entry.file_name().to_string_lossy().into_owned(), is_folder)
        })
        .collect()
}

/// The anchored paths of `.gitignore`; it has no other patterns.
fn ignored() -> BTreeSet<String> {
    let text = text(".gitignore").unwrap_or_default();
    text.lines()
        .filter_map(|line| line.trim().strip_prefix('/'))
        .map(|path| path.trim_end_matches('/').to_owned())
        .collect()
}
