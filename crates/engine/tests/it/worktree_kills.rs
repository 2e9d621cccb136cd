//! The program killed at each step of making, removing and bringing back a worktree, across the registry and git: what the
//! next one finds is whole or gone, and nothing of the user's is lost.
//!
//! A child of this test does the work and kills itself at a step; a step is what the engine's worktrees tell to the log.

use crate::kit::{Bench, STUCK};
use kerf_engine::{Engine, EnvironmentEndpoint, Home, Options, SleepClock};
use kerf_protocol::{
    WorktreeId,
    policy::Policy,
    request::{ListSessions, NewSession, method},
    worktree::{
        ListWorktrees, ListedWorktree, RemoveWorktree, WorkspaceKind, WorktreeRef, WorktreeState,
    },
};
use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio::time::timeout;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
};

/// What the child does, at which step it ends, the home, the folder, the worktree.
const CHILD: [&str; 5] = [
    "KERF_KILL_WORK",
    "KERF_KILL_STEP",
    "KERF_KILL_HOME",
    "KERF_KILL_FOLDER",
    "KERF_KILL_WORKTREE",
];

/// Ends the process at a step, as the system does when it is out of memory.
struct KillAt {
    step: usize,
    told: AtomicUsize,
}

impl<S: Subscriber> Layer<S> for KillAt {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if !event
            .metadata()
            .target()
            .starts_with("kerf_engine::worktrees")
        {
            return;
        }
        if self.told.fetch_add(1, Ordering::SeqCst) == self.step {
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap();
            // It comes when this thread is next let run.
            loop {
                std::thread::park();
            }
        }
    }
}

fn options(home: &Path) -> Options {
    Options {
        watch: false,
        sleep_clock: SleepClock::default(),
        home: Home::locate(Some(home.to_owned())).unwrap(),
        helper: "no-helper".into(),
        attended: false,
        environment: EnvironmentEndpoint {
            base_url: Some("http://127.0.0.1:1/v1".to_owned()),
            model: Some("scripted".to_owned()),
            ..EnvironmentEndpoint::default()
        },
    }
}

async fn make(engine: &Engine, folder: &Path) {
    let new = NewSession {
        folder: folder.display().to_string(),
        policy: Policy::default(),
        workspace: WorkspaceKind::Worktree { branch: None },
        ..NewSession::default()
    };
    engine.call::<method::SessionNew>(new).await.unwrap();
}

async fn restore(engine: &Engine, worktree_id: WorktreeId) {
    let restore = WorktreeRef { worktree_id };
    engine
        .call::<method::WorktreeRestore>(restore)
        .await
        .unwrap();
}

async fn remove(engine: &Engine, worktree_id: WorktreeId) {
    let remove = RemoveWorktree {
        worktree_id,
        force: true,
    };
    engine.call::<method::WorktreeRemove>(remove).await.unwrap();
}

/// What the child of the test below does; by itself it does nothing.
#[test]
fn child() {
    let values: Vec<String> = CHILD
        .iter()
        .filter_map(|name| env::var(name).ok())
        .collect();
    let [work, step, home, folder, worktree] = &values[..] else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let engine = Engine::open(options(Path::new(home))).await.unwrap();
        let layer = KillAt {
            step: step.parse().unwrap(),
            told: AtomicUsize::new(0),
        };
        let told = tracing_subscriber::registry().with(layer);
        tracing::subscriber::set_global_default(told).unwrap();
        match work.as_str() {
            "make" => make(&engine, Path::new(folder)).await,
            "remove" => remove(&engine, worktree.parse().unwrap()).await,
            _ => restore(&engine, worktree.parse().unwrap()).await,
        }
    });
}

