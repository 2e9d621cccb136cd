//! Writes a set of planned changes, all or none, and shows them as a diff.
//!
//! A plan says for every file what it was when it was read and what it is to be. Nothing is written unless every
//! file is still what it was; when writing fails in the middle, what was already written is put back.
//!
//! It decides nothing: plans come from [`crate::patch`] and [`crate::edit`]. Start with [`write_all`].

use crate::{
    folder::Workspace,
    fs::{Expect, Fs, FsError, Kind, Save, Stamp, Stat},
    path::RelPath,
    text::TextFile,
};
use similar::{Algorithm, TextDiff};
use std::{error, fmt, io};

/// One file to be changed: what it was, and what it is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileWrite {
    /// The file.
    pub path: RelPath,
    /// What was read, with its stamp; None when there must be no file.
    pub before: Option<(Stamp, Vec<u8>)>,
    /// What to write; None deletes the file.
    pub after: Option<Vec<u8>>,
    /// Unix permission bits to set; None keeps them, or gives a new file the usual ones.
    pub mode: Option<u32>,
}

/// Why a set of writes failed when a part of it was already written: the source of the [`FsError::Io`] that
/// [`write_all`] returns then.
#[derive(Debug)]
pub struct PutBack {
    /// What failed.
    pub cause: FsError,
    /// The files that hold the new content still, because putting them back failed too; usually none.
    pub left: Vec<RelPath>,
}

/// Writes all or none: looks at the stamp of every file first, then writes in order. Returns the stamp of each file as
/// it was written, none for one that was removed.
///
/// When the first look finds a change, the error is [`FsError::Conflict`] and nothing was touched. When writing
/// fails later, what was already written is put back, unless someone has changed it since, and the error is
/// [`FsError::Io`] with a [`PutBack`] as its source. Folders made for new files go too.
pub fn write_all(ws: &Workspace, writes: &[FileWrite]) -> Result<Vec<Option<Stamp>>, FsError> {
    let fs = ws.fs();
    let mut found = Vec::with_capacity(writes.len());
    for write in writes {
        found.push(check(fs, write)?);
    }
    let mut done: Vec<Done<'_>> = Vec::new();
    for (write, was) in writes.iter().zip(found) {
        match Done::run(fs, write, was) {
            Ok(step) => done.push(step),
            Err(cause) if done.is_empty() => return Err(cause),
            Err(cause) => {
                let source = io::Error::other(PutBack {
                    cause,
                    left: put_back(fs, done),
                });
                let action = "write the whole set of changes; the failure was at";
                return Err(FsError::Io {
                    path: write.path.clone(),
                    action,
                    source,
                });
            }
        }
    }
    Ok(done.iter().map(|step| step.stamp).collect())
}

/// Undoes what was done, the last first, and gives the paths where that failed.
fn put_back(fs: &dyn Fs, done: Vec<Done<'_>>) -> Vec<RelPath> {
    let mut left = Vec::new();
    for step in done.into_iter().rev() {
        let path = &step.write.path;
        if let Err(error) = step.undo(fs) {
            tracing::warn!(%path, %error, "a file could not be put back");
            left.push(path.clone());
        }
    }
    left
}

