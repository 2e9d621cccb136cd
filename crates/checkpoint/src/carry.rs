//! What a snapshot takes over from the one before.

use crate::{
    Content, Hash, Held, MAX_FILE_BYTES, Snapshot,
    files::differing,
    read::{Found, too_large},
    snapshot::same,
};
use kerf_workspace::{Kind, RelPath, Stat};
use std::collections::{BTreeMap, BTreeSet};

/// The files that say what is ignored.
const IGNORE_FILES: [&str; 3] = [".gitignore", ".ignore", ".kerfignore"];
impl Snapshot {
    /// What a path with this stat holds, when its stamp alone tells.
    pub(crate) fn without_reading(&self, before: Option<&Held>, stat: &Stat) -> Option<Held> {
        if stat.kind != Kind::File {
            return None;
        }
        if stat.len > MAX_FILE_BYTES {
            return match too_large(stat) {
                Found::Held { held, .. } => Some(held),
                Found::Gone | Found::NoFile(_) | Found::Excluded(_) => None,
            };
        }
        match before? {
            Held::File { content, stamp, .. } if *stamp == stat.stamp() && self.proves(stamp) => {
                // The mode is of now: changing it leaves the stamp as it is.
                Some(file(content.clone(), stat))
            }
            _ => None,
        }
    }

    /// Brings the private part over from the snapshot before, as far as it still applies.
    pub(crate) fn bring_over(&mut self, previous: &Snapshot) {
        if !previous.git_ids.is_empty() {
            for held in self.files.values() {
                if let Some(Content::Blob(hash)) = held.content()
                    && let Some(id) = previous.git_ids.get(hash)
                {
                    self.git_ids.entry(*hash).or_insert_with(|| id.clone());
                }
            }
        }
        self.bring_over_no_longer_ignored(previous);
    }

    pub(crate) fn bring_over_no_longer_ignored(&mut self, previous: &Snapshot) {
        let still = previous
            .no_longer_ignored
            .iter()
            .filter(|path| self.files.contains_key(*path));
        self.no_longer_ignored = still.cloned().collect();
    }

    /// When the ignore rules have changed, those in the folder or those `elsewhere`, a file that appears need not be new. It is taken for an old one when it was
    /// last modified before the previous snapshot, unless it is one that has only been moved.
    pub(crate) fn find_no_longer_ignored(
        &mut self,
        previous: &Snapshot,
        stats: &BTreeMap<RelPath, Stat>,
        elsewhere: Hash,
    ) {
        let is_rule = |path: &RelPath| {
            // Most paths are told apart by their ends; taking names off them costs more.
            let ends_like_one = path
                .as_path()
                .as_os_str()
                .as_encoded_bytes()
                .ends_with(b"ignore");
            ends_like_one
                && path
                    .file_name()
                    .is_some_and(|name| IGNORE_FILES.iter().any(|file| name == *file))
        };
        let before = previous.rules_elsewhere.unwrap_or(elsewhere);
        let rules_changed = previous.as_of_ns != 0
            && (before != elsewhere
                || differing(&previous.files, &self.files)
                    .filter(|(path, _, _)| is_rule(path))
                    .any(|(_, old, new)| match (old, new) {
                        (Some(old), Some(new)) => !same((previous, old), (self, new)),
                        _ => true,
                    }));
        if !rules_changed {
            return;
        }
        let moved: BTreeSet<_> = previous
            .files
            .iter()
            .filter(|(path, _)| !self.files.contains_key(*path))
            .filter_map(|(_, held)| held.stamp())
            .collect();
        let old_ones: Vec<_> = self
            .files
            .keys()
            .filter(|path| !previous.files.contains_key(*path))
            .filter(|path| {
                stats.get(*path).map(Stat::stamp).is_some_and(|stamp| {
                    stamp.mtime_ns < previous.as_of_ns && !moved.contains(&stamp)
                })
            })
            .cloned()
            .collect();
        self.no_longer_ignored.extend(old_ones);
    }
}

pub(crate) fn file(content: Content, stat: &Stat) -> Held {
    Held::File {
        content,
        len: stat.len,
        mode: stat.mode,
        stamp: stat.stamp(),
    }
}
