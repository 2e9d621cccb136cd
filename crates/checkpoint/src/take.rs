//! Taking a snapshot.
//!
//! A walk lists what the ignore rules leave. Each file is then carried over from the previous snapshot by its stamp, or
//! named as the git object it is, or read. Files that an earlier snapshot names are looked at also when they are ignored
//! by now: who adds a line to `.gitignore` has deleted nothing.

use crate::{
    Batch, Blobs, CheckpointError, Content, Files, Hash, Held, Snapshot, Unsure,
    carry::file,
    files::{becoming, beneath},
    gather::Gather,
    read::{Found, Job, Reader},
};
use kerf_workspace::{Kind, RelPath, Stat, Workspace};
use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Names the git object that is exactly the file with this path and stat, if there is one.
pub type Known<'a> = dyn Fn(&RelPath, &Stat) -> Option<String> + 'a;

/// A snapshot and what it took.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The snapshot; all its blobs are on disk.
    pub snapshot: Snapshot,
    /// What is there but is not in it.
    pub excluded: Vec<Excluded>,
    /// How long it took to list all files, as every whole snapshot has to.
    pub listing: Duration,
    /// How many files were read.
    pub read_files: usize,
    /// How many bytes that were.
    pub read_bytes: u64,
    /// The files that may change without the system telling, for [`crate::follow`].
    pub unsure: Unsure,
}

/// A file, or everything in a folder, that a snapshot could not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excluded {
    /// The file or folder.
    pub path: RelPath,
    /// Why, for people.
    pub reason: String,
}

/// Takes a snapshot of the whole workspace: all files and links that are not ignored, and whatever `previous` names.
///
/// A file whose stamp is that of `previous` is not read, unless it was modified within two seconds before `previous` was
/// taken, when a stamp proves nothing. Of the others, `known` may name the git object; the rest is read, several files
/// at a time. Without `known` the folder is in no repository, and no content gets a git name. Files that cannot be read, or change whenever they are, are excluded with a reason, and no error.
///
/// Errors: from the store, [`CheckpointError::Folder`] when the workspace itself cannot be listed, and
/// [`CheckpointError::Cancelled`] shortly after `cancel` is set. Then there is no snapshot.
pub fn take(
    ws: &Workspace,
    blobs: &Blobs,
    previous: Option<&Snapshot>,
    known: Option<&Known<'_>>,
    cancel: &AtomicBool,
) -> Result<Taken, CheckpointError> {
    let as_of_ns = now_ns();
    let begun = Instant::now();
    let nothing = Snapshot::default();
    let mut gather = Gather::new(ws, previous.unwrap_or(&nothing));
    gather.walk(RelPath::root(), cancel)?;
    if let Some(reason) = gather.unseen.get(&RelPath::root()) {
        return Err(CheckpointError::Folder {
            folder: ws.root().to_owned(),
            reason: reason.clone(),
        });
    }
    gather.tracked_beneath(&RelPath::root());
    let listing = begun.elapsed();
    let looked = gather.finish(&gather.previous.files, blobs, known, cancel)?;
    let mut snapshot = looked.snapshot;
    snapshot.as_of_ns = as_of_ns;
    let elsewhere = Hash::of(&gather.ws.rules_elsewhere());
    snapshot.rules_elsewhere = Some(elsewhere);
    snapshot.bring_over(gather.previous);
    snapshot.find_no_longer_ignored(gather.previous, &gather.candidates, elsewhere);
    let mut excluded = looked.no_files;
    excluded.extend(snapshot.excluded.clone());
    let excluded = excluded.into_iter();
    Ok(Taken {
        snapshot,
        excluded: excluded
            .map(|(path, reason)| Excluded { path, reason })
            .collect(),
        listing,
        read_files: looked.read_files,
        read_bytes: looked.read_bytes,
        unsure: Unsure::of(&gather),
    })
}

