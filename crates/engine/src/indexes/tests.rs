//! Search in a folder in which something changed while the computer slept. Only on Linux it is known how to change a file
//! so that the system does not tell.

use crate::{Engine, EnvironmentEndpoint, Home, Options};
use kerf_protocol::{
    request::method,
    search::{Search, SearchMode},
};
use kerf_test_support::{Fixture, Sleeper};
use rstest::rstest;
use std::{
    fs,
    path::Path,
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

#[rstest]
#[tokio::test]
async fn what_changed_in_a_sleep_is_found_by_the_first_search_after_it(
    #[values(SearchMode::Exact, SearchMode::Words, SearchMode::Symbol)] mode: SearchMode,
) {
    let fixture = Fixture::new("//- /animal.rs\nfn zebra() {}\n");
    // It was written so long ago that it is not read twice.
    let file = fs::File::options()
        .write(true)
        .open(fixture.join("animal.rs"))
        .unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(100))
        .unwrap();
    let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sleeper = Sleeper::default();
    let options = Options {
        watch: true,
        home: Home::locate(Some(home.path().to_owned())).unwrap(),
        helper: "no-helper".into(),
        attended: true,
        sleep_clock: sleeper.clock(),
        environment: EnvironmentEndpoint::default(),
    };
    let engine = Engine::open(options).await.unwrap();
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
