//! What a window needs beside the turns: sessions as they are now, a feed of all of them, projects, settings, commits.

use crate::kit::{Bench, STUCK, prompt, until, until_end};
use kerf_engine::{Engine, Feed, FeedMessage};
use kerf_protocol::{
    Code, SessionId,
    event::{Event, EventBody},
    item::{ItemBody, ItemStatus},
    policy::{ApproveMode, Policy, SandboxMode},
    project::{CommitReview, OpenProject, OpenedProject, ProjectRef},
    request::{ConfigureSession, Decide, Folder, Nothing, SessionRef, method},
    review::{Decision, HunkState, Target},
    settings::{AppSettings, Theme},
};
use kerf_test_support::{Fixture, Turn};
use serde_json::json;
use std::{fs, path::Path, sync::Arc};
use tokio::time::timeout;

pub(crate) async fn until_fed(
    feed: &mut Feed,
    is: impl Fn(&EventBody) -> bool,
) -> Vec<Vec<Arc<Event>>> {
    let mut batches = Vec::new();
    loop {
        match timeout(STUCK, feed.next()).await.unwrap() {
            FeedMessage::Events(batch) => {
                let last = batch.iter().any(|event| is(&event.body));
                batches.push(batch);
                if last {
                    return batches;
                }
            }
            FeedMessage::Index(_) | FeedMessage::Git(_) => {}
            FeedMessage::Gap => panic!("events were lost"),
        }
    }
}

fn is_end(body: &EventBody) -> bool {
    matches!(body, EventBody::TurnCompleted { .. })
}

#[tokio::test]
async fn a_session_is_seen_as_it_is_in_the_middle_of_a_stream() {
    let turn = Turn::steps([])
        .and_text_in("word ".repeat(2000), 500)
        .stall_after(40_000);
    let bench = Bench::new("", [turn]);
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    let mut events = engine.subscribe(id).await.unwrap();
    prompt(&engine, id, "go").await.unwrap();
    let mut said = String::new();
    let mut seen_to = 0;
    while said.len() < 500 {
        let event = events.recv().await.unwrap();
        said.push_str(delta(&event));
        seen_to = event.seq;
    }
    let session = SessionRef { session_id: id };
    let seen = engine.call::<method::SessionAttach>(session).await.unwrap();
    assert!(seen.running);
    let last = seen.transcript.turns[0].items.last().unwrap().clone();
    assert_eq!(last.status, ItemStatus::Running);
    // The front that followed from the start has the same at the same number.
    while seen_to < seen.seq {
        let event = events.recv().await.unwrap();
        said.push_str(delta(&event));
        seen_to = event.seq;
    }
    assert_eq!(seen_to, seen.seq);
    assert_eq!(last.body, ItemBody::AgentMessage { text: said });
    // What follows goes on from there.
    engine.call::<method::SessionCancel>(session).await.unwrap();
    let rest = until(&mut events, is_end).await;
    assert!(rest.iter().all(|event| event.seq > seen.seq));
    engine.idle(id).await.unwrap();
    let seen = engine.call::<method::SessionAttach>(session).await.unwrap();
    assert!(!seen.running);
    assert_eq!(seen.seq, rest.last().unwrap().seq);
    // Another engine has it from the database alone.
    let elsewhere = bench.engine().await;
    let stored = elsewhere.call::<method::SessionAttach>(session).await;
    assert_eq!(stored.unwrap().transcript, seen.transcript);
}

#[tokio::test]
async fn a_feed_has_the_events_of_all_sessions_in_small_batches() {
    let text = "x".repeat(300_000);
    let turns = [0, 1].map(|_| Turn::steps([]).and_text_in(text.clone(), 3000));
    let bench = Bench::new("", turns);
    let engine = bench.engine().await;
    let mut feed = engine.feed();
    for _ in 0..2 {
        let id = bench.session(&engine, ApproveMode::Auto).await.id;
        prompt(&engine, id, "go").await.unwrap();
        let batches = until_fed(&mut feed, is_end).await;
        let mut said = 0;
        let mut last = 0;
        for batch in &batches {
            let deltas: usize = batch.iter().map(|event| delta(event).len()).sum();
            assert!(batch.len() == 1 || deltas <= 8 * 1024, "{deltas}");
            said += deltas;
            for event in batch {
                assert_eq!(event.session_id, id);
                assert!(event.seq > last);
                last = event.seq;
            }
        }
        assert_eq!(said, text.len());
    }
}

