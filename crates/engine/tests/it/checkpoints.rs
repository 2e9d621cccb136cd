//! Checkpoints through the engine: what is kept, what a restore touches, and how it is undone.

use crate::kit::{Bench, answer, edit, prompt, show, texts, until, until_end};
use kerf_engine::Engine;
use kerf_protocol::{
    Code, Failure, SessionId,
    checkpoint::{
        Checkpoint, CheckpointRef, Restore, RestoreAct, RestoreChoice, RestorePreview, RestoreWhat,
        Restored,
    },
    event::EventBody,
    policy::{Answer, ApproveMode, QuestionAbout},
    request::{SessionRef, method},
    review::Review,
};
use kerf_store::{Restoring, Store, Write};
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::json;
use std::fs;

const TREE: &str = "//- /a.txt\none\n//- /b.txt\nb\n";

fn change(path: &str, old: &str, new: &str) -> Turn {
    Turn::call(
        "edit_file",
        json!({"path": path, "edits": [{"old": old, "new": new}]}),
    )
}

fn write(path: &str, text: &str) -> Turn {
    Turn::call("write_file", json!({"path": path, "content": text}))
}

async fn checkpoints(engine: &Engine, session_id: SessionId) -> Vec<Checkpoint> {
    let found = engine
        .call::<method::CheckpointList>(SessionRef { session_id })
        .await
        .unwrap();
    assert_eq!(found.none_because, None);
    found.checkpoints
}

async fn preview(engine: &Engine, session_id: SessionId, checkpoint_id: i64) -> RestorePreview {
    engine
        .call::<method::CheckpointPreview>(CheckpointRef {
            session_id,
            checkpoint_id,
        })
        .await
        .unwrap()
}

async fn restore(
    engine: &Engine,
    session_id: SessionId,
    checkpoint_id: i64,
    what: RestoreWhat,
    paths: Option<&[&str]>,
) -> Result<Restored, Failure> {
    let paths = paths.map(|paths| paths.iter().map(ToString::to_string).collect());
    engine
        .call::<method::CheckpointRestore>(Restore {
            session_id,
            checkpoint_id,
            what,
            paths,
        })
        .await
}

async fn review(engine: &Engine, session_id: SessionId) -> Review {
    engine
        .call::<method::ReviewShow>(SessionRef { session_id })
        .await
        .unwrap()
}

async fn turn(engine: &Engine, session_id: SessionId, text: &str) {
    let mut events = engine.subscribe(session_id).await.unwrap();
    prompt(engine, session_id, text).await.unwrap();
    // What was told earlier is told first.
    loop {
        let all = until_end(&mut events).await;
        let transcript = show(engine, session_id).await;
        let said = transcript.turns.last().map(|turn| texts(&turn.items));
        let here = said.is_some_and(|said| said.contains(&format!("user: {text}")));
        if here && !all.is_empty() {
            break;
        }
    }
    engine.idle(session_id).await.unwrap();
}

fn said(transcript: &kerf_protocol::session::Transcript) -> Vec<String> {
    transcript
        .turns
        .iter()
        .flat_map(|turn| texts(&turn.items))
        .collect()
}

