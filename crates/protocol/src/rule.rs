//! Rules: what may go ahead unasked, what is asked about and what is denied; and the user's trust in what a project brings.

use crate::UnixMillis;
use serde::{Deserialize, Serialize};

/// What a rule says. Where several match, the strictest counts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum RuleVerdict {
    /// Goes ahead unasked.
    Allow,
    /// The user is asked.
    Ask,
    /// Does not happen.
    Deny,
}

/// Whose rule it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum RuleOrigin {
    /// Kerf's own; it cannot be taken back.
    Kerf,
    /// The user's settings file.
    Settings,
    /// The user's answer "always for this project".
    Answer {
        /// Names the rule when it is revoked.
        #[ts(type = "number")]
        id: i64,
        /// When it was given.
        #[ts(type = "number")]
        made_at: UnixMillis,
    },
    /// A file of the project.
    Project {
        /// The file, by its path in the folder.
        file: String,
    },
}

/// A rule, and whether it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Rule {
    /// What it says.
    pub verdict: RuleVerdict,
    /// As it is written: `Bash(cargo test:*)`.
    pub text: String,
    /// What it covers, in plain words.
    pub words: String,
    /// Whose it is.
    pub origin: RuleOrigin,
    /// False: it waits for the user's trust in the file that it is in.
    pub active: bool,
}

/// A rule of a project that cannot be read. It counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct RuleProblem {
    /// The file, by its path in the folder.
    pub file: String,
    /// The rule as it is written; empty when it is about the whole file.
    pub text: String,
    /// What is wrong, and where.
    pub message: String,
}

/// The rules of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct RuleList {
    /// The rules: Kerf's own, the user's, the project's.
    pub rules: Vec<Rule>,
    /// What of the project's cannot be read.
    pub problems: Vec<RuleProblem>,
}

/// See `rules/test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct TestRules {
    /// The folder.
    pub folder: String,
    /// The command; none: those that sessions of this folder ran.
    #[serde(default)]
    pub command: Option<String>,
}

/// What the rules say about a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct TestedCommand {
    /// The command, whole.
    pub command: String,
    /// How often sessions of this folder ran it.
    pub times: u32,
    /// What the rules say; none: no rule matches, and the session's policy decides.
    pub verdict: Option<RuleVerdict>,
    /// The rule that decided, if one did.
    pub rule: Option<Rule>,
    /// Why, in plain words.
    pub words: String,
}

/// A rule by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct RuleRef {
    /// The number.
    #[ts(type = "number")]
    pub id: i64,
}

/// What "always for this project" would cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct RuleOffer {
    /// The rule that would be kept.
    pub text: String,
    /// What it covers, in plain words.
    pub words: String,
}

/// What a project brings that needs the user's trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum TrustKind {
    /// Rules that allow something.
    Rules,
    /// Programs that run at certain moments.
    Hooks,
    /// A tool server.
    McpServer,
    /// A command that sets the project up.
    SetUp,
    /// A script of a skill.
    SkillScript,
    /// Settings of an endpoint.
    Endpoint,
}

/// How the user stands to something that a project brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum TrustState {
    /// It was never trusted.
    Waiting,
    /// It was trusted, and is another now.
    Changed,
    /// It is trusted as it is.
    Trusted,
}

/// Something of a project that counts only with the user's trust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct TrustItem {
    /// What it is.
    pub kind: TrustKind,
    /// Its name: a file's path in the folder.
    pub name: String,
    /// BLAKE3 of its bytes, in hexadecimal.
    pub hash: String,
    /// All of it, as text.
    pub text: String,
    /// What would count, each in plain words.
    pub brings: Vec<String>,
    /// How the user stands to it.
    pub state: TrustState,
}

/// What of a folder counts only with the user's trust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct TrustShown {
    /// The folder, canonical.
    pub folder: String,
    /// All there is now.
    pub items: Vec<TrustItem>,
    /// Whether some of it waits.
    pub waits: bool,
}

/// What was shown, to be trusted as it was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct TrustPin {
    /// What it is.
    pub kind: TrustKind,
    /// Its name.
    pub name: String,
    /// The hash that was shown.
    pub hash: String,
}

/// See `trust/set`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct SetTrust {
    /// The folder.
    pub folder: String,
    /// What was shown.
    pub items: Vec<TrustPin>,
}

/// A trust that the user gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Trust {
    /// The folder, canonical. Folders beneath it and other worktrees are not meant.
    pub folder: String,
    /// What was trusted.
    #[serde(flatten)]
    pub pin: TrustPin,
    /// When.
    #[ts(type = "number")]
    pub made_at: UnixMillis,
}
