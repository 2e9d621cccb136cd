//! What can be written, and what cannot.

use crate::room::{HELPER, Room, has, outside, snapshot, text};
use kerf_protocol::policy::SandboxMode::{self, Off, ReadOnly, WorkspaceWrite};
use kerf_sandbox::{End, SandboxError};
use rstest::rstest;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// Ways to change `$C`, a file, or `$D`, its folder.
const ATTEMPTS: &[&str] = &[
    "echo x > $C",
    "echo x >> $C",
    ": > $C",
    "truncate -s 0 $C",
    "dd if=/dev/zero of=$C count=1 conv=notrunc",
    "sed -i s/canary/dead/ $C",
    "rm -f $C",
    "rm -rf $D",
    "mv $C $C.moved",
    "mv $C ./taken",
    "echo x > mine; mv mine $C",
    "echo x > mine; cp mine $C",
    "ln $C hard && echo x > hard",
    "ln -s $C soft && echo x > soft",
    "ln -s $D folder && echo x > folder/new",
    "echo x > mine; ln mine $D/new",
    "ln -s /etc/passwd $D/new",
    "touch $D/new",
    "mkdir $D/new",
    "mkfifo $D/new",
    "cd $D && echo x > new",
    "echo x > /proc/self/cwd/../ws-evil/new",
    "mkdir a; mv a $D/new",
    "chmod 777 $C",
    "chmod 700 $D/file",
    "touch -d 2001-01-01 $C",
    "chown 12 $C",
    "python3 -c 'import mmap,sys; f=open(sys.argv[1],\"r+b\"); mmap.mmap(f.fileno(),0)[0:1]=b\"x\"' $C",
];

#[rstest]
#[case(WorkspaceWrite)]
#[case(ReadOnly)]
#[tokio::test]
async fn sb1_nothing_outside_changes(#[case] mode: SandboxMode) {
    let room = Room::new();
    let other = tempfile::tempdir().unwrap();
    let homes = [
        std::env::home_dir().unwrap_or_else(|| "/".into()),
        "/etc".into(),
    ];
    let homes = homes.iter().filter_map(|home| {
        tempfile::Builder::new()
            .prefix("kerf-canary")
            .tempdir_in(home)
            .ok()
    });
    let homes: Vec<_> = homes.collect();
    let mut places = vec![room.base().join("ws-evil"), other.path().to_owned()];
    places.extend(homes.iter().map(|home| home.path().to_owned()));
    for place in &places {
        fs::write(place.join("file"), "canary").unwrap();
        let before = snapshot(place);
        for attempt in ATTEMPTS {
            let line = format!("D={0}; C={0}/file; {attempt}", place.display());
            let outcome = room.run(mode, &line).await;
            assert_eq!(snapshot(place), before, "{attempt} changed {place:?}");
            // Of the machine's temporary files nothing is to be seen, so removing one by force succeeds.
            if mode == ReadOnly && !place.starts_with(std::env::temp_dir()) {
                assert_ne!(outcome.end, End::Exited(0), "{attempt} claims success");
            }
        }
    }
    if mode == ReadOnly {
        assert_eq!(
            snapshot(&room.workspace()).len(),
            1,
            "only the folder that was there"
        );
    }
}

/// Without a sandbox the same attempts succeed, so they are real ones.
#[tokio::test]
async fn sb1_the_attempts_work_without_a_sandbox() {
    let room = Room::new();
    let place = room.base().join("ws-evil");
    for attempt in ATTEMPTS {
        let _ = fs::create_dir(&place);
        fs::write(place.join("file"), "canary").unwrap();
        let before = snapshot(&place);
        let line = format!(
            "D={0}; C={0}/file; rm -rf mine hard soft folder taken a; {attempt}",
            place.display()
        );
        room.run(Off, &line).await;
        let after = if place.exists() {
            snapshot(&place)
        } else {
            vec![]
        };
        assert_ne!(after, before, "{attempt} did nothing");
        let _ = fs::remove_dir_all(&place);
    }
}

#[tokio::test]
async fn the_workspace_and_the_temporary_folder_are_writable() {
    let room = Room::new();
    let line = "set -e
        echo one > file; echo two >> file; mv file sub/file; ln sub/file hard; ln -s sub soft; mkdir -p a/b; rm hard
        chmod 600 sub/file; truncate -s 4 sub/file; mkfifo pipe; rm pipe; cat sub/file
        echo temp > $TMPDIR/x; mktemp > $TMPDIR/name; cat $TMPDIR/x; mv $TMPDIR/x .; echo gone > /dev/null
        stat -c %a $TMPDIR; echo $TMPDIR";
    let outcome = room.run(WorkspaceWrite, line).await;
    let said = outcome.output.to_text();
    assert_eq!(outcome.end, End::Exited(0), "{said}");
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[..3], ["one", "temp", "700"]);
    assert!(
        !Path::new(lines[3]).exists(),
        "the temporary folder is removed"
    );
    assert_eq!(
        fs::read_to_string(room.workspace().join("sub/file")).unwrap(),
        "one\n"
    );
}

