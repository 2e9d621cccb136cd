//! The user's folder beside a worktree: what is accepted in the worktree goes there, merged into what the user has.

use super::{Desk, decide::Step, keep::Contents};
use crate::{
    failure::{failure, from_checkpoint, from_fs, from_review},
    projects::from_git,
};
use kerf_checkpoint::Blobs;
use kerf_git::{Place, Repo};
use kerf_protocol::{
    Code, Failure,
    review::{Author, Decision, Target},
};
use kerf_review::{Clash, Content, combine};
use kerf_store::Write;
use kerf_workspace::{RelPath, Workspace};
use std::{collections::BTreeMap, path::Path};

/// The user's folder, and the worktree as git knows it.
pub(crate) struct Beside {
    folder: String,
    place: Place,
    branch: Option<String>,
    /// Opened when it is first needed, and kept: the folder may be gone, and the worktree works on.
    opened: Option<Users>,
}

struct Users {
    workspace: Workspace,
    repo: Option<Repo>,
}

/// A file, what of it is accepted, and what would be.
pub(crate) type Accepted = (RelPath, Content, Content);

/// A file of the user's that is to become another.
pub(super) struct Merged {
    pub(super) path: RelPath,
    before: Content,
    after: Content,
}

impl Beside {
    /// `folder` is the user's folder that the worktree's folder was made of.
    pub(crate) fn new(folder: String, place: Place, branch: Option<String>) -> Self {
        Self {
            folder,
            place,
            branch,
            opened: None,
        }
    }

    fn open(&mut self) -> Result<&Users, Failure> {
        if self.opened.is_none() {
            let folder = Path::new(&self.folder);
            let workspace = Workspace::open(folder).map_err(from_fs)?;
            let repo = Repo::discover(folder).map_err(from_git)?;
            self.opened = Some(Users { workspace, repo });
        }
        self.opened
            .as_ref()
            .ok_or_else(|| failure(Code::Internal, "the user's folder is not open", ""))
    }
}

impl Desk {
    /// What steps mean for the user's files: the difference that each makes to what is accepted, merged into what the
    /// user has now. Nothing is written.
    ///
    /// # Errors
    /// A conflict that names the file and its lines.
    pub(super) fn merge_beside(&mut self, steps: &[Step]) -> Result<Vec<Merged>, Failure> {
        let changes: Vec<Accepted> = steps
            .iter()
            .filter_map(|step| {
                let after = self.files.get(&step.path)?.accepted();
                let before = step.before.accepted();
                (before != after).then(|| (step.path.clone(), before, after))
            })
            .collect();
        self.merge_changes(changes)
    }

    /// Merges changes of accepted contents into the user's files, one after the other.
    fn merge_changes(&mut self, changes: Vec<Accepted>) -> Result<Vec<Merged>, Failure> {
        let Some(beside) = &mut self.beside else {
            return Ok(Vec::new());
        };
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let folder = beside.folder.clone();
        let contents = Contents {
            workspace: &beside.open()?.workspace,
            blobs: &self.blobs,
        };
        let mut merged = Vec::new();
        for (path, base, theirs) in changes {
            let before = contents.of(&path)?;
            let after = combine(&base, &[before.clone(), theirs])
                .map_err(|clash| conflict(&path, &folder, &clash))?;
            if before != after {
                merged.push(Merged {
                    path,
                    before,
                    after,
                });
            }
        }
        Ok(merged)
    }

