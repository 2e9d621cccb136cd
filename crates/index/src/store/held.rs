//! A commit that stands still for as long as a test wants it to.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

/// The doors that commits stand before, by the folders that they are written in.
static DOORS: LazyLock<Mutex<HashMap<PathBuf, Door>>> = LazyLock::new(Mutex::default);

#[derive(Clone)]
struct Door {
    came: Sender<()>,
    /// Ends when the door is opened.
    opened: Arc<Mutex<Receiver<()>>>,
}

/// A closed door. It is opened when this is dropped.
pub(crate) struct Held {
    folder: PathBuf,
    came: Receiver<()>,
    _open: Sender<()>,
}

impl Held {
    /// Closes the door for the index in a place.
    pub(crate) fn at(place: &Path) -> Self {
        let folder = place.canonicalize().unwrap().join("contents");
        let (came, has_come) = channel();
        let (open, opened) = channel();
        let opened = Arc::new(Mutex::new(opened));
        let door = Door { came, opened };
        DOORS.lock().unwrap().insert(folder.clone(), door);
        Self {
            folder,
            came: has_come,
            _open: open,
        }
    }

    /// Waits until a commit stands before the door.
    pub(crate) fn wait(&self, limit: Duration) {
        self.came.recv_timeout(limit).unwrap();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        DOORS.lock().unwrap().remove(&self.folder);
    }
}

/// A commit is about to be written.
pub(super) fn pass(folder: &Path) {
    let door = DOORS.lock().unwrap().get(folder).cloned();
    if let Some(Door { came, opened }) = door {
        // Whoever held it may have gone, and then nothing is waited for.
        let _ = came.send(());
        let _ = opened.lock().unwrap().recv();
    }
}
