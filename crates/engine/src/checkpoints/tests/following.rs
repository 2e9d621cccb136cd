//! Tests of checkpoints where the system is asked what has changed, and not every file.

use super::histories::always_follow;
use crate::{Engine, Options, desk::Before, wake::Live};
use kerf_agent::{Host as _, Scope};
use kerf_protocol::{
    ItemId, SessionId, TurnId,
    event::EventBody,
    request::{Decide, NewSession, method},
    review::{Author, Decision, Target},
};
use kerf_test_support::{Fixture, Sleeper};
use rstest::rstest;
use std::{
    fs,
    sync::{Arc, atomic::AtomicBool},
};

struct Turn {
    engine: Engine,
    live: Arc<Live>,
    folder: Fixture,
    outside: tempfile::TempDir,
    session_id: SessionId,
    turn_id: TurnId,
    sleeper: Sleeper,
    _home: tempfile::TempDir,
}

impl Turn {
    /// A turn that has begun, in a folder that was looked at.
    async fn new() -> Self {
        let folder = Fixture::new("//- /a\none\n//- /d/b\ntwo\n");
        let home = tempfile::tempdir().unwrap();
        let sleeper = Sleeper::default();
        let options = Options {
            sleep_clock: sleeper.clock(),
            ..Options::offline(home.path())
        };
        let engine = Engine::open(options).await.unwrap();
        let new = NewSession {
            folder: folder.path().display().to_string(),
            ..NewSession::default()
        };
        let session_id = engine.call::<method::SessionNew>(new).await.unwrap().id;
        let live = engine.live(session_id).await.unwrap();
        always_follow(&engine, &live, folder.path()).await;
        live.host.begin_turn(Before::default()).await;
        live.host.looked().await;
        let turn_id = TurnId::new();
        live.host.emit(EventBody::TurnStarted {
            turn_id,
            instructions: Vec::new(),
        });
        Self {
            engine,
            live,
            folder,
            outside: tempfile::tempdir().unwrap(),
            session_id,
            turn_id,
            sleeper,
            _home: home,
        }
    }

    /// A command is about to run.
    async fn before(&self) -> ItemId {
        let item_id = ItemId::new();
        let host = &self.live.host;
        host.before_change(item_id, Scope::Anything).await.unwrap();
        item_id
    }

    /// It has ended. Returns the files that it changed.
    async fn after(&self, item_id: ItemId) -> Vec<String> {
        let author = Author::Command {
            turn_id: self.turn_id,
            item_id,
        };
        let host = &self.live.host;
        let found = host.after_change(Scope::Anything, author).await.unwrap();
        found.into_iter().map(|change| change.path).collect()
    }

    fn followed(&self) -> usize {
        self.live.host.desk.lock().unwrap().followed()
    }

    fn last_seen(&self, path: &str) -> Option<String> {
        let bytes = self.live.host.desk.lock().unwrap().last_seen(path)?;
        Some(String::from_utf8(bytes).unwrap())
    }

    /// The model is asked, and answers when Kerf has looked.
    async fn asked(&self) {
        self.live.host.asks();
        self.live.host.looked().await;
    }

    /// Changes a file so that the system does not tell.
    fn write_unseen(&self, path: &str, text: &str) {
        let other = self.outside.path().join("other");
        fs::hard_link(self.folder.join(path), &other).unwrap();
        fs::write(&other, text).unwrap();
        fs::remove_file(&other).unwrap();
    }
}

#[tokio::test]
async fn before_a_command_the_systems_word_is_enough() {
    let turn = Turn::new().await;
    turn.folder.write("a", "the user's\n");
    fs::rename(turn.folder.join("d/b"), turn.folder.join("d/moved")).unwrap();
    let command = turn.before().await;
    assert_eq!(turn.followed(), 1);
    assert_eq!(turn.last_seen("a").as_deref(), Some("the user's\n"));
    assert_eq!(turn.last_seen("d/b"), None);
    assert_eq!(turn.last_seen("d/moved").as_deref(), Some("two\n"));
    turn.folder.write("d/moved", "the command's\n");
    assert_eq!(turn.after(command).await, ["d/moved"]);
}

