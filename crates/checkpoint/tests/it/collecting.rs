//! Collections: what is named or stored meanwhile stays, everything else goes, whoever else is at work.

use crate::rig::is_missing;
use kerf_checkpoint::{Blobs, Hash, Marks};
use proptest::prelude::*;
use std::{
    collections::{BTreeSet, HashSet},
    fs,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

fn store() -> (tempfile::TempDir, Arc<Blobs>) {
    let temp = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&temp.path().join("blobs")).unwrap();
    (temp, Arc::new(blobs))
}

fn marks(blobs: &Blobs, named: impl IntoIterator<Item = Hash>) -> Marks {
    let mut marks = Marks::of(blobs).unwrap();
    for hash in named {
        marks.insert(hash);
    }
    marks
}

fn go_on() -> AtomicBool {
    AtomicBool::new(false)
}

#[test]
fn what_nothing_names_goes() {
    let (_temp, blobs) = store();
    let hashes = blobs
        .put_all([&b"named"[..], b"not named", b"neither"])
        .unwrap();
    let whole = blobs.size().unwrap();
    let collection = blobs.begin_collection().unwrap().unwrap();
    let marks = marks(&blobs, [hashes[0], Hash::of(b"not there at all")]);
    let swept = collection.sweep(&marks, &go_on()).unwrap();
    assert_eq!(swept.blobs, 2);
    assert_eq!(blobs.get(&hashes[0]).unwrap(), b"named");
    assert!(is_missing(blobs.get(&hashes[1]), hashes[1]));
    assert!(is_missing(blobs.get(&hashes[2]), hashes[2]));
    assert_eq!(blobs.size().unwrap(), marks.bytes());
    assert_eq!(whole, marks.bytes() + swept.bytes);
    // What went can come again.
    assert_eq!(blobs.put(b"neither").unwrap(), hashes[2]);
    assert_eq!(blobs.get(&hashes[2]).unwrap(), b"neither");
}

/// A store that another process opened is another value over the same folder.
#[test]
fn what_another_process_stores_or_finds_meanwhile_stays() {
    let (_temp, blobs) = store();
    let other = Arc::new(Blobs::open(blobs.dir()).unwrap());
    let there = blobs.put(b"there already").unwrap();
    let gone = blobs.put(b"nobody wants it").unwrap();

    let collection = blobs.begin_collection().unwrap().unwrap();
    let marks = marks(&blobs, []);
    assert!(
        other.begin_collection().unwrap().is_none(),
        "one collects at a time"
    );
    assert_eq!(other.put(b"there already").unwrap(), there);
    let new = other.put(b"new").unwrap();
    collection.sweep(&marks, &go_on()).unwrap();

    assert_eq!(other.get(&there).unwrap(), b"there already");
    assert_eq!(other.get(&new).unwrap(), b"new");
    assert!(!other.has(&gone));
    // It counted for that collection only.
    let collection = other.begin_collection().unwrap().unwrap();
    assert_eq!(collection.sweep(&marks, &go_on()).unwrap().blobs, 2);
}

#[test]
fn a_collection_that_ends_early_has_removed_nothing_that_was_named() {
    let (_temp, blobs) = store();
    let named = blobs.put(b"named").unwrap();
    let unnamed = blobs.put(b"unnamed").unwrap();
    // Dropped, as by a kill; then stopped by the caller.
    drop(blobs.begin_collection().unwrap().unwrap());
    let collection = blobs.begin_collection().unwrap().unwrap();
    let stop = AtomicBool::new(true);
    let marks = marks(&blobs, [named]);
    assert_eq!(collection.sweep(&marks, &stop).unwrap().blobs, 0);
    assert!(blobs.has(&named) && blobs.has(&unnamed));
    // What a killed one leaves behind is emptied by the next.
    fs::write(blobs.dir().join("meanwhile"), unnamed.as_bytes()).unwrap();
    let collection = blobs.begin_collection().unwrap().unwrap();
    assert_eq!(collection.sweep(&marks, &go_on()).unwrap().blobs, 1);
    assert!(!blobs.dir().join("meanwhile").exists());
}

