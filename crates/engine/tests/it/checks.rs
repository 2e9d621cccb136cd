//! A check of a session that the user runs again: what it sees, what it leaves, and when it does not run.
#![cfg(unix)]

use crate::{
    kit::{Bench, STUCK, edit, prompt, show},
    window::until_fed,
};
use kerf_engine::{Engine, Options};
use kerf_protocol::{
    Code, Failure, SessionId, TaskId,
    attempt::{Checked, RunCheck, TaskRef},
    event::EventBody,
    item::{ChangeKind, ItemBody},
    policy::ApproveMode,
    request::{SessionRef, method},
    review::Author,
    scope::{CheckCommand, CheckOutcome, RunAgain, TaskCheck},
};
use kerf_test_support::{Step, Turn};
use serde_json::json;
use std::{fs, pin::Pin};
use tokio::time::timeout;

const SEES_TWO: &str = "grep -q two a.txt";
const WAITS: &str = "test -e old || { : > began; while :; do sleep 1; done; }";
const WRITES: &str = "test -e fresh || date > mine.txt";

struct Place {
    bench: Bench,
    engine: Engine,
    id: SessionId,
    task_id: TaskId,
}

impl Place {
    /// A session that ran three commands, and then made the change that makes them stale.
    async fn new() -> Self {
        let run = |command: &str| Turn::call("run_command", json!({ "command": command }));
        let bench = Bench::new(
            "//- /a.txt\none\n//- /old\n//- /fresh\n",
            [run(SEES_TWO), run(WAITS), run(WRITES), edit()],
        );
        let options = Options {
            helper: env!("CARGO_BIN_EXE_engine-helper").into(),
            ..bench.options()
        };
        let engine = Engine::open(options).await.unwrap();
        let session = bench.session(&engine, ApproveMode::Auto).await;
        let place = Self {
            id: session.id,
            task_id: session.task_id,
            bench,
            engine,
        };
        place.say("go").await;
        place.engine.idle(place.id).await.unwrap();
        assert_eq!(place.bench.fixture.read("a.txt"), "two\n");
        place
    }

    async fn say(&self, text: &str) {
        prompt(&self.engine, self.id, text).await.unwrap();
    }

    async fn checks(&self) -> Vec<TaskCheck> {
        let session_id = self.id;
        let checks = SessionRef { session_id };
        self.engine
            .call::<method::ReviewChecks>(checks)
            .await
            .unwrap()
    }

    async fn check(&self, command: &str) -> TaskCheck {
        let checks = self.checks().await;
        let mut of = checks.into_iter().filter(|check| check.command == command);
        of.next().unwrap()
    }

    async fn again(&self, command: &str) -> Result<Checked, Failure> {
        let again = RunAgain {
            session_id: self.id,
            check: CheckCommand {
                command: command.to_owned(),
                cwd: String::new(),
            },
        };
        self.engine.call::<method::ReviewCheck>(again).await
    }
}

#[tokio::test]
async fn a_stale_check_runs_again_and_counts_from_then_on() {
    let place = Place::new().await;
    let before = place.check(SEES_TWO).await;
    assert_eq!((before.outcome, before.stale), (CheckOutcome::Failed, true));

    let done = place.again(SEES_TWO).await.unwrap();
    assert_eq!((done.passed, done.code, done.changed), (true, Some(0), 0));
    let now = place.check(SEES_TWO).await;
    assert_eq!((now.outcome, now.stale), (CheckOutcome::Passed, false));
    assert_ne!(now.item_id, before.item_id);
    assert!(!now.running);

    // Whoever opens the session anew finds the same, and where it stands in the conversation.
    let transcript = show(&place.engine, place.id).await;
    let items: Vec<_> = transcript
        .turns
        .iter()
        .flat_map(|turn| &turn.items)
        .collect();
    let item = items.iter().find(|item| item.id == now.item_id).unwrap();
    let ItemBody::ToolCall(call) = &item.body else {
        panic!("{item:?}");
    };
    assert_eq!(call.arguments["command"], SEES_TWO);
    let other = place.bench.engine_after(place.engine, place.id).await;
    let place = Place {
        engine: other,
        ..place
    };
    assert!(!place.check(SEES_TWO).await.stale);

    // The model hears nothing of it, nor does it in a conversation that is read anew.
    place.say("and now").await;
    place.engine.idle(place.id).await.unwrap();
    let asked = place.bench.server.requests();
    let last = asked.last().unwrap().json().to_string();
    assert_eq!(last.matches(SEES_TWO).count(), 1, "{last}");
}

