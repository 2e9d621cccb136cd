//! Sets of writes: all or none, also when the disk changes or fails in between, and how they are shown.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use crate::tree;
use kerf_workspace::{
    Entry, FileWrite, Fs, FsError, RealFs, RelPath, Save, Stat, Workspace,
    write::{PutBack, unified_diff, write_all},
};
use rstest::rstest;
use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

fn path(text: &str) -> RelPath {
    RelPath::new(Path::new(text)).unwrap()
}

/// A write of a file as it is now on disk.
fn planned(ws: &Workspace, name: &str, after: Option<&str>) -> FileWrite {
    let path = path(name);
    let before = ws
        .fs()
        .stat(&path)
        .ok()
        .map(|stat| (stat.stamp(), ws.fs().read(&path, 1000).unwrap()));
    FileWrite {
        path,
        before,
        after: after.map(|text| text.as_bytes().to_vec()),
        mode: None,
    }
}

fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, BTreeMap<String, Vec<u8>>) {
    let dir = tempfile::tempdir().unwrap();
    let files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
        .collect();
    tree::write(dir.path(), &files);
    (dir, files)
}

/// A disk on which the save number `at`, counted from 1, does not succeed, after doing something else.
struct Failing {
    disk: RealFs,
    saves: AtomicUsize,
    at: usize,
    first: Box<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Failing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Failing")
    }
}

impl Fs for Failing {
    fn save(&self, path: &RelPath, bytes: &[u8], how: &Save) -> Result<Stat, FsError> {
        if self.saves.fetch_add(1, Ordering::Relaxed) + 1 == self.at {
            (self.first)();
            let source = std::io::Error::other("the disk is full");
            return Err(FsError::Io {
                path: path.clone(),
                action: "save",
                source,
            });
        }
        self.disk.save(path, bytes, how)
    }
    fn stat(&self, path: &RelPath) -> Result<Stat, FsError> {
        self.disk.stat(path)
    }
    fn read(&self, path: &RelPath, max_bytes: u64) -> Result<Vec<u8>, FsError> {
        self.disk.read(path, max_bytes)
    }
    fn read_link(&self, path: &RelPath) -> Result<PathBuf, FsError> {
        self.disk.read_link(path)
    }
    fn list(&self, dir: &RelPath) -> Result<Vec<Entry>, FsError> {
        self.disk.list(dir)
    }
    fn remove(&self, path: &RelPath) -> Result<(), FsError> {
        self.disk.remove(path)
    }
    fn remove_empty_dirs(&self, dir: &RelPath) -> Result<(), FsError> {
        self.disk.remove_empty_dirs(dir)
    }
    fn link(&self, path: &RelPath, target: &Path) -> Result<(), FsError> {
        self.disk.link(path, target)
    }
    fn rename(&self, from: &RelPath, to: &RelPath) -> Result<(), FsError> {
        self.disk.rename(from, to)
    }
}

fn failing(dir: &Path, at: usize, first: impl Fn() + Send + Sync + 'static) -> Workspace {
    let fs = Failing {
        disk: RealFs::open(dir).unwrap(),
        saves: AtomicUsize::new(0),
        at,
        first: Box::new(first),
    };
    Workspace::with_fs(dir.to_path_buf(), Arc::new(fs))
}

fn put_back(error: &FsError) -> &PutBack {
    let inner = error
        .source()
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .unwrap()
        .get_ref();
    inner.unwrap().downcast_ref().unwrap()
}

