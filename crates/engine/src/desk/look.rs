//! Looks at the folder: at every file, or at what the system told of since the last look at every file.
//!
//! In most folders a look at every file is over at once, and is taken whenever one is needed. Where it takes long, one is
//! taken while the model is asked, and after each command; right before a call the system is asked what has changed since.
//! What it does not tell of (see [`kerf_workspace::Changes`]) is found by the next look at every file. Before a call that
//! can only be the user's, and after a command it then counts as the command's. What a command changed is always looked
//! for in every file, because a command can write so that the system does not tell: nothing of the agent's goes unseen.

use super::{Desk, checkpoint::as_known};
use crate::{failure::from_checkpoint, indexes::Indexed};
use kerf_checkpoint::{Changed, Snapshot, Taken, Unsure};
use kerf_protocol::Failure;
use kerf_store::Write;
use kerf_workspace::{Changes, Mark, RelPath, Told};
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

/// The system is asked where it takes so long to list all files.
const LONG: Duration = Duration::from_millis(25);
/// So long it has to tell what it has not told yet.
const PATIENCE: Duration = Duration::from_millis(100);
/// A look at every file that began so long ago still serves when the model is asked.
const FRESH: Duration = Duration::from_secs(1);

/// What is known of how to look.
pub(super) struct Sight {
    told_by: Option<Arc<Indexed>>,
    /// See [`LONG`].
    long: Duration,
    /// See [`FRESH`].
    fresh: Duration,
    /// Whether it takes long; none: nobody has looked yet.
    is_long: Option<bool>,
    /// What the system has to say since the desk's snapshot; none: only a look at every file tells.
    since: Option<Since>,
    /// When the last look at every file began.
    begun: Option<Instant>,
    /// How often the system's word was enough.
    #[cfg(test)]
    pub(super) followed: usize,
}

struct Since {
    changes: Changes,
    mark: Mark,
    unsure: Unsure,
}

/// A look at every file that goes on.
pub(super) struct Begun {
    at: Instant,
    since: Option<(Changes, Mark)>,
}

impl Default for Sight {
    fn default() -> Self {
        Self {
            told_by: None,
            long: LONG,
            fresh: FRESH,
            is_long: None,
            since: None,
            begun: None,
            #[cfg(test)]
            followed: 0,
        }
    }
}

impl Sight {
    /// Called before the look: what changes during it is told afterwards.
    pub(super) fn begin(&self) -> Begun {
        let asked = self
            .told_by
            .as_ref()
            .filter(|_| self.is_long != Some(false));
        let changes = asked.and_then(|indexed| indexed.changes());
        Begun {
            at: Instant::now(),
            since: changes.map(|changes| {
                let mark = changes.mark();
                (changes, mark)
            }),
        }
    }

    /// The look is over, and what it found is the desk's snapshot.
    pub(super) fn end(&mut self, begun: Begun, taken: &Taken) {
        self.begun = Some(begun.at);
        self.is_long = Some(taken.listing >= self.long);
        self.since = None;
        if taken.listing < self.long {
            return;
        }
        match begun.since {
            Some((changes, mark)) => {
                self.since = Some(Since {
                    changes,
                    mark,
                    unsure: taken.unsure.clone(),
                });
            }
            None => {
                if let Some(indexed) = &self.told_by {
                    indexed.begin_to_watch();
                }
            }
        }
    }

    /// These files were put into the snapshot, by whatever rules.
    pub(super) fn added(&mut self, paths: &[RelPath]) {
        if let Some(since) = &mut self.since {
            since.unsure.add(paths.iter().cloned());
        }
    }
}

impl Desk {
    /// From now on this tells what the system says of the folder.
    pub(crate) fn told_by(&mut self, indexed: &Arc<Indexed>) {
        self.sight
            .told_by
            .get_or_insert_with(|| Arc::clone(indexed));
    }

