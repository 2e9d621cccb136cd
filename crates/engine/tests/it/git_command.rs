//! Git's own programs as the user's command: shown first, run by a click, asked for passwords, stopped.
#![cfg(unix)]

mod addresses;
mod prompts;

use crate::kit::{Bench, STUCK, prompt};
use kerf_engine::{Engine, Feed, FeedMessage, Options};
use kerf_protocol::{
    Code, Failure,
    checkpoint::{Restore, RestoreWhat},
    git::command::{AnswerGit, GitAct, GitEnd, GitPreview, GitRun, PreviewGit, PullHow, RunGit},
    policy::ApproveMode,
    request::{Folder, method},
};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};
use tokio::time::timeout;

/// A repository on `main` with a bare one beside it as `origin`, and an engine that can run programs.
struct Scene {
    bench: Bench,
    engine: Engine,
    feed: Feed,
    bare: PathBuf,
    _beside: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let bench = Bench::new("//- /a.txt\none\n", []);
        let bench = Bench {
            fixture: bench.fixture.git(),
            ..bench
        };
        let beside = tempfile::tempdir().unwrap();
        let bare = beside.path().canonicalize().unwrap().join("tool.git");
        let options = Options {
            helper: env!("CARGO_BIN_EXE_engine-helper").into(),
            ..bench.options()
        };
        let engine = Engine::open(options).await.unwrap();
        let scene = Self {
            feed: engine.feed(),
            bench,
            engine,
            bare,
            _beside: beside,
        };
        let bare = scene.bare.display().to_string();
        scene.git(&["init", "--quiet", "--bare", "--initial-branch=main", &bare]);
        scene.git_in(&scene.bare, &["config", "http.receivepack", "true"]);
        scene.git(&["config", "user.name", "Ada"]);
        scene.git(&["config", "user.email", "ada@example.com"]);
        scene.git(&["remote", "add", "origin", &bare]);
        scene
    }

    fn folder(&self) -> String {
        self.bench.fixture.path().display().to_string()
    }

    fn git(&self, words: &[&str]) -> String {
        self.git_in(self.bench.fixture.path(), words)
    }

    fn git_in(&self, folder: &Path, words: &[&str]) -> String {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test sets its scene with git itself"
        )]
        let done = Command::new("git")
            .args(words)
            .current_dir(folder)
            .env("GIT_CONFIG_GLOBAL", "/nonexistent")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(done.status.success(), "git {words:?}: {done:?}");
        String::from_utf8(done.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    fn hook(&self, name: &str, script: &str) {
        let path = self.bench.fixture.join(&format!(".git/hooks/{name}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    async fn preview(&self, act: GitAct) -> Result<GitPreview, Failure> {
        let folder = self.folder();
        self.engine
            .call::<method::GitPreview>(PreviewGit { folder, act })
            .await
    }

    async fn begin(&self, act: GitAct) -> Result<GitRun, Failure> {
        let argv = self.preview(act.clone()).await?.argv;
        let folder = self.folder();
        let run = RunGit { folder, act, argv };
        self.engine.call::<method::GitRun>(run).await
    }

    async fn now(&self) -> GitRun {
        let folder = self.folder();
        let now = self.engine.call::<method::GitRunning>(Folder { folder });
        now.await.unwrap().unwrap()
    }

    /// Waits until the command asks or ended.
    async fn until(&mut self, is: impl Fn(&GitRun) -> bool) -> GitRun {
        loop {
            let now = self.now().await;
            if is(&now) {
                return now;
            }
            assert!(now.end.is_none(), "it ended: {now:#?}");
            while !matches!(
                timeout(STUCK, self.feed.next()).await.unwrap(),
                FeedMessage::Git(_)
            ) {}
        }
    }

    async fn run(&mut self, act: GitAct) -> GitRun {
        self.begin(act).await.unwrap();
        self.until(|run| run.end.is_some()).await
    }

    async fn answer(&self, run: &GitRun, answer: Option<&str>) {
        let answer = AnswerGit {
            folder: self.folder(),
            id: run.id,
            prompt: Some(run.prompt.as_ref().unwrap().id),
            answer: answer.map(str::to_owned),
        };
        self.engine.call::<method::GitAnswer>(answer).await.unwrap();
    }

    /// Stops a command that runs, and waits for its end.
    async fn stop(&mut self, run: &GitRun) -> GitRun {
        let stop = AnswerGit {
            folder: self.folder(),
            id: run.id,
            prompt: None,
            answer: None,
        };
        self.engine.call::<method::GitAnswer>(stop).await.unwrap();
        self.until(|run| run.end.is_some()).await
    }

    async fn asked(&mut self, after: u32) -> GitRun {
        self.until(|run| run.prompt.as_ref().is_some_and(|prompt| prompt.id > after))
            .await
    }

    /// Both sides get a commit to the same line.
    fn diverge(&self) {
        self.git(&["push", "--quiet", "--set-upstream", "origin", "main"]);
        self.bench.fixture.write("a.txt", "theirs\n");
        self.git(&["commit", "--quiet", "--all", "--message=theirs"]);
        self.git(&["push", "--quiet"]);
        self.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
        self.bench.fixture.write("a.txt", "ours\n");
        self.git(&["commit", "--quiet", "--all", "--message=ours"]);
    }
}

fn push() -> GitAct {
    GitAct::Push { remote: None }
}

#[tokio::test]
async fn a_push_is_shown_and_then_does_just_that() {
    let mut scene = Scene::new().await;
    let preview = scene.preview(push()).await.unwrap();
    assert_eq!(
        preview.argv,
        [
            "git",
            "push",
            "--progress",
            "--no-recurse-submodules",
            "--set-upstream",
            "origin",
            "refs/heads/main:refs/heads/main"
        ]
    );
    let remote = preview.remote.unwrap();
    assert_eq!(
        (remote.name.as_str(), remote.url),
        ("origin", scene.bare.display().to_string())
    );
    assert!(preview.words.contains("From then on"), "{}", preview.words);
    let stale = RunGit {
        folder: scene.folder(),
        act: push(),
        argv: vec!["git".to_owned(), "push".to_owned()],
    };
    let refused = scene
        .engine
        .call::<method::GitRun>(stale)
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::Conflict);

    let done = scene.run(push()).await;
    assert_eq!(done.end, Some(GitEnd::Done), "{}", done.output);
    assert!(done.output.contains("new branch"), "{}", done.output);
    let head = scene.git(&["rev-parse", "HEAD"]);
    assert_eq!(scene.git_in(&scene.bare, &["rev-parse", "main"]), head);
    assert_eq!(scene.git(&["rev-parse", "main@{upstream}"]), head);

    scene.bench.fixture.write("a.txt", "two\n");
    scene.git(&["commit", "--quiet", "--all", "--message=two"]);
    let preview = scene.preview(push()).await.unwrap();
    assert!(preview.words.contains("one commit of"), "{}", preview.words);
    assert!(!preview.argv.iter().any(|word| word == "--set-upstream"));
    assert_eq!(scene.run(push()).await.end, Some(GitEnd::Done));
}

#[tokio::test]
async fn one_command_runs_at_a_time_and_is_stopped_with_all_that_it_started() {
    let mut scene = Scene::new().await;
    let pid = scene.bench.home.path().join("pid");
    scene.hook(
        "pre-push",
        &format!(
            "echo waiting\nsleep 1000 & echo $! > {}\nwait",
            pid.display()
        ),
    );
    let preview = scene.preview(push()).await.unwrap();
    assert_eq!(preview.programs, ["the hook pre-push"]);
    scene.begin(push()).await.unwrap();
    let running = scene.until(|run| run.output.contains("waiting")).await;
    let second = scene.begin(push()).await.unwrap_err();
    assert_eq!(second.code, Code::Conflict);
    while fs::read_to_string(&pid)
        .unwrap_or_default()
        .trim()
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
    let done = scene.stop(&running).await;
    assert_eq!(done.end, Some(GitEnd::Stopped));
    let pid: i32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    assert!(
        rustix::process::test_kill_process(pid).is_err(),
        "the hook's child is gone"
    );
    // And the next one may begin.
    fs::remove_file(scene.bench.fixture.join(".git/hooks/pre-push")).unwrap();
    assert_eq!(scene.run(push()).await.end, Some(GitEnd::Done));
}

#[tokio::test]
async fn hooks_run_see_no_key_and_cannot_ask() {
    let mut scene = Scene::new().await;
    let out = scene.bench.home.path().join("environment");
    scene.hook(
        "pre-commit",
        &format!(
            "env > {}\nexec {} sessions",
            out.display(),
            env!("CARGO_BIN_EXE_engine-helper")
        ),
    );
    scene.bench.fixture.write("a.txt", "two\n");
    scene.git(&["add", "a.txt"]);
    let act = GitAct::Commit {
        message: "Say two\n\nIt is more.".to_owned(),
        amend: false,
    };
    let preview = scene.preview(act.clone()).await.unwrap();
    assert_eq!(
        preview.argv[1..],
        ["commit", "--message=Say two\n\nIt is more."]
    );
    let done = scene.run(act).await;
    assert_eq!(done.end, Some(GitEnd::Done), "{}", done.output);
    assert_eq!(
        scene.git(&["log", "-1", "--format=%B"]),
        "Say two\n\nIt is more."
    );
    let environment = fs::read_to_string(out).unwrap();
    let names: Vec<&str> = environment
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("KERF_"))
        .collect();
    assert!(
        names.iter().all(|name| name.starts_with("KERF_ASKPASS")),
        "{names:?}"
    );

    scene.hook("pre-commit", "echo not like this\nexit 3");
    scene.bench.fixture.write("a.txt", "three\n");
    scene.git(&["add", "a.txt"]);
    let act = GitAct::Commit {
        message: "Say three".to_owned(),
        amend: false,
    };
    let done = scene.run(act).await;
    assert_eq!(done.end, Some(GitEnd::Failed { code: Some(1) }));
    assert!(done.output.contains("not like this"), "{}", done.output);
}

