//! The review desk of a session: what was there before, what is there now, and what was decided.
//!
//! It keeps the content that a change would destroy before the change happens, and finds what changed after it.
//! A tool names its files; a command may touch anything, so a snapshot of the folder stands before and after it.
//! What is on disk and was not put there by the agent is the user's, and is never shown as the agent's.
//!
//! All functions here block; the callers keep them off the runtime.

mod aside;
mod beside;
mod checkpoint;
mod comments;
mod commit;
mod decide;
mod each;
mod head;
mod interrupted;
mod keep;
mod look;
mod losses;
mod pictures;
mod restore;
mod room;
mod scope;
mod show;

use crate::{
    failure::{failure, from_checkpoint},
    home::Home,
};
pub(crate) use checkpoint::Before;
use checkpoint::Vouched;
pub(crate) use restore::Back;
pub(crate) use room::{DeskNames, mark_review, mark_row, tolerant};

pub(crate) use beside::{Beside, conflict, put_all};
use each::each;
use kerf_checkpoint::{Blobs, Changed, Hash, Lists, Record, Snapshot};
use kerf_git::Repo;
use kerf_protocol::{
    Code, Failure, SessionId,
    item::{ChangeKind, FileChange},
    review::{Author, HeldHunk},
};
use kerf_review::{Content, FileReview, Undo};
use kerf_store::{ReviewRow, Write};
use kerf_workspace::{RelPath, Stat, Workspace};
use look::Sight;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicBool},
};

pub(crate) struct Desk {
    session_id: SessionId,
    workspace: Workspace,
    blobs: Arc<Blobs>,
    repo: Option<Repo>,
    /// The user's folder, when the session works in a worktree.
    beside: Option<Beside>,
    files: BTreeMap<RelPath, FileReview>,
    /// Reviews of files as they were before their hunks were taken off the disk.
    aside: BTreeMap<RelPath, FileReview>,
    /// The commit that was seen checked out in the user's folder; empty before the first one, none: never looked.
    head: Option<String>,
    /// What the store holds of `files`, or is about to.
    rows: BTreeMap<RelPath, ReviewRow>,
    /// The blob that holds `rows` as they are; none: they have changed.
    rows_kept: Option<Hash>,
    snapshot: Option<Arc<Snapshot>>,
    sight: Sight,
    /// Files that tools have written, or are about to write, since the snapshot.
    touched: BTreeSet<RelPath>,
    /// Those of them from before a look began that goes on, or that came to nothing.
    touched_before_look: BTreeSet<RelPath>,
    /// The lists of the checkpoints.
    lists: Lists,
    /// The last list of an earlier process, until it is read.
    last_list: Option<Hash>,
    /// So many ignored files that a command takes away are not kept, because they are too many or too large.
    not_kept: usize,
    /// Whether no checkpoints are taken here, because the folder is no project.
    unfit: bool,
    /// The snapshot again, for the process that goes on when this one is killed.
    record: Record,
}

/// A decision as the store holds it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Journal {
    undos: Vec<(RelPath, Undo)>,
    /// Whether files of the session's folder were written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) wrote: bool,
}

impl Journal {
    /// Whether there is nothing to be taken back.
    pub(crate) fn is_empty(&self) -> bool {
        self.undos.is_empty()
    }
}

/// What a decision did.
#[derive(Default)]
pub(crate) struct DeskDecision {
    pub(crate) journal: Journal,
    pub(crate) hunks: u32,
    /// What was not decided along with the rest, because it holds characters that hide or mislead.
    pub(crate) held: Vec<HeldHunk>,
    pub(crate) written: Vec<String>,
    pub(crate) writes: Vec<Write>,
    /// What could not be decided, because the disk refused.
    pub(crate) failed: Option<Failure>,
}

