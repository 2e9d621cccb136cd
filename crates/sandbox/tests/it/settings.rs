//! Repositories and settings that name programs: what a command cannot change although it may write around them.

use crate::room::{HELPER, Room, all_gone, has, opened, outside, snapshot};
use kerf_protocol::policy::SandboxMode::{Off, WorkspaceWrite};
use kerf_sandbox::{End, Finding};
use rstest::rstest;
use std::{fs, os::unix::fs::symlink, process::Stdio};

/// Names at the top of a workspace that commands can neither change nor make.
const SETTINGS: &[&str] = &[
    ".git",
    ".vscode",
    ".idea",
    ".husky",
    ".envrc",
    ".kerf",
    ".claude",
    ".codex",
    ".cursor",
    ".mcp.json",
];

/// Ways to change the folder `$P` or what is in it. Each ends well only when it changed something.
const CHANGES: &[&str] = &[
    "echo x > $P/new",
    "echo x > $P/config",
    "echo x >> $P/config",
    "mkdir -p $P/hooks && echo x > $P/hooks/pre-commit",
    "rm -rf $P && [ ! -e $P ]",
    "mv $P away",
    "rmdir $P",
    "mkdir other && mv -T other $P",
    "ln -sfn /etc $P && [ -L $P ]",
    "chmod 777 $P",
    "touch -d 2001-01-01 $P",
    "mount -o remount,rw,bind $P",
    "umount $P",
    "ln $P/config linked && echo x > linked",
];

/// Without pinning, the folder above could be moved away and made anew.
#[tokio::test]
async fn sb5_folders_above_a_repository_cannot_be_moved() {
    let room = Room::new();
    if !room.is_full() {
        return;
    }
    fs::create_dir_all(room.workspace().join("a/b/.git/hooks")).unwrap();
    fs::write(room.workspace().join("a/b/file"), "x").unwrap();
    let line = "mv a moved; mv a/b a/moved; mv a/b moved; echo x > a/b/.git/hooks/pre-commit; rm -rf a/b/.git; echo y > a/b/file; echo z > a/new; mv a/b/file a/b/renamed; ls a a/b a/b/.git";
    let said = room.says(WorkspaceWrite, line).await;
    assert!(
        said.ends_with("a:\nb\nnew\n\na/b:\nrenamed\n\na/b/.git:\nhooks\n"),
        "{said}"
    );
    assert!(said.contains("Device or resource busy"), "{said}");
    assert!(
        fs::read_dir(room.workspace().join("a/b/.git/hooks"))
            .unwrap()
            .next()
            .is_none()
    );
}

/// A new repository below cannot be prevented; it is told.
#[tokio::test]
async fn sb5_new_repositories_and_links_are_found() {
    let room = Room::new();
    fs::create_dir_all(room.workspace().join("known/.git/x")).unwrap();
    symlink("/etc", room.workspace().join("known/out")).unwrap();
    let line = "mkdir -p sub/x/.git; ln -s /etc out; ln -s sub in; ln -s ../../ws-evil/none sub/later; ln -s ../sub sub/back; echo 'gitdir: /etc' > known/x; mkdir y; mv known/x y/.git";
    let outcome = room.run(WorkspaceWrite, line).await;
    assert_eq!(outcome.output.to_text(), "");
    let ws = room.workspace();
    let link = |path: &str, target: &str| Finding::Link {
        path: ws.join(path),
        target: target.into(),
    };
    assert_eq!(
        outcome.findings,
        [
            Finding::Repository(ws.join("sub/x/.git")),
            Finding::Repository(ws.join("y/.git")),
            link("out", "/etc"),
            link("sub/later", "../../ws-evil/none"),
        ]
    );
    for finding in &outcome.findings {
        assert!(
            finding.to_string().contains(ws.to_str().unwrap()),
            "{finding}"
        );
    }
    let outcome = room.run(WorkspaceWrite, "echo x > sub/file").await;
    assert_eq!(outcome.findings, [], "what was known is not told again");
}

