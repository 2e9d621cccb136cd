//! What the desk and the rows of the store name of the blobs, so that it stays when blobs are collected.

use super::{Desk, checkpoint::KeptRow, keep::Kept};
use kerf_checkpoint::{Blobs, CheckpointError, Hash, Marks, Snapshot, mark_list};
use kerf_review::Content;
use kerf_store::ReviewRow;
use std::{collections::BTreeMap, sync::Arc};

/// What an open desk names and the store may not.
pub(crate) struct DeskNames {
    snapshots: Vec<Arc<Snapshot>>,
    lists: Vec<Hash>,
    rows: Vec<ReviewRow>,
    contents: Vec<Hash>,
}

impl Desk {
    /// What it names at this moment; cheap.
    pub(crate) fn names(&self) -> DeskNames {
        let mut contents: Vec<Hash> = self.rows_kept.into_iter().collect();
        for review in self.files.values() {
            for content in [review.origin(), &review.current()] {
                if let Content::Opaque { hash, .. } = content {
                    contents.push(Hash::from(*hash));
                }
            }
        }
        DeskNames {
            snapshots: self
                .snapshot
                .iter()
                .chain(self.lists.last())
                .cloned()
                .collect(),
            lists: self
                .lists
                .last_list()
                .into_iter()
                .chain(self.last_list)
                .collect(),
            rows: self.rows.values().cloned().collect(),
            contents,
        }
    }
}

impl DeskNames {
    /// Marks all of it.
    pub(crate) fn mark(&self, blobs: &Blobs, marks: &mut Marks) -> Result<(), CheckpointError> {
        for snapshot in &self.snapshots {
            snapshot.mark(marks);
        }
        for list in &self.lists {
            tolerant(mark_list(blobs, list, marks))?;
        }
        for row in &self.rows {
            mark_row(row, marks)?;
        }
        for content in &self.contents {
            marks.insert(*content);
        }
        Ok(())
    }
}

/// Marks the contents that a row of a review names.
pub(crate) fn mark_row(row: &ReviewRow, marks: &mut Marks) -> Result<(), CheckpointError> {
    for text in [&row.origin, &row.proposed] {
        let kept: Kept = serde_json::from_str(text).map_err(|error| {
            // Then nobody knows what must stay.
            CheckpointError::NotASnapshot {
                reason: format!("a row of a review cannot be read: {error}"),
            }
        })?;
        if let Some(hash) = kept.blob() {
            marks.insert(hash);
        }
    }
    Ok(())
}

/// Marks what a checkpoint knows of the review.
pub(crate) fn mark_review(
    blobs: &Blobs,
    review: &Hash,
    marks: &mut Marks,
) -> Result<(), CheckpointError> {
    if !marks.insert(*review) {
        return Ok(());
    }
    let read = blobs.get(review).and_then(|json| {
        serde_json::from_slice::<BTreeMap<String, KeptRow>>(&json).map_err(|error| {
            CheckpointError::NotASnapshot {
                reason: error.to_string(),
            }
        })
    });
    let Some(rows) = tolerant(read)? else {
        return Ok(());
    };
    for row in rows.into_values() {
        mark_row(&row.into(), marks)?;
    }
    Ok(())
}

/// What is missing or damaged cannot be brought back anyway; a disk that fails is no reason to remove anything.
pub(crate) fn tolerant<T>(
    result: Result<T, CheckpointError>,
) -> Result<Option<T>, CheckpointError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error @ CheckpointError::Io { .. }) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "a checkpoint cannot be read");
            Ok(None)
        }
    }
}
