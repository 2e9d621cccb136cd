//! The review in parts: its outline, what of it is sent again, and the lines that are asked for by it.

use crate::kit::{Bench, edit};
use kerf_engine::Engine;
use kerf_protocol::{
    SessionId,
    request::{Decide, SessionRef, method},
    review::{Decision, FileOutline, HunkParts, MAX_LINES_BYTES, Outline, Target, WantedLines},
    scope::{OutlineReview, ReadHunks, Scope},
};
use kerf_test_support::Turn;
use serde_json::json;
use std::collections::BTreeMap;

const TREE: &str = "//- /a.txt\none\n//- /b.txt\nb\n";

fn turns(content: &str) -> [Turn; 2] {
    let write = Turn::call("write_file", json!({"path": "new.txt", "content": content}));
    [edit(), write]
}

async fn outline(
    engine: &Engine,
    session_id: SessionId,
    known: impl IntoIterator<Item = &FileOutline>,
) -> Outline {
    let known: BTreeMap<String, u64> = known
        .into_iter()
        .map(|file| (file.path.clone(), file.revision))
        .collect();
    engine
        .call::<method::ReviewOutline>(OutlineReview {
            session_id,
            known,
            scope: Scope::Task,
        })
        .await
        .unwrap()
}

async fn lines(engine: &Engine, session_id: SessionId, wanted: Vec<WantedLines>) -> HunkParts {
    engine
        .call::<method::ReviewLines>(ReadHunks {
            session_id,
            wanted,
            scope: Scope::Task,
        })
        .await
        .unwrap()
}

fn wanted(file: &FileOutline, first: u32) -> WantedLines {
    WantedLines {
        path: file.path.clone(),
        content: file.content,
        hunk: 1,
        first,
        count: 1_000_000,
    }
}

fn paths(files: &[FileOutline]) -> Vec<&str> {
    files.iter().map(|file| file.path.as_str()).collect()
}

#[tokio::test]
async fn only_what_is_not_known_is_sent() {
    let bench = Bench::new(TREE, turns("new\n"));
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    let all = outline(&engine, id, []).await;
    assert_eq!(all.paths, ["a.txt", "new.txt"]);
    assert_eq!(paths(&all.files), ["a.txt", "new.txt"]);

    let same = outline(&engine, id, &all.files).await;
    assert_eq!((same.paths, same.files), (all.paths.clone(), Vec::new()));

    let target = Target::File {
        path: "new.txt".to_owned(),
    };
    let decide = Decide {
        session_id: id,
        decision: Decision::Accept,
        target,
    };
    engine.call::<method::ReviewDecide>(decide).await.unwrap();
    let decided = outline(&engine, id, &all.files).await;
    assert_eq!(paths(&decided.files), ["new.txt"]);
    assert_eq!(decided.files[0].content, all.files[1].content);

    // What the user takes back by hand is gone, and what is left is as it was.
    bench.fixture.write("a.txt", "one\n");
    let gone = outline(&engine, id, [&all.files[0], &decided.files[0]]).await;
    assert_eq!(
        (gone.paths, gone.files),
        (vec!["new.txt".to_owned()], Vec::new())
    );
}

#[tokio::test]
async fn lines_of_what_is_no_longer_there_are_not_sent() {
    let bench = Bench::new(TREE, turns("new\n"));
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    let all = outline(&engine, id, []).await;
    let both: Vec<_> = all.files.iter().map(|file| wanted(file, 0)).collect();
    let sent = lines(&engine, id, both.clone()).await;
    assert_eq!((sent.parts.len(), sent.stale), (2, false));
    assert_eq!(sent.parts[0].lines[1].text, "two");

    bench.fixture.write("a.txt", "two and more\n");
    // The files are looked at for an outline only, so that lines and outline are of one moment.
    assert_eq!(lines(&engine, id, both.clone()).await, sent);
    let now = outline(&engine, id, &all.files).await;
    assert_eq!(paths(&now.files), ["a.txt"]);
    let after = lines(&engine, id, both).await;
    assert!(after.stale);
    assert_eq!(after.parts, sent.parts[1..]);
    let afresh = lines(&engine, id, vec![wanted(&now.files[0], 0)]).await;
    assert_eq!(afresh.parts[0].lines[1].text, "two and more");

    let nowhere = WantedLines {
        path: "../a.txt".to_owned(),
        ..wanted(&now.files[0], 0)
    };
    assert!(lines(&engine, id, vec![nowhere]).await.stale);
}

#[tokio::test]
async fn many_lines_come_in_several_answers() {
    let content: String = (0..9_000)
        .map(|line| format!("{line} is a line of some length, so that many of them are more than is sent at once\n"))
        .collect();
    let bench = Bench::new(TREE, turns(&content));
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    let all = outline(&engine, id, []).await;
    let file = &all.files[1];
    let mut read = Vec::new();
    let mut answers = 0;
    while read.len() < file.hunks[0].added as usize {
        let first = u32::try_from(read.len()).unwrap();
        let sent = lines(&engine, id, vec![wanted(file, first), wanted(file, 0)]).await;
        let bytes: usize = sent
            .parts
            .iter()
            .flat_map(|part| &part.lines)
            .map(|line| line.text.len())
            .sum();
        assert!(bytes <= MAX_LINES_BYTES);
        assert_eq!(sent.parts[0].first, first);
        read.extend(sent.parts.into_iter().next().unwrap().lines);
        answers += 1;
    }
    assert!(answers > 2);
    let text: String = read.iter().map(|line| format!("{}\n", line.text)).collect();
    assert_eq!(text, content);
}

#[tokio::test]
async fn a_review_that_another_kerf_drives_is_read_the_same() {
    let bench = Bench::new(TREE, turns("new\n"));
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    let all = outline(&engine, id, []).await;
    let session = SessionRef { session_id: id };
    engine.call::<method::ReviewShow>(session).await.unwrap();
    let beside = bench.engine().await;
    assert_eq!(outline(&beside, id, []).await, all);
    assert!(outline(&beside, id, &all.files).await.files.is_empty());
    let both: Vec<_> = all.files.iter().map(|file| wanted(file, 0)).collect();
    let sent = lines(&beside, id, both.clone()).await;
    assert_eq!(sent, lines(&engine, id, both).await);
    assert_eq!(sent.parts.len(), 2);
}
