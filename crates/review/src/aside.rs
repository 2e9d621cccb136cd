//! A review that is set aside while its lines are off the disk, and taken up again with them.

use crate::FileReview;
use kerf_protocol::review::Author;
use std::collections::HashSet;

impl FileReview {
    /// Whether a hunk that was in the review `before` is no longer in this one.
    pub fn has_lost(&self, before: &Self) -> bool {
        !self.holds(before)
    }

    /// Takes up an earlier review of the file, if all of its hunks are on disk, or rejected, as they were then. What else
    /// has changed since is the user's. False: this review stays as it is.
    pub fn take_up(&mut self, aside: &Self) -> bool {
        if aside.is_settled() || self.holds(aside) {
            return false;
        }
        let mut back = aside.clone();
        // No id is ever used again.
        back.last_id = back.last_id.max(self.last_id);
        back.observe(self.current(), Author::User);
        let holds = back.holds(aside);
        if holds {
            *self = back;
        }
        holds
    }

    /// Whether all hunks of another review are in this one.
    fn holds(&self, other: &Self) -> bool {
        let mine: HashSet<u64> = self.keys().map(|key| key.id).collect();
        other.keys().all(|key| mine.contains(&key.id))
    }
}
