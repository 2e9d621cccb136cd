//! The index of a folder: the same answers as a scan, whatever happens to the folder or to the index.

mod damage;
mod gone;
mod killed;
mod model;
mod odd_files;
mod progress;
mod sharing;

use crate::folder::{Folder, pattern};
use kerf_index::{Change, GrepQuery, Grepped, Index, Known, Mode, Query, Status, Wanted};
use kerf_workspace::{RelPath, Workspace};
use rstest::rstest;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};
use tempfile::TempDir;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// An index with a place of its own.
pub(crate) struct Indexed {
    pub(crate) index: Index,
    pub(crate) place: TempDir,
}

impl Indexed {
    pub(crate) fn of(folder: &Folder) -> Self {
        let place = tempfile::tempdir().unwrap();
        let index = open(&folder.workspace(), place.path());
        Self { index, place }
    }

    /// Ends the index and opens it again.
    pub(crate) fn reopen(self, folder: &Folder) -> Self {
        let Self { index, place } = self;
        drop(index);
        let index = open(&folder.workspace(), place.path());
        Self { index, place }
    }
}

/// Opens an index and waits until it is built.
pub(crate) fn open(workspace: &Workspace, place: &Path) -> Index {
    let index = Index::open(workspace.clone(), place, |_| {});
    wait(&index);
    index
}

pub(crate) fn wait(index: &Index) -> Status {
    let is_done = index.wait(Instant::now() + LONG);
    assert!(is_done, "the index takes too long");
    index.status()
}

pub(crate) fn grep(index: &Index, query: &GrepQuery) -> Grepped {
    index.grep(query, &AtomicBool::new(false)).unwrap()
}

/// Asserts that the index finds what a scan finds.
#[track_caller]
pub(crate) fn same(folder: &Folder, index: &Index, query: &GrepQuery) -> Grepped {
    let found = grep(index, query);
    assert_eq!(found, folder.grep(query), "{query:?}");
    found
}

/// Gives every file a time of change that is old enough to be trusted.
pub(crate) fn age(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            age(&entry.path());
        } else if kind.is_file() {
            let old = SystemTime::now() - Duration::from_secs(100);
            File::options()
                .write(true)
                .open(entry.path())
                .unwrap()
                .set_modified(old)
                .unwrap();
        }
    }
}

pub(crate) fn some_files(count: usize) -> Folder {
    let folder = Folder::new(&[]);
    for n in 0..count {
        let text = format!("file number {n}\nfn name_{n}() {{ shared(); }}\n");
        folder.write(&format!("src/{}/f{n}.rs", n % 7), text.as_bytes());
    }
    folder
}

#[test]
fn only_files_that_may_match_are_looked_into() {
    let folder = some_files(50);
    let indexed = Indexed::of(&folder);
    assert_eq!(
        same(&folder, &indexed.index, &pattern(r"name_3\(")).total,
        1
    );
    assert_eq!(same(&folder, &indexed.index, &pattern("shared")).total, 50);
    // What is not looked into again still says what it said when the index read it.
    let secret = folder.path().join("src/1/f1.rs");
    let stamp = fs::metadata(&secret).unwrap().modified().unwrap();
    fs::write(&secret, "secret").unwrap();
    File::options()
        .write(true)
        .open(&secret)
        .unwrap()
        .set_modified(stamp)
        .unwrap();
    assert_eq!(
        grep(&indexed.index, &pattern("secret")).total,
        0,
        "nobody told of it"
    );
    indexed
        .index
        .changed(Change::Paths(vec![crate::folder::rel("src/1/f1.rs")]));
    assert_eq!(same(&folder, &indexed.index, &pattern("secret")).total, 1);
}

#[rstest]
fn who_may_have_missed_something_has_the_folder_looked_at_before_the_answer(
    #[values(Mode::Words, Mode::Exact, Mode::Symbol, Mode::Path)] mode: Mode,
) {
    let folder = some_files(20);
    age(folder.path());
    let indexed = Indexed::of(&folder);
    let missed = Arc::new(AtomicBool::new(false));
    indexed.index.ask_first({
        let missed = Arc::clone(&missed);
        move || missed.swap(false, Ordering::SeqCst)
    });
    let known = Known::all();
    let query = Query::parse("giraffe", mode, &known).unwrap();
    let wanted = Wanted {
        query: &query,
        limit: 10,
        recent: &[],
        hidden: false,
        ignore_case: false,
    };
    let found = || {
        let cancel = AtomicBool::new(false);
        let answer = indexed.index.search(&wanted, &cancel).unwrap();
        let paths = answer.hits.iter().map(|hit| hit.path.to_string());
        paths.collect::<Vec<_>>()
    };
    folder.write("giraffe.rs", b"fn giraffe() {}\n");
    assert_eq!(found(), [""; 0], "nobody told of it");
    missed.store(true, Ordering::SeqCst);
    assert_eq!(found(), ["giraffe.rs"]);
    // Its own thread takes it in as well.
    assert_eq!(wait(&indexed.index).files, 21);
    assert_eq!(found(), ["giraffe.rs"]);
}

