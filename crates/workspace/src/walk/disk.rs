//! The walk on disk, by the `ignore` crate.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ignore::{DirEntry, ParallelVisitor, ParallelVisitorBuilder, WalkBuilder, WalkState};

use super::rules::{DOT_GIT, cannot_be_read, cannot_be_walked, plain_rules, rules};
use super::{Skipped, Walk, Walked};
use crate::folder::Workspace;
use crate::fs::{FsError, Kind, is_temp_name, stat};
use crate::path::RelPath;

/// A walk together with the folders it went through, which the watcher needs.
#[derive(Default)]
pub(crate) struct Scan {
    pub(crate) walked: Walked,
    /// `under` and every folder below it that is not ignored.
    pub(crate) folders: Vec<RelPath>,
}

pub(crate) fn on_disk(ws: &Workspace, options: &Walk) -> Scan {
    let mut scan = Scan::default();
    match start(ws, &options.under) {
        Ok(Start::Folder) => {}
        Ok(Start::File(stat)) => {
            scan.walked.files.push((options.under.clone(), stat));
            return scan;
        }
        Err(error) => return nothing(options, error.to_string()),
    }
    let named = ws.root().join(options.under.as_path());
    if !options.ignored
        && let Some(reason) = cannot_be_walked(&named)
    {
        return nothing(options, reason);
    }
    let mut top = RelPath::root();
    let mut builder = WalkBuilder::new(ws.root());
    if options.ignored {
        builder.standard_filters(false).follow_links(false);
    } else {
        builder = rules(ws.root());
        if is_ignored(&builder, &options.under) {
            // Asked for by name, so its own rules count and those that hide it do not.
            top = options.under.clone();
            builder = plain_rules(&ws.root().join(top.as_path()));
        }
    }
    let levels = |path: &RelPath| path.names().count();
    let max_depth = options
        .max_depth
        .saturating_add(levels(&options.under) - levels(&top));
    builder.hidden(!options.hidden).max_depth(Some(max_depth));
    // The walk starts at the top, so that the rules on the way down count, and turns aside nowhere.
    let root = ws.root().to_path_buf();
    let under = options.under.as_path().to_path_buf();
    let has_rules = !options.ignored;
    let unreadable = Arc::new(Mutex::new(Vec::new()));
    let not_entered = Arc::clone(&unreadable);
    builder.filter_entry(move |entry| {
        let Ok(path) = entry.path().strip_prefix(&root) else {
            return false;
        };
        if is_dot_git(entry.file_name()) || !(path.starts_with(&under) || under.starts_with(path)) {
            return false;
        }
        // Its rule files are opened as soon as it is entered.
        if has_rules
            && entry.file_type().is_some_and(|kind| kind.is_dir())
            && let Some(reason) = cannot_be_read(entry.path())
        {
            let path = RelPath::from_listing(path);
            held(&not_entered).push(Skipped { path, reason });
            return false;
        }
        true
    });
    let found = Mutex::new(&mut scan);
    builder.build_parallel().visit(&mut Visitors {
        root: ws.root(),
        options,
        max_depth,
        found: &found,
    });
    scan.walked.skipped.append(&mut held(&unreadable));
    scan
}

/// A walk that could not begin.
fn nothing(options: &Walk, reason: String) -> Scan {
    let skipped = Skipped {
        path: options.under.clone(),
        reason,
    };
    Scan {
        walked: Walked {
            files: Vec::new(),
            skipped: vec![skipped],
        },
        folders: Vec::new(),
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Start {
    Folder,
    File(crate::fs::Stat),
}

/// What `under` is. No part of it may be a link, because the walk goes by name.
fn start(ws: &Workspace, under: &RelPath) -> Result<Start, FsError> {
    let mut above = RelPath::root();
    if !is_in_place(ws)? {
        return Err(FsError::NotFound { path: above });
    }
    let mut names = under.names().peekable();
    while let Some(name) = names.next() {
        above = above.join(name);
        let stat = ws.fs().stat(&above)?;
        match stat.kind {
            Kind::Dir => {}
            Kind::File | Kind::Link if names.peek().is_none() => return Ok(Start::File(stat)),
            Kind::Link => return Err(FsError::IsLink { path: above }),
            _ => return Err(FsError::NotADir { path: above }),
        }
    }
    Ok(Start::Folder)
}

/// Whether the name of the folder, by which walks go, still means the one that everything else has open.
pub(crate) fn is_in_place(ws: &Workspace) -> Result<bool, FsError> {
    let named = std::fs::metadata(ws.root()).map(|meta| stat::of_walk(&meta));
    let held = ws.fs().stat(&RelPath::root())?;
    Ok(named.is_ok_and(|named| (named.kind, named.ino) == (held.kind, held.ino)))
}

fn is_ignored(builder: &WalkBuilder, path: &RelPath) -> bool {
    !path.is_root()
        && builder
            .build_matchers()
            .iter_mut()
            .any(|matcher| matcher.matched(path.as_path(), true).is_ignore())
}

/// Both the folder and the file that a worktree or submodule has instead.
pub(crate) fn is_dot_git(name: &OsStr) -> bool {
    name.eq_ignore_ascii_case(DOT_GIT)
}

struct Visitors<'a> {
    root: &'a Path,
    options: &'a Walk,
    max_depth: usize,
    found: &'a Mutex<&'a mut Scan>,
}

/// One thread's findings, handed over at its end so that threads do not wait for each other.
struct Visitor<'a> {
    root: &'a Path,
    options: &'a Walk,
    max_depth: usize,
    found: &'a Mutex<&'a mut Scan>,
    own: Scan,
}

