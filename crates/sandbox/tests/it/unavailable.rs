//! A sandbox that cannot be set up runs nothing.

use crate::room::{HELPER, Room};
use kerf_protocol::policy::{
    Isolation,
    SandboxMode::{Off, ReadOnly, WorkspaceWrite},
};
use kerf_sandbox::{Sandbox, SandboxError};
use rstest::rstest;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn this_machine_says_what_it_can() {
    let room = Room::new();
    assert_eq!(room.sandbox.isolation(Off), Isolation::Off);
    let Isolation::Reduced { missing } = room.sandbox.isolation(WorkspaceWrite) else {
        panic!("{:?}", room.sandbox.isolation(WorkspaceWrite));
    };
    assert!(missing.iter().any(|one| one.contains(".git")));
    let Isolation::Reduced { missing } = room.sandbox.isolation(ReadOnly) else {
        panic!()
    };
    assert!(!missing.iter().any(|one| one.contains(".git")));
    assert_eq!(
        room.run(ReadOnly, "true").await.isolation,
        room.sandbox.isolation(ReadOnly)
    );
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
fn without_landlock_nothing_runs(#[case] errno: i32) {
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
        (
            sandbox.isolation(WorkspaceWrite),
            sandbox.start(job).map(drop),
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
