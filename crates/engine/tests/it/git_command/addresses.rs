//! Where a command of git would go: shown in full, or refused.

use super::{Scene, push};
use kerf_protocol::git::command::{GitAct, GitEnd, PullHow};
use std::fs;

#[tokio::test]
async fn names_and_addresses_that_git_could_take_for_something_else_are_refused() {
    let scene = Scene::new().await;
    let config = scene.bench.fixture.join(".git/config");
    let before = fs::read_to_string(&config).unwrap();
    let bad = |remote: &str, url: &str| {
        format!(
            "{before}\n[remote \"{remote}\"]\n\turl = {url}\n[branch \"main\"]\n\tremote = {remote}\n\tmerge = refs/heads/main\n"
        )
    };
    let marker = scene.bench.home.path().join("marker");
    let touch = format!("touch% {}", marker.display());
    for (remote, url) in [
        ("--upload-pack=x", "/x"),
        ("evil", &*format!("ext::{touch}")),
        ("evil", "fd::3"),
        ("evil", "--upload-pack=touch x"),
    ] {
        fs::write(&config, bad(remote, url)).unwrap();
        for act in [
            push(),
            GitAct::Fetch { remote: None },
            GitAct::Pull {
                how: PullHow::Merge,
            },
        ] {
            let refused = scene.preview(act.clone()).await;
            assert!(refused.is_err(), "{remote} {url} {act:?}: {refused:?}");
        }
    }
    fs::write(&config, &before).unwrap();
    // A branch whose name is a forced push in a refspec, and one that is an option.
    for name in ["+main", "-f"] {
        let head = scene.git(&["rev-parse", "HEAD"]);
        let file = scene.bench.fixture.join(&format!(".git/refs/heads/{name}"));
        fs::write(file, format!("{head}\n")).unwrap();
        fs::write(
            scene.bench.fixture.join(".git/HEAD"),
            format!("ref: refs/heads/{name}\n"),
        )
        .unwrap();
        let refused = scene.preview(push()).await;
        assert!(refused.is_err(), "{name}: {refused:?}");
    }
    assert!(!marker.exists());
}

/// A submodule has an address of its own, which nobody was shown.
#[tokio::test]
async fn a_submodule_is_neither_asked_nor_sent_to() {
    let mut scene = Scene::new().await;
    let asked = scene.bench.home.path().join("asked");
    let inner = scene.bench.fixture.join("inner");
    let path = inner.display().to_string();
    scene.git(&["init", "--quiet", "--initial-branch=main", &path]);
    for words in [
        &["config", "user.name", "Ada"][..],
        &["config", "user.email", "ada@example.com"],
        &["commit", "--quiet", "--allow-empty", "--message=in"],
        // It was pushed once, and has more since.
        &["update-ref", "refs/remotes/origin/main", "HEAD"],
        &["commit", "--quiet", "--allow-empty", "--message=more"],
        &["remote", "add", "origin", "ssh://evil.example/x"],
        &[
            "config",
            "core.sshCommand",
            &format!("touch {}", asked.display()),
        ],
    ] {
        scene.git_in(&inner, words);
    }
    scene.bench.fixture.write(
        ".gitmodules",
        "[submodule \"inner\"]\n\tpath = inner\n\turl = ssh://evil.example/x\n\tfetchRecurseSubmodules = true\n",
    );
    scene.git(&["add", "--all"]);
    scene.git(&["commit", "--quiet", "--message=inner"]);
    for name in [
        "submodule.recurse",
        "submodule.inner.active",
        "submodule.inner.fetchRecurseSubmodules",
    ] {
        scene.git(&["config", name, "true"]);
    }
    scene.git(&["config", "push.recurseSubmodules", "on-demand"]);
    scene.git(&["config", "submodule.inner.url", "ssh://evil.example/x"]);
    let pull = GitAct::Pull {
        how: PullHow::FastForward,
    };
    for act in [push(), GitAct::Fetch { remote: None }, pull] {
        let done = scene.run(act.clone()).await;
        assert_eq!(done.end, Some(GitEnd::Done), "{act:?}: {}", done.output);
        assert!(!asked.exists(), "{act:?}");
    }
}

#[tokio::test]
async fn each_address_that_a_push_goes_to_is_shown_and_passwords_are_not() {
    let scene = Scene::new().await;
    for url in ["https://ada:secret@one.example/a", "https://two.example/b"] {
        scene.git(&["remote", "set-url", "--add", "--push", "origin", url]);
    }
    let preview = scene.preview(push()).await.unwrap();
    assert_eq!(
        preview.remote.unwrap().url,
        "https://ada@one.example/a and https://two.example/b"
    );
    assert!(!preview.words.contains("secret"));
}

/// Any command of git's goes there when an object is missing.
#[tokio::test]
async fn who_is_asked_for_missing_objects_is_shown() {
    let scene = Scene::new().await;
    let commit = GitAct::Commit {
        message: "Say it".to_owned(),
        amend: false,
    };
    let acts = [push(), GitAct::Fetch { remote: None }, commit];
    // Where it goes anyway is shown already.
    scene.git(&["config", "remote.origin.promisor", "true"]);
    for act in &acts[..2] {
        let preview = scene.preview(act.clone()).await.unwrap();
        assert!(preview.programs.is_empty(), "{:?}", preview.programs);
    }
    scene.git(&["config", "--unset", "remote.origin.promisor"]);
    let address = |url| scene.git(&["config", "remote.evil.url", url]);
    address("https://ada:secret@evil.example/x");
    scene.git(&["config", "remote.evil.promisor", "true"]);
    for act in &acts {
        let preview = scene.preview(act.clone()).await.unwrap();
        assert_eq!(
            preview.programs,
            [
                "`evil` at https://ada@evil.example/x, which git asks for objects that are missing here"
            ]
        );
    }
    address("ext::evil");
    for act in acts {
        let refused = scene.preview(act.clone()).await;
        assert!(refused.is_err(), "{act:?}: {refused:?}");
    }
}