#[test]
fn files_of_others_in_the_folder_stay() {
    let (_temp, blobs) = store();
    for name in ["ab", "new"] {
        fs::create_dir_all(blobs.dir().join(name)).unwrap();
    }
    for name in ["README", "ab/README", "new/blob-of-now"] {
        fs::write(blobs.dir().join(name), "x").unwrap();
    }
    let collection = blobs.begin_collection().unwrap().unwrap();
    collection.sweep(&marks(&blobs, []), &go_on()).unwrap();
    for name in ["README", "ab/README", "new/blob-of-now"] {
        assert!(blobs.dir().join(name).exists(), "{name}");
    }
}

/// Threads with stores of their own store contents and name them, and let go of others, while one thread collects over and
/// over. The lock is what the engine has: a collection does not begin between storing and naming.
#[test]
fn nothing_that_is_named_is_ever_missing() {
    const CONTENTS: u64 = 40;
    let (_temp, blobs) = store();
    let named: Mutex<HashSet<Hash>> = Mutex::default();
    let between = RwLock::new(());
    let (over, swept) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..3_u64)
            .map(|worker| {
                let (named, between, blobs) = (&named, &between, &blobs);
                scope.spawn(move || {
                    let own = Blobs::open(blobs.dir()).unwrap();
                    let mut state = worker + 1;
                    for _ in 0..300 {
                        state = state
                            .wrapping_mul(6_364_136_223_846_793_005)
                            .wrapping_add(1);
                        let content = (state >> 33) % CONTENTS;
                        let _naming = between.read().unwrap();
                        if (state >> 20) & 3 == 0 {
                            let hash = Hash::of(&content.to_le_bytes());
                            named.lock().unwrap().remove(&hash);
                        } else {
                            let hash = own.put(&content.to_le_bytes()).unwrap();
                            named.lock().unwrap().insert(hash);
                        }
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let (collection, marks) = {
                    let _nobody = between.write().unwrap();
                    let collection = blobs.begin_collection().unwrap().unwrap();
                    let named = named.lock().unwrap().clone();
                    (collection, marks(&blobs, named))
                };
                let gone = collection.sweep(&marks, &AtomicBool::new(false)).unwrap();
                swept.fetch_add(gone.blobs, Ordering::Relaxed);
                let _nobody = between.write().unwrap();
                for hash in &*named.lock().unwrap() {
                    assert!(blobs.has(hash), "a content that is named is gone");
                }
            }
        });
        for worker in workers {
            worker.join().unwrap();
        }
        over.store(true, Ordering::Relaxed);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    /// Against a plain set: stored before, named, stored meanwhile.
    #[test]
    fn of_any_three_sets(
        before in prop::collection::btree_set(0..200_u32, 0..150),
        named in prop::collection::btree_set(0..200_u32, 0..100),
        meanwhile in prop::collection::btree_set(0..200_u32, 0..20),
    ) {
        let (_temp, blobs) = store();
        let hash = |content: &u32| Hash::of(&content.to_le_bytes());
        let bytes: Vec<[u8; 4]> = before.iter().map(|content| content.to_le_bytes()).collect();
        blobs.put_all(bytes.iter().map(|bytes| &bytes[..])).unwrap();
        let collection = blobs.begin_collection().unwrap().unwrap();
        for content in &meanwhile {
            blobs.put(&content.to_le_bytes()).unwrap();
        }
        let marks = marks(&blobs, named.iter().map(hash));
        collection.sweep(&marks, &go_on()).unwrap();
        let left: BTreeSet<u32> = (0..200).filter(|content| blobs.has(&hash(content))).collect();
        let stays: BTreeSet<u32> = before.intersection(&named).chain(&meanwhile).copied().collect();
        prop_assert_eq!(left, stays);
    }
}
