//! The view that bubblewrap makes. Each test is named after the row of attacks that it tries.

use crate::room::{HELPER, Room, all_gone, has, is_root, opened, outside, snapshot, text};
use kerf_protocol::policy::{
    Isolation,
    SandboxMode::{self, Off, ReadOnly, WorkspaceWrite},
};
use kerf_sandbox::{End, Finding, Sandbox};
use rstest::rstest;
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
    process::Stdio,
};

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

#[rstest]
#[case(ReadOnly)]
#[case(WorkspaceWrite)]
#[tokio::test]
async fn sb3_mounts_stay_as_they_are(#[case] mode: SandboxMode) {
    let room = Room::new();
    if !room.is_full() {
        return;
    }
    let line =
        "for way in '-o remount,rw,bind /' '-o remount,rw /' '-t tmpfs none .' '--bind / .'; do
            mount $way && echo \"mount $way\"
        done
        for place in /proc /dev /tmp /run ~/.ssh /; do umount -l $place && echo umount $place; done
        unshare -Urm true && echo unshare
        unshare -m true && echo unshare mounts
        touch /new-file && echo root; touch /etc/new-file && echo etc
        echo end";
    assert_eq!(
        room.says(mode, &format!("{{ {line}; }} 2> /dev/null"))
            .await,
        "end\n"
    );
}

#[tokio::test]
async fn sb4_no_other_process_is_there() {
    let room = Room::new();
    if !room.is_full() {
        return;
    }
    let own = std::process::id();
    let line = format!(
        "ls -d /proc/[0-9]* | wc -l; cat /proc/1/environ /proc/1/maps 2> /dev/null | wc -c; kill -0 {own} 2> /dev/null && tr '\\0' ' ' < /proc/{own}/cmdline; ls /proc/1/root/ /proc/1/cwd/ 2> /dev/null; readlink /proc/1/exe; echo end"
    );
    let said = room.says(WorkspaceWrite, &line).await;
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].parse::<u32>().unwrap() <= 5, "{said}");
    assert_eq!(lines[1..], ["0", "end"], "{said}");
}

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
    let first = room.sandbox.start(job).unwrap();
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
    let background = room.sandbox.start(job).unwrap();
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

