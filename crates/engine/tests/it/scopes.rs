//! What is looked at: the last turn, the task, what is not committed, the branch; and the checks beside it.

use crate::kit::{Bench, edit, prompt, show};
use kerf_engine::Engine;
use kerf_protocol::{
    Code, SessionId,
    desk::{CellChange, Drawn, FileRef, Picture, ReadAround},
    policy::ApproveMode,
    request::{Decide, SessionRef, method},
    review::{Author, Decision, HunkLine, HunkState, LineKind, Review, Target},
    scope::{CheckKind, CheckOutcome, OutlineReview, ReadHunks, Scope, ScopedReview, ShowScope},
    session::Transcript,
};
use kerf_test_support::Turn;
use serde_json::{Value, json};
use std::{collections::BTreeMap, process::Command};

const TREE: &str = "//- /a.txt\none\nb\nc\nd\ne\nf\ng\nlast\n//- /b.txt\nb\n";

struct Place {
    bench: Bench,
    engine: Engine,
    id: SessionId,
}

impl Place {
    /// A branch with a commit of its own and two turns.
    async fn new() -> Self {
        let bench = Bench::new(TREE, [edit()]);
        let bench = Bench {
            fixture: bench.fixture.git(),
            ..bench
        };
        let engine = bench.engine().await;
        let place = Self {
            id: bench.session(&engine, ApproveMode::Auto).await.id,
            bench,
            engine,
        };
        place.git("checkout -q -b topic");
        place.bench.fixture.write("b.txt", "of the branch\n");
        place.git("commit -qam topic");
        place.say("go").await;
        place.bench.server.push(Turn::call(
            "edit_file",
            json!({"path": "a.txt", "edits": [{"old": "last", "new": "end"}]}),
        ));
        place.say("and the end").await;
        place
    }

    async fn say(&self, text: &str) {
        prompt(&self.engine, self.id, text).await.unwrap();
        self.engine.idle(self.id).await.unwrap();
    }

    #[expect(clippy::disallowed_methods, reason = "git itself is what a user has")]
    fn git(&self, words: &str) {
        let done = Command::new("git")
            .args(words.split(' '))
            .current_dir(self.bench.fixture.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "git {words}: {said}");
    }

    async fn scope(&self, scope: Scope) -> ScopedReview {
        let session_id = self.id;
        let show = ShowScope { session_id, scope };
        self.engine.call::<method::ReviewScope>(show).await.unwrap()
    }

    /// The same in the way of the window: the outline, and the lines by it.
    async fn texts(&self, scope: Scope) -> Vec<String> {
        let session_id = self.id;
        let outline = OutlineReview {
            session_id,
            known: BTreeMap::new(),
            scope: scope.clone(),
        };
        let outline = self.engine.call::<method::ReviewOutline>(outline).await;
        let outline = outline.unwrap();
        let wanted = outline.files.iter().flat_map(|file| {
            file.hunks
                .iter()
                .map(|hunk| kerf_protocol::review::WantedLines {
                    path: file.path.clone(),
                    content: file.content,
                    hunk: hunk.hunk,
                    first: 0,
                    count: 1000,
                })
        });
        let read = ReadHunks {
            session_id,
            wanted: wanted.collect(),
            scope,
        };
        let read = self.engine.call::<method::ReviewLines>(read).await.unwrap();
        assert!(!read.stale);
        let lines = read.parts.iter().flat_map(|part| {
            let lines = part.lines.iter();
            lines.map(move |line| (part.path.as_str(), line))
        });
        lines
            .filter(|(_, line)| line.old.is_none())
            .map(|(path, line)| format!("{path}: {}", line.text))
            .collect()
    }
}

/// `path: added lines`, a hunk each.
fn added(review: &Review) -> Vec<String> {
    let hunks = review
        .files
        .iter()
        .flat_map(|file| file.hunks.iter().map(move |hunk| (file, hunk)));
    hunks
        .map(|(file, hunk)| {
            let lines = hunk.lines.iter().filter(|line| line.old.is_none());
            let texts: Vec<&str> = lines.map(|line| line.text.as_str()).collect();
            format!("{}: {}", file.path, texts.join("/"))
        })
        .collect()
}

