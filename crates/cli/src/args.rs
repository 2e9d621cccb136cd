//! The command line as types. Names, options and meanings are stable: scripts depend on them.

mod attempts;

pub(crate) use attempts::{Attempts, BudgetPart, OfAttempts, Worktrees};

use crate::commands::diff::DiffArguments;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use kerf_protocol::{
    endpoint::Wire,
    policy::{ApproveMode, SandboxMode},
};
use std::path::{Path, PathBuf};

/// A local-first coding agent: code leaves this machine only in requests to the endpoint you choose
#[derive(Debug, Parser)]
#[command(name = "kerf", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Work in this folder
    #[arg(short = 'C', long = "folder", value_name = "DIR", global = true)]
    folder: Option<PathBuf>,
    /// Print one JSON object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// The folder to work in.
    pub(crate) fn folder(&self) -> String {
        let folder = self.folder.as_deref().unwrap_or(Path::new("."));
        folder.to_string_lossy().into_owned()
    }

    /// The folder to open in the window, if any: a named one counts from the folder to work in.
    pub(crate) fn window_folder(&self, named: Option<&Path>) -> Option<PathBuf> {
        match (&self.folder, named) {
            (Some(folder), Some(named)) => Some(folder.join(named)),
            (folder, named) => folder.as_deref().or(named).map(Path::to_owned),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Carry one request out
    Exec(Exec),
    /// Go on with a session
    Resume(Resume),
    /// Compare the attempts of a task, and take of them what you want
    #[command(args_conflicts_with_subcommands = true)]
    Attempts(Attempts),
    /// List, remove and bring back the worktrees that sessions work in
    Worktrees {
        #[command(subcommand)]
        command: Option<Worktrees>,
    },
    /// Show the review of a session: every hunk and what was decided about it
    Diff(DiffArguments),
    /// Accept a hunk, a file, or everything
    Accept(Target),
    /// Reject a hunk, a file, or everything: the files are put back
    Reject(Target),
    /// Take the last decision of a session back
    Undo {
        /// The session's id, its beginning, or `last`
        session: String,
    },
    /// List the checkpoints of a session, oldest first
    Checkpoints {
        /// The session's id, its beginning, or `last`
        session: String,
    },
    /// Bring files, the conversation or both back to a checkpoint
    Restore(Restore),
    /// Comment on lines of a file; it goes to the agent with your next message
    Comment(Comment),
    /// List, show, search and keep sessions
    Sessions {
        #[command(subcommand)]
        command: Option<Sessions>,
    },
    /// Apply a patch in the `*** Begin Patch` format from standard input
    ApplyPatch,
    /// List, add, test and find endpoints
    Endpoints {
        #[command(subcommand)]
        command: Option<Endpoints>,
    },
    /// Show what left this machine
    Ledger {
        #[command(subcommand)]
        command: Option<Ledger>,
    },
    /// Show what goes ahead unasked in the folder, what is asked about, what is denied
    Rules {
        #[command(subcommand)]
        command: Option<Rules>,
    },
    /// Trust what a project brings of its own, after showing all of it
    Trust(Trust),
    /// Search the folder: ranked text, exact lines, regular expressions, definitions, files
    Search(Search),
    /// Build the index of the folder, or say how it stands
    Index {
        #[command(subcommand)]
        command: Option<Index>,
    },
    /// Say where Kerf's data is and how much there is of it
    Data(crate::commands::data::Data),
    /// Say what works here and what does not, and why
    Doctor {
        /// Read all of the database to look for damage
        #[arg(long)]
        deep: bool,
    },
    /// Open the window
    App {
        /// A folder to open in it
        #[arg(value_name = "FOLDER")]
        project: Option<PathBuf>,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct Exec {
    /// The model; with --attempts also several, which take turns
    #[arg(short, long)]
    pub(crate) model: Vec<String>,
    /// The endpoint's name; with --attempts also several, which take turns
    #[arg(long, value_name = "NAME")]
    pub(crate) endpoint: Vec<String>,
    /// Work in a worktree of Kerf's own that begins as the folder is; what you accept goes into the folder
    #[arg(long)]
    pub(crate) worktree: bool,
    /// With --worktree: a branch kerf/NAME that follows the commits made in it
    #[arg(long, value_name = "NAME", requires = "worktree")]
    pub(crate) branch: Option<String>,
    /// Make so many attempts at once, 1 to 8, each in a worktree of its own
    #[arg(long, value_name = "N", conflicts_with_all = ["worktree", "output_schema", "follow"])]
    pub(crate) attempts: Option<u8>,
    /// With --attempts: stop each attempt that has used more tokens by itself
    #[arg(long, value_name = "TOKENS", requires = "attempts")]
    pub(crate) token_limit: Option<u64>,
    /// With --attempts: what each may use by itself, not all together: `tokens=200k`, `cost=1.50`, `time=10m`, or several
    #[arg(
        long,
        value_name = "WHAT=LIMIT",
        requires = "attempts",
        value_delimiter = ','
    )]
    pub(crate) budget: Vec<BudgetPart>,
    /// What commands and tools may write
    #[arg(long, value_enum, default_value_t)]
    pub(crate) sandbox: Sandbox,
    /// Who is asked before edits and commands
    #[arg(long, value_enum, default_value_t)]
    pub(crate) approve: Approve,
    /// A JSON Schema that the last answer must fit
    #[arg(long, value_name = "FILE")]
    pub(crate) output_schema: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) message: Message,
    /// The request; `-` reads it from standard input
    pub(crate) prompt: String,
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// What to look for: words, "phrases" and filters such as `lang:rust path:src -test`
    pub(crate) query: String,
    /// The query is text, as it is; hits come by path and line
    #[arg(long, group = "mode")]
    pub(crate) exact: bool,
    /// The query is a regular expression in Rust's syntax; the same lines as ripgrep finds, by path and line
    #[arg(long, group = "mode")]
    pub(crate) regex: bool,
    /// The query is the name of a definition: `parse`, `Parser::parse`
    #[arg(long, group = "mode")]
    pub(crate) symbol: bool,
    /// The query is letters of a path, or a glob
    #[arg(long, group = "mode")]
    pub(crate) path: bool,
    /// At most so many hits; 20 when they are ranked, else all
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u32>,
    /// Only in files whose path holds this, or fits this glob
    #[arg(long = "in", value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// Only in files of this language
    #[arg(long = "lang", value_name = "NAME")]
    pub(crate) languages: Vec<String>,
    /// Hidden files too
    #[arg(long)]
    pub(crate) hidden: bool,
    /// Upper and lower case are the same
    #[arg(short, long)]
    pub(crate) ignore_case: bool,
    /// A match may span lines (with --regex)
    #[arg(long)]
    pub(crate) multi_line: bool,
}

