//! Changes that wait until things are quiet.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::WatchEvent;
use crate::path::RelPath;

/// More changes than this are not listed one by one.
const MAX_PATHS: usize = 20_000;

/// How many times the quiet time may pass before changes that do not end are told.
const PATIENCE: u32 = 10;

pub(super) struct Batch {
    debounce: Duration,
    first: Option<Instant>,
    last: Instant,
    paths: BTreeSet<RelPath>,
    rescan: Option<String>,
}

impl Batch {
    pub(super) fn new(debounce: Duration) -> Self {
        Self {
            debounce,
            first: None,
            last: Instant::now(),
            paths: BTreeSet::new(),
            rescan: None,
        }
    }

    pub(super) fn add(&mut self, path: RelPath) {
        self.touch();
        if self.rescan.is_some() {
            return;
        }
        self.paths.insert(path);
        if self.paths.len() > MAX_PATHS {
            self.rescan(format!("more than {MAX_PATHS} files changed at once"));
        }
    }

    /// From here on the batch is a rescan; the first reason is kept.
    pub(super) fn rescan(&mut self, reason: String) {
        self.touch();
        self.paths.clear();
        self.rescan.get_or_insert(reason);
    }

    fn touch(&mut self) {
        self.last = Instant::now();
        self.first.get_or_insert(self.last);
    }

    /// When the batch is to be told; `None` while there is nothing to tell.
    pub(super) fn due(&self) -> Option<Instant> {
        let first = self.first?;
        Some((self.last + self.debounce).min(first + self.debounce * PATIENCE))
    }

    /// Takes what there is to tell and starts anew.
    pub(super) fn finish(&mut self) -> Option<WatchEvent> {
        self.first = None;
        let paths = std::mem::take(&mut self.paths);
        match self.rescan.take() {
            Some(reason) => Some(WatchEvent::Rescan { reason }),
            None if paths.is_empty() => None,
            None => Some(WatchEvent::Changed(paths.into_iter().collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        text.parse().unwrap()
    }

    #[test]
    fn a_batch_is_sorted_and_told_once() {
        let mut batch = Batch::new(Duration::from_secs(1));
        assert_eq!(batch.due(), None);
        for name in ["b", "a", "b"] {
            batch.add(path(name));
        }
        assert!(batch.due().is_some());
        assert_eq!(
            batch.finish(),
            Some(WatchEvent::Changed(vec![path("a"), path("b")]))
        );
        assert_eq!((batch.due(), batch.finish()), (None, None));
    }

    #[test]
    fn a_rescan_swallows_single_changes() {
        let mut batch = Batch::new(Duration::from_secs(1));
        batch.add(path("a"));
        batch.rescan("first".to_owned());
        batch.rescan("second".to_owned());
        batch.add(path("b"));
        assert_eq!(
            batch.finish(),
            Some(WatchEvent::Rescan {
                reason: "first".to_owned()
            })
        );
        assert_eq!(batch.finish(), None);
    }

    #[test]
    fn too_many_changes_become_a_rescan() {
        let mut batch = Batch::new(Duration::from_secs(1));
        for n in 0..=MAX_PATHS {
            batch.add(path(&format!("f{n}")));
        }
        assert!(matches!(batch.finish(), Some(WatchEvent::Rescan { .. })));
    }
}
