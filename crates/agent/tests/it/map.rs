//! The map of the repository that a session begins with.

use crate::kit::{Rig, script};
use kerf_index::Index;
use kerf_protocol::rule::{RuleOrigin, RuleVerdict};
use kerf_rules::{Entry, Rule, Rules};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const TREE: &str = "\
//- /src/money.rs
pub fn div_half_even(n: i64, d: i64) -> i64 { n / d }
//- /src/refund.rs
use crate::money::div_half_even;
pub fn refund(n: i64) -> i64 { div_half_even(n, 2) }
pub const KEY: &str = \"ghp_Zq8xW2vT7rN4mK9pL3sJ6hG1fD5aB0cYeUiO\";
";

/// A session with a model of so many tokens, whose folder has an index that is ready.
fn rig(window: u64) -> (Rig, tempfile::TempDir) {
    let mut rig = Rig::new(TREE, script([])).window(window);
    let place = tempfile::tempdir().unwrap();
    let index = Index::open(rig.fixture.workspace(), place.path(), |_| {});
    let patience = Instant::now() + Duration::from_secs(60);
    let ready = index.wait(patience);
    assert!(ready, "the index takes all in");
    rig.agent.setup_mut().index = Some(index);
    (rig, place)
}

#[tokio::test]
async fn it_is_given_once_and_stays_as_it_was() {
    let (mut rig, _place) = rig(128_000);
    rig.turn("where are refunds rounded?").await;
    let system = rig.seen(0).system;
    assert!(system.contains("pub fn div_half_even"), "{system}");
    assert!(system.contains("src/refund.rs"), "{system}");
    std::fs::write(rig.fixture.join("src/more.rs"), "pub fn more() {}\n").unwrap();
    rig.turn("and taxes?").await;
    assert_eq!(rig.seen(1).system, system, "an endpoint caches what stays");
    // The same when the session goes on in another process, where no index is ready yet.
    let kept = rig.host.map();
    assert!(kept.is_some());
    let mut rig = rig.window(128_000).with_map(kept);
    rig.turn("and after a break?").await;
    assert_eq!(rig.seen(2).system, system);
}

#[tokio::test]
async fn the_ledger_has_its_lines_and_no_secret_goes_out() {
    let (mut rig, _place) = rig(128_000);
    rig.turn("where is the KEY of a refund?").await;
    let sent = rig.sent();
    let files: Vec<&str> = sent[0].files.iter().map(|range| &*range.path).collect();
    assert_eq!(files, ["src/money.rs", "src/refund.rs"]);
    let system = rig.seen(0).system;
    assert!(system.contains("pub const KEY"), "{system}");
    assert!(!system.contains("ghp_Zq8xW2vT7r"), "{system}");
}

#[tokio::test]
async fn no_line_of_a_withheld_file_is_in_it() {
    let (mut rig, _place) = rig(128_000);
    let deny = Entry {
        verdict: RuleVerdict::Deny,
        origin: RuleOrigin::Project {
            file: ".claude/settings.json".to_owned(),
        },
        rule: Rule::parse("Read(src/money.rs)").unwrap(),
    };
    let folder = rig.fixture.path().to_string_lossy().into_owned();
    rig.agent.setup_mut().rules = Arc::new(Rules::new(&folder, None, vec![deny]));
    rig.turn("where are refunds rounded?").await;
    let system = rig.seen(0).system;
    assert!(system.contains("pub fn refund"), "{system}");
    assert!(!system.contains("src/money.rs"), "nor is its name");
    assert!(!system.contains("pub fn div_half_even"), "{system}");
    let files = rig.sent()[0].files.clone();
    assert!(
        files.iter().all(|range| range.path != "src/money.rs"),
        "{files:?}"
    );
}

#[tokio::test]
async fn a_small_window_is_left_to_the_conversation() {
    let (mut rig, _place) = rig(4_000);
    rig.turn("hello").await;
    assert!(!rig.seen(0).system.contains("div_half_even"));
}
