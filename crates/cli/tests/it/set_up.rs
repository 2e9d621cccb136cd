//! The user's command that makes a new worktree ready.

use crate::{beside::Beside, scene::command, support::Kerf};
use kerf_test_support::Turn;

/// The configuration with a set-up command for the scene's folder.
pub(crate) fn set_up(scene: &mut Beside, command: &str, go_on: bool) {
    let folder = scene.folder.path().canonicalize().unwrap();
    let config = format!(
        "[app.set_up.{:?}]\ncommand = {command:?}\ngo_on = {go_on}\n",
        folder.to_str().unwrap()
    );
    scene.kerf = std::mem::replace(&mut scene.kerf, Kerf::new()).config(&config);
}

/// What the model was sent with a request.
fn body(scene: &Beside, request: usize) -> String {
    String::from_utf8_lossy(&scene.server.requests()[request].body).into_owned()
}

#[test]
fn a_new_worktree_is_set_up_once_before_the_model_is_asked() {
    let mut scene = Beside::new();
    set_up(&mut scene, "echo ready; echo x >> set-up", false);
    let ran = scene.exec("off", &[], [command("test -f set-up")]);
    let calls = ran.calls();
    assert_eq!(calls[0]["tool"], "set_up");
    assert!(calls[0]["output"].as_str().unwrap().contains("ready"));
    let said = body(&scene, 0);
    assert!(
        said.contains("set-up command") && said.contains("it passed"),
        "{said}"
    );
    assert!(!scene.folder.exists("set-up"));
    // What it left is reviewed like what any command left.
    let first = crate::scene::short(&scene.run(&["diff"]).expect(0).events[0]);
    assert_eq!(first, "set-up:1 pending +1 -0");

    // Not again, and the model reads the same words.
    scene.server.push(Turn::text("Done."));
    let again = scene.run(&["resume", "--last", "Go on"]).expect(0);
    assert!(again.calls().is_empty(), "{}", again.stdout);
    let said = body(&scene, scene.server.requests().len() - 1);
    assert!(said.contains("it passed"), "{said}");
    // Nor in place.
    scene.server.push(Turn::text("Done."));
    let place = scene.run(&["exec", "Go ahead"]).expect(0);
    assert!(place.calls().is_empty(), "{}", place.stdout);
}

#[test]
fn a_set_up_that_fails_ends_the_turn_or_is_told() {
    let mut scene = Beside::new();
    set_up(&mut scene, "echo broken; exit 7", false);
    let refused = scene
        .run(&["exec", "--sandbox", "off", "--worktree", "Go ahead"])
        .expect(2);
    let failed = refused
        .events
        .iter()
        .find(|event| event["type"] == "turn.failed")
        .unwrap();
    let message = failed["error"]["message"].as_str().unwrap();
    assert!(message.contains("exit code 7"), "{message}");
    assert!(
        scene.server.requests().is_empty(),
        "the model was not asked"
    );

    // Tried again with the next message, as the settings say by then.
    set_up(&mut scene, "echo mended", false);
    scene.server.push(Turn::text("Done."));
    let ran = scene.run(&["resume", "--last", "Again"]).expect(0);
    assert_eq!(ran.calls()[0]["status"], "completed");

    set_up(&mut scene, "echo broken; exit 7", true);
    scene.server.push(Turn::text("Done."));
    let ran = scene
        .run(&["exec", "--sandbox", "off", "--worktree", "Go ahead"])
        .expect(0);
    assert_eq!(ran.calls()[0]["status"], "failed");
    let said = body(&scene, scene.server.requests().len() - 1);
    assert!(
        said.contains("it did not pass") && said.contains("broken"),
        "{said}"
    );
}
