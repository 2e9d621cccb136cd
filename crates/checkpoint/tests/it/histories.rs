//! Random histories of a folder: whatever happened, `changes` says what a plain comparison says, and `content` gives
//! back the bytes of any moment.

use crate::{
    git::Known,
    rig::{Plain, Rig, path, plainly, set_modified},
};
use kerf_checkpoint::{Changed, Snapshot, changes, content};
use kerf_test_support::Fixture;
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

const PATHS: [&str; 7] = [
    "a",
    "b",
    "dir/a",
    "dir/b",
    "dir/deep/a",
    "other/x",
    "c\u{e9}",
];

#[derive(Debug, Clone)]
enum Op {
    Write {
        at: usize,
        content: usize,
    },
    /// Same stamp as before when the length is the same: the time is put back.
    Sneak {
        at: usize,
        content: usize,
    },
    Delete {
        at: usize,
    },
    Move {
        from: usize,
        to: usize,
    },
    Mode {
        at: usize,
        executable: bool,
    },
    Link {
        at: usize,
        target: usize,
    },
    /// Makes every stamp old, so that it counts.
    Age,
    Commit,
}

fn op() -> impl Strategy<Value = Op> {
    let at = || 0..PATHS.len();
    let content = || 0..5_usize;
    prop_oneof![
        6 => (at(), content()).prop_map(|(at, content)| Op::Write { at, content }),
        1 => (at(), content()).prop_map(|(at, content)| Op::Sneak { at, content }),
        2 => at().prop_map(|at| Op::Delete { at }),
        2 => (at(), at()).prop_map(|(from, to)| Op::Move { from, to }),
        1 => (at(), any::<bool>()).prop_map(|(at, executable)| Op::Mode { at, executable }),
        1 => (at(), at()).prop_map(|(at, target)| Op::Link { at, target }),
        2 => Just(Op::Age),
        1 => Just(Op::Commit),
    ]
}

/// Two of one length, one empty, one with line ends that git may convert, one of many blocks.
fn bytes(content: usize) -> Vec<u8> {
    match content {
        0 => vec![],
        1 => b"one\n".to_vec(),
        2 => b"two\n".to_vec(),
        3 => b"dos\r\n".to_vec(),
        _ => b"0123456789".repeat(20_000),
    }
}

fn clear(path: &Path) {
    if path
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_dir())
    {
        fs::remove_dir_all(path).unwrap();
    } else if path.symlink_metadata().is_ok() {
        fs::remove_file(path).unwrap();
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
}

fn apply(rig: &Rig, op: &Op) {
    let place = |at: usize| rig.folder.join(PATHS[at]);
    match *op {
        Op::Write { at, content } => {
            clear(&place(at));
            fs::write(place(at), bytes(content)).unwrap();
        }
        Op::Sneak { at, content } => {
            if place(at)
                .symlink_metadata()
                .is_ok_and(|metadata| metadata.is_file())
            {
                let modified = fs::metadata(place(at)).unwrap().modified().unwrap();
                // Only a young stamp may be imitated: an old one is a promise that the clock keeps.
                let is_young = modified > SystemTime::now() - Duration::from_secs(60);
                fs::write(place(at), bytes(content)).unwrap();
                if is_young {
                    set_modified(&place(at), modified);
                }
            }
        }
        Op::Delete { at } => clear(&place(at)),
        Op::Move { from, to } => {
            if from != to && place(from).symlink_metadata().is_ok() {
                clear(&place(to));
                fs::rename(place(from), place(to)).unwrap();
            }
        }
        Op::Mode { at, executable } => {
            #[cfg(unix)]
            if place(at)
                .symlink_metadata()
                .is_ok_and(|metadata| metadata.is_file())
            {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = if executable { 0o755 } else { 0o640 };
                fs::set_permissions(place(at), fs::Permissions::from_mode(mode)).unwrap();
            }
            #[cfg(not(unix))]
            let _ = (at, executable);
        }
        Op::Link { at, target } => {
            #[cfg(unix)]
            {
                clear(&place(at));
                std::os::unix::fs::symlink(PATHS[target], place(at)).unwrap();
            }
            #[cfg(not(unix))]
            let _ = (at, target);
        }
        Op::Age => {
            for (name, plain) in plainly(rig.folder.path()) {
                if plain.bytes().is_some() {
                    let file = rig.folder.join(&name);
                    let modified = fs::metadata(&file).unwrap().modified().unwrap();
                    if modified > SystemTime::now() - Duration::from_secs(60) {
                        // A new time each, as a clock gives.
                        set_modified(&file, modified - Duration::from_secs(3600));
                    }
                }
            }
        }
        Op::Commit => {
            if rig.folder.exists(".git") {
                rig.folder.commit("more");
            }
        }
    }
}

