//! Commits of contents that the caller gives, whatever the files on disk hold.

use crate::{GitError, Repo, attributes::Attributes, content::Kept, held::Held, path_to_git};
use git2::{
    Commit, ErrorCode, FileMode, Index, IndexEntry, MergeFileInput, MergeFileOptions, Oid,
    Repository, Tree, TreeEntry, build::TreeUpdateBuilder,
};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

/// A file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFile {
    /// Where it is, relative to the working tree.
    pub path: PathBuf,
    /// What it held before the change; none when there was no file.
    pub before: Option<FileContent>,
    /// What it holds after the change; none when the change deletes it.
    pub after: Option<FileContent>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileContent {
    /// Its bytes; of a link, its target.
    pub bytes: Vec<u8>,
    /// What it is.
    pub kind: FileKind,
}

/// What a file is, as far as git knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A file.
    Plain,
    /// A file that can be run.
    Executable,
    /// A symbolic link.
    Link,
}

impl From<FileKind> for FileMode {
    fn from(kind: FileKind) -> Self {
        match kind {
            FileKind::Plain => Self::Blob,
            FileKind::Executable => Self::BlobExecutable,
            FileKind::Link => Self::Link,
        }
    }
}

impl Repo {
    /// Adds a commit with these changes, and nothing else, to the branch that is checked out. Returns its id in hex.
    ///
    /// Where the last commit holds something other than `before` (the user had changed the file already), the change is
    /// merged into what it holds, so that the user's own lines stay out of the commit. The index follows, so that
    /// `git status` shows just what is not in the commit. Files are not touched. No hook and no signing program
    /// runs; see [`Repo::commit_programs`].
    ///
    /// Errors: [`GitError::NotCommitted`] says which file is in the way and why; nothing is changed then.
    pub fn commit(&self, message: &str, files: &[CommitFile]) -> Result<String, GitError> {
        let repo = self.lock();
        let failed = |error| GitError::library("commit to", &self.workdir, error);
        let author = repo.signature().map_err(|error| match error.code() {
            ErrorCode::NotFound => self.refused(
                None,
                "git does not know your name; set user.name and user.email with git config",
            ),
            _ => failed(error),
        })?;
        let parent = match repo.head() {
            Ok(head) => Some(head.peel_to_commit().map_err(failed)?),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
                None
            }
            Err(error) => return Err(failed(error)),
        };
        let tree = parent
            .as_ref()
            .map(Commit::tree)
            .transpose()
            .map_err(failed)?;
        let mut held = Held::take(&repo, &self.workdir)?;
        if held.index.has_conflicts() {
            return Err(self.refused(None, "a merge is not finished; finish or abort it first"));
        }
        let attributes = Attributes::of(&repo, &self.workdir, &held.index);
        let mut builder = TreeUpdateBuilder::new();
        let mut staged = Vec::new();
        for file in files {
            let name = path_to_git(&file.path)
                .ok_or_else(|| self.refused(Some(&file.path), "git has no such name here"))?;
            if attributes.change_content(&name) {
                return Err(self.refused(
                    Some(&file.path),
                    "git keeps it through a filter, as large files or line ends; commit it with git itself",
                ));
            }
            let committed = entry(tree.as_ref(), &file.path).map_err(failed)?;
            let change = self.change(&repo, file, committed.as_ref())?;
            if !is_as_committed(&held.index, &file.path, committed.as_ref()) {
                return Err(self.refused(
                    Some(&file.path),
                    "you have staged changes of it; commit or unstage them first",
                ));
            }
            match change {
                Some((id, kind)) => builder.upsert(name.as_slice(), id, kind.into()),
                None if committed.is_some() => builder.remove(name.as_slice()),
                None => &mut builder,
            };
            staged.push((file, name, change));
        }
        let base = match &tree {
            Some(tree) => tree.clone(),
            None => {
                let empty = repo.treebuilder(None).and_then(|builder| builder.write());
                empty.and_then(|id| repo.find_tree(id)).map_err(failed)?
            }
        };
        let new = builder.create_updated(&repo, &base).map_err(failed)?;
        if new == base.id() {
            return Err(self.refused(None, "the last commit holds all of it already"));
        }
        let new = repo.find_tree(new).map_err(failed)?;
        for (file, name, change) in staged {
            match change {
                Some((id, kind)) => held.index.add(&index_entry(name, id, kind)),
                None => held.index.remove_path(&file.path).or_else(|error| {
                    // It was never in the index.
                    (error.code() == ErrorCode::NotFound)
                        .then_some(())
                        .ok_or(error)
                }),
            }
            .map_err(failed)?;
        }
        let parents: Vec<&Commit<'_>> = parent.iter().collect();
        let id = repo
            .commit(Some("HEAD"), &author, &author, message, &new, &parents)
            .map_err(failed)?;
        held.write()?;
        Ok(id.to_string())
    }

    /// The programs that `git commit` would run here and [`Repo::commit`] does not: hooks, and the signing program.
    pub fn commit_programs(&self) -> Vec<String> {
        let repo = self.lock();
        let config = repo.config().and_then(|mut config| config.snapshot());
        let mut programs = Vec::new();
        let hooks = self.hooks(&repo);
        for hook in [
            "pre-commit",
            "prepare-commit-msg",
            "commit-msg",
            "post-commit",
        ] {
            if hooks.join(hook).is_file() {
                programs.push(format!("the hook {hook}"));
            }
        }
        if config.is_ok_and(|config| config.get_bool("commit.gpgsign").unwrap_or(false)) {
            programs.push("the signing program".to_owned());
        }
        programs
    }

    /// How many commits the branch that is checked out and its upstream each have that the other has not; none without
    /// an upstream.
    pub fn ahead_behind(&self) -> Result<Option<(usize, usize)>, GitError> {
        let repo = self.lock();
        let find = || -> Result<(usize, usize), git2::Error> {
            let head = repo.head()?;
            // Where `HEAD` is detached, as in a rebase, there is no branch.
            let name = head.name().ok().filter(|_| head.is_branch());
            let (Some(name), Some(local)) = (name, head.target()) else {
                return Err(git2::Error::new(
                    ErrorCode::NotFound,
                    git2::ErrorClass::Reference,
                    "no branch",
                ));
            };
            let upstream = repo.branch_upstream_name(name)?;
            let upstream = String::from_utf8_lossy(&upstream).into_owned();
            repo.graph_ahead_behind(local, repo.refname_to_id(&upstream)?)
        };
        match find() {
            Ok(counts) => Ok(Some(counts)),
            Err(error) if matches!(error.code(), ErrorCode::NotFound | ErrorCode::UnbornBranch) => {
                Ok(None)
            }
            Err(error) => Err(GitError::library(
                "compare a branch with its upstream in",
                &self.workdir,
                error,
            )),
        }
    }

    /// The blob that the commit gets; none: no file.
    fn change(
        &self,
        repo: &Repository,
        file: &CommitFile,
        committed: Option<&TreeEntry<'_>>,
    ) -> Result<Option<(Oid, FileKind)>, GitError> {
        let failed = |error| GitError::library("write an object to", &self.workdir, error);
        let clean = |content: &FileContent| cleaned(repo, &file.path, content).map_err(failed);
        let write = |(id, content): (Oid, FileContent)| Ok(Some((id, content.kind)));
        let after = file.after.as_ref().map(clean).transpose()?;
        let held = committed
            .map(|entry| held(repo, entry))
            .transpose()
            .map_err(failed)?;
        let Some(held) = held else {
            // Also a file that the user made and never committed goes in whole: there is nothing to merge it into.
            return after.map_or(Ok(None), write);
        };
        let before = file.before.as_ref().map(clean).transpose()?;
        if before.as_ref().is_some_and(|(_, before)| *before == held)
            || after.as_ref().is_some_and(|(_, after)| *after == held)
        {
            return after.map_or(Ok(None), write);
        }
        let merged = match (&before, &after) {
            (Some((_, before)), Some((_, after))) if before.kind == held.kind => {
                merge(&before.bytes, &held.bytes, &after.bytes).map_err(failed)?
            }
            _ => None,
        };
        match (merged, after) {
            (Some(bytes), Some((_, after))) => {
                let id = repo.blob(&bytes).map_err(failed)?;
                Ok(Some((id, after.kind)))
            }
            _ => Err(self.refused(
                Some(&file.path),
                "you changed the same lines before, and that is not committed yet; commit it with git itself",
            )),
        }
    }

    fn refused(&self, path: Option<&Path>, why: &str) -> GitError {
        GitError::NotCommitted {
            path: path.map_or_else(|| self.workdir.clone(), Path::to_owned),
            why: why.to_owned(),
        }
    }
}

