//! Taking parts of several attempts: tried on all files first, then accepted in each attempt, all or nothing. What was
//! tried can be looked at without taking it.

use crate::{desk::conflict, engine::Engine, failure::failure};
use kerf_protocol::{
    Code, Failure, ItemId, SessionId, TaskId, TurnId,
    attempt::{Pick, PreviewedFile, TakeAttempts, TakePreview, TakenAttempts},
    request::Decide,
    review::{Author, Decision, Target},
};
use kerf_review::{Clash, Content, FileReview, combine};
use kerf_workspace::RelPath;
use std::collections::{BTreeMap, BTreeSet};

/// What an attempt makes of a file when what was picked of it is accepted.
struct Change {
    number: usize,
    before: Content,
    after: Content,
}

/// Targets by the attempts' numbers.
pub(super) type Picked = BTreeMap<usize, (SessionId, Vec<Target>)>;

/// What would become of a file of the user's.
pub(super) struct Planned {
    pub(super) path: RelPath,
    /// The attempts that something of it is of.
    numbers: Vec<usize>,
    before: Content,
    /// With all of it, or why that cannot be.
    pub(super) after: Result<Content, Failure>,
}

impl Planned {
    /// None: it stays as it is.
    fn shown(self) -> Option<PreviewedFile> {
        let path = self.path.to_string();
        let attempts = self.numbers.iter();
        let attempts = attempts.map(|number| u32::try_from(*number).unwrap_or(u32::MAX));
        let (conflict, change) = match self.after {
            Err(failure) => (Some(failure.message), None),
            Ok(after) if after == self.before => return None,
            Ok(after) => {
                let mut review = FileReview::new(self.before);
                // Anybody but the user, whose changes a review does not show.
                let author = Author::Tool {
                    turn_id: TurnId::new(),
                    item_id: ItemId::new(),
                };
                review.observe(after, author);
                let mut change = review.describe(&path);
                for hunk in &mut change.hunks {
                    hunk.authors.clear();
                }
                (None, Some(change))
            }
        };
        Some(PreviewedFile {
            attempts: attempts.collect(),
            path,
            conflict,
            change,
        })
    }
}

impl Engine {
    pub(crate) async fn attempts_take(
        &self,
        TakeAttempts {
            task_id,
            picks,
            planned,
        }: TakeAttempts,
    ) -> Result<TakenAttempts, Failure> {
        let by_attempt = self.picked(task_id, picks).await?;
        let plan = self.plan(&by_attempt).await?;
        if planned.is_some_and(|planned| planned != name_of(&plan)) {
            return Err(failure(
                Code::Conflict,
                "the files changed since this was looked at or checked; nothing was taken",
                "Look at it again, and run the checks again",
            ));
        }
        for planned in plan {
            planned.after?;
        }
        let mut taken = TakenAttempts {
            decided: Vec::new(),
            written: Vec::new(),
        };
        for (session_id, targets) in by_attempt.into_values() {
            for target in targets {
                let decide = Decide {
                    session_id,
                    decision: Decision::Accept,
                    target,
                };
                match self.review_decide(decide).await {
                    Ok(decided) => taken.decided.push(decided),
                    Err(failure) => {
                        self.give_back(&taken).await;
                        return Err(failure);
                    }
                }
            }
        }
        let written: BTreeSet<&String> =
            taken.decided.iter().flat_map(|one| &one.written).collect();
        taken.written = written.into_iter().cloned().collect();
        Ok(taken)
    }

    pub(crate) async fn attempts_preview(
        &self,
        TakeAttempts { task_id, picks, .. }: TakeAttempts,
    ) -> Result<TakePreview, Failure> {
        let by_attempt = self.picked(task_id, picks).await?;
        let plan = self.plan(&by_attempt).await?;
        Ok(TakePreview {
            planned: name_of(&plan),
            files: plan.into_iter().filter_map(Planned::shown).collect(),
        })
    }

    /// What was picked, by the attempts' numbers.
    pub(super) async fn picked(
        &self,
        task_id: TaskId,
        picks: Vec<Pick>,
    ) -> Result<Picked, Failure> {
        let sessions = self.attempts_of(task_id).await?;
        let mut by_attempt = Picked::new();
        for pick in picks {
            let index = sessions
                .iter()
                .position(|session| session.id == pick.session_id);
            let Some(index) = index else {
                return Err(failure(
                    Code::NotFound,
                    format!("{} is no attempt of this task", pick.session_id),
                    "`kerf attempts` lists them",
                ));
            };
            let known = by_attempt.entry(index + 1);
            known
                .or_insert((pick.session_id, Vec::new()))
                .1
                .push(pick.target);
        }
        Ok(by_attempt)
    }

