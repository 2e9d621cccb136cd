//! The review desk through the engine: the user's own versions, lines around, pictures, and notebooks as cells.

use crate::kit::{Bench, copy_database, prompt};
use kerf_engine::Engine;
use kerf_protocol::{
    Code, Failure, SessionId,
    desk::{CellChange, Drawn, EditHunk, FileRef, ReadAround},
    policy::{ApproveMode, Policy},
    request::{Decide, NewSession, SessionRef, method},
    review::{Decided, Decision, FileOutline, HunkState, Target},
    scope::{OutlineReview, Scope},
    session::Session,
    worktree::WorkspaceKind,
};
use kerf_test_support::Turn;
use serde_json::json;
use std::{collections::BTreeMap, fs};

/// Ten lines, with the third and the ninth changed; CRLF.
const TREE: &str = "//- /a.txt\n";

fn lines(third: &str, ninth: &str) -> String {
    let line = |at: usize| match at {
        3 => third.to_owned(),
        9 => ninth.to_owned(),
        at => format!("line {at}"),
    };
    (1..=10).map(|at| line(at) + "\r\n").collect()
}

fn change() -> Turn {
    let edits =
        json!([{"old": "line 3", "new": "three\nand more"}, {"old": "line 9", "new": "nine"}]);
    Turn::call("edit_file", json!({"path": "a.txt", "edits": edits}))
}

async fn outline(engine: &Engine, session_id: SessionId) -> FileOutline {
    let known = BTreeMap::new();
    let outline = engine
        .call::<method::ReviewOutline>(OutlineReview {
            session_id,
            known,
            scope: Scope::default(),
        })
        .await
        .unwrap();
    outline.files.into_iter().next().unwrap()
}

async fn edit(
    engine: &Engine,
    session_id: SessionId,
    id: u64,
    text: &str,
) -> Result<Decided, Failure> {
    let edit = EditHunk {
        session_id,
        path: "a.txt".to_owned(),
        hunk: 1,
        id,
        text: text.to_owned(),
    };
    engine.call::<method::ReviewEdit>(edit).await
}

async fn undo(engine: &Engine, session_id: SessionId) -> Result<Decided, Failure> {
    engine
        .call::<method::ReviewUndo>(SessionRef { session_id })
        .await
}

/// A session whose agent has changed two places of a file.
async fn changed(turns: impl IntoIterator<Item = Turn>) -> (Bench, Engine, SessionId) {
    let bench = Bench::new(TREE, turns);
    bench.fixture.write("a.txt", lines("line 3", "line 9"));
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    (bench, engine, id)
}

#[tokio::test]
async fn a_version_of_the_user_s_is_on_disk_accepted_and_taken_back() {
    let (bench, engine, id) = changed([change()]).await;
    let proposed = lines("three\r\nand more", "nine");
    assert_eq!(bench.fixture.read("a.txt"), proposed);
    let before = outline(&engine, id).await;
    let done = edit(&engine, id, before.hunks[0].id, "three\nand mine\n")
        .await
        .unwrap();
    assert_eq!((done.hunks, done.written), (1, vec!["a.txt".to_owned()]));
    // The line ends are the file's, though the text came without them.
    assert_eq!(
        bench.fixture.read("a.txt"),
        lines("three\r\nand mine", "nine")
    );
    let states = |file: &FileOutline| file.hunks.iter().map(|hunk| hunk.state).collect::<Vec<_>>();
    assert_eq!(
        states(&outline(&engine, id).await),
        [HunkState::Accepted, HunkState::Pending]
    );

    // It lasts, and so does the way back.
    let engine = bench.engine_after(engine, id).await;
    assert_eq!(
        states(&outline(&engine, id).await),
        [HunkState::Accepted, HunkState::Pending]
    );
    let undone = undo(&engine, id).await.unwrap();
    assert_eq!(undone.decision_id, done.decision_id);
    assert_eq!(bench.fixture.read("a.txt"), proposed);
    let after = outline(&engine, id).await;
    assert_eq!(after.hunks, before.hunks);
}

