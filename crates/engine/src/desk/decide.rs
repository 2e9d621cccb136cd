//! Decisions, and taking them back: first in the review, then on disk, and back again where the disk refuses.

use super::{Desk, DeskDecision, Journal, beside::Merged, no_such_file};
use crate::failure::{failure, from_review};
use kerf_protocol::{
    Code, Failure,
    review::{Author, Decision, HeldHunk, Target},
};
use kerf_review::{Content, FileReview, Outcome, ReviewError, Which};
use kerf_store::Write;
use kerf_workspace::RelPath;

/// What a decision means for one file.
pub(super) struct Step {
    pub(super) path: RelPath,
    pub(super) before: FileReview,
    outcome: Outcome,
}

impl Desk {
    /// Decides. Files are written before anything is recorded: after a crash between the two, the disk is right.
    ///
    /// In a worktree, what is accepted is merged into the user's folder first: all of it, or nothing is decided.
    ///
    /// A file that cannot be written stays as it was, on disk and in the review; the others are decided all the same, and
    /// [`DeskDecision::failed`] tells.
    pub(crate) fn decide(
        &mut self,
        decision: Decision,
        target: &Target,
    ) -> Result<DeskDecision, Failure> {
        let writes = self.sync(Author::User)?;
        let (paths, which) = self.targets(target)?;
        let steps = self.steps(paths, |review| review.decide(decision, &which))?;
        self.settle(writes, steps)
    }

    /// Accepts a hunk with the user's own lines in the place of those that it adds; as [`Desk::decide`] does.
    pub(crate) fn edit(
        &mut self,
        path: &str,
        hunk: u32,
        id: u64,
        text: &str,
    ) -> Result<DeskDecision, Failure> {
        let writes = self.sync(Author::User)?;
        let path = path.to_owned();
        let id = Some(id);
        let (paths, _) = self.targets(&Target::Hunk { path, hunk, id })?;
        let steps = self.steps(paths, |review| review.edit(hunk, text))?;
        self.settle(writes, steps)
    }

    /// Decides in the reviews of these files; nothing is written.
    fn steps(
        &mut self,
        paths: Vec<RelPath>,
        mut decide: impl FnMut(&mut FileReview) -> Result<Outcome, ReviewError>,
    ) -> Result<Vec<Step>, Failure> {
        let mut steps = Vec::new();
        for path in paths {
            if let Some(review) = self.files.get_mut(&path) {
                let before = review.clone();
                // Only one hunk that is named can be refused, so nothing was decided before it.
                let outcome = decide(review).map_err(|error| about(&path, error))?;
                steps.push(Step {
                    path,
                    before,
                    outcome,
                });
            }
        }
        Ok(steps)
    }

    /// Merges what steps mean for the user's folder into it; where that cannot be, the reviews are as before them.
    fn apply_beside(&mut self, steps: Vec<Step>) -> Result<(Vec<Step>, Vec<Merged>), Failure> {
        let merged = self.merge_beside(&steps).and_then(|merged| {
            self.write_beside(&merged)?;
            Ok(merged)
        });
        match merged {
            Ok(merged) => Ok((steps, merged)),
            Err(failure) => {
                self.forget(steps);
                Err(failure)
            }
        }
    }

    /// Carries out what was decided in the review of some files.
    fn settle(&mut self, writes: Vec<Write>, steps: Vec<Step>) -> Result<DeskDecision, Failure> {
        let mut done = DeskDecision {
            writes,
            ..DeskDecision::default()
        };
        let (steps, merged) = self.apply_beside(steps)?;
        let mut failures = Vec::new();
        for step in in_order(steps) {
            match self.carry_out(&step) {
                Ok(()) => {
                    self.wrote(&step);
                    done.writes.extend(self.told(&step));
                    done.writes.push(self.row(&step.path)?);
                    let held = step.outcome.held.iter().map(|hunk| HeldHunk {
                        path: step.path.to_string(),
                        hunk: *hunk,
                    });
                    done.held.extend(held);
                    if step.outcome.hunks > 0 {
                        done.writes.extend(self.drop_aside(&step.path));
                        done.add(step);
                    }
                }
                Err(failure) => {
                    self.take_back_beside(merged.iter().filter(|one| one.path == step.path));
                    self.files.insert(step.path, step.before);
                    failures.push(failure);
                }
            }
        }
        done.written
            .extend(merged.iter().map(|one| one.path.to_string()));
        done.written.sort();
        done.written.dedup();
        done.held
            .sort_by(|a, b| (&a.path, a.hunk).cmp(&(&b.path, b.hunk)));
        done.failed = all(failures, done.hunks);
        Ok(done)
    }

    /// Takes a decision back, in all its files or in none.
    pub(crate) fn undo(&mut self, journal: &Journal) -> Result<DeskDecision, Failure> {
        let mut done = DeskDecision {
            writes: self.sync(Author::User)?,
            ..DeskDecision::default()
        };
        let mut steps: Vec<Step> = Vec::new();
        for (path, undo) in &journal.undos {
            let outcome = match self.files.get_mut(path) {
                Some(review) => {
                    let before = review.clone();
                    review.undo(undo).map(|outcome| (before, outcome))
                }
                None => Err(ReviewError::Superseded {
                    why: kerf_review::Superseded::Gone,
                }),
            };
            match outcome {
                Ok((before, outcome)) => steps.push(Step {
                    path: path.clone(),
                    before,
                    outcome,
                }),
                Err(error) => {
                    self.forget(steps);
                    return Err(about(path, error));
                }
            }
        }
        let (steps, merged) = self.apply_beside(steps)?;
        let steps = in_order(steps);
        if let Some((at, failure)) = steps
            .iter()
            .enumerate()
            .find_map(|(at, step)| Some((at, self.carry_out(step).err()?)))
        {
            for step in steps[..at].iter().rev() {
                self.take_back(step);
            }
            self.take_back_beside(merged.iter().rev());
            self.forget(steps);
            return Err(failure);
        }
        for step in steps {
            self.wrote(&step);
            done.writes.extend(self.told(&step));
            done.writes.push(self.row(&step.path)?);
            done.writes.extend(self.drop_aside(&step.path));
            done.add(step);
        }
        done.written
            .extend(merged.iter().map(|one| one.path.to_string()));
        done.written.sort();
        done.written.dedup();
        Ok(done)
    }

