//! What a worktree needs that git does not keep: files that `.worktreeinclude` names, and folders of dependencies.

use super::copy::{self, Clone};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::{
    collections::{BTreeSet, VecDeque},
    ffi::OsString,
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

/// Of a folder that is ignored no more is looked at for files that are named.
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
/// stays as it is, and nothing is written through a link in it.
pub(super) fn bring(from: &Path, to: &Path, ignored: &[PathBuf], clone: Clone<'_>) -> Brought {
    let (mut notes, mut uncloned) = (Vec::new(), Vec::new());
    let include = Include::of(from, &mut notes);
    let mut left = MAX_INCLUDED;
    for path in ignored {
        let Ok(stat) = from.join(path).symlink_metadata() else {
            continue;
        };
        if is_dependency(path, &stat) {
            if is_there(to, path) {
                continue;
            }
            if let Err(error) = clone_folder(from, to, path, clone) {
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
        } else if let Some(include) = include.as_ref().filter(|include| include.reaches(path)) {
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
    /// Ignored folders with too much in them to look at all of it.
    pub(super) unseen: Vec<PathBuf>,
}

/// The files among `ignored` (relative to `at`) that `.worktreeinclude` of `from` names and that are others in `at` than
/// in `from` by `is_same`, or only there. What an archive holds of them is bounded like what is brought.
pub(super) fn changed(from: &Path, at: &Path, ignored: &[PathBuf], is_same: IsSame) -> Changed {
    let mut changed = Changed::default();
    let Some(include) = Include::of(from, &mut Vec::new()) else {
        return changed;
    };
    let mut left = MAX_INCLUDED;
    for root in ignored.iter().filter(|path| include.reaches(path)) {
        // What lies highest comes first: it is the likeliest to be named.
        let mut paths = VecDeque::from([root.clone()]);
        let mut looked_at = 0;
        while let Some(path) = paths.pop_front() {
            looked_at += 1;
            if looked_at > MAX_LOOKED_AT {
                changed.unseen.push(root.clone());
                break;
            }
            let Ok(stat) = at.join(&path).symlink_metadata() else {
                continue;
            };
            if is_dependency(&path, &stat) {
                continue;
            }
            if stat.is_dir() {
                if let Ok(entries) = fs::read_dir(at.join(&path)) {
                    paths.extend(entries.flatten().map(|entry| path.join(entry.file_name())));
                }
                continue;
            }
            let is_other = include.names(&path)
                && stat.is_file()
                && !is_same(&from.join(&path), &at.join(&path), &stat);
            if is_other {
                changed.add(path, stat.len(), &mut left);
            }
        }
    }
    changed
}

impl Changed {
    fn add(&mut self, path: PathBuf, len: u64, left: &mut (usize, u64)) {
        if len > MAX_KEPT {
            self.unkept.push((path, "it is over 64 MB"));
            return;
        }
        let (Some(files), Some(bytes)) = (left.0.checked_sub(1), left.1.checked_sub(len)) else {
            self.unkept.push((path, "the others are too many"));
            return;
        };
        *left = (files, bytes);
        self.kept.push(path);
    }
}

/// Whether the user's file, the first, is the one that is here, the second.
pub(super) type IsSame = fn(&Path, &Path, &Metadata) -> bool;

/// By length and time alone, which a file that was brought has of the user's.
pub(super) fn has_stamp_of(users: &Path, _here: &Path, stat: &Metadata) -> bool {
    users.symlink_metadata().is_ok_and(|users| {
        let modified = users.modified().ok();
        users.is_file() && users.len() == stat.len() && modified == stat.modified().ok()
    })
}

/// By what they hold; what cannot be read is another.
pub(super) fn has_bytes_of(users: &Path, here: &Path, stat: &Metadata) -> bool {
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

/// What `.worktreeinclude` names.
struct Include {
    rules: Gitignore,
    /// The folders and files at the top that all of it is in or beneath; none: it may be anywhere.
    tops: Option<BTreeSet<OsString>>,
}

impl Include {
    fn of(from: &Path, notes: &mut Vec<String>) -> Option<Self> {
        let path = from.join(INCLUDE);
        let stat = path.symlink_metadata().ok()?;
        if !stat.is_file() || stat.len() > MAX_INCLUDE {
            notes.push(format!("{INCLUDE} is not read: it is no file, or too long"));
            return None;
        }
        let text = fs::read(&path).ok()?;
        let text = String::from_utf8_lossy(&text);
        let mut builder = GitignoreBuilder::new(from);
        for line in text.lines() {
            if let Err(error) = builder.add_line(None, line) {
                notes.push(format!("a line of {INCLUDE} is not understood: {error}"));
            }
        }
        let named = text
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty() && !line.starts_with(['#', '!']));
        Some(Self {
            rules: builder.build().ok()?,
            tops: named.map(top).collect(),
        })
    }

    /// Whether it may name something in or beneath a path.
    fn reaches(&self, path: &Path) -> bool {
        let top = path.iter().next().unwrap_or_default();
        self.tops.as_ref().is_none_or(|tops| tops.contains(top))
    }

    fn names(&self, path: &Path) -> bool {
        self.rules
            .matched_path_or_any_parents(path, false)
            .is_ignore()
    }
}

/// The first part of what a line names, if that is plain and the line says where it begins.
fn top(line: &str) -> Option<OsString> {
    let named = line.trim_start_matches('/');
    let (top, beneath) = named.split_once('/').unwrap_or((named, ""));
    let begins_at_top = named.len() < line.len() || !beneath.is_empty();
    let is_plain = !top.contains(['*', '?', '[', '{', '\\']);
    (begins_at_top && is_plain).then(|| top.into())
}

/// Brings what `include` names of an ignored path. Links are left: they may lead out of the folder.
fn included(
    include: &Include,
    from: &Path,
    to: &Path,
    root: &Path,
    left: &mut (usize, u64),
    notes: &mut Vec<String>,
) {
    let mut paths = VecDeque::from([root.to_owned()]);
    let mut looked_at = 0;
    while let Some(path) = paths.pop_front() {
        looked_at += 1;
        if looked_at > MAX_LOOKED_AT {
            notes.push(format!(
                "{}: not all of it was looked at for {INCLUDE}",
                root.display()
            ));
            return;
        }
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
        if !include.names(&path) || is_there(to, &path) {
            continue;
        }
        if !stat.is_file() {
            notes.push(format!("{} was not brought: it is a link", path.display()));
            continue;
        }
        let (Some(files), Some(bytes)) = (left.0.checked_sub(1), left.1.checked_sub(stat.len()))
        else {
            notes.push(format!(
                "{} was not brought: {INCLUDE} names too much",
                path.display()
            ));
            continue;
        };
        *left = (files, bytes);
        let brought = make_parents(to, &path)
            .and_then(|()| copy::bring(&from.join(&path), &to.join(&path), &stat));
        if let Err(error) = brought {
            notes.push(format!("{} was not brought: {error}", path.display()));
        }
    }
}

/// Clones a folder whole, or leaves nothing of it.
fn clone_folder(from: &Path, to: &Path, folder: &Path, clone: Clone<'_>) -> io::Result<()> {
    make_parents(to, folder)?;
    fs::create_dir(to.join(folder))?;
    let cloned = clone_into(from, to, folder, clone);
    if cloned.is_err() {
        // What stays of it is told as not brought all the same.
        let _ = fs::remove_dir_all(to.join(folder));
    }
    cloned
}

fn clone_into(from: &Path, to: &Path, folder: &Path, clone: Clone<'_>) -> io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(from.join(&at))? {
            let entry = entry?;
            let (path, stat) = (at.join(entry.file_name()), entry.metadata()?);
            if stat.is_dir() {
                fs::create_dir(to.join(&path))?;
                folders.push(path);
            } else if stat.is_file() || stat.is_symlink() {
                copy::bring_cloned(&from.join(&path), &to.join(&path), &stat, clone)?;
            }
        }
    }
    Ok(())
}

/// Whether something is at a path itself, not where a link on the way leads.
fn is_there(root: &Path, path: &Path) -> bool {
    blocked(root, path).is_none() && root.join(path).symlink_metadata().is_ok()
}

/// The first of the folders that `path` is in that is there and is none.
fn blocked<'p>(root: &Path, path: &'p Path) -> Option<&'p Path> {
    let folders = path.ancestors().skip(1);
    let folders = folders.filter(|folder| !folder.as_os_str().is_empty());
    let is_another = |folder: &&Path| {
        let stat = root.join(folder).symlink_metadata();
        stat.is_ok_and(|stat| !stat.is_dir())
    };
    // The highest: what is beneath a link is where that leads.
    folders.filter(is_another).last()
}

/// Makes the folders that `path` is in, and goes through no link: it might lead out of `root`.
pub(super) fn make_parents(root: &Path, path: &Path) -> io::Result<()> {
    if let Some(blocked) = blocked(root, path) {
        let why = format!("{} is no folder there", blocked.display());
        return Err(io::Error::new(io::ErrorKind::NotADirectory, why));
    }
    let path = root.join(path);
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("/.env\n", false)]
    #[case("# all\n!cache/x\nlocal/.env  \n\n", false)]
    #[case("", false)]
    #[case("/cache\n", true)]
    #[case("local/.env\ncache/x\n", true)]
    #[case("/c*/.env\n", true)]
    #[case("/{cache,x}/.env\n", true)]
    #[case("**/.env\n", true)]
    #[case(".env\n", true)]
    #[case("deep/\n", true)]
    fn only_where_a_line_may_lead_is_looked(#[case] lines: &str, #[case] reaches: bool) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(INCLUDE), lines).unwrap();
        let include = Include::of(folder.path(), &mut Vec::new()).unwrap();
        assert_eq!(include.reaches(Path::new("cache/deep")), reaches);
    }
}
