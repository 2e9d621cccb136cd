//! The room for checkpoints: what is given up, what never is, and who waits.

use crate::kit::{Bench, opened, prompt, until_end};
use kerf_engine::Engine;
use kerf_protocol::{
    Code, SessionId,
    checkpoint::{Checkpoint, Restore, RestoreWhat},
    policy::ApproveMode,
    request::{Decide, Nothing, SessionRef, method},
    review::{Decision, Target},
    room::Collected,
};
use kerf_test_support::Turn;
use serde_json::json;
use std::fs;

/// So many turns write a file anew, each with half a megabyte that does not compress.
const TURNS: u64 = 6;

fn noise(seed: u64) -> String {
    let mut state = seed + 1;
    let mut text = String::new();
    while text.len() < 500_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        text += &format!("{:016x}", state ^ (state >> 29));
        if text.len().is_multiple_of(80) {
            text.push('\n');
        }
    }
    text
}

/// A session whose turns have each written a file anew.
async fn worked(bench: &Bench, engine: &Engine, file: &str) -> SessionId {
    let id = bench.session(engine, ApproveMode::Auto).await.id;
    let mut events = engine.subscribe(id).await.unwrap();
    for round in 0..TURNS {
        bench.server.push(Turn::call(
            "write_file",
            json!({"path": file, "content": noise(round)}),
        ));
        bench.server.push(Turn::text("Done."));
        prompt(engine, id, "again").await.unwrap();
        until_end(&mut events).await;
        engine.idle(id).await.unwrap();
        assert!(bench.fixture.read(file) == noise(round), "{round}");
    }
    id
}

fn room(bench: &Bench, megabytes: u32) {
    let config = bench.home.path().join("config.toml");
    fs::write(config, format!("[app]\ncheckpoint_room = {megabytes}\n")).unwrap();
}

async fn collect(engine: &Engine) -> Collected {
    engine
        .call::<method::DataCollect>(Nothing {})
        .await
        .unwrap()
}

async fn listed(engine: &Engine, session_id: SessionId) -> Vec<Checkpoint> {
    let session = SessionRef { session_id };
    let found = engine.call::<method::CheckpointList>(session).await;
    found.unwrap().checkpoints
}

async fn restore(engine: &Engine, session_id: SessionId, id: i64) -> Result<(), Code> {
    let restore = Restore {
        session_id,
        checkpoint_id: id,
        what: RestoreWhat::Files,
        paths: None,
    };
    let done = engine.call::<method::CheckpointRestore>(restore).await;
    done.map(drop).map_err(|failure| failure.code)
}

async fn accept_all(engine: &Engine, session_id: SessionId) {
    let decide = Decide {
        session_id,
        decision: Decision::Accept,
        target: Target::All,
    };
    engine.call::<method::ReviewDecide>(decide).await.unwrap();
}

#[tokio::test]
async fn the_oldest_checkpoints_go_first_and_are_told_of() {
    let bench = Bench::new("//- /a.txt\none\n", []);
    let engine = bench.engine().await;
    let id = worked(&bench, &engine, "big.txt").await;
    room(&bench, 1);

    let before = listed(&engine, id).await;
    let kept = collect(&engine).await;
    assert_eq!(
        (kept.checkpoints, kept.postponed),
        (0, None),
        "the review is open"
    );

    accept_all(&engine, id).await;
    let collected = collect(&engine).await;
    assert_eq!(collected.postponed, None);
    assert!(collected.bytes > 500_000, "{collected:?}");
    let after = listed(&engine, id).await;
    let gone = after.iter().filter(|one| one.gone_at.is_some()).count();
    assert_eq!(gone as u64, collected.checkpoints);
    assert!(gone > 0 && gone < after.len(), "{gone} of {}", after.len());
    assert!(
        after[..gone].iter().all(|one| one.gone_at.is_some()),
        "the oldest"
    );
    let labels = |all: &[Checkpoint]| all.iter().map(|one| one.label.clone()).collect::<Vec<_>>();
    assert_eq!(labels(&after), labels(&before), "none is missing");
    let data = engine.call::<method::DataShow>(Nothing {}).await.unwrap();
    assert_eq!(data.blob_room, 1_000_000);
    // What the review needs counts too, but is within it here.
    assert!(data.blob_bytes <= 1_010_000, "{data:?}");
    // Nothing more is to be done.
    assert_eq!(collect(&engine).await, Collected::default());

    let now = bench.fixture.tree();
    assert_eq!(restore(&engine, id, after[0].id).await, Err(Code::NotFound));
    assert!(bench.fixture.tree() == now);
    let last = after.last().unwrap().id;
    assert_eq!(restore(&engine, id, last).await, Ok(()));
    assert!(bench.fixture.read("big.txt") == noise(TURNS - 2));
    // Another process goes on with what is left.
    let engine = bench.engine_after(engine, id).await;
    let undo = listed(&engine, id).await.last().unwrap().id;
    assert_eq!(restore(&engine, id, undo).await, Ok(()));
    assert!(bench.fixture.tree() == now);
}

