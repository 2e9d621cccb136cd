//! What a command of git asks while it runs, and what becomes of the answer.

use super::{Scene, push};
use crate::git_server::{self, NAME, PASSWORD};
use kerf_protocol::git::command::{GitEnd, GitPromptKind};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

#[tokio::test]
async fn a_password_is_asked_for_in_the_window_and_kept_nowhere() {
    let mut scene = Scene::new().await;
    let url = git_server::serve(scene.bare.parent().unwrap());
    scene.git(&["remote", "set-url", "origin", &format!("{url}/tool.git")]);

    scene.begin(push()).await.unwrap();
    let asked = scene.asked(0).await;
    let prompt = asked.prompt.clone().unwrap();
    assert_eq!(prompt.kind, GitPromptKind::Text);
    assert!(prompt.text.contains(&url), "{}", prompt.text);
    scene.answer(&asked, Some(NAME)).await;
    let asked = scene.asked(prompt.id).await;
    let prompt = asked.prompt.clone().unwrap();
    assert_eq!(prompt.kind, GitPromptKind::Secret);
    scene.answer(&asked, Some(PASSWORD)).await;
    let done = scene.until(|run| run.end.is_some()).await;
    assert_eq!(done.end, Some(GitEnd::Done), "{}", done.output);
    assert_eq!(
        scene.git_in(&scene.bare, &["rev-parse", "main"]),
        scene.git(&["rev-parse", "HEAD"])
    );
    assert!(!format!("{done:?}").contains(PASSWORD));
    for folder in [scene.bench.home.path(), scene.bench.fixture.path()] {
        assert_eq!(holding(folder, PASSWORD.as_bytes()), Vec::<PathBuf>::new());
    }

    // A wrong one is git's to refuse.
    scene.git(&["commit", "--quiet", "--allow-empty", "--message=two"]);
    scene.begin(push()).await.unwrap();
    let asked = scene.asked(0).await;
    scene.answer(&asked, Some(NAME)).await;
    let asked = scene.asked(asked.prompt.unwrap().id).await;
    scene.answer(&asked, Some("wrong")).await;
    let done = scene.until(|run| run.end.is_some()).await;
    assert!(matches!(done.end, Some(GitEnd::Failed { .. })), "{done:?}");

    // No answer ends the command.
    scene.begin(push()).await.unwrap();
    let asked = scene.asked(0).await;
    scene.answer(&asked, None).await;
    let done = scene.until(|run| run.end.is_some()).await;
    assert_eq!(done.end, Some(GitEnd::Stopped));
    assert_eq!(done.prompt, None);
}

/// The files below a folder that hold these bytes.
fn holding(folder: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, bytes));
        } else if fs::read(&path)
            .is_ok_and(|text| text.windows(bytes.len()).any(|part| part == bytes))
        {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn ssh_asks_whether_a_host_is_known_and_for_a_passphrase() {
    let mut scene = Scene::new().await;
    let ssh = scene.bench.home.path().join("ssh");
    // What a real one does: it asks by the program that the environment names, and runs the command over there.
    fs::write(
        &ssh,
        r#"#!/bin/sh
[ "$SSH_ASKPASS_REQUIRE" = force ] || exit 9
yes=$("$SSH_ASKPASS" "The authenticity of host 'x' can't be established.
Are you sure you want to continue connecting (yes/no/[fingerprint])? ") || exit 255
[ "$yes" = yes ] || exit 255
key=$("$SSH_ASKPASS" "Enter passphrase for key '/k': ") || exit 255
[ "$key" = "open sesame" ] || exit 255
for last; do :; done
exec sh -c "$last"
"#,
    )
    .unwrap();
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
    scene.git(&["config", "core.sshCommand", &ssh.display().to_string()]);
    let url = format!("ssh://git@host.invalid{}", scene.bare.display());
    scene.git(&["remote", "set-url", "origin", &url]);
    let preview = scene.preview(push()).await.unwrap();
    assert_eq!(
        preview.programs,
        [format!("core.sshcommand = {}", ssh.display())]
    );

    scene.begin(push()).await.unwrap();
    let asked = scene.asked(0).await;
    let prompt = asked.prompt.clone().unwrap();
    assert_eq!(prompt.kind, GitPromptKind::Confirm);
    assert!(prompt.text.starts_with("The authenticity of host"));
    scene.answer(&asked, Some("yes")).await;
    let asked = scene.asked(prompt.id).await;
    assert_eq!(asked.prompt.as_ref().unwrap().kind, GitPromptKind::Secret);
    scene.answer(&asked, Some("open sesame")).await;
    let done = scene.until(|run| run.end.is_some()).await;
    assert_eq!(done.end, Some(GitEnd::Done), "{}", done.output);
    assert_eq!(
        scene.git_in(&scene.bare, &["rev-parse", "main"]),
        scene.git(&["rev-parse", "HEAD"])
    );
}
