//! A file system in memory that is stricter than a real one, to catch wrong assumptions.
//!
//! Every mutation gives a new stamp, however fast it follows the last; with [`MemFs::strict_names`] it refuses
//! what any platform refuses, not only this one; it can fail at a chosen mutation, counts calls, and remembers
//! saves that replaced a file nobody had looked at. The calls themselves are in `calls`.

mod calls;
mod names;
mod nodes;

use crate::tree::{self, Node, Tree};
use kerf_workspace::RelPath;
use nodes::{Nodes, What};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a failing call says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// The disk is full.
    NoSpace,
    /// The device fails.
    Device,
    /// The disk became read-only.
    ReadOnly,
}

/// How often each call was made, failed ones included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// [`kerf_workspace::Fs::stat`]
    pub stat: usize,
    /// [`kerf_workspace::Fs::read`]
    pub read: usize,
    /// [`kerf_workspace::Fs::read_link`]
    pub read_link: usize,
    /// [`kerf_workspace::Fs::list`]
    pub list: usize,
    /// [`kerf_workspace::Fs::save`]
    pub save: usize,
    /// [`kerf_workspace::Fs::remove`]
    pub remove: usize,
    /// [`kerf_workspace::Fs::remove_empty_dirs`]
    pub remove_empty_dirs: usize,
    /// [`kerf_workspace::Fs::link`]
    pub link: usize,
    /// [`kerf_workspace::Fs::rename`]
    pub rename: usize,
}

impl Calls {
    /// How many of them change something.
    #[must_use]
    pub fn mutating(&self) -> usize {
        self.save + self.remove + self.remove_empty_dirs + self.link + self.rename
    }
}

/// The file system. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemFs {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    nodes: Nodes,
    calls: Calls,
    strict_names: bool,
    failing: Option<Plan>,
    blind: Vec<RelPath>,
}

/// Which mutating calls fail, counted from 1 since the plan was made.
#[derive(Debug)]
struct Plan {
    left: usize,
    with: Failing,
    stays: bool,
}

impl MemFs {
    /// Makes a file system from text in the format of [`crate::tree`].
    ///
    /// # Panics
    /// When the text is not in the format.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let fs = Self::default();
        let mut state = fs.state();
        for (path, node) in tree::parse(text) {
            let (what, mode) = match node {
                Node::File { bytes, mode } => (What::File(bytes), mode),
                Node::Link { target } => (What::Link(target), 0o777),
                Node::Dir => (What::Dir, 0o755),
            };
            if let Some(parent) = path.parent() {
                state.nodes.make_dirs(&parent);
            }
            state.nodes.put(path, what, mode);
        }
        drop(state);
        fs
    }

    /// From now on refuses names that some platform refuses or mixes up: a twin in another case, a trailing dot
    /// or space, `<>:"|?*\`, control characters, the device names of Windows, more than 255 bytes.
    #[must_use]
    pub fn strict_names(self) -> Self {
        self.state().strict_names = true;
        self
    }

    /// Lets the `nth` mutating call from now fail, from 1, and only that one.
    pub fn fail_at(&self, nth: usize, with: Failing) {
        self.state().failing = Some(Plan {
            left: nth,
            with,
            stays: false,
        });
    }

    /// Lets the `nth` mutating call from now fail, from 1, and every later one.
    pub fn fail_from(&self, nth: usize, with: Failing) {
        self.state().failing = Some(Plan {
            left: nth,
            with,
            stays: true,
        });
    }

    /// Ends a planned failure.
    pub fn heal(&self) {
        self.state().failing = None;
    }

    /// How often each call was made so far.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.state().calls
    }

    /// The files that a save with [`kerf_workspace::Expect::Anything`] replaced although nobody had looked at them, through this
    /// file system, since their last change. Such a save would overwrite the user's work unseen.
    #[must_use]
    pub fn blind_saves(&self) -> Vec<RelPath> {
        self.state().blind.clone()
    }

    /// Changes a file as the user would, behind the back of the code under test: not counted, never failing, in
    /// place (same inode), with a new time.
    ///
    /// # Panics
    /// When `path` is no path.
    pub fn user_writes(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        let path = parse_path(path);
        let mut state = self.state();
        if let Some(parent) = path.parent() {
            state.nodes.make_dirs(&parent);
        }
        state.nodes.write_in_place(path, bytes.into());
    }

    /// Removes a file as the user would.
    ///
    /// # Panics
    /// When `path` is no path.
    pub fn user_removes(&self, path: &str) {
        self.state().nodes.remove(&parse_path(path));
    }

    /// Gives a file so many hard links, as if other names of it were outside.
    ///
    /// # Panics
    /// When there is no such file.
    pub fn set_links(&self, path: &str, links: u64) {
        let mut state = self.state();
        let inode = state.nodes.get_mut(&parse_path(path));
        inode
            .unwrap_or_else(|| panic!("`{path}` does not exist"))
            .links = links;
    }

    /// Puts a named pipe there, which no read may touch.
    ///
    /// # Panics
    /// When `path` is no path.
    pub fn make_pipe(&self, path: &str) {
        self.state().nodes.put(parse_path(path), What::Pipe, 0o644);
    }

    /// The whole tree in the text format, `.git` left out. Pipes are not shown.
    #[must_use]
    pub fn tree(&self) -> String {
        let state = self.state();
        let shown = |path: &RelPath| !path.names().any(|name| name == ".git");
        let mut tree = Tree::new();
        for (path, inode) in state.nodes.iter().filter(|(path, _)| shown(path)) {
            match &inode.what {
                What::File(bytes) => {
                    tree.insert(
                        path.clone(),
                        Node::File {
                            bytes: bytes.clone(),
                            mode: inode.mode,
                        },
                    );
                }
                What::Link(target) => {
                    tree.insert(
                        path.clone(),
                        Node::Link {
                            target: target.clone(),
                        },
                    );
                }
                What::Dir if !state.nodes.has_children(path) => {
                    tree.insert(path.clone(), Node::Dir);
                }
                What::Dir | What::Pipe => {}
            }
        }
        tree::render(&tree)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse_path(path: &str) -> RelPath {
    path.parse()
        .unwrap_or_else(|error| panic!("`{path}` is no path: {error}"))
}
