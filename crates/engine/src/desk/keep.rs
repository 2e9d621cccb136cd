//! What a file holds, where that is kept, and how it is put back.

use super::{Desk, damaged};
use crate::failure::{failure, from_checkpoint, from_fs, from_review};
use kerf_checkpoint::{Blobs, Hash, Held, ReadGit};
use kerf_protocol::{Code, Failure, review::Opaque};
use kerf_review::{Content, FileReview, Marks, Saved};
use kerf_store::{ReviewRow, Write};
use kerf_workspace::{Expect, FsError, Kind, RelPath, Save, Stat, Workspace};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file above this size is known by its stamp alone: what it held is not kept and cannot be put back.
const MAX_KEPT: u64 = 64 * 1024 * 1024;

/// Where a content is kept, as the store holds it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Kept {
    Absent,
    Text {
        hash: Hash,
        mode: u32,
    },
    Opaque {
        kind: Opaque,
        hash: Hash,
        len: u64,
        mode: u32,
        target: Option<String>,
    },
}

impl Kept {
    /// The blob that it names. One that was too large to be kept names one that is not there.
    pub(super) fn blob(&self) -> Option<Hash> {
        match self {
            Self::Absent => None,
            Self::Text { hash, .. } | Self::Opaque { hash, .. } => Some(*hash),
        }
    }
}

/// What contents are read with; unlike the desk it can be used on several threads.
#[derive(Clone, Copy)]
pub(super) struct Contents<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) blobs: &'a Blobs,
}

