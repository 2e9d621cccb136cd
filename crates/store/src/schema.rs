//! The migrations, and nothing that needs checked queries.

use sqlx::{Connection, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions};
use std::path::Path;

/// "KERF", in the file's header: whose database it is.
#[cfg(feature = "queries")]
pub(crate) const APPLICATION_ID: i64 = 0x4b45_5246;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The newest schema's version.
pub(crate) fn newest() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

/// The version of the schema in a database; 0 for an empty one.
pub(crate) async fn version(conn: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("pragma user_version")
        .fetch_one(conn)
        .await
}

/// Brings a database up to date in one transaction, so that a crash leaves the old schema or the new one.
pub(crate) async fn migrate(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut tx = conn.begin_with("begin immediate").await?;
    // Another process may have been first.
    if version(&mut tx).await? < newest() {
        MIGRATIONS.run_direct(None, &mut *tx, false).await?;
    }
    tx.commit().await
}

/// Makes an empty database of the newest schema, for `cargo xtask sqlx`.
///
/// # Errors
/// When the file is there and has tables, or cannot be written.
pub async fn create(path: &Path) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let mut conn = SqliteConnection::connect_with(&options).await?;
    migrate(&mut conn).await?;
    conn.close().await
}
