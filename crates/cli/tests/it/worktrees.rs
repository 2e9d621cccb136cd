//! Sessions in worktrees, by the program as its users run it.

use crate::{
    beside::{Beside, FILES},
    scene::{command, edit, look, write},
    support::{Kerf, list},
};
use kerf_protocol::endpoint::Wire;
use kerf_test_support::{Fixture, ModelServer, Script};
use serde_json::Value;
use std::path::PathBuf;

#[test]
fn a_session_works_beside_and_what_is_accepted_comes_over() {
    let scene = Beside::new();
    let before = look(scene.folder.path());
    let ran = scene.exec(
        "off",
        &[],
        [
            edit("a.txt", &[("seven", "SEVEN"), ("two", "2")]),
            write("new.txt", "new\n"),
            command("printf made > by-command.txt; test -f mine.txt"),
        ],
    );
    assert_eq!(look(scene.folder.path()), before, "the folder is as it was");
    let at = PathBuf::from(ran.events[0]["folder"].as_str().unwrap());
    assert!(
        at.starts_with(scene.kerf.home().canonicalize().unwrap().join("worktrees")),
        "{}",
        at.display()
    );

    // The user's own change is not the agent's.
    let hunks: Vec<String> = scene
        .run(&["diff"])
        .expect(0)
        .events
        .iter()
        .map(crate::scene::short)
        .collect();
    assert_eq!(
        hunks,
        [
            "a.txt:1 pending +1 -1",
            "a.txt:2 pending +1 -1",
            "by-command.txt:1 pending +1 -0",
            "new.txt:1 pending +1 -0"
        ]
    );

    // Meanwhile the user works on.
    scene.folder.write(
        "a.txt",
        "ONE\ntwo\nthree\nfour and more\nfive\nsix\nseven\n",
    );
    let decided = scene.run(&["accept", "last", "a.txt:2"]).expect(0).json();
    assert_eq!(list(&decided["written"]), ["a.txt"]);
    assert_eq!(
        scene.folder.read("a.txt"),
        "ONE\ntwo\nthree\nfour and more\nfive\nsix\nSEVEN\n"
    );
    scene.run(&["accept", "last"]).expect(0);
    assert_eq!(
        scene.folder.read("a.txt"),
        "ONE\n2\nthree\nfour and more\nfive\nsix\nSEVEN\n"
    );
    assert_eq!(
        (
            scene.folder.read("new.txt"),
            scene.folder.read("by-command.txt")
        ),
        ("new\n".to_owned(), "made".to_owned())
    );
    scene.run(&["undo", "last"]).expect(0);
    scene.run(&["undo", "last"]).expect(0);
    assert_eq!(
        scene.folder.read("a.txt"),
        "ONE\ntwo\nthree\nfour and more\nfive\nsix\nseven\n"
    );
    assert!(!scene.folder.exists("new.txt") && !scene.folder.exists("by-command.txt"));
    // A rejected hunk is gone from the worktree, and never was in the folder.
    scene.run(&["reject", "last"]).expect(0);
    assert!(!at.join("new.txt").exists());
}

#[test]
fn a_conflict_is_told_and_nothing_is_applied() {
    let scene = Beside::new();
    scene.exec(
        "off",
        &[],
        [edit("a.txt", &[("four", "4")]), write("new.txt", "new\n")],
    );
    scene
        .folder
        .write("a.txt", "ONE\ntwo\nthree\nfour of mine\nfive\nsix\nseven\n");
    let before = look(scene.folder.path());
    let refused = scene.run(&["accept", "last"]).expect(1);
    let error = refused.error();
    assert_eq!(error["code"], "conflict");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("line 4 of a.txt"), "{message}");
    assert_eq!(
        look(scene.folder.path()),
        before,
        "nothing is applied, not even the other file"
    );
    let states: Vec<Value> = scene
        .run(&["diff"])
        .expect(0)
        .events
        .iter()
        .map(|hunk| hunk["state"].clone())
        .collect();
    assert_eq!(states, ["pending", "pending"]);
    scene.run(&["accept", "last", "new.txt"]).expect(0);
    assert_eq!(scene.folder.read("new.txt"), "new\n");
    // A file that the user made meanwhile is not written over.
    scene.folder.write("new.txt", "mine now\n");
    let refused = scene.run(&["undo", "last"]).expect(1);
    assert!(
        refused.error()["message"]
            .as_str()
            .unwrap()
            .contains("new.txt")
    );
    assert_eq!(scene.folder.read("new.txt"), "mine now\n");
}

