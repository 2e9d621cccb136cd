//! A user's way with git: look, stage some of it, commit, switch, put away; and a message that the model drafts.

use crate::kit::{Bench, prompt, until, until_end};
use kerf_engine::Engine;
use kerf_protocol::{
    Code, Failure,
    event::EventBody,
    git::{
        ChangeRef, ChangedHow, CommitStaged, DraftMessage, ReadLog, SaveStash, StageChange,
        StageHunks, StageSide, SwitchBranch, TakeStash, WorkingChanges,
        command::{GitAct, PreviewGit, RunGit},
    },
    ledger::ListLedger,
    ledger::Purpose,
    policy::ApproveMode,
    request::{Folder, method},
};
use kerf_test_support::{Script, Step, Turn};
use std::fs;

const TREE: &str =
    "//- /a.txt\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n//- /b.txt\nb\n";

fn bench(turns: impl IntoIterator<Item = Turn>) -> Bench {
    let bench = Bench::new(TREE, turns);
    Bench {
        fixture: bench.fixture.git(),
        ..bench
    }
}

fn folder(bench: &Bench) -> String {
    bench.fixture.path().display().to_string()
}

async fn status(engine: &Engine, folder: &str) -> WorkingChanges {
    let folder = folder.to_owned();
    engine
        .call::<method::GitStatus>(Folder { folder })
        .await
        .unwrap()
}

fn shown(list: &[kerf_protocol::git::ChangedPath]) -> Vec<(&str, ChangedHow)> {
    list.iter()
        .map(|changed| (changed.path.as_str(), changed.how))
        .collect()
}

async fn stage(engine: &Engine, folder: &str, path: &str) -> WorkingChanges {
    let stage = StageChange {
        folder: folder.to_owned(),
        paths: vec![path.to_owned()],
        from: StageSide::Unstaged,
        hunks: None,
    };
    engine.call::<method::GitStage>(stage).await.unwrap()
}

#[tokio::test]
async fn changes_are_staged_by_hunk_and_committed() {
    let bench = bench([]);
    let engine = bench.engine().await;
    let folder = folder(&bench);
    assert!(
        !status(&engine, &bench.home.path().display().to_string())
            .await
            .repository
    );
    bench.fixture.write(
        "a.txt",
        "ONE\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nTEN\n",
    );
    bench.fixture.write("sub/new.txt", "new\n");
    let changes = status(&engine, &folder).await;
    assert_eq!(changes.branch.as_deref(), Some("main"));
    assert!(changes.staged.is_empty());
    assert_eq!(
        shown(&changes.unstaged),
        [
            ("a.txt", ChangedHow::Modified),
            ("sub/new.txt", ChangedHow::Untracked)
        ]
    );
    let diff = engine
        .call::<method::GitDiff>(ChangeRef {
            folder: folder.clone(),
            path: "a.txt".to_owned(),
            from: None,
            side: StageSide::Unstaged,
        })
        .await
        .unwrap();
    assert_eq!(diff.hunks.len(), 2);
    assert_eq!(diff.hunks[1].header, "@@ -7,4 +7,4 @@");
    let numbers: Vec<_> = diff.hunks[1]
        .lines
        .iter()
        .map(|line| (line.old, line.new))
        .collect();
    assert_eq!(
        numbers[2..],
        [(Some(9), Some(9)), (Some(10), None), (None, Some(10))]
    );
    let second = StageChange {
        folder: folder.clone(),
        paths: vec!["a.txt".to_owned()],
        from: StageSide::Unstaged,
        hunks: Some(StageHunks {
            token: diff.token,
            renamed_from: None,
            hunks: vec![1],
        }),
    };
    let changes = engine
        .call::<method::GitStage>(second.clone())
        .await
        .unwrap();
    assert_eq!(shown(&changes.staged), [("a.txt", ChangedHow::Modified)]);
    let stale = engine.call::<method::GitStage>(second).await.unwrap_err();
    assert_eq!(stale.code, Code::Conflict);

    let commit = CommitStaged {
        folder: folder.clone(),
        message: "Say ten louder".to_owned(),
        amend: false,
        without_programs: false,
    };
    let done = engine.call::<method::GitCommit>(commit).await.unwrap();
    assert_eq!(
        bench.fixture.committed("a.txt").as_deref(),
        Some("one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nTEN\n")
    );
    let log = ReadLog {
        folder: folder.clone(),
        path: Some("a.txt".to_owned()),
        after: None,
        limit: 1,
    };
    let page = engine.call::<method::GitLog>(log).await.unwrap();
    assert_eq!(page.commits[0].oid, done.oid);
    assert!(page.next.is_some());
}

