//! Folders that share a place.

use super::{age, grep, open, same, some_files, wait};
use crate::folder::{Folder, pattern};
use kerf_index::{Change, Phase};

#[test]
fn worktrees_share_contents_and_nothing_leaks() {
    let place = tempfile::tempdir().unwrap();
    let one = some_files(50);
    let other = some_files(50);
    one.write("only-here", b"secret of one\n");
    other.write("only-there", b"secret of other\n");
    let first = open(&one.workspace(), place.path());
    let second = open(&other.workspace(), place.path());
    assert_eq!(wait(&second).contents, 52, "the same contents once");
    for (folder, index, own) in [(&one, &first, "of one"), (&other, &second, "of other")] {
        assert_eq!(same(folder, index, &pattern("shared")).total, 50);
        let secrets = same(folder, index, &pattern("secret"));
        assert_eq!(secrets.total, 1);
        assert!(secrets.found[0].text.ends_with(own));
    }
}

#[test]
fn what_another_folder_has_is_no_garbage() {
    let place = tempfile::tempdir().unwrap();
    let one = some_files(300);
    age(one.path());
    drop(open(&one.workspace(), place.path()));
    let other = Folder::new(&[("a", b"a")]);
    let index = open(&other.workspace(), place.path());
    other.write("b", b"b");
    index.changed(Change::Everything);
    assert_eq!(wait(&index).contents, 302);
    drop(index);
    let index = open(&one.workspace(), place.path());
    assert_eq!(wait(&index).contents_read, 0);
    same(&one, &index, &pattern("name_200"));
}

#[test]
fn a_place_that_another_process_writes_is_read() {
    let place = tempfile::tempdir().unwrap();
    let one = some_files(30);
    age(one.path());
    drop(open(&one.workspace(), place.path()));
    // The lock of another open file counts as that of another process.
    let lock = std::fs::File::open(place.path().join("writer.lock")).unwrap();
    lock.lock().unwrap();
    let index = open(&one.workspace(), place.path());
    let status = wait(&index);
    assert_eq!(
        (status.writable, status.contents, status.contents_read),
        (false, 30, 0)
    );
    assert_eq!(status.state, Phase::Ready);
    one.write("new", b"shared news\n");
    index.changed(Change::Paths(vec![crate::folder::rel("new")]));
    assert_eq!(same(&one, &index, &pattern("shared")).total, 31);
    assert_eq!(wait(&index).contents, 30);
    assert_eq!(grep(&index, &pattern("news")).total, 1);
    drop(lock);
    index.changed(Change::Everything);
    let status = wait(&index);
    assert_eq!(
        (status.writable, status.contents),
        (true, 31),
        "it writes once the other one has ended"
    );
    same(&one, &index, &pattern("news"));
}
