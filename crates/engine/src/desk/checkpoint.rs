//! Checkpoints of the session's folder: taken before each turn, each call that can write, and each restore.
//!
//! A turn and a command look at the whole folder, a tool that names its files only at those and at what tools wrote since the
//! last look. So each checkpoint holds what the coming change can destroy; of all other files it holds what the last look
//! found, and whatever the user changed since is found by the next.

use super::{Desk, damaged, look::Begun};
use crate::{engine::now, failure::from_checkpoint};
use kerf_checkpoint::{Blobs, Hash, Held, Known, Lists, Snapshot, Taken};
use kerf_protocol::{Failure, ItemId, TurnId, review::Author};
use kerf_review::Content;
use kerf_store::{NewCheckpoint, ReviewRow, Write};
use kerf_workspace::{RelPath, Stat, Workspace};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicBool},
};

/// What a checkpoint is taken before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Before {
    pub(crate) turn_id: Option<TurnId>,
    pub(crate) item_id: Option<ItemId>,
    /// In plain words.
    pub(crate) label: String,
}

/// A look at the whole folder that keeps nobody from the desk.
pub(crate) struct Look {
    workspace: Workspace,
    blobs: Arc<Blobs>,
    previous: Option<Arc<Snapshot>>,
    /// The last list of an earlier process.
    last_list: Option<Hash>,
    known: Option<Box<Vouched>>,
    begun: Begun,
}

/// Names the git object that holds a file's content, when the repository vouches for it.
pub(super) type Vouched = dyn Fn(&RelPath, &Stat) -> Option<String> + Send;

pub(super) fn as_known(vouched: &Option<Box<Vouched>>) -> Option<&Known<'_>> {
    vouched.as_deref().map(|vouched| vouched as &Known<'_>)
}

/// What a look found.
pub(crate) struct Looked {
    taken: Taken,
    previous: Option<Arc<Snapshot>>,
    lists: Option<Lists>,
    begun: Begun,
}

impl Look {
    /// Looks. Takes as long as the folder is large when it is the first.
    pub(crate) fn take(self, cancel: &AtomicBool) -> Result<Looked, Failure> {
        let lists = self.last_list.and_then(|list| resumed(&self.blobs, &list));
        let before = self
            .previous
            .as_ref()
            .or_else(|| lists.as_ref().and_then(Lists::last));
        let taken = kerf_checkpoint::take(
            &self.workspace,
            &self.blobs,
            before.map(AsRef::as_ref),
            as_known(&self.known),
            cancel,
        )
        .map_err(from_checkpoint)?;
        Ok(Looked {
            taken,
            previous: self.previous,
            lists,
            begun: self.begun,
        })
    }
}

/// The lists behind one of an earlier process. Without them all is read and written once more.
fn resumed(blobs: &Blobs, list: &Hash) -> Option<Lists> {
    match Lists::resume(blobs, list) {
        Ok(lists) => Some(lists),
        Err(error) => {
            tracing::warn!(%error, "the last checkpoint cannot be read; the next one is made anew");
            None
        }
    }
}

impl Desk {
    /// A look that can be taken elsewhere; none: no checkpoints are taken here.
    pub(crate) fn begin_look(&mut self) -> Option<Look> {
        if self.unfit {
            return None;
        }
        self.touched_before_look.append(&mut self.touched);
        Some(Look {
            workspace: self.workspace.clone(),
            blobs: Arc::clone(&self.blobs),
            previous: self.snapshot.clone(),
            last_list: self.last_list.take(),
            known: self.git_objects(),
            begun: self.sight.begin(),
        })
    }

    /// The same while the model is asked; none also: there is no need of one.
    pub(crate) fn begin_look_meanwhile(&mut self) -> Option<Look> {
        self.is_look_due().then(|| self.begin_look())?
    }

    /// Takes in what such a look found, unless another snapshot was taken since.
    pub(crate) fn end_look_meanwhile(&mut self, looked: Looked) -> Result<Vec<Write>, Failure> {
        let is = self.snapshot.as_ref().map(Arc::as_ptr);
        if is != looked.previous.as_ref().map(Arc::as_ptr) {
            return Ok(Vec::new());
        }
        self.take_in(looked)
    }

    /// Takes in what a look found, and keeps it as a checkpoint, with what was touched during the look as it is now. Nobody
    /// may have taken another snapshot since.
    pub(crate) fn end_look(
        &mut self,
        looked: Looked,
        before: &Before,
        cancel: &AtomicBool,
    ) -> Result<Vec<Write>, Failure> {
        let mut writes = self.take_in(looked)?;
        writes.extend(self.checkpoint_paths(&[], before, cancel)?);
        Ok(writes)
    }

    fn take_in(&mut self, looked: Looked) -> Result<Vec<Write>, Failure> {
        let Looked {
            taken,
            previous,
            lists,
            begun,
        } = looked;
        self.sight.end(begun, &taken);
        if let Some(lists) = lists {
            self.lists = lists;
        }
        let changed = previous.map(|previous| kerf_checkpoint::changes(&previous, &taken.snapshot));
        self.snapshot = Some(Arc::new(taken.snapshot));
        // What was touched during the look may be in the snapshot as it was before.
        let touched = std::mem::take(&mut self.touched_before_look);
        self.put_down_to_user(changed, touched)
    }

    /// The files that were touched since the snapshot.
    pub(super) fn touched(&self) -> impl Iterator<Item = &RelPath> {
        self.touched_before_look.iter().chain(&self.touched)
    }

    /// The same, for who has put another snapshot in its place.
    pub(super) fn take_touched(&mut self) -> BTreeSet<RelPath> {
        let mut all = std::mem::take(&mut self.touched_before_look);
        all.append(&mut self.touched);
        all
    }