#[test]
fn an_unchanged_folder_is_not_read_again() {
    let folder = some_files(300);
    age(folder.path());
    let indexed = Indexed::of(&folder);
    assert_eq!(indexed.index.status().contents_read, 300);
    let indexed = indexed.reopen(&folder);
    let status = wait(&indexed.index);
    assert_eq!(
        (status.contents_read, status.files, status.contents),
        (0, 300, 300)
    );
    assert_eq!(same(&folder, &indexed.index, &pattern("name_77")).total, 1);
    // Everything may have changed, and nothing has.
    indexed.index.changed(Change::Everything);
    assert_eq!(wait(&indexed.index).contents_read, 0);
    folder.write("src/0/f0.rs", b"changed");
    let indexed = indexed.reopen(&folder);
    assert_eq!(wait(&indexed.index).contents_read, 1);
    assert_eq!(same(&folder, &indexed.index, &pattern("changed")).total, 1);
}

#[test]
fn a_file_changed_right_after_it_was_read_is_read_again() {
    let folder = some_files(3);
    let indexed = Indexed::of(&folder);
    let before = wait(&indexed.index).contents_read;
    indexed.index.changed(Change::Everything);
    assert_eq!(
        wait(&indexed.index).contents_read,
        before + 3,
        "their stamps are too young to be trusted"
    );
}

#[test]
fn a_branch_that_was_seen_before_is_not_indexed_again() {
    let folder = some_files(200);
    age(folder.path());
    let indexed = Indexed::of(&folder);
    let switch = |to: &str| {
        for n in 0..100 {
            folder.write(
                &format!("src/{}/f{n}.rs", n % 7),
                format!("{to} {n}\n").as_bytes(),
            );
        }
        age(folder.path());
        indexed.index.changed(Change::Everything);
        wait(&indexed.index).contents
    };
    assert_eq!(switch("branch"), 300);
    assert_eq!(switch("other"), 400);
    assert_eq!(switch("branch"), 400, "nothing new");
    assert_eq!(same(&folder, &indexed.index, &pattern("other")).total, 0);
    assert_eq!(
        same(&folder, &indexed.index, &pattern("branch 5\\d")).total,
        10
    );
}

#[test]
fn contents_that_nobody_has_are_removed() {
    let folder = some_files(300);
    let indexed = Indexed::of(&folder);
    for n in 0..200 {
        fs::remove_file(folder.path().join(format!("src/{}/f{n}.rs", n % 7))).unwrap();
    }
    folder.write("new", b"x");
    // The saved listing still refers to them, until the index has ended and saved another.
    indexed.index.changed(Change::Everything);
    wait(&indexed.index);
    let indexed = indexed.reopen(&folder);
    folder.write("newer", b"y");
    indexed.index.changed(Change::Everything);
    assert_eq!(wait(&indexed.index).contents, 102);
    assert_eq!(same(&folder, &indexed.index, &pattern("shared")).total, 100);
}

#[test]
fn files_are_listed_with_what_was_told() {
    let folder = some_files(3);
    folder.write(".gitignore", b"*.log\n");
    let indexed = Indexed::of(&folder);
    folder.write("new/deep/x", b"");
    folder.write("src/0/y.log", b"");
    folder.write("src/0/z", b"");
    let told = ["new/deep", "src/0/y.log", "src/0/z"].map(crate::folder::rel);
    indexed.index.changed(Change::Paths(told.to_vec()));
    let query = Query::parse("path:*", Mode::Path, &Known::all()).unwrap();
    let wanted = Wanted {
        query: &query,
        limit: 50,
        recent: &[],
        hidden: true,
        ignore_case: false,
    };
    let answer = indexed.index.search(&wanted, &AtomicBool::new(false));
    let hits = answer.unwrap().hits;
    let names: BTreeSet<_> = hits.iter().map(|hit| hit.path.to_string()).collect();
    assert_eq!(
        names.iter().map(String::as_str).collect::<Vec<_>>(),
        [
            ".gitignore",
            "new/deep/x",
            "src/0/f0.rs",
            "src/0/z",
            "src/1/f1.rs",
            "src/2/f2.rs"
        ]
    );
}

#[test]
fn its_own_place_is_not_indexed() {
    let folder = some_files(5);
    let index = open(&folder.workspace(), &folder.path().join("data/index"));
    index.changed(Change::Paths(vec![crate::folder::rel(
        "data/index/contents/kerf-version",
    )]));
    index.changed(Change::Everything);
    let status = wait(&index);
    assert_eq!(status.files, 5);
    assert_eq!(grep(&index, &pattern("kerf index")).total, 0);
    assert_eq!(grep(&index, &pattern("shared")).total, 5);
}

#[test]
fn a_rebuilt_index_is_a_new_one() {
    let folder = some_files(20);
    let indexed = Indexed::of(&folder);
    let before = wait(&indexed.index).contents_read;
    indexed.index.rebuild();
    same(&folder, &indexed.index, &pattern("shared"));
    let status = wait(&indexed.index);
    assert_eq!((status.contents, status.contents_read), (20, before + 20));
    same(&folder, &indexed.index, &pattern("name_7"));
}

#[test]
fn hidden_files_are_searched_when_asked_for() {
    let folder = Folder::new(&[
        ("a", b"hello"),
        (".b", b"hello"),
        (".c/d", b"hello"),
        ("e/.f", b"hello"),
    ]);
    let indexed = Indexed::of(&folder);
    let count = |under: &str, hidden| {
        let under = if under.is_empty() {
            RelPath::root()
        } else {
            crate::folder::rel(under)
        };
        same(
            &folder,
            &indexed.index,
            &GrepQuery {
                under,
                hidden,
                ..pattern("hello")
            },
        )
        .total
    };
    assert_eq!((count("", true), count("", false)), (4, 1));
    assert_eq!(
        (count(".c", false), count("e", false), count(".b", false)),
        (1, 0, 1)
    );
}
