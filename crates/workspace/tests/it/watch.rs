use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use kerf_test_support::Sleeper;
use kerf_workspace::{Save, SleepClock, WatchEvent, Watcher, Watching, Workspace};
use rstest::rstest;

use crate::excludes::{excludes, git, repository};

const LONG: Duration = Duration::from_secs(20);

pub(crate) struct Watched {
    ws: Workspace,
    events: Receiver<WatchEvent>,
    watcher: Watcher,
}

fn soon() -> Watching {
    Watching::new(Duration::from_millis(30))
}

pub(crate) fn watch(root: &Path) -> Watched {
    watch_as(root, soon())
}

fn watch_as(root: &Path, watching: Watching) -> Watched {
    let ws = Workspace::open(root).unwrap();
    let (sender, events) = channel();
    let watcher = Watcher::start(&ws, watching, move |event| drop(sender.send(event))).unwrap();
    Watched {
        ws,
        events,
        watcher,
    }
}

impl Watched {
    /// Collects until `last` was told, and gives all that was told by then. `last` is changed last, so what should
    /// have been told before it was, and what is not in the answer was dropped.
    fn until(&self, last: &str) -> BTreeSet<String> {
        fs::write(self.ws.root().join(last), "").unwrap();
        let mut told = BTreeSet::new();
        while !told.contains(last) {
            match self.events.recv_timeout(LONG).unwrap() {
                WatchEvent::Changed(paths) => told.extend(paths.iter().map(ToString::to_string)),
                WatchEvent::Rescan { reason } | WatchEvent::Unwatched { reason } => {
                    panic!("{reason}")
                }
            }
        }
        told.remove(last);
        told
    }

    /// As [`Watched::until`], where folders may be looked at anew meanwhile.
    pub(crate) fn until_quiet(&self, last: &str) -> BTreeSet<String> {
        let write = || fs::write(self.ws.root().join(last), "").unwrap();
        write();
        let mut told = BTreeSet::new();
        while !told.contains(last) {
            match self.events.recv_timeout(LONG).unwrap() {
                WatchEvent::Changed(paths) => told.extend(paths.iter().map(ToString::to_string)),
                // It may have been a part of that.
                WatchEvent::Rescan { .. } | WatchEvent::Unwatched { .. } => write(),
            }
        }
        told
    }

    pub(crate) fn rescan(&self) -> String {
        loop {
            if let WatchEvent::Rescan { reason } = self.events.recv_timeout(LONG).unwrap() {
                return reason;
            }
        }
    }
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn changes_are_told_and_ignored_ones_are_not() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    for folder in ["src", "target", ".git", "sub"] {
        fs::create_dir(root.join(folder)).unwrap();
    }
    fs::write(root.join(".gitignore"), "target/\n*.log").unwrap();
    fs::write(root.join("src/old"), "").unwrap();
    let watched = watch(root);
    fs::write(root.join("src/a"), "").unwrap();
    fs::write(root.join("src/a.log"), "").unwrap();
    fs::write(root.join("target/o"), "").unwrap();
    fs::write(root.join(".git/index"), "").unwrap();
    fs::remove_file(root.join("src/old")).unwrap();
    watched
        .ws
        .fs()
        .save(&"sub/saved".parse().unwrap(), b"x", &Save::default())
        .unwrap();
    assert_eq!(watched.until("z1"), set(&["src/a", "src/old", "sub/saved"]));
    fs::read(root.join("src/a")).unwrap();
    assert_eq!(watched.until("z2"), set(&[]), "reading is no change");
    fs::rename(root.join("src/a"), root.join("src/b")).unwrap();
    assert_eq!(watched.until("z3"), set(&["src/a", "src/b"]));
}

#[test]
fn new_folders_are_watched_with_what_is_in_them() {
    let temp = tempfile::tempdir().unwrap();
    let watched = watch(temp.path());
    fs::create_dir_all(temp.path().join("a/b/c")).unwrap();
    fs::write(temp.path().join("a/b/c/f"), "").unwrap();
    assert_eq!(watched.until("z1"), set(&["a/b/c/f"]));
    fs::write(temp.path().join("a/b/c/g"), "").unwrap();
    assert_eq!(watched.until("z2"), set(&["a/b/c/g"]));
    fs::rename(temp.path().join("a"), temp.path().join("moved")).unwrap();
    assert_eq!(
        watched.until("z3"),
        set(&["a", "moved/b/c/f", "moved/b/c/g"])
    );
    fs::write(temp.path().join("moved/b/c/g"), "x").unwrap();
    assert_eq!(watched.until("z4"), set(&["moved/b/c/g"]));
    fs::remove_dir_all(temp.path().join("moved")).unwrap();
    assert!(
        watched.until("z5").contains("moved"),
        "a folder that is gone is told"
    );
}

