//! From what the index was told to a listing that knows it: names and stamps are looked at, no file is read.
//!
//! Done by whoever comes first, the index's own thread or a search, so that no search is behind what was told.

use super::{Change, Core, queue::Pending};
use crate::{SearchError, exact::is_too_deep, files};
use kerf_workspace::{FsError, Kind, RelPath, Skipped, Walk};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
};

/// How deep a folder is looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    /// What is in it.
    Files,
    /// All that is beneath it.
    Whole,
}

impl Core {
    /// Takes in what was told. Whether the listing is one of the whole folder.
    pub(crate) fn look(&self, cancel: &AtomicBool) -> Result<bool, SearchError> {
        // Before the first walk has ended a search is done sooner without the listing.
        if !self.is_walked.load(Ordering::Acquire) {
            return Ok(false);
        }
        let _one_looks = self.looking.take(cancel)?;
        if self.missed.get().is_some_and(|missed| missed()) {
            self.queue.tell(Change::Everything);
        }
        self.take_told(cancel)?;
        Ok(true)
    }

    /// The same for the index's own thread, which answers nobody.
    pub(super) fn take_in(&self, cancel: &AtomicBool) -> Result<(), SearchError> {
        let _one_looks = self.looking.take(cancel)?;
        self.take_told(cancel)
    }

    /// Called by the one who looks.
    fn take_told(&self, cancel: &AtomicBool) -> Result<(), SearchError> {
        let pending = self.queue.take();
        let looked = match &pending {
            Pending::Nothing => Ok(()),
            Pending::Everything => self.look_at(&RelPath::root(), Depth::Whole, cancel),
            Pending::Paths(paths) => self.look_at_paths(paths, cancel),
        };
        if looked.is_err() {
            self.queue.put_back(pending);
        }
        looked
    }

    /// Looks whether files that are about to be told are still there, and takes in that some are not. Whether all are.
    ///
    /// Whoever watches the folder tells a moment after something happened, and what only names files is not verified by
    /// reading them.
    pub(crate) fn are_there<'p>(&self, paths: impl IntoIterator<Item = &'p RelPath>) -> bool {
        let is_gone = |path: &RelPath, kind| match self.ws.fs().stat(path) {
            Ok(stat) => stat.kind != kind,
            Err(error) => matches!(error, FsError::NotFound { .. } | FsError::NotADir { .. }),
        };
        let mut gone: BTreeSet<RelPath> = BTreeSet::new();
        for path in paths {
            let above = || std::iter::successors(Some(path.clone()), RelPath::parent);
            if above().any(|above| gone.contains(&above)) || !is_gone(path, Kind::File) {
                continue;
            }
            // A folder that is gone has taken all with it.
            let folders = above().skip(1).take_while(|above| !above.is_root());
            let top = folders.take_while(|folder| is_gone(folder, Kind::Dir));
            gone.insert(top.last().unwrap_or_else(|| path.clone()));
        }
        let all = gone.is_empty();
        if !all {
            self.queue.tell(Change::Paths(gone.into_iter().collect()));
        }
        all
    }

    fn look_at_paths(
        &self,
        paths: &BTreeSet<RelPath>,
        cancel: &AtomicBool,
    ) -> Result<(), SearchError> {
        let mut folders = BTreeMap::new();
        for path in paths {
            if path.file_name().is_none_or(changes_rules) {
                folders.insert(RelPath::root(), Depth::Whole);
            } else if !path.is_protected() && !self.is_own(path) {
                self.look_at_path(path, &mut folders);
            }
        }
        let whole = |folders: &BTreeMap<RelPath, Depth>, path: &RelPath| {
            std::iter::successors(path.parent(), RelPath::parent)
                .any(|above| folders.get(&above) == Some(&Depth::Whole))
        };
        for (folder, depth) in &folders {
            if !whole(&folders, folder) {
                self.look_at(folder, *depth, cancel)?;
            }
        }
        Ok(())
    }

    /// Looks at one path, or notes which folder is to be looked at for its sake.
    fn look_at_path(&self, path: &RelPath, folders: &mut BTreeMap<RelPath, Depth>) {
        let stat = self.ws.fs().stat(path);
        let mut listing = super::written(&self.listing);
        let mut look = |folder: &RelPath, depth| {
            let known = folders.entry(folder.clone()).or_insert(depth);
            *known = depth.max(*known);
        };
        // Only a walk knows whether a new name is ignored, and it knows only from a folder that is not.
        let known_above = || {
            std::iter::successors(path.parent(), RelPath::parent)
                .find(|above| listing.knows(above))
                .unwrap_or_else(RelPath::root)
        };
        match &stat {
            Ok(stat) if stat.kind == Kind::File && listing.has(path) => {
                listing.touch(path, Some(stat));
            }
            Ok(stat) if stat.kind == Kind::Dir && listing.knows(path) && !listing.has(path) => {
                look(path, Depth::Whole);
            }
            Ok(stat) if stat.kind == Kind::Dir => {
                let is_empty = self.ws.fs().list(path).is_ok_and(|list| list.is_empty());
                let above = known_above();
                listing.touch(path, None);
                if !is_empty {
                    look(&above, Depth::Whole);
                }
            }
            Err(FsError::NotFound { .. } | FsError::NotADir { .. }) => listing.touch(path, None),
            _ => {
                let above = known_above();
                // It may have been a folder.
                listing.touch(path, None);
                let is_parent = path.parent().as_ref() == Some(&above);
                look(
                    &above,
                    if is_parent {
                        Depth::Files
                    } else {
                        Depth::Whole
                    },
                );
            }
        }
    }

    fn look_at(
        &self,
        folder: &RelPath,
        depth: Depth,
        cancel: &AtomicBool,
    ) -> Result<(), SearchError> {
        let levels = folder.names().count();
        let max_depth = match depth {
            Depth::Files => 1,
            Depth::Whole => Walk::default().max_depth.saturating_sub(levels),
        };
        let options = Walk {
            under: folder.clone(),
            max_depth,
            ..Walk::default()
        };
        let mut walked = files::walk(&self.ws, options, self.except(), cancel)?;
        if depth == Depth::Files {
            walked
                .skipped
                .retain(|skipped| !is_too_deep(&skipped.reason));
            // Folders were not looked into, so what is known of them stays.
            let listing = super::read(&self.listing);
            let known = listing.skipped().filter(|(path, _)| {
                path.parent().as_ref() == Some(folder)
                    && self
                        .ws
                        .fs()
                        .stat(path)
                        .is_ok_and(|stat| stat.kind == Kind::Dir)
            });
            walked.skipped.extend(known.map(|(path, reason)| Skipped {
                path: path.clone(),
                reason: reason.to_owned(),
            }));
        } else if !folder.is_root()
            && walked
                .skipped
                .iter()
                .any(|skipped| is_too_deep(&skipped.reason))
        {
            // The reason counts levels, from the root as everything does.
            return self.look_at(&RelPath::root(), Depth::Whole, cancel);
        }
        super::written(&self.listing).compare(folder, max_depth, walked);
        if folder.is_root() && depth == Depth::Whole {
            self.is_walked.store(true, Ordering::Release);
        }
        Ok(())
    }
}

/// Whether a file of this name says which others are ignored.
fn changes_rules(name: &std::ffi::OsStr) -> bool {
    [".gitignore", ".ignore", ".kerfignore", ".git"]
        .iter()
        .any(|known| name == *known)
}
