//! Backups, and the way back to one.

use crate::fixture::{Home, said, session, write};
use kerf_protocol::request::ListSessions;
use kerf_store::{Recovery, Store, StoreError, Write};
use rstest::rstest;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

fn copies(home: &Home) -> Vec<PathBuf> {
    files(&home.path().with_file_name("backups"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

async fn titles(store: &Store) -> Vec<String> {
    let sessions = store.sessions(&ListSessions::default()).await.unwrap();
    sessions.into_iter().map(|session| session.title).collect()
}

/// Enough rows that the file has many pages.
async fn fill(store: &Store, title: &str) {
    let mut new = session(store, "/work").await;
    new.title = title.to_owned();
    new.updated_at = i64::MAX / 2;
    let id = new.id;
    let turn = crate::fixture::turn();
    let turn_id = turn.id;
    store
        .commit(vec![
            Write::Session(new),
            Write::Turn {
                session_id: id,
                turn,
            },
        ])
        .await
        .unwrap();
    let items = (1..300).map(|seq| write(id, seq, &said(turn_id, &"words ".repeat(100))));
    store.commit(items.collect()).await.unwrap();
}

#[derive(Debug, Clone, Copy)]
enum Harm {
    /// Cut in the middle.
    Cut,
    /// Pages in the middle are full of something else.
    Overwritten,
    /// The last page is full of something else.
    End,
    /// The first page behind the header, which says what tables there are.
    Schema,
    /// Not a database any more.
    Header,
    /// Another program's file.
    Text,
    Empty,
}

impl Harm {
    fn apply(self, path: &Path) {
        let mut bytes = fs::read(path).unwrap();
        let end = bytes.len();
        match self {
            Self::Cut => bytes.truncate(end / 2),
            Self::Overwritten => bytes[4096..end / 2].fill(0xa5),
            Self::End => bytes[end - 4000..].fill(0xa5),
            Self::Schema => bytes[100..4096].fill(0xa5),
            Self::Header => bytes[..100].fill(0xa5),
            Self::Text => bytes = b"a text ".repeat(100),
            Self::Empty => bytes.clear(),
        }
        fs::write(path, bytes).unwrap();
    }
}

#[rstest]
#[case(Harm::Cut)]
#[case(Harm::Overwritten)]
#[case(Harm::Header)]
#[case(Harm::Text)]
#[tokio::test]
async fn a_damaged_database_is_set_aside_and_the_backup_serves(#[case] harm: Harm) {
    let home = Home::new();
    let store = home.open().await;
    fill(&store, "before").await;
    assert!(store.back_up_daily().await.unwrap());
    fill(&store, "after").await;
    store.close().await.unwrap();
    harm.apply(&home.path());
    let harmed = fs::read(home.path()).unwrap();

    let recovery = start(&home).await;
    let recovery = recovery.expect("it was damaged");
    assert_eq!(
        fs::read(recovery.set_aside.join("kerf.db")).unwrap(),
        harmed
    );
    assert!(recovery.backup_at.is_some());
    assert!(!recovery.reason.is_empty());
    let store = home.open().await;
    store.check().await.unwrap();
    assert_eq!(titles(&store).await, ["before"]);
    // Nothing is done twice.
    assert_eq!(start(&home).await, None);
}

/// Each of them has the file open while it finds out.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_that_start_at_once_one_sets_it_aside_and_all_go_on() {
    let home = Home::new();
    let store = home.open().await;
    fill(&store, "before").await;
    assert!(store.back_up_daily().await.unwrap());
    store.close().await.unwrap();
    Harm::Cut.apply(&home.path());
    let starts: Vec<_> = (0..16)
        .map(|_| home.path())
        .map(|path| tokio::spawn(async move { Store::open_or_recover(&path).await }))
        .collect();
    let mut recovered = 0;
    for start in starts {
        let (store, recovery) = start.await.unwrap().unwrap();
        recovered += usize::from(recovery.is_some());
        assert_eq!(titles(&store).await, ["before"]);
    }
    assert_eq!(recovered, 1);
}

/// Opens as a start of Kerf does; damage that only a look at all of it shows is found by the daily one.
async fn start(home: &Home) -> Option<Recovery> {
    let (store, recovery) = Store::open_or_recover(&home.path()).await.unwrap();
    if recovery.is_some() {
        return recovery;
    }
    age(home);
    match store.back_up_daily().await {
        Ok(_) => return None,
        Err(StoreError::Damaged { .. }) => {}
        Err(error) => panic!("{error}"),
    }
    // Whatever closing a damaged file says, nobody has it open then.
    drop(store.close().await);
    Store::open_or_recover(&home.path()).await.unwrap().1
}

/// Makes all copies two days old.
fn age(home: &Home) {
    let day = Duration::from_secs(24 * 60 * 60);
    let before = SystemTime::now() - 2 * day;
    let before = before
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    for (n, path) in (0_u128..).zip(copies(home)) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let rest = name.split_once("-v").unwrap().1;
        fs::rename(
            &path,
            path.with_file_name(format!("kerf-{}-v{rest}", before + n)),
        )
        .unwrap();
    }
}

#[tokio::test]
async fn what_was_lost_is_told_as_far_as_it_can_be_read() {
    let home = Home::new();
    let store = home.open().await;
    fill(&store, "before").await;
    let entry = || crate::ledger::entry(None, b"body");
    store.append_ledger(entry(), b"body").await.unwrap();
    store.back_up_daily().await.unwrap();
    fill(&store, "after").await;
    for _ in 0..3 {
        store.append_ledger(entry(), b"body").await.unwrap();
    }
    store.close().await.unwrap();
    // The last page alone is hit, so that most can still be read.
    Harm::End.apply(&home.path());
    let recovery = start(&home).await.expect("it was damaged");
    assert!(
        recovery.sessions.contains(&"after".to_owned()),
        "{recovery:?}"
    );
    assert_eq!(recovery.requests, Some(3));
}

#[tokio::test]
async fn without_a_backup_it_begins_empty_and_what_is_no_database_is_left_alone() {
    let home = Home::new();
    let store = home.open().await;
    fill(&store, "before").await;
    store.close().await.unwrap();
    Harm::Text.apply(&home.path());
    let text = fs::read(home.path()).unwrap();
    assert!(matches!(
        Store::open_or_recover(&home.path()).await,
        Err(StoreError::Foreign { .. })
    ));
    assert_eq!(fs::read(home.path()).unwrap(), text);

    let home = Home::new();
    let store = home.open().await;
    fill(&store, "before").await;
    store.close().await.unwrap();
    Harm::Cut.apply(&home.path());
    let recovery = start(&home).await.expect("it was damaged");
    assert_eq!(recovery.backup_at, None);
    assert_eq!(titles(&home.open().await).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_damaged_backup_is_passed_over_for_the_one_before() {
    let home = Home::new();
    let store = home.open().await;
    fill(&store, "first").await;
    store.back_up_daily().await.unwrap();
    age(&home);
    fill(&store, "second").await;
    store.back_up_daily().await.unwrap();
    store.close().await.unwrap();
    assert_eq!(copies(&home).len(), 2);
    Harm::Overwritten.apply(&copies(&home)[1]);
    Harm::Cut.apply(&home.path());
    start(&home).await.expect("it was damaged");
    assert_eq!(titles(&home.open().await).await, ["first"]);
}

#[tokio::test]
async fn one_copy_a_day_is_made_and_old_ones_go() {
    let home = Home::new();
    let store = home.open().await;
    assert!(
        !store.back_up_daily().await.unwrap(),
        "there is nothing to lose"
    );
    fill(&store, "old").await;
    assert!(store.back_up_daily().await.unwrap());
    assert!(!store.back_up_daily().await.unwrap(), "one a day");
    for _ in 0..4 {
        age(&home);
        assert!(store.back_up_daily().await.unwrap());
        #[cfg(unix)]
        for path in copies(&home) {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }
    assert_eq!(copies(&home).len(), 2);
}

#[tokio::test]
async fn an_older_schema_is_copied_before_it_is_changed() {
    let home = Home::new();
    crate::open::first_schema(&home.path()).await;
    let store = home.open().await;
    store.check().await.unwrap();
    let copies = copies(&home);
    assert_eq!(copies.len(), 1);
    assert!(
        copies[0].to_str().unwrap().ends_with("-v1.db"),
        "{copies:?}"
    );
    // A new database has nothing to copy.
    let fresh = Home::new();
    fresh.open().await;
    assert_eq!(self::copies(&fresh), Vec::<PathBuf>::new());
}

/// SQLite tells of the damage in an answer, or fails at the question.
#[rstest]
#[case::at_the_end(Harm::End, true)]
#[case::in_the_middle(Harm::Overwritten, true)]
#[case::in_the_schema(Harm::Schema, true)]
#[case::cannot_be_noted(Harm::End, false)]
#[tokio::test]
async fn a_look_at_all_of_it_has_the_next_start_go_back_once_nobody_has_it_open(
    #[case] harm: Harm,
    #[case] can_be_noted: bool,
) {
    let home = Home::new();
    let store = home.open().await;
    fill(&store, "before").await;
    assert!(store.back_up_daily().await.unwrap());
    store.close().await.unwrap();
    let window = home.open().await;
    let store = home.open().await;
    harm.apply(&home.path());
    let mark = home.path().with_file_name("kerf.db.damaged");
    if !can_be_noted {
        fs::create_dir(&mark).unwrap();
    }
    let found = store.check().await;
    assert!(
        matches!(found, Err(StoreError::Damaged { .. })),
        "{found:?}"
    );
    drop(store.close().await);
    if !can_be_noted {
        return;
    }
    assert!(mark.is_file());
    let harmed = fs::read(home.path()).unwrap();
    let refused = Store::open_or_recover(&home.path()).await;
    assert!(
        matches!(refused, Err(StoreError::DamagedInUse { .. })),
        "{refused:?}"
    );
    assert_eq!(fs::read(home.path()).unwrap(), harmed);
    drop(window.close().await);
    let (store, recovery) = Store::open_or_recover(&home.path()).await.unwrap();
    assert!(recovery.is_some());
    assert_eq!(titles(&store).await, ["before"]);
}

#[tokio::test]
async fn a_look_that_came_to_nothing_says_nothing_of_the_file() {
    let home = Home::new();
    let store = home.open().await;
    store.clone().close().await.unwrap();
    assert!(matches!(store.check().await, Err(StoreError::Closed)));
    assert!(!home.path().with_file_name("kerf.db.damaged").exists());
}

#[tokio::test]
async fn an_empty_file_is_a_new_database() {
    let home = Home::new();
    let store = home.open().await;
    store.close().await.unwrap();
    Harm::Empty.apply(&home.path());
    assert_eq!(start(&home).await, None);
}
