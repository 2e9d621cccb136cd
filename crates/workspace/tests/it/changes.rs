//! What was told, asked for at once: no test here waits for anything but the answer.

use std::fs;
use std::path::Path;
use std::time::Duration;

use kerf_test_support::Sleeper;
use kerf_workspace::{Changes, Mark, RelPath, Watcher, Watching, Workspace};
use rstest::rstest;

const LONG: Duration = Duration::from_secs(20);

struct Asked {
    _private: tempfile::TempDir,
    _watcher: Watcher,
    changes: Changes,
}

/// Nothing is told to the listener for an hour, so that all answers come by asking.
fn ask(root: &Path) -> Asked {
    let ws = Workspace::open(root).unwrap();
    let private = tempfile::tempdir().unwrap();
    // As a process leaves it that is killed while it asks.
    fs::create_dir(private.path().join("watch")).unwrap();
    fs::write(private.path().join("watch/1-0-1"), "").unwrap();
    let hour = Duration::from_secs(3600);
    let watching = Watching::new(hour);
    let watcher = Watcher::start(&ws, watching, |event| panic!("{event:?}")).unwrap();
    let changes = watcher.changes(&private.path().join("watch")).unwrap();
    Asked {
        _private: private,
        _watcher: watcher,
        changes,
    }
}

impl Asked {
    fn since(&self, mark: Mark) -> Option<Vec<String>> {
        let told = self.changes.since(mark, LONG)?;
        Some(told.paths.iter().map(RelPath::to_string).collect())
    }
}

fn tree(root: &Path) {
    for folder in ["src/deep", "out", "kept"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for file in ["src/a", "src/deep/b", "out/o", "kept/k", "top"] {
        fs::write(root.join(file), file).unwrap();
    }
    fs::write(root.join(".gitignore"), "out/\n/*\n!/src/\n!/kept/\n!top\n").unwrap();
}

#[test]
fn whatever_was_changed_before_the_question_is_in_the_answer() {
    let temp = tempfile::tempdir().unwrap();
    tree(temp.path());
    let asked = ask(temp.path());
    let mut mark = asked.changes.mark();
    for round in 0..300 {
        let name = format!("src/deep/new{}", round % 7);
        fs::write(temp.path().join(&name), format!("{round}")).unwrap();
        let told = asked.changes.since(mark, LONG).unwrap();
        let told_of = told.paths.iter().any(|path| path.to_string() == name);
        assert!(told_of, "round {round}: {:?}", told.paths);
        mark = told.mark;
    }
    assert_eq!(asked.since(mark), Some(vec![]));
    assert_eq!(
        fs::read_dir(asked._private.path().join("watch"))
            .unwrap()
            .count(),
        0
    );
}

type Change = fn(&Path);

#[rstest]
#[case::goes(|root: &Path| fs::rename(root.join("src"), root.join("out/gone")).unwrap())]
#[case::comes(|root: &Path| fs::rename(root.join("src"), root.join("kept/src")).unwrap())]
#[case::makes_room(|root: &Path| {
    fs::rename(root.join("src/deep"), root.join("kept/was")).unwrap();
    fs::create_dir(root.join("src/deep")).unwrap();
    fs::write(root.join("src/deep/c"), "").unwrap();
})]
fn a_folder_that_moves_calls_for_a_look_at_all(#[case] change: Change) {
    let temp = tempfile::tempdir().unwrap();
    tree(temp.path());
    let asked = ask(temp.path());
    let mark = asked.changes.mark();
    change(temp.path());
    assert_eq!(asked.since(mark), None);
}

#[rstest]
#[case::a_write(|root: &Path| fs::write(root.join("src/a"), "x").unwrap(), &["src/a"])]
#[case::an_ignored_write(|root: &Path| fs::write(root.join("out/o"), "x").unwrap(), &[])]
#[case::a_file_that_was_open_for_writing(|root: &Path| {
    // As it is told of one that was written through a mapping.
    drop(fs::File::options().write(true).open(root.join("src/a")).unwrap());
}, &["src/a"])]
#[case::reading(|root: &Path| drop(fs::read(root.join("src/a")).unwrap()), &[])]
#[case::another_mode(|root: &Path| {
    let mut mode = fs::metadata(root.join("top")).unwrap().permissions();
    mode.set_readonly(true);
    fs::set_permissions(root.join("top"), mode).unwrap();
}, &["top"])]
fn a_change_is_told(#[case] change: Change, #[case] expected: &[&str]) {
    let temp = tempfile::tempdir().unwrap();
    tree(temp.path());
    let asked = ask(temp.path());
    let mark = asked.changes.mark();
    change(temp.path());
    let told = asked.since(mark).unwrap();
    for path in expected {
        assert!(
            told.iter().any(|told| told == path),
            "{path} is not in {told:?}"
        );
    }
    // Of what lies below a folder that was told nothing need be told, and may be.
    let beneath = |told: &String| {
        expected
            .iter()
            .any(|path| Path::new(told).starts_with(path))
    };
    assert!(told.iter().all(beneath), "{told:?}");
}

