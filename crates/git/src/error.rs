//! What can go wrong with a repository.

use std::{io, path::PathBuf};

/// What can go wrong with a repository. None of these keeps a folder from being opened: it works without git.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// There is a `.git`, but it is not a repository that can be read: damaged, or of a format the library does not know
    /// (SHA-256 objects, reftable, partial clone).
    #[error(
        "`{path}` cannot be used as a git repository: {reason}; the folder works without git until it is repaired"
    )]
    Unusable {
        /// The `.git` folder or file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A folder is not inside the working tree.
    #[error(
        "`{path}` is not inside the working tree `{workdir}`; open the repository of that folder instead"
    )]
    Outside {
        /// The folder that was asked for.
        path: PathBuf,
        /// The working tree.
        workdir: PathBuf,
    },
    /// No blob with this id is stored on this machine.
    #[error(
        "git object `{oid}` is not a file content stored in `{repo}`; it may have been collected by git, or never fetched"
    )]
    NoSuchObject {
        /// The id as given.
        oid: String,
        /// The working tree.
        repo: PathBuf,
    },
    /// A blob is larger than Kerf reads.
    #[error("git object `{oid}` has {len} bytes, more than the {max} that are read")]
    TooLarge {
        /// The id as given.
        oid: String,
        /// Its size in bytes.
        len: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// A commit was not made, and nothing was changed.
    #[error("nothing was committed: `{path}`: {why}")]
    NotCommitted {
        /// The file that is in the way, or the working tree.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// A worktree was not made. What there is of it can be taken away.
    #[error("the worktree `{path}` was not made: {why}")]
    NotMade {
        /// Its folder.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// A worktree was not removed, and nothing was changed.
    #[error("the worktree `{path}` was not removed: {why}")]
    NotRemoved {
        /// Its folder.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// Another git works on the repository, or one ended badly and left its lock.
    #[error(
        "another git is changing the repository: `{path}` is there; if no git is running, remove that file"
    )]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// Something is begun that git itself must end first.
    #[error("{what} is under way in `{repo}`; finish or abort it with git first")]
    UnderWay {
        /// What, with its article.
        what: &'static str,
        /// The working tree.
        repo: PathBuf,
    },
    /// Kerf does not do this here, because it might break or lose something. Nothing was changed.
    #[error("did not {action} `{path}`: {why}")]
    Refused {
        /// What was asked for, as a verb.
        action: &'static str,
        /// The file, the branch or the working tree.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// Files hold what is nowhere else and would be written over. Nothing was changed.
    #[error("did not {action}: {} hold what would be lost; commit, stash or move them first", listed(.paths))]
    InTheWay {
        /// What was asked for, as a verb.
        action: &'static str,
        /// The files, relative to the working tree; ordered.
        paths: Vec<PathBuf>,
    },
    /// The file is not as it was shown. Nothing was changed.
    #[error("`{path}` has changed since it was shown; look at it again")]
    Stale {
        /// The file, relative to the working tree.
        path: PathBuf,
    },
    /// Git would run programs for this, and Kerf runs none. Nothing was changed.
    #[error("git would run {} for this commit; commit with git itself, or say to commit without", .programs.join(" and "))]
    Programs {
        /// What it would run, in words.
        programs: Vec<String>,
    },
    /// There is none of this name.
    #[error("there is no {what} `{name}` in this repository")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// By what name.
        name: String,
    },
    /// The file system said no.
    #[error("could not {action} `{path}`: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The git library said no.
    #[error(
        "could not {action} the git repository at `{path}`: {reason}; `git fsck` may tell more"
    )]
    Library {
        /// What was tried, as a verb and what it was tried on.
        action: &'static str,
        /// The working tree.
        path: PathBuf,
        /// What the library said.
        reason: String,
    },
}

/// The first of many files; a message stays short.
fn listed(paths: &[PathBuf]) -> String {
    const SHOWN: usize = 5;
    let mut names: Vec<String> = paths
        .iter()
        .take(SHOWN)
        .map(|path| format!("`{}`", path.display()))
        .collect();
    if paths.len() > SHOWN {
        names.push(format!("{} more", paths.len() - SHOWN));
    }
    names.join(", ")
}

impl GitError {
    pub(crate) fn library(
        action: &'static str,
        path: &std::path::Path,
        error: git2::Error,
    ) -> Self {
        Self::Library {
            action,
            path: path.to_owned(),
            reason: error.message().to_owned(),
        }
    }
}
