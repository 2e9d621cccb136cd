//! Snapshots by the system's word: whatever happened, they hold what a look at every file finds.

use crate::rig::{Rig, path, rig};
use kerf_checkpoint::{Snapshot, Taken, Unsure, follow};
use kerf_test_support::Fixture;
use kerf_workspace::{Changes, Mark, RelPath, Watcher, Watching};
use proptest::prelude::*;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::Duration,
};

const LONG: Duration = Duration::from_secs(20);
const PATHS: [&str; 10] = [
    "a",
    "b",
    "dir/a",
    "dir/b",
    "dir/deep/a",
    "dir/deep/down/c",
    "other/x",
    "out/made",
    "dir/out/o",
    "keep/k",
];
const FOLDERS: [&str; 7] = [
    "dir",
    "dir/deep",
    "dir/deep/down",
    "other",
    "out",
    "dir/out",
    "keep",
];
const RULES: [&str; 4] = [
    ".gitignore",
    "dir/.gitignore",
    "dir/deep/.gitignore",
    ".ignore",
];
const WORDS: [&str; 6] = [
    "",
    "out/\n",
    "*\n",
    "/*\n!/dir/\n!/keep/\n",
    "deep\n",
    "a\n",
];

#[derive(Debug, Clone)]
enum Op {
    Write {
        at: usize,
        text: usize,
    },
    Append {
        at: usize,
    },
    Truncate {
        at: usize,
    },
    Mode {
        at: usize,
        is_executable: bool,
    },
    Delete {
        at: usize,
    },
    Move {
        from: usize,
        to: usize,
    },
    MoveFolder {
        from: usize,
        to: usize,
    },
    DeleteFolder {
        at: usize,
    },
    /// A folder becomes a file or a link, with all that was in it.
    Replace {
        at: usize,
        is_link: bool,
    },
    Link {
        at: usize,
        target: usize,
    },
    Rules {
        at: usize,
        words: usize,
    },
    /// A second name within the folder.
    Share {
        at: usize,
        as_: usize,
    },
    /// A second name elsewhere, and a write through it at some time.
    ShareOutside {
        at: usize,
    },
    WriteOutside,
    Repository {
        at: usize,
    },
    /// Folders come and go, faster than they can be watched.
    Flicker {
        at: usize,
    },
    /// Makes every stamp old, so that it counts.
    Age,
}

fn op() -> impl Strategy<Value = Op> {
    let at = || 0..PATHS.len();
    let folder = || 0..FOLDERS.len();
    prop_oneof![
        8 => (at(), 0..4_usize).prop_map(|(at, text)| Op::Write { at, text }),
        2 => at().prop_map(|at| Op::Append { at }),
        1 => at().prop_map(|at| Op::Truncate { at }),
        1 => (at(), any::<bool>()).prop_map(|(at, is_executable)| Op::Mode { at, is_executable }),
        2 => at().prop_map(|at| Op::Delete { at }),
        2 => (at(), at()).prop_map(|(from, to)| Op::Move { from, to }),
        3 => (folder(), folder()).prop_map(|(from, to)| Op::MoveFolder { from, to }),
        1 => folder().prop_map(|at| Op::DeleteFolder { at }),
        1 => (folder(), any::<bool>()).prop_map(|(at, is_link)| Op::Replace { at, is_link }),
        1 => (at(), at()).prop_map(|(at, target)| Op::Link { at, target }),
        1 => (0..RULES.len(), 0..WORDS.len()).prop_map(|(at, words)| Op::Rules { at, words }),
        1 => (at(), at()).prop_map(|(at, as_)| Op::Share { at, as_ }),
        1 => at().prop_map(|at| Op::ShareOutside { at }),
        1 => Just(Op::WriteOutside),
        1 => folder().prop_map(|at| Op::Repository { at }),
        1 => folder().prop_map(|at| Op::Flicker { at }),
        2 => Just(Op::Age),
    ]
}

struct World {
    rig: Rig,
    outside: tempfile::TempDir,
    changes: Changes,
    _watcher: Watcher,
    _private: tempfile::TempDir,
}

