//! Maps of a repository in a real folder, through an index.

use crate::{
    folder::{Folder, rel},
    index::{Indexed, age, open, some_files, wait},
};
use kerf_index::{Change, Focus, Index, Map, MayShow, SearchError};
use std::{fs, sync::atomic::AtomicBool};

fn map(index: &Index, focus: &Focus, budget: usize) -> Map {
    let map = index
        .map(focus, budget, &|_| MayShow::Lines, &AtomicBool::new(false))
        .unwrap();
    assert!(map.text.len() <= budget * 4, "{}", map.text);
    map
}

fn on(files: &[&str], words: &[&str]) -> Focus {
    Focus {
        under: None,
        files: files.iter().map(|file| rel(file)).collect(),
        words: words.iter().map(|&word| word.to_owned()).collect(),
    }
}

/// The files that a map names, in order.
fn files(map: &Map) -> Vec<&str> {
    map.text
        .lines()
        .filter(|line| !line.starts_with([' ', 'L']))
        .collect()
}

/// A shop: nearly everything needs `Money`; letters are printed apart from that.
fn shop() -> Folder {
    Folder::new(&[
        ("src/money.rs", b"/// An amount.\npub struct Money {\n    pub cents: i64,\n}\n\nimpl Money {\n    pub fn round_cents(&self) -> Money {\n        Money { cents: self.cents }\n    }\n}\n\nfn private_helper() {}\n"),
        ("src/cart.rs", b"use crate::money::Money;\npub fn cart_total(all: &[Money]) -> Money {\n    all[0].round_cents()\n}\n"),
        ("src/order.rs", b"use crate::{cart::cart_total, money::Money};\npub fn place_order() -> Money {\n    cart_total(&[])\n}\n"),
        ("src/refund.rs", b"use crate::money::Money;\npub fn refund_order(paid: Money) -> Money {\n    paid.round_cents()\n}\n"),
        ("src/letter.rs", b"pub fn print_letter() {\n    crate::font::load_font();\n}\n"),
        ("src/font.rs", b"pub fn load_font() {}\n"),
        ("tests/money.rs", b"fn some_money() -> Money {\n    Money { cents: 1 }.round_cents()\n}\n"),
        ("vendor/money.py", b"class Money:\n    pass\n"),
        ("README.md", b"# Money\n\n## round_cents\n"),
    ])
}