impl Desk {
    /// Takes up the review that the store holds. `last_list` is that of the session's last checkpoint.
    pub(crate) fn open(
        session_id: SessionId,
        workspace: Workspace,
        home: &Home,
        rows: Vec<(String, ReviewRow)>,
        last_list: Option<&str>,
        beside: Option<Beside>,
    ) -> Result<Self, Failure> {
        let blobs = Arc::new(Blobs::open(&home.blobs()).map_err(from_checkpoint)?);
        let unfit = kerf_checkpoint::unfit_root(workspace.root(), home.data()).is_some();
        // A repository that cannot be read is no reason not to work: contents are then kept by Kerf itself.
        let repo = Repo::discover(workspace.root()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the repository is not used");
            None
        });
        let mut desk = Self {
            session_id,
            workspace,
            blobs,
            repo,
            beside,
            files: BTreeMap::new(),
            aside: BTreeMap::new(),
            head: None,
            rows: BTreeMap::new(),
            rows_kept: None,
            snapshot: None,
            sight: Sight::default(),
            touched: BTreeSet::new(),
            touched_before_look: BTreeSet::new(),
            lists: Lists::default(),
            last_list: last_list.and_then(|list| list.parse().ok()),
            not_kept: 0,
            unfit,
            record: Record::at(home.record(session_id)),
        };
        let contents = desk.contents();
        let reviews = each(&rows, |(path, row)| {
            let path: RelPath = path
                .parse()
                .map_err(|error: kerf_workspace::PathError| damaged(&error))?;
            Ok((path, contents.review(row)?))
        });
        desk.files = reviews.into_iter().collect::<Result<_, Failure>>()?;
        desk.rows = rows
            .into_iter()
            .filter_map(|(path, row)| Some((path.parse().ok()?, row)))
            .collect();
        Ok(desk)
    }

    /// Takes up what else the store holds: reviews that are set aside, and the commit that was seen.
    pub(crate) fn remember(
        &mut self,
        aside: Vec<(String, ReviewRow)>,
        head: Option<String>,
    ) -> Result<(), Failure> {
        self.head = head;
        for (path, row) in aside {
            let path: RelPath = path
                .parse()
                .map_err(|error: kerf_workspace::PathError| damaged(&error))?;
            let review = self.contents().review(&row)?;
            self.aside.insert(path, review);
        }
        Ok(())
    }

    /// Keeps what these files hold, and takes the checkpoint before they change.
    pub(crate) fn before_paths(
        &mut self,
        paths: &[RelPath],
        before: &Before,
        cancel: &AtomicBool,
    ) -> Result<Vec<Write>, Failure> {
        let (news, mut writes) = self.look_at_head()?;
        writes.extend(self.settle_committed(&news)?);
        for path in paths {
            let now = self.content(path)?;
            match self.files.get(path) {
                Some(review) if review.current() == now => continue,
                Some(_) => writes.extend(self.let_in(path, now, Author::User)?),
                None => {
                    self.files.insert(path.clone(), FileReview::new(now));
                }
            }
            writes.push(self.row(path)?);
        }
        writes.extend(self.settle_committed(&news)?);
        writes.extend(self.checkpoint_paths(paths, before, cancel)?);
        Ok(writes)
    }

    /// Finds what `author` made of these files.
    pub(crate) fn after_paths(
        &mut self,
        paths: &[RelPath],
        author: Author,
    ) -> Result<(Vec<FileChange>, Vec<Write>), Failure> {
        let (mut changes, mut writes) = (Vec::new(), Vec::new());
        for path in paths {
            let now = self.content(path)?;
            self.observe(path, None, now, author, &mut changes, &mut writes)?;
        }
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok((changes, writes))
    }

    /// Keeps what the whole folder holds before `author` may change anything, as a checkpoint, with the ignored files among
    /// those `named`; the cost follows what changed since the last time.
    pub(crate) fn before_anything(
        &mut self,
        author: Author,
        before: &Before,
        named: &[(RelPath, u64)],
        cancel: &AtomicBool,
    ) -> Result<Vec<Write>, Failure> {
        let (news, mut writes) = self.look_at_head()?;
        writes.extend(self.settle_committed(&news)?);
        writes.extend(self.look_before_call(cancel)?);
        writes.extend(self.settle_committed(&news)?);
        self.keep_ignored(named, cancel)?;
        writes.extend(self.keep_checkpoint(before)?);
        self.record(author)?;
        Ok(writes)
    }

    /// Puts down to the user what has changed of the files under review; none: any of them may have. Of those that were
    /// `touched` since the snapshot before, nobody knows: the user may have brought them back to what that one holds.
    fn put_down_to_user(
        &mut self,
        changed: Option<Vec<Changed>>,
        touched: BTreeSet<RelPath>,
    ) -> Result<Vec<Write>, Failure> {
        let mut writes = Vec::new();
        let mut changes = Vec::new();
        let paths: BTreeSet<RelPath> = match changed {
            Some(changed) => changed
                .into_iter()
                .map(|changed| changed.path)
                .chain(touched)
                .filter(|path| self.files.contains_key(path))
                .collect(),
            None => self.files.keys().cloned().collect(),
        };
        for path in paths {
            let now = self.content(&path)?;
            self.observe(&path, None, now, Author::User, &mut changes, &mut writes)?;
        }
        Ok(writes)
    }

    /// Finds what changed anywhere since [`Desk::before_anything`].
    pub(crate) fn after_anything(
        &mut self,
        author: Author,
        cancel: &AtomicBool,
    ) -> Result<(Vec<FileChange>, Vec<Write>), Failure> {
        let (mut changes, mut writes) = (Vec::new(), Vec::new());
        let (changed, mut touched) = self.take_snapshot(cancel)?;
        for Changed {
            path,
            before,
            after: _,
        } in changed.unwrap_or_default()
        {
            touched.remove(&path);
            let before = match (&before, self.files.contains_key(&path)) {
                (_, true) => None,
                (None, false) => Some(Content::Absent),
                (Some(held), false) => Some(self.held(held)?),
            };
            let now = self.content(&path)?;
            self.observe(&path, before, now, author, &mut changes, &mut writes)?;
        }
        // What was written since the snapshot before may be as that one holds it, and is no change of its.
        for path in touched {
            let now = self.content(&path)?;
            self.observe(&path, None, now, author, &mut changes, &mut writes)?;
        }
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        self.take_commits();
        // What it committed itself is still to be decided by the user.
        let (_, seen) = self.look_at_head()?;
        writes.extend(seen);
        Ok((changes, writes))
    }

    /// Puts down to `author` whatever differs from what is known.
    pub(crate) fn sync(&mut self, author: Author) -> Result<Vec<Write>, Failure> {
        let (news, mut writes) = self.look_at_head()?;
        writes.extend(self.settle_committed(&news)?);
        let mut changes = Vec::new();
        let paths: Vec<RelPath> = self.files.keys().cloned().collect();
        let contents = self.contents();
        let found = each(&paths, |path| contents.of(path));
        for (path, now) in paths.iter().zip(found) {
            self.observe(path, None, now?, author, &mut changes, &mut writes)?;
        }
        writes.extend(self.settle_committed(&news)?);
        Ok(writes)
    }

    /// The git objects whose content is what the working tree holds, so that it need not be copied; none: the folder is in
    /// no repository.
    fn git_objects(&self) -> Option<Box<Vouched>> {
        let repo = self.repo.as_ref()?;
        let mut objects = std::collections::HashMap::new();
        // Only the first snapshot gains by it: later ones read just what changed.
        if self.snapshot.is_none() {
            for entry in repo
                .index_entries(self.workspace.root())
                .unwrap_or_default()
            {
                if let Ok(path) = RelPath::new(&entry.path) {
                    objects.insert(path, entry);
                }
            }
        }
        Some(Box::new(move |path: &RelPath, stat: &Stat| {
            let entry = objects.get(path)?;
            entry
                .describes(stat.len, stat.mtime_ns, stat.ino)
                .then(|| entry.oid.clone())
        }))
    }

    fn observe(
        &mut self,
        path: &RelPath,
        before: Option<Content>,
        now: Content,
        author: Author,
        changes: &mut Vec<FileChange>,
        writes: &mut Vec<Write>,
    ) -> Result<(), Failure> {
        let review = match before {
            Some(before) => self
                .files
                .entry(path.clone())
                .or_insert_with(|| FileReview::new(before)),
            None => match self.files.get_mut(path) {
                Some(review) => review,
                None => return Ok(()),
            },
        };
        let was = review.current();
        if was == now {
            return Ok(());
        }
        let kind = match (&was, &now) {
            (Content::Absent, _) => ChangeKind::Created,
            (_, Content::Absent) => ChangeKind::Deleted,
            _ => ChangeKind::Modified,
        };
        changes.push(FileChange {
            path: path.to_string(),
            kind,
        });
        if author != Author::User {
            writes.push(self.file_changed(path, &was, &now));
        }
        writes.extend(self.let_in(path, now, author)?);
        writes.push(self.row(path)?);
        Ok(())
    }
}

fn damaged(error: &dyn std::fmt::Display) -> Failure {
    failure(
        Code::Storage,
        format!("the stored review is damaged: {error}"),
        "The files themselves are untouched; start a new session",
    )
}

fn no_such_file(path: &str) -> Failure {
    failure(
        Code::NotFound,
        format!("{path} is not in this review"),
        "`kerf diff` lists the files and hunks",
    )
}
