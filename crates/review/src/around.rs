//! The lines around the hunks: those of the proposed text, by their numbers in it.

use crate::{
    FileReview,
    describe::{Parts, shown},
    file::Kind,
    lines::Lines,
};
use kerf_protocol::review::{HunkLine, LineKind};

impl FileReview {
    /// The proposed text, rejected parts too, when it is shown line by line.
    pub(crate) fn proposed_lines(&self) -> Option<&Lines> {
        match &self.kind {
            Kind::Lined(lined) => Some(&lined.lines.new),
            _ => None,
        }
    }
}

impl Parts<'_> {
    /// Lines of the proposed text from the one numbered `first` on: `count` of them or those that there are, or fewer
    /// when they come to about `bytes`; at least one if there is one. A line that is no hunk's has its number before too.
    pub fn around(&self, first: u32, count: u32, bytes: usize) -> Vec<HunkLine> {
        let Kind::Lined(lined) = &self.review.kind else {
            return Vec::new();
        };
        let lines = &lined.lines;
        let start = first.saturating_sub(1) as usize;
        let end = lines.new.len().min(start.saturating_add(count as usize));
        let mut found = Vec::new();
        let mut left = bytes;
        let mut next = lines
            .changes
            .partition_point(|change| change.new.end <= start);
        for at in start..end {
            while lines
                .changes
                .get(next)
                .is_some_and(|change| change.new.end <= at)
            {
                next += 1;
            }
            let line = match lines.changes.get(next) {
                Some(change) if change.new.contains(&at) => {
                    shown(LineKind::Added, &lines.new, at, None, Some(at))
                }
                // Below a change the numbers before and as proposed run in step, up to the next.
                _ => {
                    let above = next.checked_sub(1).map(|above| &lines.changes[above]);
                    let old = above.map_or(at, |above| above.old.end + (at - above.new.end));
                    shown(LineKind::Context, &lines.new, at, Some(old), Some(at))
                }
            };
            if !found.is_empty() && line.text.len() > left {
                break;
            }
            left = left.saturating_sub(line.text.len());
            found.push(line);
        }
        found
    }
}
