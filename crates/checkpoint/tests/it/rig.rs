//! A folder, a store beside it, and short names for what every test does.

use kerf_checkpoint::{
    Blobs, Changed, CheckpointError, Hash, Held, Known, Snapshot, Taken, changes, content, refresh,
    take,
};
use kerf_test_support::Fixture;
use kerf_workspace::{RelPath, Workspace};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, SystemTime},
};

pub(crate) struct Rig {
    pub(crate) folder: Fixture,
    pub(crate) ws: Workspace,
    pub(crate) blobs: Arc<Blobs>,
    _store: tempfile::TempDir,
}

/// A rig without git.
pub(crate) fn rig(text: &str) -> Rig {
    Rig::of(Fixture::new(text))
}

impl Rig {
    pub(crate) fn of(folder: Fixture) -> Self {
        let ws = folder.workspace();
        Self::over(folder, ws)
    }

    pub(crate) fn over(folder: Fixture, ws: Workspace) -> Self {
        let store = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&store.path().join("blobs")).unwrap();
        Self {
            folder,
            ws,
            blobs: Arc::new(blobs),
            _store: store,
        }
    }

    pub(crate) fn take(&self, previous: Option<&Snapshot>) -> Taken {
        self.look(previous, None)
    }

    pub(crate) fn take_knowing(&self, previous: Option<&Snapshot>, known: &Known<'_>) -> Taken {
        self.look(previous, Some(known))
    }

    fn look(&self, previous: Option<&Snapshot>, known: Option<&Known<'_>>) -> Taken {
        take(
            &self.ws,
            &self.blobs,
            previous,
            known,
            &AtomicBool::new(false),
        )
        .unwrap()
    }

    pub(crate) fn refresh(&self, previous: &Snapshot, paths: &[&str]) -> Snapshot {
        let paths: Vec<_> = paths.iter().map(|text| path(text)).collect();
        refresh(
            &self.ws,
            &self.blobs,
            previous,
            &paths,
            None,
            &AtomicBool::new(false),
        )
        .unwrap()
    }

    /// Writes a file that was modified an hour ago, so that its stamp proves something.
    pub(crate) fn write_old(&self, path: &str, bytes: &[u8]) {
        self.folder.write(path, bytes);
        self.age(path);
    }

    pub(crate) fn age(&self, path: &str) {
        set_modified(
            &self.folder.join(path),
            SystemTime::now() - Duration::from_secs(3600),
        );
    }

    pub(crate) fn bytes(&self, snapshot: &Snapshot, at: &str) -> Option<Vec<u8>> {
        content(&snapshot.files[&path(at)], &self.blobs, &no_git).unwrap()
    }
}

pub(crate) fn no_git(_: &str) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    Err("there is no git here".into())
}

pub(crate) fn path(text: &str) -> RelPath {
    RelPath::new(Path::new(text)).unwrap()
}

pub(crate) fn set_modified(path: &Path, at: SystemTime) {
    fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(at)
        .unwrap();
}

/// `+path`, `-path`, `~path`, one a change.
pub(crate) fn summary(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let mark = |changed: &Changed| match (&changed.before, &changed.after) {
        (None, Some(_)) => '+',
        (Some(_), None) => '-',
        _ => '~',
    };
    changes(before, after)
        .iter()
        .map(|changed| format!("{}{}", mark(changed), changed.path))
        .collect()
}

pub(crate) fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot.files.keys().map(ToString::to_string).collect()
}

/// What a test compares snapshots with: the files as they are, by plain reading.
pub(crate) fn plainly(folder: &Path) -> BTreeMap<String, Plain> {
    fn collect(folder: &Path, at: &Path, found: &mut BTreeMap<String, Plain>) {
        for entry in fs::read_dir(folder.join(at)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name() == ".git" {
                continue;
            }
            let path = at.join(entry.file_name());
            let metadata = entry.metadata().unwrap();
            let name = path.to_str().unwrap().to_owned();
            if metadata.is_dir() {
                collect(folder, &path, found);
            } else if metadata.is_symlink() {
                let target = fs::read_link(entry.path()).unwrap();
                found.insert(name, Plain::Link(target.to_str().unwrap().to_owned()));
            } else {
                #[cfg(unix)]
                let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
                #[cfg(not(unix))]
                let mode = 0;
                found.insert(name, Plain::File(fs::read(entry.path()).unwrap(), mode));
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(folder, Path::new(""), &mut found);
    found
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plain {
    File(Vec<u8>, u32),
    Link(String),
}

impl Plain {
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::File(bytes, _) => Some(bytes),
            Self::Link(_) => None,
        }
    }

    /// Whether a snapshot holds this; `bytes` is what the snapshot's content is.
    pub(crate) fn is(&self, held: &Held, bytes: Option<&[u8]>) -> bool {
        match (self, held) {
            (
                Self::File(own, mode),
                Held::File {
                    mode: held_mode,
                    len,
                    ..
                },
            ) => {
                bytes == Some(own) && *len == own.len() as u64 && (*mode == 0 || mode == held_mode)
            }
            (Self::Link(own), Held::Link { target }) => target.to_str() == Some(own),
            _ => false,
        }
    }
}

pub(crate) fn is_missing(result: Result<Vec<u8>, CheckpointError>, hash: Hash) -> bool {
    matches!(result, Err(CheckpointError::Missing { hash: missing }) if missing == hash)
}