impl<'a> ParallelVisitorBuilder<'a> for Visitors<'a> {
    fn build(&mut self) -> Box<dyn ParallelVisitor + 'a> {
        let Self {
            root,
            options,
            max_depth,
            found,
        } = *self;
        Box::new(Visitor {
            root,
            options,
            max_depth,
            found,
            own: Scan::default(),
        })
    }
}

impl ParallelVisitor for Visitor<'_> {
    fn visit(&mut self, entry: Result<DirEntry, ignore::Error>) -> WalkState {
        if self.options.cancelled() {
            return WalkState::Quit;
        }
        match entry {
            Ok(entry) => self.visit_entry(&entry),
            Err(error) => {
                let (path, reason) = explain(&error);
                let path = path.unwrap_or_else(|| self.root.to_path_buf());
                self.skip(&path, reason);
            }
        }
        WalkState::Continue
    }
}

impl Visitor<'_> {
    fn visit_entry(&mut self, entry: &DirEntry) {
        let path = entry.path();
        if let Some(error) = entry.error() {
            let (rule_file, reason) = explain(error);
            self.skip(
                rule_file.as_deref().unwrap_or(path),
                format!("an ignore rule is not understood: {reason}"),
            );
        }
        let Some(kind) = entry.file_type() else {
            return;
        };
        if kind.is_dir() {
            let Some(folder) = self.inside(path) else {
                return;
            };
            if folder.starts_with(&self.options.under) {
                if entry.depth() == self.max_depth {
                    let reason = format!("deeper than {} folders", self.options.max_depth);
                    self.own.walked.skipped.push(Skipped {
                        path: folder.clone(),
                        reason,
                    });
                }
                self.own.folders.push(folder);
            }
            return;
        }
        if !kind.is_file() && !kind.is_symlink() {
            self.skip(
                path,
                format!("it is {}, not a file", Kind::Other.describe()),
            );
            return;
        }
        if is_temp_name(entry.file_name()) {
            return;
        }
        match entry.metadata() {
            Ok(meta) => {
                if let Some(path) = self.inside(path) {
                    self.own.walked.files.push((path, stat::of_walk(&meta)));
                }
            }
            // Gone between the listing and the look.
            Err(error)
                if error
                    .io_error()
                    .is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound) => {}
            Err(error) => self.skip(path, explain(&error).1),
        }
    }

    /// The path beneath the root; on Windows a name may be one that cannot be used.
    fn inside(&mut self, path: &Path) -> Option<RelPath> {
        let inside = path.strip_prefix(self.root).ok()?;
        if cfg!(windows)
            && let Err(error) = RelPath::new(inside)
            && !inside.as_os_str().is_empty()
        {
            self.own.walked.skipped.push(Skipped {
                path: RelPath::from_listing(inside),
                reason: error.to_string(),
            });
            return None;
        }
        Some(RelPath::from_listing(inside))
    }

    fn skip(&mut self, path: &Path, reason: String) {
        // Rule files above the root are reported at the root.
        let path = path
            .strip_prefix(self.root)
            .map_or_else(|_| RelPath::root(), RelPath::from_listing);
        self.own.walked.skipped.push(Skipped { path, reason });
    }
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        let own = std::mem::take(&mut self.own);
        let mut all = held(self.found);
        all.walked.files.extend(own.walked.files);
        all.walked.skipped.extend(own.walked.skipped);
        all.folders.extend(own.folders);
    }
}

/// The path that an error is about, and the reason without the path.
fn explain(error: &ignore::Error) -> (Option<PathBuf>, String) {
    match error {
        ignore::Error::WithPath { path, err } => {
            let (inner, reason) = explain(err);
            (inner.or_else(|| Some(path.clone())), reason)
        }
        ignore::Error::WithDepth { err, .. } => explain(err),
        ignore::Error::WithLineNumber { line, err } => {
            let (path, reason) = explain(err);
            (path, format!("line {line}: {reason}"))
        }
        ignore::Error::Partial(errors) => {
            let explained: Vec<_> = errors.iter().map(explain).collect();
            let path = explained.iter().find_map(|(path, _)| path.clone());
            (
                path,
                explained
                    .into_iter()
                    .map(|(_, reason)| reason)
                    .collect::<Vec<_>>()
                    .join("; "),
            )
        }
        other => (None, other.to_string()),
    }
}