impl Contents<'_> {
    /// What a path holds now. Its bytes are in the blobs when this returns, so that it can be put back.
    pub(super) fn of(self, path: &RelPath) -> Result<Content, Failure> {
        let stat = match self.workspace.fs().stat(path) {
            Ok(stat) => stat,
            // Where a folder above it became a file, or a link that leads out, the file is gone too.
            Err(FsError::NotFound { .. } | FsError::NotADir { .. } | FsError::Escapes { .. }) => {
                return Ok(Content::Absent);
            }
            Err(error) => return Err(from_fs(error)),
        };
        match stat.kind {
            Kind::Link => {
                let target = self.workspace.fs().read_link(path).map_err(from_fs)?;
                self.link(&target)
            }
            Kind::File if stat.len > MAX_KEPT => Ok(huge(&stat)),
            Kind::File => {
                let bytes = self.workspace.fs().read(path, MAX_KEPT).map_err(from_fs)?;
                self.classify(bytes, stat.mode)
            }
            // A folder or a device in a file's place: the file is gone.
            Kind::Dir | Kind::Other => Ok(Content::Absent),
        }
    }

    /// A text carries its bytes; anything else is known by its hash, so its bytes are kept at once.
    pub(super) fn classify(self, bytes: Vec<u8>, mode: u32) -> Result<Content, Failure> {
        let bytes: Arc<[u8]> = Arc::from(bytes);
        let content = Content::classify(Arc::clone(&bytes), mode, |bytes| {
            *Hash::of(bytes).as_bytes()
        });
        if matches!(content, Content::Opaque { .. }) {
            self.blobs.put(&bytes).map_err(from_checkpoint)?;
        }
        Ok(content)
    }

    /// A link. A target that is no text is kept as a blob, since its text form cannot be written back.
    pub(super) fn link(self, target: &Path) -> Result<Content, Failure> {
        let bytes = target.as_os_str().as_encoded_bytes();
        if target.to_str().is_none() {
            self.blobs.put(bytes).map_err(from_checkpoint)?;
        }
        Ok(Content::link(
            target.to_string_lossy().into_owned(),
            *Hash::of(bytes).as_bytes(),
        ))
    }

    /// The target of a link, exactly.
    fn target(self, shown: &str, hash: [u8; 32]) -> Result<PathBuf, Failure> {
        if *Hash::of(shown.as_bytes()).as_bytes() == hash {
            return Ok(PathBuf::from(shown));
        }
        let bytes = self.blobs.get(&Hash::from(hash)).map_err(from_checkpoint)?;
        Ok(path_of(bytes))
    }

    /// Puts a content in the place of `old`, which is what must be on disk. What cannot be brought back is not removed.
    pub(super) fn write(self, path: &RelPath, old: &Content, new: &Content) -> Result<(), Failure> {
        let fs = self.workspace.fs();
        let here = match fs.stat(path) {
            Ok(stat) => Some(stat),
            Err(FsError::NotFound { .. } | FsError::NotADir { .. }) => None,
            Err(error) => return Err(blocked(error)),
        };
        // The stamp was taken before: a change after this look is found when saving.
        if self.of(path)? != *old {
            return Err(blocked(FsError::Conflict { path: path.clone() }));
        }
        if let Content::Opaque {
            kind: Opaque::Huge,
            hash,
            len,
            ..
        } = old
            && !self.blobs.has(&Hash::from(*hash))
        {
            return Err(failure(
                Code::Conflict,
                format!(
                    "{path} ({len} bytes) is too large to be kept, so that this could not be undone"
                ),
                "Remove or change it yourself",
            ));
        }
        let is_link = here.as_ref().is_some_and(|stat| stat.kind == Kind::Link);
        let (bytes, mode): (Arc<[u8]>, u32) = match new {
            Content::Absent => {
                if here.is_some() {
                    fs.remove(path).map_err(blocked)?;
                }
                self.remove_empty_folders(path);
                return Ok(());
            }
            Content::Opaque {
                kind: Opaque::Link,
                target: Some(shown),
                hash,
                ..
            } => {
                let target = self.target(shown, *hash)?;
                if here.is_some() {
                    fs.remove(path).map_err(blocked)?;
                }
                return fs.link(path, &target).map_err(blocked);
            }
            Content::Text { bytes, mode } => (Arc::clone(bytes), *mode),
            Content::Opaque {
                hash, mode, len, ..
            } => {
                let bytes = self.blobs.get(&Hash::from(*hash)).map_err(|_| {
                    failure(
                        Code::Conflict,
                        format!("the earlier content of {path} ({len} bytes) was too large to be kept and cannot be put back"),
                        "Restore it from version control or a backup",
                    )
                })?;
                (Arc::from(bytes), *mode)
            }
        };
        let expect = match &here {
            None => Expect::Absent,
            Some(_) if is_link => {
                fs.remove(path).map_err(blocked)?;
                Expect::Absent
            }
            Some(stat) => Expect::Stamp(stat.stamp()),
        };
        let save = Save {
            mode: Some(mode),
            expect,
        };
        fs.save(path, &bytes, &save).map(drop).map_err(blocked)
    }

    /// A folder that a file leaves empty goes with it, as in version control.
    fn remove_empty_folders(self, path: &RelPath) {
        if let Some(folder) = path.parent().filter(|folder| !folder.is_root())
            && let Err(error) = self.workspace.fs().remove_empty_dirs(&folder)
        {
            tracing::warn!(%path, %error, "an empty folder stays");
        }
    }

    /// The review that a row tells of.
    pub(super) fn review(self, row: &ReviewRow) -> Result<FileReview, Failure> {
        let content = |text: &str| -> Result<Content, Failure> {
            Ok(
                match serde_json::from_str(text).map_err(|error| damaged(&error))? {
                    Kept::Absent => Content::Absent,
                    Kept::Text { hash, mode } => Content::Text {
                        bytes: Arc::from(self.blobs.get(&hash).map_err(from_checkpoint)?),
                        mode,
                    },
                    Kept::Opaque {
                        kind,
                        hash,
                        len,
                        mode,
                        target,
                    } => Content::Opaque {
                        kind,
                        hash: *hash.as_bytes(),
                        len,
                        mode,
                        target,
                    },
                },
            )
        };
        let marks: Marks = serde_json::from_str(&row.marks).map_err(|error| damaged(&error))?;
        let saved = Saved {
            origin: content(&row.origin)?,
            proposed: content(&row.proposed)?,
            marks,
        };
        FileReview::load(saved).map_err(from_review)
    }
}

