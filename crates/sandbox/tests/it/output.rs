//! What comes out, and how the end is told.

use crate::room::Room;
use kerf_protocol::policy::SandboxMode::{self, Off, ReadOnly, WorkspaceWrite};
use kerf_sandbox::{End, Invocation, SandboxError};
use kerf_test_support::faults::long;
use rstest::rstest;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[rstest]
#[case("exit 0", End::Exited(0))]
#[case("exit 3", End::Exited(3))]
#[case("exit 137", End::Exited(137))]
#[case("kill -KILL $$", End::Signalled(9))]
#[case("kill -SEGV $$", End::Signalled(11))]
#[case("no-such-program-anywhere", End::Exited(127))]
#[case("yes | head -n 1 > /dev/null", End::Exited(0))]
#[tokio::test]
async fn ends_are_told_apart(
    #[case] line: &str,
    #[case] end: End,
    #[values(ReadOnly, Off)] mode: SandboxMode,
) {
    assert_eq!(Room::new().run(mode, line).await.end, end);
}

#[tokio::test]
async fn both_outputs_come_in_order() {
    let line = "for i in 1 2 3; do echo out $i; echo err $i >&2; done";
    let mut streamed = Vec::new();
    let room = Room::new();
    let run = room.sandbox.run(
        room.job(WorkspaceWrite, line),
        CancellationToken::new(),
        |bytes| streamed.extend_from_slice(bytes),
    );
    let outcome = run.await.unwrap();
    assert_eq!(
        outcome.output.to_text(),
        "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n"
    );
    assert_eq!(streamed, outcome.output.head);
}

#[tokio::test]
async fn a_long_output_keeps_its_ends() {
    let room = Room::new();
    let mut job = room.job(
        WorkspaceWrite,
        "echo first; yes | head -c 20000000; echo last",
    );
    job.output_cap = 100;
    let outcome = room.try_run(job).await.unwrap();
    assert_eq!(outcome.end, End::Exited(0));
    assert_eq!(
        (outcome.output.head.len(), outcome.output.tail.len()),
        (100, 100)
    );
    assert_eq!(outcome.output.omitted, 20_000_000 + 6 + 5 - 200);
    let text = outcome.output.to_text();
    assert!(
        text.starts_with("first\n") && text.ends_with("last\n") && text.contains("bytes left out")
    );
}

#[tokio::test]
async fn an_endless_output_is_cut_off_in_time() {
    let room = Room::new();
    let mut job = room.job(WorkspaceWrite, "yes");
    job.timeout = Some(Duration::from_millis(300));
    job.output_cap = 1000;
    let outcome = room.try_run(job).await.unwrap();
    assert_eq!(outcome.end, End::TimedOut);
    assert_eq!(outcome.output.head.len() + outcome.output.tail.len(), 2000);
}

/// Neither lines nor text: memory holds what is kept of it and no more.
#[tokio::test]
async fn pr1_bytes_without_an_end_of_line_take_no_memory() {
    let bytes: u64 = if long() { 2 << 30 } else { 64 << 20 };
    // The most that this process ever had, in kB.
    let peak = || -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let room = Room::new();
    room.run(WorkspaceWrite, "echo warm").await;
    let before = peak();
    let mut job = room.job(WorkspaceWrite, &format!("head -c {bytes} /dev/zero"));
    job.output_cap = 1000;
    job.timeout = None;
    let outcome = room.try_run(job).await.unwrap();
    assert_eq!(outcome.end, End::Exited(0));
    assert_eq!(outcome.output.omitted, bytes - 2000);
    let grown = peak() - before;
    assert!(grown < 16 << 10, "{grown} kB for {bytes} bytes");
}

#[tokio::test]
async fn programs_that_cannot_run_are_errors() {
    let room = Room::new();
    let text_file = room.workspace().join("text");
    std::fs::write(&text_file, "no program").unwrap();
    std::fs::set_permissions(
        &text_file,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    for program in ["no-such-program-anywhere", "./text", "./sub", "/no/such"] {
        let mut job = room.job(WorkspaceWrite, "");
        job.command = Invocation::Program(vec![program.into()]);
        assert!(
            matches!(room.try_run(job).await, Err(SandboxError::Program { .. })),
            "{program}"
        );
    }
    assert!(matches!(
        room.try_run(room.job(WorkspaceWrite, " \n")).await,
        Err(SandboxError::Empty)
    ));
    let huge = "x".repeat(300_000);
    assert!(matches!(
        room.try_run(room.job(WorkspaceWrite, &huge)).await,
        Err(SandboxError::Program { .. })
    ));
}

#[tokio::test]
async fn limits_hold() {
    let room = Room::new();
    assert_eq!(room.says(WorkspaceWrite, "ulimit -c").await, "0\n");
    let end = room
        .run(
            WorkspaceWrite,
            "dd if=/dev/zero of=big bs=1 count=1 seek=17G",
        )
        .await
        .end;
    assert_ne!(end, End::Exited(0));
    assert_eq!(
        room.says(WorkspaceWrite, "cat /proc/self/oom_score_adj")
            .await,
        "1000\n"
    );
}