#[tokio::test]
async fn a_folder_without_a_whole_path_is_nobodys_repository() {
    let bench = bench([]);
    let engine = bench.engine().await;
    // Whoever runs this test stands in a repository, which is not meant.
    for folder in ["", ".", "..", "../..", "src"] {
        let folder = folder.to_owned();
        let looked = engine
            .call::<method::GitStatus>(Folder {
                folder: folder.clone(),
            })
            .await;
        assert_eq!(looked.unwrap_err().code, Code::Usage, "{folder:?}");
        let switch = SwitchBranch {
            folder: folder.clone(),
            name: "made-by-a-test".to_owned(),
            create: true,
        };
        let switched = engine.call::<method::GitSwitch>(switch).await;
        assert_eq!(switched.unwrap_err().code, Code::Usage, "{folder:?}");
    }
}

#[tokio::test]
async fn nothing_moves_under_a_turn_that_runs() {
    let bench = bench([Turn::text("Working.").and(Step::Hold)]);
    let engine = bench.engine().await;
    let folder = folder(&bench);
    let id = bench.session(&engine, ApproveMode::Auto).await.id;
    let mut events = engine.subscribe(id).await.unwrap();
    prompt(&engine, id, "go").await.unwrap();
    until(&mut events, |body| {
        matches!(body, EventBody::TurnStarted { .. })
    })
    .await;
    let switch = SwitchBranch {
        folder: folder.clone(),
        name: "topic".to_owned(),
        create: true,
    };
    let save = SaveStash {
        folder: folder.clone(),
        message: None,
        untracked: true,
    };
    bench.fixture.write("b.txt", "mine\n");
    let refused = |failure: Failure| {
        assert_eq!(failure.code, Code::Conflict, "{failure}");
        assert!(
            failure.message.contains("works in this folder"),
            "{failure}"
        );
    };
    refused(
        engine
            .call::<method::GitSwitch>(switch.clone())
            .await
            .unwrap_err(),
    );
    refused(
        engine
            .call::<method::GitStash>(save.clone())
            .await
            .unwrap_err(),
    );
    // Nor does git itself, which is then not told to have run.
    let act = GitAct::Commit {
        message: "Say it".to_owned(),
        amend: false,
    };
    let preview = PreviewGit {
        folder: folder.clone(),
        act: act.clone(),
    };
    let argv = engine
        .call::<method::GitPreview>(preview)
        .await
        .unwrap()
        .argv;
    let run = RunGit {
        folder: folder.clone(),
        act,
        argv,
    };
    refused(engine.call::<method::GitRun>(run).await.unwrap_err());
    let whose = Folder {
        folder: folder.clone(),
    };
    let told = engine.call::<method::GitRunning>(whose).await.unwrap();
    assert!(told.is_none(), "{told:?}");
    bench.server.release_all();
    until_end(&mut events).await;
    engine.idle(id).await.unwrap();

    let stashed = engine.call::<method::GitStash>(save).await.unwrap();
    assert_eq!(bench.fixture.read("b.txt"), "b\n");
    engine.call::<method::GitSwitch>(switch).await.unwrap();
    assert_eq!(
        status(&engine, &folder).await.branch.as_deref(),
        Some("topic")
    );
    let take = TakeStash {
        folder,
        oid: stashed.oid,
        drop: true,
    };
    engine.call::<method::GitUnstash>(take).await.unwrap();
    assert_eq!(bench.fixture.read("b.txt"), "mine\n");
}