#[tokio::test]
async fn each_scope_shows_its_part() {
    let place = Place::new().await;
    place.bench.fixture.write("mine.txt", "the user's\n");
    let turns = show(&place.engine, place.id).await.turns;
    let of_turn = |at: usize| Scope::Turn {
        turn_id: turns[at].id,
    };
    let [one, end] = ["a.txt: two", "a.txt: end"].map(str::to_owned);
    let mine = "mine.txt: the user's".to_owned();
    let committed = "b.txt: of the branch".to_owned();
    let branch = |base: Option<&str>| Scope::Branch {
        base: base.map(str::to_owned),
    };
    for (scope, expected) in [
        (Scope::Task, vec![one.clone(), end.clone()]),
        (of_turn(0), vec![one.clone()]),
        (of_turn(1), vec![end.clone()]),
        (
            Scope::Uncommitted,
            vec![one.clone(), end.clone(), mine.clone()],
        ),
        (
            branch(None),
            vec![one.clone(), end.clone(), committed.clone(), mine.clone()],
        ),
        (branch(Some("topic")), vec![one, end, mine]),
    ] {
        let shown = place.scope(scope.clone()).await;
        assert_eq!(added(&shown.review), expected, "{scope:?}");
        assert_eq!(place.texts(scope.clone()).await, expected, "{scope:?}");
        let base = shown.base.map(|base| base.name);
        let named = match &scope {
            Scope::Task | Scope::Turn { .. } => None,
            Scope::Uncommitted => Some("HEAD"),
            Scope::Branch { base } => Some(base.as_deref().unwrap_or("main")),
        };
        assert_eq!(base.as_deref(), named);
    }
    let choices = place.scope(branch(None)).await.base.unwrap().choices;
    assert_eq!(choices, ["main"]);
    let session_id = place.id;
    let scope = branch(Some("nowhere"));
    let show = ShowScope { session_id, scope };
    let failed = place.engine.call::<method::ReviewScope>(show).await;
    assert_eq!(failed.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn what_is_decided_of_a_turn_is_decided_of_the_task() {
    let place = Place::new().await;
    let turns = show(&place.engine, place.id).await.turns;
    let target = Target::Turn {
        turn_id: turns[1].id,
        path: None,
    };
    let decide = Decide {
        session_id: place.id,
        decision: Decision::Accept,
        target,
    };
    let done = place.engine.call::<method::ReviewDecide>(decide).await;
    assert_eq!(done.unwrap().hunks, 1);
    let task = place.scope(Scope::Task).await.review;
    let states: Vec<HunkState> = task.files[0].hunks.iter().map(|hunk| hunk.state).collect();
    assert_eq!(states, [HunkState::Pending, HunkState::Accepted]);
    // Each line is told with who made it.
    for (at, hunk) in task.files[0].hunks.iter().enumerate() {
        let makers: Vec<_> = hunk.made_by.iter().map(|made| made.author).collect();
        let [Author::Tool { turn_id, item_id }] = makers[..] else {
            panic!("{makers:?}");
        };
        assert_eq!(turn_id, turns[at].id);
        assert!(turns[at].items.iter().any(|item| item.id == item_id));
        assert_eq!(hunk.made_by[0].count, hunk.added + hunk.removed);
    }
    let session_id = place.id;
    let undone = place
        .engine
        .call::<method::ReviewUndo>(SessionRef { session_id });
    assert_eq!(undone.await.unwrap().hunks, 1);
}

/// A picture of one dot, and the same with other bytes after its head.
fn png(rest: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01".to_vec();
    bytes.extend(rest);
    bytes
}

fn notebook(source: &str) -> String {
    let cell =
        json!({"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": []});
    json!({"nbformat": 4, "metadata": {}, "cells": [cell]}).to_string()
}

#[tokio::test]
async fn lines_around_pictures_and_cells_are_those_of_the_scope() {
    let place = Place::new().await;
    place.bench.fixture.write("dot.png", png(b"before"));
    place.bench.fixture.write("b.ipynb", notebook("x = 1"));
    place.git("add -A -- dot.png b.ipynb");
    place.git("commit -qm pictures -- dot.png b.ipynb");
    place.bench.fixture.write("dot.png", png(b"after it"));
    place.bench.fixture.write("b.ipynb", notebook("x = 2"));
    let session_id = place.id;
    let turn_id = show(&place.engine, session_id).await.turns[0].id;
    // Of a turn: what the other changed is told as changed, where it stands around.
    let changed_in = |lines: &[HunkLine]| -> Vec<String> {
        let changed = lines.iter().filter(|line| line.kind == LineKind::Added);
        changed.map(|line| line.text.clone()).collect()
    };
    for (scope, changed) in [
        (Scope::Task, vec!["two", "end"]),
        (Scope::Turn { turn_id }, vec!["two", "end"]),
        (Scope::Uncommitted, vec!["two", "end"]),
        (Scope::Branch { base: None }, vec!["two", "end"]),
    ] {
        let outline = OutlineReview {
            session_id,
            known: BTreeMap::new(),
            scope: scope.clone(),
        };
        let outline = place.engine.call::<method::ReviewOutline>(outline).await;
        let outline = outline.unwrap();
        let of = |path: &str| outline.files.iter().find(|file| file.path == path).cloned();
        let around = ReadAround {
            session_id,
            path: "a.txt".to_owned(),
            content: of("a.txt").unwrap().content,
            first: 1,
            count: 100,
            scope: scope.clone(),
        };
        let read = place.engine.call::<method::ReviewAround>(around.clone());
        let read = read.await.unwrap();
        assert!(!read.stale, "{scope:?}");
        let texts: Vec<_> = read.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(
            texts,
            ["two", "b", "c", "d", "e", "f", "g", "end"],
            "{scope:?}"
        );
        assert_eq!(changed_in(&read.lines), changed, "{scope:?}");
        let other = ReadAround {
            content: around.content + 1,
            ..around
        };
        let other = place.engine.call::<method::ReviewAround>(other).await;
        assert!(other.unwrap().stale, "{scope:?}");

        let file = |path: &str| FileRef {
            session_id,
            path: path.to_owned(),
            scope: scope.clone(),
        };
        let pictures = place.engine.call::<method::ReviewPictures>(file("dot.png"));
        let cells = place.engine.call::<method::ReviewNotebook>(file("b.ipynb"));
        let (pictures, cells) = (pictures.await, cells.await);
        if matches!(scope, Scope::Task | Scope::Turn { .. }) {
            // They are the user's alone.
            assert_eq!(pictures.unwrap_err().code, Code::NotFound, "{scope:?}");
            assert_eq!(cells.unwrap_err().code, Code::NotFound, "{scope:?}");
            continue;
        }
        let size = |picture: Option<Picture>| picture.map(|picture| (picture.bytes, picture.drawn));
        let (before, after) = (
            size(pictures.clone().unwrap().before),
            size(pictures.unwrap().after),
        );
        let is_drawn = |seen: &Option<(u64, Drawn)>| matches!(seen, Some((_, Drawn::Yes { .. })));
        assert!(is_drawn(&after), "{scope:?} {after:?}");
        // The branch has made it; what is not committed changed it.
        assert_eq!(is_drawn(&before), scope == Scope::Uncommitted, "{scope:?}");
        let changes: Vec<_> = cells
            .unwrap()
            .cells
            .iter()
            .map(|cell| cell.change)
            .collect();
        let expected = match scope {
            Scope::Uncommitted => CellChange::Source,
            _ => CellChange::Added,
        };
        assert_eq!(changes, [expected], "{scope:?}");
    }
}

/// A call that ran a command, or changed a file.
fn call(nth: u32, command: &str, code: Option<i32>, changes: &[&str]) -> Value {
    let changes: Vec<Value> = changes
        .iter()
        .map(|path| json!({"path": path, "kind": "modified"}))
        .collect();
    let tool = if command.is_empty() {
        "edit_file"
    } else {
        "run_command"
    };
    let mut item = json!({
        "id": format!("01900000-0000-7000-8000-0000000000{nth:02}"),
        "turn_id": "01900000-0000-7000-8000-000000000099",
        "created_at": 1000 + nth, "status": "completed", "type": "tool_call",
        "call_id": nth.to_string(), "tool": tool, "title": "t", "arguments": {"command": command},
        "output": "", "changes": changes, "duration_ms": 5,
    });
    if !command.is_empty() {
        item["exit"] = json!({"code": code, "timed_out": false, "isolation": {"level": "off"}});
    }
    item
}

#[tokio::test]
async fn the_checks_after_the_last_change_count_and_those_before_are_stale() {
    let bench = Bench::new("", []);
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    let transcript = show(&engine, id).await;
    let mut transcript = serde_json::to_value(transcript).unwrap();
    transcript["turns"] = json!([{
        "id": "01900000-0000-7000-8000-000000000099", "state": "completed", "created_at": 1000,
        "usage": transcript["session"]["usage"],
        "items": [
            call(1, "cargo test", Some(101), &[]),
            call(2, "npm run lint", Some(0), &[]),
            call(3, "", None, &["a.txt"]),
            call(4, "ls", Some(0), &[]),
            call(5, "cargo fmt", Some(0), &["a.txt"]),
            call(6, "cargo build", None, &[]),
            call(7, "cargo test", Some(0), &[]),
            call(8, "ls", Some(2), &[]),
        ],
    }]);
    let transcript: Transcript = serde_json::from_value(transcript).unwrap();
    let imported = engine
        .call::<method::SessionImport>(transcript)
        .await
        .unwrap();
    let session_id = imported.id;
    let checks = engine
        .call::<method::ReviewChecks>(SessionRef { session_id })
        .await
        .unwrap();
    let told: Vec<_> = checks
        .iter()
        .map(|check| {
            (
                check.command.as_str(),
                check.kind,
                check.outcome,
                check.stale,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("cargo test", CheckKind::Test, CheckOutcome::Passed, false),
            (
                "cargo build",
                CheckKind::Build,
                CheckOutcome::Stopped,
                false
            ),
            ("npm run lint", CheckKind::Lint, CheckOutcome::Passed, true),
            ("ls", CheckKind::Other, CheckOutcome::Failed, false),
        ]
    );
}
