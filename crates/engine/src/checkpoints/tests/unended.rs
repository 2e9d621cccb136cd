//! A restore that fails in its middle, in a process that goes on.

use crate::{Engine, Options, desk::Before};
use kerf_agent::{Host as _, Scope};
use kerf_protocol::{
    ItemId, TurnId,
    checkpoint::{Restore, RestoreWhat},
    event::EventBody,
    request::{NewSession, Prompt, WhenRunning, method},
    review::Author,
};
use kerf_test_support::Fixture;
use std::fs;

#[tokio::test]
async fn a_restore_that_failed_says_what_is_missing_and_is_run_again() {
    let folder = Fixture::new("//- /a\none\n//- /d/b\ntwo\n");
    let home = tempfile::tempdir().unwrap();
    let options = Options::offline(home.path());
    let blobs = options.home.blobs();
    let engine = Engine::open(options).await.unwrap();
    let new = NewSession {
        folder: folder.path().display().to_string(),
        ..NewSession::default()
    };
    let session_id = engine.call::<method::SessionNew>(new).await.unwrap().id;
    let live = engine.live(session_id).await.unwrap();
    live.host.begin_turn(Before::default()).await;
    live.host.looked().await;
    let (turn_id, item_id) = (TurnId::new(), ItemId::new());
    live.host.emit(EventBody::TurnStarted {
        turn_id,
        instructions: Vec::new(),
    });
    let host = &live.host;
    host.before_change(item_id, Scope::Anything).await.unwrap();
    folder.write("a", "the command's\n");
    folder.write("d/b", "the command's\n");
    let author = Author::Command { turn_id, item_id };
    host.after_change(Scope::Anything, author).await.unwrap();
    host.end_turn().await;

    // What the review knew then cannot be read: that is found when the restore has begun.
    let first = engine
        .store()
        .checkpoints(session_id)
        .await
        .unwrap()
        .remove(0);
    let (shard, name) = first.is.review.split_at(2);
    let (blob, away) = (blobs.join(shard).join(name), home.path().join("away"));
    fs::rename(&blob, &away).unwrap();
    let restore = || {
        engine.call::<method::CheckpointRestore>(Restore {
            session_id,
            checkpoint_id: first.id,
            what: RestoreWhat::Both,
            paths: None,
        })
    };
    let prompt = || {
        engine.call::<method::SessionPrompt>(Prompt {
            session_id,
            text: "Go".to_owned(),
            images: Vec::new(),
            when_running: WhenRunning::Queue,
        })
    };
    for _ in 0..2 {
        let failed = restore().await.unwrap_err();
        assert!(
            failed.message.contains("not as they are to be yet: a, d/b"),
            "{failed}"
        );
        // A turn would be hidden when the restore goes on.
        let failed = prompt().await.unwrap_err();
        assert!(
            failed.message.contains("did not come to its end"),
            "{failed}"
        );
        assert_eq!(folder.read("a"), "the command's\n");
    }
    fs::rename(&away, &blob).unwrap();
    restore().await.unwrap();
    assert_eq!(folder.tree(), "//- /a\none\n//- /d/b\ntwo\n");
    let left = engine.store().restoring(session_id).await.unwrap();
    assert!(left.is_none(), "{left:?}");
    prompt().await.unwrap();
    engine.idle(session_id).await.unwrap();
}