impl Desk {
    pub(super) fn contents(&self) -> Contents<'_> {
        Contents {
            workspace: &self.workspace,
            blobs: &self.blobs,
        }
    }

    /// What a path holds now; see [`Contents::of`].
    pub(super) fn content(&self, path: &RelPath) -> Result<Content, Failure> {
        self.contents().of(path)
    }

    /// What a snapshot held.
    pub(super) fn held(&self, held: &Held) -> Result<Content, Failure> {
        self.held_by(held, &self.git())
    }

    /// Reads the objects of the repository.
    pub(super) fn git(
        &self,
    ) -> impl Fn(&str) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        |oid| match &self.repo {
            Some(repo) => repo.blob(oid).map_err(Into::into),
            None => Err("the repository is gone".into()),
        }
    }

    /// What a snapshot held, with git's objects from elsewhere.
    pub(super) fn held_by(&self, held: &Held, git: &ReadGit<'_>) -> Result<Content, Failure> {
        Ok(match held {
            Held::Link { target } => self.contents().link(target)?,
            Held::TooLarge { len, mode, stamp } => opaque_huge(*len, *mode, &format!("{stamp:?}")),
            Held::File { mode, .. } => {
                let bytes = kerf_checkpoint::content(held, &self.blobs, git)
                    .map_err(from_checkpoint)?
                    .unwrap_or_default();
                return self.contents().classify(bytes, *mode);
            }
        })
    }

    /// The target of a link, exactly.
    pub(super) fn target(&self, shown: &str, hash: [u8; 32]) -> Result<PathBuf, Failure> {
        self.contents().target(shown, hash)
    }

    /// Removes the folders of a file that is gone, as far as they are empty.
    pub(super) fn remove_empty_folders(&self, path: &RelPath) {
        self.contents().remove_empty_folders(path);
    }

    /// Puts a content in the place of another; see [`Contents::write`].
    pub(super) fn write(
        &self,
        path: &RelPath,
        old: &Content,
        new: &Content,
    ) -> Result<(), Failure> {
        self.contents().write(path, old, new)
    }

    /// The row of a file, its contents kept; none when there is nothing left to review.
    pub(super) fn row(&mut self, path: &RelPath) -> Result<Write, Failure> {
        self.rows_kept = None;
        let Some(review) = self.files.get(path) else {
            self.rows.remove(path);
            return Ok(Write::ReviewFile {
                session_id: self.session_id,
                path: path.to_string(),
                row: None,
            });
        };
        let row = self.row_of(review)?;
        self.rows.insert(path.clone(), row.clone());
        Ok(Write::ReviewFile {
            session_id: self.session_id,
            path: path.to_string(),
            row: Some(row),
        })
    }

    /// A review as the store holds it, its contents kept.
    pub(super) fn row_of(&self, review: &FileReview) -> Result<ReviewRow, Failure> {
        let Saved {
            origin,
            proposed,
            marks,
        } = review.save();
        Ok(ReviewRow {
            origin: self.keep(&origin)?,
            proposed: self.keep(&proposed)?,
            marks: serde_json::to_string(&marks).map_err(|error| damaged(&error))?,
        })
    }

    fn keep(&self, content: &Content) -> Result<String, Failure> {
        let kept = match content {
            Content::Absent => Kept::Absent,
            Content::Text { bytes, mode } => Kept::Text {
                hash: self.blobs.put(bytes).map_err(from_checkpoint)?,
                mode: *mode,
            },
            Content::Opaque {
                kind,
                hash,
                len,
                mode,
                target,
            } => Kept::Opaque {
                kind: *kind,
                hash: Hash::from(*hash),
                len: *len,
                mode: *mode,
                target: target.clone(),
            },
        };
        serde_json::to_string(&kept).map_err(|error| damaged(&error))
    }
}

#[cfg(unix)]
pub(super) fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
pub(super) fn path_of(bytes: Vec<u8>) -> PathBuf {
    // Elsewhere a target that is no text cannot be had from bytes.
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// Something on disk is in the way of a decision; that is nobody's mistake of usage.
fn blocked(error: FsError) -> Failure {
    let mut failure = from_fs(error);
    if failure.code != Code::Storage {
        failure.code = Code::Conflict;
    }
    failure
}

fn huge(stat: &Stat) -> Content {
    opaque_huge(stat.len, stat.mode, &format!("{:?}", stat.stamp()))
}

/// A file too large to be read is known by its stamp alone.
fn opaque_huge(len: u64, mode: u32, stamp: &str) -> Content {
    Content::Opaque {
        kind: Opaque::Huge,
        hash: *Hash::of(stamp.as_bytes()).as_bytes(),
        len,
        mode,
        target: None,
    }
}
