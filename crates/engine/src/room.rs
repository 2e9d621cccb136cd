//! The room that checkpoints may take on the disk, and keeping within it.
//!
//! A collection first gives up the oldest checkpoints, as far as the room demands, and then removes the blobs that nothing
//! names any more. What is named is found out at one moment at which nobody in this process has stored something that he
//! has not named yet ([`Engine::naming`]), and no other process has a session open. Whoever comes later reads what is
//! named in the database, and what he stores stays because the store writes it down (`checkpoint/src/collect.rs`).
//! A kill at any point leaves blobs that the next collection removes.

use crate::{
    desk::{DeskNames, mark_review, mark_row, tolerant},
    engine::{Engine, now},
    failure::{from_checkpoint, from_panic, from_store},
};
use kerf_checkpoint::{
    Blobs, CheckpointError, Hash, Marks, Record, Snapshot, mark_list, needs, remove_older,
};
use kerf_protocol::{
    Failure, SessionId,
    request::{Check, CheckState},
    room::Collected,
};
use kerf_store::{Named, NamedCheckpoint, StoreError};
use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

/// The room when the user has not said another, in bytes.
const DEFAULT_ROOM: u64 = 2 * GB;
const MB: u64 = 1_000_000;
const GB: u64 = 1000 * MB;
/// Files of ours that a crash left half-written are removed when they are so old.
const LITTER_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// Between two collections that nobody asked for.
const LASTING_REST: Duration = Duration::from_secs(60 * 60);
/// The same for a program that does one thing and ends.
const ONCE_REST: Duration = Duration::from_secs(24 * 60 * 60);

impl Engine {
    /// How much of the disk checkpoints, and what is under review, may take, in bytes.
    pub(crate) fn room(&self) -> u64 {
        match self.settings() {
            Ok(settings) if settings.app.checkpoint_room > 0 => {
                u64::from(settings.app.checkpoint_room) * MB
            }
            _ => DEFAULT_ROOM,
        }
    }

    /// Brings checkpoints within their room, when there is something to do and nobody works: after turns, once an hour at
    /// most. For a front that lives on; see also [`Engine::collect_before_end`].
    pub(crate) async fn collect_when_idle(&self) {
        if self.worked().load(Ordering::Relaxed) {
            self.collect_if_rested(LASTING_REST).await;
        }
    }

    /// The same for a front that ends after one piece of work: once a day.
    pub async fn collect_before_end(&self) {
        self.collect_if_rested(ONCE_REST).await;
    }

    async fn collect_if_rested(&self, rest: Duration) {
        let dir = self.home().blobs();
        let due = tokio::task::spawn_blocking(move || {
            if !dir.is_dir() {
                return false;
            }
            let last = Blobs::open(&dir).map(|blobs| blobs.last_collected());
            // A clock that was set back does not count.
            let rested = |last: SystemTime| last.elapsed().is_ok_and(|since| since < rest);
            !last.is_ok_and(|last| last.is_some_and(rested))
        });
        // What panics there is told where it does.
        if !due.await.unwrap_or(false) {
            return;
        }
        match self.data_collect().await {
            Ok(Collected {
                postponed: Some(why),
                ..
            }) => tracing::debug!(why, "blobs are collected later"),
            Ok(collected) => {
                self.worked().store(false, Ordering::Relaxed);
                tracing::debug!(?collected, "collected blobs");
            }
            Err(failure) => {
                tracing::warn!(message = failure.message, "blobs are not collected");
            }
        }
    }

    pub(crate) async fn data_collect(&self) -> Result<Collected, Failure> {
        self.collect_within(self.room()).await
    }

