//! A folder that holds an index up until the test lets it go on, so that it can be met while it is built.

use crate::folder::Folder;
use kerf_workspace::{
    RelPath, Workspace,
    fs::{Entry, Fs, FsError, Save, Stat},
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Longer than anything here takes: a test that fails before it opens the gate ends too.
const LONG: Duration = Duration::from_secs(60);

/// What is held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shut {
    /// Who first lists a folder.
    FirstList,
    /// Who reads a file after so many were read.
    ReadsAfter(usize),
}

#[derive(Debug)]
pub(crate) struct Gate {
    folder: Workspace,
    shut: Shut,
    lists: AtomicUsize,
    reads: AtomicUsize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_open: bool,
    is_anybody_held: bool,
}

impl Gate {
    pub(crate) fn new(folder: &Folder, shut: Shut) -> Arc<Self> {
        Arc::new(Self {
            folder: folder.workspace(),
            shut,
            lists: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    pub(crate) fn workspace(self: &Arc<Self>) -> Workspace {
        let root = self.folder.root().to_owned();
        Workspace::with_fs(root, Arc::clone(self) as Arc<dyn Fs>)
    }

    pub(crate) fn open(&self) {
        self.state.lock().unwrap().is_open = true;
        self.changed.notify_all();
    }

    /// Waits until somebody is held up.
    pub(crate) fn until_held(&self) {
        self.wait(|state| state.is_anybody_held);
    }

    fn hold(&self) {
        self.state.lock().unwrap().is_anybody_held = true;
        self.changed.notify_all();
        self.wait(|state| state.is_open);
    }

    fn wait(&self, until: impl Fn(&State) -> bool) {
        let state = self.state.lock().unwrap();
        let waited = self
            .changed
            .wait_timeout_while(state, LONG, |state| !until(state));
        drop(waited.unwrap());
    }
}

impl Fs for Gate {
    fn stat(&self, path: &RelPath) -> Result<Stat, FsError> {
        self.folder.fs().stat(path)
    }
    fn read(&self, path: &RelPath, max_bytes: u64) -> Result<Vec<u8>, FsError> {
        let before = self.reads.fetch_add(1, Ordering::Relaxed);
        if matches!(self.shut, Shut::ReadsAfter(free) if before >= free) {
            self.hold();
        }
        self.folder.fs().read(path, max_bytes)
    }
    fn read_link(&self, path: &RelPath) -> Result<PathBuf, FsError> {
        self.folder.fs().read_link(path)
    }
    fn list(&self, dir: &RelPath) -> Result<Vec<Entry>, FsError> {
        let is_first = self.lists.fetch_add(1, Ordering::Relaxed) == 0;
        if self.shut == Shut::FirstList && is_first {
            self.hold();
        }
        self.folder.fs().list(dir)
    }
    fn save(&self, path: &RelPath, bytes: &[u8], how: &Save) -> Result<Stat, FsError> {
        self.folder.fs().save(path, bytes, how)
    }
    fn remove(&self, path: &RelPath) -> Result<(), FsError> {
        self.folder.fs().remove(path)
    }
    fn remove_empty_dirs(&self, dir: &RelPath) -> Result<(), FsError> {
        self.folder.fs().remove_empty_dirs(dir)
    }
    fn link(&self, path: &RelPath, target: &Path) -> Result<(), FsError> {
        self.folder.fs().link(path, target)
    }
    fn rename(&self, from: &RelPath, to: &RelPath) -> Result<(), FsError> {
        self.folder.fs().rename(from, to)
    }
}
