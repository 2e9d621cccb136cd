#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};

use kerf_workspace::{Fs, FsError, RealFs, RelPath, Save};

pub(crate) const MAX: u64 = 1 << 20;

/// A folder to work in, and a neighbour that must never change.
pub(crate) struct Ground {
    pub(crate) temp: tempfile::TempDir,
    pub(crate) fs: RealFs,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("ws")).unwrap();
        fs::create_dir(temp.path().join("outside")).unwrap();
        fs::write(temp.path().join("outside/secret"), "secret").unwrap();
        let fs = RealFs::open(&temp.path().join("ws")).unwrap();
        Self { temp, fs }
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.temp.path().join("ws").join(path)
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.temp.path().join("outside")
    }

    pub(crate) fn save(&self, path: &str, text: &str) -> Result<(), FsError> {
        self.fs
            .save(&rel(path), text.as_bytes(), &Save::default())
            .map(|_| ())
    }

    /// All names in the folder, to find litter.
    pub(crate) fn names(&self) -> Vec<String> {
        fn visit(dir: &Path, prefix: &str, names: &mut Vec<String>) {
            for entry in fs::read_dir(dir).unwrap() {
                let entry = entry.unwrap();
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.file_type().unwrap().is_dir() {
                    visit(&entry.path(), &format!("{name}/"), names);
                }
                names.push(name);
            }
        }
        let mut names = Vec::new();
        visit(&self.at(""), "", &mut names);
        names.sort();
        names
    }

    pub(crate) fn assert_outside_untouched(&self) {
        assert_eq!(
            fs::read_to_string(self.outside().join("secret")).unwrap(),
            "secret"
        );
        assert_eq!(
            fs::read_dir(self.outside()).unwrap().count(),
            1,
            "nothing may be made outside"
        );
    }
}

pub(crate) fn rel(path: &str) -> RelPath {
    RelPath::new(Path::new(path)).unwrap()
}