/// Whether the child was killed at that step; false: it came to its end before.
fn kill_at(work: &str, step: usize, bench: &Bench, worktree: &str) -> bool {
    let values: [PathBuf; 5] = [
        work.into(),
        step.to_string().into(),
        bench.home.path().to_owned(),
        bench.fixture.path().to_owned(),
        worktree.into(),
    ];
    #[expect(clippy::disallowed_methods, reason = "this test itself, as a child")]
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", "worktree_kills::child", "--nocapture"])
        .envs(CHILD.iter().zip(values))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    match status.signal() {
        Some(9) => true,
        _ => {
            assert!(status.success(), "{work} at {step}: {status}");
            false
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "git itself is what a user has")]
fn git(folder: &Path, args: &[&str]) -> String {
    let done = Command::new("git")
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

/// Every file beneath a folder, with what it holds.
fn look(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with(".git") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(
                    path.strip_prefix(folder).unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                );
            }
        }
    }
    found
}

/// The worktrees as the next program finds them, once it has finished what was left.
async fn found(engine: &Engine) -> Vec<ListedWorktree> {
    let list = ListWorktrees::default();
    timeout(STUCK, engine.call::<method::WorktreeList>(list))
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_step_leaves_no_orphan_and_loses_nothing() {
    for work in ["make", "remove", "restore"] {
        let mut steps = 0;
        loop {
            let mut bench = Bench::new("//- /a.txt\none\n//- /b.txt\nb\n", []);
            bench.fixture = bench.fixture.git();
            bench.fixture.write("mine.txt", "not committed\n");
            let users = look(bench.fixture.path());
            let engine = Engine::open(options(bench.home.path())).await.unwrap();
            let mut held = BTreeMap::new();
            let mut id = String::new();
            if work != "make" {
                make(&engine, bench.fixture.path()).await;
                let worktree = found(&engine).await.remove(0).worktree;
                id = worktree.id.to_string();
                let path = PathBuf::from(&worktree.path);
                fs::write(path.join("work.txt"), "work\n").unwrap();
                fs::write(path.join("a.txt"), "changed\n").unwrap();
                held = look(&path);
                if work == "restore" {
                    remove(&engine, worktree.id).await;
                }
            }
            drop(engine);
            let killed = kill_at(work, steps, &bench, &id);

            let when = format!("{work}, at step {steps}");
            let engine = Engine::open(options(bench.home.path())).await.unwrap();
            let all = found(&engine).await;
            for one in &all {
                assert!(
                    matches!(
                        one.worktree.state,
                        WorktreeState::Ready | WorktreeState::Archived
                    ),
                    "{when}: {:?}",
                    one.worktree.state
                );
                if one.worktree.state == WorktreeState::Archived {
                    restore(&engine, one.worktree.id).await;
                }
            }
            let all = found(&engine).await;
            match work {
                "make" => assert!(all.len() <= 1, "{when}"),
                _ => {
                    assert_eq!(all.len(), 1, "{when}");
                    let path = Path::new(&all[0].worktree.path);
                    assert_eq!(look(path), held, "{when}: all of it is there");
                }
            }
            // Git, the registry, the sessions and the disk say the same.
            let folder = bench.fixture.path();
            let trees = git(folder, &["worktree", "list", "--porcelain"]);
            assert_eq!(
                trees.matches("worktree ").count(),
                1 + all.len(),
                "{when}: {trees}"
            );
            let bases = git(folder, &["for-each-ref", "refs/kerf/base"]);
            assert_eq!(bases.lines().count(), all.len(), "{when}: {bases}");
            let list = ListSessions::default();
            let sessions = engine.call::<method::SessionList>(list).await.unwrap();
            assert_eq!(sessions.len(), all.len(), "{when}");
            for (session, one) in sessions.iter().zip(&all) {
                assert_eq!(session.id, one.worktree.session_id, "{when}");
                assert!(Path::new(&session.folder).is_dir(), "{when}");
            }
            if all.is_empty() {
                let left = look(&bench.home.path().join("worktrees"));
                let orphans: Vec<_> = left
                    .keys()
                    .filter(|path| !path.starts_with(".locks"))
                    .collect();
                assert!(orphans.is_empty(), "{when}: {orphans:?}");
            }
            assert_eq!(look(folder), users, "{when}: the user\u{2019}s folder");
            assert_eq!(git(folder, &["fsck", "--strict", "--no-dangling"]), "");
            if !killed {
                assert!(steps > 5, "{work} has {steps} steps");
                break;
            }
            steps += 1;
        }
    }
}
