//! What a command changed that was running when Kerf was killed.
//!
//! Before a command runs, the snapshot of the folder is put on disk with the command's name. The process that goes on
//! with the session compares the folder with it. Whether a record still counts is told by the session's items, which are
//! written behind the rows of the review: it counts as long as its command has not ended, or goes on in the background.

use super::{Desk, damaged};
use crate::failure::from_checkpoint;
use kerf_protocol::{Failure, review::Author};
use kerf_store::Write;
use std::sync::{Arc, atomic::AtomicBool};

impl Desk {
    /// Records the snapshot: what differs from it is `author`'s, should nobody come to look in this process.
    pub(crate) fn record(&mut self, author: Author) -> Result<(), Failure> {
        let Some(snapshot) = &self.snapshot else {
            return Ok(());
        };
        let note = serde_json::to_string(&author).map_err(|error| damaged(&error))?;
        self.record.write(snapshot, &note).map_err(from_checkpoint)
    }

    /// Everybody has looked, and what was found is on disk.
    pub(crate) fn clear_record(&mut self) -> Result<(), Failure> {
        self.record.clear().map_err(from_checkpoint)
    }

    /// What was found of an earlier process's commands is on disk.
    pub(crate) fn remove_record(&mut self) -> Result<(), Failure> {
        self.record.remove().map_err(from_checkpoint)
    }

    /// Finds what one of these commands changed, which were running when the process before this one stopped.
    ///
    /// That something cannot be found keeps nobody from going on with the session.
    pub(crate) fn after_interrupted(&mut self, commands: &[Author]) -> Vec<Write> {
        let (snapshot, note) = match self.record.read() {
            Ok(Some(recorded)) => recorded,
            Ok(None) => return Vec::new(),
            Err(error) => {
                tracing::warn!(%error, "what an interrupted command changed is not known");
                return Vec::new();
            }
        };
        let Ok(author) = serde_json::from_str::<Author>(&note) else {
            return Vec::new();
        };
        if !commands.contains(&author) {
            return Vec::new();
        }
        self.snapshot = Some(Arc::new(snapshot));
        match self.after_anything(author, &AtomicBool::new(false)) {
            Ok((changes, writes)) => {
                tracing::debug!(
                    files = changes.len(),
                    "found what an interrupted command changed"
                );
                writes
            }
            Err(failure) => {
                tracing::warn!(
                    message = failure.message,
                    "changes of an interrupted command may be missing in the review"
                );
                Vec::new()
            }
        }
    }
}