    /// What becomes of each file when all that was picked goes together with each other and with the user's files.
    /// Nothing is changed.
    pub(super) async fn plan(&self, by_attempt: &Picked) -> Result<Vec<Planned>, Failure> {
        let mut files: BTreeMap<RelPath, (Content, Vec<Change>)> = BTreeMap::new();
        let mut folder = String::new();
        for (number, (session_id, targets)) in by_attempt {
            let live = self.live(*session_id).await?;
            live.session().users_folder().clone_into(&mut folder);
            let targets = targets.clone();
            let found = live
                .host
                .decide_at_desk(move |desk| {
                    let mut found = Vec::new();
                    let (changes, writes) = desk.would_accept(&targets)?;
                    for (path, before, after) in changes {
                        let users = desk.users_content(&path)?;
                        found.push((path, users, before, after));
                    }
                    Ok((found, writes))
                })
                .await?;
            for (path, users, before, after) in found {
                let (_, changes) = files.entry(path).or_insert((users, Vec::new()));
                changes.push(Change {
                    number: *number,
                    before,
                    after,
                });
            }
        }
        let planned = files.into_iter().map(|(path, (users, changes))| {
            let after = together(&path, &folder, &users, &changes);
            let numbers: BTreeSet<usize> = changes.iter().map(|change| change.number).collect();
            Planned {
                path,
                numbers: numbers.into_iter().collect(),
                before: users,
                after,
            }
        });
        Ok(planned.collect())
    }

    /// Takes back what was decided before something went wrong.
    async fn give_back(&self, taken: &TakenAttempts) {
        for decided in taken
            .decided
            .iter()
            .rev()
            .filter(|one| one.decision_id != 0)
        {
            let session_id = decided.session_id;
            if let Err(failure) = self.take_back(session_id).await {
                tracing::warn!(%session_id, message = failure.message, "a decision was not taken back");
            }
        }
    }
}

/// A hash of all that the files would hold. Of the user's other files it says nothing.
pub(super) fn name_of(plan: &[Planned]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |bytes: &[u8]| {
        hasher.update(&bytes.len().to_le_bytes());
        hasher.update(bytes);
    };
    for file in plan {
        add(file.path.as_path().as_os_str().as_encoded_bytes());
        match &file.after {
            Ok(Content::Absent) => add(b"absent"),
            Ok(Content::Text { bytes, mode }) => {
                add(bytes);
                add(&mode.to_le_bytes());
            }
            Ok(Content::Opaque {
                hash, mode, target, ..
            }) => {
                add(hash);
                add(&mode.to_le_bytes());
                add(target.as_deref().unwrap_or_default().as_bytes());
            }
            Err(failure) => add(failure.message.as_bytes()),
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// The user's file with all changes in it.
fn together(
    path: &RelPath,
    folder: &str,
    users: &Content,
    changes: &[Change],
) -> Result<Content, Failure> {
    between(path, changes)?;
    let mut now = users.clone();
    for change in changes {
        now = combine(&change.before, &[now, change.after.clone()])
            .map_err(|clash| conflict(path, folder, &clash))?;
    }
    Ok(now)
}

/// Whether attempts that began with the same agree about a file; names two that do not.
fn between(path: &RelPath, changes: &[Change]) -> Result<(), Failure> {
    for (index, one) in changes.iter().enumerate() {
        for other in &changes[..index] {
            if one.before != other.before {
                continue;
            }
            let both = [other.after.clone(), one.after.clone()];
            if let Err(clash) = combine(&one.before, &both) {
                let where_ = match &clash {
                    Clash::Lines(_) => format!("{clash} of {path}"),
                    Clash::Whole => path.to_string(),
                };
                return Err(failure(
                    Code::Conflict,
                    format!(
                        "attempts {} and {} change {where_} differently; nothing was taken",
                        other.number, one.number
                    ),
                    "Take that part of one of them",
                ));
            }
        }
    }
    Ok(())
}
