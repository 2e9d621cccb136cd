//! A pull request: words from the task and its evidence, and opened as a draft at the host that was named.

use crate::{
    git_server::host,
    kit::{Bench, STUCK},
};
use kerf_engine::{Engine, Options};
use kerf_protocol::{
    Code,
    git::{
        command::{GitAct, PreviewGit},
        pull_request::{DraftPull, FindPullTarget, HostKind, OpenPull, PullTarget},
    },
    ledger::{ListLedger, Purpose},
    policy::{ApproveMode, Policy, SandboxMode},
    request::{NewSession, method},
};
use kerf_test_support::Turn;
use serde_json::json;
use std::{fs, process::Command};

struct Scene {
    bench: Bench,
    engine: Engine,
}

impl Scene {
    /// A branch `topic` with a commit, pushed as far as anybody saw, and `kind` speaking at `address`.
    async fn new(turns: Vec<Turn>, address: &str, kind: &str) -> Self {
        let bench = Bench::new("//- /a.txt\none\n", turns);
        let bench = Bench {
            fixture: bench.fixture.git(),
            ..bench
        };
        let config = format!(
            "[git.hosts.\"git.example.org\"]\nkind = \"{kind}\"\napi = \"http://{address}/api/v9\"\n"
        );
        let options = Options {
            helper: env!("CARGO_BIN_EXE_engine-helper").into(),
            ..bench.options()
        };
        fs::create_dir_all(options.home.config().parent().unwrap()).unwrap();
        fs::write(options.home.config(), config).unwrap();
        let engine = Engine::open(options).await.unwrap();
        let scene = Self { bench, engine };
        scene.git(&[
            "remote",
            "add",
            "origin",
            "git@git.example.org:ada/tool.git",
        ]);
        scene.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        scene.git(&["switch", "--quiet", "--create", "topic"]);
        scene.bench.fixture.write("a.txt", "two\n");
        scene.git(&["commit", "--quiet", "--all", "--message=Say two"]);
        scene.git(&["update-ref", "refs/remotes/origin/topic", "HEAD"]);
        scene
    }

    fn folder(&self) -> String {
        self.bench.fixture.path().display().to_string()
    }

    fn git(&self, words: &[&str]) {
        #[expect(
            clippy::disallowed_methods,
            reason = "a test sets its scene with git itself"
        )]
        let done = Command::new("git")
            .args(words)
            .current_dir(self.bench.fixture.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "git {words:?}: {done:?}");
    }

    async fn target(&self) -> PullTarget {
        let find = FindPullTarget {
            folder: self.folder(),
            remote: None,
        };
        let target = self.engine.call::<method::GitPullTarget>(find);
        target.await.unwrap()
    }

    fn open(&self, target: PullTarget) -> OpenPull {
        OpenPull {
            folder: self.folder(),
            target,
            title: "Say two".to_owned(),
            body: "It is more.".to_owned(),
            token: Some("a-token-of-the-host".to_owned()),
        }
    }
}

#[tokio::test]
async fn it_is_opened_as_a_draft_at_the_host_that_was_named() {
    for (kind, page, line, header) in [
        (
            "github",
            json!({"html_url": "https://git.example.org/ada/tool/pull/7", "number": 7}),
            "POST /api/v9/repos/ada/tool/pulls HTTP/1.1",
            "authorization: Bearer a-token-of-the-host",
        ),
        (
            "gitlab",
            json!({"web_url": "https://git.example.org/ada/tool/-/merge_requests/7", "iid": 7}),
            "POST /api/v9/projects/ada%2Ftool/merge_requests HTTP/1.1",
            "private-token: a-token-of-the-host",
        ),
    ] {
        let (address, sent) = host(vec![(201, page.clone())]);
        let scene = Scene::new(vec![], &address, kind).await;
        let target = scene.target().await;
        assert_eq!(target.host, "git.example.org");
        assert_eq!(
            (target.project.as_str(), target.branch.as_str()),
            ("ada/tool", "topic")
        );
        assert_eq!((target.base.as_str(), target.pushed), ("main", true));
        assert_eq!(target.api, address);
        let opened = scene
            .engine
            .call::<method::GitOpenPull>(scene.open(target))
            .await
            .unwrap();
        let url = page["html_url"].as_str().or(page["web_url"].as_str());
        assert_eq!((opened.url.as_deref(), opened.number), (url, 7));
        let sent = sent.recv_timeout(STUCK).unwrap();
        assert_eq!(sent.line, line);
        assert!(
            sent.headers
                .iter()
                .any(|sent| sent.eq_ignore_ascii_case(header)),
            "{:?}",
            sent.headers
        );
        if kind == "github" {
            assert_eq!(
                sent.body,
                json!({"title": "Say two", "body": "It is more.", "head": "topic", "base": "main", "draft": true})
            );
        } else {
            assert_eq!(
                sent.body,
                json!({"title": "Draft: Say two", "description": "It is more.", "source_branch": "topic", "target_branch": "main"})
            );
        }
        let rows = scene
            .engine
            .call::<method::LedgerList>(ListLedger::default());
        let rows = rows.await.unwrap();
        assert_eq!(rows[0].entry.purpose, Purpose::PullRequest);
        assert_eq!(rows[0].entry.host, address);
    }
}

