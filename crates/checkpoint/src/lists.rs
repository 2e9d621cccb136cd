//! Snapshots that are kept: what a checkpoint holds, as blobs in the store.
//!
//! ```text
//! a full list:  Snapshot::to_bytes
//! another list: 4 bytes of magic, then as JSON the list it leans on and what differs from that
//! ```
//! A list costs what differs from the one before it. Now and then one leans on the last full list instead, so that
//! reading any of them takes a bounded number of blobs; and when most of that one has changed, the next is full.
//!
//! A list may name git objects, which git can collect. So whoever leans on a list also keeps a copy of those objects
//! that are no longer in the folder itself: see [`Lists::write`] and [`kept_copies`].

use crate::{
    Batch, Blobs, CheckpointError, Content, Hash, Held, Marks, ReadGit, Snapshot, content,
    difference::Difference,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

const MAGIC: [u8; 4] = *b"KfL1";
/// Lists that lean on each other in a row. Reading one takes so many blobs and the full one.
const MAX_DEPTH: usize = 32;
/// So many files may differ from the full list, beside half of all, before the next list is full.
const FREE_CHANGES: usize = 1000;

/// A list that leans on another.
#[derive(Debug, Serialize, Deserialize)]
struct Leaning {
    base: Hash,
    difference: Difference,
    /// Copies of git objects that the base names and this list does not, by their ids.
    kept: BTreeMap<String, Hash>,
}

/// The lists of one folder, written one after the other.
#[derive(Debug, Default)]
pub struct Lists {
    last: Option<Last>,
}

#[derive(Debug)]
struct Last {
    list: Hash,
    snapshot: Arc<Snapshot>,
    full: Hash,
    depth: usize,
    since_full: Difference,
}

impl Lists {
    /// Goes on behind a list that was written earlier, also by another process.
    ///
    /// Errors: as [`read_list`].
    pub fn resume(blobs: &Blobs, list: &Hash) -> Result<Self, CheckpointError> {
        let Chain { full, leaning } = chain(blobs, list)?;
        let mut snapshot = read_full(blobs, &full)?;
        let mut since_full = Difference::default();
        let depth = leaning.len();
        for one in leaning.into_iter().rev() {
            since_full.then(&one.difference);
            one.difference.apply(&mut snapshot);
        }
        snapshot.check()?;
        Ok(Self {
            last: Some(Last {
                list: *list,
                snapshot: Arc::new(snapshot),
                full,
                depth,
                since_full,
            }),
        })
    }

    /// What the last list holds.
    pub fn last(&self) -> Option<&Arc<Snapshot>> {
        self.last.as_ref().map(|last| &last.snapshot)
    }

    /// The last list.
    pub fn last_list(&self) -> Option<Hash> {
        self.last.as_ref().map(|last| last.list)
    }

    /// Keeps a snapshot; its blob is on disk when this returns. Nothing is written when nothing has changed.
    ///
    /// `git` reads the objects of the repository: those that the list before named and this one does not are copied.
    /// One that cannot be read is left to git.
    pub fn write(
        &mut self,
        blobs: &Blobs,
        git: &ReadGit<'_>,
        snapshot: &Arc<Snapshot>,
    ) -> Result<Hash, CheckpointError> {
        let Some(last) = &mut self.last else {
            return self.write_full(blobs, snapshot);
        };
        let difference = Difference::between(&last.snapshot, snapshot);
        if difference.changed.is_empty() && last.snapshot.excluded == snapshot.excluded {
            last.snapshot = Arc::clone(snapshot);
            return Ok(last.list);
        }
        let kept = keep(blobs, git, &last.snapshot, &difference)?;
        last.since_full.then(&difference);
        let too_many = snapshot.files.len() / 2 + FREE_CHANGES;
        let (base, difference, depth) = if last.since_full.changed.len() > too_many {
            let full = self.write_full(blobs, snapshot)?;
            if kept.is_empty() {
                return Ok(full);
            }
            (full, Difference::between(snapshot, snapshot), 1)
        } else if last.depth >= MAX_DEPTH {
            (last.full, last.since_full.clone(), 1)
        } else {
            (last.list, difference, last.depth + 1)
        };
        let leaning = Leaning {
            base,
            difference,
            kept,
        };
        let json = serde_json::to_vec(&leaning).map_err(|error| CheckpointError::NotASnapshot {
            reason: error.to_string(),
        })?;
        let list = blobs.put(&[&MAGIC[..], &json].concat())?;
        if let Some(last) = &mut self.last {
            last.list = list;
            last.depth = depth;
            last.snapshot = Arc::clone(snapshot);
        }
        Ok(list)
    }

    fn write_full(
        &mut self,
        blobs: &Blobs,
        snapshot: &Arc<Snapshot>,
    ) -> Result<Hash, CheckpointError> {
        let list = blobs.put(&snapshot.to_bytes()?)?;
        self.last = Some(Last {
            list,
            snapshot: Arc::clone(snapshot),
            full: list,
            depth: 0,
            since_full: Difference::default(),
        });
        Ok(list)
    }
}

/// Copies the git objects that only the list before names.
fn keep(
    blobs: &Blobs,
    git: &ReadGit<'_>,
    before: &Snapshot,
    difference: &Difference,
) -> Result<BTreeMap<String, Hash>, CheckpointError> {
    let mut kept = BTreeMap::new();
    let batch = Batch::new(blobs)?;
    for path in difference.changed.keys() {
        let Some(held) = before.files.get(path) else {
            continue;
        };
        let Some(Content::Git(oid)) = held.content() else {
            continue;
        };
        match content(held, blobs, git) {
            Ok(Some(bytes)) => {
                kept.insert(oid.clone(), batch.add(&bytes)?);
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "a git object is not copied"),
        }
    }
    batch.commit()?;
    Ok(kept)
}

struct Chain {
    full: Hash,
    /// The newest first.
    leaning: Vec<Leaning>,
}

fn chain(blobs: &Blobs, list: &Hash) -> Result<Chain, CheckpointError> {
    let (mut found, mut at) = (Vec::new(), *list);
    loop {
        let bytes = blobs.get(&at)?;
        let Some(json) = bytes.strip_prefix(&MAGIC) else {
            return Ok(Chain {
                full: at,
                leaning: found,
            });
        };
        let one = leaning(json)?;
        // A full list may have one that leans on it for the copies alone.
        if found.len() > MAX_DEPTH + 1 {
            return Err(damaged("it leans on too many others"));
        }
        at = one.base;
        found.push(one);
    }
}

fn read_full(blobs: &Blobs, list: &Hash) -> Result<Snapshot, CheckpointError> {
    Snapshot::from_bytes(&blobs.get(list)?)
}

/// The snapshot that a list holds.
///
/// Errors: [`CheckpointError::Missing`], [`CheckpointError::Damaged`], [`CheckpointError::NotASnapshot`],
/// [`CheckpointError::Io`].
pub fn read_list(blobs: &Blobs, list: &Hash) -> Result<Snapshot, CheckpointError> {
    let Chain { full, leaning } = chain(blobs, list)?;
    let mut snapshot = read_full(blobs, &full)?;
    for one in leaning.into_iter().rev() {
        one.difference.apply(&mut snapshot);
    }
    snapshot.check()?;
    Ok(snapshot)
}

/// The copies of git objects that came with a list, by the ids of the objects: what the lists before it named.
///
/// Errors: as [`read_list`].
pub fn kept_copies(blobs: &Blobs, list: &Hash) -> Result<BTreeMap<String, Hash>, CheckpointError> {
    let bytes = blobs.get(list)?;
    let Some(json) = bytes.strip_prefix(&MAGIC) else {
        return Ok(BTreeMap::new());
    };
    Ok(leaning(json)?.kept)
}

/// Marks the blobs that a list is read from, itself among them. Contents are not marked.
///
/// Errors: as [`read_list`]; then something was marked and something may be missing.
pub fn mark_list(blobs: &Blobs, list: &Hash, marks: &mut Marks) -> Result<(), CheckpointError> {
    let mut at = *list;
    // What another list leans on is marked with all that it leans on.
    while marks.insert(at) {
        let bytes = blobs.get(&at)?;
        let Some(json) = bytes.strip_prefix(&MAGIC) else {
            return Ok(());
        };
        at = leaning(json)?.base;
    }
    Ok(())
}

/// Of the lists of one folder, oldest first, what each needs that no later one does: contents, and copies of git objects.
/// So the lists from any one on need what is told for them, and no more. A list that cannot be read needs nothing.
///
/// Errors: [`CheckpointError::Io`].
pub fn needs(blobs: &Blobs, lists: &[Hash]) -> Result<Vec<Vec<Hash>>, CheckpointError> {
    let mut needs = vec![Vec::new(); lists.len()];
    let mut last_named: HashMap<Hash, usize> = HashMap::new();
    let mut now: Option<(Hash, Snapshot)> = None;
    for (place, list) in lists.iter().enumerate() {
        if now.as_ref().is_some_and(|(before, _)| before == list) {
            continue;
        }
        let mut left = Vec::new();
        now = match following(blobs, now.take(), list, &mut left) {
            Ok((snapshot, kept)) => {
                needs[place].extend(kept);
                Some((*list, snapshot))
            }
            Err(error @ CheckpointError::Io { .. }) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "a checkpoint cannot be read");
                None
            }
        };
        // In the first list nothing can be left.
        last_named.extend(left.into_iter().map(|blob| (blob, place.saturating_sub(1))));
    }
    if let Some((_, snapshot)) = now {
        let last = lists.len().saturating_sub(1);
        let blobs = snapshot.files.values().filter_map(Held::blob);
        last_named.extend(blobs.map(|blob| (blob, last)));
    }
    for (blob, place) in last_named {
        needs[place].push(blob);
    }
    Ok(needs)
}