#[test]
fn other_ignore_rules_call_for_a_rescan() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join(".gitignore"), "out/").unwrap();
    fs::create_dir(temp.path().join("out")).unwrap();
    let watched = watch(temp.path());
    fs::write(temp.path().join(".gitignore"), "").unwrap();
    assert_eq!(watched.rescan(), "the ignore rules in `.gitignore` changed");
    fs::write(temp.path().join("out/f"), "").unwrap();
    assert_eq!(
        watched.until("z"),
        set(&["out/f"]),
        "what is no longer ignored is watched"
    );
}

#[test]
fn a_change_of_gits_own_rules_calls_for_a_rescan() {
    let temp = tempfile::tempdir().unwrap();
    let excludes = temp.path().join(".git/info/exclude");
    fs::create_dir_all(excludes.parent().unwrap()).unwrap();
    fs::write(temp.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    let watched = watch(temp.path());
    assert_eq!(watched.until("a"), set(&[]));
    fs::write(&excludes, "b\n").unwrap();
    assert_eq!(
        watched.rescan(),
        "the ignore rules in `.git/info/exclude` changed"
    );
    fs::write(temp.path().join("b"), "").unwrap();
    fs::write(temp.path().join(".git/info/other"), "").unwrap();
    assert_eq!(watched.until("c"), set(&[]));
}

/// Opens a folder, changes the excludes that git reads there, and expects to be told.
#[rstest]
#[case::worktree("worktree")]
#[case::part_of_a_repository("part")]
#[case::nested("nested")]
#[case::made_later("later")]
#[case::without_the_folder_of_excludes("bare")]
fn a_change_of_excludes_that_lie_elsewhere_calls_for_a_rescan(#[case] layout: &str) {
    let base = tempfile::tempdir().unwrap();
    let main = base.path().join("main");
    if layout == "later" {
        fs::create_dir(&main).unwrap();
    } else {
        repository(&main);
    }
    let (opened, asked) = match layout {
        "worktree" => {
            git(&main, &["worktree", "add", "-q", "../tree"]);
            (base.path().join("tree"), base.path().join("tree"))
        }
        "part" => {
            fs::create_dir(main.join("part")).unwrap();
            (main.join("part"), main.join("part"))
        }
        "nested" => {
            repository(&main.join("nested"));
            (main.clone(), main.join("nested"))
        }
        "bare" => {
            fs::remove_dir_all(main.join(".git/info")).unwrap();
            (main.clone(), main.clone())
        }
        _ => (main.clone(), main.clone()),
    };
    let watched = watch(&opened);
    if layout == "later" {
        git(&main, &["init", "-q"]);
        assert_eq!(watched.rescan(), "the ignore rules in `.git` changed");
    }
    fs::write(excludes(&asked), "*.left\n").unwrap();
    let reason = watched.rescan();
    assert!(
        reason.contains("exclude` changed") || reason.contains("info` changed"),
        "{reason}"
    );
    let inside = asked.strip_prefix(&opened).unwrap();
    fs::write(asked.join("b.left"), "").unwrap();
    let told = watched.until_quiet(&inside.join("c").display().to_string());
    assert!(
        !told.contains(&inside.join("b.left").display().to_string()),
        "{told:?}"
    );
}

/// The system knows a folder by one name at a time, the last by which it was asked to watch it.
#[cfg(unix)]
#[test]
fn a_folder_of_excludes_that_is_a_link_to_a_watched_one_stays_watched() {
    let base = tempfile::tempdir().unwrap();
    let main = base.path().join("main");
    repository(&main);
    let dots = main.join("part/dots");
    fs::create_dir_all(&dots).unwrap();
    fs::remove_dir_all(main.join(".git/info")).unwrap();
    std::os::unix::fs::symlink(&dots, main.join(".git/info")).unwrap();
    let watched = watch(&main.join("part"));
    fs::write(dots.join("a"), "").unwrap();
    assert_eq!(watched.until("b"), set(&["dots/a"]));
    fs::write(dots.join("exclude"), "*.left\n").unwrap();
    assert!(watched.rescan().contains("exclude` changed"));
}

#[test]
fn a_moved_folder_calls_for_a_rescan() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("ws");
    fs::create_dir(&root).unwrap();
    let watched = watch(&root);
    fs::rename(&root, temp.path().join("elsewhere")).unwrap();
    assert_eq!(watched.rescan(), "the folder was moved or removed");
}

