//! What a command knows: its variables, its files, its terminal.

use crate::room::{HELPER, Room, has, outside, text};
use kerf_protocol::policy::SandboxMode::{Off, WorkspaceWrite};
use kerf_sandbox::Invocation;
use rstest::rstest;
use std::{fs, os::unix::fs::PermissionsExt};

/// The key is in the environment of the program that runs the sandbox, and nowhere else.
#[rstest]
#[case("workspace-write")]
#[case("off")]
fn keys_do_not_reach_a_command(#[case] mode: &str) {
    let room = Room::new();
    let line =
        "env; tr '\\0' '\\n' < /proc/$PPID/environ; tr '\\0' '\\n' < /proc/$PPID/cmdline; echo end";
    let output = outside(HELPER)
        .args([room.workspace().as_os_str(), mode.as_ref(), line.as_ref()])
        .env("KERF_API_KEY", "canary-1")
        .env("OPENAI_API_KEY", "canary-2")
        .env("MY_TOKEN", "canary-3")
        .env("GIT_SSH_COMMAND", "canary-4")
        .env("LD_LIBRARY_PATH", "/canary-5")
        .env("BASH_ENV", "canary-6")
        .output()
        .unwrap();
    let said = text(&output);
    assert!(said.contains("HOME="), "{said}");
    assert!(said.contains("end\n"), "{said}");
    assert!(!said.contains("canary"), "{said}");
}

#[tokio::test]
async fn sb22_added_variables_arrive_and_nothing_persists() {
    let room = Room::new();
    let mut job = room.job(
        WorkspaceWrite,
        "echo $GREETING $PAGER $TERM $CI; export PAGER=evil",
    );
    job.env = vec![
        ("GREETING".into(), "hello".into()),
        ("PAGER".into(), "less".into()),
    ];
    assert_eq!(
        room.try_run(job).await.unwrap().output.to_text(),
        "hello less dumb\n"
    );
    assert_eq!(
        room.says(WorkspaceWrite, "echo $GREETING$PAGER").await,
        "cat\n"
    );
}

#[tokio::test]
async fn sb17_programs_planted_in_the_workspace_are_not_found() {
    let room = Room::new();
    for name in ["git", "ls", "sh"] {
        let path = room.workspace().join(name);
        fs::write(&path, "#!/bin/sh\necho planted\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    assert!(
        !room
            .says(WorkspaceWrite, "ls; sh -c 'echo real'")
            .await
            .contains("planted")
    );
    let mut job = room.job(WorkspaceWrite, "");
    job.command = Invocation::Program(vec!["ls".into()]);
    assert!(
        !room
            .try_run(job)
            .await
            .unwrap()
            .output
            .to_text()
            .contains("planted")
    );
}

#[tokio::test]
async fn input_is_empty_and_no_other_file_is_open() {
    let room = Room::new();
    assert_eq!(
        room.says(WorkspaceWrite, "cat; echo end; ls /proc/self/fd")
            .await,
        "end\n0\n1\n2\n3\n"
    );
}

/// The helper is run under a terminal; the command must not be able to write there or to take it over.
#[rstest]
#[case("workspace-write")]
#[case("off")]
fn sb15_the_terminal_is_out_of_reach(#[case] mode: &str) {
    if !has("script") {
        return;
    }
    let room = Room::new();
    let line = "echo canary > /dev/tty; echo reached end";
    let command = format!(
        "'{HELPER}' '{}' {mode} '{line}'",
        room.workspace().display()
    );
    let said = text(
        &outside("script")
            .args(["-qec", &command, "/dev/null"])
            .output()
            .unwrap(),
    );
    assert!(said.contains("reached end"), "{said}");
    assert!(!said.contains("canary\r\n"), "{said}");
}

#[tokio::test]
async fn arguments_arrive_as_they_are() {
    let room = Room::new();
    let odd = ["$HOME `id` \"'\\\n\t", "", "--", "\u{202e}rtl"];
    let mut job = room.job(Off, "");
    let mut argv = vec!["printf".into(), "[%s]".into()];
    argv.extend(odd.map(Into::into));
    job.command = Invocation::Program(argv);
    let output = room.try_run(job).await.unwrap().output;
    assert_eq!(
        String::from_utf8(output.head).unwrap(),
        odd.map(|one| format!("[{one}]")).concat()
    );
    // A line that begins like an option is still a line.
    assert!(room.says(Off, "-c id").await.contains("-c"));
}
