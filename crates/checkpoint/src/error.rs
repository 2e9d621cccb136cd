//! What can go wrong with a checkpoint.

use crate::Hash;
use std::{error::Error, io, path::PathBuf};

/// What can go wrong with a checkpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file system said no to the store itself: disk full, read-only, a failing disk. Nothing was recorded.
    #[error("could not {action} `{path}`: {source}; the checkpoint was not saved")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A blob is not in the store.
    #[error("the saved content `{hash}` is missing from the store; it cannot be put back")]
    Missing {
        /// Its hash.
        hash: Hash,
    },
    /// A blob is not what it was when it was stored.
    #[error("the saved content `{hash}` is damaged: {reason}; it cannot be put back")]
    Damaged {
        /// Its hash.
        hash: Hash,
        /// What is wrong with it.
        reason: String,
    },
    /// More bytes than one blob may have.
    #[error("{len} bytes are more than the {max} that one entry of the store may have")]
    TooLarge {
        /// The size in bytes.
        len: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// The repository did not give an object that a snapshot refers to.
    #[error("git object `{oid}`, which the checkpoint refers to, cannot be read: {source}")]
    Git {
        /// The object's id.
        oid: String,
        /// What the repository said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The workspace itself cannot be looked at.
    #[error("the folder `{folder}` cannot be read: {reason}")]
    Folder {
        /// The workspace's root.
        folder: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Bytes that are no snapshot.
    #[error("the saved checkpoint is damaged: {reason}")]
    NotASnapshot {
        /// What is wrong with them.
        reason: String,
    },
    /// The caller asked to stop. Nothing was recorded.
    #[error("the checkpoint was cancelled")]
    Cancelled,
}