#[rstest]
#[case::other_rules(|root: &Path| fs::write(root.join(".gitignore"), "").unwrap())]
#[case::rules_that_ignore_themselves(|root: &Path| fs::write(root.join("src/deep/.gitignore"), "*\n").unwrap())]
#[case::a_repository_within(|root: &Path| {
    fs::create_dir(root.join("src/.git")).unwrap();
    fs::write(root.join("src/.git/HEAD"), "").unwrap();
})]
#[case::a_folder_that_becomes_an_ignored_file(|root: &Path| {
    fs::rename(root.join("src"), root.join("out/gone")).unwrap();
    fs::write(root.join("src"), "").unwrap();
})]
#[case::a_name_that_is_git_elsewhere(|root: &Path| fs::write(root.join("src/git~1"), "").unwrap())]
#[case::more_than_can_be_listed(|root: &Path| {
    for number in 0..=20_000 {
        fs::write(root.join(format!("src/{number}")), "").unwrap();
    }
})]
fn only_a_look_at_the_folder_tells(#[case] change: Change) {
    let temp = tempfile::tempdir().unwrap();
    tree(temp.path());
    let ws = Workspace::open(temp.path()).unwrap();
    let watcher = Watcher::start(&ws, Watching::new(LONG), |_| {}).unwrap();
    let private = tempfile::tempdir().unwrap();
    let changes = watcher.changes(private.path()).unwrap();
    let mark = changes.mark();
    change(temp.path());
    assert_eq!(changes.since(mark, LONG), None);
    // Once it was taken, answers are as good as before.
    let mark = changes.mark();
    fs::write(temp.path().join("kept/k"), "x").unwrap();
    let told = changes.since(mark, LONG).unwrap();
    assert!(told.paths.contains(&"kept/k".parse().unwrap()), "{told:?}");
}

#[test]
fn what_was_told_before_a_sleep_is_not_enough_after_it() {
    let temp = tempfile::tempdir().unwrap();
    tree(temp.path());
    let sleeper = Sleeper::default();
    let watching = Watching {
        clock: sleeper.clock(),
        ..Watching::new(LONG)
    };
    let ws = Workspace::open(temp.path()).unwrap();
    let watcher = Watcher::start(&ws, watching, |_| {}).unwrap();
    let private = tempfile::tempdir().unwrap();
    let changes = watcher.changes(private.path()).unwrap();
    let (early, other) = (changes.mark(), changes.clone());
    let told = changes.since(early, LONG).unwrap();
    sleeper.naps();
    for asked in [&changes, &other] {
        for mark in [early, told.mark] {
            assert_eq!(asked.since(mark, LONG), None);
        }
    }
    // When the watcher has begun anew, answers are as good as before.
    let told = loop {
        let mark = changes.mark();
        fs::write(temp.path().join("kept/k"), "x").unwrap();
        if let Some(told) = changes.since(mark, LONG) {
            break told;
        }
    };
    assert!(told.paths.contains(&"kept/k".parse().unwrap()), "{told:?}");
    sleeper.naps();
    assert_eq!(
        changes.since(told.mark, LONG),
        None,
        "and after the next one"
    );
}

#[test]
fn two_who_ask_get_an_answer_each() {
    let temp = tempfile::tempdir().unwrap();
    tree(temp.path());
    let asked = ask(temp.path());
    let early = asked.changes.mark();
    fs::write(temp.path().join("src/a"), "x").unwrap();
    let other = asked.changes.clone();
    let late = other.since(early, LONG).unwrap().mark;
    fs::write(temp.path().join("kept/k"), "x").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let told = other.since(late, LONG).unwrap().paths;
                    assert_eq!(told, ["kept/k".parse().unwrap()]);
                }
            });
        }
    });
    let all = asked.since(early).unwrap();
    assert_eq!(all, ["kept/k", "src/a"]);
}

#[test]
fn nobody_answers_when_the_watcher_is_gone() {
    let temp = tempfile::tempdir().unwrap();
    let Asked {
        _private,
        _watcher,
        changes,
    } = ask(temp.path());
    let mark = changes.mark();
    drop(_watcher);
    assert_eq!(changes.since(mark, LONG), None);
}

#[test]
fn nothing_is_promised_where_others_write() {
    // Served by the kernel from memory, as network file systems are by others.
    let ws = Workspace::open(Path::new("/proc/sys/fs")).unwrap();
    let private = tempfile::tempdir().unwrap();
    let watcher = Watcher::start(&ws, Watching::new(LONG), |_| {}).unwrap();
    assert!(watcher.changes(private.path()).is_none());
}