#[tokio::test]
async fn neither_turn_nor_restore_begins_while_a_command_may_change_files() {
    let mut scene = Scene::new().await;
    scene.hook("pre-commit", "echo waiting\nsleep 1000");
    scene.bench.fixture.write("a.txt", "two\n");
    scene.git(&["add", "a.txt"]);
    let act = GitAct::Commit {
        message: "Say two".to_owned(),
        amend: false,
    };
    scene.begin(act).await.unwrap();
    let running = scene.until(|run| run.output.contains("waiting")).await;
    let session = scene.bench.session(&scene.engine, ApproveMode::Auto).await;
    let refused = prompt(&scene.engine, session.id, "go").await.unwrap_err();
    assert_eq!(refused.code, Code::Conflict, "{refused:?}");
    let restore = Restore {
        session_id: session.id,
        checkpoint_id: 1,
        what: RestoreWhat::Files,
        paths: None,
    };
    let restored = scene.engine.call::<method::CheckpointRestore>(restore);
    let refused = restored.await.unwrap_err();
    assert!(refused.message.contains("git command"), "{refused:?}");
    scene.stop(&running).await;
    prompt(&scene.engine, session.id, "go").await.unwrap();
    scene.engine.idle(session.id).await.unwrap();
}

#[tokio::test]
async fn a_pull_moves_forward_only_unless_it_is_said_how_and_a_merge_can_be_aborted() {
    let mut scene = Scene::new().await;
    scene.diverge();
    let before = scene.git(&["rev-parse", "HEAD"]);
    let forward = GitAct::Pull {
        how: PullHow::FastForward,
    };
    let done = scene.run(forward).await;
    assert!(matches!(done.end, Some(GitEnd::Failed { .. })), "{done:?}");
    assert_eq!(scene.git(&["rev-parse", "HEAD"]), before);

    let merge = GitAct::Pull {
        how: PullHow::Merge,
    };
    let done = scene.run(merge.clone()).await;
    assert!(matches!(done.end, Some(GitEnd::Failed { .. })), "{done:?}");
    assert!(done.output.contains("CONFLICT"), "{}", done.output);
    for act in [GitAct::Continue, merge] {
        let refused = scene.preview(act).await.unwrap_err();
        assert_eq!(refused.code, Code::Conflict);
    }
    let abort = scene.preview(GitAct::Abort).await.unwrap();
    assert_eq!(abort.argv, ["git", "merge", "--abort"]);
    assert_eq!(scene.run(GitAct::Abort).await.end, Some(GitEnd::Done));
    assert_eq!(scene.bench.fixture.read("a.txt"), "ours\n");

    // A rebase stops at the same lines; resolved, it goes on.
    let rebase = GitAct::Pull {
        how: PullHow::Rebase,
    };
    scene.run(rebase).await;
    scene.bench.fixture.write("a.txt", "both\n");
    scene.git(&["add", "a.txt"]);
    let preview = scene.preview(GitAct::Continue).await.unwrap();
    assert_eq!(preview.argv, ["git", "rebase", "--continue"]);
    let done = scene.run(GitAct::Continue).await;
    assert_eq!(done.end, Some(GitEnd::Done), "{}", done.output);
    assert_eq!(
        scene.git(&["log", "--format=%s"]).lines().next(),
        Some("ours")
    );
    assert_eq!(scene.git(&["show", "HEAD:a.txt"]), "both");
}
