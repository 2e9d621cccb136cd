//! Bringing files back to a checkpoint.
//!
//! What a restore may do to a file is decided by [`kerf_checkpoint::step`]; here it is found out what the file held, what it
//! holds and what Kerf did to it in between, and the files are written. Files are written one after the other, each as
//! safely as any other save, and all can be done again: a restore that was stopped goes on where it was.

use super::{Desk, checkpoint::name, damaged};
use crate::failure::{failure, from_checkpoint};
use kerf_checkpoint::{Act, Blobs, Done, Hash, HashError, Held, Snapshot};
use kerf_protocol::{
    Code, Failure, ItemId, TurnId,
    checkpoint::{RestoreAct, RestoreChoice, RestoreFile, StayedFile},
    review::{Author, Opaque, ReviewFile},
};
use kerf_review::{Content, FileReview};
use kerf_store::{ReviewRow, StoredCheckpoint, Write};
use kerf_workspace::RelPath;
use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap, HashSet},
};

/// So many bytes of lines a preview shows; of further files it tells only what changes.
const MAX_PREVIEW_BYTES: usize = 512 * 1024;

/// What is known of a checkpoint that is to be brought back.
#[derive(Debug, Clone)]
pub(crate) struct Back {
    /// The checkpoint, and all that came later.
    pub(crate) checkpoints: Vec<StoredCheckpoint>,
    /// What Kerf did since, oldest first, each with the checkpoint before it.
    pub(crate) done: Vec<(i64, RelPath, Done<String>)>,
}

/// What a restore did.
#[derive(Debug, Default)]
pub(crate) struct Restoration {
    pub(crate) written: Vec<RelPath>,
    pub(crate) stayed: Vec<StayedFile>,
    pub(crate) writes: Vec<Write>,
}

/// A file that is not as it was.
struct Planned {
    path: RelPath,
    act: Act,
    choice: RestoreChoice,
    why: &'static str,
}

/// What a checkpoint held, and what is needed to read it.
struct Side {
    snapshot: Snapshot,
    /// The lists of later checkpoints: with them came copies of git objects that git may have collected.
    later: Vec<Hash>,
    copies: OnceCell<BTreeMap<String, Hash>>,
}

impl Desk {
    /// What restoring would do, file by file.
    pub(crate) fn preview(&mut self, back: &Back) -> Result<Vec<RestoreFile>, Failure> {
        let side = self.side(back)?;
        let mut left = MAX_PREVIEW_BYTES;
        let mut files = Vec::new();
        for planned in self.plan(back, &side)? {
            files.push(RestoreFile {
                act: match planned.act {
                    Act::Make => RestoreAct::Make,
                    Act::Write => RestoreAct::Write,
                    Act::Delete => RestoreAct::Delete,
                },
                choice: planned.choice,
                why: planned.why.to_owned(),
                change: self.change(&planned, &side, &mut left)?,
            });
        }
        Ok(files)
    }

    /// The change as a review shows it, its lines counted against what is left for all.
    fn change(
        &self,
        planned: &Planned,
        side: &Side,
        left: &mut usize,
    ) -> Result<ReviewFile, Failure> {
        let mut review = FileReview::new(self.content(&planned.path)?);
        let then = self.side_content(side, &planned.path)?;
        let is_known = then.is_some();
        review.observe(then.unwrap_or(Content::Absent), someone());
        let mut file = review.describe(&planned.path.to_string());
        if !is_known {
            file.hunks.clear();
            planned.why.clone_into(&mut file.summary);
        }
        for hunk in &mut file.hunks {
            hunk.authors.clear();
            let bytes: usize = hunk.lines.iter().map(|line| line.text.len() + 1).sum();
            if bytes > *left {
                hunk.lines.clear();
            }
            *left = left.saturating_sub(bytes);
        }
        Ok(file)
    }

    /// The files that a restore of `named`, or of all that nobody but Kerf changed, touches; and those that stay, with why.
    ///
    /// The folder must have been looked at just now.
    pub(crate) fn chosen(
        &mut self,
        back: &Back,
        named: Option<&[RelPath]>,
    ) -> Result<(Vec<RelPath>, Vec<StayedFile>), Failure> {
        let side = self.side(back)?;
        let planned = self.plan(back, &side)?;
        let is_named = |planned: &Planned| {
            named.is_none_or(|named| named.iter().any(|path| planned.path.starts_with(path)))
        };
        if let Some(missing) = named
            .into_iter()
            .flatten()
            .find(|path| !planned.iter().any(|planned| planned.path.starts_with(path)))
        {
            return Err(failure(
                Code::NotFound,
                format!("{missing} is as it was at this checkpoint, or not in it"),
                "`kerf restore --dry-run` lists the files that are not as they were",
            ));
        }
        let (mut chosen, mut stayed) = (Vec::new(), Vec::new());
        for planned in planned.iter().filter(|planned| is_named(planned)) {
            match planned.choice {
                RestoreChoice::Goes => chosen.push(planned.path.clone()),
                RestoreChoice::IfNamed if named.is_some() => chosen.push(planned.path.clone()),
                RestoreChoice::IfNamed | RestoreChoice::Stays => stayed.push(StayedFile {
                    path: planned.path.to_string(),
                    why: planned.why.to_owned(),
                }),
            }
        }
        Ok((chosen, stayed))
    }

