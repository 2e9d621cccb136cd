//! A snapshot brought up to date by what the system told of, at the cost of that.
//!
//! The system does not tell of every change of every file: see [`Unsure`]. What it never tells of is found by the next
//! [`take`](crate::take), so whoever follows takes a whole snapshot now and then.

use crate::{Blobs, CheckpointError, Hash, Known, Snapshot, gather::Gather, take::look_again};
use kerf_workspace::{Kind, RelPath, Workspace};
use std::{collections::BTreeSet, iter, sync::atomic::AtomicBool};

/// With more of them a look at the whole folder costs no more.
const MAX_UNSURE: usize = 1_000;
/// The same for paths that were told.
const MAX_TOLD: usize = 2_000;

/// The files of a snapshot that may change without the system telling: those with a second name, by which they may be
/// written from elsewhere, those in folders that are not watched because they are ignored, and what could not be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsure {
    shared: BTreeSet<RelPath>,
    others: BTreeSet<RelPath>,
}

impl Unsure {
    pub(crate) fn of(gather: &Gather<'_>) -> Self {
        let others = gather.unseen.keys().chain(&gather.ignored);
        Self {
            shared: shared(gather).cloned().collect(),
            others: others.cloned().collect(),
        }
    }

    /// Adds files that were put into the snapshot by [`refresh`](crate::refresh), ignored or not.
    pub fn add(&mut self, paths: impl IntoIterator<Item = RelPath>) {
        self.others.extend(paths);
    }
}

/// The files with more than one name.
fn shared<'a>(gather: &'a Gather<'_>) -> impl Iterator<Item = &'a RelPath> {
    let candidates = gather.candidates.iter();
    let shared = candidates.filter(|(_, stat)| stat.kind == Kind::File && stat.links > 1);
    shared.map(|(path, _)| path)
}

/// What a whole snapshot would be now: `previous`, with what was `told` since it was begun and what is `unsure` looked at
/// again. A folder among the paths stands for all that is in it.
///
/// None: only a whole snapshot tells, because a file has got a second name, too much is to be looked at, the folder is not
/// where it was opened, or other rules on what is ignored count. Errors as [`take`](crate::take).
pub fn follow(
    ws: &Workspace,
    blobs: &Blobs,
    previous: &Snapshot,
    (told, unsure): (&[RelPath], &Unsure),
    known: Option<&Known<'_>>,
    cancel: &AtomicBool,
) -> Result<Option<Snapshot>, CheckpointError> {
    let refused = |path: &RelPath| path.is_root() || path.is_protected();
    // One that is gone and comes back is told, unless it is ignored, and then it is new.
    let is_there = |path: &&RelPath| {
        previous.files.contains_key(*path) || previous.excluded().contains_key(*path)
    };
    let unsure_ones: BTreeSet<&RelPath> = unsure
        .shared
        .union(&unsure.others)
        .filter(is_there)
        .collect();
    if told.len() > MAX_TOLD
        || unsure_ones.len() > MAX_UNSURE
        || told.iter().chain(unsure_ones.iter().copied()).any(refused)
        || !ws.is_in_place()
        || previous.rules_elsewhere != Some(Hash::of(&ws.rules_elsewhere()))
    {
        return Ok(None);
    }
    if told.is_empty() && unsure_ones.is_empty() {
        return Ok(Some(previous.clone()));
    }
    let paths: Vec<RelPath> = told.iter().chain(unsure_ones).cloned().collect();
    let mut gather = Gather::new(ws, previous);
    let snapshot = look_again(&mut gather, blobs, &paths, known, cancel)?;
    if !gather
        .unseen
        .keys()
        .all(|path| unsure.others.contains(path))
    {
        return Ok(None);
    }
    // Where a folder with files stood, a file may stand that is ignored, and of that nobody tells.
    let told: BTreeSet<&RelPath> = told.iter().collect();
    let is_untold = |above: RelPath| {
        gather.candidates.contains_key(&above)
            && !told.contains(&above)
            && !previous.files.contains_key(&above)
    };
    let mut above = paths
        .iter()
        .flat_map(|path| iter::successors(path.parent(), RelPath::parent));
    if above.any(is_untold) {
        return Ok(None);
    }
    // Its other name may be one of the folder's, and the system tells of the one that was written.
    let got_another_name = shared(&gather).any(|path| !unsure.shared.contains(path));
    Ok((!got_another_name).then_some(snapshot))
}