#[test]
fn writes_are_done() {
    let (dir, _) = folder(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let ws = Workspace::open(dir.path()).unwrap();
    let mut moved = planned(&ws, "new/d", Some("4"));
    moved.mode = Some(0o700);
    write_all(
        &ws,
        &[
            planned(&ws, "a", Some("changed")),
            planned(&ws, "b", None),
            moved,
        ],
    )
    .unwrap();
    let wanted = [("a", "changed"), ("c", "3"), ("new/d", "4")];
    let wanted: BTreeMap<_, _> = wanted
        .iter()
        .map(|(p, t)| ((*p).to_owned(), t.as_bytes().to_vec()))
        .collect();
    assert_eq!(tree::read(dir.path()), wanted);
    #[cfg(unix)]
    assert_eq!(ws.fs().stat(&path("new/d")).unwrap().mode, 0o700);
}

/// A file that is not as it was read stops everything before the first write.
#[rstest]
#[case::changed("b", Some("other"))]
#[case::gone("b", None)]
#[case::came_up("new", Some("other"))]
fn a_changed_file_stops_all_writes(#[case] name: &str, #[case] now: Option<&str>) {
    let (dir, _) = folder(&[("a", "1"), ("b", "2")]);
    let ws = Workspace::open(dir.path()).unwrap();
    let writes = [
        planned(&ws, "a", Some("changed")),
        planned(&ws, "b", None),
        planned(&ws, "new", Some("n")),
    ];
    match now {
        Some(text) => fs::write(dir.path().join(name), text).unwrap(),
        None => fs::remove_file(dir.path().join(name)).unwrap(),
    }
    let found = tree::read(dir.path());
    let error = write_all(&ws, &writes).unwrap_err();
    assert!(
        matches!(&error, FsError::Conflict { path: p } if *p == path(name)),
        "{error}"
    );
    assert_eq!(tree::read(dir.path()), found);
}

#[test]
fn a_failure_in_the_middle_puts_everything_back() {
    let (dir, before) = folder(&[("a", "1"), ("b", "2"), ("c", "3"), ("sub/x", "x")]);
    #[cfg(unix)]
    fs::set_permissions(
        dir.path().join("b"),
        std::os::unix::fs::PermissionsExt::from_mode(0o640),
    )
    .unwrap();
    let ws = failing(dir.path(), 4, || {});
    let mut with_mode = planned(&ws, "a", Some("changed"));
    with_mode.mode = Some(0o600);
    let writes = [
        with_mode,
        planned(&ws, "b", None),
        planned(&ws, "new/deep/d", Some("4")),
        planned(&ws, "sub/more/e", Some("5")),
        planned(&ws, "c", Some("changed")),
    ];
    let error = write_all(&ws, &writes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot write the whole set of changes; the failure was at `c`: cannot save `c`: the disk is full; \
         what was already written has been put back"
    );
    assert!(put_back(&error).left.is_empty());
    assert_eq!(tree::read(dir.path()), before);
    assert!(
        !dir.path().join("new").exists(),
        "a folder made for a new file goes with it"
    );
    #[cfg(unix)]
    for (name, mode) in [("a", 0o644), ("b", 0o640)] {
        assert_eq!(
            ws.fs().stat(&path(name)).unwrap().mode,
            mode,
            "{name} has its own mode again"
        );
    }
}

#[test]
fn an_empty_folder_that_was_there_stays() {
    let (dir, _) = folder(&[("a", "1")]);
    fs::create_dir(dir.path().join("empty")).unwrap();
    let ws = failing(dir.path(), 2, || {});
    let writes = [
        planned(&ws, "empty/x/y", Some("4")),
        planned(&ws, "a", Some("2")),
    ];
    write_all(&ws, &writes).unwrap_err();
    assert!(dir.path().join("empty").exists());
    assert!(!dir.path().join("empty/x/y").exists());
}

/// What someone else wrote in the meantime is not overwritten, not even to put things back.
#[test]
fn a_file_changed_in_the_middle_is_left_and_named() {
    let (dir, _) = folder(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let (a, n) = (dir.path().join("a"), dir.path().join("n"));
    let ws = failing(dir.path(), 3, move || {
        fs::write(&a, "by the user").unwrap();
        fs::write(&n, "by the user too").unwrap();
    });
    let writes = [
        planned(&ws, "a", Some("changed")),
        planned(&ws, "n", Some("new")),
        planned(&ws, "c", Some("changed")),
    ];
    let error = write_all(&ws, &writes).unwrap_err();
    assert_eq!(put_back(&error).left, [path("n"), path("a")]);
    assert!(
        error
            .to_string()
            .ends_with("could not be and hold the new content: `n`, `a`"),
        "{error}"
    );
    let found = tree::read(dir.path());
    assert_eq!(found["a"], b"by the user");
    assert_eq!(found["n"], b"by the user too");
    assert_eq!(found["c"], b"3");
}

#[test]
fn a_first_write_that_fails_is_a_plain_error() {
    let (dir, before) = folder(&[("a", "1"), ("b", "2")]);
    let ws = failing(dir.path(), 1, || {});
    let error = write_all(
        &ws,
        &[planned(&ws, "a", Some("changed")), planned(&ws, "b", None)],
    )
    .unwrap_err();
    assert_eq!(error.to_string(), "cannot save `a`: the disk is full");
    assert_eq!(tree::read(dir.path()), before);
}

fn diff_of(name: &str, before: Option<&[u8]>, after: Option<&[u8]>) -> String {
    let stamp = kerf_workspace::Stamp {
        len: 0,
        mtime_ns: 0,
        ino: 0,
    };
    let before = before.map(|bytes| (stamp, bytes.to_vec()));
    unified_diff(&[FileWrite {
        path: path(name),
        before,
        after: after.map(<[u8]>::to_vec),
        mode: None,
    }])
}

#[rstest]
#[case::nothing(Some(b"a\n".as_slice()), Some(b"a\n".as_slice()), "")]
#[case::new(None, Some(b"a\nb\n".as_slice()), "--- /dev/null\n+++ b/f\n@@ -0,0 +1,2 @@\n+a\n+b\n")]
#[case::deleted(Some(b"a\n".as_slice()), None, "--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n")]
#[case::new_and_empty(None, Some(b"".as_slice()), "--- /dev/null\n+++ b/f\n")]
#[case::context(
    Some(b"1\n2\n3\n4\n5\n6\n7\n8\n9\n".as_slice()), Some(b"1\n2\n3\n4\n5!\n6\n7\n8\n9\n".as_slice()),
    "--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+5!\n 6\n 7\n 8\n"
)]
#[case::no_final_newline(
    Some(b"a\nb".as_slice()), Some(b"a\nb\n".as_slice()),
    "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"
)]
#[case::utf16(
    Some(b"\xFF\xFEa\0\n\0".as_slice()), Some(b"\xFF\xFEb\0\n\0".as_slice()),
    "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n"
)]
#[case::encoding(
    Some(b"a\n".as_slice()), Some(b"\xEF\xBB\xBFa\n".as_slice()),
    "--- a/f\n+++ b/f\nEncoding changed from UTF-8 to UTF-8 with byte order mark\n"
)]
#[case::binary(Some(b"a\0".as_slice()), Some(b"b\n".as_slice()), "Binary files a/f and b/f differ\n")]
#[case::new_binary(None, Some(b"\0\0".as_slice()), "Binary files /dev/null and b/f differ\n")]
fn diffs(#[case] before: Option<&[u8]>, #[case] after: Option<&[u8]>, #[case] diff: &str) {
    assert_eq!(diff_of("f", before, after), diff);
}
