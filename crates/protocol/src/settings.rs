//! Settings: what the user chose about Kerf itself, kept in the configuration file.

use crate::policy::Policy;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The settings that the window shows. Endpoints have requests of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export)]
pub struct AppSettings {
    /// How the window looks.
    pub appearance: Appearance,
    /// The policy that new sessions begin with.
    pub policy: Policy,
    /// Keys that the user changed: the action's name to its keys, as `Mod+Shift+K`; empty for none.
    pub keys: BTreeMap<String, String>,
    /// The command that opens a file in the user's editor, with `{path}`, `{line}`; empty: what the system opens it with.
    pub editor: String,
    /// Whether the system tells of a task that ended or needs the user while the window is not in front.
    pub notifications: Notifications,
    /// Where requests may go.
    pub reach: Reach,
    /// What endpoints charge, by their names. No endpoint tells it, so the user does.
    pub prices: BTreeMap<String, Prices>,
    /// Where commands may connect to.
    pub network: NetworkSettings,
    /// How many attempts of tasks go on at once; 0: as many as the machine's cores bear.
    pub attempts_at_once: u8,
    /// What runs in a new worktree of a project before the task begins, by the project's folder.
    #[ts(as = "Option<BTreeMap<String, SetUpCommand>>", optional)]
    pub set_up: BTreeMap<String, SetUpCommand>,
    /// How much of the disk checkpoints, and contents under review, may take, in MB; 0: 2,000.
    pub checkpoint_room: u32,
}

/// A command of the user's that makes a new worktree ready: `npm ci`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export)]
pub struct SetUpCommand {
    /// For the shell; it runs in the sandbox, under the session's policy.
    pub command: String,
    /// Whether the task goes on when it fails.
    pub go_on: bool,
}

/// What an endpoint charges for a million tokens, in hundredths of a cent of the currency that the user thinks in:
/// 30,000 is 3.00.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export)]
pub struct Prices {
    /// Sent.
    pub input: u32,
    /// Of these, read from the endpoint's cache; 0: as much as the others.
    pub cached_input: u32,
    /// Received.
    pub output: u32,
}

/// Where commands in the sandbox may connect to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export)]
pub struct NetworkSettings {
    /// Hosts, as `example.com`, `*.example.com`, `example.com:8443`. None: commands ask for each, or have no network.
    pub allow: Vec<String>,
}

/// Where requests may go, whatever a session's endpoint is. It holds for turns, summaries, lists of models: for all that Kerf
/// itself sends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Reach {
    /// To the endpoint that the user chose.
    #[default]
    Endpoint,
    /// To servers on this computer: nothing leaves it.
    ThisComputer,
}

/// Whether the system tells of tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Notifications {
    /// It does.
    #[default]
    On,
    /// It does not.
    Off,
}

/// How the window looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export)]
pub struct Appearance {
    /// Light or dark.
    pub theme: Theme,
    /// The size of text in percent, 80 to 200.
    pub text_size: u8,
    /// The colours of added and removed lines.
    pub diff_colours: DiffColours,
    /// How a diff is laid out.
    pub diff_layout: DiffLayout,
    /// Whether hunks that differ in white space only are folded.
    pub fold_white_space: bool,
}

impl Default for Appearance {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            text_size: 100,
            diff_colours: DiffColours::default(),
            diff_layout: DiffLayout::default(),
            fold_white_space: false,
        }
    }
}

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Theme {
    /// As the system is.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// The colours of added and removed lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum DiffColours {
    /// Green and red.
    #[default]
    Standard,
    /// Blue and orange, which colour-blind people can tell apart.
    ColourBlind,
}

/// How a diff is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum DiffLayout {
    /// One column: removed lines above added ones.
    #[default]
    Unified,
    /// Two columns: before and after.
    Split,
}

/// Where Kerf's data is and how much there is of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct DataUse {
    /// The data folder.
    pub folder: String,
    /// The configuration file.
    pub configuration: String,
    /// Bytes of the database.
    #[ts(type = "number")]
    pub database_bytes: u64,
    /// Bytes of kept file contents.
    #[ts(type = "number")]
    pub blob_bytes: u64,
    /// How much of the disk these may take.
    #[ts(type = "number")]
    pub blob_room: u64,
    /// How many sessions there are, archived ones included.
    #[ts(type = "number")]
    pub sessions: u64,
}