impl World {
    fn new(git: bool) -> Self {
        let text = "//- /a\nstart\n//- /dir/a\nstart\n//- /dir/deep/a\nstart\n//- /out/made\nx\n//- /.gitignore\nout/\n";
        let mut folder = Fixture::new(text);
        if git {
            folder = folder.git();
        }
        let rig = Rig::of(folder);
        let watcher = Watcher::start(&rig.ws, Watching::new(LONG), |_| {}).unwrap();
        let private = tempfile::tempdir().unwrap();
        Self {
            changes: watcher.changes(private.path()).unwrap(),
            rig,
            outside: tempfile::tempdir().unwrap(),
            _watcher: watcher,
            _private: private,
        }
    }

    fn place(&self, path: &str) -> PathBuf {
        self.rig.folder.join(path)
    }

    fn whole(&self, previous: Option<&Snapshot>) -> Base {
        let mark = self.changes.mark();
        let Taken {
            snapshot, unsure, ..
        } = self.rig.take(previous);
        Base {
            mark,
            snapshot,
            unsure,
        }
    }

    /// The snapshot by the system's word, and the mark that comes after it.
    fn follow(&self, base: &Base) -> Option<(Snapshot, Mark)> {
        let told = self.changes.since(base.mark, LONG)?;
        let followed = follow(
            &self.rig.ws,
            &self.rig.blobs,
            &base.snapshot,
            (&told.paths, &base.unsure),
            None,
            &AtomicBool::new(false),
        );
        Some((followed.unwrap()?, told.mark))
    }

    fn apply(&self, op: &Op) {
        let file = |at: usize| self.place(PATHS[at]);
        let is_file = |path: &Path| path.symlink_metadata().is_ok_and(|meta| meta.is_file());
        match *op {
            Op::Write { at, text } => put(&file(at), &"text\n".repeat(text)),
            Op::Append { at } if is_file(&file(at)) => {
                use std::io::Write as _;
                let mut file = fs::File::options().append(true).open(file(at)).unwrap();
                file.write_all(b"more\n").unwrap();
            }
            Op::Truncate { at } if is_file(&file(at)) => {
                drop(fs::File::create(file(at)).unwrap());
            }
            Op::Mode { at, is_executable } if is_file(&file(at)) => {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = if is_executable { 0o755 } else { 0o644 };
                fs::set_permissions(file(at), fs::Permissions::from_mode(mode)).unwrap();
            }
            Op::Delete { at } => clear(&file(at)),
            Op::Move { from, to } => shift(&file(from), &file(to)),
            Op::MoveFolder { from, to } => {
                shift(&self.place(FOLDERS[from]), &self.place(FOLDERS[to]));
            }
            Op::DeleteFolder { at } => clear(&self.place(FOLDERS[at])),
            Op::Replace { at, is_link } => {
                let folder = self.place(FOLDERS[at]);
                clear(&folder);
                if make_way(&folder) {
                    if is_link {
                        std::os::unix::fs::symlink("other", &folder).unwrap();
                    } else {
                        fs::write(&folder, "a file").unwrap();
                    }
                }
            }
            Op::Link { at, target } => {
                clear(&file(at));
                if make_way(&file(at)) {
                    std::os::unix::fs::symlink(PATHS[target], file(at)).unwrap();
                }
            }
            Op::Rules { at, words } => put(&self.place(RULES[at]), WORDS[words]),
            Op::Share { at, as_ } if at != as_ && is_file(&file(at)) => {
                let other = file(as_);
                if !other.starts_with(file(at)) && !file(at).starts_with(&other) {
                    clear(&other);
                    if make_way(&other) {
                        fs::hard_link(file(at), other).unwrap();
                    }
                }
            }
            Op::ShareOutside { at } if is_file(&file(at)) => {
                let other = self.outside.path().join("shared");
                clear(&other);
                fs::hard_link(file(at), other).unwrap();
            }
            Op::WriteOutside => {
                let other = self.outside.path().join("shared");
                if other.exists() {
                    fs::write(other, "from elsewhere").unwrap();
                }
            }
            Op::Repository { at } => {
                let git = self.place(FOLDERS[at]).join(".git");
                match git.exists() {
                    true => fs::remove_dir_all(git).unwrap(),
                    false => put(&git.join("HEAD"), "ref: refs/heads/main\n"),
                }
            }
            Op::Flicker { at } => {
                let folder = self.place(FOLDERS[at]);
                for round in 0..4 {
                    let inner = folder.join("flicker/inner");
                    put(&inner.join("f"), &format!("{round}"));
                    if inner.join("f").exists() && round < 3 {
                        shift(&folder.join("flicker"), &folder.join(format!("was{round}")));
                    }
                }
            }
            Op::Age => {
                for name in crate::rig::plainly(self.rig.folder.path()).keys() {
                    if is_file(&self.place(name)) {
                        self.rig.age(name);
                    }
                }
            }
            _ => {}
        }
    }
}

