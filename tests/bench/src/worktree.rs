//! Beginning a worktree: a copy of a repository with work that is not committed and a folder of dependencies, at three sizes,
//! beside `git worktree add`, which brings the last commit alone.
//!
//! Kerf's part runs in this process, as the engine runs it before a session begins.

use crate::{
    Done,
    numbers::{median, millis},
    table::{Table, Unit},
};
use kerf_git::{Place, Repo, clone_file};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
/// So many tracked files are changed, and so many new ones are not tracked.
const DIRTY: usize = 20;
/// One file of dependencies for so many of the repository's.
const DEPENDENCIES: usize = 10;
const ROUNDS: usize = 3;

pub(crate) fn run(table: &mut Table) -> Done {
    let mut uncloned = false;
    for files in SIZES {
        uncloned |= measure(files, table).map_err(|error| format!("{files} files: {error}"))?;
    }
    if uncloned {
        table.note("the file system cannot clone files: each file is copied, and dependencies are lent, not brought");
    }
    Ok(())
}

/// Whether dependencies could not be cloned.
fn measure(files: usize, table: &mut Table) -> Done<bool> {
    let room = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = room.path().join("folder");
    fill(&folder, files).map_err(|error| error.to_string())?;
    let repo = Repo::discover(&folder)
        .map_err(|error| error.to_string())?
        .ok_or("no repository was made")?;
    let (mut kerf, mut git, mut uncloned) = (Vec::new(), Vec::new(), false);
    for round in 0..ROUNDS {
        let path = room.path().join("worktrees").join(round.to_string());
        let place = Place {
            id: round.to_string(),
            objects: path.with_extension("objects"),
            path,
        };
        let begun = Instant::now();
        let made = repo
            .make_worktree(&place, &clone_file, &mut |_| ())
            .map_err(|error| error.to_string())?;
        kerf.push(begun.elapsed());
        uncloned |= !made.uncloned.is_empty();
        let brought = place.path.join(new_file(DIRTY - 1)).is_file()
            && place.path.join(tracked(files - 1)).is_file();
        if !brought {
            return Err(format!("not all was brought: {:?}", made.notes));
        }
        repo.unmake_worktree(&place)
            .map_err(|error| error.to_string())?;

        let peer = room.path().join(format!("peer-{round}"));
        let path = peer.to_str().ok_or("a path is no text")?;
        let begun = Instant::now();
        run_git(&folder, &["worktree", "add", "--quiet", "--detach", path])?;
        git.push(begun.elapsed());
        run_git(&folder, &["worktree", "remove", "--force", path])?;
    }
    let middle = |times: &[Duration]| {
        let times: Vec<f64> = times.iter().copied().map(millis).collect();
        Some(median(&times))
    };
    table.compare(
        &format!(
            "worktree of {files} files, {DIRTY} changed and {DIRTY} new, {} of dependencies, median of {ROUNDS}",
            files / DEPENDENCIES
        ),
        Unit::Millis,
        middle(&kerf),
    );
    table.compare(
        "– git worktree add, which brings the commit alone",
        Unit::Millis,
        middle(&git),
    );
    Ok(uncloned)
}

/// A repository of so many files with one commit, and work that is not in it.
fn fill(folder: &Path, files: usize) -> Result<(), Box<dyn std::error::Error>> {
    let write = |path: PathBuf, text: String| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, text)
    };
    for number in 0..files {
        write(tracked(number), format!("file {number}\n").repeat(20))?;
    }
    write(".gitignore".into(), "node_modules/\n".to_owned())?;
    run_git(folder, &["init", "--quiet"])?;
    run_git(folder, &["add", "--all"])?;
    run_git(folder, &["commit", "--quiet", "--message", "All"])?;
    for number in 0..DIRTY {
        let changed = number * (files / DIRTY);
        write(tracked(changed), format!("changed {number}\n").repeat(30))?;
        write(new_file(number), format!("new {number}\n").repeat(30))?;
    }
    for number in 0..files / DEPENDENCIES {
        let path = format!("node_modules/package{}/{number}.js", number / 50);
        write(path.into(), format!("export {number}\n").repeat(20))?;
    }
    Ok(())
}

fn tracked(number: usize) -> PathBuf {
    format!(
        "part{}/dir{}/file{number}.txt",
        number / 5_000,
        number / 100
    )
    .into()
}

fn new_file(number: usize) -> PathBuf {
    format!("new/file{number}.txt").into()
}

fn run_git(folder: &Path, arguments: &[&str]) -> Done {
    let nowhere = if cfg!(windows) { "NUL" } else { "/dev/null" };
    #[expect(clippy::disallowed_methods, reason = "the peer that is measured")]
    let done = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
        .args(["-c", "gc.auto=0"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", nowhere)
        .env("GIT_CONFIG_SYSTEM", nowhere)
        .output()
        .map_err(|error| format!("git: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(format!("git {}: {}", arguments.join(" "), said.trim()))
}