#[tokio::test]
async fn sb6_settings_cannot_be_changed() {
    let room = Room::new();
    if !room.is_full() {
        return;
    }
    let ws = room.workspace();
    for name in SETTINGS {
        fs::create_dir(ws.join(name)).unwrap();
        fs::write(ws.join(name).join("config"), "canary").unwrap();
    }
    let before = snapshot(&ws);
    for name in SETTINGS {
        for change in CHANGES {
            let outcome = room
                .run(WorkspaceWrite, &format!("P={name}; {change}"))
                .await;
            assert_ne!(
                outcome.end,
                End::Exited(0),
                "{change} on {name} claims success"
            );
            for made in ["other", "linked", "away"] {
                let _ = fs::remove_dir(ws.join(made));
            }
            let now: Vec<_> = snapshot(&ws);
            assert_eq!(now, before, "{change} changed {name}");
        }
    }
}

/// Files in the place of folders.
#[tokio::test]
async fn sb6_settings_files_cannot_be_changed() {
    let room = Room::new();
    if !room.is_full() {
        return;
    }
    for name in [".envrc", ".mcp.json", ".git"] {
        let path = room.workspace().join(name);
        fs::write(&path, "canary").unwrap();
        let line = format!(
            "echo x > {name}; echo x >> {name}; rm {name}; mv {name} y; ln {name} z && echo x > z; echo x > y; mv y {name}; sed -i s/canary/x/ {name}"
        );
        room.says(WorkspaceWrite, &line).await;
        assert_eq!(fs::read_to_string(&path).unwrap(), "canary", "{name}");
        fs::remove_file(path).unwrap();
    }
}

#[tokio::test]
async fn sb6_missing_settings_cannot_be_made_and_leave_no_ghost() {
    let room = Room::new();
    if !room.is_full() {
        return;
    }
    for name in SETTINGS {
        let line = format!(
            "rmdir {name}; rm -rf {name}; mv {name} x; mkdir {name}/y; echo x > {name}/y; echo x > y; mv -T y {name}; ln -sfT /etc {name}; mkdir z; mv -T z {name}; ls -A {name}"
        );
        let said = room
            .says(WorkspaceWrite, &format!("{{ {line}; }} 2> /dev/null"))
            .await;
        assert_eq!(said, "", "{name}");
        assert!(
            room.workspace().join(name).symlink_metadata().is_err(),
            "{name}"
        );
        for made in ["y", "z"] {
            let _ = fs::remove_file(room.workspace().join(made));
            let _ = fs::remove_dir(room.workspace().join(made));
        }
    }
    if has("git") {
        let outcome = room.run(WorkspaceWrite, "git init -q .").await;
        assert_ne!(outcome.end, End::Exited(0));
        assert!(outcome.output.to_text().contains("Read-only file system"));
    }
    let left = fs::read_dir(room.workspace()).unwrap().flatten();
    assert_eq!(
        left.map(|entry| entry.file_name()).collect::<Vec<_>>(),
        ["sub"]
    );
}

/// Two commands at a time share the placeholders; the last one removes them.
#[tokio::test]
async fn sb6_a_second_command_does_not_open_the_way() {
    let room = Room::new();
    if !room.is_full() {
        return;
    }
    let fifo = room.fifo().await;
    let line = "exec 9> alive; read x < go; mkdir .vscode/x .git/x; rmdir .vscode .git; mkdir .vscode/x .git/x; echo done";
    room.says(Off, "mkfifo go").await;
    let mut job = room.job(WorkspaceWrite, line);
    job.timeout = None;
    let first = room.sandbox.start(job).await.unwrap();
    let alive = opened(&fifo).await;
    for _ in 0..3 {
        room.run(WorkspaceWrite, "true").await;
        assert!(
            room.workspace().join(".vscode").is_dir(),
            "the first command needs it"
        );
    }
    room.says(Off, "echo x > go").await;
    assert_eq!(first.wait().await, End::Exited(0));
    all_gone(alive).await;
    let (said, _) = first.output_since(0);
    assert!(
        said.ends_with(b"done\n"),
        "{}",
        String::from_utf8_lossy(&said)
    );
    for name in SETTINGS {
        assert!(!room.workspace().join(name).exists(), "{name} is left");
    }
}