    /// Brings checkpoints within so many bytes.
    pub(crate) async fn collect_within(&self, room: u64) -> Result<Collected, Failure> {
        let postponed = |why: &str| Collected {
            postponed: Some(why.to_owned()),
            ..Collected::default()
        };
        let dir = self.home().blobs();
        // It waits for whoever stores something just now.
        let begun = tokio::task::spawn_blocking(move || {
            let blobs = Arc::new(Blobs::open(&dir)?);
            let collection = blobs.begin_collection()?;
            Ok::<_, CheckpointError>((blobs, collection))
        });
        let begun = begun.await.map_err(from_panic)?;
        let (blobs, collection) = begun.map_err(from_checkpoint)?;
        let Some(collection) = collection else {
            return Ok(postponed("another Kerf is at it"));
        };
        let (names, named) = {
            // From here on whatever is stored stays.
            let Ok(_nobody) = self.naming().try_write_owned() else {
                return Ok(postponed("Kerf is at work"));
            };
            let store = self.store();
            if store.is_open_elsewhere().await.map_err(from_store)? {
                return Ok(postponed("another Kerf has a conversation open"));
            }
            let Some(names) = self.desks_names() else {
                return Ok(postponed("Kerf is at work"));
            };
            let named = store.named().await.map_err(from_store)?;
            let records = self.home().records();
            let recorded = tokio::task::spawn_blocking(move || recorded(&records));
            let recorded = recorded
                .await
                .map_err(from_panic)?
                .map_err(from_checkpoint)?;
            ((names, recorded), named)
        };
        let at = Arc::clone(&blobs);
        let plan = tokio::task::spawn_blocking(move || {
            let (desks, recorded) = names;
            let mut marks = Marks::of(&at)?;
            for names in &desks {
                names.mark(&at, &mut marks)?;
            }
            for snapshot in &recorded {
                snapshot.mark(&mut marks);
            }
            let given_up = mark_named(&at, &named, room, &mut marks)?;
            Ok((marks, given_up))
        });
        let plan: Result<_, CheckpointError> = plan.await.map_err(from_panic)?;
        let (marks, ids) = plan.map_err(from_checkpoint)?;
        let mut checkpoints = 0;
        if !ids.is_empty() {
            // Nobody is about to bring one of them back.
            let Ok(_nobody) = self.naming().try_write_owned() else {
                return Ok(postponed("Kerf is at work"));
            };
            checkpoints = match self.store().give_up_checkpoints(ids.clone(), now()).await {
                // One of them is needed by now: all are asked about again, the next time.
                Ok(given_up) if given_up < ids.len() as u64 => {
                    return Ok(postponed("Kerf is at work"));
                }
                Ok(given_up) => given_up,
                Err(StoreError::InUse { .. }) => {
                    return Ok(postponed("another Kerf has a conversation open"));
                }
                Err(error) => return Err(from_store(error)),
            };
        }
        let data = self.home().data().to_owned();
        let swept = tokio::task::spawn_blocking(move || {
            remove_litter(&data);
            collection.sweep(&marks, &AtomicBool::new(false))
        });
        let swept = swept.await.map_err(from_panic)?.map_err(from_checkpoint)?;
        Ok(Collected {
            bytes: swept.bytes,
            checkpoints,
            postponed: None,
        })
    }

    /// What the sessions that are open here name; none: one of them is busy.
    fn desks_names(&self) -> Option<Vec<DeskNames>> {
        let mut names = Vec::new();
        for live in self.awake().each()? {
            if live.is_running() {
                return None;
            }
            names.push(live.host.desk.try_lock().ok()?.names());
        }
        Some(names)
    }

    /// How much of their room the checkpoints take.
    pub(crate) async fn check_room(&self) -> Check {
        let (dir, room) = (self.home().blobs(), self.room());
        let at = dir.clone();
        let used = tokio::task::spawn_blocking(move || match at.is_dir() {
            true => Blobs::open(&at).and_then(|blobs| blobs.size()),
            false => Ok(0),
        });
        let check = |state, detail: String, hint: &str| Check {
            name: "checkpoints".to_owned(),
            state,
            detail,
            hint: hint.to_owned(),
            isolation: None,
        };
        let path = dir.display();
        match used.await.map_err(from_panic) {
            Ok(Ok(used)) if used > room => check(
                CheckState::Ok,
                format!("{} of {} in {path}", size(used), size(room)),
                "`kerf data --collect` frees what is over; what is still to be decided in a review stays",
            ),
            Ok(Ok(used)) => check(
                CheckState::Ok,
                format!("{} of {} in {path}", size(used), size(room)),
                "",
            ),
            Ok(Err(error)) => check(CheckState::Failed, error.to_string(), "Free the folder"),
            Err(failure) => check(CheckState::Failed, failure.message, &failure.hint),
        }
    }
}

/// What sessions that were killed had recorded of their folders.
fn recorded(records: &Path) -> Result<Vec<Snapshot>, CheckpointError> {
    let entries = match fs::read_dir(records) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(unlisted(records, source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| unlisted(records, source))?;
        let read = Record::at(entry.path()).read();
        found.extend(tolerant(read)?.flatten().map(|(snapshot, _)| snapshot));
    }
    Ok(found)
}