/// `previous`, with `paths` looked at again: files, links, or folders with all that is in them. Everything else is as it
/// was.
///
/// A path is looked at whether or not it is ignored. So a caller that is about to write an ignored file refreshes the
/// snapshot *before* with it first; otherwise the file would seem to have been created.
///
/// Errors as [`take`].
pub fn refresh(
    ws: &Workspace,
    blobs: &Blobs,
    previous: &Snapshot,
    paths: &[RelPath],
    known: Option<&Known<'_>>,
    cancel: &AtomicBool,
) -> Result<Snapshot, CheckpointError> {
    if paths.iter().any(RelPath::is_root) {
        return take(ws, blobs, Some(previous), known, cancel).map(|taken| taken.snapshot);
    }
    let mut gather = Gather::new(ws, previous);
    look_again(&mut gather, blobs, paths, known, cancel)
}

/// The same; what was looked at is in `gather`. The folder itself is none of the paths.
pub(crate) fn look_again(
    gather: &mut Gather<'_>,
    blobs: &Blobs,
    paths: &[RelPath],
    known: Option<&Known<'_>>,
    cancel: &AtomicBool,
) -> Result<Snapshot, CheckpointError> {
    let previous = gather.previous;
    // Git's own files are in no snapshot.
    let asked: BTreeSet<_> = paths.iter().filter(|path| !path.is_protected()).collect();
    let mut scopes = BTreeSet::new();
    for path in &asked {
        // A folder above may have become a file or a link, or the other way round.
        for above in iter::successors(path.parent(), RelPath::parent) {
            let is_folder = above.is_root() || gather.is_real_folder(&above);
            if !is_folder || previous.files.contains_key(&above) {
                scopes.insert(above);
            }
        }
        scopes.insert((*path).clone());
    }
    for scope in &scopes {
        match gather.stat(scope) {
            Some(stat) if stat.kind != Kind::Dir => {
                gather.candidates.insert(scope.clone(), stat);
            }
            Some(_) if asked.contains(scope) => gather.walk(scope.clone(), cancel)?,
            _ => {}
        }
        gather.tracked_beneath(scope);
    }
    let fresh = gather
        .finish(&Files::default(), blobs, known, cancel)?
        .snapshot;

    // The older time makes the files looked at now be read once more by the next take, which is always right.
    let mut snapshot = previous.clone();
    for scope in &scopes {
        for (path, _) in beneath(&previous.files, scope) {
            // Nearly all of it is still there.
            if !fresh.files.contains_key(path) {
                snapshot.files.remove(path);
            }
        }
        forget(&mut snapshot.excluded, scope);
    }
    for (path, held) in &fresh.files {
        if previous.files.get(path) != Some(held) {
            snapshot.files.insert(path.clone(), held.clone());
        }
    }
    snapshot.excluded.extend(fresh.excluded);
    snapshot.git_ids.extend(fresh.git_ids);
    snapshot.bring_over_no_longer_ignored(previous);
    // The snapshot keeps the older rules, so that the next take finds what was not looked at now.
    let elsewhere = Hash::of(&gather.ws.rules_elsewhere());
    snapshot.find_no_longer_ignored(previous, &gather.candidates, elsewhere);
    Ok(snapshot)
}

/// Removes what is at or beneath `scope`.
fn forget<T>(paths: &mut BTreeMap<RelPath, T>, scope: &RelPath) {
    let beneath: Vec<_> = paths
        .range(scope.clone()..)
        .map(|(path, _)| path)
        .take_while(|path| path.starts_with(scope))
        .cloned()
        .collect();
    for path in beneath {
        paths.remove(&path);
    }
}

/// What files held before, asked for in the order of their paths.
struct Befores<'a> {
    all: &'a Files,
    /// Goes beside the questions when they are about most of the files; looking each up costs more then.
    beside: Option<iter::Peekable<<&'a Files as IntoIterator>::IntoIter>>,
}