/// The helper that Kerf leaves behind clears up, and Kerf clears up after its helper.
#[tokio::test]
async fn sb6_no_ghost_is_left_by_a_kill() {
    let room = Room::new();
    if !room.is_full() {
        return;
    }
    let ghosts = || {
        SETTINGS
            .iter()
            .filter(|name| room.workspace().join(name).exists())
            .count()
    };
    let fifo = room.fifo().await;
    let line = "exec 9> alive; sleep 1000";
    let mut kerf = outside(HELPER)
        .args([
            room.workspace().as_os_str(),
            "workspace-write".as_ref(),
            line.as_ref(),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let alive = opened(&fifo).await;
    assert_eq!(ghosts(), SETTINGS.len());
    let threads = fs::read_dir(format!("/proc/{}/task", kerf.id())).unwrap();
    let helper: String = threads
        .map(|thread| fs::read_to_string(thread.unwrap().path().join("children")).unwrap())
        .collect();
    kerf.kill().unwrap();
    kerf.wait().unwrap();
    all_gone(alive).await;
    // Its last act is to clear up.
    let wait = ["--pid", helper.trim(), "-s", "0.02", "-f", "/dev/null"];
    assert!(outside("tail").args(wait).status().unwrap().success());
    assert_eq!(ghosts(), 0, "after Kerf was killed");

    let mut job = room.job(WorkspaceWrite, line);
    job.timeout = None;
    let background = room.sandbox.start(job).await.unwrap();
    let alive = opened(&fifo).await;
    let helper = background.id().to_string();
    assert!(
        outside("kill")
            .args(["-KILL", &helper])
            .status()
            .unwrap()
            .success()
    );
    background.wait().await;
    all_gone(alive).await;
    assert_eq!(ghosts(), 0, "after the helper was killed");
}

/// What is protected may be a link or a file that names a folder.
#[rstest]
#[case::a_link("mkdir -p real/hooks; ln -s real .git", "real")]
#[case::a_file("mkdir -p data/x/hooks; echo 'gitdir: data/x' > .git", "data/x")]
#[case::a_submodule(
    "mkdir -p .git/modules/m/hooks m; echo 'gitdir: ../.git/modules/m' > m/.git",
    ".git/modules/m"
)]
#[case::a_common_folder(
    "mkdir -p all/hooks data/x; echo ../../all > data/x/commondir; echo 'gitdir: data/x' > .git",
    "all"
)]
#[case::linked_settings("mkdir -p dot/hooks; ln -s dot .vscode", "dot")]
#[tokio::test]
async fn sb7_the_target_is_protected(#[case] make: &str, #[case] target: &str) {
    let room = Room::new();
    if !room.is_full() {
        return;
    }
    room.says(Off, make).await;
    let line = format!(
        "echo x > ok; echo x > {target}/hooks/new; mv {target} y; rm -rf {target}; echo end"
    );
    let said = room.says(WorkspaceWrite, &line).await;
    assert!(said.ends_with("end\n"), "{said}");
    assert!(room.workspace().join("ok").exists());
    let hooks = room.workspace().join(target).join("hooks");
    assert_eq!(fs::read_dir(hooks).unwrap().count(), 0);
}

/// A link in the place of `.git` can be exchanged. It is told.
#[tokio::test]
async fn sb7_a_replaced_link_is_found() {
    let room = Room::new();
    room.says(
        Off,
        "mkdir real sub/.git; ln -s ../real sub/.git/x; ln -s real .git",
    )
    .await;
    let outcome = room.run(WorkspaceWrite, "rm .git && mkdir .git").await;
    let expected = Finding::Replaced(room.workspace().join(".git"));
    assert!(
        outcome.findings.contains(&expected),
        "{:?}",
        outcome.findings
    );
}

/// A link that one command plants and a later step follows.
#[tokio::test]
async fn sb9_a_link_that_leads_out_is_told_and_leads_nowhere() {
    let room = Room::new();
    let evil = room.base().join("ws-evil");
    fs::write(evil.join("file"), "canary").unwrap();
    let before = snapshot(&evil);
    let plant = format!("ln -s {} d; ln -s d sub/e", evil.display());
    let outcome = room.run(WorkspaceWrite, &plant).await;
    let told = Finding::Link {
        path: room.workspace().join("d"),
        target: evil.clone(),
    };
    assert_eq!(outcome.findings.first(), Some(&told));
    let follow = "echo x > d/x; echo x > d/file; rm d/file; cd d && echo x > y; echo x > sub/e/x";
    room.run(WorkspaceWrite, follow).await;
    assert_eq!(snapshot(&evil), before);
    let mut job = room.job(WorkspaceWrite, "echo x > x");
    job.cwd = room.workspace().join("d");
    assert!(
        room.try_run(job).await.is_err(),
        "a command started outside"
    );
    assert_eq!(snapshot(&evil), before);
}