    /// Writes what a step says, if it says anything.
    fn carry_out(&self, step: &Step) -> Result<(), Failure> {
        match &step.outcome.write {
            Some(content) => self.write(&step.path, &step.before.current(), content),
            None => Ok(()),
        }
    }

    /// The next checkpoint holds what a step wrote, and not what was there before.
    fn wrote(&mut self, step: &Step) {
        if step.outcome.write.is_some() {
            self.touched.insert(step.path.clone());
        }
    }

    /// What a step wrote is no edit of the user's, should a checkpoint be restored.
    fn told(&self, step: &Step) -> Option<Write> {
        let after = step.outcome.write.as_ref()?;
        Some(self.file_changed(&step.path, &step.before.current(), after))
    }

    /// Puts back what a step wrote.
    fn take_back(&self, step: &Step) {
        if let Some(content) = &step.outcome.write
            && let Err(failure) = self.write(&step.path, content, &step.before.current())
        {
            // It is then the user's to see: the review will show what is on disk.
            tracing::warn!(path = %step.path, message = failure.message, "a file could not be put back");
        }
    }

    /// Brings the reviews back to where they were before these steps.
    fn forget(&mut self, steps: Vec<Step>) {
        for step in steps {
            self.files.insert(step.path, step.before);
        }
    }

    pub(super) fn targets(&self, target: &Target) -> Result<(Vec<RelPath>, Which), Failure> {
        let find = |path: &str| -> Result<Vec<RelPath>, Failure> {
            let path: RelPath = path.parse().map_err(|_| no_such_file(path))?;
            if self.files.get(&path).is_none_or(FileReview::is_settled) {
                return Err(no_such_file(&path.to_string()));
            }
            Ok(vec![path])
        };
        Ok(match target {
            Target::All => (
                self.files
                    .iter()
                    .filter(|(_, review)| review.pending() > 0)
                    .map(|(path, _)| path.clone())
                    .collect(),
                Which::Pending,
            ),
            Target::File { path } => (find(path)?, Which::Pending),
            Target::Turn { turn_id, path } => {
                let found = match path {
                    Some(path) => find(path)?,
                    None => self.files.keys().cloned().collect(),
                };
                (found, Which::OfTurn(*turn_id))
            }
            Target::Hunk { path, hunk, id } => {
                let found = find(path)?;
                self.same(&found, *hunk, *id)?;
                (found, Which::Hunk(*hunk))
            }
            Target::Lines {
                path,
                hunk,
                id,
                lines,
            } => {
                let found = find(path)?;
                self.same(&found, *hunk, *id)?;
                let (hunk, lines) = (*hunk, lines.clone());
                (found, Which::Lines { hunk, lines })
            }
        })
    }
}

impl Desk {
    /// Whether a hunk is still the one that was shown.
    fn same(&self, found: &[RelPath], hunk: u32, id: Option<u64>) -> Result<(), Failure> {
        let Some(id) = id else { return Ok(()) };
        let now = found
            .iter()
            .find_map(|path| self.files.get(path)?.hunk_id(hunk));
        if now == Some(id) {
            return Ok(());
        }
        Err(failure(
            Code::Conflict,
            "the hunk has changed since it was shown",
            "Look at it again",
        ))
    }
}

impl DeskDecision {
    fn add(&mut self, step: Step) {
        if step.outcome.write.is_some() {
            self.written.push(step.path.to_string());
            self.journal.wrote = true;
        }
        self.hunks += step.outcome.hunks;
        self.journal.undos.push((step.path, step.outcome.undo));
    }
}

/// Files go before others come, the deepest first: a folder may stand where a file stood, or the other way round.
fn in_order(mut steps: Vec<Step>) -> Vec<Step> {
    let goes = |step: &Step| matches!(step.outcome.write, Some(Content::Absent));
    steps.sort_by(|a, b| match (goes(a), goes(b)) {
        (true, true) => b.path.cmp(&a.path),
        (false, false) => a.path.cmp(&b.path),
        (a, b) => b.cmp(&a),
    });
    steps
}

fn about(path: &RelPath, error: ReviewError) -> Failure {
    let Failure {
        code,
        message,
        hint,
    } = from_review(error);
    failure(code, format!("{path}: {message}"), hint)
}

/// One failure that tells of all.
fn all(failures: Vec<Failure>, decided: u32) -> Option<Failure> {
    let mut failures = failures.into_iter();
    let mut first = failures.next()?;
    for next in failures {
        first.code = Code::Conflict;
        first.message = format!("{}; {}", first.message, next.message);
    }
    if decided > 0 {
        first.message = format!("{} (the other {decided} hunks were decided)", first.message);
    }
    Some(first)
}