#[tokio::test]
async fn sb8_a_file_with_a_name_outside_cannot_be_written() {
    let room = Room::new();
    if !room.is_full() {
        return;
    }
    let key = room.base().join("ws-evil/key");
    fs::write(&key, "canary").unwrap();
    fs::hard_link(&key, room.workspace().join("sub/key")).unwrap();
    fs::write(room.workspace().join("one"), "").unwrap();
    fs::hard_link(
        room.workspace().join("one"),
        room.workspace().join("sub/two"),
    )
    .unwrap();
    let line = "cat sub/key; echo; echo x > sub/key; echo x >> sub/key; chmod 777 sub/key; mv sub away; echo x > away/key; mv away sub; ln sub/key new && echo x > new; echo both > sub/two; cat one";
    let mode = key.metadata().unwrap().permissions().mode();
    let said = room.says(WorkspaceWrite, line).await;
    assert!(
        said.starts_with("canary\n") && said.ends_with("both\n"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(&key).unwrap(), "canary");
    assert_eq!(key.metadata().unwrap().permissions().mode(), mode);
}

/// Keys, and what the program hides as its own.
#[tokio::test]
async fn sb8_secrets_look_empty() {
    let room = Room::new();
    let base = room.base();
    for folder in ["data", "ws/private/deep"] {
        fs::create_dir_all(base.join(folder)).unwrap();
    }
    let secrets = ["data/kerf.db", "ws/private/deep/key", "ws/token"].map(|name| base.join(name));
    for secret in &secrets {
        fs::write(secret, "canary").unwrap();
    }
    let hidden = ["data", "ws/private/deep", "ws/token", "none"].map(|name| base.join(name));
    let sandbox = Sandbox::hiding(HELPER.into(), hidden.into());
    if sandbox.isolation(ReadOnly) != Isolation::Full {
        eprintln!("skipped 1: no full sandbox here");
        return;
    }
    for mode in [ReadOnly, WorkspaceWrite] {
        let line = format!(
            "grep -r canary {0}; ls -A private/deep; cat token; mv private x; rm -rf private/deep token; echo x > token; echo x > private/deep/key; cat < /proc/1/root{0}/data/kerf.db; echo end",
            base.display()
        );
        let line = format!("{{ {line}; }} 2> /dev/null");
        let run = sandbox.run(room.job(mode, &line), Default::default(), |_| {});
        assert_eq!(run.await.unwrap().output.to_text(), "end\n");
        for secret in &secrets {
            assert_eq!(fs::read_to_string(secret).unwrap(), "canary");
        }
    }
    // A workspace inside of what is hidden is seen, and only that.
    fs::create_dir(base.join("data/work")).unwrap();
    let mut job = room.job(WorkspaceWrite, "ls ..; echo x > file");
    job.workspace = base.join("data/work");
    job.cwd = job.workspace.clone();
    let run = sandbox.run(job, Default::default(), |_| {});
    assert_eq!(run.await.unwrap().output.to_text(), "work\n");
    assert!(base.join("data/work/file").exists());
}

/// The places of keys that the home folder of this machine has.
#[tokio::test]
async fn sb8_the_users_own_keys_look_empty() {
    let room = Room::new();
    if !room.is_full() {
        return;
    }
    let line = "cd; for place in .ssh .aws .gnupg .docker .kube .config/gh .config/gcloud .azure .netrc .npmrc .pypirc .git-credentials .cargo/credentials.toml .claude .mozilla; do
            [ -d $place ] && ls -A $place
            [ -f $place ] && cat $place
        done; echo end";
    assert_eq!(room.says(WorkspaceWrite, line).await, "end\n");
}

/// What a command keeps in memory and in the system's temporary folders is its own and goes with it.
#[tokio::test]
async fn se7_temporary_folders_are_its_own() {
    let room = Room::new();
    if !room.is_full() {
        return;
    }
    let name = format!("kerf-test-{}", std::process::id());
    let line = format!(
        "for at in /tmp /var/tmp /dev/shm /run; do echo x > $at/{name} && cat $at/{name}; done; ls -A $TMPDIR; stat -c %a $TMPDIR"
    );
    let said = room.says(WorkspaceWrite, &line).await;
    assert_eq!(said, "x\nx\nx\nx\n700\n");
    for folder in ["/tmp", "/var/tmp", "/dev/shm", "/run"] {
        assert!(!Path::new(folder).join(&name).exists(), "{folder}");
    }
    assert_eq!(
        room.says(
            WorkspaceWrite,
            &format!("cat /tmp/{name} 2> /dev/null; echo end")
        )
        .await,
        "end\n"
    );
}

/// An ordinary user gets the same as root.
#[test]
fn an_ordinary_user_gets_the_same() {
    let room = Room::new();
    if !room.is_full() || !has("setpriv") || !is_root() {
        eprintln!("skipped 1: cannot become another user");
        return;
    }
    let helper = room.base().join("helper");
    fs::copy(HELPER, &helper).unwrap();
    fs::create_dir_all(room.workspace().join("sub/.git/hooks")).unwrap();
    for open in [
        "",
        "ws",
        "ws/sub",
        "ws/sub/.git",
        "ws/sub/.git/hooks",
        "ws-evil",
    ] {
        let open = room.base().join(open);
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let owned = ["ws", "ws/sub", "ws/sub/.git", "ws/sub/.git/hooks"];
    for owned in owned {
        std::os::unix::fs::chown(room.base().join(owned), Some(65534), Some(65534)).unwrap();
    }
    let line = "id -u; echo x > in; cat in; { mv sub y; echo x > sub/.git/x; mkdir .git/x; mount -o remount,rw,bind /; umount /tmp; unshare -Ur true; } 2> /dev/null; ls -d /proc/[0-9]* | wc -l; grep CapEff /proc/self/status; echo end";
    let output = outside("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&helper)
        .args([
            room.workspace().as_os_str(),
            "workspace-write".as_ref(),
            line.as_ref(),
        ])
        .output()
        .unwrap();
    let said = text(&output);
    assert!(said.contains("Full"), "{said}");
    assert!(said.starts_with("65534\nx\n"), "{said}");
    assert!(said.contains("CapEff:\t0000000000000000\nend\n"), "{said}");
    assert!(room.workspace().join("sub/.git/hooks").is_dir());
    assert!(!room.workspace().join("sub/.git/x").exists());
    assert!(!room.workspace().join(".git").exists());
    assert_eq!(room.workspace().join("in").metadata().unwrap().uid(), 65534);
}
