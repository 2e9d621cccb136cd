//! What a command must not see, and what it must not change although the folder around it is writable.
//!
//! Hidden: the user's keys, browsers, and Kerf's own data. Withheld: what `.kerfignore` files and the user's rules keep from
//! a model. Kept as they are: repositories, whose hooks and settings
//! name programs that run later outside of any sandbox, and the settings of editors and agents that do the same.
//! Instructions for agents (`AGENTS.md` and the like) are documents; commands may write them and the user reviews it.

#[cfg(unix)]
mod kept;
#[cfg(not(unix))]
mod none;
#[cfg(unix)]
mod secrets;
#[cfg(unix)]
mod survey;
#[cfg(unix)]
mod watchman;

#[cfg(not(unix))]
use none as watchman;

use serde::{Deserialize, Serialize};
use std::{ffi::OsString, path::Path};

pub(crate) use watchman::{Before, Watchman};

/// The rules about files for one command. All paths are absolute and canonical.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Guard {
    /// Exist, and look empty to the command.
    pub(crate) hidden: Vec<OsString>,
    /// Exist, and cannot be read, changed, moved or replaced. They do not look empty: whoever asks is told that it may not.
    pub(crate) withheld: Vec<OsString>,
    /// Exist below a writable folder, and cannot be changed, moved or replaced.
    pub(crate) kept: Vec<OsString>,
    /// Files below a writable folder that cannot be changed, because they have a name elsewhere too.
    pub(crate) shared: Vec<OsString>,
    /// Do not exist or are empty folders, and nothing can be made there.
    pub(crate) held: Vec<OsString>,
}

/// What in a worktree's git folder says where its repository is, or can name programs. No commit writes it.
const NO_COMMIT_WRITES: &[&str] = &["commondir", "gitdir", "config.worktree", "info", "modules"];

impl Guard {
    /// Closes, in the git folder of a worktree that commands may write, what no commit writes.
    pub(crate) fn keep_git_dir(&mut self, git_dir: &Path) {
        for name in NO_COMMIT_WRITES {
            let path = git_dir.join(name);
            let is_there = path.symlink_metadata().is_ok();
            let places = if is_there {
                &mut self.kept
            } else {
                &mut self.held
            };
            places.push(path.into());
        }
    }
}
