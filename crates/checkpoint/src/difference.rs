//! A snapshot by what differs from another one.

use crate::{Hash, Held, Snapshot, files::differing};
use kerf_workspace::RelPath;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What makes a snapshot of a base. Its size follows what has changed, and what could not be looked at.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Difference {
    /// None: it is not there.
    pub(crate) changed: BTreeMap<RelPath, Option<Held>>,
    as_of_ns: i64,
    #[serde(default)]
    rules_elsewhere: Option<Hash>,
    excluded: BTreeMap<RelPath, String>,
    no_longer_ignored: BTreeSet<RelPath>,
    git_ids: BTreeMap<Hash, String>,
}

impl Difference {
    pub(crate) fn between(base: &Snapshot, snapshot: &Snapshot) -> Self {
        let differing = differing(&base.files, &snapshot.files);
        let unknown = |(hash, _): &(&Hash, &String)| !base.git_ids.contains_key(*hash);
        let git_ids = snapshot.git_ids.iter().filter(unknown);
        Self {
            changed: differing
                .map(|(path, _, held)| (path.clone(), held.cloned()))
                .collect(),
            as_of_ns: snapshot.as_of_ns,
            rules_elsewhere: snapshot.rules_elsewhere,
            excluded: snapshot.excluded.clone(),
            no_longer_ignored: snapshot.no_longer_ignored.clone(),
            git_ids: git_ids.map(|(hash, id)| (*hash, id.clone())).collect(),
        }
    }

    /// Makes the snapshot of the base.
    pub(crate) fn apply(self, snapshot: &mut Snapshot) {
        for (path, held) in self.changed {
            match held {
                Some(held) => snapshot.files.insert(path, held),
                None => snapshot.files.remove(&path),
            };
        }
        snapshot.as_of_ns = self.as_of_ns;
        snapshot.rules_elsewhere = self.rules_elsewhere;
        snapshot.excluded = self.excluded;
        snapshot.no_longer_ignored = self.no_longer_ignored;
        // A content has one id for ever, so those of contents that are gone do no harm.
        snapshot.git_ids.extend(self.git_ids);
    }

    /// Both, one after the other.
    pub(crate) fn then(&mut self, next: &Self) {
        let changed = next.changed.iter();
        self.changed
            .extend(changed.map(|(path, held)| (path.clone(), held.clone())));
        self.as_of_ns = next.as_of_ns;
        self.rules_elsewhere = next.rules_elsewhere;
        self.excluded.clone_from(&next.excluded);
        self.no_longer_ignored.clone_from(&next.no_longer_ignored);
        let ids = next.git_ids.iter();
        self.git_ids
            .extend(ids.map(|(hash, id)| (*hash, id.clone())));
    }
}