#[tokio::test]
async fn contents_of_deleted_sessions_go_and_others_stay() {
    let bench = Bench::new("//- /a.txt\none\n", []);
    let engine = bench.engine().await;
    let stays = worked(&bench, &engine, "big.txt").await;
    let tree = bench.fixture.tree();
    let goes = worked(&bench, &engine, "other.txt").await;
    assert!(bench.fixture.tree() != tree);
    let session = SessionRef { session_id: goes };
    engine.call::<method::SessionDelete>(session).await.unwrap();
    let collected = collect(&engine).await;
    assert_eq!((collected.checkpoints, collected.postponed), (0, None));
    for one in listed(&engine, stays).await {
        assert_eq!(one.gone_at, None);
        assert_eq!(restore(&engine, stays, one.id).await, Ok(()));
    }
}

/// Another engine over the same home is another owner, as another process is.
#[tokio::test]
async fn who_has_a_conversation_open_elsewhere_is_waited_for() {
    let bench = Bench::new("//- /a.txt\none\n", []);
    let engine = bench.engine().await;
    let id = worked(&bench, &engine, "big.txt").await;
    accept_all(&engine, id).await;
    room(&bench, 1);
    let other = bench.engine().await;
    let why = collect(&other).await.postponed.unwrap();
    assert!(why.contains("open"), "{why}");
    assert!(
        listed(&engine, id)
            .await
            .iter()
            .all(|one| one.gone_at.is_none())
    );
    drop(engine);
    opened(&other, id).await;
    assert!(collect(&other).await.checkpoints > 0);
}

/// A database that was damaged is replaced by a copy of yesterday: the review in there must open.
#[tokio::test]
async fn what_a_review_in_a_backup_needs_stays() {
    let bench = Bench::new("//- /a.txt\none\n", []);
    let engine = bench.engine().await;
    let id = worked(&bench, &engine, "big.txt").await;
    let later = Bench::new("", []);
    let database = later.home.path().join("kerf.db");
    crate::kit::copy_database(bench.home.path(), later.home.path());
    // Opening and closing it writes its log into the file.
    let store = kerf_store::Store::open(&database).await.unwrap();
    store.close().await.unwrap();
    let backups = bench.home.path().join("backups");
    fs::create_dir_all(&backups).unwrap();
    let backup = backups.join("kerf-1790000000000-v9.db");
    fs::copy(&database, &backup).unwrap();
    let session = SessionRef { session_id: id };
    engine.call::<method::SessionDelete>(session).await.unwrap();
    let collected = collect(&engine).await;
    assert!(collected.bytes > 0, "{collected:?}");

    // As the start after the damage leaves it.
    fs::rename(
        bench.home.path().join("blobs"),
        later.home.path().join("blobs"),
    )
    .unwrap();
    let engine = later.engine().await;
    opened(&engine, id).await;
    let session = SessionRef { session_id: id };
    let review = engine.call::<method::ReviewShow>(session).await.unwrap();
    assert_eq!(review.files.len(), 1);
}
