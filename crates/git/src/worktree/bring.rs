//! What a worktree needs that git does not keep: files that `.worktreeinclude` names, and folders of dependencies.

use super::copy::{self, Clone};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::{
    fs::{self, File, Metadata},
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
};

/// Folders that tools make and can make again. They are cloned or left out, never copied.
const DEPENDENCIES: &[&str] = &[
    "node_modules",
    ".venv",
    "venv",
    "target",
    "vendor",
    ".gradle",
    ".tox",
    "_build",
    "deps",
    "Pods",
];

/// Those of them that are read far more than written.
const LENT: &[&str] = &["node_modules", ".venv", "venv", "vendor", "deps", "Pods"];

/// The file that names more to bring, in the syntax of `.gitignore`.
const INCLUDE: &str = ".worktreeinclude";

/// Longer lists are not read, in bytes.
const MAX_INCLUDE: u64 = 64 * 1024;

/// More of what is ignored is not looked at for files that are to be brought.
const MAX_LOOKED_AT: usize = 50_000;

/// A longer file is not kept in an archive, in bytes.
const MAX_KEPT: u64 = 64 << 20;

/// So much of two files is compared at once, in bytes.
const PIECE: usize = 64 * 1024;

/// More files are not brought for `.worktreeinclude`, nor more bytes.
const MAX_INCLUDED: (usize, u64) = (10_000, 1 << 30);

/// What came of bringing.
pub(super) struct Brought {
    /// What was not brought, and why.
    pub(super) notes: Vec<String>,
    /// Folders of dependencies that the file system cannot clone.
    pub(super) uncloned: Vec<PathBuf>,
}

/// Brings what is wanted of `ignored` (relative to `from`), and says what was not brought and why. What is in `to` already
/// stays as it is.
pub(super) fn bring(from: &Path, to: &Path, ignored: &[PathBuf], clone: Clone<'_>) -> Brought {
    let (mut notes, mut uncloned) = (Vec::new(), Vec::new());
    let include = include(from, &mut notes);
    let mut left = (MAX_LOOKED_AT, MAX_INCLUDED.0, MAX_INCLUDED.1);
    for path in ignored {
        let Ok(stat) = from.join(path).symlink_metadata() else {
            continue;
        };
        if is_dependency(path, &stat) {
            if to.join(path).symlink_metadata().is_ok() {
                continue;
            }
            if let Err(error) = clone_folder(from, to, path, clone) {
                let _ = fs::remove_dir_all(to.join(path));
                let why = match error.kind() {
                    io::ErrorKind::Unsupported | io::ErrorKind::CrossesDevices => {
                        if path.file_name().is_some_and(is_lent_name) {
                            uncloned.push(path.clone());
                        }
                        "the file system cannot clone it".to_owned()
                    }
                    _ => error.to_string(),
                };
                notes.push(format!("{} was not brought: {why}", path.display()));
            }
        } else if let Some(include) = &include {
            included(include, from, to, path, &mut left, &mut notes);
        }
    }
    Brought { notes, uncloned }
}

/// Whether a folder of this name is of use to commands that can only read it. Builds write their output anew.
#[must_use]
pub fn is_lent_name(name: &std::ffi::OsStr) -> bool {
    LENT.iter().any(|known| name == *known)
}

/// What `.worktreeinclude` names of ignored files that are others than the user's.
#[derive(Default)]
pub(super) struct Changed {
    /// What an archive holds of it.
    pub(super) kept: Vec<PathBuf>,
    /// What it cannot hold, and why.
    pub(super) unkept: Vec<(PathBuf, &'static str)>,
}

/// The files among `ignored` (relative to `at`) that `.worktreeinclude` of `from` names and that are others in `at` than
/// in `from`, or only there. What an archive holds of them is bounded like what is brought.
pub(super) fn changed(from: &Path, at: &Path, ignored: &[PathBuf]) -> Changed {
    let mut changed = Changed::default();
    let Some(include) = include(from, &mut Vec::new()) else {
        return changed;
    };
    let mut folders = ignored.to_vec();
    let mut left = (MAX_LOOKED_AT, MAX_INCLUDED.0, MAX_INCLUDED.1);
    while let Some(path) = folders.pop() {
        let Some(looked_at) = left.0.checked_sub(1) else {
            let why = "and what is beside it: there is too much to look at";
            changed.unkept.push((path, why));
            break;
        };
        left.0 = looked_at;
        let Ok(stat) = at.join(&path).symlink_metadata() else {
            continue;
        };
        if is_dependency(&path, &stat) {
            continue;
        }
        if stat.is_dir() {
            if let Ok(entries) = fs::read_dir(at.join(&path)) {
                folders.extend(entries.flatten().map(|entry| path.join(entry.file_name())));
            }
            continue;
        }
        let named = include
            .matched_path_or_any_parents(&path, false)
            .is_ignore();
        if !named || !stat.is_file() || is_same(&from.join(&path), &at.join(&path), &stat) {
            continue;
        }
        if stat.len() > MAX_KEPT {
            changed.unkept.push((path, "it is over 64 MB"));
            continue;
        }
        let (Some(files), Some(bytes)) = (left.1.checked_sub(1), left.2.checked_sub(stat.len()))
        else {
            changed.unkept.push((path, "the others are too many"));
            continue;
        };
        (left.1, left.2) = (files, bytes);
        changed.kept.push(path);
    }
    changed
}

/// Whether the user's folder holds the same; what cannot be read is another.
fn is_same(users: &Path, here: &Path, stat: &Metadata) -> bool {
    let of_size = users
        .symlink_metadata()
        .is_ok_and(|users| users.is_file() && users.len() == stat.len());
    of_size && same_bytes(users, here).unwrap_or(false)
}

/// Compares a piece at a time: a file can be longer than the memory.
fn same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    let [mut one, mut other] = [
        BufReader::with_capacity(PIECE, File::open(one)?),
        BufReader::with_capacity(PIECE, File::open(other)?),
    ];
    loop {
        let (a, b) = (one.fill_buf()?, other.fill_buf()?);
        let len = a.len().min(b.len());
        if a[..len] != b[..len] || (len == 0 && a.len() != b.len()) {
            return Ok(false);
        }
        if len == 0 {
            return Ok(true);
        }
        one.consume(len);
        other.consume(len);
    }
}

