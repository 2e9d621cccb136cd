//! Commands that run on.

use crate::room::{HELPER, Room, all_gone, opened};
use kerf_protocol::policy::SandboxMode::WorkspaceWrite;
use kerf_sandbox::{End, Finding, Sandbox, SandboxError};

const SERVER: &str = "echo up; exec 9> alive; setsid sleep 1000 & sleep 1000";

#[tokio::test]
async fn it_runs_until_it_is_killed() {
    let room = Room::new();
    let fifo = room.fifo().await;
    let mut job = room.job(WorkspaceWrite, SERVER);
    job.timeout = None;
    let background = room.sandbox.start(job).await.unwrap();
    let alive = opened(&fifo).await;
    assert_eq!(background.ended(), None);
    background.kill().await;
    assert_eq!(background.ended(), Some(End::Cancelled));
    all_gone(alive).await;
    let (output, next) = background.output_since(0);
    assert_eq!((output.as_slice(), next), (b"up\n".as_slice(), 3));
    assert_eq!(background.output_since(2), (b"\n".to_vec(), 3));
    // Once more is fine.
    background.kill().await;
}

#[tokio::test]
async fn it_ends_by_itself() {
    let room = Room::new();
    let background = room
        .sandbox
        .start(room.job(WorkspaceWrite, "echo done; exit 4"))
        .await
        .unwrap();
    assert_ne!(background.id(), 0);
    assert_eq!(background.clone().wait().await, End::Exited(4));
    assert_eq!(background.output_since(0).0, b"done\n");
}

#[tokio::test]
async fn it_outlives_its_handle_but_not_the_sandbox() {
    let room = Room::new();
    let fifo = room.fifo().await;
    let sandbox = Sandbox::new(HELPER.into());
    let mut job = room.job(WorkspaceWrite, SERVER);
    job.timeout = None;
    let background = sandbox.start(job).await.unwrap();
    drop(background.clone());
    drop(sandbox.clone());
    let alive = opened(&fifo).await;
    assert_eq!(background.ended(), None);
    drop(background);
    drop(sandbox);
    all_gone(alive).await;
}

#[tokio::test]
async fn what_it_left_is_told_once_it_has_ended() {
    let room = Room::new();
    let fifo = room.fifo().await;
    let ws = room.workspace();
    let line =
        "mkdir -p sub/x/.git; ln -s /etc out; exec 9> alive; read never < /dev/zero; sleep 1000";
    let mut job = room.job(WorkspaceWrite, line);
    job.timeout = None;
    let background = room.sandbox.start(job).await.unwrap();
    let alive = opened(&fifo).await;
    assert_eq!(background.findings(), [], "it runs");
    background.kill().await;
    assert_eq!(
        background.findings(),
        [
            Finding::Repository(ws.join("sub/x/.git")),
            Finding::Link {
                path: ws.join("out"),
                target: "/etc".into()
            },
        ]
    );
    all_gone(alive).await;
}

#[tokio::test]
async fn what_cannot_start_is_told_at_once() {
    let room = Room::new();
    let mut job = room.job(WorkspaceWrite, "true");
    job.cwd = "/".into();
    assert!(matches!(
        room.sandbox.start(job).await,
        Err(SandboxError::Folder { .. })
    ));
}
