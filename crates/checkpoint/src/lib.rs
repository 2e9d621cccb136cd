//! What a workspace held at one moment, kept so that it can be put back.
//!
//! A [`Snapshot`] names for every file where its content is: in the content-addressed store ([`Blobs`]), or in the
//! repository's own objects when git vouches for it. [`take`] looks at every file, and reads what has changed since the
//! last: a file whose stamp is the same is not read, and a first snapshot of a clean git folder reads next to nothing.
//! [`follow`] looks only where the system told of a change.
//!
//! [`Lists`] keep snapshots one after the other, each at the cost of what differs from the one before. [`step`] says what
//! a restore may do to a file. It is not the restore itself: whoever writes decides what the user must be asked. It is no
//! git client either; objects are read through a function that the caller gives.
//!
//! Invariants: when [`take`] returns, every blob that the snapshot names is on disk for good. What could not be read is
//! never reported as deleted, and what was merely ignored before is never reported as created.
//!
//! Start with [`take`].

mod batch;
mod blobs;
mod carry;
mod collect;
mod difference;
mod durable;
mod error;
mod files;
mod fit;
mod follow;
mod gather;
mod hash;
mod lists;
mod plan;
mod read;
mod record;
mod snapshot;
mod take;
mod wire;

pub use batch::Batch;
pub use blobs::{Blobs, MAX_BLOB_BYTES, remove_older};
pub use collect::{Collection, Marks, Swept};
pub use error::CheckpointError;
pub use files::Files;
pub use fit::unfit_root;
pub use follow::{Unsure, follow};
pub use hash::{Hash, HashError};
pub use lists::{Lists, kept_copies, mark_list, needs, read_list};
pub use plan::{Act, Done, Step, step};
pub use record::Record;
pub use snapshot::{Changed, Content, Held, ReadGit, Snapshot, changes, content, pin};
pub use take::{Excluded, Known, Taken, refresh, take};
pub use wire::MAX_SNAPSHOT_BYTES;

/// Larger files are noted but not kept, in bytes.
pub const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;