fn unlisted(records: &Path, source: io::Error) -> CheckpointError {
    CheckpointError::Io {
        action: "list",
        path: records.to_owned(),
        source,
    }
}

/// Marks what the database names, the newest checkpoints as far as the room reaches. Returns those that it does not reach
/// for: of each session the oldest, never the newest, one of a review that is open, or one that a restore needs.
fn mark_named(
    blobs: &Blobs,
    named: &Named,
    room: u64,
    marks: &mut Marks,
) -> Result<Vec<i64>, CheckpointError> {
    let mut needed_from: BTreeMap<SessionId, i64> = named.restoring.iter().copied().collect();
    for review in &named.reviews {
        mark_row(&review.row, marks)?;
        // What cannot be read counts as open.
        let is_open = serde_json::from_str::<kerf_review::Marks>(&review.row.marks)
            .map_or(true, |marks| marks.is_open());
        if let Some(since) = review.since.filter(|_| is_open) {
            let from = needed_from.entry(review.session_id).or_insert(since);
            *from = since.min(*from);
        }
    }
    for row in &named.in_backups {
        tolerant(mark_row(row, marks))?;
    }
    let mut sessions: BTreeMap<SessionId, Vec<&NamedCheckpoint>> = BTreeMap::new();
    for checkpoint in &named.checkpoints {
        let session = sessions.entry(checkpoint.session_id).or_default();
        session.push(checkpoint);
    }
    let mut others = Vec::new();
    for (session_id, checkpoints) in sessions {
        let from = needed_from.get(&session_id).copied().unwrap_or(i64::MAX);
        let newest = checkpoints.last().map_or(i64::MAX, |newest| newest.id);
        for one in Needed::of(blobs, &checkpoints)? {
            if one.id >= from.min(newest) {
                one.mark(blobs, marks)?;
            } else {
                others.push(one);
            }
        }
    }
    marks.settle();
    // Newest first, so that of each session a beginning is given up and no part in the middle.
    others.sort_by_key(|one| std::cmp::Reverse(one.id));
    let mut others = others.into_iter();
    for one in others.by_ref() {
        one.mark(blobs, marks)?;
        if marks.bytes() > room {
            marks.take_back();
            let given_up = [one].into_iter().chain(others).map(|one| one.id);
            return Ok(given_up.collect());
        }
        marks.settle();
    }
    Ok(Vec::new())
}

/// What a checkpoint needs beside what the later ones of its session need.
struct Needed {
    id: i64,
    list: Option<Hash>,
    review: Option<Hash>,
    contents: Vec<Hash>,
}

impl Needed {
    /// Of all checkpoints of a session, oldest first.
    fn of(blobs: &Blobs, checkpoints: &[&NamedCheckpoint]) -> Result<Vec<Self>, CheckpointError> {
        let parsed: Vec<(i64, Option<Hash>, Option<Hash>)> = checkpoints
            .iter()
            .map(|one| (one.id, one.list.parse().ok(), one.review.parse().ok()))
            .collect();
        let lists: Vec<Hash> = parsed.iter().filter_map(|(_, list, _)| *list).collect();
        let mut contents = needs(blobs, &lists)?.into_iter();
        Ok(parsed
            .into_iter()
            .map(|(id, list, review)| Self {
                id,
                list,
                review,
                contents: list.and_then(|_| contents.next()).unwrap_or_default(),
            })
            .collect())
    }

    fn mark(&self, blobs: &Blobs, marks: &mut Marks) -> Result<(), CheckpointError> {
        for content in &self.contents {
            marks.insert(*content);
        }
        if let Some(list) = &self.list {
            tolerant(mark_list(blobs, list, marks))?;
        }
        if let Some(review) = &self.review {
            mark_review(blobs, review, marks)?;
        }
        Ok(())
    }
}

/// Removes what crashes left half-written beside the blobs: records, and copies of the database.
fn remove_litter(data: &Path) {
    remove_older(&data.join("records"), LITTER_AGE, |name| {
        name.starts_with(".tmp")
    });
    remove_older(&data.join("backups"), LITTER_AGE, |name| {
        name.ends_with(".tmp")
    });
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..MB => format!("{} kB", bytes.div_ceil(1000)),
        MB..GB => format!("{} MB", tenths(MB)),
        _ => format!("{} GB", tenths(GB)),
    }
}