#[tokio::test]
async fn after_a_sleep_the_systems_word_is_not_enough_until_every_file_was_looked_at() {
    let turn = Turn::new().await;
    turn.write_unseen("a", "the user's\n");
    turn.sleeper.naps();
    let command = turn.before().await;
    assert_eq!(turn.followed(), 0);
    assert_eq!(turn.last_seen("a").as_deref(), Some("the user's\n"));
    assert_eq!(turn.after(command).await, [""; 0]);
    // As soon as the watcher has begun anew.
    while turn.followed() == 0 {
        let command = turn.before().await;
        assert_eq!(turn.after(command).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_command_cannot_change_a_file_unseen() {
    let turn = Turn::new().await;
    let command = turn.before().await;
    turn.write_unseen("a", "the command's\n");
    assert_eq!(turn.after(command).await, ["a"]);
}

#[tokio::test]
async fn what_the_system_does_not_tell_of_is_found_while_the_model_is_asked() {
    let turn = Turn::new().await;
    turn.write_unseen("a", "the user's\n");
    turn.asked().await;
    assert_eq!(turn.last_seen("a").as_deref(), Some("the user's\n"));
    let command = turn.before().await;
    assert_eq!(turn.followed(), 1);
    assert_eq!(turn.after(command).await, [""; 0]);
}

/// A decision does not wait for a look, and a look does not see it.
#[rstest]
#[case::meanwhile(false)]
#[case::with_a_checkpoint(true)]
#[tokio::test]
async fn what_is_rejected_during_a_look_is_not_in_the_checkpoint_after_it(#[case] is_kept: bool) {
    let turn = Turn::new().await;
    let command = turn.before().await;
    turn.folder.write("a", "the command's\n");
    assert_eq!(turn.after(command).await, ["a"]);
    let host = &turn.live.host;
    let look = host.desk.lock().unwrap().begin_look().unwrap();
    let looked = look.take(&AtomicBool::new(false)).unwrap();
    let decide = Decide {
        session_id: turn.session_id,
        decision: Decision::Reject,
        target: Target::All,
    };
    let done = turn.engine.call::<method::ReviewDecide>(decide).await;
    assert_eq!(done.unwrap().written, ["a"]);
    if is_kept {
        let go_on = AtomicBool::new(false);
        let mut desk = host.desk.lock().unwrap();
        desk.end_look(looked, &Before::default(), &go_on).unwrap();
    } else {
        let mut desk = host.desk.lock().unwrap();
        desk.end_look_meanwhile(looked).unwrap();
        let other = ["d/b".parse().unwrap()];
        let go_on = AtomicBool::new(false);
        desk.before_paths(&other, &Before::default(), &go_on)
            .unwrap();
    }
    assert_eq!(turn.last_seen("a").as_deref(), Some("one\n"));
}

#[tokio::test]
async fn what_was_written_is_looked_at_again_after_a_look_that_came_to_nothing() {
    let turn = Turn::new().await;
    let host = &turn.live.host;
    let (first, other) = (["a".parse().unwrap()], ["d/b".parse().unwrap()]);
    host.before_change(ItemId::new(), Scope::Paths(&first))
        .await
        .unwrap();
    turn.folder.write("a", "the tool's\n");
    {
        let mut desk = host.desk.lock().unwrap();
        // Nothing is made of this one.
        drop(desk.begin_look().unwrap());
        let stop = AtomicBool::new(true);
        let stopped = desk.before_paths(&other, &Before::default(), &stop);
        stopped.expect_err("it was stopped");
        let go_on = AtomicBool::new(false);
        desk.before_paths(&other, &Before::default(), &go_on)
            .unwrap();
    }
    assert_eq!(turn.last_seen("a").as_deref(), Some("the tool's\n"));
}

#[tokio::test]
async fn what_a_job_changes_while_the_model_is_asked_is_the_jobs() {
    let turn = Turn::new().await;
    // Its end is not waited for.
    let job = turn.before().await;
    turn.folder.write("made", "the job's\n");
    turn.asked().await;
    let host = &turn.live.host;
    let paths = ["a".parse().unwrap()];
    let edit = ItemId::new();
    host.before_change(edit, Scope::Paths(&paths))
        .await
        .unwrap();
    assert!(host.desk.lock().unwrap().reviews("made"));
    turn.folder.write("late", "the job's\n");
    turn.asked().await;
    assert_eq!(turn.after(job).await, ["late"]);
}