    /// Brings these files back. `undo` holds what was there when the restore began; a file that holds neither that nor what
    /// it is to hold was changed meanwhile, and stays.
    pub(crate) fn restore(
        &mut self,
        back: &Back,
        undo: &StoredCheckpoint,
        paths: &[RelPath],
    ) -> Result<Restoration, Failure> {
        let (Some(target), side) = (back.checkpoints.first(), self.side(back)?) else {
            return Ok(Restoration::default());
        };
        let rows = self.rows_of(&hash(&target.is.review)?)?;
        let was = Side {
            snapshot: self.list(&undo.is.list)?,
            later: Vec::new(),
            copies: OnceCell::new(),
        };
        // Files go before others come, the deepest first: a folder may stand where a file stood, or the other way round.
        let mut paths: Vec<(bool, &RelPath)> = paths
            .iter()
            .map(|path| (side.snapshot.files.contains_key(path), path))
            .collect();
        paths.sort_by(|(a_comes, a), (b_comes, b)| match (a_comes, b_comes) {
            (false, false) => b.cmp(a),
            (true, true) => a.cmp(b),
            (a_comes, b_comes) => a_comes.cmp(b_comes),
        });
        let mut done = Restoration::default();
        for (_, path) in paths {
            let (Some(was), Some(then)) = (
                self.side_content(&was, path)?,
                self.side_content(&side, path)?,
            ) else {
                continue;
            };
            match self.bring_back(path, &was, &then) {
                Ok(()) => {
                    // Before what may fail: the next look looks at it again.
                    self.touched.insert(path.clone());
                    done.writes.push(self.file_changed(path, &was, &then));
                    done.writes.extend(self.review_again(
                        path,
                        rows.get(&path.to_string()),
                        then,
                    )?);
                    done.written.push(path.clone());
                }
                Err(failure) => done.stayed.push(StayedFile {
                    path: path.to_string(),
                    why: failure.message,
                }),
            }
        }
        done.written.sort();
        Ok(done)
    }

    /// Those of the paths that do not hold what they held at the checkpoint.
    pub(crate) fn not_as_then(
        &self,
        back: &Back,
        paths: &[RelPath],
    ) -> Result<Vec<RelPath>, Failure> {
        let side = self.side(back)?;
        let mut missing = Vec::new();
        for path in paths {
            if self.side_content(&side, path)?.as_ref() != Some(&self.content(path)?) {
                missing.push(path.clone());
            }
        }
        Ok(missing)
    }

    /// Writes one file, unless an earlier try has done so.
    fn bring_back(&self, path: &RelPath, was: &Content, then: &Content) -> Result<(), Failure> {
        let now = self.content(path)?;
        if now == *then {
            if now.is_absent() {
                // A try that was killed took the file and may have left its folder.
                self.remove_empty_folders(path);
            }
            return Ok(());
        }
        // A link is replaced in two steps; between them nothing is there.
        let between = now.is_absent() && (is_link(was) || is_link(then));
        let old = if between { &now } else { was };
        self.write(path, old, then)
    }

    /// The review of a file is what it was at the checkpoint.
    fn review_again(
        &mut self,
        path: &RelPath,
        row: Option<&ReviewRow>,
        then: Content,
    ) -> Result<Vec<Write>, Failure> {
        let mut writes: Vec<Write> = self.drop_aside(path).into_iter().collect();
        match row {
            Some(row) => {
                let mut review = self.contents().review(row)?;
                if review.current() != then {
                    review.observe(then, Author::User);
                }
                self.files.insert(path.clone(), review);
            }
            None => {
                self.files.remove(path);
            }
        }
        writes.push(self.row(path)?);
        Ok(writes)
    }

