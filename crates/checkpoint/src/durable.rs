//! Making writes survive a power cut.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Up to this many files are flushed one by one; more are flushed with the whole file system, where that can be done.
const FEW: usize = 32;
/// Flushes at the same time share one journal commit.
const FLUSHERS: usize = 8;

/// Flushes files written after it was made. Made before the first write, because the kernel reports a failed
/// write-back only to handles that were open at the time.
#[derive(Debug)]
pub(crate) struct Flusher {
    #[cfg(target_os = "linux")]
    disk: File,
}

impl Flusher {
    /// For files in `dir`.
    pub(crate) fn new(dir: &Path) -> io::Result<Self> {
        #[cfg(not(target_os = "linux"))]
        let _ = dir;
        Ok(Self {
            #[cfg(target_os = "linux")]
            disk: File::open(dir)?,
        })
    }

    /// When this returns, the content of all `files` is on disk. The path of the error is the file that failed.
    pub(crate) fn flush(&self, files: &[&Path]) -> Result<(), (PathBuf, io::Error)> {
        if files.len() <= FEW {
            return files.iter().try_for_each(|file| flush_file(file));
        }
        #[cfg(target_os = "linux")]
        match rustix::fs::syncfs(&self.disk) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) => {}
            Err(error) => return Err((files[0].to_owned(), error.into())),
        }
        flush_in_parallel(files)
    }
}

fn flush_in_parallel(files: &[&Path]) -> Result<(), (PathBuf, io::Error)> {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            flush_file(file)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..FLUSHERS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}

fn flush_file(path: &Path) -> Result<(), (PathBuf, io::Error)> {
    // Windows flushes only through a handle that may write.
    File::options()
        .write(true)
        .open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| (path.to_owned(), error))
}

/// When this returns, names made or renamed in `dir` are on disk.
pub(crate) fn flush_dir(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    // On Windows a rename is journaled, and folders cannot be flushed.
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}