#[tokio::test]
async fn a_temporary_folder_without_rights_is_removed() {
    let room = Room::new();
    let said = room
        .says(
            WorkspaceWrite,
            "mkdir -p $TMPDIR/a/b; chmod 0 $TMPDIR/a/b $TMPDIR/a $TMPDIR; echo $TMPDIR",
        )
        .await;
    assert!(!Path::new(said.trim()).exists());
}

#[tokio::test]
async fn extra_folders_are_writable_in_that_mode_only() {
    let room = Room::new();
    let extra = tempfile::tempdir().unwrap();
    for (mode, written) in [(ReadOnly, false), (WorkspaceWrite, true)] {
        let mut job = room.job(mode, &format!("echo x > {}/file", extra.path().display()));
        job.writable = vec![extra.path().to_owned(), "/no/such/folder".into()];
        room.try_run(job).await.unwrap();
        assert_eq!(extra.path().join("file").exists(), written);
    }
}

#[tokio::test]
async fn disks_and_terminals_cannot_be_read() {
    let room = Room::new();
    let line =
        "for device in /dev/mem /dev/kmsg /dev/pts/* /dev/[svn][dv]* /dev/loop* /dev/tty[0-9]*; do
            [ -c $device ] || [ -b $device ] || continue
            [ $device = /dev/ptmx ] && continue
            head -c 0 < $device && echo could open $device
        done 2> /dev/null; echo end";
    assert_eq!(room.says(WorkspaceWrite, line).await, "end\n");
}

#[tokio::test]
async fn sb2_a_command_starts_only_inside_the_workspace() {
    let room = Room::new();
    std::os::unix::fs::symlink(room.base().join("ws-evil"), room.workspace().join("out")).unwrap();
    for cwd in ["/", "..", "~", "out", "none"] {
        let mut job = room.job(WorkspaceWrite, "touch ran");
        job.cwd = room.workspace().join(cwd);
        assert!(
            matches!(room.try_run(job).await, Err(SandboxError::Folder { .. })),
            "{cwd}"
        );
    }
    let mut job = room.job(WorkspaceWrite, "pwd; echo $PWD");
    job.cwd = room.workspace().join("sub");
    let sub = room.workspace().join("sub");
    assert_eq!(
        room.try_run(job).await.unwrap().output.to_text(),
        format!("{0}\n{0}\n", sub.display())
    );
}

/// An ordinary user is confined in the same way. Needs root to become one.
#[test]
fn an_ordinary_user_is_confined_as_well() {
    let room = Room::new();
    if !has("setpriv") || outside("id").arg("-u").output().unwrap().stdout != b"0\n" {
        eprintln!("skipped 1: cannot become another user");
        return;
    }
    let (workspace, evil) = (room.workspace(), room.base().join("ws-evil"));
    let helper = room.base().join("helper");
    fs::copy(HELPER, &helper).unwrap();
    for open in [&room.base(), &workspace, &evil] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let line = format!(
        "id -u; echo x > in && cat in; echo x > {}/new; grep CapEff /proc/self/status",
        evil.display()
    );
    let output = outside("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&helper)
        .args([
            workspace.as_os_str(),
            "workspace-write".as_ref(),
            line.as_ref(),
        ])
        .output()
        .unwrap();
    let said = text(&output);
    assert!(said.starts_with("65534\nx\n"), "{said}");
    assert!(said.contains("CapEff:\t0000000000000000"), "{said}");
    assert!(!evil.join("new").exists(), "{said}");
}

/// In containers root works in folders that belong to another user.
#[tokio::test]
async fn root_can_work_in_a_folder_of_another_user() {
    let room = Room::new();
    if std::os::unix::fs::chown(room.workspace(), Some(1234), Some(1234)).is_err() {
        eprintln!("skipped 1: cannot give a folder away");
        return;
    }
    let line = format!(
        "echo x > in && cat in; echo x > {}/new",
        room.base().join("ws-evil").display()
    );
    assert!(room.says(WorkspaceWrite, &line).await.starts_with("x\n"));
    assert!(!room.base().join("ws-evil/new").exists());
}