/// What is on disk, when it is what the plan says.
fn check(fs: &dyn Fs, write: &FileWrite) -> Result<Option<Stat>, FsError> {
    let found = match fs.stat(&write.path) {
        Ok(stat) => Some(stat),
        Err(FsError::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    let expected = match (&write.before, &found) {
        (None, None) => true,
        (Some((stamp, _)), Some(stat)) => stat.kind == Kind::File && stat.stamp() == *stamp,
        _ => false,
    };
    if expected {
        Ok(found)
    } else {
        Err(FsError::Conflict {
            path: write.path.clone(),
        })
    }
}

/// A write that was done, and what it takes to undo it.
struct Done<'a> {
    write: &'a FileWrite,
    /// The permission bits of the file before.
    mode: Option<u32>,
    /// What was written.
    stamp: Option<Stamp>,
    /// The nearest folder that existed before, when folders below it were made.
    kept_folder: Option<RelPath>,
}

impl<'a> Done<'a> {
    fn run(fs: &dyn Fs, write: &'a FileWrite, was: Option<Stat>) -> Result<Self, FsError> {
        let kept_folder = if was.is_none() {
            folder_above_new_ones(fs, &write.path)
        } else {
            None
        };
        let stamp = match &write.after {
            Some(bytes) => {
                let expect = write
                    .before
                    .as_ref()
                    .map_or(Expect::Absent, |(stamp, _)| Expect::Stamp(*stamp));
                Some(
                    fs.save(
                        &write.path,
                        bytes,
                        &Save {
                            mode: write.mode,
                            expect,
                        },
                    )?
                    .stamp(),
                )
            }
            None => {
                if check(fs, write)?.is_some() {
                    fs.remove(&write.path)?;
                }
                None
            }
        };
        Ok(Done {
            write,
            mode: was.map(|stat| stat.mode),
            stamp,
            kept_folder,
        })
    }

    fn undo(self, fs: &dyn Fs) -> Result<(), FsError> {
        let path = &self.write.path;
        let expect = self.stamp.map_or(Expect::Absent, Expect::Stamp);
        match (&self.write.before, self.stamp) {
            (Some((_, bytes)), _) => {
                fs.save(
                    path,
                    bytes,
                    &Save {
                        mode: self.mode,
                        expect,
                    },
                )?;
            }
            (None, Some(stamp)) => {
                if fs.stat(path)?.stamp() != stamp {
                    return Err(FsError::Conflict { path: path.clone() });
                }
                fs.remove(path)?;
                self.remove_new_folders(fs)?;
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// The file system takes away every empty folder up to the root, so this waits for one that is not empty.
    fn remove_new_folders(&self, fs: &dyn Fs) -> Result<(), FsError> {
        let Some((kept, folder)) = self.kept_folder.as_ref().zip(self.write.path.parent()) else {
            return Ok(());
        };
        if *kept == RelPath::root() || fs.list(kept)?.len() > 1 {
            fs.remove_empty_dirs(&folder)?;
        }
        Ok(())
    }
}

/// None when the folder of `path` exists.
fn folder_above_new_ones(fs: &dyn Fs, path: &RelPath) -> Option<RelPath> {
    let mut folder = path.parent()?;
    let mut missing = false;
    while matches!(fs.stat(&folder), Err(FsError::NotFound { .. })) {
        missing = true;
        folder = folder.parent()?;
    }
    missing.then_some(folder)
}

impl fmt::Display for PutBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; ", self.cause)?;
        if self.left.is_empty() {
            return f.write_str("what was already written has been put back");
        }
        f.write_str(
            "the rest has been put back, but these files could not be and hold the new content: ",
        )?;
        for (nth, path) in self.left.iter().enumerate() {
            write!(f, "{}`{path}`", if nth == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl error::Error for PutBack {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// A unified diff of the writes, for people: `a/` and `b/` headers, three lines of context, one line for a file
/// that is not text. Text in another encoding is shown decoded.
pub fn unified_diff(writes: &[FileWrite]) -> String {
    writes.iter().map(file_diff).collect()
}

fn file_diff(write: &FileWrite) -> String {
    let before = write.before.as_ref().map(|(_, bytes)| bytes.as_slice());
    let after = write.after.as_deref();
    if before == after {
        return String::new();
    }
    let name = |side: &str, content: Option<&[u8]>| match content {
        Some(_) => format!("{side}/{}", write.path),
        None => "/dev/null".to_owned(),
    };
    let (old_name, new_name) = (name("a", before), name("b", after));
    let decode = |content: Option<&[u8]>| TextFile::decode(content.unwrap_or_default());
    let (Ok(old), Ok(new)) = (decode(before), decode(after)) else {
        return format!("Binary files {old_name} and {new_name} differ\n");
    };
    let mut out = format!("--- {old_name}\n+++ {new_name}\n");
    if old.text == new.text && before.is_some() && after.is_some() {
        let shown = |file: &TextFile| {
            format!(
                "{}{}",
                file.encoding,
                if file.bom {
                    " with byte order mark"
                } else {
                    ""
                }
            )
        };
        out.push_str(&format!(
            "Encoding changed from {} to {}\n",
            shown(&old),
            shown(&new)
        ));
    }
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (
        old.text.split_inclusive('\n').collect(),
        new.text.split_inclusive('\n').collect(),
    );
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Histogram)
        .newline_terminated(true)
        .diff_slices(&old_lines, &new_lines);
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        out.push_str(&format!("{}\n", hunk.header()));
        for change in hunk.iter_changes() {
            let line: &str = change.value();
            out.push_str(&format!("{}{line}", change.tag()));
            if !line.ends_with('\n') {
                out.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    out
}
