//! Committing what was accepted.

use super::Desk;
use crate::{
    failure::{failure, from_checkpoint},
    projects::from_git,
};
use kerf_checkpoint::Hash;
use kerf_git::{CommitFile, FileContent, FileKind};
use kerf_protocol::{Code, Failure, project::Committed, review::Opaque};
use kerf_review::Content;
use kerf_store::Write;
use std::path::Path;

impl Desk {
    /// Commits the accepted changes. They are then no longer part of the review, and cannot be taken back here.
    pub(crate) fn commit(&mut self, message: &str) -> Result<(Committed, Vec<Write>), Failure> {
        let mut writes = self.sync(kerf_protocol::review::Author::User)?;
        let prefix = {
            let (repo, folder) = self.committed_to()?;
            let Some(repo) = repo else {
                return Err(failure(
                    Code::Usage,
                    "this folder is in no git repository",
                    "Make one with `git init`",
                ));
            };
            let prefix = folder.strip_prefix(repo.workdir()).map(Path::to_owned);
            prefix.map_err(|_| {
                failure(
                    Code::Internal,
                    "the folder is outside its repository",
                    "Commit with git itself",
                )
            })?
        };
        let mut files = Vec::new();
        for (path, review) in &self.files {
            let (before, after) = (review.origin(), review.accepted());
            if *before != after {
                files.push((
                    path.clone(),
                    CommitFile {
                        path: prefix.join(path.to_string()),
                        before: self.committable(before)?,
                        after: self.committable(&after)?,
                    },
                ));
            }
        }
        if files.is_empty() {
            return Err(failure(
                Code::Usage,
                "nothing is accepted, so there is nothing to commit",
                "Accept hunks first",
            ));
        }
        let (paths, files): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        let (Some(repo), _) = self.committed_to()? else {
            return Err(failure(Code::Internal, "the repository is gone", ""));
        };
        let oid = repo.commit(message, &files).map_err(from_git)?;
        let not_run = repo.commit_programs();
        for path in &paths {
            if let Some(review) = self.files.get_mut(path) {
                review.settle();
            }
            writes.push(self.row(path)?);
        }
        Ok((
            Committed {
                oid,
                files: paths.iter().map(ToString::to_string).collect(),
                not_run,
            },
            writes,
        ))
    }

    /// A content as git keeps it; none: no file.
    fn committable(&self, content: &Content) -> Result<Option<FileContent>, Failure> {
        let (bytes, kind) = match content {
            Content::Absent => return Ok(None),
            Content::Text { bytes, mode } => (bytes.to_vec(), kind(*mode)),
            Content::Opaque {
                kind: Opaque::Link,
                hash,
                target,
                ..
            } => {
                let target = self.target(target.as_deref().unwrap_or_default(), *hash)?;
                (
                    target.as_os_str().as_encoded_bytes().to_vec(),
                    FileKind::Link,
                )
            }
            Content::Opaque { hash, mode, .. } => {
                let bytes = self
                    .blobs
                    .get(&Hash::from(*hash))
                    .map_err(from_checkpoint)?;
                (bytes, kind(*mode))
            }
        };
        Ok(Some(FileContent { bytes, kind }))
    }
}

fn kind(mode: u32) -> FileKind {
    if mode & 0o111 == 0 {
        FileKind::Plain
    } else {
        FileKind::Executable
    }
}