#[tokio::test]
async fn a_draft_shows_the_model_what_is_staged_and_no_secret() {
    let script = Script::new().turn(Turn::text("\nSay more\n\nBecause.\n"));
    let mut bench = bench([]);
    bench.server = kerf_test_support::ModelServer::start(script);
    let engine = bench.engine().await;
    let folder = folder(&bench);
    let draft = DraftMessage {
        folder: folder.clone(),
        session_id: None,
    };
    let nothing = engine
        .call::<method::GitDraftMessage>(draft.clone())
        .await
        .unwrap_err();
    assert_eq!(nothing.code, Code::Usage, "{nothing}");
    assert!(bench.server.requests().is_empty());

    let token = ["ghp_", "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"].concat();
    bench
        .fixture
        .write("a.txt", format!("one\ntoken = \"{token}\"\n"));
    bench.fixture.write(".env", "PASSWORD=hunter2hunter2\n");
    bench.fixture.write("b.txt", "not staged\n");
    bench.fixture.write(".kerfignore", "sub/own.txt\n");
    bench.fixture.write("sub/own.txt", "the user's own\n");
    stage(&engine, &folder, "a.txt").await;
    stage(&engine, &folder, ".env").await;
    stage(&engine, &folder, "sub/own.txt").await;
    let drafted = engine.call::<method::GitDraftMessage>(draft).await.unwrap();
    assert_eq!(drafted.text, "Say more\n\nBecause.");
    assert_eq!(
        drafted.left_out,
        ".env is withheld; sub/own.txt is withheld"
    );
    let sent = bench.server.requests();
    let body = String::from_utf8(sent[0].body.to_vec()).unwrap();
    assert!(
        body.contains("KERF_SECRET_") && body.contains("-two"),
        "{body}"
    );
    for secret in [token.as_str(), "hunter2", "not staged", "the user's own"] {
        assert!(!body.contains(secret), "{secret} was sent");
    }
    let rows = engine
        .call::<method::LedgerList>(ListLedger::default())
        .await
        .unwrap();
    let row = rows
        .iter()
        .find(|row| row.entry.purpose == Purpose::CommitMessage)
        .unwrap();
    assert_eq!(row.entry.files[0].path, "a.txt");
}

/// The user opened a part of the repository; what is staged lies in all of it.
#[tokio::test]
async fn a_draft_shows_nothing_that_is_withheld_elsewhere_in_the_repository() {
    let script = Script::new().turn(Turn::text("Say more\n"));
    let mut bench = bench([]);
    bench.server = kerf_test_support::ModelServer::start(script);
    let config = bench.options().home.config();
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(config, "[rules]\ndeny = [\"Read(./own/**)\"]\n").unwrap();
    let engine = bench.engine().await;
    bench.fixture.write(".kerfignore", "/keys/\n");
    let all = [
        ("keys/customers.txt", "of the top"),
        ("sub/own/a.txt", "of the part"),
        ("shown/a.txt", "to be seen"),
        ("sub/keys/b.txt", "to be read"),
    ];
    for (path, text) in all {
        bench.fixture.write(path, format!("{text}\n"));
        stage(&engine, &folder(&bench), path).await;
    }
    let draft = DraftMessage {
        folder: bench.fixture.path().join("sub").display().to_string(),
        session_id: None,
    };
    let drafted = engine.call::<method::GitDraftMessage>(draft).await.unwrap();
    assert_eq!(
        drafted.left_out,
        "keys/customers.txt is withheld; sub/own/a.txt is withheld"
    );
    let sent = bench.server.requests();
    let body = String::from_utf8(sent[0].body.to_vec()).unwrap();
    for (_, text) in all {
        assert_eq!(body.contains(text), text.starts_with("to be"), "{text}");
    }
}

#[tokio::test]
async fn a_draft_is_asked_of_no_endpoint_that_nobody_set() {
    let bench = bench([]);
    let mut options = bench.options();
    options.environment = kerf_engine::EnvironmentEndpoint::default();
    let engine = Engine::open(options).await.unwrap();
    let folder = folder(&bench);
    bench.fixture.write("b.txt", "staged\n");
    stage(&engine, &folder, "b.txt").await;
    let draft = DraftMessage {
        folder,
        session_id: None,
    };
    let refused = engine
        .call::<method::GitDraftMessage>(draft)
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::Configuration, "{refused}");
    assert!(bench.server.requests().is_empty());
}
