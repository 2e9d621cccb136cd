//! What is in a worktree, in words and in bytes.

use kerf_git::Work;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// So many files are named; the others are counted.
const NAMED: usize = 3;

/// So many files are named that are gone for good when their worktree is removed; the others are counted.
const MAX_UNKEPT: usize = 20;

/// More files are not counted: a list must not take minutes.
const MAX_COUNTED: usize = 500_000;

/// What is in it and nowhere else, a sentence part each.
pub(super) fn in_words(work: &Work) -> Vec<String> {
    let mut words = Vec::new();
    let mut tell = |what: &str, paths: &[PathBuf]| {
        if paths.is_empty() {
            return;
        }
        let named: Vec<_> = paths
            .iter()
            .take(NAMED)
            .map(|path| path.display().to_string())
            .collect();
        let more = match paths.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        words.push(format!("{what} {}{more}", named.join(", ")));
    };
    tell("uncommitted", &work.uncommitted);
    tell("untracked", &work.untracked);
    tell("a repository of its own in", &work.nested);
    match work.commits {
        0 => {}
        1 => words.push("1 commit on no branch".to_owned()),
        commits => words.push(format!("{commits} commits on no branch")),
    }
    words.extend(unkept(work));
    words
}

/// What goes with a worktree for good, and where that is not known.
pub(super) fn lost(work: &Work) -> Vec<String> {
    let unkept = unkept(work).into_iter();
    let unseen = work.unseen.iter().take(MAX_UNKEPT).map(|path| {
        format!(
            "{} went with it and was too large to look at all of it for files that .worktreeinclude names",
            path.display()
        )
    });
    let gone = unkept.map(|words| format!("gone with it: {words}"));
    gone.chain(unseen).collect()
}

/// What an archive cannot hold, each by its name.
fn unkept(work: &Work) -> Vec<String> {
    let mut words: Vec<String> = work
        .unkept
        .iter()
        .take(MAX_UNKEPT)
        .map(|(path, why)| format!("{}, which no archive can hold: {why}", path.display()))
        .collect();
    match work.unkept.len().saturating_sub(MAX_UNKEPT) {
        0 => {}
        more => words.push(format!("{more} more files that no archive can hold")),
    }
    words
}

/// Bytes of all files beneath a folder; 0 when it is not there.
pub(super) fn bytes_beneath(folder: &Path) -> u64 {
    let (mut bytes, mut counted) = (0, 0);
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).into_iter().flatten().flatten() {
            counted += 1;
            let Ok(stat) = entry.metadata() else { continue };
            if stat.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += stat.len();
            }
        }
        if counted > MAX_COUNTED {
            break;
        }
    }
    bytes
}