impl<'a> Befores<'a> {
    fn of(previous: &'a Snapshot, questions: usize) -> Self {
        let all = &previous.files;
        let beside = questions.saturating_mul(8) > all.len();
        Self {
            all,
            beside: beside.then(|| all.iter().peekable()),
        }
    }

    fn get(&mut self, path: &RelPath) -> Option<&'a Held> {
        let Some(beside) = &mut self.beside else {
            return self.all.get(path);
        };
        if let Some((_, held)) = beside.next_if(|(next, _)| *next == path) {
            return Some(held);
        }
        while beside.next_if(|(next, _)| *next < path).is_some() {}
        beside
            .next_if(|(next, _)| *next == path)
            .map(|(_, held)| held)
    }
}

/// What came of looking.
struct Looked {
    snapshot: Snapshot,
    no_files: BTreeMap<RelPath, String>,
    read_files: usize,
    read_bytes: u64,
}

impl Gather<'_> {
    /// Reads what must be read. The snapshot holds the candidates only, and its blobs are on disk. Its files share with
    /// `like` what is the same.
    fn finish(
        &self,
        like: &Files,
        blobs: &Blobs,
        known: Option<&Known<'_>>,
        cancel: &AtomicBool,
    ) -> Result<Looked, CheckpointError> {
        let mut looked = Looked {
            snapshot: Snapshot {
                excluded: self.unseen.clone(),
                ..Snapshot::default()
            },
            no_files: self.no_files.clone(),
            read_files: 0,
            read_bytes: 0,
        };
        let snapshot = &mut looked.snapshot;
        let mut jobs = Vec::new();
        // Also when git names none of them now: a later snapshot may know the same content by that name alone.
        let with_git_ids = known.is_some() || self.previous.knows_git();
        let mut befores = Befores::of(self.previous, self.candidates.len());
        let mut files = Vec::with_capacity(self.candidates.len());
        for (path, stat) in &self.candidates {
            let before = befores.get(path);
            match self.previous.without_reading(before, stat) {
                Some(held) => {
                    files.push((path.clone(), held));
                    continue;
                }
                None if stat.kind != Kind::File => {}
                // Two names for what may be one content could not be compared, so this one is read.
                None if matches!(before.and_then(Held::content), Some(Content::Blob(_))) => {}
                None => {
                    if let Some(oid) = known.and_then(|known| known(path, stat)) {
                        files.push((path.clone(), file(Content::Git(oid), stat)));
                        continue;
                    }
                }
            }
            let was = match before.and_then(Held::content) {
                Some(Content::Git(oid)) => Some(oid.clone()),
                _ => None,
            };
            jobs.push(Job {
                path: path.clone(),
                stat: *stat,
                was,
            });
        }

        snapshot.files = becoming(like, files);

        let batch = Batch::new(blobs)?;
        let reader = Reader {
            ws: self.ws,
            batch: &batch,
            with_git_ids,
            cancel,
        };
        let found = reader.run(&jobs)?;
        batch.commit()?;

        for (path, found) in found {
            match found {
                Found::Held { held, git_id, read } => {
                    if let (Some(Content::Blob(hash)), Some(id)) = (held.content(), git_id) {
                        snapshot.git_ids.insert(*hash, id);
                    }
                    looked.read_files += usize::from(read.is_some());
                    looked.read_bytes += read.unwrap_or(0);
                    snapshot.files.insert(path, held);
                }
                Found::Gone => {}
                Found::NoFile(reason) => {
                    looked.no_files.insert(path, reason);
                }
                Found::Excluded(reason) => {
                    snapshot.excluded.insert(path, reason);
                }
            }
        }
        if cancel.load(Ordering::Relaxed) {
            return Err(CheckpointError::Cancelled);
        }
        tracing::debug!(
            files = snapshot.files.len(),
            read_files = looked.read_files,
            read_bytes = looked.read_bytes,
            excluded = snapshot.excluded.len(),
            "looked at the workspace"
        );
        Ok(looked)
    }
}

fn now_ns() -> i64 {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX)
}
