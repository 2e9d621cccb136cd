//! Nothing outlives its command, however it ends and however it hides.

use crate::room::{HELPER, Room, all_gone, has, opened, outside};
use kerf_protocol::policy::SandboxMode::{self, Off, WorkspaceWrite};
use kerf_sandbox::End;
use kerf_test_support::faults::{Disk, left_out, long};
use rstest::rstest;
use std::{io::Write, process::Stdio, time::Duration};
use tokio_util::sync::CancellationToken;

/// Ways to leave something behind. Each keeps the FIFO open in all that it starts.
const HIDERS: &[&str] = &[
    "sleep 1000 &",
    "nohup sleep 1000 > /dev/null 2>&1 &",
    "setsid sleep 1000 > /dev/null 2>&1 < /dev/null &",
    "( (setsid sh -c 'sleep 1000 & sleep 1000' &) & )",
    "(trap '' TERM HUP INT; sleep 1000; sleep 1000) &",
    "sh -c 'trap \"\" TERM; while :; do sleep 0.01; done' &",
    "(setsid sh -c 'sleep 1000 & exec sh -c \"sleep 1000 & kill -STOP \\$\\$\"' &)",
];

fn line(hider: &str, rest: &str) -> String {
    format!("exec 9> alive; {hider}\n echo ready >&9; {rest}")
}

#[rstest]
#[tokio::test]
async fn sb20_what_a_finished_command_leaves_is_killed(
    #[values(WorkspaceWrite, Off)] mode: SandboxMode,
) {
    for hider in HIDERS {
        let room = Room::new();
        let fifo = room.fifo().await;
        let line = line(hider, "exit 5");
        let (outcome, alive) = tokio::join!(room.run(mode, &line), async {
            all_gone(opened(&fifo).await).await
        });
        assert_eq!(
            (outcome.end, alive.as_str()),
            (End::Exited(5), "ready\n"),
            "{hider}"
        );
    }
}

#[rstest]
#[tokio::test]
async fn sb20_cancelling_kills_everything(#[values(WorkspaceWrite, Off)] mode: SandboxMode) {
    for hider in HIDERS {
        let room = Room::new();
        let fifo = room.fifo().await;
        let cancel = CancellationToken::new();
        let run = room.sandbox.run(
            room.job(mode, &line(hider, "sleep 1000; sleep 1000")),
            cancel.clone(),
            |_| {},
        );
        let stop = async {
            let alive = opened(&fifo).await;
            cancel.cancel();
            all_gone(alive).await
        };
        let (outcome, _) = tokio::join!(run, stop);
        assert_eq!(outcome.unwrap().end, End::Cancelled, "{hider}");
    }
}

