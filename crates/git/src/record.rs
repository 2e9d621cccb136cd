//! Commits of what is staged, and the last commit made anew.

use crate::{GitError, Repo, held::Held, stage::head_tree};
use git2::{Commit, ErrorCode, IndexEntryExtendedFlag, Repository, Signature};
use std::path::PathBuf;

/// How a commit is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordOptions<'a> {
    /// The message; space around it does not count.
    pub message: &'a str,
    /// Takes the place of the last commit, with what it held and what is staged.
    pub amend: bool,
    /// The user's word to go without the hooks and the signing that git would run.
    pub without_programs: bool,
}

/// A commit that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its id in hex.
    pub oid: String,
    /// The commit whose place it took; `git branch NAME ID` brings that back.
    pub replaced: Option<String>,
    /// What git would have run and was not.
    pub not_run: Vec<String>,
}

impl Repo {
    /// Commits what is staged, as the author that the configuration names; with `amend`, keeps the author and the parents
    /// of the commit that it replaces. Neither the index nor a file changes.
    ///
    /// Errors: [`GitError::Programs`] where git would run hooks or sign, unless that is waived;
    /// [`GitError::NotCommitted`] without a message, an author or anything staged; [`GitError::UnderWay`];
    /// [`GitError::Locked`].
    pub fn record(&self, options: RecordOptions<'_>) -> Result<Recorded, GitError> {
        let not_run = self.commit_programs();
        if !options.without_programs && !not_run.is_empty() {
            return Err(GitError::Programs { programs: not_run });
        }
        let message = options.message.trim();
        if message.is_empty() {
            return Err(self.no_commit("the message is empty"));
        }
        let message = format!("{message}\n");
        let repo = self.lock();
        let failed = |error| GitError::library("commit to", &self.workdir, error);
        self.refuse_under_way(&repo)?;
        let author = self.author(&repo)?;
        let mut held = Held::take(&repo, &self.workdir)?;
        if held.index.has_conflicts() {
            return Err(self.no_commit("a merge is not finished; finish or abort it first"));
        }
        // What is only intended to be added has no content yet.
        let intended: Vec<PathBuf> = held
            .index
            .iter()
            .filter(|entry| {
                entry.flags_extended & IndexEntryExtendedFlag::INTENT_TO_ADD.bits() != 0
            })
            .filter_map(|entry| crate::path_from_git(&entry.path))
            .collect();
        for path in intended {
            held.index.remove_path(&path).map_err(failed)?;
        }
        let tree = held.index.write_tree_to(&repo).map_err(failed)?;
        let before = head_tree(&repo).map_err(failed)?.map(|tree| tree.id());
        let last = last_commit(&repo).map_err(failed)?;
        let tree = repo.find_tree(tree).map_err(failed)?;
        let (oid, replaced) = if options.amend {
            let last = last.ok_or_else(|| self.no_commit("there is no commit to amend yet"))?;
            let oid = last
                .amend(
                    Some("HEAD"),
                    None,
                    Some(&author),
                    None,
                    Some(&message),
                    Some(&tree),
                )
                .map_err(failed)?;
            (oid, Some(last.id().to_string()))
        } else {
            if before == Some(tree.id()) || (before.is_none() && tree.is_empty()) {
                return Err(self.no_commit("nothing is staged"));
            }
            let parents: Vec<&Commit<'_>> = last.iter().collect();
            let oid = repo
                .commit(Some("HEAD"), &author, &author, &message, &tree, &parents)
                .map_err(failed)?;
            (oid, None)
        };
        Ok(Recorded {
            oid: oid.to_string(),
            replaced,
            not_run,
        })
    }

    /// The message of the last commit, to be edited for an amend; none before the first.
    pub fn last_message(&self) -> Result<Option<String>, GitError> {
        let repo = self.lock();
        let last = last_commit(&repo)
            .map_err(|error| GitError::library("read the last commit of", &self.workdir, error))?;
        Ok(last.map(|last| String::from_utf8_lossy(last.message_bytes()).into_owned()))
    }

    /// Who commits, as the configuration says.
    pub(crate) fn author(&self, repo: &Repository) -> Result<Signature<'static>, GitError> {
        repo.signature().map_err(|error| match error.code() {
            // None, or an empty one.
            ErrorCode::NotFound | ErrorCode::GenericError => self.no_commit(
                "git does not know your name; set user.name and user.email with git config",
            ),
            _ => GitError::library("commit to", &self.workdir, error),
        })
    }

    pub(crate) fn no_commit(&self, why: &str) -> GitError {
        GitError::NotCommitted {
            path: self.workdir.clone(),
            why: why.to_owned(),
        }
    }
}

/// The commit that `HEAD` names; none before the first.
pub(crate) fn last_commit(repo: &Repository) -> Result<Option<Commit<'_>>, git2::Error> {
    match repo.head() {
        Ok(head) => head.peel_to_commit().map(Some),
        Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
