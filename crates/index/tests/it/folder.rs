//! A workspace made from a list of files.

use kerf_index::{FindQuery, FoundFiles, GrepQuery, Grepped, find_files, grep};
use kerf_workspace::{RelPath, Workspace};
use std::{fs, path::Path, sync::atomic::AtomicBool};
use tempfile::TempDir;

pub(crate) struct Folder {
    base: TempDir,
}

impl Folder {
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = Self {
            base: tempfile::tempdir().unwrap(),
        };
        for (path, content) in files {
            folder.write(path, content);
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.base.path()
    }

    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        let path = self.base.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn workspace(&self) -> Workspace {
        Workspace::open(self.base.path()).unwrap()
    }

    pub(crate) fn grep(&self, query: &GrepQuery) -> Grepped {
        grep(&self.workspace(), query, &AtomicBool::new(false)).unwrap()
    }

    pub(crate) fn find(&self, query: &FindQuery) -> FoundFiles {
        find_files(&self.workspace(), query, &AtomicBool::new(false)).unwrap()
    }
}

pub(crate) fn pattern(pattern: &str) -> GrepQuery {
    GrepQuery {
        pattern: pattern.to_owned(),
        literal: false,
        ignore_case: false,
        multi_line: false,
        under: RelPath::root(),
        glob: None,
        hidden: true,
        limit: 1000,
        context: 0,
    }
}

pub(crate) fn rel(path: &str) -> RelPath {
    RelPath::new(Path::new(path)).unwrap()
}

/// `path:line:column:text` a match.
pub(crate) fn lines(grepped: &Grepped) -> Vec<String> {
    let line = |found: &kerf_index::Found| {
        format!(
            "{}:{}:{}:{}",
            found.path, found.line, found.column, found.text
        )
    };
    grepped.found.iter().map(line).collect()
}
