//! The view that bubblewrap makes. Each test is named after the row of attacks that it tries.

use crate::room::{HELPER, Room, has, is_root, outside, text};
use kerf_protocol::policy::{
    Isolation,
    SandboxMode::{self, ReadOnly, WorkspaceWrite},
};
use kerf_sandbox::{Lent, Sandbox};
use rstest::rstest;
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

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

#[tokio::test]
async fn a_lent_folder_is_seen_at_its_place_and_cannot_be_written() {
    let room = Room::new();
    if !room.is_full() {
        return;
    }
    let (from, at) = (
        room.base().join("project/node_modules"),
        room.workspace().join("sub/node_modules"),
    );
    fs::create_dir_all(from.join("p")).unwrap();
    fs::write(from.join("p/index.js"), "lent\n").unwrap();
    fs::create_dir(&at).unwrap();
    let lent = |at: &Path| {
        vec![Lent {
            from: from.clone(),
            at: at.to_owned(),
        }]
    };
    for mode in [ReadOnly, WorkspaceWrite] {
        let mut job = room.job(
            mode,
            "cat sub/node_modules/p/index.js
            { echo x > sub/node_modules/p/index.js && echo wrote
              rm -r sub/node_modules/p && echo removed
              mv sub/node_modules sub/other && echo moved
              mv sub other && echo moved above; } 2> /dev/null
            echo end",
        );
        job.lent = lent(&at);
        let said = room.try_run(job).await.unwrap().output.to_text();
        assert_eq!(said, "lent\nend\n", "{mode:?}");
        assert_eq!(fs::read(from.join("p/index.js")).unwrap(), b"lent\n");
        assert!(at.read_dir().unwrap().next().is_none(), "nothing stays");
    }

    // A place that is not empty, not in the workspace, or a link to elsewhere is left as it is.
    let own = room.workspace().join("own");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("mine"), "mine\n").unwrap();
    let elsewhere = room.base().join("ws-evil/place");
    fs::create_dir(&elsewhere).unwrap();
    let link = room.workspace().join("link");
    std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
    for at in [&own, &elsewhere, &link, &room.workspace()] {
        let mut job = room.job(WorkspaceWrite, &format!("ls {}", at.display()));
        job.lent = lent(at);
        let said = room.try_run(job).await.unwrap().output.to_text();
        assert!(
            !said.lines().any(|name| name == "p"),
            "{}: {said}",
            at.display()
        );
    }
}