#[tokio::test]
async fn what_it_changes_is_the_user_s_and_says_nothing_about_the_files() {
    let place = Place::new().await;
    place.bench.fixture.remove("fresh");
    let done = place.again(WRITES).await.unwrap();
    assert_eq!((done.passed, done.changed), (true, 1));
    assert!(place.checks().await.iter().all(|check| check.stale));
    let transcript = show(&place.engine, place.id).await;
    let last = transcript.turns.last().unwrap().items.last().unwrap();
    let ItemBody::ToolCall(call) = &last.body else {
        panic!("{last:?}");
    };
    let changes: Vec<_> = call
        .changes
        .iter()
        .map(|one| (&*one.path, one.kind))
        .collect();
    assert_eq!(changes, [("mine.txt", ChangeKind::Created)]);
    // The agent's change alone is under review.
    let session_id = place.id;
    let review = place
        .engine
        .call::<method::ReviewShow>(SessionRef { session_id });
    let review = review.await.unwrap();
    let made: Vec<_> = review
        .files
        .iter()
        .flat_map(|file| file.hunks.iter().map(|hunk| (&*file.path, &hunk.authors)))
        .collect();
    assert!(
        matches!(&made[..], [("a.txt", authors)] if matches!(authors[..], [Author::Tool { .. }])),
        "{made:?}"
    );
}

#[tokio::test]
async fn nothing_else_runs_and_not_while_a_turn_goes_on() {
    let place = Place::new().await;
    for command in ["touch other", "grep -q two a.txt; touch other"] {
        let refused = place.again(command).await.unwrap_err();
        assert_eq!(refused.code, Code::NotFound, "{refused}");
    }
    place.bench.server.push(Turn::steps([Step::Hold]));
    place.say("wait").await;
    let refused = place.again(SEES_TWO).await.unwrap_err();
    assert_eq!(refused.code, Code::Conflict, "{refused}");
    place.bench.server.release();
    place.engine.idle(place.id).await.unwrap();

    let config = place.bench.home.path().join("config.toml");
    fs::write(config, "[rules]\ndeny = [\"Bash(grep *)\"]\n").unwrap();
    let denied = place.again(SEES_TWO).await.unwrap_err();
    assert_eq!(denied.code, Code::Denied, "{denied}");
    assert!(!place.bench.fixture.exists("other"));
    assert!(place.check(SEES_TWO).await.stale);
}

#[tokio::test]
async fn it_is_told_while_it_runs_and_stopped_and_a_message_waits_for_it() {
    let place = Place::new().await;
    place.bench.fixture.remove("old");
    let before = place.bench.server.requests().len();
    let mut feed = place.engine.feed();
    let work = async {
        let running = place.again(WAITS);
        let beside = async {
            while !place.bench.fixture.exists("began") {
                tokio::task::yield_now().await;
            }
            assert!(place.check(WAITS).await.running);
            let second = place.again(SEES_TWO).await.unwrap_err();
            assert_eq!(second.code, Code::Conflict, "{second}");
            let say = place.say("meanwhile");
            let stop = async {
                let task_id = place.task_id;
                let stop = TaskRef { task_id };
                // The message was sent first, and waits.
                tokio::task::yield_now().await;
                place
                    .engine
                    .call::<method::AttemptsStopCheck>(stop)
                    .await
                    .unwrap();
            };
            tokio::join!(say, stop);
        };
        tokio::join!(running, beside).0
    };
    let stopped = timeout(STUCK, work).await.unwrap().unwrap();
    assert_eq!((stopped.passed, stopped.code), (false, None));
    place.engine.idle(place.id).await.unwrap();
    assert_eq!(place.bench.server.requests().len(), before + 1);
    let told = until_fed(&mut feed, |body| {
        matches!(body, EventBody::TurnCompleted { .. })
    })
    .await;
    let order: Vec<&str> = told
        .iter()
        .flatten()
        .filter_map(|event| match &event.body {
            EventBody::ItemCompleted { item } if matches!(item.body, ItemBody::ToolCall(_)) => {
                Some("the check ended")
            }
            EventBody::TurnStarted { .. } => Some("the turn began"),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["the check ended", "the turn began"]);
    let check = place.check(WAITS).await;
    assert!(!check.running);
}

#[tokio::test]
async fn nobody_else_works_in_the_folder_while_it_runs() {
    let place = Place::new().await;
    let other = place.bench.session(&place.engine, ApproveMode::Auto).await;
    // It counts again, so that it may run as a check of an attempt too.
    assert!(place.again(WAITS).await.unwrap().passed);
    place.bench.fixture.remove("old");
    let run = RunCheck {
        task_id: place.task_id,
        check: CheckCommand {
            command: WAITS.to_owned(),
            cwd: String::new(),
        },
    };
    let of_attempt = place.engine.call::<method::AttemptsCheck>(run);
    type Running<'r> = Pin<Box<dyn Future<Output = Result<Checked, Failure>> + 'r>>;
    let both: [Running<'_>; 2] = [Box::pin(of_attempt), Box::pin(place.again(WAITS))];
    for running in both {
        let beside = async {
            while !place.bench.fixture.exists("began") {
                tokio::task::yield_now().await;
            }
            let refused = prompt(&place.engine, other.id, "go").await.unwrap_err();
            assert!(refused.message.contains("a check runs"), "{refused}");
            let task_id = place.task_id;
            let stop = place
                .engine
                .call::<method::AttemptsStopCheck>(TaskRef { task_id });
            stop.await.unwrap();
        };
        let work = async { tokio::join!(running, beside).0 };
        let stopped = timeout(STUCK, work).await.unwrap().unwrap();
        assert!(!stopped.passed);
        place.bench.fixture.remove("began");
    }
    prompt(&place.engine, other.id, "go").await.unwrap();
    place.engine.idle(other.id).await.unwrap();
}
