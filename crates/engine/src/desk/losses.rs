//! The files that a command would take away or write over, as far as its words tell.
//!
//! They are shown in the question to the user, and those that a snapshot leaves out because they are ignored are kept with
//! the checkpoint before the command.

use super::{Desk, checkpoint::as_known};
use crate::failure::from_checkpoint;
use kerf_git::Change;
use kerf_protocol::{
    Failure,
    policy::{Losses, LostFile, MAX_LOST_SHOWN},
};
use kerf_rules::Doomed;
use kerf_workspace::{Kind, RelPath, Walk};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicBool},
};

/// Of ignored files that a command takes away, so many are kept.
const MAX_IGNORED_FILES: usize = 2_000;
/// And so many bytes of them.
const MAX_IGNORED_BYTES: u64 = 64 * 1024 * 1024;

impl Desk {
    /// What a command in the folder `cwd` would take away, and all of its paths.
    pub(crate) fn losses(&self, cwd: &str, doomed: &[Doomed]) -> (Losses, Vec<(RelPath, u64)>) {
        let mut found = Found {
            desk: self,
            cwd,
            files: BTreeMap::new(),
            others: false,
        };
        for one in doomed {
            found.add(one);
        }
        let Found { files, others, .. } = found;
        let losses = Losses {
            files: files
                .iter()
                .take(MAX_LOST_SHOWN)
                .map(|(path, bytes)| LostFile {
                    path: path.to_string(),
                    bytes: *bytes,
                })
                .collect(),
            count: files.len() as u64,
            bytes: files.values().sum(),
            others,
        };
        (losses, files.into_iter().collect())
    }

    /// Adds files to the snapshot that it left out, as far as they are not too many. The next checkpoint tells of the others.
    pub(super) fn keep_ignored(
        &mut self,
        named: &[(RelPath, u64)],
        cancel: &AtomicBool,
    ) -> Result<(), Failure> {
        let Some(snapshot) = self.snapshot.clone().filter(|_| !self.unfit) else {
            return Ok(());
        };
        let (mut bytes, mut missing) = (0, Vec::new());
        for (path, len) in named {
            if snapshot.files.contains_key(path) {
                continue;
            }
            bytes += len;
            if bytes > MAX_IGNORED_BYTES || missing.len() == MAX_IGNORED_FILES {
                bytes -= len;
                self.not_kept += 1;
            } else {
                missing.push(path.clone());
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let known = self.git_objects();
        let fresh = kerf_checkpoint::refresh(
            &self.workspace,
            &self.blobs,
            &snapshot,
            &missing,
            as_known(&known),
            cancel,
        );
        self.snapshot = Some(Arc::new(fresh.map_err(from_checkpoint)?));
        self.sight.added(&missing);
        Ok(())
    }
}

struct Found<'a> {
    desk: &'a Desk,
    cwd: &'a str,
    files: BTreeMap<RelPath, u64>,
    others: bool,
}

impl Found<'_> {
    fn add(&mut self, doomed: &Doomed) {
        match doomed {
            Doomed::Unknown => self.others = true,
            Doomed::Path(path) => {
                if let Some(path) = self.resolve(path) {
                    self.all_beneath(path);
                }
            }
            Doomed::Replaced { path, name } => {
                let Some(path) = self.resolve(path) else {
                    return;
                };
                let in_folder = name
                    .as_ref()
                    .and_then(|name| RelPath::new(&path.as_path().join(name)).ok());
                match (self.kind(&path), in_folder) {
                    (Some((Kind::Dir, _)), Some(inside)) => self.file(inside),
                    _ => self.file(path),
                }
            }
            Doomed::Untracked { ignored } => self.untracked(*ignored),
            Doomed::Changed(path) => {
                let Some(beneath) = self.resolve(path) else {
                    return;
                };
                let changed = |change| {
                    matches!(
                        change,
                        Change::Modified | Change::Added | Change::Renamed | Change::Conflicted
                    )
                };
                for path in self.status(changed) {
                    if path.starts_with(&beneath) {
                        self.file(path);
                    }
                }
            }
        }
    }

    /// A path as the command writes it. What is outside of the folder is the sandbox's.
    fn resolve(&self, path: &str) -> Option<RelPath> {
        let at = if path.starts_with('/') || self.cwd.is_empty() {
            path.to_owned()
        } else {
            format!("{}/{path}", self.cwd)
        };
        self.desk.workspace.resolve(&at).ok()
    }

    fn kind(&self, path: &RelPath) -> Option<(Kind, u64)> {
        if path.is_root() {
            return Some((Kind::Dir, 0));
        }
        let stat = self.desk.workspace.fs().stat(path).ok()?;
        Some((stat.kind, stat.len))
    }

    /// An empty file loses nothing.
    fn file(&mut self, path: RelPath) {
        if let Some((Kind::File, len @ 1..)) = self.kind(&path) {
            self.files.insert(path, len);
        }
    }

    fn all_beneath(&mut self, path: RelPath) {
        match self.kind(&path) {
            Some((Kind::Dir, _)) => {
                let walked = self.walk(path, true);
                self.files.extend(walked);
            }
            Some((_, len)) => {
                self.files.insert(path, len);
            }
            None => {}
        }
    }

    fn walk(&self, under: RelPath, ignored: bool) -> impl Iterator<Item = (RelPath, u64)> + use<> {
        let options = Walk {
            under,
            ignored,
            ..Walk::default()
        };
        let files = self.desk.workspace.walk(&options).files;
        files.into_iter().map(|(path, stat)| (path, stat.len))
    }

    fn untracked(&mut self, ignored: bool) {
        let Some(here) = self.resolve(".") else {
            return;
        };
        for path in self.status(|change| change == Change::Untracked) {
            if path.starts_with(&here) {
                self.file(path);
            }
        }
        if ignored && self.desk.repo.is_some() {
            let visible: BTreeSet<RelPath> = self
                .walk(here.clone(), false)
                .map(|(path, _)| path)
                .collect();
            let hidden = self
                .walk(here, true)
                .filter(|(path, _)| !visible.contains(path));
            self.files.extend(hidden);
        }
    }

    /// The files that differ from the last commit in such a way.
    fn status(&mut self, wanted: impl Fn(Change) -> bool) -> Vec<RelPath> {
        let Some(repo) = &self.desk.repo else {
            return Vec::new();
        };
        let entries = match repo.status() {
            Ok(entries) => entries,
            Err(error) => {
                tracing::warn!(%error, "what git would take away is not known");
                self.others = true;
                return Vec::new();
            }
        };
        let root = self.desk.workspace.root();
        let inside = root.strip_prefix(repo.workdir()).unwrap_or(root);
        entries
            .into_iter()
            .filter(|entry| wanted(entry.change))
            .filter_map(|entry| RelPath::new(entry.path.strip_prefix(inside).ok()?).ok())
            .collect()
    }
}