    /// Writes merged files into the user's folder, all or none.
    pub(super) fn write_beside(&mut self, merged: &[Merged]) -> Result<(), Failure> {
        if merged.is_empty() {
            return Ok(());
        }
        let mut order: Vec<&Merged> = merged.iter().collect();
        // As in the worktree: files go before others come, the deepest first.
        order.sort_by(|a, b| match (a.after.is_absent(), b.after.is_absent()) {
            (true, true) => b.path.cmp(&a.path),
            (false, false) => a.path.cmp(&b.path),
            (a, b) => b.cmp(&a),
        });
        for (at, one) in order.iter().enumerate() {
            if let Err(failure) = self.put_beside(&one.path, &one.before, &one.after) {
                self.take_back_beside(order[..at].iter().rev().copied());
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Puts files of the user's folder back.
    pub(super) fn take_back_beside<'a>(&mut self, merged: impl Iterator<Item = &'a Merged>) {
        for one in merged {
            if let Err(failure) = self.put_beside(&one.path, &one.after, &one.before) {
                tracing::warn!(path = %one.path, message = failure.message, "a file could not be put back");
            }
        }
    }

    fn put_beside(&mut self, path: &RelPath, old: &Content, new: &Content) -> Result<(), Failure> {
        let Some(beside) = &mut self.beside else {
            return Ok(());
        };
        let contents = Contents {
            workspace: &beside.open()?.workspace,
            blobs: &self.blobs,
        };
        contents.write(path, old, new)
    }

    /// The repository that accepted changes are committed to, and the folder of it that is worked on.
    pub(super) fn committed_to(&mut self) -> Result<(Option<&Repo>, &Path), Failure> {
        match &mut self.beside {
            Some(beside) => {
                let users = beside.open()?;
                Ok((users.repo.as_ref(), users.workspace.root()))
            }
            None => Ok((self.repo.as_ref(), self.workspace.root())),
        }
    }

    /// Brings commits that a command made in the worktree into the repository.
    pub(super) fn take_commits(&mut self) {
        let Some(beside) = &mut self.beside else {
            return;
        };
        let (place, branch) = (beside.place.clone(), beside.branch.clone());
        let taken = match beside.open() {
            Ok(Users {
                repo: Some(repo), ..
            }) => repo
                .take_commits(&place, branch.as_deref())
                .map_err(from_git),
            Ok(_) => return,
            Err(failure) => Err(failure),
        };
        if let Err(failure) = taken {
            tracing::warn!(
                message = failure.message,
                "commits of a command are not in the repository yet"
            );
        }
    }

    /// What accepting `targets` would make of each file: what is accepted now, and what would be. Nothing changes.
    pub(crate) fn would_accept(
        &mut self,
        targets: &[Target],
    ) -> Result<(Vec<Accepted>, Vec<Write>), Failure> {
        let writes = self.sync(Author::User)?;
        let mut reviews = BTreeMap::new();
        for target in targets {
            let (paths, which) = self.targets(target)?;
            for path in paths {
                let Some(known) = self.files.get(&path) else {
                    continue;
                };
                let review = reviews.entry(path.clone()).or_insert_with(|| known.clone());
                review
                    .decide(Decision::Accept, &which)
                    .map_err(from_review)?;
            }
        }
        let changes = reviews
            .into_iter()
            .filter_map(|(path, review)| {
                let before = self.files.get(&path)?.accepted();
                Some((path, before, review.accepted()))
            })
            .collect();
        Ok((changes, writes))
    }

    /// What a file of the user's folder holds now.
    pub(crate) fn users_content(&mut self, path: &RelPath) -> Result<Content, Failure> {
        let Some(beside) = &mut self.beside else {
            return self.content(path);
        };
        let contents = Contents {
            workspace: &beside.open()?.workspace,
            blobs: &self.blobs,
        };
        contents.of(path)
    }
}

/// Writes contents into a folder of Kerf's own, over whatever is there.
pub(crate) fn put_all(
    folder: &Path,
    blobs: &Path,
    mut files: Vec<(RelPath, Content)>,
) -> Result<(), Failure> {
    let workspace = Workspace::open(folder).map_err(from_fs)?;
    let blobs = Blobs::open(blobs).map_err(from_checkpoint)?;
    let contents = Contents {
        workspace: &workspace,
        blobs: &blobs,
    };
    // Files go before others come: one may be in the place of a folder.
    files.sort_by(
        |(a, a_is), (b, b_is)| match (a_is.is_absent(), b_is.is_absent()) {
            (true, true) => b.cmp(a),
            (false, false) => a.cmp(b),
            (a, b) => b.cmp(&a),
        },
    );
    for (path, content) in &files {
        contents.write(path, &contents.of(path)?, content)?;
    }
    Ok(())
}

/// What the user changed as well.
pub(crate) fn conflict(path: &RelPath, folder: &str, clash: &Clash) -> Failure {
    let what = match clash {
        Clash::Lines(_) => format!("{clash} of {path} is changed differently"),
        Clash::Whole => format!("{path} is changed differently, and cannot be merged by lines,"),
    };
    failure(
        Code::Conflict,
        format!("{what} in {folder}; nothing was applied"),
        "Make the two agree, in your folder or in the worktree, or reject the hunk",
    )
}