fn delta(event: &Event) -> &str {
    match &event.body {
        EventBody::ItemUpdated { delta, .. } => delta,
        _ => "",
    }
}

#[tokio::test]
async fn nothing_is_lost_while_a_window_does_not_listen() {
    let answers = (0..40).map(|_| Turn::text("hello"));
    let bench = Bench::new("", answers);
    let engine = bench.engine().await;
    let mut silent = engine.feed();
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    // Nothing is lost below the limit, however long nobody listens.
    let mut events = engine.subscribe(id).await.unwrap();
    for _ in 0..20 {
        prompt(&engine, id, "go").await.unwrap();
        until_end(&mut events).await;
        engine.idle(id).await.unwrap();
    }
    let mut ends = 0;
    while ends < 20 {
        match timeout(STUCK, silent.next()).await.unwrap() {
            FeedMessage::Events(batch) => {
                ends += batch.iter().filter(|event| is_end(&event.body)).count();
            }
            FeedMessage::Index(_) | FeedMessage::Git(_) => {}
            FeedMessage::Gap => panic!("lost below the limit"),
        }
    }
}

#[tokio::test]
async fn projects_are_opened_listed_and_taken_off() {
    let bench = Bench::new("//- /src/lib.rs\nfn a() {}\n//- /docs/a.md\n# a\n", []);
    let engine = bench.engine().await;
    let folder = fs::canonicalize(bench.fixture.path()).unwrap();
    let open = async |path: &Path, confirmed| {
        let path = path.display().to_string();
        engine
            .call::<method::ProjectOpen>(OpenProject { path, confirmed })
            .await
    };
    // A file stands for its folder.
    let opened = open(&folder.join("src/lib.rs"), false).await.unwrap();
    let OpenedProject::Opened { project } = opened else {
        panic!("{opened:?}")
    };
    assert_eq!(project.path, folder.join("src").display().to_string());
    for wide in [Path::new("/"), bench.home.path()] {
        let asked = open(wide, false).await.unwrap();
        assert!(matches!(asked, OpenedProject::TooWide { .. }), "{asked:?}");
    }
    let confirmed = open(Path::new("/"), true).await.unwrap();
    assert!(matches!(confirmed, OpenedProject::Opened { .. }));
    let gone = open(&folder.join("nowhere"), false).await.unwrap_err();
    assert_eq!(gone.code, Code::Usage);

    let list = async || {
        engine
            .call::<method::ProjectList>(Nothing {})
            .await
            .unwrap()
    };
    assert_eq!(list().await.len(), 2);
    let project_id = project.id;
    let remove = ProjectRef { project_id };
    engine.call::<method::ProjectRemove>(remove).await.unwrap();
    assert_eq!(list().await.len(), 1);

    let status = engine
        .call::<method::ProjectStatus>(Folder {
            folder: folder.display().to_string(),
        })
        .await
        .unwrap();
    assert_eq!(status.branch, None);
}

#[tokio::test]
async fn settings_are_kept_beside_what_the_user_wrote() {
    let bench = Bench::new("", []);
    let path = bench.home.path().join("config.toml");
    let written = "# mine\ndefault = \"local\"\n\n[app]\neditor = \"vi\" # my editor\n\n[endpoints.local]\nwire = \"chat\"\nbase_url = \"http://127.0.0.1:1/v1\"\n";
    fs::write(&path, written).unwrap();
    let engine = bench.engine().await;
    let show = async || {
        engine
            .call::<method::SettingsShow>(Nothing {})
            .await
            .unwrap()
    };
    let mut settings = show().await;
    assert_eq!(settings.editor, "vi");
    settings.appearance.theme = Theme::Dark;
    settings.appearance.text_size = 120;
    settings
        .keys
        .insert("review.accept".to_owned(), "Mod+A".to_owned());
    // One half of a pair leaves the other as it is without a file.
    settings.policy.approve = ApproveMode::Auto;
    let change = async |settings: &AppSettings| {
        engine
            .call::<method::SettingsChange>(settings.clone())
            .await
            .unwrap();
    };
    change(&settings).await;
    assert_eq!(show().await, settings);
    let text = fs::read_to_string(&path).unwrap();
    for part in ["# mine", "# my editor", "theme = \"dark\"", "base_url"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    // What goes back to what it was leaves the file.
    settings.appearance.theme = Theme::System;
    settings.keys.clear();
    change(&settings).await;
    assert_eq!(show().await, settings);
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        !text.contains("theme") && !text.contains("review.accept"),
        "{text}"
    );
    let data = engine.call::<method::DataShow>(Nothing {}).await.unwrap();
    assert!(data.database_bytes > 0 && data.configuration.ends_with("config.toml"));
}