#[rstest]
#[case::an_event(|watched: &Watched| fs::write(watched.ws.root().join("a"), "").unwrap())]
#[case::somebody_who_asks(|watched: &Watched| assert_eq!(watched.watcher.sleeps(), 1))]
fn after_a_sleep_whatever_comes_first_calls_for_a_rescan(#[case] first: fn(&Watched)) {
    let temp = tempfile::tempdir().unwrap();
    let sleeper = Sleeper::default();
    let watching = Watching {
        clock: sleeper.clock(),
        ..soon()
    };
    let watched = watch_as(temp.path(), watching);
    assert_eq!(watched.until("z1"), set(&[]));
    assert_eq!(watched.watcher.sleeps(), 0);
    sleeper.naps();
    first(&watched);
    assert!(watched.rescan().contains("slept"));
    // Then all is as before.
    watched.until_quiet("z2");
    assert_eq!(watched.watcher.sleeps(), 1);
}

/// In a time namespace of its own the clock that goes on is ahead of the one that stands still, as after a sleep.
#[cfg(target_os = "linux")]
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test runs itself where it is later"
)]
fn the_system_tells_how_long_it_slept() {
    const INSIDE: &str = "KERF_TEST_SLEPT";
    const HOURS: u64 = 5;
    let slept = SleepClock::default().slept();
    if let Some(before) = std::env::var_os(INSIDE) {
        let before: u64 = before.to_str().unwrap().parse().unwrap();
        let more = slept - Duration::from_secs(before);
        let nearly = |expected: u64| more.as_secs().abs_diff(expected) < 60;
        assert!(nearly(HOURS * 3600), "{more:?}");
        return;
    }
    let inside = std::process::Command::new("unshare")
        .args(["--user", "--map-root-user", "--time", "--boottime"])
        .arg((HOURS * 3600).to_string())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "watch::the_system_tells_how_long_it_slept"])
        .env(INSIDE, slept.as_secs().to_string())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&inside.stdout);
    assert!(
        inside.status.success() && told.contains("1 passed"),
        "{inside:?}"
    );
}

#[test]
fn nothing_is_told_after_the_watcher_is_dropped() {
    let temp = tempfile::tempdir().unwrap();
    let Watched {
        events, watcher, ..
    } = watch(temp.path());
    drop(watcher);
    fs::write(temp.path().join("f"), "").unwrap();
    // The thread ends and takes the sender with it.
    assert!(
        events
            .recv_timeout(LONG)
            .is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Disconnected)
    );
}

#[test]
fn a_missing_folder_cannot_be_watched() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("ws");
    fs::create_dir(&root).unwrap();
    let ws = Workspace::open(&root).unwrap();
    fs::remove_dir(&root).unwrap();
    assert!(Watcher::start(&ws, soon(), |_| {}).is_err());
}

/// The system's limit is set for a namespace of its own, in which this test runs once more.
#[cfg(target_os = "linux")]
#[test]
fn beyond_the_limit_of_watches_the_folder_is_looked_at_from_time_to_time() {
    let name = "watch::beyond_the_limit_of_watches_the_folder_is_looked_at_from_time_to_time";
    if !kerf_test_support::inotify::limited("max_inotify_watches", 3, name) {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    for folder in 0..8 {
        fs::create_dir(temp.path().join(folder.to_string())).unwrap();
    }
    let ws = Workspace::open(temp.path()).unwrap();
    let (sender, events) = channel();
    let watching = Watching {
        poll: Duration::from_millis(50),
        ..Watching::new(Duration::from_millis(5))
    };
    let _watcher = Watcher::start(&ws, watching, move |event| drop(sender.send(event))).unwrap();
    let told: Vec<_> = (0..5).map(|_| events.recv_timeout(LONG).unwrap()).collect();
    let unwatched = |event: &&WatchEvent| matches!(event, WatchEvent::Unwatched { reason } if reason.contains("max_user_watches"));
    assert_eq!(told.iter().filter(unwatched).count(), 1, "{told:?}");
    let looks = |event: &&WatchEvent| matches!(event, WatchEvent::Rescan { reason } if reason.contains("not all"));
    assert!(told.iter().filter(looks).count() >= 3, "{told:?}");
}
