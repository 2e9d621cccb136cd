//! The offline data of the store's checked queries: made from its migrations, and committed.

use crate::{Done, run, types::files};
use std::{fs, path::PathBuf};

pub(crate) fn run(arguments: &[String]) -> Done {
    if arguments.iter().any(|argument| argument == "--check") {
        return check();
    }
    let (fresh, old) = (generate()?, committed());
    let failed = |error: std::io::Error| format!("{} cannot be replaced: {error}", old.display());
    if old.exists() {
        fs::remove_dir_all(&old).map_err(failed)?;
    }
    fs::create_dir_all(&old).map_err(failed)?;
    for (name, text) in files(&fresh)? {
        fs::write(old.join(name), text).map_err(failed)?;
    }
    Ok(())
}

fn committed() -> PathBuf {
    run::root().join("crates/store/.sqlx")
}

/// Fails when the committed files are not what queries and migrations say.
pub(crate) fn check() -> Done {
    let (fresh, old) = (files(&generate()?)?, files(&committed())?);
    if fresh == old {
        return Ok(());
    }
    Err("the offline query data in crates/store/.sqlx is stale; run `cargo xtask sqlx`".to_owned())
}

/// Compiles the queries against a database that the migrations just made.
fn generate() -> Result<PathBuf, String> {
    let place = run::target().join("sqlx");
    let (database, data) = (place.join("kerf.db"), place.join("data"));
    let failed = |error: std::io::Error| format!("{} cannot be used: {error}", place.display());
    if place.exists() {
        fs::remove_dir_all(&place).map_err(failed)?;
    }
    fs::create_dir_all(&data).map_err(failed)?;
    let schema = [
        "run",
        "--quiet",
        "--package",
        "kerf-store",
        "--no-default-features",
        "--example",
        "schema",
        "--",
    ];
    run::run(run::cargo().args(schema).arg(&database))?;
    // The environment does not count as a change to cargo, so the crate's own build result goes.
    run::run(run::cargo().args(["clean", "--quiet", "--package", "kerf-store"]))?;
    run::run(
        run::cargo()
            .env("DATABASE_URL", format!("sqlite:{}", database.display()))
            .env("SQLX_OFFLINE", "false")
            .env("SQLX_OFFLINE_DIR", &data)
            .args(["check", "--quiet", "--package", "kerf-store"]),
    )?;
    Ok(data)
}