fn entry<'t>(
    tree: Option<&Tree<'t>>,
    path: &Path,
) -> Result<Option<TreeEntry<'static>>, git2::Error> {
    let Some(tree) = tree else { return Ok(None) };
    match tree.get_path(path) {
        Ok(entry) => Ok(Some(entry)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn held(repo: &Repository, entry: &TreeEntry<'_>) -> Result<FileContent, git2::Error> {
    let kind = match entry.filemode() {
        0o100_755 => FileKind::Executable,
        0o120_000 => FileKind::Link,
        _ => FileKind::Plain,
    };
    let bytes = repo.find_blob(entry.id())?.content().to_vec();
    Ok(FileContent { bytes, kind })
}

/// A content as git keeps it: line ends may be others than on disk.
fn cleaned(
    repo: &Repository,
    path: &Path,
    content: &FileContent,
) -> Result<(Oid, FileContent), git2::Error> {
    let id = if content.kind == FileKind::Link {
        repo.blob(&content.bytes)?
    } else {
        let mut writer = repo.blob_writer(Some(path))?;
        writer
            .write_all(&content.bytes)
            .map_err(|error| git2::Error::from_str(&error.to_string()))?;
        writer.commit()?
    };
    let bytes = repo.find_blob(id)?.content().to_vec();
    let kind = content.kind;
    Ok((id, FileContent { bytes, kind }))
}

/// Three texts merged; none when they conflict.
pub(crate) fn merge(
    before: &[u8],
    ours: &[u8],
    theirs: &[u8],
) -> Result<Option<Vec<u8>>, git2::Error> {
    let input = |content| {
        let mut input = MergeFileInput::new();
        input.content(content);
        input
    };
    let merged = git2::merge_file(
        &input(before),
        &input(ours),
        &input(theirs),
        Some(&mut MergeFileOptions::new()),
    )?;
    Ok(merged.is_automergeable().then(|| merged.content().to_vec()))
}

/// Whether the index holds of a path what the last commit holds, so that nothing of the user's is staged there.
fn is_as_committed(index: &Index, path: &Path, committed: Option<&TreeEntry<'_>>) -> bool {
    match (index.get_path(path, 0), committed) {
        (None, None) => true,
        (Some(staged), Some(committed)) => {
            staged.id == committed.id() && staged.mode == committed.filemode().cast_unsigned()
        }
        _ => false,
    }
}

fn index_entry(path: Vec<u8>, id: Oid, kind: FileKind) -> IndexEntry {
    let mode = i32::from(FileMode::from(kind)).cast_unsigned();
    Kept { id, mode }.entry(path)
}
