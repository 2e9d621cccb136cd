//! Commands in large folders: what it costs to keep what they could destroy.

use crate::kit::{Bench, STUCK, prompt, until, until_end};
use kerf_protocol::{
    event::EventBody,
    item::{ItemBody, ItemStatus},
    policy::ApproveMode,
    request::{SessionRef, method},
};
use kerf_test_support::Turn;
use serde_json::json;
use std::{fs, path::Path};
use tokio::time::timeout;

fn many_files(folder: &Path, count: usize) {
    for n in 0..count {
        let at = folder.join(format!("d{}", n % 100));
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join(format!("{n}.txt")), format!("file {n}\n")).unwrap();
    }
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[tokio::test]
async fn a_stop_ends_the_look_before_a_command() {
    let call = Turn::call("run_command", json!({"command": "true"}));
    let bench = Bench::new("", [call]);
    many_files(bench.fixture.path(), 6_000);
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Never).await.id;
    let mut events = engine.subscribe(id).await.unwrap();
    prompt(&engine, id, "go").await.unwrap();
    until(&mut events, |body| {
        matches!(body, EventBody::ItemStarted { item } if matches!(item.body, ItemBody::ToolCall(_)))
    })
    .await;
    let blobs = bench.home.path().join("blobs");
    let begun = async {
        while entries(&blobs.join("new")) == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(STUCK, begun).await.unwrap();
    engine
        .call::<method::SessionCancel>(SessionRef { session_id: id })
        .await
        .unwrap();
    let all = until_end(&mut events).await;
    let mut ends = all.iter().filter_map(|event| match &event.body {
        EventBody::ItemCompleted { item } => Some(item.status),
        _ => None,
    });
    assert_eq!(ends.next_back(), Some(ItemStatus::Cancelled), "{all:#?}");
    assert!(
        matches!(
            all.last().unwrap().body,
            EventBody::TurnCompleted {
                cancelled: true,
                ..
            }
        ),
        "{all:#?}"
    );
    // The turn is over when the look is.
    engine.idle(id).await.unwrap();
    engine
        .call::<method::ReviewShow>(SessionRef { session_id: id })
        .await
        .unwrap();
    assert_eq!(entries(&blobs), 1, "nothing was kept but the folder `new`");
    assert_eq!(entries(&blobs.join("new")), 0);
}
