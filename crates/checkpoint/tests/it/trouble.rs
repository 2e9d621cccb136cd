//! Files that change while they are read, cannot be read, or are no files; and who stops halfway.

use crate::rig::{Rig, names, path, rig, summary};
use kerf_checkpoint::{CheckpointError, take};
use kerf_test_support::{Fixture, MemFs};
use kerf_workspace::{Entry, Fs, FsError, RelPath, Save, Stat, Workspace};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// A file system in memory in which another program is at work.
#[derive(Debug, Default)]
struct Busy {
    mem: MemFs,
    /// Changes this file after so many of its next reads.
    writes: AtomicUsize,
    written: Option<&'static str>,
    /// Neither this path nor anything beneath it can be read.
    blocked: AtomicBool,
    block: Option<&'static str>,
    /// Set at the first read.
    cancel: Option<Arc<AtomicBool>>,
}

impl Busy {
    fn check(&self, path: &RelPath) -> Result<(), FsError> {
        let is_blocked = self
            .block
            .is_some_and(|block| path.starts_with(&crate::rig::path(block)));
        if is_blocked && self.blocked.load(Ordering::Relaxed) {
            return Err(FsError::Io {
                path: path.clone(),
                action: "read",
                source: io::ErrorKind::PermissionDenied.into(),
            });
        }
        Ok(())
    }
}

impl Fs for Busy {
    fn stat(&self, path: &RelPath) -> Result<Stat, FsError> {
        self.mem.stat(path)
    }
    fn read(&self, path: &RelPath, max_bytes: u64) -> Result<Vec<u8>, FsError> {
        self.check(path)?;
        if let Some(cancel) = &self.cancel {
            cancel.store(true, Ordering::Relaxed);
        }
        let bytes = self.mem.read(path, max_bytes);
        if self
            .written
            .is_some_and(|written| *path == crate::rig::path(written))
        {
            let left = self.writes.load(Ordering::Relaxed);
            if left > 0 {
                self.writes.store(left - 1, Ordering::Relaxed);
                self.mem
                    .user_writes(&path.to_string(), format!("{left} to go"));
            }
        }
        bytes
    }
    fn read_link(&self, path: &RelPath) -> Result<PathBuf, FsError> {
        self.mem.read_link(path)
    }
    fn list(&self, dir: &RelPath) -> Result<Vec<Entry>, FsError> {
        self.check(dir)?;
        self.mem.list(dir)
    }
    fn save(&self, path: &RelPath, bytes: &[u8], how: &Save) -> Result<Stat, FsError> {
        self.mem.save(path, bytes, how)
    }
    fn remove(&self, path: &RelPath) -> Result<(), FsError> {
        self.mem.remove(path)
    }
    fn remove_empty_dirs(&self, dir: &RelPath) -> Result<(), FsError> {
        self.mem.remove_empty_dirs(dir)
    }
    fn link(&self, path: &RelPath, target: &Path) -> Result<(), FsError> {
        self.mem.link(path, target)
    }
    fn rename(&self, from: &RelPath, to: &RelPath) -> Result<(), FsError> {
        self.mem.rename(from, to)
    }
}

fn over(busy: &Arc<Busy>) -> Rig {
    let ws = Workspace::with_fs("/mem".into(), Arc::clone(busy) as Arc<dyn Fs>);
    Rig::over(Fixture::new(""), ws)
}

#[test]
fn a_file_that_changes_while_it_is_read_is_read_again() {
    let busy = Arc::new(Busy {
        mem: MemFs::new("//- /log\nfirst\n//- /calm\nx\n"),
        writes: AtomicUsize::new(1),
        written: Some("log"),
        ..Busy::default()
    });
    let rig = over(&busy);
    let first = rig.take(None);
    assert_eq!(first.excluded, []);
    assert_eq!(rig.bytes(&first.snapshot, "log").unwrap(), b"1 to go");

    busy.writes.store(usize::MAX, Ordering::Relaxed);
    busy.mem.user_writes("log", "x");
    let second = rig.take(Some(&first.snapshot));
    assert_eq!(names(&second.snapshot), ["calm"]);
    assert_eq!(second.excluded[0].path, path("log"));
    assert!(
        second.excluded[0].reason.contains("changed"),
        "{:?}",
        second.excluded
    );
    assert_eq!(
        summary(&first.snapshot, &second.snapshot),
        [] as [&str; 0],
        "what could not be read is not deleted"
    );

    busy.writes.store(0, Ordering::Relaxed);
    let third = rig.take(Some(&second.snapshot));
    assert_eq!(names(&third.snapshot), ["calm", "log"]);
    assert_eq!(
        summary(&second.snapshot, &third.snapshot),
        [] as [&str; 0],
        "and what can be read again was not created: a reject would delete it"
    );
    assert_eq!(summary(&first.snapshot, &third.snapshot), ["~log"]);
}

