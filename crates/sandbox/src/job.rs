//! What is run, and how it ended.

use crate::{Capped, Network};
use kerf_protocol::policy::{Isolation, SandboxMode};
use std::{
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// A command and the conditions that it runs under.
#[derive(Debug, Clone)]
pub struct Job {
    /// What to run.
    pub command: Invocation,
    /// Where it starts: an absolute folder inside `workspace`, or inside one of `writable`.
    pub cwd: PathBuf,
    /// The folder that the command belongs to; it may write there under [`SandboxMode::WorkspaceWrite`].
    pub workspace: PathBuf,
    /// How far it is isolated.
    pub mode: SandboxMode,
    /// Ends the command and everything it started. `None`: it may run for ever.
    pub timeout: Option<Duration>,
    /// Variables added to the safe ones that every command gets. They are passed on as they are, secrets too.
    pub env: Vec<(OsString, OsString)>,
    /// Further folders or files that may be written under [`SandboxMode::WorkspaceWrite`]; those that do not
    /// exist are left out.
    pub writable: Vec<PathBuf>,
    /// Bytes of output kept at the head, and as many at the tail.
    pub output_cap: usize,
    /// Where its connections go. `None`, or where [`Sandbox::can_connect`](crate::Sandbox::can_connect) says no: it has
    /// no network. Under [`SandboxMode::Off`] it has the machine's.
    pub network: Option<Arc<dyn Network>>,
    /// Where commits in the workspace go, when it is a worktree that keeps them apart from its repository.
    pub commits: Option<Commits>,
    /// Folders that are seen elsewhere in the workspace. Where that is not possible, the places stay as they are: see
    /// [`Sandbox::can_lend`](crate::Sandbox::can_lend).
    pub lent: Vec<Lent>,
    /// What it must not read, folder by folder: the `.kerfignore` files of one may count in those before it. Under
    /// [`SandboxMode::Off`] it reads everything.
    pub withheld: Vec<Withheld>,
}

/// A folder in which something is withheld from a command.
#[derive(Debug, Clone)]
pub struct Withheld {
    /// The folder: the workspace, or another one that may be read.
    pub root: PathBuf,
    /// Says what is withheld in it.
    pub by: Arc<dyn Withhold>,
}

/// Says which files and folders a command must not read. Made for one command: what it has read of a `.kerfignore` may be
/// old for the next.
pub trait Withhold: fmt::Debug + Send + Sync {
    /// Another number when other rules count than those in the `.kerfignore` files of the folder, and of the folders behind
    /// it in [`Job::withheld`]; these are watched here. None: there are no others.
    fn version(&self) -> Option<u64>;

    /// Whether a command must not read this, by its whole path. Of what lies in a withheld folder nothing is asked.
    fn withholds(&self, path: &Path, is_dir: bool) -> bool;

    /// Whether a rule speaks of this name in a folder. Large folders of tools are looked through only then.
    fn names(&self, folder: &Path, name: &str) -> bool;

    /// Places outside of the folder that a command must not read either.
    fn places(&self) -> Vec<PathBuf>;
}

/// A folder that a command sees, read-only, at another place too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lent {
    /// The folder.
    pub from: PathBuf,
    /// An empty folder beneath the workspace. One that is anything else by now is left as it is.
    pub at: PathBuf,
}

/// The git folders of a workspace whose commits do not go into its repository.
///
/// Under [`SandboxMode::WorkspaceWrite`] a command may write `git_dir`, but nothing in it that says where the repository
/// is or names programs, and `objects`. The repository itself it only reads: hooks, settings, branches and the objects
/// that are there stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commits {
    /// The worktree's own git folder.
    pub git_dir: PathBuf,
    /// Where new objects go.
    pub objects: PathBuf,
    /// The repository's git folder.
    pub common_dir: PathBuf,
}

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// A line for the shell: `/bin/sh -c` on Unix, `cmd /C` on Windows.
    Shell(String),
    /// A program and its arguments, without a shell. A name without a separator is looked up in the cleaned
    /// `PATH`; a relative path counts from the job's folder.
    Program(Vec<OsString>),
}