#[rstest]
#[case::git(true)]
#[case::without_git(false)]
#[tokio::test]
async fn a_turn_goes_back_and_comes_again(#[case] git: bool) {
    let mut bench = Bench::new(
        TREE,
        [
            Turn::text("Hello."),
            edit(),
            write("new/file.txt", "new\n"),
            Turn::text("Done."),
        ],
    );
    if git {
        bench.fixture = bench.fixture.git();
    }
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    turn(&engine, id, "hello").await;
    turn(&engine, id, "change it").await;
    let kept = checkpoints(&engine, id).await;
    let told: Vec<(&str, bool, bool, u64)> = kept
        .iter()
        .map(|one| {
            (
                one.label.as_str(),
                one.turn.is_some(),
                one.call.is_some(),
                one.files,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("Before “hello”", true, false, 2),
            ("Before “change it”", true, false, 2),
            ("Before a change of a.txt", true, true, 2),
            ("Before a change of new/file.txt", true, true, 2),
        ]
    );
    let changed = bench.fixture.tree();
    let (before, second) = (review(&engine, id).await, kept[1].id);
    let conversation = show(&engine, id).await;

    let mtime = fs::metadata(bench.fixture.join("b.txt"))
        .unwrap()
        .modified();
    let would = preview(&engine, id, second).await;
    let files: Vec<_> = would
        .files
        .iter()
        .map(|file| (file.change.path.as_str(), file.act, file.choice))
        .collect();
    assert_eq!(
        files,
        [
            ("a.txt", RestoreAct::Write, RestoreChoice::Goes),
            ("new/file.txt", RestoreAct::Delete, RestoreChoice::Goes),
        ]
    );
    assert_eq!(would.files[0].change.hunks[0].added, 1);
    assert_eq!(would.messages, ["change it"]);
    assert_eq!(bench.fixture.tree(), changed, "a preview changes nothing");

    let mut events = engine.subscribe(id).await.unwrap();
    let attached = async {
        let is_restored = |body: &EventBody| matches!(body, EventBody::SessionRestored { .. });
        until(&mut events, is_restored).await;
        let session = SessionRef { session_id: id };
        engine.call::<method::SessionAttach>(session).await.unwrap()
    };
    let restored = restore(&engine, id, second, RestoreWhat::Both, None);
    let (done, attached) = tokio::join!(restored, attached);
    assert!(!attached.running, "a restore is no turn");
    let done = done.unwrap();
    assert_eq!(done.written, ["a.txt", "new/file.txt"]);
    assert_eq!((done.stayed.len(), done.hidden_messages), (0, 1));
    assert_eq!(bench.fixture.tree(), TREE);
    assert!(!bench.fixture.exists("new"), "an empty folder goes with it");
    assert_eq!(
        fs::metadata(bench.fixture.join("b.txt"))
            .unwrap()
            .modified()
            .unwrap(),
        mtime.unwrap()
    );
    assert_eq!(review(&engine, id).await.files, []);
    assert_eq!(
        said(&show(&engine, id).await),
        ["user: hello", "agent: Hello."]
    );

    // The model does not see what is hidden.
    bench.server.push(Turn::text("Again."));
    turn(&engine, id, "and now?").await;
    let seen = bench.server.requests().pop().unwrap().seen();
    let texts: Vec<&str> = seen.texts.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["hello", "Hello.", "and now?"]);
    assert_eq!(seen.calls, []);

    // Another process undoes it.
    let engine = bench.engine_after(engine, id).await;
    let undone = restore(&engine, id, done.undo, RestoreWhat::Both, None)
        .await
        .unwrap();
    assert_eq!(undone.written, done.written);
    assert_eq!(bench.fixture.tree(), changed);
    assert_eq!(review(&engine, id).await, before);
    assert_eq!(said(&show(&engine, id).await), said(&conversation));
}

#[tokio::test]
async fn a_call_goes_back_with_the_rest_of_its_turn() {
    let bench = Bench::new(
        TREE,
        [edit(), change("b.txt", "b", "changed"), Turn::text("Done.")],
    );
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    let kept = checkpoints(&engine, id).await;
    let call = kept
        .iter()
        .find(|one| one.label.ends_with("b.txt"))
        .unwrap();
    restore(&engine, id, call.id, RestoreWhat::Both, None)
        .await
        .unwrap();
    assert_eq!(bench.fixture.tree(), "//- /a.txt\ntwo\n//- /b.txt\nb\n");
    assert_eq!(
        review(&engine, id).await.files.len(),
        1,
        "the first change is still to be reviewed"
    );
    bench.server.push(Turn::text("Again."));
    turn(&engine, id, "go on").await;
    let seen = bench.server.requests().pop().unwrap().seen();
    assert_eq!((seen.calls.len(), seen.results.len()), (1, 1));
}

#[tokio::test]
async fn what_the_user_did_stays() {
    let bench = Bench::new(
        "//- /a.txt\none\n//- /b.txt\nb\n//- /c.txt\nc\n",
        [
            edit(),
            write("made.txt", "made\n"),
            change("c.txt", "c", "agent"),
            Turn::text("Done."),
        ],
    );
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    bench.fixture.write("a.txt", "two and mine\n");
    bench.fixture.write("mine.txt", "mine\n");
    bench.fixture.write("b.txt", "mine\n");
    bench.fixture.write("made.txt", "made and mine\n");
    let first = checkpoints(&engine, id).await[0].id;
    let done = restore(&engine, id, first, RestoreWhat::Files, None)
        .await
        .unwrap();
    assert_eq!(done.written, ["c.txt"]);
    let stayed: Vec<_> = done
        .stayed
        .iter()
        .map(|file| (file.path.as_str(), file.why.as_str()))
        .collect();
    let too = "you changed it too";
    assert_eq!(
        stayed,
        [
            ("a.txt", too),
            ("b.txt", "you changed it, not the agent"),
            ("made.txt", too),
            ("mine.txt", "Kerf did not make it"),
        ]
    );
    assert_eq!(bench.fixture.read("a.txt"), "two and mine\n");
    assert_eq!(
        said(&show(&engine, id).await).len(),
        2,
        "the conversation stays"
    );

    // By name they go back; what Kerf did not make is never deleted.
    let named = ["a.txt", "b.txt", "made.txt", "mine.txt"];
    let done = restore(&engine, id, first, RestoreWhat::Files, Some(&named))
        .await
        .unwrap();
    assert_eq!(done.written, ["a.txt", "b.txt", "made.txt"]);
    assert_eq!(bench.fixture.read("mine.txt"), "mine\n");
    restore(&engine, id, done.undo, RestoreWhat::Files, None)
        .await
        .unwrap();
    assert_eq!(bench.fixture.read("a.txt"), "two and mine\n");
    assert_eq!(bench.fixture.read("made.txt"), "made and mine\n");

    for (paths, code) in [(&["nowhere"][..], Code::NotFound), (&["../x"], Code::Usage)] {
        let failure = restore(&engine, id, first, RestoreWhat::Files, Some(paths))
            .await
            .unwrap_err();
        assert_eq!(failure.code, code, "{failure}");
    }
    let failure = restore(&engine, id, 999, RestoreWhat::Both, None)
        .await
        .unwrap_err();
    assert_eq!(failure.code, Code::NotFound);
}

