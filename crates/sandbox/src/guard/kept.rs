//! What in a writable folder a command must not change: repositories, settings that name programs, and files with a name
//! elsewhere. What follows from one look at the folder is decided here; `watchman.rs` remembers the looks.

use super::{Guard, survey::Found};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

/// Names at the top of a writable folder whose contents name programs that others run later.
pub(super) const SETTINGS: &[&str] = &[
    ".git",
    ".vscode",
    ".idea",
    ".husky",
    ".envrc",
    ".kerf",
    ".claude",
    ".codex",
    ".cursor",
    ".mcp.json",
];

/// Nested repositories that are kept. Each costs a mount, and its folders one each.
const REPOSITORIES: usize = 128;

/// Files with a name elsewhere that are kept.
const SHARED: usize = 64;

/// The longest file that says where a repository is, in bytes.
const POINTER_BYTES: u64 = 8 * 1024;

impl Guard {
    /// Adds what `found` and the settings at the top of `root` ask for.
    pub(super) fn keep(&mut self, root: &Path, found: &Found, roots: &[PathBuf]) {
        let mut kept = BTreeSet::new();
        for name in SETTINGS {
            let path = root.join(name);
            match path.symlink_metadata() {
                // Perhaps it stands for nothing only as long as another command runs.
                Ok(meta) if meta.is_dir() && is_empty(&path) => self.held.push(path.into()),
                Ok(_) => add(&mut kept, &path, roots),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    self.held.push(path.into());
                }
                // A folder that cannot be entered is one where nothing can be made.
                Err(_) => {}
            }
        }
        // Those nearest to the top first.
        let mut repositories: Vec<&PathBuf> = found.repositories.keys().collect();
        repositories.sort_by_key(|path| path.components().count());
        for path in repositories.into_iter().take(REPOSITORIES) {
            if !self.held.iter().any(|held| path == Path::new(held)) {
                add(&mut kept, path, roots);
            }
        }
        self.kept
            .extend(kept.into_iter().map(PathBuf::into_os_string));
        self.shared
            .extend(found.shared.iter().take(SHARED).map(OsString::from));
    }
}

pub(super) fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Adds what `path` leads to, and the folders that it names when it is a file in the place of a repository.
pub(super) fn add(kept: &mut BTreeSet<PathBuf>, path: &Path, roots: &[PathBuf]) {
    // What lies elsewhere cannot be written anyhow.
    let mut keep = |path: &Path| -> Option<PathBuf> {
        let path = path.canonicalize().ok()?;
        if roots
            .iter()
            .any(|root| path.starts_with(root) && path != *root)
        {
            kept.insert(path.clone());
        }
        Some(path)
    };
    let Some(real) = keep(path) else { return };
    if path.file_name().is_none_or(|name| name != ".git") {
        return;
    }
    let folder = if real.is_file() {
        let target = pointer(&real, "gitdir:");
        let Some(folder) = target.and_then(|target| keep(&real.parent()?.join(target))) else {
            return;
        };
        folder
    } else {
        real
    };
    if let Some(target) = pointer(&folder.join("commondir"), "") {
        keep(&folder.join(target));
    }
}

/// The path that the file at `path` holds behind `mark`.
fn pointer(path: &Path, mark: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    // A FIFO in its place would be waited for.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .ok()?
        .take(POINTER_BYTES)
        .read_to_end(&mut bytes)
        .ok()?;
    let said = bytes.strip_prefix(mark.as_bytes())?.trim_ascii();
    (!said.is_empty()).then(|| PathBuf::from(std::ffi::OsStr::from_bytes(said)))
}
