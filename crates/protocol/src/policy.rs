//! The policy: what a session may read, write, run and reach. It comes from the user alone.

use crate::{ItemId, QuestionId, rule::RuleOffer};
use serde::{Deserialize, Serialize};

/// What commands may touch. File tools obey it as well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum SandboxMode {
    /// Nothing is written; no network but to hosts that the user allows.
    ReadOnly,
    /// The workspace and temporary folders are written; no network but to hosts that the user allows.
    #[default]
    WorkspaceWrite,
    /// No isolation.
    Off,
}

/// Who answers when the policy has a question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum ApproveMode {
    /// The user, before each edit and each command.
    #[default]
    Ask,
    /// The user, but only about what goes beyond the sandbox; what stays inside goes ahead.
    Auto,
    /// Nobody: what stays inside the sandbox goes ahead, what goes beyond it is refused.
    Never,
}

/// The policy of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(default)]
#[ts(export)]
pub struct Policy {
    /// What commands may touch.
    pub sandbox: SandboxMode,
    /// Who answers.
    pub approve: ApproveMode,
}

/// How far the isolation that was asked for is in force on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "level", rename_all = "snake_case")]
#[ts(export)]
pub enum Isolation {
    /// All of it.
    Full,
    /// Part of it.
    Reduced {
        /// What is not covered, in plain words.
        missing: Vec<String>,
    },
    /// None, because the user turned it off.
    Off,
    /// None, because the machine cannot: commands do not run.
    Unavailable {
        /// Why.
        reason: String,
    },
}

/// What a command in the sandbox can connect to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct NetworkLevel {
    /// How many hosts are allowed.
    pub hosts: u32,
    /// Whether the user is asked about others. Neither: it has no network.
    pub asks: bool,
}

/// What the policy asks the user, whole and uncut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Question {
    /// Names the question in the answer.
    pub id: QuestionId,
    /// The tool call that waits, or the call that was interrupted.
    pub item_id: ItemId,
    /// What is asked.
    pub about: QuestionAbout,
    /// What [`Answer::AllowForSession`] would cover, in plain words; none: it is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The rule that [`Answer::AllowForProject`] would keep; none: there is no such answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<RuleOffer>,
    /// The rule because of which it is asked, in plain words; none: the policy asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// What the model has read that holds words of a command or a host which the user never wrote: paths of files, or what was
    /// read in words. Not to be trusted to be all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<String>>", optional)]
    pub sources: Vec<String>,
}

/// What a question is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum QuestionAbout {
    /// May this command run?
    Command {
        /// The whole command.
        command: String,
        /// The folder it would run in, relative to the workspace.
        cwd: String,
        /// The isolation that it would run under.
        isolation: Isolation,
        /// What it could connect to, if it is isolated.
        #[serde(default)]
        #[ts(as = "Option<NetworkLevel>", optional)]
        network: NetworkLevel,
        /// The placeholders in the command: values of secrets are in their places when it runs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[ts(as = "Option<Vec<String>>", optional)]
        secrets: Vec<String>,
        /// The files that it would take away or write over, as far as that can be told; none: none are known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        loses: Option<Losses>,
    },
    /// May a command that runs connect to this host, which no list of the user's names?
    Network {
        /// Host and port, the name as it is resolved.
        host: String,
        /// The whole command.
        command: String,
        /// The placeholders in the command: values of secrets are in their places, and it could send them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[ts(as = "Option<Vec<String>>", optional)]
        secrets: Vec<String>,
    },
    /// May these files change?
    Edit {
        /// The whole change as a unified diff.
        diff: String,
    },
    /// The model asks the user.
    Ask {
        /// The question.
        question: String,
        /// Answers to choose from; a free answer is always possible.
        options: Vec<String>,
    },
    /// A tool call was running when Kerf stopped. Did it finish? It is not run again by itself.
    Interrupted {
        /// The tool.
        tool: String,
        /// What it was doing, whole.
        detail: String,
    },
}

/// Files that a command would take away or write over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Losses {
    /// The first [`MAX_LOST_SHOWN`] of them, in the order of their paths.
    pub files: Vec<LostFile>,
    /// How many there are.
    #[ts(type = "number")]
    pub count: u64,
    /// How many bytes they have.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Whether it also takes files away that it does not name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
}

/// A file that a command would take away or write over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct LostFile {
    /// The path in the workspace.
    pub path: String,
    /// Its size.
    #[ts(type = "number")]
    pub bytes: u64,
}

/// So many files of [`Losses`] are listed.
pub const MAX_LOST_SHOWN: usize = 50;

/// The user's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum Answer {
    /// Go ahead, this once.
    Allow,
    /// Go ahead, and do not ask again for the same kind in this session.
    AllowForSession,
    /// Go ahead, and keep the rule that the question offered for this project.
    AllowForProject,
    /// Do not.
    Deny {
        /// What to do instead; goes to the model.
        #[serde(default)]
        reason: String,
    },
    /// A free answer to [`QuestionAbout::Ask`].
    Text {
        /// The answer.
        text: String,
    },
}