fn is_dependency(path: &Path, stat: &Metadata) -> bool {
    stat.is_dir()
        && path
            .file_name()
            .is_some_and(|name| DEPENDENCIES.iter().any(|known| name == *known))
}

fn include(from: &Path, notes: &mut Vec<String>) -> Option<Gitignore> {
    let path = from.join(INCLUDE);
    let stat = path.symlink_metadata().ok()?;
    if !stat.is_file() || stat.len() > MAX_INCLUDE {
        notes.push(format!("{INCLUDE} is not read: it is no file, or too long"));
        return None;
    }
    let text = fs::read(&path).ok()?;
    let mut builder = GitignoreBuilder::new(from);
    for line in String::from_utf8_lossy(&text).lines() {
        if let Err(error) = builder.add_line(None, line) {
            notes.push(format!("a line of {INCLUDE} is not understood: {error}"));
        }
    }
    builder.build().ok()
}

/// Brings what `include` names of an ignored path. Links are left: they may lead out of the folder.
fn included(
    include: &Gitignore,
    from: &Path,
    to: &Path,
    path: &Path,
    left: &mut (usize, usize, u64),
    notes: &mut Vec<String>,
) {
    let mut paths = vec![path.to_owned()];
    while let Some(path) = paths.pop() {
        let Some(looked_at) = left.0.checked_sub(1) else {
            notes.push(format!(
                "{}: not all of it was looked at for {INCLUDE}",
                path.display()
            ));
            return;
        };
        left.0 = looked_at;
        let Ok(stat) = from.join(&path).symlink_metadata() else {
            continue;
        };
        if path
            .file_name()
            .is_some_and(|name| name.eq_ignore_ascii_case(".git"))
        {
            continue;
        }
        if stat.is_dir() {
            if let Ok(entries) = fs::read_dir(from.join(&path)) {
                paths.extend(entries.flatten().map(|entry| path.join(entry.file_name())));
            }
            continue;
        }
        if !include
            .matched_path_or_any_parents(&path, false)
            .is_ignore()
        {
            continue;
        }
        let target = to.join(&path);
        if target.symlink_metadata().is_ok() {
            continue;
        }
        if !stat.is_file() {
            notes.push(format!("{} was not brought: it is a link", path.display()));
            continue;
        }
        let (Some(files), Some(bytes)) = (left.1.checked_sub(1), left.2.checked_sub(stat.len()))
        else {
            notes.push(format!(
                "{} was not brought: {INCLUDE} names too much",
                path.display()
            ));
            continue;
        };
        (left.1, left.2) = (files, bytes);
        let brought =
            make_parents(&target).and_then(|()| copy::bring(&from.join(&path), &target, &stat));
        if let Err(error) = brought {
            notes.push(format!("{} was not brought: {error}", path.display()));
        }
    }
}

fn clone_folder(from: &Path, to: &Path, folder: &Path, clone: Clone<'_>) -> io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    make_parents(&to.join(folder))?;
    while let Some(at) = folders.pop() {
        fs::create_dir(to.join(&at))?;
        for entry in fs::read_dir(from.join(&at))? {
            let entry = entry?;
            let (path, stat) = (at.join(entry.file_name()), entry.metadata()?);
            if stat.is_dir() {
                folders.push(path);
            } else if stat.is_file() || stat.is_symlink() {
                copy::bring_cloned(&from.join(&path), &to.join(&path), &stat, clone)?;
            }
        }
    }
    Ok(())
}

pub(super) fn make_parents(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}
