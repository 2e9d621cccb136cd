//! Search in a folder of which the system does not tell everything: something changed while the computer slept, or nothing
//! can be watched. Only on Linux it is known how to bring that about.

use crate::{Engine, Options};
use kerf_index::GrepQuery;
use kerf_protocol::{
    request::method,
    search::{Search, SearchMode},
};
use kerf_test_support::{Fixture, Sleeper, inotify::limited};
use kerf_workspace::RelPath;
use rstest::rstest;
use std::{
    fs,
    path::Path,
    sync::atomic::AtomicBool,
    time::{Duration, Instant, SystemTime},
};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);

async fn found(engine: &Engine, folder: &Path, mode: SearchMode) -> Vec<String> {
    let search = Search {
        folder: folder.display().to_string(),
        query: "giraffe".to_owned(),
        mode,
        limit: 10,
        ..Search::default()
    };
    let answer = engine.call::<method::SearchRun>(search).await.unwrap();
    answer.hits.into_iter().map(|hit| hit.path).collect()
}

/// An engine as a window has it, and the folder that is open in it. The file in it was written so long ago that it is
/// not read twice.
async fn open(home: &Path, sleeper: &Sleeper) -> (Engine, Fixture) {
    let fixture = Fixture::new("//- /animal.rs\nfn zebra() {}\n");
    let file = fs::File::options()
        .write(true)
        .open(fixture.join("animal.rs"))
        .unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(100))
        .unwrap();
    let options = Options {
        watch: true,
        sleep_clock: sleeper.clock(),
        ..Options::offline(home)
    };
    (Engine::open(options).await.unwrap(), fixture)
}

#[rstest]
#[tokio::test]
async fn what_changed_in_a_sleep_is_found_by_the_first_search_after_it(
    #[values(SearchMode::Exact, SearchMode::Words, SearchMode::Symbol)] mode: SearchMode,
) {
    let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sleeper = Sleeper::default();
    let (engine, fixture) = open(home.path(), &sleeper).await;
    let folder = fixture.path().canonicalize().unwrap();
    let indexed = engine.indexed(&folder).unwrap();
    while indexed.watcher.get().is_none() {
        tokio::task::yield_now().await;
    }
    let is_built = indexed.index.wait(Instant::now() + LONG);
    assert!(is_built, "the index takes too long");

    // By a second name, which lies where nobody watches.
    let second = elsewhere.path().join("second");
    fs::hard_link(fixture.join("animal.rs"), &second).unwrap();
    fs::write(&second, "fn giraffe() {}\n").unwrap();
    assert_eq!(found(&engine, &folder, mode).await, [""; 0], "nobody told");
    sleeper.naps();
    assert_eq!(found(&engine, &folder, mode).await, ["animal.rs"]);
}

#[tokio::test]
async fn in_a_folder_that_cannot_be_watched_every_search_finds_what_is_there() {
    const NAME: &str =
        "indexes::tests::in_a_folder_that_cannot_be_watched_every_search_finds_what_is_there";
    if !limited("max_inotify_instances", 0, NAME) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (engine, fixture) = open(home.path(), &Sleeper::default()).await;
    let folder = fixture.path().canonicalize().unwrap();
    let indexed = engine.indexed(&folder).unwrap();
    while indexed.note.get().is_none() {
        tokio::task::yield_now().await;
    }
    let is_built = indexed.index.wait(Instant::now() + LONG);
    assert!(is_built, "the index takes too long");

    // As the agent asks, which has the index alone.
    let is_there = |text: &str| {
        let query = GrepQuery {
            pattern: text.to_owned(),
            literal: true,
            ignore_case: false,
            multi_line: false,
            under: RelPath::root(),
            glob: None,
            hidden: true,
            limit: 1,
            context: 0,
        };
        let found = indexed.handle().grep(&query, &AtomicBool::new(false));
        found.unwrap().total > 0
    };
    assert!(!is_there("giraffe"));
    for animal in ["giraffe", "okapi"] {
        fs::write(fixture.join("animal.rs"), format!("fn {animal}() {{}}\n")).unwrap();
        assert!(is_there(animal), "{animal}");
    }
}