/// How a command ended, and what it said.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// Standard output and standard error in the order in which they were written.
    pub output: Capped,
    /// The isolation it ran under.
    pub isolation: Isolation,
    /// From the start of the helper until nothing of the command was left.
    pub duration: Duration,
    /// What the command left in the workspace that programs outside of the sandbox should not follow unseen, and what else
    /// is to be known about it.
    pub findings: Vec<Finding>,
    /// Files and folders that it could not read because they are withheld from it.
    pub withheld: Vec<PathBuf>,
}

/// What is to be known about a command that ran: what it left behind and can reach beyond the sandbox later, when others
/// use the folder, and what it was not kept from or was kept from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Finding {
    /// A repository that was not there before, by the path of its `.git`. Its hooks and settings name programs,
    /// which git runs for whoever enters the folder.
    Repository(PathBuf),
    /// A `.git` that was there before and is another one now, or is gone.
    Replaced(PathBuf),
    /// A link that leads out of the workspace.
    Link {
        /// The link.
        path: PathBuf,
        /// What it says.
        target: PathBuf,
    },
    /// A folder with so many folders or files that not all were looked at, so that a `.kerfignore` among the others did not
    /// count for the command. Nobody knows of one.
    Unseen(PathBuf),
    /// A place that the command wanted to connect to and was not let to, with the reason.
    Refused(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository(path) => write!(
                f,
                "the command made the repository `{}`; git runs the programs that it names",
                path.display()
            ),
            Self::Replaced(path) => {
                write!(f, "the command replaced or removed `{}`", path.display())
            }
            Self::Link { path, target } => write!(
                f,
                "the command made the link `{}`, which leads out of the workspace to `{}`",
                path.display(),
                target.display()
            ),
            Self::Unseen(root) => write!(
                f,
                "`{}` holds too much to be looked through: the command could read what a `.kerfignore` deep in it withholds",
                root.display()
            ),
            Self::Refused(what) => write!(f, "the network refused {what}"),
        }
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// It exited with this code.
    Exited(i32),
    /// This signal ended it, for example 11 for a crash. Kerf's own limits end a command with 9.
    Signalled(i32),
    /// Its time was up.
    TimedOut,
    /// It was cancelled or killed from here.
    Cancelled,
}

/// Why a command could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The isolation that was asked for cannot be set up. Nothing was run.
    #[error("the sandbox cannot be set up, so the command was not run: {reason}")]
    Unavailable {
        /// What is missing.
        reason: String,
    },
    /// The folder to start in is not one that the job may use.
    #[error("`{}` is no folder that a command can start in: {reason}", path.display())]
    Folder {
        /// The folder as given.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// More is withheld than can be hidden. Nothing was run.
    #[error(
        "the command was not run, because {what} `{}`: {advice}",
        root.display()
    )]
    TooMuchWithheld {
        /// The folder.
        root: PathBuf,
        /// What is too much.
        what: String,
        /// What the user can do.
        advice: &'static str,
    },
    /// There is nothing to run.
    #[error("the command is empty; give a program or a line for the shell")]
    Empty,
    /// A command, argument or variable holds a NUL byte, or a variable's name is empty or holds `=`.
    #[error("{what} holds a character that no process can be given")]
    Unrepresentable {
        /// What was wrong.
        what: String,
    },
    /// The program does not exist or cannot be executed.
    #[error("cannot run `{program}`: {reason}")]
    Program {
        /// The program as given.
        program: String,
        /// What the system said.
        reason: String,
    },
    /// The system failed while the command was prepared or watched.
    #[error("{action}: {source}; the command was ended")]
    Io {
        /// What was being done.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
}
