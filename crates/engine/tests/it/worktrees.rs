//! The registry of worktrees, and what the next start makes of what a process left in the middle.

use crate::kit::Bench;
use kerf_engine::Engine;
use kerf_git::{Place, Repo};
use kerf_protocol::{
    Code,
    attempt::{AttemptBy, Budget, StartAttempts},
    policy::Policy,
    request::{NewSession, method},
    session::Session,
    worktree::{ListWorktrees, ListedWorktree, WorkspaceKind, Worktree, WorktreeState},
};
use kerf_store::{Store, Write};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

fn bench() -> Bench {
    let mut bench = Bench::new("//- /a.txt\none\n", []);
    bench.fixture = bench.fixture.git();
    bench
}

async fn in_worktree(bench: &Bench, engine: &Engine) -> Session {
    let new = NewSession {
        folder: bench.fixture.path().display().to_string(),
        policy: Policy::default(),
        workspace: WorkspaceKind::Worktree { branch: None },
        ..NewSession::default()
    };
    engine.call::<method::SessionNew>(new).await.unwrap()
}

async fn list(engine: &Engine) -> Vec<ListedWorktree> {
    let list = ListWorktrees::default();
    engine.call::<method::WorktreeList>(list).await.unwrap()
}

/// Writes a row as a process did that was killed right after.
async fn put(bench: &Bench, worktree: &Worktree) {
    let store = Store::open(&bench.options().home.database()).await.unwrap();
    let write = Write::Worktree(worktree.clone());
    store.commit(vec![write]).await.unwrap();
    store.close().await.unwrap();
}