    /// Whether every file is worth being looked at while the model is asked.
    pub(super) fn is_look_due(&self) -> bool {
        let is_fresh = |begun: Instant| begun.elapsed() < self.sight.fresh;
        self.sight.is_long == Some(true) && !self.sight.begun.is_some_and(is_fresh)
    }

    /// Looks at every file now. What has changed of the files under review is the user's.
    pub(crate) fn look(&mut self, cancel: &AtomicBool) -> Result<Vec<Write>, Failure> {
        let (changed, touched) = self.take_snapshot(cancel)?;
        self.put_down_to_user(changed, touched)
    }

    /// The same for a call that waits: by the system's word, where that is enough.
    pub(super) fn look_before_call(&mut self, cancel: &AtomicBool) -> Result<Vec<Write>, Failure> {
        let Some(changed) = self.follow(cancel)? else {
            return self.look(cancel);
        };
        let touched = self.take_touched();
        self.put_down_to_user(Some(changed), touched)
    }

    /// Returns what changed since the last snapshot, none when there was none, and what was touched since.
    pub(super) fn take_snapshot(
        &mut self,
        cancel: &AtomicBool,
    ) -> Result<(Option<Vec<Changed>>, BTreeSet<RelPath>), Failure> {
        let known = self.git_objects();
        let begun = self.sight.begin();
        let taken = kerf_checkpoint::take(
            &self.workspace,
            &self.blobs,
            self.snapshot.as_deref(),
            as_known(&known),
            cancel,
        )
        .map_err(from_checkpoint)?;
        self.sight.end(begun, &taken);
        let changed = self
            .snapshot
            .as_ref()
            .map(|before| kerf_checkpoint::changes(before, &taken.snapshot));
        self.snapshot = Some(Arc::new(taken.snapshot));
        Ok((changed, self.take_touched()))
    }

    /// Brings the snapshot up to date by what the system told of, and returns what changed; none: it is as it was, and only a
    /// look at every file tells.
    fn follow(&mut self, cancel: &AtomicBool) -> Result<Option<Vec<Changed>>, Failure> {
        // What was told is told once, so that it is of no use any more when the rest fails.
        let (Some(before), Some(since)) = (self.snapshot.clone(), self.sight.since.take()) else {
            return Ok(None);
        };
        let Some(Told { mut paths, mark }) = since.changes.since(since.mark, PATIENCE) else {
            return Ok(None);
        };
        paths.extend(self.touched().cloned());
        let known = self.git_objects();
        let fresh = kerf_checkpoint::follow(
            &self.workspace,
            &self.blobs,
            &before,
            (&paths, &since.unsure),
            as_known(&known),
            cancel,
        );
        let fresh: Option<Snapshot> = fresh.map_err(from_checkpoint)?;
        let Some(fresh) = fresh else {
            return Ok(None);
        };
        let changed = kerf_checkpoint::changes(&before, &fresh);
        self.snapshot = Some(Arc::new(fresh));
        self.sight.since = Some(Since { mark, ..since });
        #[cfg(test)]
        {
            self.sight.followed += 1;
        }
        Ok(Some(changed))
    }
}

#[cfg(test)]
impl Desk {
    /// From now on the system is asked in every folder.
    pub(crate) fn always_follow(&mut self) {
        self.sight.long = Duration::ZERO;
        self.sight.fresh = Duration::ZERO;
        self.sight.is_long = None;
    }

    /// How often the system's word was enough.
    pub(crate) fn followed(&self) -> usize {
        self.sight.followed
    }

    /// What the snapshot holds of a file.
    pub(crate) fn last_seen(&self, path: &str) -> Option<Vec<u8>> {
        let held = self
            .snapshot
            .as_ref()?
            .files
            .get(&path.parse::<RelPath>().unwrap())?;
        kerf_checkpoint::content(held, &self.blobs, &self.git()).unwrap()
    }

    /// Whether a file is under review.
    pub(crate) fn reviews(&self, path: &str) -> bool {
        self.files.contains_key(&path.parse::<RelPath>().unwrap())
    }
}
