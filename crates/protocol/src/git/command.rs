//! Git's own programs, run as the user's command: shown first, begun by a click, followed while they run.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What git is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[ts(export)]
pub enum GitAct {
    /// Asks a remote what is new.
    Fetch {
        /// The remote; none: that of the branch.
        #[serde(default)]
        remote: Option<String>,
    },
    /// Brings what the upstream has that the branch has not.
    Pull {
        /// How the two are joined.
        #[serde(default)]
        how: PullHow,
    },
    /// Sends the branch.
    Push {
        /// The remote; none: that of the branch.
        #[serde(default)]
        remote: Option<String>,
    },
    /// Commits what is staged, with the hooks and the signing that are set up.
    Commit {
        /// The message.
        message: String,
        /// Whether it takes the place of the last commit.
        #[serde(default)]
        amend: bool,
    },
    /// Goes on with what is under way: a merge, a rebase, a cherry-pick.
    Continue,
    /// Ends what is under way, and brings branch and files back to where they were before.
    Abort,
    /// Fetches the large files that Git LFS keeps elsewhere.
    LfsPull,
    /// Opens a draft of a pull request with the program of the host, `gh` or `glab`. The branch is there already.
    OpenPull {
        /// The remote that has the branch.
        remote: String,
        /// The branch that it is to go into.
        base: String,
        /// The title.
        title: String,
        /// The text.
        body: String,
    },
}

/// How a pull joins two lines of commits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum PullHow {
    /// Moves the branch forward, or does nothing where both have commits of their own.
    #[default]
    FastForward,
    /// Merges.
    Merge,
    /// Puts the branch's own commits on top.
    Rebase,
}

/// See `git/preview`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct PreviewGit {
    /// The folder.
    pub folder: String,
    /// What git is to do.
    pub act: GitAct,
}

/// A command before it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct GitPreview {
    /// The program and its arguments, just as they would be started. No shell reads them.
    pub argv: Vec<String>,
    /// The folder that it runs in.
    pub folder: String,
    /// What it will do, in a sentence or two.
    pub words: String,
    /// The remote's name and address, without a password.
    pub remote: Option<GitRemote>,
    /// Hooks that would run, and programs that the repository's own settings name, in words.
    pub programs: Vec<String>,
}

/// A remote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct GitRemote {
    /// Its name.
    pub name: String,
    /// Where it is, without a password.
    pub url: String,
}

/// See `git/run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct RunGit {
    /// The folder.
    pub folder: String,
    /// What git is to do.
    pub act: GitAct,
    /// The command that the user saw. Nothing runs when it would be another by now.
    pub argv: Vec<String>,
}

/// A command that runs, or the last one that did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct GitRun {
    /// Tells it from others of this folder.
    pub id: u32,
    /// What git was to do.
    pub act: GitAct,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// What it said so far, both streams as they came; of much the end.
    pub output: String,
    /// What it asks, and waits for.
    pub prompt: Option<GitPrompt>,
    /// How it ended; none: it runs.
    pub end: Option<GitEnd>,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum GitEnd {
    /// It did what it was to do.
    Done,
    /// It failed; its output says why.
    Failed {
        /// Its exit code; none when a signal ended it.
        code: Option<i32>,
    },
    /// The user stopped it, or did not answer.
    Stopped,
    /// It could not be started or watched.
    Broken {
        /// Why.
        reason: String,
    },
}

/// What a command asks. The text is whatever the program, or the server that it speaks to, says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct GitPrompt {
    /// Tells it from others of this command.
    pub id: u32,
    /// Its text, as it came.
    pub text: String,
    /// How it is answered.
    pub kind: GitPromptKind,
}

/// How a prompt is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum GitPromptKind {
    /// By a text that nobody else should see. What is not known to be another kind is this.
    Secret,
    /// By a text.
    Text,
    /// By `yes`.
    Confirm,
}

/// See `git/answer`. The answer travels only here, to the program that asked, and is kept nowhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct AnswerGit {
    /// The folder.
    pub folder: String,
    /// The command.
    pub id: u32,
    /// The prompt; none: stops the command, whatever it does.
    pub prompt: Option<u32>,
    /// The answer; none: there is none, and the command ends.
    #[serde(default)]
    pub answer: Option<String>,
}

impl fmt::Debug for AnswerGit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerGit")
            .field("id", &self.id)
            .field("prompt", &self.prompt)
            .finish_non_exhaustive()
    }
}
