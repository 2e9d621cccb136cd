//! Any order of changes to a folder, told or not in any way that a watcher tells, ends in an index that is the folder.

use super::{Indexed, same, wait};
use crate::folder::{Folder, pattern, rel};
use kerf_index::{Change, GrepQuery};
use proptest::prelude::*;
use std::fs;

/// Few names, so that files become folders and come back.
const NAMES: &[&str] = &[
    "a",
    "a/b",
    "a/b/c",
    "d.rs",
    "e/d.rs",
    ".h/x",
    "a/x.log",
    "e/f/g",
    "e/.gitignore",
    "z",
];

const TEXTS: &[&[u8]] = &[
    b"",
    b"alpha beta\n",
    b"beta\ngamma\n",
    b"ALPHA",
    b"alpha\0beta",
    b"\xff\xfea\0l\0p\0h\0a\0",
    b"*.log\n",
    b"f/\n!x.log\n",
    b"\xe4lpha gamma",
    "stra\u{df}e K\u{212a}elvin ".as_bytes(),
    b"one\r\ntwo\r\n",
];

const PATTERNS: &[&str] = &[
    "alpha",
    "beta",
    "a",
    "(alpha|gamma)",
    "be.a",
    "^gam",
    "x{0}",
    "stra.e",
    "kelvin",
    r"one\s",
    "two$",
    r"[a-c]l",
];

#[derive(Debug, Clone)]
enum Step {
    Write(usize, usize),
    Append(usize, usize),
    Remove(usize),
    Rename(usize, usize),
    MakeDir(usize),
    #[cfg(unix)]
    Mode(usize, u32),
    /// Tells of nothing but that something happened.
    Everything,
    Wait,
    Search(usize, bool, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 0..NAMES.len();
    prop_oneof![
        5 => (name(), 0..TEXTS.len()).prop_map(|(name, text)| Step::Write(name, text)),
        1 => (name(), 0..TEXTS.len()).prop_map(|(name, text)| Step::Append(name, text)),
        2 => name().prop_map(Step::Remove),
        2 => (name(), name()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => name().prop_map(Step::MakeDir),
        1 => (name(), prop_oneof![Just(0o644), Just(0o600)]).prop_map(|(name, mode)| Step::Mode(name, mode)),
        1 => Just(Step::Everything),
        1 => Just(Step::Wait),
        3 => (0..PATTERNS.len(), any::<bool>(), any::<bool>()).prop_map(|(n, case, lines)| Step::Search(n, case, lines)),
    ]
}

fn remove(path: &std::path::Path) {
    if path.is_dir() {
        drop(fs::remove_dir_all(path));
    } else {
        drop(fs::remove_file(path));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn index_and_folder_agree(steps in proptest::collection::vec(step(), 1..25)) {
        let folder = Folder::new(&[("a/b/c", b"alpha"), ("e/x.log", b"alpha beta")]);
        let indexed = Indexed::of(&folder);
        let at = |name: usize| folder.path().join(NAMES[name]);
        let tell = |names: &[usize]| {
            indexed.index.changed(Change::Paths(names.iter().map(|&name| rel(NAMES[name])).collect()));
        };
        for step in steps {
            match step {
                Step::Write(name, text) => {
                    // A folder may be in the way, or a file where a folder should be.
                    if fs::create_dir_all(at(name).parent().unwrap()).is_ok() {
                        drop(fs::write(at(name), TEXTS[text]));
                    }
                    tell(&[name]);
                }
                Step::Append(name, text) => {
                    if let Ok(mut old) = fs::read(at(name)) {
                        old.extend(TEXTS[text]);
                        fs::write(at(name), old).unwrap();
                    }
                    tell(&[name]);
                }
                Step::Remove(name) => {
                    remove(&at(name));
                    tell(&[name]);
                }
                Step::Rename(from, to) => {
                    drop(fs::rename(at(from), at(to)));
                    tell(&[to, from]);
                }
                Step::MakeDir(name) => {
                    drop(fs::create_dir_all(at(name)));
                    tell(&[name]);
                }
                #[cfg(unix)]
                Step::Mode(name, mode) => {
                    use std::os::unix::fs::PermissionsExt;
                    if at(name).is_file() {
                        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
                    }
                    tell(&[name]);
                }
                Step::Everything => indexed.index.changed(Change::Everything),
                Step::Wait => drop(wait(&indexed.index)),
                Step::Search(n, ignore_case, multi_line) => {
                    same(&folder, &indexed.index, &GrepQuery { ignore_case, multi_line, context: 1, ..pattern(PATTERNS[n]) });
                }
            }
        }
        for pass in 0..2 {
            for text in PATTERNS {
                for ignore_case in [false, true] {
                    same(&folder, &indexed.index, &GrepQuery { ignore_case, ..pattern(text) });
                }
            }
            for under in ["a", "e", "e/f", ".h", "d.rs"] {
                let query = GrepQuery { under: rel(under), hidden: pass == 0, ..pattern("alpha|beta") };
                let cancel = std::sync::atomic::AtomicBool::new(false);
                let scanned = kerf_index::grep(&folder.workspace(), &query, &cancel).map_err(|error| error.to_string());
                let found = indexed.index.grep(&query, &cancel).map_err(|error| error.to_string());
                prop_assert_eq!(found, scanned, "under {}", under);
            }
            wait(&indexed.index);
        }
    }
}