#[test]
fn what_cannot_be_read_is_neither_deleted_nor_created() {
    for (block, is_there) in [
        ("dir", vec!["a"]),
        ("dir/sub", vec!["a", "dir/x"]),
        ("dir/x", vec!["a", "dir/sub/y"]),
    ] {
        let busy = Arc::new(Busy {
            mem: MemFs::new("//- /a\na\n//- /dir/x\nx\n//- /dir/sub/y\ny\n"),
            block: Some(block),
            ..Busy::default()
        });
        let rig = over(&busy);
        let before = rig.take(None).snapshot;
        busy.blocked.store(true, Ordering::Relaxed);
        for name in ["a", "dir/x", "dir/sub/y"] {
            busy.mem.user_writes(name, "changed");
        }
        let taken = rig.take(Some(&before));
        let during = taken.snapshot;
        assert_eq!(names(&during), is_there, "{block}");
        assert_eq!(taken.excluded.len(), 1);
        assert_eq!(taken.excluded[0].path, path(block));
        assert_eq!(during.excluded().keys().collect::<Vec<_>>(), [&path(block)]);
        let changed: Vec<_> = is_there.iter().map(|name| format!("~{name}")).collect();
        assert_eq!(summary(&before, &during), changed, "{block}");

        busy.blocked.store(false, Ordering::Relaxed);
        let after = rig.take(Some(&during)).snapshot;
        assert_eq!(summary(&during, &after), [] as [&str; 0], "{block}");
        assert_eq!(
            summary(&before, &after),
            ["~a", "~dir/sub/y", "~dir/x"],
            "{block}"
        );
        assert_eq!(rig.refresh(&during, &["dir"]).files, after.files, "{block}");
    }
}

#[test]
fn a_folder_that_cannot_be_listed_has_no_checkpoint() {
    let temp = tempfile::tempdir().unwrap();
    let gone = temp.path().join("gone");
    std::fs::create_dir(&gone).unwrap();
    let ws = Workspace::open(&gone).unwrap();
    let rig = Rig::over(Fixture::new(""), ws);
    let first = rig.take(None).snapshot;
    assert_eq!(names(&first), [] as [&str; 0]);
    std::fs::remove_dir(&gone).unwrap();
    match take(
        &rig.ws,
        &rig.blobs,
        Some(&first),
        None,
        &AtomicBool::new(false),
    ) {
        Err(CheckpointError::Folder { .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bad_ignore_rule_hides_nothing() {
    let rig = rig(
        "//- /.gitignore\n{bad\n*.log\n//- /sub/.gitignore\n[z-a]\n//- /sub/a\na\n//- /x.log\nx\n",
    );
    let first = rig.take(None);
    assert_eq!(
        names(&first.snapshot),
        [".gitignore", "sub/.gitignore", "sub/a"]
    );
    assert_eq!(first.excluded, []);
    rig.folder.write("sub/a", "changed");
    rig.folder.remove(".gitignore");
    let second = rig.take(Some(&first.snapshot)).snapshot;
    assert_eq!(
        summary(&first.snapshot, &second)[..2],
        ["-.gitignore", "~sub/a"]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn pipes_and_sockets_are_no_files() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let rig = rig("//- /a\na\n//- /was-file\nx\n");
    let pipe = |name: &str| {
        mknodat(CWD, rig.folder.join(name), FileType::Fifo, Mode::RUSR, 0).unwrap();
    };
    pipe("pipe");
    let _socket = std::os::unix::net::UnixListener::bind(rig.folder.join("socket")).unwrap();
    let first = rig.take(None);
    assert_eq!(names(&first.snapshot), ["a", "was-file"]);
    let excluded: Vec<_> = first
        .excluded
        .iter()
        .map(|excluded| excluded.path.to_string())
        .collect();
    assert_eq!(excluded, ["pipe", "socket"]);
    rig.folder.remove("pipe");
    rig.folder.write("pipe", "a file now");
    rig.folder.remove("was-file");
    pipe("was-file");
    let second = rig.take(Some(&first.snapshot));
    assert_eq!(
        summary(&first.snapshot, &second.snapshot),
        ["+pipe", "-was-file"]
    );
    assert_eq!(
        summary(
            &first.snapshot,
            &rig.refresh(&first.snapshot, &["pipe", "was-file"])
        ),
        ["+pipe", "-was-file"]
    );
}

#[test]
fn cancelling_keeps_nothing() {
    let rig = rig("//- /a\na\n");
    let cancelled = AtomicBool::new(true);
    assert!(matches!(
        take(&rig.ws, &rig.blobs, None, None, &cancelled),
        Err(CheckpointError::Cancelled)
    ));

    let mem = MemFs::new("//- /a\na\n//- /b\nb\n//- /c\nc\n");
    let cancel = Arc::new(AtomicBool::new(false));
    let busy = Arc::new(Busy {
        mem,
        cancel: Some(Arc::clone(&cancel)),
        ..Busy::default()
    });
    // A plain walk reads rule files only, of which there are none, so the flag is set by the first file.
    let rig = over(&busy);
    assert!(matches!(
        take(&rig.ws, &rig.blobs, None, None, &cancel),
        Err(CheckpointError::Cancelled)
    ));
    assert_eq!(rig.blobs.size().unwrap(), 0);
    assert_eq!(
        std::fs::read_dir(rig.blobs.dir().join("new"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn a_store_that_fails_gives_no_snapshot() {
    let rig = rig("//- /a\na\n");
    let shard = &kerf_checkpoint::Hash::of(b"a\n").to_string()[..2];
    std::fs::write(rig.blobs.dir().join(shard), "in the way").unwrap();
    assert!(matches!(
        take(&rig.ws, &rig.blobs, None, None, &AtomicBool::new(false)),
        Err(CheckpointError::Io { .. })
    ));
}
