//! Which files are opened, which are refused, and that a refused file stays as it is.

use crate::fixture::{Home, said, write};
use kerf_store::{Store, StoreError, Write};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    fs,
    path::{Path, PathBuf},
};

async fn sqlite(path: &Path, statements: &[&'static str]) {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let mut conn = SqliteConnection::connect_with(&options).await.unwrap();
    for statement in statements {
        sqlx::query(*statement).execute(&mut conn).await.unwrap();
    }
    conn.close().await.unwrap();
}

/// A database of the first schema.
pub(crate) async fn first_schema(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    sqlite(path, &["pragma journal_mode = wal"]).await;
    let mut migrator = sqlx::migrate!();
    migrator.migrations.to_mut().truncate(1);
    let options = SqliteConnectOptions::new().filename(path);
    let mut conn = SqliteConnection::connect_with(&options).await.unwrap();
    migrator.run_direct(None, &mut conn, false).await.unwrap();
    conn.close().await.unwrap();
}

/// The files beside the database, with their content.
fn content(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_new_database_is_private_and_safe() {
    let home = Home::new();
    let (store, _, _) = home.with_session().await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(home.path().parent().unwrap()), 0o700);
        for (path, _) in content(&home.path()) {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
        store.close().await.unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o644)).unwrap();
        let _store = home.open().await;
        assert_eq!(mode(&home.path()), 0o600, "an older file is made private");
    }
}

#[tokio::test]
async fn foreign_and_newer_files_are_refused_and_left_alone() {
    type Expected = fn(&StoreError) -> bool;
    type Make = fn(PathBuf) -> std::pin::Pin<Box<dyn Future<Output = ()>>>;
    let cases: [(&str, Make, Expected); 6] = [
        (
            "text",
            |path| Box::pin(async move { fs::write(path, "dear diary").unwrap() }),
            |e| matches!(e, StoreError::Foreign { .. }),
        ),
        (
            "zeros",
            |path| Box::pin(async move { fs::write(path, [0; 8192]).unwrap() }),
            |e| matches!(e, StoreError::Foreign { .. }),
        ),
        (
            "another database",
            |path| Box::pin(async move { sqlite(&path, &["create table t (x)"]).await }),
            |e| matches!(e, StoreError::Foreign { .. }),
        ),
        (
            "another database in WAL mode",
            |path| {
                Box::pin(async move {
                    sqlite(&path, &["pragma journal_mode = wal", "create table t (x)"]).await
                })
            },
            |e| matches!(e, StoreError::Foreign { .. }),
        ),
        (
            "a newer Kerf's",
            |path| {
                Box::pin(async move {
                    Store::open(&path).await.unwrap().close().await.unwrap();
                    sqlite(&path, &["pragma user_version = 999"]).await;
                })
            },
            |e| matches!(e, StoreError::Newer { found: 999, .. }),
        ),
        (
            "a folder",
            |path| Box::pin(async move { fs::create_dir(path).unwrap() }),
            |e| matches!(e, StoreError::Foreign { .. } | StoreError::Io { .. }),
        ),
    ];
    for (what, make, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kerf.db");
        make(path.clone()).await;
        let before = content(&path);
        let error = Store::open(&path).await.unwrap_err();
        assert!(expected(&error), "{what}: {error:?}");
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{what}: {error}"
        );
        let after: Vec<_> = content(&path)
            .into_iter()
            .filter(|(file, _)| before.iter().any(|(was, _)| was == file))
            .collect();
        assert!(before == after, "{what} was changed");
    }
}

#[tokio::test]
async fn damage_is_told_with_the_name_of_the_file() {
    for (what, from, to) in [
        ("cut", 4096, None),
        ("tables overwritten", 4096, Some(0xa5)),
        ("header overwritten", 16, Some(0xa5)),
    ] {
        let home = Home::new();
        let (store, session, turn_id) = home.with_session().await;
        let items: Vec<_> = (1..200)
            .map(|seq| write(session.id, seq, &said(turn_id, &"words ".repeat(100))))
            .collect();
        store.commit(items).await.unwrap();
        store.close().await.unwrap();
        let mut bytes = fs::read(home.path()).unwrap();
        match to {
            // The file's first 100 bytes stay where only the tables are hit.
            Some(byte) => {
                let end = if from < 100 { 60 } else { bytes.len() };
                bytes[from..end].fill(byte);
            }
            None => bytes.truncate(from * 3),
        }
        fs::write(home.path(), &bytes).unwrap();
        let error = match Store::open(&home.path()).await {
            Ok(store) => match store.check().await {
                Ok(()) => store.transcript(session.id).await.map(drop).unwrap_err(),
                Err(error) => error,
            },
            Err(error) => error,
        };
        assert!(
            matches!(
                error,
                StoreError::Damaged { .. } | StoreError::Foreign { .. }
            ),
            "{what}: {error:?}"
        );
        assert!(
            error.to_string().contains(home.path().to_str().unwrap()),
            "{what}: {error}"
        );
        assert!(
            fs::read(home.path()).unwrap() == bytes,
            "{what}: the damaged file was changed"
        );
    }
}

#[tokio::test]
async fn a_database_whose_first_write_was_cut_short_is_a_new_one() {
    // Only WAL mode was set when Kerf was killed.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kerf.db");
    sqlite(&path, &["pragma journal_mode = wal"]).await;
    let store = Store::open(&path).await.unwrap();
    store.check().await.unwrap();
    // The whole header is still in the -wal file when the file is opened a second time.
    let again = Store::open(&path).await.unwrap();
    again.commit(Vec::<Write>::new()).await.unwrap();
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let home = Home::new();
    let (store, session, _) = home.with_session().await;
    let queued = store.enqueue(vec![Write::Title {
        id: session.id,
        title: "last".to_owned(),
    }]);
    store.clone().close().await.unwrap();
    queued.await.unwrap();
    assert!(matches!(
        store.commit(Vec::new()).await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(
        store.session(session.id).await,
        Err(StoreError::Closed)
    ));
    assert_eq!(
        home.open().await.session(session.id).await.unwrap().title,
        "last"
    );
}