fn place(worktree: &Worktree) -> Place {
    Place {
        id: worktree.id.to_string(),
        path: PathBuf::from(&worktree.path),
        objects: PathBuf::from(format!("{}.objects", worktree.path)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_in_the_middle_is_finished() {
    let bench = bench();
    let engine = bench.engine().await;
    in_worktree(&bench, &engine).await;
    let mut worktree = list(&engine).await.remove(0).worktree;
    drop(engine);
    let path = PathBuf::from(&worktree.path);
    fs::write(path.join("work"), "work").unwrap();

    // Killed between the archive and the end of the removal.
    let repo = Repo::discover(bench.fixture.path()).unwrap().unwrap();
    repo.archive_worktree(&place(&worktree)).unwrap();
    worktree.state = WorktreeState::Removing;
    put(&bench, &worktree).await;
    let lock = File::options()
        .write(true)
        .open(
            bench
                .home
                .path()
                .join("worktrees/.locks")
                .join(worktree.id.to_string()),
        )
        .unwrap();
    lock.lock().unwrap();
    let engine = bench.engine().await;
    assert_eq!(
        list(&engine).await[0].worktree.state,
        WorktreeState::Removing,
        "another process is at it"
    );
    assert!(path.exists());
    drop(lock);
    assert_eq!(
        list(&engine).await[0].worktree.state,
        WorktreeState::Archived
    );
    assert!(!path.exists());

    // Killed while it was brought back: the archive is still there.
    fs::create_dir_all(path.join("half")).unwrap();
    assert_eq!(
        list(&engine).await[0].worktree.state,
        WorktreeState::Archived
    );
    assert!(!path.exists());
    let worktree_id = worktree.id;
    engine
        .call::<method::WorktreeRestore>(kerf_protocol::worktree::WorktreeRef { worktree_id })
        .await
        .unwrap();
    assert_eq!(fs::read_to_string(path.join("work")).unwrap(), "work");
    drop(engine);

    // Killed while it was made: nobody has worked in it.
    worktree.id = kerf_protocol::WorktreeId::new();
    worktree.path = format!("{}-more", worktree.path);
    worktree.state = WorktreeState::Creating;
    put(&bench, &worktree).await;
    repo.make_worktree(&place(&worktree), &kerf_git::clone_file, &mut |_| ())
        .unwrap();
    let engine = bench.engine().await;
    assert_eq!(list(&engine).await.len(), 1);
    assert!(!Path::new(&worktree.path).exists());
    assert!(path.exists(), "the other one stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_kerf_s_is_not_touched() {
    let bench = bench();
    let engine = bench.engine().await;
    in_worktree(&bench, &engine).await;
    let mut worktree = list(&engine).await.remove(0).worktree;
    drop(engine);
    let elsewhere = bench.fixture.path().canonicalize().unwrap().join("mine");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("file"), "mine").unwrap();
    worktree.id = kerf_protocol::WorktreeId::new();
    worktree.path = elsewhere.to_str().unwrap().to_owned();
    for state in [
        WorktreeState::Creating,
        WorktreeState::Removing,
        WorktreeState::Archived,
        WorktreeState::Ready,
    ] {
        worktree.state = state;
        put(&bench, &worktree).await;
        let engine = bench.engine().await;
        list(&engine).await;
        let remove = kerf_protocol::worktree::RemoveWorktree {
            worktree_id: worktree.id,
            force: true,
        };
        engine
            .call::<method::WorktreeRemove>(remove)
            .await
            .unwrap_err();
        assert_eq!(
            fs::read_to_string(elsewhere.join("file")).unwrap(),
            "mine",
            "{state:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn git_s_word_counts() {
    let bench = bench();
    let engine = bench.engine().await;
    in_worktree(&bench, &engine).await;
    let worktree = list(&engine).await.remove(0).worktree;
    // By hand: what git has is archived.
    fs::remove_dir_all(&worktree.path).unwrap();
    let listed = list(&engine).await;
    assert_eq!(listed[0].worktree.state, WorktreeState::Archived);
    assert!(
        listed[0]
            .worktree
            .notes
            .iter()
            .any(|note| note.contains("outside of Kerf"))
    );
    // Folder and record: there is nothing left to know.
    in_worktree(&bench, &engine).await;
    let all = list(&engine).await;
    let other = all
        .iter()
        .find(|one| one.worktree.id != worktree.id)
        .unwrap();
    fs::remove_dir_all(&other.worktree.path).unwrap();
    let records = bench.fixture.path().join(".git/worktrees");
    fs::remove_dir_all(records.join(format!("kerf-{}", other.worktree.id))).unwrap();
    assert_eq!(list(&engine).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_taken_away_is_found_again() {
    let bench = bench();
    let engine = bench.engine().await;
    // Where git's records would be: nothing can be made there, nor removed.
    let records = bench.fixture.path().join(".git/worktrees");
    fs::write(&records, "").unwrap();
    let new = NewSession {
        folder: bench.fixture.path().display().to_string(),
        workspace: WorkspaceKind::Worktree { branch: None },
        ..NewSession::default()
    };
    engine.call::<method::SessionNew>(new).await.unwrap_err();
    let listed = list(&engine).await;
    let [left] = listed.as_slice() else {
        panic!("{listed:?}");
    };
    assert_eq!(left.worktree.state, WorktreeState::Creating);
    fs::remove_file(&records).unwrap();
    assert!(list(&engine).await.is_empty());
    assert!(!Path::new(&left.worktree.path).exists());
    let locks = bench.home.path().join("worktrees/.locks");
    assert_eq!(fs::read_dir(locks).unwrap().count(), 0);
}

#[tokio::test]
async fn a_folder_that_begins_nowhere_is_refused() {
    let bench = bench();
    let engine = bench.engine().await;
    for folder in ["", ".", "src", "../x"] {
        let new = NewSession {
            folder: folder.to_owned(),
            workspace: WorkspaceKind::Worktree { branch: None },
            ..NewSession::default()
        };
        let start = StartAttempts {
            folder: folder.to_owned(),
            text: "Go".to_owned(),
            images: Vec::new(),
            policy: Policy::default(),
            attempts: vec![AttemptBy::default(); 2],
            budget: Budget::default(),
        };
        let refused = [
            engine.call::<method::SessionNew>(new).await.map(drop),
            engine.call::<method::AttemptsStart>(start).await.map(drop),
        ];
        for refused in refused {
            let failure = refused.unwrap_err();
            assert_eq!(failure.code, Code::Usage, "{folder:?}: {failure}");
            assert!(failure.message.contains("no whole path"), "{failure}");
        }
    }
    assert!(list(&engine).await.is_empty());
}
