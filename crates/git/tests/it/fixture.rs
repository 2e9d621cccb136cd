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
        Self::on(&std::env::temp_dir())
    }

    /// As [`Fixture::new`], on the disk that a folder is on.
    pub(crate) fn on(folder: &Path) -> Self {
        let temp = tempfile::tempdir_in(folder).unwrap();
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
        index.read(true).unwrap();
        for path in paths {
            index.add_path(Path::new(path)).unwrap();
        }
        index.write().unwrap();
    }

    pub(crate) fn commit(&self, message: &str) -> String {
        let mut index = self.git.index().unwrap();
        index.read(true).unwrap();
        let tree = index.write_tree().unwrap();
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

    /// A repository whose configuration names an author.
    pub(crate) fn named() -> Self {
        let fixture = Self::new();
        fixture.append_config("[user]\n\tname = A\n\temail = a@example.org\n");
        fixture
    }

    /// The repository at `original` in a folder of its own, with the times of its files.
    pub(crate) fn copy_of(original: &Path) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let ws = temp.path().canonicalize().unwrap().join("ws");
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            fs::create_dir(ws.join(&folder)).unwrap();
            for entry in fs::read_dir(original.join(&folder)).unwrap() {
                let path = folder.join(entry.unwrap().file_name());
                let from = original.join(&path);
                if from.is_dir() {
                    folders.push(path);
                } else {
                    fs::copy(&from, ws.join(&path)).unwrap();
                    let modified = fs::metadata(&from).unwrap().modified().unwrap();
                    // Objects may not be written, but are not looked at by their times.
                    if let Ok(file) = fs::File::options().write(true).open(ws.join(&path)) {
                        file.set_modified(modified).unwrap();
                    }
                }
            }
        }
        let git = Repository::open(&ws).unwrap();
        Self { temp, ws, git }
    }

    /// A commit of these files, and of what is staged.
    pub(crate) fn commit_files(&self, message: &str, files: &[(&str, &[u8])]) -> String {
        for (path, bytes) in files {
            self.write(path, bytes);
        }
        self.stage(&files.iter().map(|(path, _)| *path).collect::<Vec<_>>());
        self.commit(message)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        String::from_utf8(fs::read(self.ws.join(path)).unwrap()).unwrap()
    }

    /// What the index holds of a path.
    pub(crate) fn staged(&self, path: &str) -> Option<String> {
        let mut index = self.git.index().unwrap();
        index.read(true).unwrap();
        let entry = index.get_path(Path::new(path), 0)?;
        let blob = self.git.find_blob(entry.id).unwrap();
        Some(String::from_utf8(blob.content().to_vec()).unwrap())
    }

    /// What the last commit holds of a path.
    pub(crate) fn committed(&self, path: &str) -> Option<String> {
        let tree = self.git.head().unwrap().peel_to_tree().unwrap();
        let entry = tree.get_path(Path::new(path)).ok()?;
        let blob = self.git.find_blob(entry.id()).unwrap();
        Some(String::from_utf8(blob.content().to_vec()).unwrap())
    }

    /// The short name of the branch that is checked out.
    pub(crate) fn branch(&self) -> String {
        let head = self.git.find_reference("HEAD").unwrap();
        let target = head.symbolic_target().unwrap().unwrap().to_owned();
        target.strip_prefix("refs/heads/").unwrap().to_owned()
    }

    pub(crate) fn append_config(&self, text: &str) {
        self.append_config_bytes(text.as_bytes());
    }

    pub(crate) fn append_config_bytes(&self, bytes: &[u8]) {
        let path = self.git.commondir().join("config");
        let mut config = fs::read(&path).unwrap();
        config.extend_from_slice(bytes);
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