#[tokio::test]
async fn a_decision_is_no_edit_of_the_user() {
    let bench = Bench::new(
        "//- /a.txt\none\n2\n3\n4\n5\n6\n7\n8\n9\nlast\n",
        [
            Turn::call(
                "edit_file",
                json!({"path": "a.txt", "edits": [
                    {"old": "one", "new": "ONE"}, {"old": "last", "new": "LAST"}
                ]}),
            ),
            Turn::text("Done."),
        ],
    );
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    let decide = kerf_protocol::request::Decide {
        session_id: id,
        decision: kerf_protocol::review::Decision::Reject,
        target: kerf_protocol::review::Target::Hunk {
            path: "a.txt".to_owned(),
            hunk: 1,
            id: None,
        },
    };
    engine.call::<method::ReviewDecide>(decide).await.unwrap();
    let first = checkpoints(&engine, id).await[0].id;
    let done = restore(&engine, id, first, RestoreWhat::Files, None)
        .await
        .unwrap();
    assert_eq!(done.written, ["a.txt"]);
    assert!(bench.fixture.read("a.txt").ends_with("last\n"));
}

#[tokio::test]
async fn a_restore_that_was_stopped_goes_on() {
    let bench = Bench::new(
        TREE,
        [edit(), write("new.txt", "new\n"), Turn::text("Done.")],
    );
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    let first = checkpoints(&engine, id).await[0].id;
    // A restore of nothing keeps what is there.
    let undo = restore(&engine, id, first, RestoreWhat::Files, Some(&[]))
        .await
        .unwrap()
        .undo;
    let changed = bench.fixture.tree();
    // As one leaves it that was killed with one of two files written.
    bench.fixture.write("a.txt", "one\n");
    let store = Store::open(&bench.home.path().join("kerf.db"))
        .await
        .unwrap();
    let restoring = Restoring {
        checkpoint_id: first,
        undo_id: undo,
        conversation: true,
        paths: vec!["a.txt".to_owned(), "new.txt".to_owned()],
    };
    let begin = Write::BeginRestore {
        session_id: id,
        restoring,
    };
    store.commit(vec![begin]).await.unwrap();
    drop(engine);
    let engine = bench.engine().await;
    crate::kit::opened(&engine, id).await;
    assert_eq!(bench.fixture.tree(), TREE);
    assert_eq!(review(&engine, id).await.files, []);
    assert_eq!(said(&show(&engine, id).await), [] as [&str; 0]);
    assert_eq!(store.restoring(id).await.unwrap(), None);
    restore(&engine, id, undo, RestoreWhat::Both, None)
        .await
        .unwrap();
    assert_eq!(bench.fixture.tree(), changed);
    assert_eq!(said(&show(&engine, id).await), ["user: go", "agent: Done."]);
}

#[tokio::test]
async fn a_command_that_takes_files_away_is_asked_about() {
    let command = "rm -r build; echo > a.txt; mv b.txt c";
    let call = Turn::call("run_command", json!({"command": command}));
    let bench = Bench::new(
        "//- /.gitignore\nbuild\n//- /a.txt\none\n//- /b.txt\nb\n//- /build/x.o\nxx\n//- /c/b.txt\nc\n",
        [call, Turn::text("Done.")],
    );
    let engine = bench.engine().await;
    // Commands go ahead here.
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    let mut events = engine.subscribe(id).await.unwrap();
    prompt(&engine, id, "clean up").await.unwrap();
    let all = until(&mut events, |body| {
        matches!(body, EventBody::ApprovalRequested { .. })
    })
    .await;
    let EventBody::ApprovalRequested { question } = &all.last().unwrap().body else {
        panic!("{all:#?}");
    };
    let QuestionAbout::Command {
        loses: Some(loses), ..
    } = &question.about
    else {
        panic!("{question:#?}");
    };
    let files: Vec<(&str, u64)> = loses
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.bytes))
        .collect();
    assert_eq!(files, [("a.txt", 4), ("build/x.o", 3), ("c/b.txt", 2)]);
    assert_eq!((loses.count, loses.bytes, loses.others), (3, 9, false));
    assert_eq!(
        (&question.session, &question.project),
        (&None, &None),
        "the next time it may be other files"
    );
    let no = Answer::Deny {
        reason: String::new(),
    };
    answer(&engine, id, question.id, no).await.unwrap();
    engine.idle(id).await.unwrap();
    assert!(bench.fixture.exists("build/x.o"));
}
