//! What went away a moment ago is told by nobody yet, and yet is not told as there.

use super::Indexed;
use crate::{
    folder::{Folder, rel},
    search::{SHOP, paths, search, search_as, shop},
};
use kerf_index::{Focus, Index, MayShow, Mode};
use rstest::rstest;
use std::{collections::BTreeSet, fs, path::Path, sync::atomic::AtomicBool};

/// Each way to be told of files.
fn told(index: &Index) -> Vec<(&'static str, Vec<String>)> {
    let map = index
        .map(
            &Focus::default(),
            4_000,
            &|_| MayShow::Lines,
            &AtomicBool::new(false),
        )
        .unwrap();
    let named = |line: &&str| SHOP.iter().any(|(path, _)| path == line);
    vec![
        ("names", paths(&search_as(index, "r", Mode::Path))),
        ("a glob", paths(&search_as(index, "src/**/*.*", Mode::Path))),
        ("a language", paths(&search(index, "lang:rust file:refund"))),
        ("words", paths(&search(index, "refunds rounded retry"))),
        ("exact text", paths(&search(index, "\"ref\""))),
        (
            "definitions",
            paths(&search_as(index, "round", Mode::Symbol)),
        ),
        ("references", paths(&search(index, "ref:round_refund"))),
        (
            "the map",
            map.text.lines().filter(named).map(str::to_owned).collect(),
        ),
    ]
}

#[rstest]
#[case::a_file(|root: &Path| fs::remove_file(root.join("src/refund.rs")).unwrap(), &["src/refund.rs"])]
#[case::a_folder(|root: &Path| fs::remove_dir_all(root.join("src/http")).unwrap(), &["src/http/"])]
#[case::a_renamed_folder(|root: &Path| fs::rename(root.join("src"), root.join("code")).unwrap(), &["src/"])]
#[case::a_renamed_file(|root: &Path| fs::rename(root.join("src/refund.rs"), root.join("src/z.rs")).unwrap(), &["src/refund.rs"])]
#[case::a_folder_in_its_place(|root: &Path| {
    fs::remove_file(root.join("src/refund.rs")).unwrap();
    fs::create_dir(root.join("src/refund.rs")).unwrap();
}, &["src/refund.rs"])]
#[case::a_file_in_its_place(|root: &Path| {
    fs::remove_dir_all(root.join("src")).unwrap();
    fs::write(root.join("src"), "").unwrap();
}, &["src/"])]
#[case::all(|root: &Path| for (path, _) in SHOP {
    let top = root.join(path.split('/').next().unwrap());
    let _ = fs::remove_file(&top).or_else(|_| fs::remove_dir_all(&top));
}, &[""])]
fn what_is_gone_is_not_told_as_there(#[case] change: fn(&Path), #[case] gone: &[&str]) {
    let (folder, indexed) = shop();
    let is_gone = |path: &String| gone.iter().any(|gone| path.starts_with(gone));
    for (way, paths) in told(&indexed.index) {
        let tells_all = ["names", "a glob", "the map"].contains(&way);
        assert!(!tells_all || paths.iter().any(is_gone), "{way}: {paths:?}");
    }
    change(folder.path());
    for (way, paths) in told(&indexed.index) {
        let wrong: Vec<_> = paths.iter().filter(|path| is_gone(path)).collect();
        assert!(wrong.is_empty(), "{way}: {wrong:?}");
    }
    // Totals do not count them either.
    let all = search_as(&indexed.index, "r", Mode::Path);
    assert_eq!((all.total, all.more), (all.hits.len(), false));
}

/// A branch switch while somebody looks: at no time is a file told that is on neither branch.
#[test]
fn in_the_middle_of_a_switch_only_what_is_there_is_told() {
    let folder = Folder::new(&[("base.rs", b"fn base() {}\n")]);
    let indexed = Indexed::of(&folder);
    let switch = |from: &str, to: &str| {
        for n in 0..30 {
            folder.write(
                &format!("{to}/f{n}.rs"),
                format!("fn {to}_{n}() {{}}\n").as_bytes(),
            );
        }
        drop(fs::remove_dir_all(folder.path().join(from)));
    };
    for (from, to) in [("two", "one"), ("one", "two"), ("two", "one")] {
        switch(from, to);
        indexed
            .index
            .changed(kerf_index::Change::Paths(vec![rel(to)]));
        let found = paths(&search_as(&indexed.index, "f", Mode::Path));
        let folders: BTreeSet<_> = found
            .iter()
            .filter_map(|path| path.split_once('/'))
            .map(|(folder, _)| folder)
            .collect();
        assert_eq!(folders, [to].into(), "{found:?}");
    }
}
