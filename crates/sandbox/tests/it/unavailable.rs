//! A sandbox that cannot be set up runs nothing.

use crate::room::{HELPER, Room, outside, text};
use kerf_protocol::policy::{
    Isolation,
    SandboxMode::{Off, ReadOnly, WorkspaceWrite},
};
use kerf_sandbox::{Sandbox, SandboxError};
use rstest::rstest;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn this_machine_says_what_it_can() {
    let room = Room::new();
    assert_eq!(room.sandbox.isolation(Off), Isolation::Off);
    for mode in [ReadOnly, WorkspaceWrite] {
        let isolation = room.sandbox.isolation(mode);
        assert_eq!(room.run(mode, "true").await.isolation, isolation);
    }
}

/// Otherwise the tests of the view would pass over everything here.
#[test]
fn where_bubblewrap_works_the_isolation_is_full() {
    let arguments = ["--unshare-all", "--disable-userns", "--unshare-user"];
    let bubblewrap = outside("/usr/bin/bwrap")
        .args(arguments)
        .args(["--ro-bind", "/", "/", "--proc", "/proc", "true"])
        .stderr(Stdio::null())
        .status();
    if !bubblewrap.is_ok_and(|status| status.success()) {
        eprintln!("skipped 1: bubblewrap does not work here");
        return;
    }
    for mode in [ReadOnly, WorkspaceWrite] {
        assert_eq!(Room::new().sandbox.isolation(mode), Isolation::Full);
    }
}

/// How a machine without this or that is made, as a line that runs `"$@"` on it, and what Kerf then says.
const MACHINES: &[(&str, &str)] = &[
    (
        "unshare -rm sh -c 'for at in /usr/bin /bin /usr/local/bin; do [ -e $at/bwrap ] && mount --bind /dev/null $at/bwrap; done; exec \"$@\"' sh \"$@\"",
        "is not a program of the system's",
    ),
    (
        "unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_user_namespaces; exec \"$@\"' sh \"$@\"",
        "bubblewrap",
    ),
];

/// Where there is no view, Landlock and seccomp serve alone, and what that lacks is said.
#[test]
fn sb16_without_bubblewrap_the_rest_holds() {
    let room = Room::new();
    if !room.is_full() {
        return;
    }
    let evil = room.base().join("ws-evil/new");
    let line = format!(
        "echo x > in; cat in; echo x > {}; touch ../new; grep CapEff /proc/self/status",
        evil.display()
    );
    for (machine, reason) in MACHINES {
        let output = outside("sh")
            .args(["-c", machine, "sh", HELPER])
            .args([
                room.workspace().as_os_str(),
                "workspace-write".as_ref(),
                line.as_ref(),
            ])
            .output()
            .unwrap();
        let said = text(&output);
        assert!(
            said.contains("Reduced") && said.contains(reason),
            "{machine}: {said}"
        );
        for lack in [
            ".git",
            "keys and passwords",
            "permissions, owners and times",
        ] {
            assert!(said.contains(lack), "{lack} is not said: {said}");
        }
        assert!(said.starts_with("x\n"), "{said}");
        assert!(said.contains("CapEff:\t0000000000000000"), "{said}");
        assert!(!evil.exists() && !room.base().join("new").exists());
    }
}

/// A program called like bubblewrap that is not the system's is never run.
#[test]
fn sb17_a_planted_bubblewrap_is_not_run() {
    let room = Room::new();
    let fake = room.workspace().join("bwrap");
    let ran = room.base().join("ran");
    fs::write(
        &fake,
        format!(
            "#!/bin/sh\ntouch {}\nexec /usr/bin/bwrap \"$@\"\n",
            ran.display()
        ),
    )
    .unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    let output = outside(HELPER)
        .args([
            room.workspace().as_os_str(),
            "workspace-write".as_ref(),
            "echo ok".as_ref(),
        ])
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", room.workspace().display()),
        )
        .current_dir(room.workspace())
        .output()
        .unwrap();
    assert!(text(&output).starts_with("ok\n"), "{}", text(&output));
    assert!(!ran.exists());
}

#[rstest]
#[case("/no/such/helper")]
#[case("/bin/true")]
#[case("/bin/cat")]
#[case("/etc/passwd")]
#[tokio::test]
async fn a_broken_helper_runs_nothing(#[case] helper: &str) {
    let room = Room::new();
    let sandbox = Sandbox::new(helper.into());
    let run = |mode| {
        sandbox.run(
            room.job(mode, "touch ran"),
            CancellationToken::new(),
            |_| {},
        )
    };
    assert!(matches!(
        run(WorkspaceWrite).await,
        Err(SandboxError::Unavailable { .. })
    ));
    assert!(matches!(
        sandbox.isolation(ReadOnly),
        Isolation::Unavailable { .. }
    ));
    assert!(matches!(run(Off).await, Err(SandboxError::Io { .. })));
    assert!(!room.workspace().join("ran").exists());
}

/// As on a kernel without Landlock, or in a container that forbids it.
#[rstest]
#[case(libc::ENOSYS)]
#[case(libc::EOPNOTSUPP)]
#[case(libc::EPERM)]
fn sb16_without_landlock_nothing_runs(#[case] errno: i32) {
    let room = Room::new();
    let sandbox = Sandbox::new(HELPER.into());
    let job = room.job(WorkspaceWrite, "touch ran");
    let old_kernel = move || {
        let calls = [
            libc::SYS_landlock_create_ruleset,
            libc::SYS_landlock_add_rule,
            libc::SYS_landlock_restrict_self,
        ];
        let rules = calls.into_iter().map(|call| (call, vec![])).collect();
        let action = SeccompAction::Errno(errno.cast_unsigned());
        let arch = std::env::consts::ARCH.try_into().unwrap();
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, arch).unwrap();
        // For this thread and what it starts.
        let program: BpfProgram = filter.try_into().unwrap();
        apply_filter(&program).unwrap();
        // What it starts are also the threads that may block.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        (
            sandbox.isolation(WorkspaceWrite),
            runtime.block_on(sandbox.start(job)).map(drop),
        )
    };
    let (isolation, started) = std::thread::spawn(old_kernel).join().unwrap();
    let Isolation::Unavailable { reason } = isolation else {
        panic!("{isolation:?}")
    };
    assert!(reason.contains("Landlock"), "{reason}");
    assert!(matches!(started, Err(SandboxError::Unavailable { .. })));
    assert!(!room.workspace().join("ran").exists());
}
