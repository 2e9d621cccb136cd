//! Processes that are killed between two steps of making, removing and bringing back a worktree.

use crate::{
    fixture::Fixture,
    worktree_kit::{Room, dirty, git, kill_at, look, tracked_state},
};
use kerf_git::Standing;
use std::fs;

/// What the child of the tests below does; by itself it does nothing.
#[test]
fn child() {
    crate::worktree_kit::child();
}

#[test]
fn killed_while_it_is_made() {
    let fixture = Fixture::new();
    dirty(&fixture);
    fixture.write("new", b"new");
    let before = (look(&fixture.ws), tracked_state(&fixture.ws));
    let mut steps = 0;
    loop {
        let room = Room::new(&fixture);
        let was_killed = kill_at("make", steps, &fixture, &room);
        let repo = fixture.repo();
        if was_killed {
            repo.unmake_worktree(&room.place).unwrap();
            assert!(
                !room.place.path.exists() && !room.place.objects.exists(),
                "after step {steps}"
            );
            let listed = git(&fixture.ws, &["worktree", "list", "--porcelain"]);
            assert_eq!(
                listed.matches("worktree ").count(),
                1,
                "after step {steps}: {listed}"
            );
            assert_eq!(
                (look(&fixture.ws), tracked_state(&fixture.ws)),
                before,
                "after step {steps}"
            );
            let refs = git(&fixture.ws, &["for-each-ref", "refs/kerf"]);
            assert_eq!(refs, "", "after step {steps}");
            repo.make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
                .unwrap();
            repo.unmake_worktree(&room.place).unwrap();
        } else {
            assert!(steps > 5, "{steps} steps");
            return;
        }
        steps += 1;
    }
}

#[test]
fn killed_while_it_is_removed_or_brought_back() {
    let fixture = Fixture::new();
    dirty(&fixture);
    let before = (look(&fixture.ws), tracked_state(&fixture.ws));
    for work in ["remove", "restore"] {
        let mut steps = 0;
        loop {
            let room = Room::new(&fixture);
            let repo = fixture.repo();
            repo.make_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
                .unwrap();
            room.commit("agent", "work", "work");
            fs::write(room.place.path.join("untracked"), "u").unwrap();
            fs::write(room.place.path.join("a.txt"), "changed").unwrap();
            let held = look(&room.place.path);
            if work == "restore" {
                repo.archive_worktree(&room.place).unwrap();
                repo.remove_worktree(&room.place, &mut |_| ()).unwrap();
            }
            let was_killed = kill_at(work, steps, &fixture, &room);
            if work == "remove" {
                // As whoever comes next does: what is archived is taken away to the end.
                repo.remove_worktree(&room.place, &mut |_| ()).unwrap();
                assert_eq!(
                    repo.standing(&room.place),
                    Standing::Gone,
                    "after step {steps}"
                );
            }
            if was_killed || work == "remove" {
                repo.clear_worktree(&room.place).unwrap();
                repo.restore_worktree(&room.place, &kerf_git::clone_file, &mut |_| ())
                    .unwrap();
            }
            assert_eq!(look(&room.place.path), held, "{work}, after step {steps}");
            assert_eq!(
                git(&room.place.path, &["log", "-1", "--format=%s"]).trim(),
                "agent"
            );
            assert_eq!(look(&fixture.ws), before.0, "{work}, after step {steps}");
            assert_eq!(
                tracked_state(&fixture.ws),
                before.1,
                "{work}, after step {steps}"
            );
            if !was_killed {
                assert!(steps > 2, "{steps} steps");
                break;
            }
            steps += 1;
        }
    }
}