#[test]
fn the_most_referred_definitions_come_first() {
    let folder = shop();
    let indexed = Indexed::of(&folder);
    let map = map(&indexed.index, &Focus::default(), 2_000);
    assert!(
        map.text.starts_with(
            "\
src/money.rs
  2 struct: pub struct Money {
    3 field: pub cents: i64,
  … Money
    7 method: pub fn round_cents(&self) -> Money {
  12 function: fn private_helper() {}
src/font.rs
"
        ),
        "{}",
        map.text
    );
    assert_eq!((map.files, map.left_out), (9, 0));
    assert_eq!(
        map.ranges[..3],
        [
            (rel("src/money.rs"), 2, 3),
            (rel("src/money.rs"), 7, 7),
            (rel("src/money.rs"), 12, 12)
        ]
    );
    assert!(
        map.text.ends_with("Left out: 0 files and 0 definitions.\n"),
        "{}",
        map.text
    );
}

#[test]
fn little_budgets_hold() {
    let folder = shop();
    let indexed = Indexed::of(&folder);
    for budget in [0, 1, 5, 13, 20, 60, 99, 100, 101, 150, 300] {
        let map = map(&indexed.index, &Focus::default(), budget);
        assert_eq!(map.files + map.left_out, 9, "{budget}");
        assert_eq!(map.text.is_empty(), map.files == 0, "{budget}");
        assert_eq!(map.ranges.is_empty(), budget < 100, "{budget}");
    }
}

#[test]
fn what_is_in_play_moves_the_map() {
    let folder = shop();
    let indexed = Indexed::of(&folder);
    let first = |focus: &Focus, count: usize| {
        let map = map(&indexed.index, focus, 2_000);
        files(&map)[..count].join(" ")
    };
    assert_eq!(
        first(&on(&["src/font.rs"], &[]), 2),
        "src/font.rs src/letter.rs"
    );
    assert_eq!(
        first(&on(&["src/letter.rs"], &[]), 2),
        "src/letter.rs src/font.rs"
    );
    assert_eq!(
        first(&on(&[], &["how are letters printed"]), 2),
        "src/letter.rs src/font.rs"
    );
    assert_eq!(first(&on(&[], &["refunds"]), 1), "src/refund.rs");
    assert_eq!(first(&on(&["no/such/file"], &["zebra"]), 1), "src/money.rs");
}

#[test]
fn a_map_follows_the_folder() {
    let folder = shop();
    let indexed = Indexed::of(&folder);
    map(&indexed.index, &Focus::default(), 500);
    folder.write(
        "src/money.rs",
        b"\n\n\npub struct Money;\npub struct Euro\xe2\x80\xae;\n",
    );
    fs::remove_file(folder.path().join("src/font.rs")).unwrap();
    indexed
        .index
        .changed(Change::Paths(vec![rel("src/money.rs"), rel("src/font.rs")]));
    wait(&indexed.index);
    let map = map(&indexed.index, &Focus::default(), 2_000);
    let top =
        "src/money.rs\n  4 struct: pub struct Money;\n  5 struct: pub struct Euro\\u{202e};\n";
    assert!(map.text.starts_with(top), "{}", map.text);
    assert!(!map.text.contains("font.rs"), "{}", map.text);
}

#[test]
fn lines_are_those_of_the_file_as_it_is_now() {
    let folder = shop();
    let indexed = Indexed::of(&folder);
    // Nobody has told the index.
    folder.write("src/money.rs", b"pub struct Gold;\n");
    let map = map(&indexed.index, &Focus::default(), 2_000);
    assert!(
        map.text
            .starts_with("src/money.rs\n  1 struct: pub struct Gold;\nsrc/"),
        "{}",
        map.text
    );
}

#[test]
fn another_folder_of_the_same_place_does_not_count() {
    let place = tempfile::tempdir().unwrap();
    let one = shop();
    let other = Folder::new(&[
        (
            "a.rs",
            b"use money::Money;\nfn secret_user() { load_font(); load_font() }\n".as_slice(),
        ),
        (
            "src/money.rs",
            &fs::read(one.path().join("src/money.rs")).unwrap(),
        ),
        (
            "z.rs",
            b"pub fn print_letter() {}\npub fn load_font() {}\npub struct Secret;\n",
        ),
    ]);
    let alone = Indexed::of(&one);
    let expected = map(&alone.index, &Focus::default(), 2_000);
    let second = open(&other.workspace(), place.path());
    let first = open(&one.workspace(), place.path());
    assert_eq!(map(&first, &Focus::default(), 2_000), expected);
    assert_eq!(map(&first, &on(&[], &["secret"]), 2_000), expected);
    let seen = map(&second, &Focus::default(), 2_000);
    assert_eq!((seen.files, seen.left_out), (3, 0), "{}", seen.text);
    assert_eq!(files(&seen)[2], "a.rs", "{}", seen.text);
}

#[test]
fn what_is_not_in_the_index_is_told() {
    let folder = some_files(30);
    age(folder.path());
    let place = tempfile::tempdir().unwrap();
    drop(open(&folder.workspace(), place.path()));
    // Another process writes the place, so that this one does not.
    let lock = fs::File::open(place.path().join("writer.lock")).unwrap();
    lock.lock().unwrap();
    folder.write("new.rs", b"fn new_definition() {}\n");
    let index = open(&folder.workspace(), place.path());
    let map = map(&index, &on(&["new.rs"], &[]), 2_000);
    assert!(
        map.text
            .starts_with("new.rs\n  1 function: fn new_definition() {}\n"),
        "{}",
        map.text
    );
    let last = map.text.lines().last().unwrap();
    assert!(
        last.ends_with("Not in the index yet: 1 of 31 files."),
        "{last}"
    );
    drop(lock);
}

#[test]
fn a_cancelled_map_ends() {
    let folder = shop();
    let indexed = Indexed::of(&folder);
    let cancelled = indexed.index.map(
        &Focus::default(),
        100,
        &|_| MayShow::Lines,
        &AtomicBool::new(true),
    );
    assert!(matches!(cancelled, Err(SearchError::Cancelled)));
}

#[test]
fn names_of_another_language_are_others() {
    let folder = Folder::new(&[
        (
            "a.rs",
            b"pub fn parse_ledger() {}\npub struct Rust;\n".as_slice(),
        ),
        ("z.py", b"def parse_ledger():\n    pass\n"),
        ("keys.json", b"{ \"parse_ledger\": 1 }\n"),
    ]);
    for n in 0..5 {
        folder.write(&format!("user{n}.py"), b"import z\nz.parse_ledger()\n");
    }
    let indexed = Indexed::of(&folder);
    let map = map(&indexed.index, &Focus::default(), 2_000);
    let order = files(&map);
    assert_eq!(order[..2], ["z.py", "a.rs"], "{}", map.text);
    // Alike, as nothing refers to either but by names of another language.
    assert_eq!(order[2], "user0.py", "{}", map.text);
}