    fn plan(&self, back: &Back, side: &Side) -> Result<Vec<Planned>, Failure> {
        let nothing = Snapshot::default();
        let now = self.snapshot.as_deref().unwrap_or(&nothing);
        let mut done_to: HashMap<&RelPath, Vec<Done<String>>> = HashMap::new();
        for (_, path, done) in &back.done {
            done_to.entry(path).or_default().push(done.clone());
        }
        let mut planned = Vec::new();
        for changed in kerf_checkpoint::changes(&side.snapshot, now) {
            let path = changed.path;
            let now = self.content(&path)?;
            let then = self.side_content(side, &path)?;
            let done = done_to.get(&path).map_or(&[][..], Vec::as_slice);
            let kept = changed.after.as_ref().is_none_or(is_kept);
            let named_then = match &then {
                Some(then) => name(then),
                // Not kept, so it is not what is there.
                None => Some("too large".to_owned()),
            };
            let step = kerf_checkpoint::step(named_then.as_ref(), name(&now).as_ref(), done);
            let Some(step) = step else { continue };
            let (choice, why) = if then.is_none() {
                (RestoreChoice::Stays, "it was over 8 MB and was not kept")
            } else if !kept {
                let why = "it is over 8 MB and cannot be kept, so that this could not be undone";
                (RestoreChoice::Stays, why)
            } else if step.refused {
                (RestoreChoice::Stays, "Kerf did not make it")
            } else if done.is_empty() {
                (RestoreChoice::IfNamed, "you changed it, not the agent")
            } else if step.of_the_user {
                (RestoreChoice::IfNamed, "you changed it too")
            } else {
                (RestoreChoice::Goes, "")
            };
            planned.push(Planned {
                path,
                act: step.act,
                choice,
                why,
            });
        }
        Ok(planned)
    }

    /// What the checkpoint held. A file that was ignored then is known from when a tool first named it, if it is older than
    /// the checkpoint.
    fn side(&self, back: &Back) -> Result<Side, Failure> {
        let Some(target) = back.checkpoints.first() else {
            return Err(failure(Code::NotFound, "there is no such checkpoint", ""));
        };
        let mut snapshot = self.list(&target.is.list)?;
        let taken_ns = target.is.created_at.saturating_mul(1_000_000);
        let mut lists: HashMap<i64, Snapshot> = HashMap::new();
        let mut seen = HashSet::new();
        for (checkpoint_id, path, done) in &back.done {
            let first = seen.insert(path);
            if !first || done.before.is_none() || snapshot.files.contains_key(path) {
                continue;
            }
            let later = back
                .checkpoints
                .iter()
                .find(|checkpoint| checkpoint.id == *checkpoint_id);
            let Some(later) = later.filter(|later| later.id != target.id) else {
                continue;
            };
            if !lists.contains_key(checkpoint_id) {
                lists.insert(*checkpoint_id, self.list(&later.is.list)?);
            }
            let held = lists
                .get(checkpoint_id)
                .and_then(|list| list.files.get(path));
            if let Some(held) = held
                && held.stamp().is_some_and(|stamp| stamp.mtime_ns < taken_ns)
            {
                snapshot.files.insert(path.clone(), held.clone());
            }
        }
        let later = back.checkpoints.iter().skip(1);
        Ok(Side {
            snapshot,
            later: later
                .map(|later| hash(&later.is.list))
                .collect::<Result<_, _>>()?,
            copies: OnceCell::new(),
        })
    }

    fn list(&self, list: &str) -> Result<Snapshot, Failure> {
        kerf_checkpoint::read_list(&self.blobs, &hash(list)?).map_err(from_checkpoint)
    }

    /// What a path held; none: it was too large to be kept.
    fn side_content(&self, side: &Side, path: &RelPath) -> Result<Option<Content>, Failure> {
        let Some(held) = side.snapshot.files.get(path) else {
            return Ok(Some(Content::Absent));
        };
        if !is_kept(held) {
            return Ok(None);
        }
        let git = self.git();
        let read = |oid: &str| {
            git(oid).or_else(|error| match side.copies(&self.blobs).get(oid) {
                Some(copy) => Ok(self.blobs.get(copy)?),
                None => Err(error),
            })
        };
        self.held_by(held, &read).map(Some)
    }
}

impl Side {
    fn copies(&self, blobs: &Blobs) -> &BTreeMap<String, Hash> {
        self.copies.get_or_init(|| {
            let mut copies = BTreeMap::new();
            for list in &self.later {
                match kerf_checkpoint::kept_copies(blobs, list) {
                    Ok(found) => copies.extend(found),
                    Err(error) => tracing::warn!(%error, "copies of git objects cannot be read"),
                }
            }
            copies
        })
    }
}

/// An author for a change that nobody made yet: the user's own would count as accepted.
fn someone() -> Author {
    Author::Tool {
        turn_id: TurnId::default(),
        item_id: ItemId::default(),
    }
}

fn is_kept(held: &Held) -> bool {
    !matches!(held, Held::TooLarge { .. })
}

fn is_link(content: &Content) -> bool {
    matches!(
        content,
        Content::Opaque {
            kind: Opaque::Link,
            ..
        }
    )
}

fn hash(text: &str) -> Result<Hash, Failure> {
    text.parse().map_err(|error: HashError| damaged(&error))
}