#[tokio::test]
async fn a_version_of_what_has_changed_since_is_refused_and_nothing_is_lost() {
    let (bench, engine, id) = changed([change()]).await;
    let shown = outline(&engine, id).await.hunks[0].id;
    let theirs = lines("three, by hand\r\nand more", "nine");
    bench.fixture.write("a.txt", &theirs);
    let refused = edit(&engine, id, shown, "mine\n").await.unwrap_err();
    assert_eq!(refused.code, Code::Conflict, "{refused}");
    assert_eq!(bench.fixture.read("a.txt"), theirs);
    assert_eq!(undo(&engine, id).await.unwrap_err().code, Code::NotFound);
    // An edit elsewhere in the file is no hindrance.
    let shown = outline(&engine, id).await.hunks[0].id;
    bench
        .fixture
        .write("a.txt", theirs.replace("line 6", "six"));
    edit(&engine, id, shown, "mine\n").await.unwrap();
    assert_eq!(
        bench.fixture.read("a.txt"),
        lines("mine", "nine").replace("line 6", "six")
    );
}

#[tokio::test]
async fn the_agent_s_next_edit_is_proposed_against_the_user_s_version() {
    let again = Turn::call(
        "edit_file",
        json!({"path": "a.txt", "edits": [{"old": "mine", "new": "ours"}]}),
    );
    let (bench, engine, id) = changed([change()]).await;
    let shown = outline(&engine, id).await.hunks[0].id;
    edit(&engine, id, shown, "mine\n").await.unwrap();
    bench.server.push(again);
    prompt(&engine, id, "again").await.unwrap();
    engine.idle(id).await.unwrap();
    assert_eq!(bench.fixture.read("a.txt"), lines("ours", "nine"));
    assert_eq!(undo(&engine, id).await.unwrap_err().code, Code::Conflict);
    let decide = Decide {
        session_id: id,
        decision: Decision::Reject,
        target: Target::All,
    };
    engine.call::<method::ReviewDecide>(decide).await.unwrap();
    assert_eq!(bench.fixture.read("a.txt"), lines("mine", "line 9"));
}

#[tokio::test]
async fn a_version_whose_rows_were_lost_is_still_the_file_s() {
    let (bench, engine, id) = changed([change()]).await;
    let shown = outline(&engine, id).await.hunks[0].id;
    // Kerf stops between the file and the database.
    let kept = tempfile::TempDir::new().unwrap();
    copy_database(bench.home.path(), kept.path());
    edit(&engine, id, shown, "mine\n").await.unwrap();
    drop(engine);
    let home = tempfile::TempDir::new().unwrap();
    copy_database(kept.path(), home.path());
    fs::rename(bench.home.path().join("blobs"), home.path().join("blobs")).unwrap();
    let bench = Bench { home, ..bench };
    let engine = bench.engine().await;
    // It is asked for again, with the user's line in it.
    assert_eq!(
        outline(&engine, id).await.hunks[0].state,
        HunkState::Pending
    );
    assert_eq!(bench.fixture.read("a.txt"), lines("mine", "nine"));
}

#[tokio::test]
async fn a_version_in_a_worktree_is_merged_into_the_user_s_folder() {
    let mut bench = Bench::new(
        "//- /a.txt\none\ntwo\nthree\nfour\n",
        [Turn::call(
            "edit_file",
            json!({"path": "a.txt", "edits": [{"old": "one", "new": "1"}]}),
        )],
    );
    bench.fixture = bench.fixture.git();
    let engine = bench.engine().await;
    let new = NewSession {
        folder: bench.fixture.path().display().to_string(),
        policy: Policy {
            sandbox: kerf_protocol::policy::SandboxMode::Off,
            approve: ApproveMode::Auto,
        },
        workspace: WorkspaceKind::Worktree { branch: None },
        ..NewSession::default()
    };
    let session: Session = engine.call::<method::SessionNew>(new).await.unwrap();
    prompt(&engine, session.id, "go").await.unwrap();
    engine.idle(session.id).await.unwrap();
    bench
        .fixture
        .write("a.txt", "one\ntwo\nthree\nfour, and the user's\n");
    let shown = outline(&engine, session.id).await.hunks[0].id;
    edit(&engine, session.id, shown, "mine\n").await.unwrap();
    assert_eq!(
        bench.fixture.read("a.txt"),
        "mine\ntwo\nthree\nfour, and the user's\n"
    );
    undo(&engine, session.id).await.unwrap();
    assert_eq!(
        bench.fixture.read("a.txt"),
        "one\ntwo\nthree\nfour, and the user's\n"
    );
}

