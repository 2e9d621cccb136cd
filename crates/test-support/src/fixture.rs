//! A folder on disk for a test, made from text and gone with the value.
//!
//! The text format is that of [`crate::tree`]. Commits have a fixed author and time, so that object ids do not
//! change from run to run.

use crate::tree::{self, Node, Tree};
use git2::{IndexAddOption, Repository, RepositoryInitOptions, Signature, Time};
use kerf_workspace::{RelPath, Workspace};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A temporary folder with files in it.
#[derive(Debug)]
pub struct Fixture {
    folder: PathBuf,
    _keep: TempDir,
}

impl Fixture {
    /// Makes a folder with the files of `text`; see [`crate::tree`] for the format. Empty text: empty folder.
    ///
    /// ```
    /// let fixture = kerf_test_support::Fixture::new("//- /src/lib.rs\nfn main() {}\n");
    /// assert_eq!(fixture.read("src/lib.rs"), "fn main() {}\n");
    /// ```
    ///
    /// # Panics
    /// When the text is wrong or the disk refuses, as do all methods here.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let keep = tempfile::Builder::new()
            .prefix("kerf-test-")
            .tempdir()
            .unwrap_or_else(|error| {
                panic!("no temporary folder: {error}");
            });
        let folder = real_path(keep.path());
        let fixture = Self {
            folder,
            _keep: keep,
        };
        for (path, node) in tree::parse(text) {
            fixture.put(path.as_path(), &node);
        }
        fixture
    }

    /// Makes the folder a repository on branch `main` with one commit of all files that are not ignored.
    #[must_use]
    pub fn git(self) -> Self {
        let mut options = RepositoryInitOptions::new();
        options.initial_head("main").external_template(false);
        let repo = done(Repository::init_opts(&self.folder, &options), "init");
        // The settings of whoever runs the tests must not matter.
        let mut config = done(repo.config(), "read the configuration of");
        for (name, value) in [
            ("user.name", "Kerf Test"),
            ("user.email", "test@example.invalid"),
        ] {
            done(config.set_str(name, value), "configure");
        }
        done(config.set_bool("core.autocrlf", false), "configure");
        drop((config, repo));
        self.commit("Initial commit");
        self
    }

    /// Commits all files that are not ignored, also deletions; returns the commit's id.
    pub fn commit(&self, message: &str) -> String {
        let repo = done(Repository::open(&self.folder), "open");
        let mut index = done(repo.index(), "read the index of");
        done(
            index.add_all(["*"], IndexAddOption::DEFAULT, None),
            "add to",
        );
        done(index.update_all(["*"], None), "update the index of");
        done(index.write(), "write the index of");
        let tree = done(
            index.write_tree().and_then(|id| repo.find_tree(id)),
            "write a tree to",
        );
        let parent = repo.head().and_then(|head| head.peel_to_commit()).ok();
        let parents: Vec<_> = parent.iter().collect();
        // A day after each other, from 2024-01-01.
        let nth = parent
            .as_ref()
            .map_or(0, |parent| parent.time().seconds() - 1_704_067_200 + 86_400);
        let author = done(
            Signature::new(
                "Kerf Test",
                "test@example.invalid",
                &Time::new(1_704_067_200 + nth, 0),
            ),
            "sign in",
        );
        done(
            repo.commit(Some("HEAD"), &author, &author, message, &tree, &parents),
            "commit to",
        )
        .to_string()
    }

    /// What the last commit holds of a file, as text; none when it has no such file.
    #[must_use]
    pub fn committed(&self, path: &str) -> Option<String> {
        let repo = done(Repository::open(&self.folder), "open");
        let tree = done(
            repo.head().and_then(|head| head.peel_to_tree()),
            "read the last commit of",
        );
        let entry = tree.get_path(Path::new(path)).ok()?;
        let blob = done(repo.find_blob(entry.id()), "read an object of");
        Some(String::from_utf8_lossy(blob.content()).into_owned())
    }

    /// The folder's real, absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The absolute path of a file in it.
    #[must_use]
    pub fn join(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// The folder, opened.
    #[must_use]
    pub fn workspace(&self) -> Workspace {
        Workspace::open(&self.folder)
            .unwrap_or_else(|error| panic!("the fixture does not open: {error}"))
    }

    /// A file's content as text.
    #[must_use]
    pub fn read(&self, path: &str) -> String {
        String::from_utf8(self.bytes(path))
            .unwrap_or_else(|error| panic!("`{path}` is not UTF-8: {error}"))
    }

    /// A file's content.
    #[must_use]
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        fs::read(self.join(path)).unwrap_or_else(|error| panic!("`{path}` cannot be read: {error}"))
    }

    /// Whether something is at the path, a link that leads nowhere included.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        self.join(path).symlink_metadata().is_ok()
    }

    /// Writes a file in place, as an editor of the user would; makes missing folders.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let target = self.join(path);
        make_parent(&target);
        fs::write(&target, content)
            .unwrap_or_else(|error| panic!("`{path}` cannot be written: {error}"));
    }

    /// Puts more files in, in the text format; files that are there are replaced.
    pub fn add(&self, text: &str) {
        for (path, node) in tree::parse(text) {
            self.put(path.as_path(), &node);
        }
    }

    /// Removes a file, or a folder with all that is in it.
    pub fn remove(&self, path: &str) {
        let target = self.join(path);
        let is_dir = target.symlink_metadata().is_ok_and(|meta| meta.is_dir());
        let removed = if is_dir {
            fs::remove_dir_all(&target)
        } else {
            fs::remove_file(&target)
        };
        removed.unwrap_or_else(|error| panic!("`{path}` cannot be removed: {error}"));
    }

    /// The whole folder in the text format, `.git` left out.
    #[must_use]
    pub fn tree(&self) -> String {
        tree_of(&self.folder)
    }

    fn put(&self, path: &Path, node: &Node) {
        let target = self.folder.join(path);
        make_parent(&target);
        let put = match node {
            Node::Dir => fs::create_dir_all(&target),
            Node::Link { target: to } => make_link(to, &target),
            Node::File { bytes, mode } => {
                fs::write(&target, bytes).and_then(|()| set_mode(&target, *mode))
            }
        };
        put.unwrap_or_else(|error| panic!("`{}` cannot be made: {error}", path.display()));
    }
}

