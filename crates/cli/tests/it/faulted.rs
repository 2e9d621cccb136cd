//! Kerf killed at each call that changes the disk: a restore, an acceptance, a collection. Nothing is lost, and it goes on.

use crate::{
    beside::Beside,
    checkpoints::{TREE, checkpoints, over_its_room, worked},
    scene::{command, edit, look, write},
    support::Kerf,
};
use kerf_test_support::faults::{Call, Traced, left_out};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// The calls that change the disk, in groups.
const CHANGING: [&str; 3] = [
    "renameat,renameat2,rename",
    "unlinkat,unlink",
    "fsync,fdatasync",
];

/// Runs the program, which is killed at the nth of these calls in a thread of it. False: it made fewer, and came to its end.
#[track_caller]
fn killed(traced: &Traced, calls: &str, nth: usize) -> bool {
    let name = calls.to_owned();
    let ended = traced.with_kill(&Call { name, nth }).unwrap();
    if ended.status.success() {
        return false;
    }
    assert_eq!(ended.status.signal(), Some(9), "{ended:?}");
    true
}

/// Removes what a kill left of a save; Kerf does so when it is ten minutes old.
fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != ".git" {
            remove_leftovers(&path);
        } else if name.starts_with(".kerf-") && name.ends_with(".tmp") {
            fs::remove_file(path).unwrap();
        }
    }
}

/// Folders as they are now, to begin from again and again.
struct Kept {
    room: tempfile::TempDir,
    folders: Vec<PathBuf>,
}

impl Kept {
    fn of(folders: &[&Path]) -> Self {
        let kept = Self {
            room: tempfile::tempdir().unwrap(),
            folders: folders.iter().map(|folder| folder.to_path_buf()).collect(),
        };
        for (number, folder) in kept.folders.iter().enumerate() {
            copy(folder, &kept.room.path().join(number.to_string()));
        }
        kept
    }

    fn again(&self) {
        for (number, folder) in self.folders.iter().enumerate() {
            fs::remove_dir_all(folder).unwrap();
            copy(&self.room.path().join(number.to_string()), folder);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the machine's own program, which keeps times and links"
    )]
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(done.unwrap().success());
}

/// Kills a restore at every call that changes the disk, one after the other. What is found afterwards is all of it or
/// nothing of it, and it can be undone.
#[test]
fn a_restore_that_is_killed_is_whole_or_was_not_begun() {
    let (kerf, repo, _server) = worked();
    let changed = repo.tree();
    let first = checkpoints(&kerf)[0]["id"].to_string();
    let traced = match Traced::of(&kerf.command(&["restore", "last", &first])) {
        Ok(traced) => traced,
        Err(why) => return left_out(&why),
    };
    let undo = || {
        let undo = checkpoints(&kerf).pop().unwrap()["id"].to_string();
        kerf.run(&["restore", "last", &undo]).expect(0);
    };
    let (mut begun, mut kills) = (0, 0);
    'calls: for call in CHANGING {
        for when in 1.. {
            if !killed(&traced, call, when) {
                assert_eq!(repo.tree(), TREE);
                undo();
                continue 'calls;
            }
            kills += 1;
            // Opening the session goes on with what was begun.
            kerf.run(&["diff", "last", "--json"]).expect(0);
            remove_leftovers(repo.path());
            let now = repo.tree();
            assert!(
                now == TREE || now == changed,
                "after {call} number {when}:\n{now}"
            );
            if now == TREE {
                begun += 1;
                undo();
                assert_eq!(repo.tree(), changed, "after {call} number {when}");
            }
        }
    }
    assert!(begun > 3 && kills > begun, "{kills} kills, {begun} begun");
}

type Tree = BTreeMap<String, String>;

/// Every file is as it was before or as it is meant to be; those that are not, yet, are returned.
#[track_caller]
fn between(now: &Tree, before: &Tree, after: &Tree, at: &str) -> Vec<String> {
    let paths: std::collections::BTreeSet<&String> = [now, before, after]
        .iter()
        .flat_map(|tree| tree.keys())
        .collect();
    let mut left = Vec::new();
    for path in paths {
        let is = now.get(path);
        assert!(
            is == before.get(path) || is == after.get(path),
            "{at}: {path} is {is:?}"
        );
        if is != after.get(path) {
            left.push(path.clone());
        }
    }
    left
}