struct Moment {
    snapshot: Snapshot,
    plain: BTreeMap<String, Plain>,
}

/// A plain comparison: the paths whose bytes, mode, target or kind differ.
fn differing(before: &Moment, after: &Moment) -> BTreeSet<String> {
    let names = before.plain.keys().chain(after.plain.keys());
    names
        .filter(|name| before.plain.get(*name) != after.plain.get(*name))
        .cloned()
        .collect()
}

fn check(rig: &Rig, known: Option<&Known>, before: &Moment, after: &Moment) {
    let changed = changes(&before.snapshot, &after.snapshot);
    let paths: Vec<_> = changed
        .iter()
        .map(|changed| changed.path.as_path().to_str().unwrap().to_owned())
        .collect();
    let found: BTreeSet<_> = paths.iter().cloned().collect();
    assert_eq!(found, differing(before, after));
    assert!(changed.is_sorted_by(|a, b| a.path < b.path));
    for (
        name,
        Changed {
            before: old,
            after: new,
            ..
        },
    ) in paths.iter().zip(&changed)
    {
        for (held, plain) in [(old, before.plain.get(name)), (new, after.plain.get(name))] {
            match (held, plain) {
                (None, None) => {}
                (Some(held), Some(plain)) => {
                    let git = |oid: &str| known.ok_or("no git")?.blob(oid);
                    let bytes = content(held, &rig.blobs, &git).unwrap();
                    assert!(
                        plain.is(held, bytes.as_deref()),
                        "{name}: {held:?} is not {plain:?}"
                    );
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}

fn play(steps: &[Vec<Op>], git: bool) {
    let mut folder =
        Fixture::new("//- /a\nstart\n//- /dir/a\nstart\n//- /.gitattributes\n* text=auto\n");
    if git {
        folder = folder.git();
    }
    let rig = Rig::of(folder);
    let moment = |previous: Option<&Snapshot>| {
        let known = git.then(|| Known::of(&rig));
        let oid = |path: &_, stat: &_| known.as_ref()?.oid(path, stat);
        let taken = rig.take_knowing(previous, &oid);
        assert_eq!(taken.excluded, []);
        Moment {
            snapshot: taken.snapshot,
            plain: plainly(rig.folder.path()),
        }
    };
    let mut moments = vec![moment(None)];
    for ops in steps {
        ops.iter().for_each(|op| apply(&rig, op));
        let last = &moments.last().unwrap().snapshot;
        let all: Vec<_> = PATHS.to_vec();
        let refreshed = rig.refresh(last, &all);
        let next = moment(Some(last));
        // A refresh of every path that can have changed sees what a take sees.
        assert_eq!(changes(&refreshed, &next.snapshot), []);
        moments.push(next);
    }
    let known = git.then(|| Known::of(&rig));
    for (n, before) in moments.iter().enumerate() {
        for after in &moments[n..] {
            check(&rig, known.as_ref(), before, after);
            check(&rig, known.as_ref(), after, before);
        }
    }
    // Nothing has happened since: nothing is read when no stamp is young.
    apply(&rig, &Op::Age);
    let calm = moment(Some(&moments.last().unwrap().snapshot)).snapshot;
    assert_eq!(rig.take(Some(&calm)).read_files, 0);
    assert!(calm.files.contains_key(&path(".gitattributes")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn of_a_plain_folder(steps in prop::collection::vec(prop::collection::vec(op(), 0..6), 1..5)) {
        play(&steps, false);
    }

    #[test]
    fn of_a_repository(steps in prop::collection::vec(prop::collection::vec(op(), 0..6), 1..5)) {
        play(&steps, true);
    }
}
