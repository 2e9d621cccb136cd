//! The folders that are searched, and where their indexes are kept for as long as the bench runs.

use crate::{Asked, Done};
use kerf_index::{FindQuery, find_files};
use kerf_workspace::{RelPath, Workspace};
use std::{
    cell::OnceCell,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

/// Kerf's own sources, as far as they are code and texts; the rest of the repository is what was built.
const OWN: [&str; 7] = [
    "crates",
    "docs",
    "src-tauri",
    "tests",
    "tools",
    "ui",
    "xtask",
];

/// What the rows share: made when asked for, removed when the bench ends.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    room: OnceCell<TempDir>,
}

/// One folder.
pub(super) struct Tree {
    /// For the table.
    pub(super) name: String,
    pub(super) root: PathBuf,
    /// Where its index is kept.
    pub(super) place: PathBuf,
    /// Where codesearch keeps its index.
    pub(super) codesearch: PathBuf,
}

/// All folders, the small one first.
pub(super) fn trees(asked: &Asked) -> Done<Vec<Tree>> {
    let room = asked.kept.room()?;
    let own = room.join("kerf");
    if !own.exists() {
        copy_own(&own)?;
    }
    let given = asked.trees.iter().cloned();
    let trees = std::iter::once(own).chain(given).enumerate();
    Ok(trees
        .map(|(number, root)| Tree {
            name: root
                .file_name()
                .unwrap_or(root.as_os_str())
                .to_string_lossy()
                .into_owned(),
            place: room.join(format!("index-{number}")),
            codesearch: room.join(format!("codesearch-{number}")),
            root,
        })
        .collect())
}

/// The repository that this program was built from.
pub(super) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Kept {
    pub(super) fn room(&self) -> Done<&Path> {
        if let Some(room) = self.room.get() {
            return Ok(room.path());
        }
        let made = crate::room::home()?;
        Ok(self.room.get_or_init(|| made).path())
    }
}

/// Copies what is not ignored, and makes it an hour old: files that are new are read twice.
fn copy_own(to: &Path) -> Done {
    let told = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let from = repository();
    let workspace = Workspace::open(&from).map_err(|error| error.to_string())?;
    let hour_ago = SystemTime::now() - Duration::from_secs(3_600);
    for folder in OWN {
        let query = FindQuery {
            pattern: String::new(),
            under: RelPath::new(Path::new(folder)).map_err(|error| error.to_string())?,
            limit: usize::MAX,
        };
        // A folder that is not there has no files.
        let found = find_files(&workspace, &query, &AtomicBool::new(false));
        for path in found.map(|found| found.paths).unwrap_or_default() {
            let (source, copy) = (from.join(path.as_path()), to.join(path.as_path()));
            let folder = copy.parent().unwrap_or(to);
            fs::create_dir_all(folder).map_err(|error| told(folder, &error))?;
            fs::copy(&source, &copy).map_err(|error| told(&source, &error))?;
            let file = File::options().write(true).open(&copy);
            file.and_then(|file| file.set_modified(hour_ago))
                .map_err(|error| told(&copy, &error))?;
        }
    }
    Ok(())
}