    /// The checkpoint before a tool writes these files.
    pub(super) fn checkpoint_paths(
        &mut self,
        paths: &[RelPath],
        before: &Before,
        cancel: &AtomicBool,
    ) -> Result<Vec<Write>, Failure> {
        if self.unfit {
            return Ok(Vec::new());
        }
        let mut writes = Vec::new();
        match &self.snapshot {
            None => writes.extend(self.look(cancel)?),
            Some(snapshot) => {
                let stale: BTreeSet<RelPath> = self.touched().chain(paths).cloned().collect();
                let stale: Vec<RelPath> = stale.into_iter().collect();
                let known = self.git_objects();
                let fresh = kerf_checkpoint::refresh(
                    &self.workspace,
                    &self.blobs,
                    snapshot,
                    &stale,
                    as_known(&known),
                    cancel,
                )
                .map_err(from_checkpoint)?;
                self.snapshot = Some(Arc::new(fresh));
                self.sight.added(&stale);
                let (_, found) = self.after_paths(&stale, Author::User)?;
                drop(self.take_touched());
                writes.extend(found);
            }
        }
        writes.extend(self.keep_checkpoint(before)?);
        self.touched.extend(paths.iter().cloned());
        Ok(writes)
    }

    /// Keeps the snapshot as a checkpoint: its blobs are on disk when this returns, the row is for the caller to write.
    pub(crate) fn keep_checkpoint(&mut self, before: &Before) -> Result<Option<Write>, Failure> {
        let Some(snapshot) = self.snapshot.clone().filter(|_| !self.unfit) else {
            return Ok(None);
        };
        if let Some(list) = self.last_list.take()
            && let Some(lists) = resumed(&self.blobs, &list)
        {
            self.lists = lists;
        }
        let mut lists = std::mem::take(&mut self.lists);
        let list = lists.write(&self.blobs, &self.git(), &snapshot);
        self.lists = lists;
        let list = list.map_err(from_checkpoint)?;
        let review = self.keep_rows()?;
        let new = NewCheckpoint {
            turn_id: before.turn_id,
            item_id: before.item_id,
            label: before.label.clone(),
            note: note(&snapshot, std::mem::take(&mut self.not_kept)),
            created_at: now(),
            files: snapshot.files.len() as u64,
            list: list.to_string(),
            review: review.to_string(),
        };
        Ok(Some(Write::Checkpoint {
            session_id: self.session_id,
            new,
        }))
    }

    /// Keeps what the review knows of its files.
    fn keep_rows(&mut self) -> Result<Hash, Failure> {
        if let Some(kept) = self.rows_kept {
            return Ok(kept);
        }
        let rows: BTreeMap<String, KeptRow> = self
            .rows
            .iter()
            .map(|(path, row)| (path.to_string(), KeptRow::from(row.clone())))
            .collect();
        let json = serde_json::to_vec(&rows).map_err(|error| damaged(&error))?;
        let kept = self.blobs.put(&json).map_err(from_checkpoint)?;
        self.rows_kept = Some(kept);
        Ok(kept)
    }

    /// What the review knew of its files at a checkpoint.
    pub(super) fn rows_of(&self, review: &Hash) -> Result<BTreeMap<String, ReviewRow>, Failure> {
        let json = self.blobs.get(review).map_err(from_checkpoint)?;
        let rows: BTreeMap<String, KeptRow> =
            serde_json::from_slice(&json).map_err(|error| damaged(&error))?;
        Ok(rows
            .into_iter()
            .map(|(path, row)| (path, row.into()))
            .collect())
    }

    /// Writes down that Kerf changed a file.
    pub(super) fn file_changed(&self, path: &RelPath, before: &Content, after: &Content) -> Write {
        Write::FileChanged {
            session_id: self.session_id,
            path: path.to_string(),
            before: name(before),
            after: name(after),
        }
    }
}

/// A row of the review in a blob.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptRow {
    origin: String,
    proposed: String,
    marks: String,
}

impl From<ReviewRow> for KeptRow {
    fn from(row: ReviewRow) -> Self {
        Self {
            origin: row.origin,
            proposed: row.proposed,
            marks: row.marks,
        }
    }
}

impl From<KeptRow> for ReviewRow {
    fn from(row: KeptRow) -> Self {
        Self {
            origin: row.origin,
            proposed: row.proposed,
            marks: row.marks,
        }
    }
}

/// A name by which contents are compared; none: nothing is there.
pub(super) fn name(content: &Content) -> Option<String> {
    match content {
        Content::Absent => None,
        Content::Text { bytes, mode } => Some(format!("file {mode:o} {}", Hash::of(bytes))),
        Content::Opaque {
            hash, mode, target, ..
        } => {
            let kind = if target.is_some() { "link" } else { "file" };
            Some(format!("{kind} {mode:o} {}", Hash::from(*hash)))
        }
    }
}

/// What is not in a snapshot although it is there, in plain words.
fn note(snapshot: &Snapshot, not_kept: usize) -> String {
    let large = snapshot
        .files
        .values()
        .filter(|held| matches!(held, Held::TooLarge { .. }))
        .count();
    let unseen = snapshot.excluded().len();
    let counted = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {what}")),
    };
    let parts: Vec<String> = [
        counted(large, "over 8 MB"),
        counted(unseen, "that could not be read"),
        counted(
            not_kept,
            "of the ignored files, beyond the 2,000 files and 64 MB that are kept",
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() {
        return String::new();
    }
    format!("not in it: {}", parts.join(", "))
}