struct Base {
    mark: Mark,
    snapshot: Snapshot,
    unsure: Unsure,
}

fn clear(path: &Path) {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

/// Makes the folders above; false where a file or a link is in the way.
fn make_way(path: &Path) -> bool {
    let parent = path.parent().unwrap();
    let through_link = parent
        .ancestors()
        .any(|above| above.symlink_metadata().is_ok_and(|meta| meta.is_symlink()));
    !through_link && fs::create_dir_all(parent).is_ok()
}

fn put(path: &Path, text: &str) {
    if path.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
        clear(path);
    }
    if make_way(path) {
        fs::write(path, text).unwrap();
    }
}

fn shift(from: &Path, to: &Path) {
    if from.symlink_metadata().is_ok() && !to.starts_with(from) && !from.starts_with(to) {
        clear(to);
        if make_way(to) && from.symlink_metadata().is_ok() {
            fs::rename(from, to).unwrap();
        }
    }
}

/// Returns how often the system's word was enough.
fn play(steps: &[Vec<Op>], git: bool) -> usize {
    let world = World::new(git);
    let mut base = world.whole(None);
    let mut followed = 0;
    // A write through a second name that nobody was told of is what only the next whole snapshot finds.
    let mut is_outside_known = false;
    // The same for a name in a folder that is ignored.
    let mut is_shared_unknown = false;
    for (number, ops) in steps.iter().enumerate() {
        for op in ops {
            match op {
                Op::WriteOutside if !is_outside_known => continue,
                Op::ShareOutside { .. } => is_outside_known = false,
                Op::Share { .. } => is_shared_unknown = true,
                _ => {}
            }
            world.apply(op);
        }
        let by_word = world.follow(&base);
        let whole = world.whole(Some(&base.snapshot));
        let Some((snapshot, mark)) = by_word.filter(|_| !is_shared_unknown) else {
            base = whole;
            is_shared_unknown = false;
            is_outside_known = true;
            continue;
        };
        followed += 1;
        assert_eq!(snapshot.files, whole.snapshot.files, "step {number}");
        assert_eq!(snapshot.excluded(), whole.snapshot.excluded());
        // Half of the time the word is built upon.
        base = match number % 2 {
            0 => Base {
                mark,
                snapshot,
                unsure: base.unsure,
            },
            _ => {
                is_outside_known = true;
                whole
            }
        };
    }
    followed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn in_a_plain_folder(steps in prop::collection::vec(prop::collection::vec(op(), 0..6), 1..7)) {
        play(&steps, false);
    }

    #[test]
    fn in_a_repository(steps in prop::collection::vec(prop::collection::vec(op(), 0..6), 1..7)) {
        play(&steps, true);
    }
}

#[test]
fn ordinary_changes_need_no_look_at_every_file() {
    let steps = [
        vec![Op::Write { at: 2, text: 2 }],
        vec![Op::Delete { at: 0 }, Op::Write { at: 5, text: 1 }],
        vec![Op::MoveFolder { from: 1, to: 3 }],
        vec![Op::DeleteFolder { at: 0 }],
        vec![],
    ];
    // All but the folder that moves.
    assert_eq!(play(&steps, false), steps.len() - 1);
    assert_eq!(play(&steps, true), steps.len() - 1);
}

