//! Commits that somebody made: what they hold of the review is agreed to.
//!
//! When the user commits a change they have said yes to it, with Kerf or with git itself. A commit that a command of the
//! agent's made agrees to nothing, nor does one in a worktree of Kerf's own: else a model could take its work out of the
//! review.

use super::{Desk, keep::path_of};
use kerf_git::{CommittedFile, FileKind, GitError, Repo};
use kerf_protocol::Failure;
use kerf_review::Content;
use kerf_store::Write;
use kerf_workspace::RelPath;
use std::path::{Path, PathBuf};

/// What a commit holds of a file, read.
pub(super) struct Read {
    kind: FileKind,
    bytes: Vec<u8>,
}

/// What a commit holds of files that it changed.
pub(super) type News = Vec<(RelPath, Content)>;

impl Desk {
    /// Looks whether another commit is checked out in the user's folder than the one that was seen last, and reads what it
    /// changed of the files under review. Each such commit is told of once.
    pub(super) fn look_at_head(&mut self) -> Result<(News, Vec<Write>), Failure> {
        let known = self.head.clone();
        let unsettled: Vec<RelPath> = self
            .files
            .iter()
            .filter(|(_, review)| !review.is_settled())
            .map(|(path, _)| path.clone())
            .collect();
        let found = match self.committed_to() {
            Ok((Some(repo), folder)) => committed(repo, folder, known.as_deref(), &unsettled),
            // The folder beside a worktree may be gone; the worktree works on.
            Ok((None, _)) | Err(_) => return Ok((Vec::new(), Vec::new())),
        };
        let (head, committed) = match found {
            Ok(Some(found)) => found,
            Ok(None) => return Ok((Vec::new(), Vec::new())),
            Err(error) => {
                tracing::warn!(%error, "what was committed is not known");
                return Ok((Vec::new(), Vec::new()));
            }
        };
        let mut news = Vec::with_capacity(committed.len());
        for (path, read) in committed {
            let content = match read {
                Some(read) => self.read_content(read)?,
                None => Content::Absent,
            };
            news.push((path, content));
        }
        // Only now: what could not be read is read the next time.
        self.head = Some(head.clone());
        let session_id = self.session_id;
        Ok((news, vec![Write::ReviewHead { session_id, head }]))
    }

    /// What was committed of the review leaves it. To be called before and after what is on disk is let in: the user may
    /// have gone on with what they committed, or have committed what they had gone on with.
    pub(super) fn settle_committed(&mut self, news: &News) -> Result<Vec<Write>, Failure> {
        let mut writes = Vec::new();
        for (path, content) in news {
            let Some(review) = self.files.get_mut(path) else {
                continue;
            };
            if review.settle_committed(content) {
                writes.push(self.row(path)?);
                writes.extend(self.drop_aside(path));
            }
        }
        Ok(writes)
    }

    /// A content as it would be on disk.
    pub(super) fn read_content(&self, read: Read) -> Result<Content, Failure> {
        let Read { kind, bytes } = read;
        match kind {
            FileKind::Link => self.contents().link(&path_of(bytes)),
            FileKind::Plain => self.contents().classify(bytes, 0o644),
            FileKind::Executable => self.contents().classify(bytes, 0o755),
        }
    }
}

/// Reads what a commit holds.
pub(super) fn read(repo: &Repo, file: &CommittedFile) -> Result<Read, GitError> {
    let bytes = repo.blob(&file.oid)?;
    Ok(Read {
        kind: file.kind,
        bytes,
    })
}

/// Where the folder is in its repository.
pub(super) fn prefix(repo: &Repo, folder: &Path) -> Option<PathBuf> {
    folder.strip_prefix(repo.workdir()).map(Path::to_owned).ok()
}

/// The commit that is checked out now, empty before the first one, and what it holds of those files that it changed since
/// `known`; none when that is still the one. Without a known commit nothing has changed since.
#[expect(clippy::type_complexity, reason = "read at once by the only caller")]
fn committed(
    repo: &Repo,
    folder: &Path,
    known: Option<&str>,
    paths: &[RelPath],
) -> Result<Option<(String, Vec<(RelPath, Option<Read>)>)>, GitError> {
    let head = repo.head()?.commit.unwrap_or_default();
    if known == Some(head.as_str()) {
        return Ok(None);
    }
    let (Some(known), Some(prefix), false) = (known, prefix(repo, folder), head.is_empty()) else {
        return Ok(Some((head, Vec::new())));
    };
    let named: Vec<PathBuf> = paths
        .iter()
        .map(|path| prefix.join(path.to_string()))
        .collect();
    // The earlier one may be gone from the repository: then all may have changed.
    let before = repo.committed(known, &named).ok();
    let mut read_files = Vec::new();
    for (at, (path, now)) in paths.iter().zip(repo.committed(&head, &named)?).enumerate() {
        let before = before.as_ref().and_then(|before| before.get(at));
        if before == Some(&now) || (known.is_empty() && now.is_none()) {
            continue;
        }
        let content = now.map(|file| read(repo, &file)).transpose()?;
        read_files.push((path.clone(), content));
    }
    Ok(Some((head, read_files)))
}
