//! Reading files into the store, several at a time.

use crate::{Batch, CheckpointError, Content, Held, MAX_FILE_BYTES};
use kerf_workspace::{FsError, Kind, RelPath, Stat, Workspace};
use sha1::{Digest as _, Sha1};
use std::{
    panic,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

/// How often a file that keeps changing is read before it is given up.
const ATTEMPTS: usize = 3;
/// More threads only make the disk seek.
const MAX_THREADS: usize = 8;
/// Below this many files a thread a head costs more than it brings.
const FILES_PER_THREAD: usize = 16;

/// A path to be looked at closely.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) path: RelPath,
    pub(crate) stat: Stat,
    /// What git called its content when it was last looked at.
    pub(crate) was: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Found {
    Held {
        held: Held,
        /// What git would call the content; only when that was asked for.
        git_id: Option<String>,
        /// Bytes read, when it is a file.
        read: Option<u64>,
    },
    /// It is not there any more.
    Gone,
    /// It is a pipe or the like, for people.
    NoFile(String),
    /// It is there and cannot be kept, for this reason.
    Excluded(String),
}

pub(crate) struct Reader<'a> {
    pub(crate) ws: &'a Workspace,
    pub(crate) batch: &'a Batch<'a>,
    /// Whether to compute git's name of every content.
    pub(crate) with_git_ids: bool,
    pub(crate) cancel: &'a AtomicBool,
}

impl Reader<'_> {
    /// Does all jobs, in any order. Ends with the first error of the store, or when cancelled.
    pub(crate) fn run(&self, jobs: &[Job]) -> Result<Vec<(RelPath, Found)>, CheckpointError> {
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let work = || {
            let mut found = Vec::new();
            while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                if self.cancel.load(Ordering::Relaxed) {
                    return Err(CheckpointError::Cancelled);
                }
                if failed.load(Ordering::Relaxed) {
                    break;
                }
                match self.look(job) {
                    Ok(result) => found.push((job.path.clone(), result)),
                    Err(error) => {
                        failed.store(true, Ordering::Relaxed);
                        return Err(error);
                    }
                }
            }
            Ok(found)
        };
        let threads = thread::available_parallelism()
            .map_or(1, usize::from)
            .min(MAX_THREADS)
            .min(jobs.len().div_ceil(FILES_PER_THREAD));
        if threads <= 1 {
            return work();
        }
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let mut all = Vec::with_capacity(jobs.len());
            for worker in workers {
                all.extend(
                    worker
                        .join()
                        .unwrap_or_else(|payload| panic::resume_unwind(payload))?,
                );
            }
            Ok(all)
        })
    }

    /// Looks until the path was the same before and after.
    fn look(&self, job: &Job) -> Result<Found, CheckpointError> {
        let fs = self.ws.fs();
        let mut stat = job.stat;
        let mut trouble = None;
        for _ in 0..ATTEMPTS {
            let seen = match stat.kind {
                Kind::Dir => return Ok(Found::Gone),
                Kind::Other => {
                    return Ok(Found::NoFile(format!(
                        "it is {}, not a file",
                        stat.kind.describe()
                    )));
                }
                Kind::Link => fs.read_link(&job.path).map(Seen::Link),
                Kind::File if stat.len > MAX_FILE_BYTES => return Ok(too_large(&stat)),
                Kind::File => fs.read(&job.path, MAX_FILE_BYTES).map(Seen::File),
            };
            let after = match fs.stat(&job.path) {
                Ok(after) => after,
                Err(FsError::NotFound { .. } | FsError::NotADir { .. }) => return Ok(Found::Gone),
                Err(error) => return Ok(Found::Excluded(error.to_string())),
            };
            let unchanged = after.kind == stat.kind && after.stamp() == stat.stamp();
            stat = after;
            match seen {
                Ok(Seen::Link(target)) if unchanged => {
                    return Ok(Found::Held {
                        held: Held::Link { target },
                        git_id: None,
                        read: None,
                    });
                }
                Ok(Seen::File(bytes)) if unchanged && bytes.len() as u64 == stat.len => {
                    return self.keep(job, &stat, &bytes);
                }
                Ok(_) => trouble = None,
                // It may have been replaced at that very moment; an error that stays is the reason.
                Err(error) => trouble = Some(error.to_string()),
            }
        }
        Ok(Found::Excluded(trouble.unwrap_or_else(|| {
            "it changed each time it was read".to_owned()
        })))
    }

    fn keep(&self, job: &Job, stat: &Stat, bytes: &[u8]) -> Result<Found, CheckpointError> {
        let git_id = self.with_git_ids.then(|| git_blob_id(bytes));
        // The same name as before, so that nothing is stored twice and nobody sees a change.
        let content = match &git_id {
            Some(id) if job.was.as_ref() == Some(id) => Content::Git(id.clone()),
            _ => Content::Blob(self.batch.add(bytes)?),
        };
        Ok(Found::Held {
            held: Held::File {
                content,
                len: stat.len,
                mode: stat.mode,
                stamp: stat.stamp(),
            },
            git_id,
            read: Some(stat.len),
        })
    }
}

enum Seen {
    File(Vec<u8>),
    Link(std::path::PathBuf),
}

pub(crate) fn too_large(stat: &Stat) -> Found {
    Found::Held {
        held: Held::TooLarge {
            len: stat.len,
            mode: stat.mode,
            stamp: stat.stamp(),
        },
        git_id: None,
        read: None,
    }
}

/// The name that git gives to a file's content in a repository of the usual kind. Used to compare, never to trust.
fn git_blob_id(bytes: &[u8]) -> String {
    let mut hasher = Sha1::new();
    hasher.update(format!("blob {}\0", bytes.len()));
    hasher.update(bytes);
    let digest = hasher.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
