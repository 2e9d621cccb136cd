//! Real repositories in a temporary folder.

use git2::{Repository, Signature};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A temporary folder with a repository `ws` in it.
pub(crate) struct Fixture {
    pub(crate) temp: tempfile::TempDir,
    pub(crate) ws: PathBuf,
    pub(crate) git: Repository,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let ws = temp.path().canonicalize().unwrap().join("ws");
        let git = Repository::init(&ws).unwrap();
        Self { temp, ws, git }
    }

    /// A file modified a day ago, so that no index can call it racy.
    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        write_old(&self.ws.join(path), bytes);
    }

    pub(crate) fn stage(&self, paths: &[&str]) {
        let mut index = self.git.index().unwrap();
        for path in paths {
            index.add_path(Path::new(path)).unwrap();
        }
        index.write().unwrap();
    }

    pub(crate) fn commit(&self, message: &str) -> String {
        let tree = self.git.index().unwrap().write_tree().unwrap();
        let tree = self.git.find_tree(tree).unwrap();
        let author = Signature::now("A", "a@example.org").unwrap();
        let parent = self
            .git
            .head()
            .ok()
            .map(|head| head.peel_to_commit().unwrap());
        let parents: Vec<_> = parent.iter().collect();
        self.git
            .commit(Some("HEAD"), &author, &author, message, &tree, &parents)
            .unwrap()
            .to_string()
    }

    pub(crate) fn append_config(&self, text: &str) {
        let path = self.git.commondir().join("config");
        let mut config = fs::read_to_string(&path).unwrap();
        config.push_str(text);
        fs::write(&path, config).unwrap();
    }

    pub(crate) fn repo(&self) -> kerf_git::Repo {
        kerf_git::Repo::discover(&self.ws)
            .unwrap()
            .expect("the fixture is a repository")
    }
}

pub(crate) fn write_old(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    set_modified(path, SystemTime::now() - Duration::from_secs(86_400));
}

pub(crate) fn set_modified(path: &Path, at: SystemTime) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(at).unwrap();
}

/// Size, modification time and inode number, as a walk would see them.
pub(crate) fn stat(path: &Path) -> (u64, i128, u64) {
    let metadata = fs::metadata(path).unwrap();
    let since = metadata
        .modified()
        .unwrap()
        .duration_since(UNIX_EPOCH)
        .unwrap();
    #[cfg(unix)]
    let ino = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let ino = 0;
    (metadata.len(), since.as_nanos().cast_signed(), ino)
}