/// What a list holds, and the copies that came with it. `left` gets the contents of the one before that it may not name any
/// more; some are left out of one place and still in another.
fn following(
    blobs: &Blobs,
    before: Option<(Hash, Snapshot)>,
    list: &Hash,
    left: &mut Vec<Hash>,
) -> Result<(Snapshot, Vec<Hash>), CheckpointError> {
    let read = blobs
        .get(list)
        .and_then(|bytes| match bytes.strip_prefix(&MAGIC) {
            Some(json) => leaning(json).map(Some),
            None => Ok(None),
        });
    if let (Some((base, snapshot)), Ok(Some(one))) = (&before, &read)
        && one.base == *base
    {
        let changed = one.difference.changed.keys();
        left.extend(changed.filter_map(|path| snapshot.files.get(path)?.blob()));
    } else if let Some((_, snapshot)) = &before {
        left.extend(snapshot.files.values().filter_map(Held::blob));
    }
    match (before, read?) {
        (Some((base, mut snapshot)), Some(one)) if one.base == base => {
            one.difference.apply(&mut snapshot);
            Ok((snapshot, one.kept.into_values().collect()))
        }
        (_, one) => {
            let kept = one.map_or_else(Vec::new, |one| one.kept.into_values().collect());
            Ok((read_list(blobs, list)?, kept))
        }
    }
}

fn leaning(json: &[u8]) -> Result<Leaning, CheckpointError> {
    serde_json::from_slice(json).map_err(|error| damaged(&error.to_string()))
}

fn damaged(reason: &str) -> CheckpointError {
    CheckpointError::NotASnapshot {
        reason: reason.to_owned(),
    }
}