#[tokio::test]
async fn changes_of_the_settings_at_once_are_all_written() {
    let bench = Bench::new("", []);
    let engine = bench.engine().await;
    let changes = (0..20_u8).map(|nth| {
        let mut settings = AppSettings::default();
        settings.appearance.text_size = 100 + nth;
        engine.call::<method::SettingsChange>(settings)
    });
    for changed in futures_util::future::join_all(changes).await {
        changed.unwrap();
    }
    let left = fs::read_dir(bench.home.path()).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("config.toml.")
    });
    assert_eq!(left.count(), 0);
    engine
        .call::<method::SettingsShow>(Nothing {})
        .await
        .unwrap();
}

fn edit() -> Turn {
    let edits = json!([{"old": "one", "new": "ONE"}]);
    Turn::call("edit_file", json!({"path": "a.txt", "edits": edits}))
}

#[tokio::test]
async fn another_policy_holds_from_the_next_turn_on() {
    let bench = Bench::new("//- /a.txt\none\n", [edit(), Turn::text("Done."), edit()]);
    let engine = bench.engine().await;
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    let configure = async |sandbox| {
        let change = ConfigureSession {
            session_id: id,
            endpoint: None,
            model: None,
            policy: Some(Policy {
                sandbox,
                approve: ApproveMode::Never,
            }),
        };
        engine
            .call::<method::SessionConfigure>(change)
            .await
            .unwrap()
    };
    turn(&engine, id).await;
    assert_eq!(bench.fixture.read("a.txt"), "ONE\n");
    bench.fixture.write("a.txt", "one\n");
    let session = configure(SandboxMode::ReadOnly).await;
    assert_eq!(session.policy.sandbox, SandboxMode::ReadOnly);
    turn(&engine, id).await;
    assert_eq!(bench.fixture.read("a.txt"), "one\n");
}

async fn turn(engine: &Engine, id: SessionId) {
    let mut feed = engine.feed();
    prompt(engine, id, "go").await.unwrap();
    until_fed(&mut feed, is_end).await;
    engine.idle(id).await.unwrap();
}

#[tokio::test]
async fn a_commit_takes_what_is_accepted_out_of_the_review() {
    let mut bench = Bench::new(
        "",
        [Turn::steps([])
            .and_call(
                "edit_file",
                json!({"path": "a.txt", "edits": [{"old": "one", "new": "ONE"}]}),
            )
            .and_call(
                "edit_file",
                json!({"path": "b.txt", "edits": [{"old": "one", "new": "ONE"}]}),
            )],
    );
    bench.fixture = Fixture::new("//- /a.txt\none\n//- /b.txt\none\n").git();
    let engine = bench.engine().await;
    let id = bench.talked(&engine).await;
    let commit = async || {
        let message = "Shout".to_owned();
        let commit = CommitReview {
            session_id: id,
            message,
        };
        engine.call::<method::ReviewCommit>(commit).await
    };
    assert_eq!(commit().await.unwrap_err().code, Code::Usage);
    let decide = Decide {
        session_id: id,
        decision: Decision::Accept,
        target: Target::File {
            path: "a.txt".to_owned(),
        },
    };
    engine.call::<method::ReviewDecide>(decide).await.unwrap();
    let committed = commit().await.unwrap();
    assert_eq!(committed.files, ["a.txt"]);
    assert_eq!(bench.fixture.committed("a.txt").unwrap(), "ONE\n");
    assert_eq!(bench.fixture.committed("b.txt").unwrap(), "one\n");
    let session = SessionRef { session_id: id };
    let review = engine.call::<method::ReviewShow>(session).await.unwrap();
    let left: Vec<(&str, HunkState)> = review
        .files
        .iter()
        .flat_map(|file| {
            file.hunks
                .iter()
                .map(|hunk| (file.path.as_str(), hunk.state))
        })
        .collect();
    assert_eq!(left, [("b.txt", HunkState::Pending)]);
    // What is committed is git's to take back.
    assert!(engine.call::<method::ReviewUndo>(session).await.is_err());
    assert_eq!(bench.fixture.read("a.txt"), "ONE\n");
}
