//! How tantivy writes a place: in how much memory, and which segments it joins.

use super::{StoreError, document::Document};
use tantivy::{
    Index, IndexWriter,
    indexer::{IndexWriterOptions, LogMergePolicy},
};

/// What it gathers before it writes a segment, in bytes.
const GATHERED_BYTES: usize = 56 << 20;

/// The writer of an index, which locks it.
pub(super) fn of(index: &Index) -> Result<IndexWriter<Document>, StoreError> {
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .memory_budget_per_thread(GATHERED_BYTES)
        .num_merge_threads(1)
        .build();
    let writer = index.writer_with_options(options)?;
    writer.set_merge_policy(Box::new(merge_policy()));
    Ok(writer)
}

/// Small segments, as edits make them, are joined early; large ones that have lost a part are written anew.
fn merge_policy() -> LogMergePolicy {
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(6);
    policy.set_min_layer_size(1_000);
    policy.set_del_docs_ratio_before_merge(0.3);
    policy
}