#[test]
fn a_file_that_is_ignored_where_a_folder_stood_is_in_no_snapshot() {
    let steps = [
        vec![Op::Write { at: 5, text: 0 }],
        vec![Op::Rules { at: 0, words: 2 }],
        vec![Op::Replace {
            at: 0,
            is_link: false,
        }],
    ];
    play(&steps, false);
    play(&steps, true);
}

#[test]
fn a_file_with_a_second_name_is_always_looked_at() {
    let world = World::new(false);
    fs::hard_link(world.place("dir/a"), world.outside.path().join("shared")).unwrap();
    let base = world.whole(None);
    world.apply(&Op::WriteOutside);
    let (snapshot, _) = world.follow(&base).unwrap();
    assert_eq!(
        world.rig.bytes(&snapshot, "dir/a").unwrap(),
        b"from elsewhere"
    );
}

#[test]
fn an_ignored_file_that_a_snapshot_names_is_always_looked_at() {
    let world = World::new(false);
    let mut base = world.whole(None);
    base.snapshot = world.rig.refresh(&base.snapshot, &["out/made"]);
    base.unsure.add([path("out/made")]);
    world.apply(&Op::Write { at: 7, text: 3 });
    let (snapshot, _) = world.follow(&base).unwrap();
    assert_eq!(
        world.rig.bytes(&snapshot, "out/made").unwrap(),
        b"text\ntext\ntext\n"
    );
    // The next whole snapshot knows by itself.
    let base = world.whole(Some(&snapshot));
    world.apply(&Op::Delete { at: 7 });
    let (snapshot, _) = world.follow(&base).unwrap();
    assert!(!snapshot.files.contains_key(&path("out/made")));
}

#[test]
fn what_the_system_did_not_tell_of_is_found_by_the_next_whole_snapshot() {
    let world = World::new(false);
    let base = world.whole(None);
    // Given behind the look's back, as a mapping could be held.
    fs::hard_link(world.place("dir/a"), world.outside.path().join("shared")).unwrap();
    world.apply(&Op::WriteOutside);
    let (followed, _) = world.follow(&base).unwrap();
    let whole = world.rig.take(Some(&followed)).snapshot;
    assert_eq!(world.rig.bytes(&whole, "dir/a").unwrap(), b"from elsewhere");
}

#[test]
fn a_look_at_every_file_is_asked_for() {
    let told = |paths: &[&str]| {
        paths
            .iter()
            .map(|text| path(text))
            .collect::<Vec<RelPath>>()
    };
    let try_follow = |rig: &Rig, taken: &Taken, told: &[RelPath]| {
        let go_on = AtomicBool::new(false);
        follow(
            &rig.ws,
            &rig.blobs,
            &taken.snapshot,
            (told, &taken.unsure),
            None,
            &go_on,
        )
        .unwrap()
    };
    let rig = rig("//- /a\none\n");
    let taken = rig.take(None);
    assert!(try_follow(&rig, &taken, &told(&["a"])).is_some());
    let many: Vec<String> = (0..3_000).map(|number| format!("f{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(try_follow(&rig, &taken, &told(&many)), None, "too much");
    fs::hard_link(rig.folder.join("a"), rig.folder.join("b")).unwrap();
    assert_eq!(
        try_follow(&rig, &taken, &told(&["b"])),
        None,
        "`a` may have been written as `b`"
    );
    let mut ignored = rig.take(None);
    ignored.unsure = Unsure::default();
    ignored.unsure.add(told(&["a", "b"]));
    assert_eq!(
        try_follow(&rig, &ignored, &[]),
        None,
        "the same of ignored files"
    );
    fs::remove_file(rig.folder.join("b")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::rename(rig.folder.path(), elsewhere.path().join("moved")).unwrap();
    assert_eq!(
        try_follow(&rig, &taken, &[]),
        None,
        "the folder is elsewhere"
    );
}
