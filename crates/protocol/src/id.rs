//! Identifiers: UUID version 7 (RFC 9562), so that they sort by the time they were made.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ts_rs::TS)]
        #[serde(transparent)]
        #[ts(export, type = "string")]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, later in order than every id made before in this process.
            #[must_use]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

id! {
    /// A folder that the user opened.
    ProjectId
    /// What the sidebar lists: a request with one or more attempts.
    TaskId
    /// One conversation with one model in one workspace.
    SessionId
    /// A worktree that Kerf made.
    WorktreeId
    /// One user message and all that follows until the agent stops.
    TurnId
    /// One entry of a turn.
    ItemId
    /// A question that waits for the user's answer.
    QuestionId
}