#[tokio::test]
async fn a_command_may_clean_up_when_it_is_cancelled() {
    let room = Room::new();
    let fifo = room.fifo().await;
    let cancel = CancellationToken::new();
    let job = room.job(
        WorkspaceWrite,
        "exec 9> alive; trap 'echo cleaned; exit' TERM; echo >&9; while :; do sleep 0.01; done",
    );
    let run = room.sandbox.run(job, cancel.clone(), |_| {});
    let stop = async {
        use std::io::Read;
        let mut alive = opened(&fifo).await;
        // The trap is set once something was written.
        alive.read_exact(&mut [0]).unwrap();
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(run, stop);
    let outcome = outcome.unwrap();
    assert_eq!(outcome.end, End::Cancelled);
    // Before it the shell may tell of a child that the signal ended.
    assert!(outcome.output.to_text().ends_with("cleaned\n"));
}

#[tokio::test]
async fn time_runs_out() {
    let room = Room::new();
    let fifo = room.fifo().await;
    let mut job = room.job(WorkspaceWrite, &line(HIDERS[2], "echo begun; sleep 1000"));
    job.timeout = Some(Duration::from_millis(200));
    let (outcome, _) = tokio::join!(room.try_run(job), async {
        all_gone(opened(&fifo).await).await
    });
    let outcome = outcome.unwrap();
    assert_eq!(
        (outcome.end, outcome.output.to_text().as_str()),
        (End::TimedOut, "begun\n")
    );
}

#[tokio::test]
async fn a_token_that_is_cancelled_already_starts_nothing_lasting() {
    let room = Room::new();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let outcome = room
        .sandbox
        .run(room.job(WorkspaceWrite, "sleep 1000"), cancel, |_| {})
        .await
        .unwrap();
    assert_eq!(outcome.end, End::Cancelled);
}

#[tokio::test]
async fn dropping_the_future_kills_everything() {
    let room = Room::new();
    let fifo = room.fifo().await;
    let run = room.sandbox.run(
        room.job(WorkspaceWrite, &line(HIDERS[3], "sleep 1000")),
        CancellationToken::new(),
        |_| {},
    );
    let alive = tokio::select! {
        _ = run => panic!("it ended"),
        alive = opened(&fifo) => alive,
    };
    all_gone(alive).await;
}

/// The kernel closes the pipes of a program that was killed; the helper must notice.
#[rstest]
#[case("workspace-write")]
#[case("off")]
#[tokio::test]
async fn pr2_everything_dies_with_a_killed_kerf(#[case] mode: &str) {
    for hider in HIDERS {
        let room = Room::new();
        let fifo = room.fifo().await;
        let line = line(hider, "sleep 1000");
        let mut kerf = outside(HELPER)
            .args([room.workspace().as_os_str(), mode.as_ref(), line.as_ref()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let alive = opened(&fifo).await;
        kerf.kill().unwrap();
        kerf.wait().unwrap();
        all_gone(alive).await;
    }
}

/// Without a sandbox a command can kill its supervisor. That is noticed, and its group goes.
#[tokio::test]
async fn a_killed_supervisor_is_an_error_not_a_hang() {
    let room = Room::new();
    let fifo = room.fifo().await;
    let job = room.job(
        Off,
        "exec 9> alive; echo ready; sleep 1000 & kill -KILL $PPID; sleep 1000",
    );
    let (outcome, alive) = tokio::join!(room.try_run(job), async {
        all_gone(opened(&fifo).await).await
    });
    assert!(outcome.is_err());
    assert_eq!(alive, "");
}

/// A process that got away and holds the output pipe must not hold up anybody. It got away because the command
/// killed its supervisor; the test lets it go by the FIFO that it reads.
#[tokio::test]
async fn an_escaped_process_does_not_block() {
    let room = Room::new();
    let fifo = room.fifo().await;
    let line = "setsid sh -c 'touch away; read x < alive' & until [ -e away ]; do sleep 0.01; done; kill -KILL $PPID; sleep 1000";
    assert!(room.try_run(room.job(Off, line)).await.is_err());
    let release = move || {
        std::fs::OpenOptions::new()
            .write(true)
            .open(fifo)
            .unwrap()
            .write_all(b"go\n")
    };
    tokio::task::spawn_blocking(release).await.unwrap().unwrap();
}

#[tokio::test]
async fn sb20_a_python_daemon_is_killed() {
    if !has("python3") {
        return;
    }
    let room = Room::new();
    let fifo = room.fifo().await;
    let daemon = "import os,sys,time\nif os.fork(): sys.exit()\nos.setsid()\nif os.fork(): sys.exit()\nos.chdir('/')\ntime.sleep(1000)";
    let line = format!("exec 9> alive; python3 -c \"{daemon}\" 9>&9; echo started");
    let (outcome, _) = tokio::join!(room.run(WorkspaceWrite, &line), async {
        all_gone(opened(&fifo).await).await
    });
    assert_eq!(outcome.end, End::Exited(0));
}

/// `kill 0` reaches the command's own group and nobody else.
#[tokio::test]
async fn a_command_that_kills_its_group_kills_only_itself() {
    let outcome = Room::new()
        .run(Off, "sleep 1000 & kill 0; sleep 1000")
        .await;
    assert_eq!(outcome.end, End::Signalled(15));
}

#[tokio::test]
async fn pr3_many_commands_leave_no_process_and_no_file() {
    let rounds = if long() { 10_000 } else { 40 };
    let room = Room::new();
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    for _ in 0..40 {
        room.run(WorkspaceWrite, "sleep 1000 & true").await;
    }
    let before = (open(), own("VmRSS"));
    for _ in 0..rounds {
        let run = room.run(WorkspaceWrite, "sleep 1000 & true").await;
        assert_eq!(run.end, End::Exited(0));
    }
    assert!(
        open() <= before.0 + 2,
        "{} files, {} before",
        open(),
        before.0
    );
    let grown = own("VmRSS").saturating_sub(before.1);
    assert!(grown < 16 << 10, "{grown} kB more after {rounds} commands");
    // Threads of their own wait for the last helpers; of a leak there would be one for each command.
    let left = children();
    assert!(left.len() < rounds / 4, "{left:?}");
}

/// A number of this process, in kB.
fn own(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What this process has started and is still there, ended or not.
fn children() -> Vec<String> {
    let parent = format!(" {} ", std::process::id());
    let all = std::fs::read_dir("/proc").unwrap();
    let stats =
        all.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("stat")).ok());
    // Behind the name: the state, and the parent's number.
    let is_child = |stat: &String| {
        let rest = stat.rsplit(')').next().unwrap_or_default();
        rest.get(2..).is_some_and(|rest| rest.starts_with(&parent))
    };
    stats.filter(is_child).collect()
}

/// More processes than a command may have: it is killed and says so, and nothing of it is left.
#[tokio::test]
async fn sb19_a_flood_of_processes_is_ended() {
    let room = Room::new();
    let fifo = room.fifo().await;
    let line = "exec 9> alive; f() { while :; do sleep 1000 & done; }; f & f";
    let (outcome, _) = tokio::join!(room.run(WorkspaceWrite, line), async {
        all_gone(opened(&fifo).await).await
    });
    assert_eq!(outcome.end, End::Signalled(9));
    let said = outcome.output.to_text();
    assert!(
        said.contains("processes at once; the command was killed"),
        "{said}"
    );
}

/// A folder so deep that its path has no name is neither a crash nor a wait.
#[tokio::test]
async fn sb19_a_deep_tree_harms_nobody() {
    if !has("python3") {
        return;
    }
    let room = Room::new();
    let line = "python3 -c 'import os\nfor _ in range(3000): os.mkdir(\"deeeeeep\"); os.chdir(\"deeeeeep\")\nos.mkdir(\".git\")'";
    assert_eq!(room.run(WorkspaceWrite, line).await.end, End::Exited(0));
    let outcome = room
        .run(WorkspaceWrite, "rm -rf deeeeeep && echo gone")
        .await;
    assert_eq!(outcome.output.to_text(), "gone\n");
}

/// So many files and folders that nobody can look at all of them.
#[tokio::test]
async fn sb19_a_flood_of_files_harms_nobody() {
    if !has("python3") {
        return;
    }
    let folders = if long() { 10_000 } else { 200 };
    let room = Room::new();
    let line = format!(
        "python3 -c 'import os\nfor a in range({folders}):\n os.mkdir(str(a))\n for b in range(100): open(f\"{{a}}/{{b}}\", \"w\").close()'"
    );
    let mut job = room.job(WorkspaceWrite, &line);
    job.timeout = None;
    let outcome = room.try_run(job).await.unwrap();
    assert_eq!(
        (outcome.end, outcome.output.to_text().as_str()),
        (End::Exited(0), "")
    );
    assert_eq!(
        room.says(WorkspaceWrite, "ls 0 | wc -l").await.trim(),
        "100"
    );
}

/// The loop goes on when a file cannot grow, so that nothing but the watch ends it.
#[tokio::test]
async fn sb19_a_command_that_fills_the_disk_is_ended() {
    let disk = match Disk::new(96) {
        Ok(disk) => disk,
        Err(why) => return left_out(&why),
    };
    let room = Room::within(&disk.path());
    let line =
        "n=0; while :; do n=$((n + 1)); head -c 1000000 /dev/zero > big$n; done 2> /dev/null";
    let outcome = room.run(WorkspaceWrite, line).await;
    assert_eq!(outcome.end, End::Signalled(9));
    let said = outcome.output.to_text();
    assert!(
        said.contains("is nearly full; the command was killed"),
        "{said}"
    );
}

/// A program that is asked to end by the system takes its commands along.
#[tokio::test]
async fn pr2_everything_dies_with_a_terminated_kerf() {
    let room = Room::new();
    let fifo = room.fifo().await;
    let line = line(HIDERS[3], "sleep 1000");
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
    let pid = kerf.id().to_string();
    assert!(
        outside("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    kerf.wait().unwrap();
    all_gone(alive).await;
}
