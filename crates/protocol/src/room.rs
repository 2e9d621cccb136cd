//! The room that checkpoints take on the disk.

use serde::{Deserialize, Serialize};

/// What `data/collect` did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[ts(export)]
pub struct Collected {
    /// How many bytes of the disk are free again.
    #[ts(type = "number")]
    pub bytes: u64,
    /// How many checkpoints were given up for it.
    #[ts(type = "number")]
    pub checkpoints: u64,
    /// Why nothing was done now, in plain words; none: it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postponed: Option<String>,
}