#[tokio::test]
async fn lines_around_are_read_by_what_was_shown() {
    let (bench, engine, session_id) = changed([change()]).await;
    let file = outline(&engine, session_id).await;
    assert_eq!(file.lines, 11);
    let read = |content| ReadAround {
        session_id,
        path: "a.txt".to_owned(),
        content,
        first: 5,
        count: 100,
        scope: Scope::Task,
    };
    let around = engine
        .call::<method::ReviewAround>(read(file.content))
        .await
        .unwrap();
    let seen: Vec<_> = around
        .lines
        .iter()
        .map(|line| (line.old, line.new, line.text.as_str()))
        .collect();
    assert_eq!(
        seen[..2],
        [(Some(4), Some(5), "line 4"), (Some(5), Some(6), "line 5")]
    );
    assert_eq!((seen.len(), seen[5]), (7, (None, Some(10), "nine")));
    bench.fixture.write("a.txt", "other\n");
    outline(&engine, session_id).await;
    let stale = engine
        .call::<method::ReviewAround>(read(file.content))
        .await
        .unwrap();
    assert!(stale.stale && stale.lines.is_empty());
}

#[tokio::test]
async fn pictures_come_from_before_and_from_the_proposal() {
    let svg = "<svg xmlns='http://www.w3.org/2000/svg'/>";
    let edits = json!([{"old": "one", "new": "a longer one"}]);
    let bench = Bench::new(
        "//- /b.txt\nb\n",
        [
            Turn::call("write_file", json!({"path": "new.svg", "content": svg})),
            Turn::call("edit_file", json!({"path": "a.gif", "edits": edits})),
        ],
    );
    // By its head a picture of 2314 by 2314 pixels, and a text that can be edited.
    bench.fixture.write("a.gif", "GIF89a\n\t\n\tone\n");
    let engine = bench.engine().await;
    let session_id = bench.talked(&engine).await;
    let of = |path: &str| FileRef {
        session_id,
        path: path.to_owned(),
        scope: Scope::Task,
    };
    let new = engine
        .call::<method::ReviewPictures>(of("new.svg"))
        .await
        .unwrap();
    assert!(new.before.is_none());
    let is = |drawn: &Drawn, kind: &str| matches!(drawn, Drawn::Yes { media_type, .. } if media_type == kind);
    assert!(is(&new.after.unwrap().drawn, "image/svg+xml"));
    let changed = engine
        .call::<method::ReviewPictures>(of("a.gif"))
        .await
        .unwrap();
    let (before, after) = (changed.before.unwrap(), changed.after.unwrap());
    assert_eq!(
        (before.width, before.height, before.bytes),
        (Some(2314), Some(2314), 14)
    );
    assert!(is(&before.drawn, "image/gif") && is(&after.drawn, "image/gif"));
    assert_eq!(after.bytes, 23);
    let missing = engine
        .call::<method::ReviewPictures>(of("b.txt"))
        .await
        .unwrap_err();
    assert_eq!(missing.code, Code::NotFound);
}

#[tokio::test]
async fn a_notebook_is_shown_as_cells() {
    let notebook = |source: &str| {
        let cells =
            json!([{"cell_type": "code", "source": [source], "outputs": [], "metadata": {}}]);
        format!(
            "{:#}\n",
            json!({"nbformat": 4, "metadata": {}, "cells": cells})
        )
    };
    let edits = json!([{"old": "x = 1", "new": "x = 2"}]);
    let bench = Bench::new(
        "",
        [Turn::call(
            "edit_file",
            json!({"path": "a.ipynb", "edits": edits}),
        )],
    );
    bench.fixture.write("a.ipynb", notebook("x = 1"));
    let engine = bench.engine().await;
    let session_id = bench.talked(&engine).await;
    let of = FileRef {
        session_id,
        path: "a.ipynb".to_owned(),
        scope: Scope::Task,
    };
    let seen = engine.call::<method::ReviewNotebook>(of).await.unwrap();
    assert_eq!(seen.unreadable, "");
    assert_eq!(seen.cells[0].change, CellChange::Source);
    let lines: Vec<_> = seen.cells[0]
        .lines
        .iter()
        .map(|line| line.text.as_str())
        .collect();
    assert_eq!(lines, ["x = 1", "x = 2"]);
}