/// Accepting in a worktree writes into the user's folder: killed at any call, all files are old or new, and accepting
/// again ends it.
#[test]
fn an_acceptance_that_is_killed_can_be_made_again() {
    let scene = Beside::new();
    let traced = match Traced::of(&scene.kerf.command(&["accept", "last"])) {
        Ok(traced) => traced,
        Err(why) => return left_out(&why),
    };
    scene.exec(
        "off",
        &[],
        [
            edit("a.txt", &[("three", "3"), ("seven", "7")]),
            write("new/file.txt", "new\n"),
            command("rm b.txt"),
        ],
    );
    let (kerf, folder) = (&scene.kerf, scene.folder.path());
    let kept = Kept::of(&[folder, &kerf.home()]);
    let before = look(folder);
    kerf.run(&["accept", "last"]).expect(0);
    let after = look(folder);
    assert_eq!(
        scene.folder.read("a.txt"),
        "ONE\ntwo\n3\nfour\nfive\nsix\n7\n"
    );
    let (mut kills, mut halves) = (0, 0);
    for call in CHANGING {
        for when in 1.. {
            kept.again();
            if !killed(&traced, call, when) {
                break;
            }
            kills += 1;
            remove_leftovers(folder);
            let at = format!("killed at {call} number {when}");
            let left = between(&look(folder), &before, &after, &at);
            halves += usize::from(!left.is_empty() && left.len() < 3);
            kerf.run(&["accept", "last"]).expect(0);
            assert_eq!(look(folder), after, "{at}");
            let pending = kerf.run(&["diff", "last", "--json"]).expect(0).events;
            assert!(
                pending.iter().all(|hunk| hunk["state"] == "accepted"),
                "{at}: {pending:?}"
            );
        }
    }
    assert!(
        kills > 5 && halves > 0,
        "{kills} kills, {halves} in the middle"
    );
}

/// A collection gives up checkpoints and removes what they held. Killed at any call, what is still listed can be brought
/// back, and the next collection ends it.
#[test]
fn a_collection_that_is_killed_leaves_every_listed_checkpoint_whole() {
    let (kerf, repo, _server) = over_its_room(4);
    let traced = match Traced::of(&kerf.command(&["data", "--collect"])) {
        Ok(traced) => traced,
        Err(why) => return left_out(&why),
    };
    kerf.run(&["accept", "last"]).expect(0);
    let kept = Kept::of(&[repo.path(), &kerf.home()]);
    // What each checkpoint is of.
    let held: Vec<(String, Tree)> = checkpoints(&kerf)
        .iter()
        .map(|one| {
            let id = one["id"].to_string();
            kerf.run(&["restore", "last", &id, "--files"]).expect(0);
            (id, look(repo.path()))
        })
        .collect();
    let is_gone = |kerf: &Kerf| -> Vec<bool> {
        let listed = checkpoints(kerf);
        listed[..held.len()]
            .iter()
            .map(|one| one["gone_at"].is_number())
            .collect()
    };
    let (mut kills, mut after_giving_up) = (0, 0);
    for call in ["unlinkat,unlink", "fsync,fdatasync", "ftruncate"] {
        for when in 1.. {
            kept.again();
            if !killed(&traced, call, when) {
                break;
            }
            kills += 1;
            let at = format!("killed at {call} number {when}");
            let gone = is_gone(&kerf);
            after_giving_up += usize::from(gone.contains(&true));
            let oldest = gone.iter().position(|gone| !gone).unwrap();
            for (id, tree) in [&held[oldest], &held[held.len() - 1]] {
                kerf.run(&["restore", "last", id, "--files"]).expect(0);
                assert_eq!(look(repo.path()), *tree, "{at}: checkpoint {id}");
            }
            // What is to be decided again keeps its checkpoints; where nothing is, there is nothing to accept.
            kerf.run(&["accept", "last"]);
            kerf.run(&["data", "--collect"]).expect(0);
            assert!(is_gone(&kerf).contains(&true), "{at}");
        }
    }
    assert!(
        kills > 5 && after_giving_up > 0 && after_giving_up < kills,
        "{kills} kills, {after_giving_up} after checkpoints were given up"
    );
}
