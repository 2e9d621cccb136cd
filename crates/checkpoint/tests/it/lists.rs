//! Lists: every one reads back as what was kept, whoever wrote the ones before, at a cost that follows the change.

use crate::rig::{path, rig};
use kerf_checkpoint::{
    Content, Hash, Held, Lists, Marks, Snapshot, kept_copies, mark_list, needs, read_list,
};
use kerf_workspace::Stamp;
use proptest::prelude::*;
use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, atomic::AtomicBool},
};

fn no_git(_: &str) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    Err("there is no repository".into())
}

fn held(content: Content) -> Held {
    let stamp = Stamp {
        len: 1,
        mtime_ns: 1,
        ino: 1,
    };
    Held::File {
        content,
        len: 1,
        mode: 0o644,
        stamp,
    }
}

fn blob(text: &str) -> Held {
    held(Content::Blob(Hash::of(text.as_bytes())))
}

fn size(rig: &crate::rig::Rig, list: &Hash) -> usize {
    let name = list.to_string();
    let at = rig.blobs.dir().join(&name[..2]).join(&name[2..]);
    usize::try_from(fs::metadata(at).unwrap().len()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Each step changes some of a few files; now and then another process goes on.
    #[test]
    fn every_list_reads_back(steps in prop::collection::vec((prop::collection::vec((0..6_u8, 0..4_u8), 0..4), any::<bool>()), 1..90)) {
        let rig = rig("");
        let mut lists = Lists::default();
        let mut now = Snapshot::default();
        let mut written: Vec<(Hash, Snapshot)> = Vec::new();
        for (changes, other_process) in steps {
            for (file, content) in changes {
                let path = path(&format!("f{file}"));
                match content {
                    0 => drop(now.files.remove(&path)),
                    content => drop(now.files.insert(path, blob(&content.to_string()))),
                }
            }
            if other_process && let Some((last, _)) = written.last() {
                lists = Lists::resume(&rig.blobs, last).unwrap();
                prop_assert_eq!(lists.last().unwrap().as_ref(), &written.last().unwrap().1);
            }
            let list = lists.write(&rig.blobs, &no_git, &Arc::new(now.clone())).unwrap();
            written.push((list, now.clone()));
        }
        for (list, snapshot) in &written {
            prop_assert_eq!(&read_list(&rig.blobs, list).unwrap(), snapshot);
        }
        // Whatever suffix is kept, what is told for it is what its lists name: all of that, and nothing else.
        let lists: Vec<Hash> = written.iter().map(|(list, _)| *list).collect();
        let needs = needs(&rig.blobs, &lists).unwrap();
        for from in 0..lists.len() {
            let told: BTreeSet<Hash> = needs[from..].iter().flatten().copied().collect();
            let named: BTreeSet<Hash> = written[from..]
                .iter()
                .flat_map(|(_, snapshot)| snapshot.files.values())
                .filter_map(|held| match held.content() {
                    Some(Content::Blob(hash)) => Some(*hash),
                    _ => None,
                })
                .collect();
            prop_assert_eq!(told, named);
            // And each can still be read when only the lists that are marked are there.
            let mut marks = Marks::of(&rig.blobs).unwrap();
            for list in &lists[from..] {
                mark_list(&rig.blobs, list, &mut marks).unwrap();
            }
            if from == lists.len() / 2 {
                let collection = rig.blobs.begin_collection().unwrap().unwrap();
                collection.sweep(&marks, &AtomicBool::new(false)).unwrap();
                for (list, snapshot) in &written[from..] {
                    prop_assert_eq!(&read_list(&rig.blobs, list).unwrap(), snapshot);
                }
                break;
            }
        }
    }
}

#[test]
fn a_list_costs_what_has_changed() {
    let rig = rig("");
    let mut now = Snapshot::default();
    for file in 0..5_000 {
        now.files
            .insert(path(&format!("src/{file}.rs")), blob(&file.to_string()));
    }
    let mut lists = Lists::default();
    let mut write = |snapshot: &Snapshot| {
        let list = lists.write(&rig.blobs, &no_git, &Arc::new(snapshot.clone()));
        list.unwrap()
    };
    let first = write(&now);
    assert_eq!(write(&now), first, "nothing changed, nothing is written");
    let full = size(&rig, &first);
    for round in 0..100 {
        now.files
            .insert(path("src/1.rs"), blob(&format!("round {round}")));
        let list = write(&now);
        assert!(size(&rig, &list) * 100 < full, "round {round}");
    }
}

#[test]
fn git_objects_that_only_earlier_lists_name_are_copied() {
    let rig = rig("");
    let oid = "ce013625030ba8dba906f756967f9e9ca394464a".to_owned();
    let git = |asked: &str| match asked {
        "ce013625030ba8dba906f756967f9e9ca394464a" => Ok(b"h".to_vec()),
        _ => no_git(asked),
    };
    let mut now = Snapshot::default();
    now.files.insert(path("a"), held(Content::Git(oid.clone())));
    let mut lists = Lists::default();
    let first = lists
        .write(&rig.blobs, &git, &Arc::new(now.clone()))
        .unwrap();
    assert_eq!(kept_copies(&rig.blobs, &first).unwrap().len(), 0);
    now.files.insert(path("a"), blob("changed"));
    let second = lists.write(&rig.blobs, &git, &Arc::new(now)).unwrap();
    let copies = kept_copies(&rig.blobs, &second).unwrap();
    assert_eq!(rig.blobs.get(&copies[&oid]).unwrap(), b"h");
}

#[test]
fn damage_is_told() {
    let rig = rig("");
    for bytes in [&b"KfL1"[..], b"KfL1{}", b"", b"something else"] {
        let list = rig.blobs.put(bytes).unwrap();
        assert!(read_list(&rig.blobs, &list).is_err(), "{bytes:?}");
        assert!(Lists::resume(&rig.blobs, &list).is_err(), "{bytes:?}");
    }
    assert!(read_list(&rig.blobs, &Hash::of(b"never stored")).is_err());
}
