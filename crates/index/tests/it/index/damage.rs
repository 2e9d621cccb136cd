//! An index on disk that is not as it was written: never a wrong answer, and a new index.

use super::{Indexed, age, open, same, some_files, wait};
use crate::folder::pattern;
use std::{
    fs,
    path::{Path, PathBuf},
};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn damage_of_any_file_is_found() {
    let folder = some_files(40);
    age(folder.path());
    let good = Indexed::of(&folder);
    // More than one segment, and deletions.
    folder.write("more", b"more");
    good.index.changed(kerf_index::Change::Everything);
    wait(&good.index);
    let Indexed { index, place: good } = good;
    drop(index);
    let mut all = Vec::new();
    files(good.path(), &mut all);
    assert!(all.len() > 8, "{all:?}");
    for file in all {
        let name = file.strip_prefix(good.path()).unwrap();
        let bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        let flipped = |at: usize| {
            let mut bytes = bytes.clone();
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 0x10;
            }
            bytes
        };
        let damages = [
            Some(Vec::new()),
            Some(bytes[..middle].to_vec()),
            Some(bytes[..bytes.len().saturating_sub(1)].to_vec()),
            Some(flipped(0)),
            Some(flipped(middle)),
            Some(flipped(bytes.len().saturating_sub(9))),
            Some(b"something else".to_vec()),
            None,
        ];
        for (number, damage) in damages.into_iter().enumerate() {
            let place = tempfile::tempdir().unwrap();
            copy(good.path(), place.path());
            match damage {
                Some(bytes) => fs::write(place.path().join(name), bytes).unwrap(),
                None => fs::remove_file(place.path().join(name)).unwrap(),
            }
            let index = open(&folder.workspace(), place.path());
            for text in ["shared", "name_1", "more", "file number 3"] {
                same(&folder, &index, &pattern(text));
            }
            let status = wait(&index);
            assert_eq!(status.contents, 41, "{name:?} with damage {number}");
            assert!(status.writable, "{name:?} with damage {number}");
            same(&folder, &index, &pattern("name_1"));
        }
    }
}

#[test]
fn what_another_version_made_is_set_aside_and_removed() {
    let folder = some_files(10);
    let indexed = Indexed::of(&folder);
    let Indexed { index, place } = indexed;
    drop(index);
    fs::write(
        place.path().join("contents/kerf-version"),
        "kerf index\nschema 0\n",
    )
    .unwrap();
    fs::create_dir(place.path().join("contents.0.aside")).unwrap();
    let index = open(&folder.workspace(), place.path());
    assert_eq!(wait(&index).contents, 10);
    let names: Vec<_> = fs::read_dir(place.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 3, "contents, folders and the lock: {names:?}");
}