/// A folder in the text format, every `.git` left out.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn tree_of(folder: &Path) -> String {
    let mut tree = Tree::new();
    collect(folder, &RelPath::root(), &mut tree)
        .unwrap_or_else(|error| panic!("`{}` cannot be listed: {error}", folder.display()));
    tree::render(&tree)
}

fn collect(folder: &Path, at: &RelPath, tree: &mut Tree) -> std::io::Result<()> {
    for entry in fs::read_dir(folder.join(at.as_path()))? {
        let entry = entry?;
        let name = entry.file_name();
        if name == ".git" {
            continue;
        }
        let path = at.join(&name);
        let meta = entry.path().symlink_metadata()?;
        if meta.is_symlink() {
            tree.insert(
                path,
                Node::Link {
                    target: fs::read_link(entry.path())?,
                },
            );
        } else if meta.is_file() {
            tree.insert(
                path,
                Node::File {
                    bytes: fs::read(entry.path())?,
                    mode: mode_of(&meta),
                },
            );
        } else if meta.is_dir() {
            let before = tree.len();
            collect(folder, &path, tree)?;
            if tree.len() == before {
                tree.insert(path, Node::Dir);
            }
        }
    }
    Ok(())
}

fn make_parent(path: &Path) {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)
            .unwrap_or_else(|error| panic!("`{}` cannot be made: {error}", parent.display()));
    }
}

fn done<T>(result: Result<T, git2::Error>, what: &str) -> T {
    result.unwrap_or_else(|error| panic!("cannot {what} the fixture's repository: {error}"))
}

/// The temporary folder of macOS lies behind a link. On Windows the real name would be a `\\\\?\\` path, which
/// programs started in it do not understand.
fn real_path(path: &Path) -> PathBuf {
    if cfg!(windows) {
        return path.to_path_buf();
    }
    path.canonicalize()
        .unwrap_or_else(|error| panic!("the folder has no real name: {error}"))
}

#[cfg(unix)]
fn make_link(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn make_link(target: &Path, link: &Path) -> std::io::Result<()> {
    let is_dir = link
        .parent()
        .is_some_and(|folder| folder.join(target).is_dir());
    if is_dir {
        std::os::windows::fs::symlink_dir(target, link)
    } else {
        std::os::windows::fs::symlink_file(target, link)
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(windows)]
fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(mode & 0o200 == 0);
    fs::set_permissions(path, permissions)
}

#[cfg(unix)]
fn mode_of(meta: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o777
}

#[cfg(windows)]
fn mode_of(meta: &fs::Metadata) -> u32 {
    if meta.permissions().readonly() {
        0o444
    } else {
        0o644
    }
}
