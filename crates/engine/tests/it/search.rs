//! Search in a folder that is open: what it says after the folder, or the rules of git, have changed around it.

use crate::kit::{Bench, STUCK};
use kerf_engine::Engine;
use kerf_protocol::{
    request::method,
    search::{Search, SearchMode},
};
use kerf_test_support::Fixture;
use rstest::rstest;
use std::{collections::BTreeSet, fs, path::Path, process::Command};
use tokio::time::timeout;

async fn found(engine: &Engine, folder: &Path, mode: SearchMode, query: &str) -> BTreeSet<String> {
    let search = Search {
        folder: folder.display().to_string(),
        query: query.to_owned(),
        mode,
        limit: 100,
        ..Search::default()
    };
    let answer = engine.call::<method::SearchRun>(search).await.unwrap();
    answer.hits.into_iter().map(|hit| hit.path).collect()
}

/// Asks again until this is found: the system tells of changes when it likes to.
async fn until(engine: &Engine, folder: &Path, mode: SearchMode, query: &str, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|path| (*path).to_owned()).collect();
    let asked = async {
        while found(engine, folder, mode, query).await != expected {
            tokio::task::yield_now().await;
        }
    };
    let in_time = timeout(STUCK, asked).await;
    assert!(
        in_time.is_ok(),
        "{query}: {:?}",
        found(engine, folder, mode, query).await
    );
}

#[rstest]
#[tokio::test]
async fn another_folder_in_the_place_of_one_that_was_open_is_searched(
    #[values(
        SearchMode::Path,
        SearchMode::Exact,
        SearchMode::Words,
        SearchMode::Symbol
    )]
    mode: SearchMode,
) {
    let bench = Bench::new("", []);
    let engine = bench.engine().await;
    let folder = bench.fixture.join("project");
    let make = |name: &str| {
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(name), "pub fn zebra() {}\n").unwrap();
    };
    let query = if mode == SearchMode::Path {
        "zebra"
    } else {
        "zebra()"
    };
    let query = if mode == SearchMode::Exact {
        query
    } else {
        "zebra"
    };
    make("zebra_one.rs");
    until(&engine, &folder, mode, query, &["zebra_one.rs"]).await;
    fs::rename(&folder, bench.fixture.join("moved")).unwrap();
    make("zebra_two.rs");
    let now = found(&engine, &folder, mode, query).await;
    assert!(!now.contains("zebra_one.rs"), "{now:?}");
    until(&engine, &folder, mode, query, &["zebra_two.rs"]).await;
    fs::remove_dir_all(&folder).unwrap();
    make("zebra_three.rs");
    until(&engine, &folder, mode, query, &["zebra_three.rs"]).await;
}

/// The excludes lie in the repository, and the folder is a worktree of it somewhere else.
#[tokio::test]
async fn excludes_count_as_soon_as_they_are_written_in_a_worktree_too() {
    let bench = Bench::new("", []);
    let repository = Fixture::new("//- /a.rs\nfn zebra() {}\n").git();
    let tree = bench.fixture.join("tree");
    git(
        repository.path(),
        &["worktree", "add", "-q", &tree.display().to_string()],
    );
    fs::write(tree.join("b.rs"), "fn zebra() {}\n").unwrap();
    let engine = bench.engine().await;
    for mode in [SearchMode::Exact, SearchMode::Words] {
        until(&engine, &tree, mode, "zebra", &["a.rs", "b.rs"]).await;
    }
    repository.write(".git/info/exclude", "b.rs\n");
    for mode in [SearchMode::Exact, SearchMode::Words] {
        until(&engine, &tree, mode, "zebra", &["a.rs"]).await;
    }
    repository.write(".git/info/exclude", "");
    until(
        &engine,
        &tree,
        SearchMode::Exact,
        "zebra",
        &["a.rs", "b.rs"],
    )
    .await;
}

/// What is no repository when it is opened may become one.
#[tokio::test]
async fn a_repository_that_is_made_later_has_excludes() {
    let bench = Bench::new("//- /a.rs\nfn zebra() {}\n//- /b.rs\nfn zebra() {}\n", []);
    let folder = bench.fixture.path();
    let engine = bench.engine().await;
    until(
        &engine,
        folder,
        SearchMode::Exact,
        "zebra",
        &["a.rs", "b.rs"],
    )
    .await;
    git(folder, &["init", "-q"]);
    bench.fixture.write(".git/info/exclude", "b.rs\n");
    until(&engine, folder, SearchMode::Exact, "zebra", &["a.rs"]).await;
}

#[expect(clippy::disallowed_methods, reason = "the user's own git")]
fn git(folder: &Path, args: &[&str]) {
    let ran = Command::new("git").current_dir(folder).args(args).output();
    let ran = ran.unwrap();
    assert!(ran.status.success(), "{ran:?}");
}