#[derive(Debug, Default, Subcommand)]
pub(crate) enum Rules {
    /// List the rules
    #[default]
    List,
    /// Say what the rules make of a command, or of those that sessions of this folder ran
    Test {
        /// The command
        command: Option<String>,
    },
    /// Take a rule back that an answer gave
    Revoke {
        /// Its number, as `kerf rules` tells it
        id: i64,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Trust {
    /// The project's folder; the folder to work in when left out
    #[arg(value_name = "FOLDER")]
    pub(crate) project: Option<String>,
    /// Only show what it brings
    #[arg(long, group = "what")]
    pub(crate) show: bool,
    /// Take the trust back
    #[arg(long, group = "what")]
    pub(crate) revoke: bool,
    /// List what is trusted, in all folders
    #[arg(long, group = "what", conflicts_with = "project")]
    pub(crate) list: bool,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Index {
    /// Say how the index stands: files, bytes, what was left out and why
    Status,
    /// Forget the index and build it anew
    Rebuild,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The newest session of the folder
    #[arg(long)]
    pub(crate) last: bool,
    #[command(flatten)]
    pub(crate) message: Message,
    /// The session's id or its beginning (not with --last), then the message; `-` reads it from standard input
    #[arg(num_args = 1..=2, required = true, value_names = ["ID", "PROMPT"])]
    pub(crate) words: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Message {
    /// A picture that goes with the message (PNG, JPEG, GIF, WebP)
    #[arg(long = "image", value_name = "FILE")]
    pub(crate) images: Vec<PathBuf>,
    /// Read more messages from standard input while it works, a line each; a line that begins with `!` interrupts
    #[arg(long)]
    pub(crate) follow: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The session's id, its beginning, or `last`
    pub(crate) session: String,
    /// A file, or a hunk of it as PATH:HUNK; everything when left out
    pub(crate) target: Option<String>,
    /// Only these lines of the hunk, as `kerf diff` numbers them (from 1), as 1,3-5
    #[arg(long, value_name = "LINES")]
    pub(crate) lines: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The session's id, its beginning, or `last`
    pub(crate) session: String,
    /// The checkpoint's number, as `kerf checkpoints` tells it
    pub(crate) checkpoint: i64,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Bring the files back, and leave the conversation
    #[arg(long, group = "what")]
    pub(crate) files: bool,
    /// Bring the conversation back, and leave the files
    #[arg(long, group = "what", conflicts_with = "paths")]
    pub(crate) conversation: bool,
    /// Only these files, or folders, also where you changed them since; the conversation stays
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Comment {
    /// The session's id, its beginning, or `last`
    pub(crate) session: String,
    /// The place, as PATH:LINE or PATH:FIRST-LAST
    pub(crate) place: String,
    /// The comment
    pub(crate) text: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// List sessions, newest first
    List {
        /// Of all folders
        #[arg(long)]
        all: bool,
        /// Archived ones too
        #[arg(long)]
        archived: bool,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
    },
    /// Show what was said and done
    Show {
        /// The session's id, its beginning, or `last`
        session: String,
    },
    /// Search in what was said and done
    Search {
        /// The words
        query: String,
        /// In all folders
        #[arg(long)]
        all: bool,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// Print a session as JSON
    Export {
        /// The session's id, its beginning, or `last`
        session: String,
    },
    /// Add an exported session, from standard input, under a new id
    Import,
    /// Give a session another title
    Rename {
        /// The session's id, its beginning, or `last`
        session: String,
        /// The title
        title: String,
    },
    /// Put a session aside
    Archive {
        /// The session's id, its beginning, or `last`
        session: String,
        /// Take it back
        #[arg(long)]
        undo: bool,
    },
    /// Delete a session; the ledger keeps its rows
    Delete {
        /// The session's id or its beginning
        session: String,
    },
}

impl Default for Sessions {
    fn default() -> Self {
        Self::List {
            all: false,
            archived: false,
            limit: None,
        }
    }
}

#[derive(Debug, Default, Subcommand)]
pub(crate) enum Endpoints {
    /// List the configured endpoints
    #[default]
    List,
    /// Add an endpoint, or change one: a well-known name (openai, anthropic, ollama …) needs no base URL
    Add {
        /// The name
        name: String,
        /// The base URL up to the version, as http://127.0.0.1:8000/v1
        #[arg(long, value_name = "URL")]
        base_url: Option<String>,
        /// The wire API
        #[arg(long, value_enum)]
        wire: Option<WireApi>,
        /// The model
        #[arg(short, long)]
        model: Option<String>,
        /// The model's context window in tokens
        #[arg(long, value_name = "TOKENS")]
        context_window: Option<u64>,
        /// Ask for a key, or read it from standard input; it goes to the keyring
        #[arg(long)]
        key: bool,
        /// Use it when none is named
        #[arg(long)]
        default: bool,
    },
    /// Take an endpoint and its key away
    Remove {
        /// The name
        name: String,
    },
    /// Ask an endpoint for its models
    Test {
        /// The name; the default endpoint when left out
        name: Option<String>,
    },
    /// Find local servers on their default ports
    Discover,
    /// List the well-known endpoints
    Presets,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// List requests, newest first
    List {
        /// Only of this session
        #[arg(long, value_name = "SESSION")]
        session: Option<String>,
        /// Only with a part of this file of the folder
        #[arg(long, value_name = "PATH")]
        file: Option<String>,
        /// Only of this day
        #[arg(long, value_name = "YYYY-MM-DD")]
        day: Option<String>,
        /// Only with this text in the body
        #[arg(long, value_name = "TEXT")]
        text: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
    },
    /// Print the body of a request as it was sent
    Show {
        /// The row's number
        id: i64,
    },
    /// Add up what left: the files of the folder, its sessions, or days
    Totals {
        /// What to add up by
        #[arg(value_enum, default_value_t)]
        by: LedgerBy,
        /// Of all folders
        #[arg(long)]
        all: bool,
    },
    /// Print every request with its body and its place in the chain, oldest first, a JSON object a line
    Export {
        /// Only of this session
        #[arg(long, value_name = "SESSION")]
        session: Option<String>,
    },
    /// Prove that no row was changed or taken out
    Verify {
        /// What an earlier look printed: its row must still be there as it was
        #[arg(long, value_name = "ROW:HASH")]
        seal: Option<String>,
    },
}

impl Default for Ledger {
    fn default() -> Self {
        Self::List {
            session: None,
            file: None,
            day: None,
            text: None,
            limit: None,
        }
    }
}

/// What the ledger is added up by.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum LedgerBy {
    /// Each file of which a part was sent
    #[default]
    File,
    /// Each session
    Session,
    /// Each day
    Day,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Sandbox {
    /// Nothing is written; no network but to hosts that the user allows
    ReadOnly,
    /// The folder and temporary folders are written; no network but to hosts that the user allows
    #[default]
    WorkspaceWrite,
    /// No isolation
    Off,
}

impl From<Sandbox> for SandboxMode {
    fn from(mode: Sandbox) -> Self {
        match mode {
            Sandbox::ReadOnly => Self::ReadOnly,
            Sandbox::WorkspaceWrite => Self::WorkspaceWrite,
            Sandbox::Off => Self::Off,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Approve {
    /// You, before each edit and each command
    #[default]
    Ask,
    /// You, only about what goes beyond the sandbox
    Auto,
    /// Nobody: what goes beyond the sandbox is refused
    Never,
}

impl From<Approve> for ApproveMode {
    fn from(mode: Approve) -> Self {
        match mode {
            Approve::Ask => Self::Ask,
            Approve::Auto => Self::Auto,
            Approve::Never => Self::Never,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum WireApi {
    /// OpenAI Chat Completions
    Chat,
    /// OpenAI Responses
    Responses,
    /// Anthropic Messages
    Anthropic,
}

impl From<WireApi> for Wire {
    fn from(wire: WireApi) -> Self {
        match wire {
            WireApi::Chat => Self::Chat,
            WireApi::Responses => Self::Responses,
            WireApi::Anthropic => Self::Anthropic,
        }
    }
}