#[test]
fn a_session_is_listed_with_the_folder_that_it_came_from() {
    let scene = Beside::new();
    let ran = scene.exec("off", &[], [edit("a.txt", &[("seven", "SEVEN")])]);
    scene.run(&["accept", "last"]).expect(0);
    assert_eq!(
        scene.run(&["sessions"]).expect(0).events[0]["id"],
        ran.session().as_str(),
        "it is listed with its folder"
    );
    assert!(scene.git(&["diff", "--stat"]).contains("a.txt"));
}

#[test]
fn worktrees_are_listed_removed_and_brought_back() {
    let scene = Beside::new();
    scene.exec(
        "off",
        &[],
        [write("new.txt", "new\n"), edit("b.txt", &[("b", "B")])],
    );
    let one = scene.worktree();
    let (id, path) = (
        one["id"].as_str().unwrap(),
        PathBuf::from(one["path"].as_str().unwrap()),
    );
    assert_eq!(one["state"], "ready");
    assert!(one["bytes"].as_u64().unwrap() > 0);
    assert_eq!(
        list(&one["work"]),
        ["uncommitted b.txt", "untracked new.txt"]
    );
    let held = look(&path);
    let refused = scene.run(&["worktrees", "remove", id]).expect(1);
    assert!(
        refused.error()["message"]
            .as_str()
            .unwrap()
            .contains("untracked new.txt")
    );
    assert_eq!(look(&path), held);
    // Its session does not go either.
    let session = one["session_id"].as_str().unwrap();
    scene.run(&["sessions", "delete", session]).expect(1);
    // What is in the folder too is not only there.
    scene.run(&["accept", "last"]).expect(0);
    assert_eq!(list(&scene.worktree()["work"]).len(), 0);
    scene.run(&["undo", "last"]).expect(0);

    let removed = scene
        .run(&["worktrees", "remove", "--force", &id[id.len() - 8..]])
        .expect(0)
        .json();
    assert_eq!(removed["state"], "archived");
    assert!(!path.exists());
    assert_eq!(scene.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(scene.worktree()["state"], "archived");
    scene.run(&["diff"]).expect(2);
    scene.run(&["worktrees", "restore", id]).expect(0);
    assert_eq!(look(&path), held);
    assert_eq!(
        scene.run(&["diff"]).expect(0).events.len(),
        2,
        "the review goes on"
    );
    scene.script([write("more.txt", "more\n")]);
    scene.run(&["resume", "--last", "Go on"]).expect(0);
    assert!(path.join("more.txt").exists());
}

#[test]
fn a_folder_in_no_repository_has_no_worktrees() {
    let folder = Fixture::new(FILES);
    let server = ModelServer::start(Script::new());
    let kerf = Kerf::new().server(&server, Wire::Chat).in_repo(&folder);
    let refused = kerf.run(&["exec", "--json", "--worktree", "Go"]).expect(2);
    assert!(
        refused.error()["message"]
            .as_str()
            .unwrap()
            .contains("no git repository")
    );
    assert!(
        kerf.run(&["worktrees", "list", "--all", "--json"])
            .expect(0)
            .events
            .is_empty()
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_in_the_sandbox_commits_and_reaches_nothing_else_of_the_repository() {
    let scene = Beside::new();
    let dot_git = scene.folder.path().canonicalize().unwrap().join(".git");
    let branch = scene.git(&["rev-parse", "HEAD"]);
    let git = "git -c user.name=A -c user.email=a@example.org";
    let tries = [
        format!("touch {}/hooks/pre-commit", dot_git.display()),
        format!("echo x >> {}/config", dot_git.display()),
        format!("rm -rf {}/objects/*", dot_git.display()),
        "git update-ref refs/heads/master HEAD~0 && git branch evil".to_owned(),
        "d=$(git rev-parse --git-dir); echo /tmp > $d/commondir".to_owned(),
        "d=$(git rev-parse --git-dir); echo x > $d/config.worktree".to_owned(),
        "d=$(git rev-parse --git-dir); echo x > $d/gitdir".to_owned(),
        "d=$(git rev-parse --git-dir); mkdir -p $d/modules/x".to_owned(),
        "d=$(git rev-parse --git-dir); mv $d $d.old".to_owned(),
        "echo x > .git".to_owned(),
    ];
    let tried: String = tries
        .iter()
        .map(|line| {
            format!(
                "({line}) 2>/dev/null && echo DONE: '{}';",
                line.replace('\'', "")
            )
        })
        .collect();
    let ran = scene.exec("workspace-write", &["--branch", "fix"], [
        command(&format!("{git} commit -qam 'of the agent' && echo x > x && git add x && {git} commit -qm second && git log --oneline | head -2 && git status --short")),
        command(&format!("{tried} true")),
        command("d=$(git rev-parse --git-dir); ln -sf /etc/hostname $d/logs/link; true"),
    ]);
    let outputs: Vec<&str> = ran
        .calls()
        .iter()
        .map(|call| call["output"].as_str().unwrap())
        .collect();
    assert!(
        outputs[0].contains("second") && outputs[0].contains("of the agent"),
        "{}",
        outputs[0]
    );
    assert!(!outputs[1].contains("DONE"), "{}", outputs[1]);
    assert_eq!(
        scene.git(&["log", "-1", "--format=%s", "kerf/fix"]),
        "second"
    );
    assert_eq!(
        scene.git(&["rev-parse", "HEAD"]),
        branch,
        "the user's branch is where it was"
    );
    assert_eq!(scene.git(&["fsck", "--strict"]), "");
    assert!(!dot_git.join("hooks/pre-commit").exists());
    let admin = std::fs::read_dir(dot_git.join("worktrees"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    assert!(
        admin.join("logs/link").symlink_metadata().is_err(),
        "links in git's folder are taken away"
    );
    assert_eq!(
        list(&scene.worktree()["work"]).len(),
        0,
        "a branch has all of it: {}",
        scene.worktree()["work"]
    );
}

/// Where the file system clones, the worktree has folders of dependencies of its own, and this shows nothing.
#[cfg(target_os = "linux")]
#[test]
fn commands_in_the_sandbox_see_dependencies_that_cannot_be_cloned() {
    let mut scene = Beside::new();
    scene.folder.write(".gitignore", "node_modules\ntarget\n");
    scene.folder.write("node_modules/p/index.js", "lent\n");
    scene.folder.write("target/out", "built\n");
    let see = "cat node_modules/p/index.js; touch node_modules/x 2>/dev/null || echo closed; ls target 2>&1; true";
    let ran = scene.exec(
        "workspace-write",
        &[],
        [command(see), command("mkdir target && touch target/own")],
    );
    let said = ran.calls()[0]["output"].as_str().unwrap().to_owned();
    let notes = scene.worktree()["notes"].to_string();
    let at = PathBuf::from(ran.events[0]["folder"].as_str().unwrap());
    if at.join("node_modules/p").exists() {
        eprintln!("skipped: this file system clones");
        return;
    }
    assert!(
        said.contains("lent\nclosed\n") && !said.contains("built"),
        "{said}"
    );
    assert!(
        notes.contains("see your node_modules") && !notes.contains("see your target"),
        "{notes}"
    );
    assert!(!scene.folder.exists("node_modules/x"));
    assert!(at.join("target/own").exists());

    // Also once it was removed and brought back.
    let id = scene.worktree()["id"].as_str().unwrap().to_owned();
    scene.run(&["worktrees", "remove", &id]).expect(0);
    let back = scene.run(&["worktrees", "restore", &id]).expect(0).json();
    assert!(
        back["notes"].to_string().contains("see your node_modules"),
        "{back}"
    );
    scene.script([command(see)]);
    let ran = scene.run(&["resume", "--last", "Go on"]).expect(0);
    let said = ran.calls()[0]["output"].as_str().unwrap().to_owned();
    assert!(said.contains("lent\nclosed\n"), "{said}");

    // With a set-up command the worktree gets its own.
    crate::set_up::set_up(
        &mut scene,
        "mkdir -p node_modules && echo own > node_modules/own",
        false,
    );
    let ran = scene.exec("workspace-write", &[], [command("ls node_modules")]);
    let said = ran.calls()[1]["output"].as_str().unwrap().to_owned();
    assert!(said.contains("own") && !said.contains("p\n"), "{said}");
}

#[test]
fn what_no_archive_can_hold_is_named_before_it_goes() {
    let scene = Beside::new();
    scene.folder.write(".gitignore", "data/\n");
    scene.folder.write(".worktreeinclude", "data/\n");
    let ran = scene.exec("off", &[], []);
    let at = PathBuf::from(ran.events[0]["folder"].as_str().unwrap());
    std::fs::create_dir(at.join("data")).unwrap();
    let long = std::fs::File::create(at.join("data/long.bin")).unwrap();
    long.set_len((64 << 20) + 1).unwrap();
    let one = scene.worktree();
    let id = one["id"].as_str().unwrap();
    let words = "data/long.bin, which no archive can hold: it is over 64 MB";
    assert_eq!(list(&one["work"]), [words]);
    let refused = scene.run(&["worktrees", "remove", id]).expect(1);
    let message = refused.error()["message"].as_str().unwrap().to_owned();
    assert!(message.contains(words), "{message}");
    assert!(at.join("data/long.bin").exists());
    let told = scene
        .kerf
        .run(&["worktrees", "remove", "--force", id])
        .expect(0);
    assert!(
        told.stdout.contains(&format!("gone with it: {words}")),
        "{}",
        told.stdout
    );
}