#[tokio::test]
async fn nothing_is_sent_of_what_is_not_as_it_was_shown_or_holds_a_token() {
    let (address, sent) = host(vec![(
        422,
        json!({"message": "No", "errors": [{"message": "exists already"}]}),
    )]);
    let scene = Scene::new(vec![], &address, "github").await;
    let target = scene.target().await;
    let mut elsewhere = scene.open(target.clone());
    elsewhere.target.project = "eve/tool".to_owned();
    let mut secret = scene.open(target.clone());
    secret.body = format!("use ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let mut option = scene.open(target.clone());
    option.target.base = "--evil".to_owned();
    for (open, code) in [
        (elsewhere, Code::Conflict),
        (secret, Code::Denied),
        (option, Code::Usage),
    ] {
        let refused = scene.engine.call::<method::GitOpenPull>(open).await;
        assert_eq!(refused.unwrap_err().code, code);
    }
    let said = scene
        .engine
        .call::<method::GitOpenPull>(scene.open(target.clone()))
        .await
        .unwrap_err();
    assert!(said.message.contains("No exists already"), "{said:?}");
    assert_eq!(sent.iter().count(), 1);

    // A commit more, that the remote has not.
    scene.git(&["commit", "--quiet", "--allow-empty", "--message=more"]);
    let target = scene.target().await;
    assert!(!target.pushed);
    let refused = scene.engine.call::<method::GitOpenPull>(scene.open(target));
    assert!(refused.await.unwrap_err().hint.contains("Push"));
}

#[tokio::test]
async fn the_host_s_own_program_is_a_command_that_is_shown() {
    for (kind, program) in [("github", "gh"), ("gitlab", "glab")] {
        let scene = Scene::new(vec![], "127.0.0.1:9", kind).await;
        assert_eq!(
            scene.target().await.kind,
            if kind == "github" {
                HostKind::GitHub
            } else {
                HostKind::GitLab
            }
        );
        let act = GitAct::OpenPull {
            remote: "origin".to_owned(),
            base: "main".to_owned(),
            title: "Say two".to_owned(),
            body: "It is more.".to_owned(),
        };
        let preview = async || {
            let preview = PreviewGit {
                folder: scene.folder(),
                act: act.clone(),
            };
            let preview = scene.engine.call::<method::GitPreview>(preview);
            preview.await.unwrap()
        };
        assert_eq!(preview().await.programs, [""; 0]);
        // The program runs git, which goes there when an object is missing.
        scene.git(&["config", "remote.other.url", "https://other.example/x"]);
        scene.git(&["config", "remote.other.promisor", "true"]);
        let preview = preview().await;
        assert_eq!(
            preview.programs,
            [
                "`other` at https://other.example/x, which git asks for objects that are missing here"
            ]
        );
        assert_eq!(preview.argv[0], program);
        assert!(preview.argv.iter().any(|word| word == "--draft"));
        assert!(preview.argv.iter().any(|word| word == "--title=Say two"));
        assert!(
            preview.words.contains("git.example.org"),
            "{}",
            preview.words
        );
    }
}

#[tokio::test]
async fn its_words_are_drafted_from_the_task_and_secrets_stay() {
    let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
    let check = format!("true {}", "word ".repeat(5_000));
    let turns = vec![
        Turn::call("run_command", json!({ "command": check })),
        Turn::text("Done."),
        Turn::text("Say two instead of one\n\nOne was too little."),
    ];
    let scene = Scene::new(turns, "127.0.0.1:9", "github").await;
    let new = NewSession {
        folder: scene.folder(),
        policy: Policy {
            sandbox: SandboxMode::Off,
            approve: ApproveMode::Auto,
        },
        ..NewSession::default()
    };
    let session = scene.engine.call::<method::SessionNew>(new).await.unwrap();
    let mut events = scene.engine.subscribe(session.id).await.unwrap();
    crate::kit::prompt(&scene.engine, session.id, &format!("say two, with {token}"))
        .await
        .unwrap();
    crate::kit::until_end(&mut events).await;
    let draft = DraftPull {
        folder: scene.folder(),
        session_id: Some(session.id),
        remote: "origin".to_owned(),
        base: "main".to_owned(),
    };
    let drafted = scene
        .engine
        .call::<method::GitDraftPull>(draft)
        .await
        .unwrap();
    assert_eq!(drafted.title, "Say two instead of one");
    assert_eq!(drafted.body, "One was too little.");
    let asked = scene.bench.server.requests();
    let asked = String::from_utf8(asked.last().unwrap().body.to_vec()).unwrap();
    for part in [
        "say two, with",
        "Say two",
        "a.txt: Modified",
        "- true word word",
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    assert!(!asked.contains(&"word ".repeat(50)), "{asked}");
    assert!(!asked.contains(&token));
    let rows = scene
        .engine
        .call::<method::LedgerList>(ListLedger::default());
    assert_eq!(rows.await.unwrap()[0].entry.purpose, Purpose::PullDraft);
}
