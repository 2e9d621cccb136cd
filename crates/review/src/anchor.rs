//! Where commented lines are now.
//!
//! A comment keeps the lines that it is about, and a few of those around them. Its place is found again from these alone,
//! whatever happened between: edits, commits, rebases, other branches, a Kerf that was not running.

use crate::{
    FileReview,
    file::{Kind, count},
    lines::Lines,
};
use serde::{Deserialize, Serialize};

/// How many lines around a comment are kept on each side.
const AROUND: usize = 3;
/// A longer comment is found by this many of its lines.
const MAX_LINES: usize = 200;

/// The lines around those that are commented, the nearest first, as they are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Around {
    /// Whether removed lines are among those that are commented.
    pub removed: bool,
    /// Those above.
    pub above: Vec<String>,
    /// Those below.
    pub below: Vec<String>,
}

/// Lines that are commented.
#[derive(Debug, Clone, Copy)]
pub struct Commented<'a> {
    /// The number of the first in the text as proposed, from 1.
    pub first: u32,
    /// The number of the last.
    pub last: u32,
    /// Their texts, as they were shown.
    pub excerpt: &'a str,
}

/// Lines in the order in which they are looked through, with the number as proposed of each or of what follows it.
struct View<'a> {
    lines: Vec<(&'a [u8], u32)>,
}

impl<'a> View<'a> {
    fn proposed(lines: &'a Lines) -> Self {
        Self {
            lines: (0..lines.len())
                .map(|at| (lines.get(at), count(at + 1)))
                .collect(),
        }
    }

    fn is(&self, at: usize, text: &str) -> bool {
        self.lines
            .get(at)
            .is_some_and(|(line, _)| shown(line) == text)
    }

    fn around(&self, start: usize, len: usize, removed: bool) -> Around {
        let text = |at: usize| self.lines.get(at).map(|(line, _)| shown(line).into_owned());
        Around {
            removed,
            above: (start.saturating_sub(AROUND)..start)
                .rev()
                .filter_map(text)
                .collect(),
            below: (start + len..start + len + AROUND)
                .filter_map(text)
                .collect(),
        }
    }

    /// Where these lines stand together: where most lines around are what they were, and of such places the nearest.
    fn find(&self, excerpt: &[&str], near: u32, around: &Around) -> Option<usize> {
        let last = self.lines.len().checked_sub(excerpt.len())?;
        // The nearer a line, the more it tells.
        let score = |at: usize| {
            let above = around.above.iter().take(AROUND).enumerate();
            let above = above.filter(|(up, text)| at > *up && self.is(at - 1 - up, text));
            let below = around.below.iter().take(AROUND).enumerate();
            let below = below.filter(|(down, text)| self.is(at + excerpt.len() + down, text));
            let weigh = |(far, _): (usize, &String)| AROUND - far;
            above.map(weigh).sum::<usize>() + below.map(weigh).sum::<usize>()
        };
        (0..=last)
            .filter(|at| {
                let mut lines = excerpt.iter().enumerate();
                lines.all(|(offset, text)| self.is(at + offset, text))
            })
            .map(|at| (score(at), self.lines[at].1.abs_diff(near), at))
            .min_by_key(|(score, far, _)| (std::cmp::Reverse(*score), *far))
            .map(|(_, _, at)| at)
    }

    fn numbers(&self, at: usize, len: usize) -> (u32, u32) {
        let number = |at: usize| self.lines.get(at).map_or(1, |(_, number)| *number);
        (number(at), number(at + len.saturating_sub(1)))
    }
}

impl FileReview {
    /// What stands around lines that are about to be commented.
    pub fn around(&self, commented: Commented<'_>) -> Around {
        let excerpt = lines_of(commented.excerpt);
        let none = Around::default();
        let proposed = self.proposed_text();
        let view = View::proposed(&proposed);
        let start = commented.first.saturating_sub(1) as usize;
        let stands = excerpt
            .iter()
            .enumerate()
            .all(|(offset, text)| view.is(start + offset, text));
        if stands {
            return view.around(start, excerpt.len(), false);
        }
        self.both()
            .and_then(|both| {
                let at = both.find(&excerpt, commented.first, &none)?;
                Some(both.around(at, excerpt.len(), true))
            })
            .unwrap_or(none)
    }

    /// The numbers of the first and the last of commented lines now; none when the lines are gone.
    pub fn find_commented(&self, commented: Commented<'_>, around: &Around) -> Option<(u32, u32)> {
        let excerpt = lines_of(commented.excerpt);
        if excerpt.is_empty() {
            return Some((commented.first, commented.last));
        }
        let proposed = self.proposed_text();
        let plain = View::proposed(&proposed);
        let find = |view: &View<'_>| {
            let at = view.find(&excerpt, commented.first, around)?;
            Some(view.numbers(at, excerpt.len()))
        };
        if around.removed {
            return self.both().as_ref().and_then(find);
        }
        find(&plain).or_else(|| self.both().as_ref().and_then(find))
    }

    fn proposed_text(&self) -> Lines {
        match self.proposed_lines() {
            Some(lines) => lines.clone(),
            None => Lines::new(self.current().text().cloned().unwrap_or_default()),
        }
    }

    /// The lines of both texts: where they differ, the removed before the added.
    fn both(&self) -> Option<View<'_>> {
        let Kind::Lined(lined) = &self.kind else {
            return None;
        };
        let lines = &lined.lines;
        let mut both = Vec::with_capacity(lines.new.len());
        let mut at = 0;
        for change in &lines.changes {
            both.extend((at..change.new.start).map(|at| (lines.new.get(at), count(at + 1))));
            // What is removed has no number of its own: what follows it has.
            let next = count((change.new.start + 1).min(lines.new.len().max(1)));
            both.extend(change.old.clone().map(|at| (lines.old.get(at), next)));
            both.extend(
                change
                    .new
                    .clone()
                    .map(|at| (lines.new.get(at), count(at + 1))),
            );
            at = change.new.end;
        }
        both.extend((at..lines.new.len()).map(|at| (lines.new.get(at), count(at + 1))));
        Some(View { lines: both })
    }
}

fn lines_of(excerpt: &str) -> Vec<&str> {
    if excerpt.is_empty() {
        return Vec::new();
    }
    excerpt.split('\n').take(MAX_LINES).collect()
}

/// A line as it is shown: without its end, and with U+FFFD for what is no UTF-8.
fn shown(line: &[u8]) -> std::borrow::Cow<'_, str> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line))
}
